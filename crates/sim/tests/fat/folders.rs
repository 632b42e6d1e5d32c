//! Making `/FIELDPOST` in top folders of any fill, and taking over one that a computer made.

use std::rc::Rc;

use device::fat::Error;
use device::outbox::Number;
use sim::card::{Card, Image, Tear};
use sim::exec::run;

use crate::computer::{Linux, assert_clean, files, layout, mkfs, with_fatfs};
use crate::keeper::{Flash, Keeper, content, formatted, mount};

/// A top folder with so many strangers' entries behind the label; what stands after the end is not zero.
fn crowded(base: &Image, entries: usize) -> Image {
    let mut image = base.clone();
    let [table, table_sectors, data, cluster_sectors] = layout(&image);
    let in_cluster = cluster_sectors as usize * 16;
    let clusters = (entries + 1).div_ceil(in_cluster);
    // To the end of the sector in which the new entries' end will be.
    let stale_end =
        (entries + 3).next_multiple_of(16) + if (entries + 3).is_multiple_of(16) { 16 } else { 0 };
    for index in 0..clusters * in_cluster {
        let lba = data + (index / 16) as u32;
        let mut sector = image.read(lba);
        let entry = &mut sector[index % 16 * 32..][..32];
        if index > entries {
            let is_stale = index > entries + 1 && index < stale_end;
            entry.fill(if is_stale { 0x41 } else { 0 });
        } else if index > 0 {
            entry[..11].copy_from_slice(format!("FILE{index:04}TXT").as_bytes());
            entry[11] = 0x20;
        }
        image.write(lba, &sector);
    }
    let mut chain = image.read(table);
    for cluster in 2..2 + clusters as u32 {
        let next = if cluster < 1 + clusters as u32 {
            cluster + 1
        } else {
            0x0FFF_FFFF
        };
        chain[cluster as usize * 4..][..4].copy_from_slice(&next.to_le_bytes());
    }
    image.write(table, &chain);
    image.write(table + table_sectors, &chain);
    run(mount(&image).unwrap().count_free(&mut Card::boot(image.clone())))
        .done()
        .unwrap()
        .unwrap();
    let card = Card::boot(image.clone());
    run(mount(&image).unwrap().count_free(&mut card.clone()))
        .done()
        .unwrap()
        .unwrap();
    card.image()
}

#[test]
fn the_folder_is_made_in_a_top_folder_of_any_fill_whatever_is_cut() {
    // Two sectors a cluster.
    let base = formatted(300_000);
    for entries in (11..20).chain(27..36) {
        let image = crowded(&base, entries);
        let before = files(&image);
        assert_eq!(before.len(), entries);
        for writes in (0..).map(|step: u64| if step < 4 { step } else { step + 105 }) {
            let mut is_done = false;
            for tear in [Tear::Whole, Tear::Garbage(writes), Tear::Garbage(writes + 3)] {
                let card = Card::boot(image.clone());
                let flash = Flash::default();
                card.cut_after(writes, tear);
                is_done = !run(Keeper::boot(card.clone(), Rc::clone(&flash))).is_cut();
                let when = format!("with {entries} entries, cut after {writes} sectors, {tear:?}");
                let card = Card::boot(card.image());
                let up = run(Keeper::boot(card.clone(), flash)).done().unwrap();
                assert_eq!(up.map(|keeper| keeper.folder.slots()), Ok(512), "{when}");
                let mut after = files(&card.image());
                assert!(after.remove("/FIELDPOST/").is_some(), "{when}");
                assert!(after == before, "{when}");
                assert_clean(&card.image(), &when);
            }
            if is_done {
                break;
            }
        }
    }
}

/// What a person gets who copies the files of one card to another: so many of them, in a folder that is not in one piece if
/// they are many.
fn copied_card(recordings: u32) -> Option<Image> {
    let linux = Linux::with(&mkfs(66_000 * 8 + 4_000, &["-F", "32", "-s", "8"])?)?;
    linux.run("mmd", &["::FIELDPOST"]);
    for number in 0..recordings {
        linux.put(
            "::FIELDPOST",
            &format!("sess_{number:06}.csv"),
            &content(number, 700),
        );
    }
    Some(linux.image())
}

#[test]
fn a_folder_that_a_computer_made_is_taken_over_whatever_is_cut() {
    for recordings in [0, 5, 60] {
        let Some(image) = copied_card(recordings) else {
            return;
        };
        let before = files(&image);
        for writes in 0_u64.. {
            let card = Card::boot(image.clone());
            let flash = Flash::default();
            card.cut_after(
                writes,
                if writes % 2 == 0 {
                    Tear::Whole
                } else {
                    Tear::Garbage(writes)
                },
            );
            let is_done = !run(Keeper::boot(card.clone(), Rc::clone(&flash))).is_cut();
            let when = format!("with {recordings} recordings, cut after {writes} sectors");
            let mut card = Card::boot(card.image());
            let mut keeper = run(Keeper::boot(card.clone(), Rc::clone(&flash)))
                .done()
                .unwrap()
                .unwrap();
            assert!(files(&card.image()) == before, "{when}");
            let highest = run(keeper.volume.highest_number(&mut card, &keeper.folder))
                .done()
                .unwrap();
            assert_eq!(highest, Ok(recordings.checked_sub(1).map(Number)), "{when}");
            if recordings < 60 {
                assert_eq!(
                    run(keeper.open(100, 20, 9_000)).done().unwrap(),
                    Ok(true),
                    "{when}"
                );
                run(keeper.seal(0)).done().unwrap().unwrap();
                assert_eq!(
                    files(&card.image())["/FIELDPOST/sess_000100.csv"],
                    content(100, 9_000)
                );
            }
            assert_clean(&card.image(), &when);
            if is_done {
                break;
            }
        }
    }
}

#[test]
fn a_file_of_that_name_and_a_folder_that_is_too_small_are_left_alone_with_words() {
    for is_folder in [false, true] {
        let mut image = formatted(300_000);
        with_fatfs(&mut image, |root| {
            if is_folder {
                root.create_dir("Fieldpost").unwrap();
            } else {
                root.create_file("Fieldpost").unwrap();
            }
        });
        let card = Card::boot(image.clone());
        let up = run(Keeper::boot(card.clone(), Flash::default())).done().unwrap();
        assert_eq!(up.map(|_| ()), Err(Error::FolderInTheWay));
        assert!(card.image() == image);
    }
    assert!(Error::<()>::FolderInTheWay.to_string().contains("rename"));
}
