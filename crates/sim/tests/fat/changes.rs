//! Changes of the tables: what they write, what they refuse, and what they do with a card that was changed behind our back.

use device::block::BlockDevice;
use device::fat::{Error, FatChange, format};
use device::outbox::Extent;
use sim::card::{Card, Image, Tear};
use sim::exec::run;

use crate::computer::{layout, volume_start, with_fatfs};
use crate::keeper::{formatted, mount};

/// A card whose power went after the first sector of the first table of a change, and the change.
fn half_linked() -> (Image, FatChange) {
    let mut card = Card::boot(formatted(300_000));
    let mut volume = mount(&card.image()).unwrap();
    let extent = Extent {
        first: 100,
        clusters: 60,
    };
    let change = run(volume.plan(&mut card, extent, 0, 60))
        .done()
        .unwrap()
        .unwrap();
    card.cut_after(1, Tear::Whole);
    assert!(run(volume.apply(&mut card, &change)).is_cut());
    (card.image(), change)
}

#[test]
fn an_intent_is_for_one_card_only() {
    let (_, change) = half_linked();
    let other = Card::boot(Image::blank(300_000));
    run(format(&mut other.clone(), 0xFEED_0002))
        .done()
        .unwrap()
        .unwrap();
    let mut volume = mount(&other.image()).unwrap();
    let written = other.sectors_written();
    assert_eq!(
        run(volume.redo(&mut other.clone(), &change)).done(),
        Some(Err(Error::OtherCard))
    );
    assert_eq!(other.sectors_written(), written);
}

#[test]
fn clusters_that_a_computer_took_after_the_cut_are_not_taken_back() {
    let (mut image, change) = half_linked();
    let [table, table_sectors, ..] = layout(&image);
    // It found the run free in the tables that it repaired from the second, and put a file of its own there.
    let mut sector = image.read(table + table_sectors);
    sector[101 * 4..][..4].copy_from_slice(&0x0FFF_FFF8_u32.to_le_bytes());
    image.write(table, &sector);
    image.write(table + table_sectors, &sector);
    let mut card = Card::boot(image.clone());
    let mut volume = mount(&image).unwrap();
    assert_eq!(
        run(volume.redo(&mut card, &change)).done(),
        Some(Err(Error::Changed))
    );
    assert!(card.image() == image);
}

#[test]
fn what_a_computer_did_beside_our_clusters_after_the_cut_stays() {
    let (mut image, change) = half_linked();
    with_fatfs(&mut image, |root| {
        root.create_file("note.txt").unwrap();
    });
    let [table, table_sectors, ..] = layout(&image);
    for copy in [table, table + table_sectors] {
        let mut sector = image.read(copy);
        sector[40 * 4..][..4].copy_from_slice(&0x0FFF_FFF8_u32.to_le_bytes());
        image.write(copy, &sector);
    }
    let mut card = Card::boot(image.clone());
    let mut volume = mount(&image).unwrap();
    run(volume.redo(&mut card, &change)).done().unwrap().unwrap();
    let (first, second) = (card.image().read(table), card.image().read(table + table_sectors));
    assert_eq!(first, second);
    assert_eq!(first[160..164], [0xF8, 0xFF, 0xFF, 0x0F]);
    assert_eq!(first[400..404], [101, 0, 0, 0]);
}

#[test]
fn clusters_that_are_not_as_the_ledger_says_are_left_alone() {
    let mut card = Card::boot(formatted(300_000));
    let mut volume = mount(&card.image()).unwrap();
    let extent = Extent {
        first: 300,
        clusters: 40,
    };
    let mut plan = |extent, before, after| run(volume.plan(&mut card, extent, before, after)).done().unwrap();
    assert_eq!(plan(extent, 40, 20), Err(Error::Taken), "never linked");
    assert_eq!(
        plan(
            Extent {
                first: 2,
                clusters: 2
            },
            0,
            2
        ),
        Err(Error::Taken),
        "the top folder's"
    );
    assert_eq!(
        plan(
            Extent {
                first: 1,
                clusters: 2
            },
            0,
            2
        ),
        Err(Error::Astray)
    );
    assert_eq!(
        plan(
            Extent {
                first: 149_000,
                clusters: 20_000
            },
            0,
            2
        ),
        Err(Error::Astray)
    );
    assert_eq!(
        plan(
            Extent {
                first: u32::MAX,
                clusters: 2
            },
            0,
            2
        ),
        Err(Error::Astray)
    );
    assert_eq!(plan(extent, 0, 41), Err(Error::Astray));
}

#[test]
fn tables_that_differ_are_made_the_same_before_they_have_to_stand_in_for_each_other() {
    let mut image = formatted(300_000);
    let [table, table_sectors, ..] = layout(&image);
    image.write(table + table_sectors, &[0x77; 512]);
    for tear in [Tear::Garbage(0), Tear::Garbage(1), Tear::Garbage(2)] {
        let card = Card::boot(image.clone());
        let mut volume = mount(&image).unwrap();
        let extent = Extent {
            first: 10,
            clusters: 20,
        };
        let change = run(volume.plan(&mut card.clone(), extent, 0, 20))
            .done()
            .unwrap()
            .unwrap();
        card.cut_after(0, tear);
        assert!(run(volume.apply(&mut card.clone(), &change)).is_cut());
        let mut card = Card::boot(card.image());
        run(mount(&card.image()).unwrap().redo(&mut card, &change))
            .done()
            .unwrap()
            .unwrap();
        let after = card.image();
        assert_eq!(after.read(table), after.read(table + table_sectors), "{tear:?}");
        assert_eq!(after.read(table)[..40], image.read(table)[..40], "{tear:?}");
    }
}

#[test]
fn a_run_is_found_from_where_the_last_one_ended_without_reading_all_of_the_table() {
    let mut card = Card::boot(formatted(64 << 21));
    let mut volume = mount(&card.image()).unwrap();
    let before = card.sectors_read();
    let found = run(volume.find_run(&mut card, 1024, 700_000))
        .done()
        .unwrap()
        .unwrap();
    assert_eq!(
        found,
        Some(Extent {
            first: 700_000,
            clusters: 1024
        })
    );
    assert!(card.sectors_read() - before <= 9);
    let last = card.sectors();
    assert!(
        volume
            .sectors_of(found.unwrap())
            .is_some_and(|(first, sectors)| first + sectors <= last)
    );
}

#[test]
fn a_search_goes_round_the_end_and_gives_the_longest_where_none_is_long_enough() {
    let mut card = Card::boot(formatted(100_000));
    let mut volume = mount(&card.image()).unwrap();
    let free = volume.free_clusters().unwrap();
    let end = free + 3;
    let mut take = |first, clusters| {
        let extent = Extent { first, clusters };
        let change = run(volume.plan(&mut card, extent, 0, clusters))
            .done()
            .unwrap()
            .unwrap();
        run(volume.apply(&mut card, &change)).done().unwrap().unwrap();
        extent
    };
    take(1_000, 10);
    take(50_000, 20);
    let mut find = |clusters, from| {
        run(volume.find_run(&mut card, clusters, from))
            .done()
            .unwrap()
            .unwrap()
    };
    assert_eq!(
        find(100, end - 50),
        Some(Extent {
            first: 3,
            clusters: 100
        })
    );
    assert_eq!(
        find(60, 980),
        Some(Extent {
            first: 1_010,
            clusters: 60
        })
    );
    // Only a run that lies across the beginning of the search is long enough.
    assert_eq!(
        find(48_980, 30_000),
        Some(Extent {
            first: 1_010,
            clusters: 48_980
        })
    );
    assert_eq!(
        find(60_000, 5),
        Some(Extent {
            first: 1_010,
            clusters: 48_990
        })
    );
}

/// So that whatever is cut, one of the tables is of one piece: a computer that repairs from it loses at most the change.
#[test]
fn the_first_table_is_finished_before_the_second_is_begun_and_the_free_count_comes_last() {
    let card = Card::boot(formatted(300_000));
    let mut volume = mount(&card.image()).unwrap();
    let [table, table_sectors, ..] = layout(&card.image());
    let extent = Extent {
        first: 100,
        clusters: 300,
    };
    let change = run(volume.plan(&mut card.clone(), extent, 0, 300))
        .done()
        .unwrap()
        .unwrap();
    run(volume.apply(&mut card.clone(), &change))
        .done()
        .unwrap()
        .unwrap();
    let first = table..table + 4;
    let second = first.clone().map(|lba| lba + table_sectors);
    let meant: Vec<u32> = first
        .chain(second)
        .chain([volume_start(&card.image()) + 1])
        .collect();
    let written: Vec<u32> = card.log().iter().map(|written| written.lba).collect();
    assert_eq!(written, meant);
}
