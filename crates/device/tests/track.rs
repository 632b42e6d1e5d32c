//! A track that was pushed, driven round with explicit times.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use device::track::{BadTrack, Fix, LapWatch, NAME_BYTES_MAX, Output, Place, Track, Verdict, read_track};
use proptest::prelude::*;
use serde_json::{Value, json};

const LAT: f64 = 50.0;
const LON: f64 = 8.0;
/// Degrees of latitude per metre there, to 1e-4.
const DEG_PER_M: f64 = 1.0 / 111_229.0;
const EPOCH_MS: i64 = 1_795_262_400_000;

fn place(north_m: f64, east_m: f64) -> [f64; 2] {
    [LAT + north_m * DEG_PER_M, LON + east_m * DEG_PER_M / 0.6428]
}

/// A line across the way north at so many metres north, 40 m wide.
fn across(north_m: f64) -> [[f64; 2]; 2] {
    [place(north_m, -20.0), place(north_m, 20.0)]
}

fn document(splits: &[f64]) -> Value {
    let splits: Vec<_> = splits.iter().map(|north_m| across(*north_m)).collect();
    json!({"id": null, "name": "Home", "gate": across(0.0), "finish": null, "splits": splits})
}

fn track(splits: &[f64]) -> Track {
    read_track(document(splits).to_string().as_bytes())
        .unwrap()
        .unwrap()
}

fn e7(degrees: f64) -> i32 {
    #[allow(clippy::cast_possible_truncation, reason = "degrees fit")]
    let e7 = (degrees * 1e7).round() as i32;
    e7
}

/// Drives north through the gate and the splits at 20 m/s from -100 m to 400 m, then back far beside them.
struct Drive {
    watch: LapWatch,
    now_ms: i64,
}

impl Drive {
    fn new(splits: &[f64]) -> Self {
        Self {
            watch: LapWatch::new(&track(splits), 10).unwrap(),
            now_ms: EPOCH_MS,
        }
    }

    fn at(&mut self, north_m: f64, east_m: f64) -> Vec<Output> {
        let [lat, lon] = place(north_m, east_m);
        self.watch.handle(Fix {
            epoch_ms: self.now_ms,
            at: Place {
                lat_e7_deg: e7(lat),
                lon_e7_deg: e7(lon),
            },
        });
        self.now_ms += 100;
        std::iter::from_fn(|| self.watch.poll()).collect()
    }

    /// One way round; `slow` makes each step in the second half of the way north so much shorter.
    fn lap(&mut self, step_m: f64, second_half_m: f64) -> Vec<Output> {
        let mut said = Vec::new();
        let mut north_m = -100.0;
        while north_m < 400.0 {
            said.extend(self.at(north_m, 0.0));
            north_m += if north_m < 150.0 { step_m } else { second_half_m };
        }
        for step in 0..50 {
            said.extend(self.at(400.0, 10.0 * f64::from(step)));
        }
        for step in 0..50 {
            said.extend(self.at(400.0 - 10.0 * f64::from(step), 500.0));
        }
        for step in 0..50 {
            said.extend(self.at(-100.0, 500.0 - 10.0 * f64::from(step)));
        }
        said
    }
}

fn verdicts(said: &[Output]) -> Vec<(&'static str, &'static str)> {
    said.iter()
        .map(|output| {
            let (what, verdict) = match output {
                Output::Sector { verdict, .. } => ("sector", verdict),
                Output::Lap { verdict, .. } => ("lap", verdict),
                Output::Untimed => return ("untimed", ""),
            };
            let verdict = match verdict {
                Verdict::First => "first",
                Verdict::FasterBy { .. } => "faster",
                Verdict::CloseBy { .. } => "close",
                Verdict::SlowerBy { .. } => "slower",
            };
            (what, verdict)
        })
        .collect()
}

#[test]
fn laps_and_sectors_are_laid_beside_the_best() {
    let mut drive = Drive::new(&[100.0, 300.0]);
    assert_eq!(
        verdicts(&drive.lap(2.0, 2.0)),
        [("untimed", ""), ("sector", "first"), ("sector", "first")]
    );
    let second = drive.lap(2.0, 2.0);
    assert_eq!(verdicts(&second)[..2], [("sector", "first"), ("lap", "first")]);
    let lap_ms = 50 * 100 * 3 + 250 * 100;
    assert!(
        matches!(second[1], Output::Lap { number: 1, time_ms, .. } if time_ms.abs_diff(lap_ms) <= 2),
        "{second:?}"
    );
    assert!(matches!(second[2], Output::Sector { index: 0, time_ms, .. } if time_ms.abs_diff(5000) <= 2));
    // The lap before was the best; the second half is 0.4 s slower than it now: 150 m in 79 steps of 1.9 m instead of 75.
    let third = drive.lap(2.0, 1.9);
    assert_eq!(verdicts(&third)[3], ("sector", "close"), "{third:?}");
    // Now a lap with a second half at 1.5 m a step ends: the sectors say slower.
    let fourth = drive.lap(2.0, 1.5);
    assert_eq!(verdicts(&fourth)[3], ("sector", "slower"), "{fourth:?}");
    let fifth = drive.lap(2.5, 2.5);
    assert_eq!(verdicts(&fifth)[1], ("lap", "slower"), "{fifth:?}");
    assert_eq!(
        verdicts(&fifth)[2..],
        [("sector", "faster"), ("sector", "faster")]
    );
    assert_eq!(
        drive.watch.best_ms(),
        Some(lap_ms),
        "the lap that is not over does not count"
    );
}

#[test]
fn a_sector_that_was_not_seen_is_missing_and_spoils_no_best() {
    let mut drive = Drive::new(&[100.0, 300.0]);
    drive.lap(2.0, 2.0);
    drive.lap(2.0, 2.0);
    let best_ms = drive.watch.best_ms();
    // Beside the first split: its two sectors have no times, the third has one.
    let mut said = Vec::new();
    for step in 0..250 {
        let north_m = -100.0 + 2.0 * f64::from(step);
        let beside_m = if (80.0..120.0).contains(&north_m) {
            30.0
        } else {
            0.0
        };
        said.extend(drive.at(north_m, beside_m));
    }
    assert_eq!(verdicts(&said), [("sector", "close"), ("lap", "close")]);
    // A hole of two seconds over the gate: no lap time, no first sector.
    let mut drive = Drive::new(&[100.0]);
    drive.at(-100.0, 0.0);
    drive.at(-98.0, 0.0);
    drive.now_ms += 4000;
    assert_eq!(verdicts(&drive.at(2.0, 0.0)), [("untimed", "")]);
    let mut said = Vec::new();
    for step in 0..60 {
        said.extend(drive.at(4.0 + 2.0 * f64::from(step), 0.0));
    }
    assert!(said.is_empty(), "{said:?}");
    assert!(best_ms.is_some());
}

#[test]
fn a_jump_breaks_the_lap_and_fixes_that_are_not_new_do_nothing() {
    let mut drive = Drive::new(&[]);
    drive.lap(2.0, 2.0);
    drive.at(-99.0, 3.0);
    drive.at(300.0, 400.0);
    let said = drive.lap(2.0, 2.0);
    assert_eq!(verdicts(&said), [("untimed", "")], "{said:?}");
    let again = drive.watch.best_ms();
    drive.now_ms -= 10_000;
    assert!(drive.at(0.0, 0.0).is_empty());
    assert!(drive.at(0.0, 4000.0).is_empty());
    assert_eq!(drive.watch.best_ms(), again);
}

#[test]
fn tracks_that_are_none_say_why() {
    let good = document(&[100.0]);
    for (change, why) in [
        (json!({"gate": null}), BadTrack::BadLine),
        (json!({"gate": [[50.0, 8.0]]}), BadTrack::BadLine),
        (json!({"gate": [[50.0, 8.0], [50.0, 8.0]]}), BadTrack::LineLength),
        (json!({"gate": [[50.0, 8.0], [50.1, 8.0]]}), BadTrack::LineLength),
        (json!({"gate": [[91.0, 8.0], [91.0, 8.001]]}), BadTrack::BadLine),
        (json!({"gate": [["50", 8.0], [50.0, 8.001]]}), BadTrack::BadLine),
        (
            json!({"gate": [[50.0, 8.0, 1.0], [50.0, 8.001]]}),
            BadTrack::BadLine,
        ),
        (json!({"splits": [[]]}), BadTrack::BadLine),
        (json!({"splits": vec![across(1.0); 17]}), BadTrack::TooManySplits),
        (json!({"finish": [1, 2]}), BadTrack::BadLine),
    ] {
        let mut document = good.clone();
        document
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        assert_eq!(read_track(document.to_string().as_bytes()), Err(why), "{change}");
    }
    assert_eq!(read_track(b"null"), Ok(None));
    assert_eq!(read_track(b"{}"), Err(BadTrack::NoGate));
    assert!(matches!(read_track(b"{"), Err(BadTrack::Json(_))));
    let mut long = good;
    long["name"] = json!("é".repeat(60));
    assert!(
        read_track(long.to_string().as_bytes())
            .unwrap()
            .unwrap()
            .name()
            .len()
            <= NAME_BYTES_MAX
    );
}

#[test]
fn the_watch_is_small() {
    assert!(size_of::<LapWatch>() <= 3000, "{}", size_of::<LapWatch>());
}

proptest! {
    #[test]
    fn any_bytes_are_a_track_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_track(&bytes);
    }

    #[test]
    fn any_fixes_are_taken(fixes in proptest::collection::vec((any::<i64>(), any::<i32>(), any::<i32>()), 0..40)) {
        let mut watch = LapWatch::new(&track(&[100.0]), 10).unwrap();
        for (epoch_ms, lat_e7_deg, lon_e7_deg) in fixes {
            watch.handle(Fix { epoch_ms, at: Place { lat_e7_deg, lon_e7_deg } });
        }
    }
}
