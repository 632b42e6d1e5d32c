//! The power goes at every sector that a recorder's life writes, in both fault models, and again while boot repairs.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use device::fat::{Error, format};
use sim::card::{Card, CardError, Image, Tear};
use sim::exec::{Outcome, run};

use crate::computer::{Files, assert_clean, files, with_fatfs};
use crate::keeper::{Failure, Flash, Keeper, Ledger, assert_holds};

/// 48 MiB: the smallest clusters, so a small recording spans several sectors of the tables.
const CARD_SECTORS: u32 = 98_304;

/// A card with a stranger's files on it, next to which our runs begin and end in the middle of the tables' sectors.
fn used_card() -> Image {
    let card = Card::boot(Image::blank(CARD_SECTORS));
    run(format(&mut card.clone(), 0x1234_5678))
        .done()
        .unwrap()
        .unwrap();
    let mut image = card.image();
    with_fatfs(&mut image, |root| {
        let mut photo = root.create_file("A photo of somebody else.jpg").unwrap();
        photo.write_all(&vec![0xAB; 40_000]).unwrap();
        // No folders: those that `fatfs` makes are not to the liking of fsck.fat.
        let mut song = root.create_file("song.mp3").unwrap();
        song.write_all(b"la la la").unwrap();
    });
    // With the recordings' folder: cuts while that is made are another test's.
    let card = Card::boot(image);
    assert!(
        run(Keeper::boot(card.clone(), Flash::default()))
            .done()
            .unwrap()
            .is_ok()
    );
    card.image()
}

/// Every kind of change, and runs that end in the first, in a middle and in the last entry of a sector.
async fn life(card: Card, flash: Flash) -> Result<(), Failure> {
    let mut keeper = Keeper::boot(card, flash).await?;
    assert!(keeper.open(1, 300, 3_000).await?);
    keeper.seal(0).await?;
    assert!(keeper.open(2, 5, 2_560).await?);
    assert!(keeper.open(3, 256, 100).await?);
    keeper.seal(1).await?;
    keeper.delete(0).await?;
    keeper.seal(1).await?;
    assert!(keeper.open(4, 130, 700).await?);
    keeper.seal(2).await
}

struct Crash {
    image: Image,
    ledger: Ledger,
}

/// Lives until the power goes after so many sectors; `None` where it lived to the end.
fn crash(base: &Image, writes: u64, tear: Tear) -> Option<Crash> {
    let card = Card::boot(base.clone());
    let flash = Flash::default();
    card.cut_after(writes, tear);
    match run(life(card.clone(), Rc::clone(&flash))) {
        Outcome::Done(outcome) => {
            outcome.unwrap();
            None
        }
        Outcome::Cut => Some(Crash {
            image: card.image(),
            ledger: flash.borrow().clone(),
        }),
    }
}

/// Boots once more, with the power going again after so many sectors, if it is to.
fn boot(crash: &Crash, cut: Option<(u64, Tear)>) -> (Crash, bool) {
    let card = Card::boot(crash.image.clone());
    let flash: Flash = Rc::new(RefCell::new(crash.ledger.clone()));
    if let Some((writes, tear)) = cut {
        card.cut_after(writes, tear);
    }
    let is_up = match run(Keeper::boot(card.clone(), Rc::clone(&flash))) {
        Outcome::Done(outcome) => {
            outcome.unwrap_or_else(|error| panic!("boot refuses the card: {error:?}"));
            true
        }
        Outcome::Cut => false,
    };
    let after = Crash {
        image: card.image(),
        ledger: flash.borrow().clone(),
    };
    (after, is_up)
}

fn assert_strangers(found: &Files, meant: &Files, when: &str) {
    for (path, bytes) in meant {
        assert!(found.get(path) == Some(bytes), "{path} was harmed {when}");
    }
}

/// Both models; of the second, garbage of every kind.
fn tears(writes: u64) -> [Tear; 6] {
    let garbage = |kind| Tear::Garbage(writes * 5 + kind);
    [
        Tear::Whole,
        garbage(0),
        garbage(1),
        garbage(2),
        garbage(3),
        garbage(4),
    ]
}

#[test]
fn after_a_cut_anywhere_boot_makes_a_card_that_others_find_nothing_wrong_with() {
    let base = used_card();
    let strangers = files(&base);
    let mut cuts = 0;
    for writes in 0.. {
        if crash(&base, writes, Tear::Whole).is_none() {
            break;
        }
        for tear in tears(writes) {
            let when = format!("after {writes} sectors, {tear:?}");
            let crash = crash(&base, writes, tear).unwrap();
            let (after, is_up) = boot(&crash, None);
            assert!(is_up);
            let found = files(&after.image);
            assert_strangers(&found, &strangers, &when);
            assert_holds(&after.image, &after.ledger, &found, &when);
            assert_clean(&after.image, &when);
            cuts += 1;
        }
    }
    assert!(cuts > 400, "only {cuts} cuts");
}

#[test]
fn a_cut_while_boot_repairs_changes_nothing() {
    let base = used_card();
    let mut cuts = 0;
    for writes in 0.. {
        if crash(&base, writes, Tear::Whole).is_none() {
            break;
        }
        for tear in tears(writes) {
            let crash = crash(&base, writes, tear).unwrap();
            let (straight, _) = boot(&crash, None);
            for again in 0.. {
                let (halfway, is_up) =
                    boot(&crash, Some((again, tears(writes + again)[(again % 6) as usize])));
                let (after, _) = boot(&halfway, None);
                assert!(
                    after.image == straight.image && after.ledger.recordings == straight.ledger.recordings,
                    "cut after {writes} sectors, {tear:?}, and after {again} of the repair"
                );
                if is_up {
                    break;
                }
                cuts += 1;
            }
        }
    }
    assert!(cuts > 400, "only {cuts} cuts");
}

#[test]
fn a_card_that_was_pulled_is_finished_when_it_is_back() {
    let base = used_card();
    for writes in (0..).step_by(3) {
        let card = Card::boot(base.clone());
        let flash = Flash::default();
        card.pull_after(writes);
        match run(life(card.clone(), Rc::clone(&flash))).done().unwrap() {
            Ok(()) => break,
            Err(error) => assert_eq!(error, Error::Card(CardError::Gone)),
        }
        card.insert();
        let keeper = run(Keeper::boot(card.clone(), Rc::clone(&flash))).done().unwrap();
        assert!(keeper.is_ok());
        let when = format!("pulled after {writes} sectors");
        assert_holds(&card.image(), &flash.borrow(), &files(&card.image()), &when);
        assert_clean(&card.image(), &when);
    }
}

#[test]
fn a_cut_while_formatting_leaves_a_card_that_may_be_formatted() {
    let base = used_card();
    for writes in (0..).step_by(7) {
        for tear in tears(writes) {
            let card = Card::boot(base.clone());
            card.cut_after(writes, tear);
            if !run(format(&mut card.clone(), 1)).is_cut() {
                assert!(writes > 1_000, "formatting writes both tables");
                assert_clean(&card.image(), "after formatting");
                assert_eq!(files(&card.image()).len(), 0);
                return;
            }
            let image = card.image();
            let mounted = run(device::fat::Volume::mount(&mut Card::boot(image.clone())))
                .done()
                .unwrap();
            // Before the first sector was written, the card is as it was.
            assert!(
                writes == 0 || mounted.is_err(),
                "half formatted, {writes} sectors, {tear:?}"
            );
            let again = Card::boot(image);
            run(format(&mut again.clone(), 2)).done().unwrap().unwrap();
        }
    }
}
