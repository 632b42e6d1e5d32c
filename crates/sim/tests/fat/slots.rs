//! Files in their slots: what boot learns about a file that people had in their hands, and what is never overwritten.

use std::rc::Rc;

use device::fat::{Edit, Error, Listed, SectorChange, Stamp};
use device::outbox::{DirSlot, Kind, Number};
use sim::card::Card;
use sim::exec::run;

use crate::computer::{files, with_fatfs};
use crate::keeper::{Flash, Keeper, content, formatted, name_of};

/// A card with a sealed recording 5, and the slot and entry that it has.
fn one_recording() -> (Card, Flash, DirSlot, Listed) {
    let card = Card::boot(formatted(1_100_000));
    let flash = Flash::default();
    let work = async {
        let mut keeper = Keeper::boot(card.clone(), Rc::clone(&flash)).await?;
        assert!(keeper.open(5, 40, 6_000).await?);
        keeper.seal(0).await
    };
    run(work).done().unwrap().unwrap();
    let recording = flash.borrow().recordings[0];
    let listed = Listed {
        kind: Kind::Session,
        number: Number(5),
        first_cluster: recording.extent.first,
        bytes: 6_000,
    };
    (card, flash, DirSlot(recording.slot), listed)
}

fn again(card: &Card, flash: &Flash) -> (Card, Keeper) {
    let card = Card::boot(card.image());
    let keeper = run(Keeper::boot(card.clone(), Rc::clone(flash))).done().unwrap();
    (card, keeper.unwrap())
}

#[test]
fn a_file_that_a_computer_deleted_is_gone_and_is_not_removed_again() {
    let (card, flash, slot, listed) = one_recording();
    let (mut card, mut keeper) = again(&card, &flash);
    let found = run(keeper.volume.lookup(&mut card, &keeper.folder, slot))
        .done()
        .unwrap();
    assert_eq!(found, Ok(Some(listed)));

    let mut image = card.image();
    with_fatfs(&mut image, |root| root.remove(&name_of(5)).unwrap());
    let (mut card, mut keeper) = again(&Card::boot(image), &flash);
    let found = run(keeper.volume.lookup(&mut card, &keeper.folder, slot))
        .done()
        .unwrap();
    assert_eq!(found, Ok(None));
    let mut change = [0; SectorChange::BYTES];
    let remove = Edit::Remove(listed);
    let remove = keeper
        .volume
        .plan_entry(&mut card, &keeper.folder, slot, remove, &mut change);
    assert_eq!(run(remove).done(), Some(Err(Error::Taken)));
    let extent = flash.borrow().recordings[0].extent;
    let free = keeper.volume.plan(&mut card, extent, extent.clusters, 0);
    assert_eq!(run(free).done(), Some(Err(Error::Taken)));
}

#[test]
fn a_file_that_a_computer_made_longer_is_listed_with_its_length_and_is_not_taken_for_ours() {
    let (card, flash, slot, listed) = one_recording();
    let mut image = card.image();
    with_fatfs(&mut image, |root| {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = root.open_file(&name_of(5)).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"a note").unwrap();
    });
    let (mut card, mut keeper) = again(&Card::boot(image), &flash);
    let found = run(keeper.volume.lookup(&mut card, &keeper.folder, slot))
        .done()
        .unwrap();
    let longer = Listed {
        bytes: 6_006,
        ..listed
    };
    assert_eq!(found, Ok(Some(longer)));
    let mut change = [0; SectorChange::BYTES];
    let remove = Edit::Remove(listed);
    let remove = keeper
        .volume
        .plan_entry(&mut card, &keeper.folder, slot, remove, &mut change);
    assert_eq!(run(remove).done(), Some(Err(Error::Taken)));
}

#[test]
fn no_file_is_put_into_a_slot_that_somebody_has() {
    let (card, flash, slot, listed) = one_recording();
    let mut image = card.image();
    // More than fits before the first slot.
    with_fatfs(&mut image, |root| {
        for index in 0..9 {
            root.create_file(&format!("/FIELDPOST/._sess_00000{index}.csv"))
                .unwrap();
        }
    });
    let before = files(&image);
    let (mut card, mut keeper) = again(&Card::boot(image), &flash);
    let other = Listed {
        number: Number(6),
        ..listed
    };
    let mut taken = 0;
    for index in 0..20 {
        let create = Edit::Create(other, Stamp::UNKNOWN);
        let slot = DirSlot(index);
        let mut change = [0; SectorChange::BYTES];
        let plan = keeper
            .volume
            .plan_entry(&mut card, &keeper.folder, slot, create, &mut change);
        match run(plan).done().unwrap() {
            Err(error) => {
                assert_eq!(error, Error::Taken);
                taken += 1;
            }
            Ok(()) => {
                let change = SectorChange(&change);
                let mut image = card.image();
                image.write(change.lba(), change.data().try_into().unwrap());
                let mut after = files(&image);
                assert!(after.remove(&name_of(6)).is_some(), "slot {index}");
                assert!(after == before, "slot {index}");
            }
        }
    }
    assert!(taken > 2, "{taken}");
    assert_eq!(before[&name_of(5)], content(5, 6_000));
    let free = run(keeper.volume.free_slot(&mut card, &keeper.folder, slot))
        .done()
        .unwrap()
        .unwrap();
    assert!(free.is_some_and(|free| free != slot));
    let last = keeper.folder.slots();
    let beyond = keeper.volume.lookup(&mut card, &keeper.folder, DirSlot(last));
    assert_eq!(run(beyond).done(), Some(Err(Error::Astray)));
}

#[test]
fn an_entry_is_for_one_card_and_for_its_files_only() {
    let (card, flash, slot, listed) = one_recording();
    let (mut card, mut keeper) = again(&card, &flash);
    let mut bytes = [0; SectorChange::BYTES];
    let remove = Edit::Remove(listed);
    let plan = keeper
        .volume
        .plan_entry(&mut card, &keeper.folder, slot, remove, &mut bytes);
    run(plan).done().unwrap().unwrap();
    let change = SectorChange(&bytes);
    let written = card.sectors_written();
    for (serial, lba, error) in [
        (change.serial() ^ 1, change.lba(), Error::OtherCard),
        (change.serial(), 5, Error::Astray),
        (change.serial(), 1_099_999 + 1, Error::Astray),
    ] {
        let mut wrong = bytes;
        wrong[..4].copy_from_slice(&serial.to_le_bytes());
        wrong[4..8].copy_from_slice(&lba.to_le_bytes());
        let apply = keeper.volume.apply_entry(&mut card, SectorChange(&wrong));
        assert_eq!(run(apply).done(), Some(Err(error)));
    }
    assert_eq!(card.sectors_written(), written);
    run(keeper.volume.apply_entry(&mut card, change))
        .done()
        .unwrap()
        .unwrap();
    run(keeper.volume.apply_entry(&mut card, change))
        .done()
        .unwrap()
        .unwrap();
    assert_eq!(card.sectors_written(), written + 1);
}
