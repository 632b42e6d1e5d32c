//! Cards as people bring them: formatted by others, filled by others.

use std::rc::Rc;

use device::fat::{Error, Refusal, format};
use sim::card::{Card, Image};
use sim::exec::run;

use crate::computer::{Linux, assert_clean, files, mkfs, volume_start};
use crate::keeper::{Flash, Keeper, assert_holds, formatted, mount};

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
    let linux = Linux::with(&mkfs(
        66_000 * 4 + 4_000,
        &["-F", "32", "-s", "4", "-n", "TRACKDAY"],
    )?)?;
    let inner = "::Photos/Summer at the lake, second week";
    linux.run("mmd", &["::Photos", inner, "::EMPTY"]);
    for index in 0..40_usize {
        let name = format!("A file with a long name, number {index}, of Zoë.jpg");
        let folder = ["::", "::Photos/", inner][index % 3];
        linux.put(folder, &name, &vec![index as u8; index * 977]);
    }
    for index in [3, 9, 21] {
        linux.run(
            "mdel",
            &[&format!("::A file with a long name, number {index}, of Zoë.jpg")],
        );
    }
    Some(linux.image())
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
