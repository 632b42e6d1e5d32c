//! Cards as people bring them: formatted by others, filled by others, changed by others behind our back.

use std::process::Command;
use std::rc::Rc;

use device::block::BlockDevice;
use device::fat::{Error, FatChange, Refusal, Volume, format};
use device::outbox::Extent;
use sim::card::{Card, Image, Tear};
use sim::exec::run;

use crate::computer::{assert_clean, export, files, mkfs, tool, volume_start, with_fatfs};
use crate::keeper::{Failure, Flash, Keeper, assert_holds};

fn mount(image: &Image) -> Result<Volume, Failure> {
    run(Volume::mount(&mut Card::boot(image.clone()))).done().unwrap()
}

fn formatted(sectors: u32) -> Image {
    let card = Card::boot(Image::blank(sectors));
    run(format(&mut card.clone(), 0xFEED_0001))
        .done()
        .unwrap()
        .unwrap();
    card.image()
}

/// Three recordings of several clusters, one deleted, one left open, and what is then wrong with the card.
fn record_on(image: &Image, when: &str) -> Image {
    let card = Card::boot(image.clone());
    let flash = Flash::default();
    let work = async {
        let mut keeper = Keeper::boot(card.clone(), Rc::clone(&flash)).await?;
        let bytes = keeper.volume.geometry().cluster_bytes();
        for (index, number) in [7, 8, 9].into_iter().enumerate() {
            assert!(keeper.open(number, 140, bytes + 100).await?);
            if index < 2 {
                keeper.seal(index).await?;
            }
        }
        keeper.delete(0).await
    };
    run(work)
        .done()
        .unwrap()
        .unwrap_or_else(|error| panic!("{error:?} {when}"));
    let after = card.image();
    assert_holds(&after, &flash.borrow(), &files(&after), when);
    assert_clean(&after, when);
    after
}

#[test]
fn volumes_with_clusters_of_every_size_are_ours_to_use() {
    for cluster_sectors in [1_u32, 2, 4, 8, 16, 32, 64, 128] {
        let sectors = 66_000 * cluster_sectors + 4_000;
        let size = cluster_sectors.to_string();
        let Some(image) = mkfs(sectors, &["-F", "32", "-s", &size, "-n", "MY CARD"]) else {
            return;
        };
        let when = format!("with clusters of {cluster_sectors} sectors");
        let volume = mount(&image).unwrap_or_else(|error| panic!("{error:?} {when}"));
        assert_eq!(volume.geometry().cluster_bytes(), cluster_sectors * 512);
        record_on(&image, &when);
    }
}

#[test]
fn cards_of_every_size_are_formatted_so_that_computers_agree() {
    let gib = 1 << 21;
    for sectors in [
        100_000,
        131_200,
        300_000,
        gib - 1,
        2 * gib + 77,
        4 * gib,
        32 * gib,
        64 * gib + 9_999,
    ] {
        let image = formatted(sectors);
        let when = format!("on a card of {sectors} sectors");
        assert_clean(&image, &when);
        assert_eq!(
            mount(&image).unwrap().free_clusters(),
            run_count(&image),
            "{when}"
        );
        record_on(&image, &when);
    }
}

fn run_count(image: &Image) -> Option<u32> {
    let mut card = Card::boot(image.clone());
    let mut volume = mount(image).unwrap();
    Some(run(volume.count_free(&mut card)).done().unwrap().unwrap())
}

#[test]
fn a_card_that_cannot_be_fat32_is_not_formatted() {
    let card = Card::boot(Image::blank(60_000));
    let outcome = run(format(&mut card.clone(), 1)).done().unwrap();
    assert_eq!(outcome, Err(Error::Refused(Refusal::TooSmall)));
    assert_eq!(card.sectors_written(), 0);
}

/// A card's first sector, changed.
fn with_first_sector(image: &Image, change: impl FnOnce(&mut [u8; 512])) -> Image {
    let mut image = image.clone();
    let lba = volume_start(&image);
    let mut sector = image.read(lba);
    change(&mut sector);
    image.write(lba, &sector);
    image
}

#[test]
fn what_is_no_fat32_of_ours_is_refused_with_a_reason_and_a_way_out() {
    let good = formatted(300_000);
    let named = |name: &[u8; 8]| with_first_sector(&good, |boot| boot[3..11].copy_from_slice(name));
    let mut gpt = Image::blank(300_000);
    let mut first = [0; 512];
    first[450] = 0xEE;
    first[454] = 1;
    first[510..].copy_from_slice(&[0x55, 0xAA]);
    gpt.write(0, &first);
    let cases = [
        (Image::blank(300_000), Refusal::NoFileSystem),
        (named(b"EXFAT   "), Refusal::ExFat),
        (named(b"NTFS    "), Refusal::Ntfs),
        (gpt, Refusal::Gpt),
        (with_first_sector(&good, |boot| boot[16] = 1), Refusal::OneFat),
        (
            with_first_sector(&good, |boot| boot[40] = 0x81),
            Refusal::NoMirror,
        ),
        (
            with_first_sector(&good, |boot| boot[12] = 16),
            Refusal::SectorSize { bytes: 4096 },
        ),
        (with_first_sector(&good, |boot| boot[17] = 1), Refusal::SmallFat),
        (
            with_first_sector(&good, |boot| boot[44] = 1),
            Refusal::Inconsistent,
        ),
        (
            with_first_sector(&good, |boot| boot[39] = 0xFF),
            Refusal::Inconsistent,
        ),
        (
            with_first_sector(&good, |boot| boot[35] = 0x7F),
            Refusal::Inconsistent,
        ),
        (
            with_first_sector(&good, |boot| boot[33] += 1),
            Refusal::LargerThanCard,
        ),
    ];
    for (image, refusal) in cases {
        assert_eq!(mount(&image).map(|_| ()), Err(Error::Refused(refusal)));
        let words = refusal.to_string();
        assert!(words.contains("card"), "{words}");
    }
}

#[test]
fn other_formats_as_linux_makes_them_are_refused() {
    let cases: [(u32, &[&str], Refusal); 4] = [
        (20_000, &["-F", "12"], Refusal::SmallFat),
        (100_000, &["-F", "16"], Refusal::SmallFat),
        (100_000, &["-F", "32", "-s", "1", "-f", "1"], Refusal::OneFat),
        (
            800_000,
            &["-F", "32", "-S", "4096", "-s", "1"],
            Refusal::SectorSize { bytes: 4096 },
        ),
    ];
    for (sectors, args, refusal) in cases {
        let Some(image) = mkfs(sectors, args) else { return };
        assert_eq!(
            mount(&image).map(|_| ()),
            Err(Error::Refused(refusal)),
            "{args:?}"
        );
    }
}

#[test]
fn the_volume_may_be_in_any_partition() {
    let mut image = formatted(300_000);
    let mut table = image.read(0);
    let entry: [u8; 16] = table[446..462].try_into().unwrap();
    table[446..462].fill(0);
    table[450] = 0x83;
    table[454] = 40;
    table[494..510].copy_from_slice(&entry);
    image.write(0, &table);
    assert!(mount(&image).is_ok());
}

/// A card that Linux filled: long names, folders in folders, deleted files, a label.
fn filled_by_linux() -> Option<Image> {
    let (mcopy, mmd, mdel) = (tool("mcopy")?, tool("mmd")?, tool("mdel")?);
    let card = export(&mkfs(
        66_000 * 4 + 4_000,
        &["-F", "32", "-s", "4", "-n", "TRACKDAY"],
    )?);
    let folder = tempfile::tempdir().unwrap();
    let tool = |program: &std::path::Path, args: &[&str]| {
        let mut command = Command::new(program);
        command
            .arg("-i")
            .arg(card.path())
            .args(args)
            .current_dir(folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    tool(
        &mmd,
        &["::Photos", "::Photos/Summer at the lake, second week", "::EMPTY"],
    );
    for index in 0..40_usize {
        let name = format!("A file with a long name, number {index}, of Zoë.jpg");
        std::fs::write(folder.path().join(&name), vec![index as u8; index * 977]).unwrap();
        let places = ["::", "::Photos/", "::Photos/Summer at the lake, second week/"];
        tool(&mcopy, &[name.as_str(), places[index % 3]]);
    }
    for index in [3, 9, 21] {
        tool(
            &mdel,
            &[&format!("::A file with a long name, number {index}, of Zoë.jpg")],
        );
    }
    Some(Image::load(card.reopen().unwrap(), u64::MAX).unwrap())
}

#[test]
fn recordings_fit_in_beside_what_linux_put_on_a_card() {
    let Some(image) = filled_by_linux() else { return };
    let before = files(&image);
    assert!(before.len() > 35);
    let after = files(&record_on(&image, "beside files of Linux"));
    for (path, bytes) in &before {
        assert!(after.get(path) == Some(bytes), "{path} was harmed");
    }
    assert_eq!(after.len(), before.len() + 3, "the folder and two recordings");
}

/// Where the volume has its tables and its first cluster: `[table, sectors of a table, data, sectors of a cluster]`.
fn layout(image: &Image) -> [u32; 4] {
    let start = volume_start(image);
    let boot = image.read(start);
    let table = start + u32::from(u16::from_le_bytes([boot[14], boot[15]]));
    let sectors = u32::from_le_bytes(boot[36..40].try_into().unwrap());
    [table, sectors, table + 2 * sectors, u32::from(boot[13])]
}

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

#[test]
fn a_folder_of_that_name_that_we_did_not_make_is_left_alone_with_words() {
    let mut image = formatted(300_000);
    with_fatfs(&mut image, |root| {
        root.create_file("Fieldpost").unwrap();
    });
    let up = run(Keeper::boot(Card::boot(image), Flash::default()))
        .done()
        .unwrap();
    assert_eq!(up.map(|_| ()).unwrap_err(), Error::FolderInTheWay);
}

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
