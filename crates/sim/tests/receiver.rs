//! The receiver's driver against a virtual u-blox: whatever state that is in, solutions come ten times a second.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use std::time::Duration;

use device::receiver::{BAUD, Fix, Output, Receiver};
use device::time::Instant;
use proptest::prelude::*;
use sim::{GpsFix, Spoken, Ublox};

/// 2028-02-29 23:59:30 UTC: half a minute before a leap day ends.
const STARTED_UTC_MS: i64 = 1_835_481_570_000;

/// A line with the driver at one end and the receiver at the other, in steps of 100 ms.
struct Bench {
    receiver: Receiver,
    ublox: Ublox,
    baud: u32,
    now_ms: u64,
    is_valid: bool,
    fixes: Vec<(u64, Fix)>,
    silences: u32,
}

impl Bench {
    fn with(ublox: Ublox) -> Self {
        Self {
            receiver: Receiver::new(Instant::BOOT),
            ublox,
            baud: 0,
            now_ms: 0,
            is_valid: true,
            fixes: Vec::new(),
            silences: 0,
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.receiver.poll() {
            match output {
                Output::Baud(baud) => self.baud = baud,
                Output::Send(packet) => self.ublox.hear(&packet, self.baud),
                Output::Fix(fix) => self.fixes.push((self.now_ms, fix)),
                Output::Silent => self.silences += 1,
            }
        }
    }

    fn run(&mut self, span: Duration) {
        let until_ms = self.now_ms + u64::try_from(span.as_millis()).unwrap();
        while self.now_ms < until_ms {
            self.drain();
            self.now_ms += 100;
            let now = Instant::from_millis(self.now_ms);
            let due = self.now_ms.is_multiple_of(u64::from(self.ublox.period_ms()));
            if due {
                let fix = fix_at(self.now_ms);
                let spoken = self.spoken(&fix);
                let line = self.ublox.say(&spoken, self.baud);
                // Serial lines give what they have, not what belongs together; solutions may come twice.
                for piece in line.chunks(7).chain(line.chunks(11)) {
                    self.receiver.bytes(piece, now);
                }
            }
            if self.receiver.next_deadline() <= now {
                self.receiver.tick(now);
            }
            self.drain();
        }
    }

    fn spoken<'f>(&self, fix: &'f GpsFix) -> Spoken<'f> {
        Spoken {
            fix,
            started_utc_ms: STARTED_UTC_MS,
            is_valid: self.is_valid,
            has_time: true,
        }
    }
}

fn fix_at(now_ms: u64) -> GpsFix {
    GpsFix {
        time_s: now_ms as f64 / 1_000.0,
        arrival_s: now_ms as f64 / 1_000.0,
        lat_deg: -33.123_456_7,
        lon_deg: 151.765_432_1,
        alt_m: -3.456,
        speed_mps: 41.667,
        heading_deg: 0.0,
        satellites: 14,
    }
}

#[test]
fn a_receiver_fresh_from_power_gives_ten_solutions_a_second_within_five() {
    for baud in [9_600, BAUD, 38_400] {
        let mut bench = Bench::with(Ublox::left_at(baud));
        bench.run(Duration::from_secs(16));
        let first = bench.fixes.first().expect("a solution").0;
        assert!(first <= 5_000, "{first} ms at {baud}");
        let steady = bench.fixes.iter().filter(|(at, _)| *at > 6_000).count();
        assert_eq!(steady, 100, "one for each epoch though all came twice, at {baud}");
        assert_eq!(bench.silences, 0);
    }
}

#[test]
fn a_solution_is_read_to_the_last_digit_and_dated_by_the_receiver() {
    let mut bench = Bench::with(Ublox::powered_on());
    bench.run(Duration::from_secs(60));
    for (at_ms, fix) in &bench.fixes {
        assert!(fix.is_valid);
        assert_eq!(
            (fix.gps.lat_e7_deg, fix.gps.lon_e7_deg),
            (-331_234_567, 1_517_654_321)
        );
        assert_eq!(
            (fix.gps.alt_cm, fix.gps.speed_e2_kmh, fix.gps.satellites),
            (-346, 15_000, 14)
        );
        let epoch_ms = STARTED_UTC_MS + i64::try_from(*at_ms).unwrap();
        assert_eq!(fix.gps.epoch_ms, Some(epoch_ms), "over midnight into March");
    }
    assert!(bench.fixes.len() > 500);
}

#[test]
fn one_that_loses_power_is_missed_and_found_again() {
    let mut bench = Bench::with(Ublox::powered_on());
    bench.run(Duration::from_secs(10));
    bench.ublox = Ublox::powered_on();
    let lost_at = bench.now_ms;
    bench.run(Duration::from_secs(10));
    assert_eq!(bench.silences, 1);
    let back = bench
        .fixes
        .iter()
        .find(|(at, _)| *at > lost_at)
        .expect("solutions again")
        .0;
    assert!(back - lost_at <= 4_000, "after {} ms", back - lost_at);
}

#[test]
fn a_rate_that_was_lost_is_set_again() {
    let mut bench = Bench::with(Ublox::powered_on());
    bench.run(Duration::from_secs(10));
    bench.ublox.forget_rate();
    bench.run(Duration::from_secs(10));
    assert_eq!(bench.ublox.period_ms(), 100);
    assert_eq!(bench.silences, 0);
}

#[test]
fn a_position_that_the_receiver_does_not_vouch_for_is_marked_so() {
    let mut bench = Bench::with(Ublox::powered_on());
    bench.is_valid = false;
    bench.run(Duration::from_secs(5));
    assert!(!bench.fixes.is_empty() && bench.fixes.iter().all(|(_, fix)| !fix.is_valid));
}

#[test]
fn an_absent_receiver_is_asked_at_every_speed_for_ever_and_no_faster() {
    let mut receiver = Receiver::new(Instant::BOOT);
    let mut asked = Vec::new();
    for second in 0..60 {
        let now = Instant::from_secs(second);
        receiver.tick(now);
        receiver.tick(now);
        while let Some(output) = receiver.poll() {
            if let Output::Baud(baud) = output {
                asked.push(baud);
            }
        }
    }
    let tried: Vec<u32> = asked.iter().copied().step_by(2).collect();
    assert_eq!(tried[..4], [9_600, BAUD, 38_400, 9_600]);
    assert!(
        (25..=40).contains(&tried.len()),
        "{} tries in a minute",
        tried.len()
    );
}

proptest! {
    /// Whatever was on the line before, the second solution after it is heard at the latest.
    #[test]
    fn noise_is_survived(noise in proptest::collection::vec(any::<u8>(), 0..400), pieces in 1..64_usize) {
        let mut bench = Bench::with(Ublox::powered_on());
        bench.run(Duration::from_secs(3));
        let line = [noise, [100, 200, 300].iter().flat_map(|later| {
            let fix = fix_at(bench.now_ms + later);
            bench.ublox.say(&bench.spoken(&fix), BAUD)
        }).collect()].concat();
        let before = bench.fixes.len();
        for piece in line.chunks(pieces) {
            bench.receiver.bytes(piece, Instant::from_millis(bench.now_ms));
            bench.drain();
        }
        prop_assert!(bench.fixes.len() >= before + 2);
        prop_assert!(bench.fixes[before..].iter().all(|(_, fix)| fix.gps.lat_e7_deg == -331_234_567));
    }
}
