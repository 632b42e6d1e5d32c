//! Worlds: what they promise of devices, and of themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]

use sim::world::{Level, Outcome, Plan, run};

fn world(seed: u64, level: Level) -> Outcome {
    run(&Plan::draw(seed, level), u64::MAX)
}

#[test]
fn devices_keep_their_promises_in_harsh_worlds() {
    for seed in 0..60 {
        let outcome = world(seed, Level::Harsh);
        if let Some(violation) = outcome.violation {
            panic!("fieldpost sim world --seed {seed} --faults harsh\n{violation}");
        }
    }
}

#[test]
fn in_a_good_world_nothing_goes_wrong() {
    for seed in 0..3 {
        let outcome = world(seed, Level::None);
        assert!(outcome.violation.is_none(), "{}", outcome.violation.unwrap());
        assert!(outcome.summary.recordings > 0 && outcome.summary.cuts == 0);
    }
}
