use device::flash::journal::{Error, Journal, KEYS_MAX, MountError, RawKey, VALUE_BYTES_MAX};
use rand::{Rng, RngExt};
use sim::nor::{Fault, Nor};
use sim::seeded;

use crate::support::{Content, content, mount, read_all, run, script};

#[test]
fn a_full_flash_says_so_and_everything_in_it_stays_and_may_move_on() {
    for (blocks, len) in [(4, 69), (8, 520), (8, VALUE_BYTES_MAX), (32, 100)] {
        let mut nor = Nor::blank(blocks);
        let (mut journal, _) = mount(&mut nor).unwrap();
        let mut held = Content::new();
        let refused = loop {
            let key = held.len() as u32;
            let value = vec![key as u8; len];
            match run(journal.put(RawKey(key), &value)).unwrap() {
                Ok(()) => held.insert(key, value),
                Err(error) => break error,
            };
        };
        assert_eq!(refused, Error::Full);
        assert!(
            held.len() >= blocks - 3,
            "{} values of {len} in {blocks} blocks",
            held.len()
        );
        assert_eq!(read_all(&mut journal), held);
        for round in 0..40 {
            for key in 0..held.len() as u32 {
                let value = vec![round; len];
                run(journal.put(RawKey(key), &value)).unwrap().unwrap();
                held.insert(key, value);
            }
        }
        run(journal.remove(RawKey(0))).unwrap().unwrap();
        held.remove(&0);
        run(journal.put(RawKey(9999), &vec![1; len])).unwrap().unwrap();
        held.insert(9999, vec![1; len]);
        assert_eq!(content(&mut nor), held);
    }
}

#[test]
fn there_are_so_many_keys_and_one_more_is_refused() {
    let mut nor = Nor::blank(64);
    let (mut journal, _) = mount(&mut nor).unwrap();
    for key in 0..KEYS_MAX as u32 {
        run(journal.put(RawKey(key), b"here")).unwrap().unwrap();
    }
    assert_eq!(run(journal.put(RawKey(u32::MAX), b"no")), Some(Err(Error::Full)));
    assert_eq!(content(&mut nor).len(), KEYS_MAX);
}

#[test]
fn what_is_too_long_is_refused_and_a_short_buffer_too() {
    let mut nor = Nor::blank(4);
    let (mut journal, _) = mount(&mut nor).unwrap();
    let long = [0; VALUE_BYTES_MAX + 1];
    assert_eq!(run(journal.put(RawKey(1), &long)), Some(Err(Error::TooLong)));
    run(journal.put(RawKey(1), &long[1..])).unwrap().unwrap();
    let mut short = [0; VALUE_BYTES_MAX - 1];
    assert_eq!(run(journal.get(RawKey(1), &mut short)), Some(Err(Error::TooLong)));
}

#[test]
fn a_change_that_was_dropped_is_a_cut_until_the_next_mount() {
    let mut nor = Nor::blank(4);
    nor.cut_at(4, Fault::Before);
    let (mut journal, _) = mount(&mut nor).unwrap();
    run(journal.put(RawKey(1), b"kept")).unwrap().unwrap();
    assert_eq!(run(journal.put(RawKey(1), b"dropped")), None);
    assert_eq!(run(journal.put(RawKey(2), b"no")), Some(Err(Error::Interrupted)));
    assert_eq!(run(journal.remove(RawKey(1))), Some(Err(Error::Interrupted)));
    assert_eq!(content(&mut nor.next_boot())[&1], b"kept");
}

#[test]
fn only_blank_flash_is_formatted() {
    let mut nor = Nor::blank(4);
    assert!(mount(&mut nor).unwrap().1.formatted);
    assert!(!mount(&mut nor).unwrap().1.formatted);

    let mut nor = Nor::blank(4);
    nor.image_mut()[4 * 4096 - 1] = 0x7F;
    let before = nor.image().to_vec();
    assert_eq!(mount(&mut nor).err(), Some(MountError::Foreign));
    assert_eq!(nor.image(), before);
    run(Journal::format(&mut nor)).unwrap().unwrap();
    assert_eq!(content(&mut nor), Content::new());
    assert_eq!(mount(&mut Nor::blank(3)).err(), Some(MountError::Geometry));
    assert_eq!(mount(&mut Nor::blank(65)).err(), Some(MountError::Geometry));
}

#[test]
fn a_first_start_and_a_format_may_be_cut_anywhere() {
    for at in 0..8 {
        for seed in 0..50 {
            let mut nor = Nor::blank(4);
            for attempt in 0..3 {
                nor.cut_at(at, Fault::Torn(seed * 100 + at * 3 + attempt));
                run(Journal::mount(&mut nor));
                nor = nor.next_boot();
            }
            assert_eq!(content(&mut nor), Content::new());

            let mut noise = vec![0; 4 * 4096];
            seeded(seed).fill_bytes(&mut noise);
            let mut nor = Nor::from_image(noise);
            nor.cut_at(at, Fault::Torn(seed * 100 + at));
            run(Journal::format(&mut nor));
            let mut nor = nor.next_boot();
            match mount(&mut nor).err() {
                Some(MountError::Foreign) => run(Journal::format(&mut nor)).unwrap().map(drop).unwrap(),
                Some(other) => panic!("{other:?}"),
                None => {}
            }
            assert_eq!(content(&mut nor), Content::new());
        }
    }
}

/// Rot is outside the fault model. It may cost what it hit, but it stops nothing and changes no other value.
#[test]
fn rot_costs_the_record_that_it_is_in_and_is_counted() {
    let mut counted = 0;
    for seed in 0..600 {
        let mut rng = seeded(seed);
        let mut nor = Nor::blank(8);
        let (mut journal, _) = mount(&mut nor).unwrap();
        let mut held = Content::new();
        let mut ever = Vec::new();
        for change in script(seed, 150) {
            run(change.make(&mut journal)).unwrap().unwrap();
            change.apply(&mut held);
            ever.extend(held.iter().map(|(key, value)| (*key, value.clone())));
        }
        let at = rng.random_range(0..nor.image().len());
        nor.image_mut()[at] ^= 1 << rng.random_range(0..8);
        let (mut journal, report) = mount(&mut nor).unwrap();
        counted += report.damaged_pages + report.unreadable_records;
        let found = read_all(&mut journal);
        let wrong = (0..6).filter(|key| found.get(key) != held.get(key)).count();
        assert!(
            wrong <= 1 || report.damaged_pages > 0,
            "{wrong} values after one bit in world {seed}"
        );
        assert!(
            found.into_iter().all(|pair| ever.contains(&pair)),
            "nothing is invented"
        );
        for change in script(seed + 1, 60) {
            run(change.make(&mut journal)).unwrap().unwrap();
        }
    }
    assert!(counted > 100, "{counted}");
}

/// Whatever a page's header says, what can be read in it is.
#[test]
fn a_page_that_lost_its_header_is_counted_and_read_all_the_same() {
    let mut nor = Nor::blank(8);
    let mut held = Content::new();
    for change in script(3, 600) {
        run(change.make(&mut mount(&mut nor).unwrap().0))
            .unwrap()
            .unwrap();
        change.apply(&mut held);
    }
    let sequence = |page: usize| u32::from_le_bytes(nor.image()[page * 4096 + 4..][..4].try_into().unwrap());
    let head = (0..8).max_by_key(|page| sequence(*page)).unwrap();
    assert!(sequence(head) > 8, "all pages were in use");
    // The page after the head holds nothing that counts; the head itself cannot be told from it any more.
    for behind in 1..7 {
        let mut nor = nor.clone();
        nor.image_mut()[(head + 8 - behind) % 8 * 4096..][..16].fill(0);
        let (mut journal, report) = mount(&mut nor).unwrap();
        assert_eq!(report.damaged_pages, 1);
        assert_eq!(read_all(&mut journal), held);
        let mut held = held.clone();
        for change in script(4, 200) {
            run(change.make(&mut journal)).unwrap().unwrap();
            change.apply(&mut held);
        }
        assert_eq!(
            content(&mut nor),
            held,
            "the damage is gone once the ring has turned"
        );
    }
}
