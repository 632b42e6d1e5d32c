//! Worlds: what they promise of devices, and of themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use sim::world::{Level, Outcome, Plan, Summary, run};

/// Set to anything, it has the hashes written anew instead of compared.
const RENEW: &str = "FIELDPOST_RENEW_HASHES";

fn world(seed: u64, level: Level) -> Outcome {
    run(&Plan::draw(seed, level), u64::MAX)
}

/// Of `FIELDPOST_WORLD_SEEDS`, as `A..B`.
fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("FIELDPOST_WORLD_SEEDS") else {
        return 0..60;
    };
    let (from, to) = text.split_once("..").expect("A..B");
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[test]
fn devices_keep_their_promises_in_harsh_worlds() {
    for seed in seeds() {
        let outcome = world(seed, Level::Harsh);
        if let Some(violation) = outcome.violation {
            panic!("fieldpost sim world --seed {seed} --faults harsh\n{violation}");
        }
    }
}

#[test]
fn in_a_good_world_nothing_goes_wrong() {
    let mut all = Summary::default();
    for seed in 0..12 {
        let outcome = world(seed, Level::None);
        assert!(outcome.violation.is_none(), "{}", outcome.violation.unwrap());
        all.add(&outcome.summary);
    }
    let pictures = all.faults.get("picture taken").copied().unwrap_or(0);
    assert!(all.recordings > 12 && pictures > 12 && all.cuts == 0, "{all:#?}");
}

/// Also in another folder, in release, in another time zone, on another machine.
#[test]
fn a_seed_is_one_world() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/world/hashes.txt");
    let mut hashes = String::new();
    for seed in 0..20 {
        let hash = world(seed, Level::Harsh).hash;
        write!(hashes, "{seed} ").unwrap();
        for byte in hash {
            write!(hashes, "{byte:02x}").unwrap();
        }
        hashes.push('\n');
    }
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&file, &hashes).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap();
    assert!(
        known == hashes,
        "worlds go another way than before; where devices are meant to do so, \
         {RENEW}=1 cargo nextest run -p sim --test world a_seed_is_one_world"
    );
}

#[test]
fn a_world_is_the_same_again_whatever_came_before_it() {
    let first = world(7, Level::Harsh).hash;
    let other = world(8, Level::Harsh).hash;
    assert_ne!(first, other);
    assert_eq!(world(7, Level::Harsh).hash, first);
}

#[test]
fn what_is_planned_happens() {
    let mut all = Summary::default();
    for seed in 100..140 {
        all.add(&world(seed, Level::Harsh).summary);
    }
    assert!(all.cuts > 40 * 4 && all.cuts_during_receipt > 10, "{all:#?}");
    for kind in [
        "receipt of what is not stored",
        "picture taken",
        "server loses a recording",
        "new storage epoch",
        "cut within a sector",
        "cut within a program",
        "cut during boot",
        "card stall",
        "forged receipt",
    ] {
        assert!(
            all.faults.get(kind).is_some_and(|count| *count > 5),
            "{kind}: {all:#?}"
        );
    }
    for kind in ["bad frame", "clock cell out"] {
        assert!(all.faults.contains_key(kind), "{kind}: {all:#?}");
    }
}
