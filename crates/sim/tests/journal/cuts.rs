use rand::RngExt;
use sim::nor::{BLOCK_BYTES, Fault, Nor, Operation};
use sim::seeded;

use crate::support::{Change, Content, content, expect_old_or_new, mount, read_all, run, script};

/// The fewest that it works with: pages are turned over as often as can be.
const BLOCKS: usize = 4;

/// What the script did to the flash, and which change each operation belongs to.
struct Uncut {
    operations: Vec<Operation>,
    ends: Vec<usize>,
}

fn uncut(changes: &[Change]) -> Uncut {
    let mut nor = Nor::blank(BLOCKS).recording();
    let mut ends = Vec::new();
    let mut held = Content::new();
    for change in changes {
        let (mut journal, _) = mount(&mut nor).unwrap();
        run(change.make(&mut journal)).unwrap().unwrap();
        change.apply(&mut held);
        assert_eq!(read_all(&mut journal), held);
        ends.push(nor.log().len());
    }
    assert_eq!(nor.spent().impossible_programs, 0);
    assert!(nor.spent().erases > 12, "the ring goes round several times");
    Uncut {
        operations: nor.log().to_vec(),
        ends,
    }
}

/// Boots from an image, says whether `interrupted` is old or new, and goes on as a device does.
fn go_on(image: Vec<u8>, before: &Content, changes: &[Change], whence: &str) {
    let mut nor = Nor::from_image(image);
    let mut held = content(&mut nor);
    expect_old_or_new(&held, before, &changes[0], whence);
    let (mut journal, _) = mount(&mut nor).unwrap();
    for change in changes.iter().take(12) {
        run(change.make(&mut journal))
            .unwrap()
            .unwrap_or_else(|error| panic!("{whence}: {error:?} afterwards"));
        change.apply(&mut held);
    }
    assert_eq!(read_all(&mut journal), held, "{whence}");
    assert_eq!(content(&mut nor), held, "{whence}, one boot later");
}

#[test]
fn a_cut_at_any_operation_leaves_the_old_or_the_new_and_a_flash_that_works() {
    let mut worlds = 0;
    for seed in 0..3 {
        let changes = script(seed, 500);
        let Uncut { operations, ends } = uncut(&changes);
        let mut image = vec![0xFF; BLOCKS * BLOCK_BYTES];
        let mut before = Content::new();
        let mut change = 0;
        for (index, operation) in operations.iter().enumerate() {
            while ends[change] <= index {
                changes[change].apply(&mut before);
                change += 1;
            }
            let torn = match operation {
                Operation::Program { .. } => 6,
                Operation::Erase { .. } => 60,
            };
            let faults = (0..torn).map(|nth| Fault::Torn(seed << 32 | (index as u64) << 8 | nth));
            for fault in faults.chain([Fault::Before, Fault::After]) {
                let mut cut = image.clone();
                operation.interrupt(&mut cut, fault);
                let whence = format!("script {seed}, operation {index}, {fault:?}");
                go_on(cut, &before, &changes[change..], &whence);
                worlds += 1;
            }
            operation.carry_out(&mut image);
        }
    }
    assert!(worlds > 10_000, "{worlds} cuts");
}

/// One device through many cuts, some of them in the first operations after a boot.
fn live(seed: u64) {
    let mut rng = seeded(seed);
    let changes = script(seed, 120);
    let mut nor = Nor::blank(BLOCKS);
    let mut held = Content::new();
    let mut done = 0;
    let mut cuts_left: u32 = rng.random_range(1..30);
    while done < changes.len() {
        if cuts_left > 0 {
            let soon = if rng.random() { 8 } else { 120 };
            nor.cut_at(rng.random_range(0..soon), Fault::Torn(rng.random()));
            cuts_left -= 1;
        }
        let change = run(async {
            let (mut journal, _) = device::flash::journal::Journal::mount(&mut nor).await.unwrap();
            while let Some(change) = changes.get(done) {
                change.make(&mut journal).await.unwrap();
                change.apply(&mut held);
                done += 1;
            }
        });
        if change.is_some() {
            break;
        }
        nor = nor.next_boot();
        let found = content(&mut nor);
        match changes.get(done) {
            Some(change) => expect_old_or_new(&found, &held, change, &format!("world {seed}")),
            None => assert_eq!(found, held, "world {seed}"),
        }
        held = found;
    }
    assert_eq!(content(&mut nor), held, "world {seed}");
}

#[test]
fn any_number_of_cuts_leaves_what_was_kept() {
    for seed in 0..12_000 {
        live(seed);
    }
}

/// However often the power goes in the middle of making room, the device gets on once it stays.
#[test]
fn cuts_at_the_same_operation_for_ever_use_nothing_up() {
    let changes = script(7, 400);
    for at in 0..24 {
        let mut nor = Nor::blank(BLOCKS);
        let mut held = Content::new();
        for (nth, change) in changes.iter().enumerate() {
            // Every change is tried three times without success, then once with.
            for attempt in 0..3 {
                nor.cut_at(at, Fault::Torn((at << 32) | (nth as u64 * 3 + attempt)));
                let made = run(async {
                    let (mut journal, _) = device::flash::journal::Journal::mount(&mut nor).await.unwrap();
                    change.make(&mut journal).await.unwrap();
                });
                nor = nor.next_boot();
                let found = content(&mut nor);
                if made.is_some() {
                    change.apply(&mut held);
                    assert_eq!(found, held);
                } else {
                    expect_old_or_new(&found, &held, change, "again and again");
                    held = found;
                }
            }
            let (mut journal, _) = mount(&mut nor).unwrap();
            run(change.make(&mut journal)).unwrap().unwrap();
            change.apply(&mut held);
        }
        assert_eq!(content(&mut nor), held);
    }
}
