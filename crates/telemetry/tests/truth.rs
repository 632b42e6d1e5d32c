//! Generated drives with exact truth: the analysis knows the fixes only, the generator knows when the car passed any line.
#![expect(
    clippy::expect_used,
    reason = "helpers of tests: they say what they expect by panicking, and the figures are the point of these tests"
)]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sim::{Gps, Pacing, Session, Track, Vehicle, longer_line, tracks};
use telemetry::clean::{Drive, TimeBase, clean};
use telemetry::columns::Clock;
use telemetry::derive;
use telemetry::laps::{Analysed, Wanted, analyse};
use telemetry::model::{Fix, GateShape};
use telemetry::report::{GateSource, Lap, LapKind};

#[test]
fn without_noise_every_lap_is_exact() {
    let rides = rides();
    for (rate_hz, allowed_ms) in [(10.0, 0.5), (5.0, 2.0), (1.0, 40.0)] {
        let mut errors: Vec<f64> = Vec::new();
        for ride in &rides {
            let found = analysed(&Gps::perfect(rate_hz), &ride.drive, ride.seed, Some(&ride.gate));
            errors.extend(errors_ms(&found.laps.laps, &ride.crossings_s));
        }
        let furthest_ms = furthest(&errors);
        println!(
            "{rate_hz} Hz, no noise: {} laps, at most {furthest_ms:.3} ms off (allowed {allowed_ms})",
            errors.len()
        );
        assert!(errors.len() >= 9 * 6);
        assert!(furthest_ms <= allowed_ms);
    }
}

/// Two crossings, each off by the position's error over the speed; 0.8 is the mean of a normal's absolute value.
#[test]
fn with_noise_the_error_is_what_the_noise_allows() {
    let rides = rides();
    for (sigma_m, rate_hz) in [(0.2, 10.0), (0.5, 10.0), (1.0, 10.0), (0.5, 25.0)] {
        let (mut sum_ms, mut allowed_ms, mut laps) = (0.0, 0.0, 0.0);
        for ride in &rides {
            let found = analysed(
                &Gps::noisy(rate_hz, sigma_m),
                &ride.drive,
                ride.seed,
                Some(&ride.gate),
            );
            for (error_ms, passed_s) in errors_ms(&found.laps.laps, &ride.crossings_s)
                .iter()
                .zip(&ride.crossings_s)
            {
                let mps = ride.drive.state_at(*passed_s).speed_mps;
                sum_ms += error_ms.abs();
                allowed_ms += 1.2 * 0.8 * f64::sqrt(2.0) * sigma_m / mps * 1000.0;
                laps += 1.0;
            }
        }
        let (mean_ms, allowed_ms) = (sum_ms / laps, allowed_ms / laps);
        println!(
            "{rate_hz} Hz, sigma {sigma_m} m: {laps} laps, mean error {mean_ms:.2} ms (allowed {allowed_ms:.2})"
        );
        assert!(mean_ms <= allowed_ms);
    }
}

/// The receiver's white noise is there; its slow drift is not, because no gate can know of it: it is shown apart.
#[test]
fn a_learned_gate_times_every_lap_at_its_own_place() {
    let [a, b, c] = tracks().expect("the tracks are sound");
    for (track, vehicle) in [
        (a, Vehicle::car()),
        (b, Vehicle::motorcycle()),
        (c, Vehicle::kart()),
    ] {
        let (mut errors, mut drifting): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        for seed in 0..10 {
            let drive = session().drive(&track, &vehicle, &mut rng(seed));
            errors.extend(errors_at_learned_gate(
                &Gps {
                    drift_sigma_m: 0.0,
                    ..Gps::believable()
                },
                &drive,
                seed,
            ));
            drifting.extend(errors_at_learned_gate(&Gps::believable(), &drive, seed));
        }
        let furthest_ms = furthest(&errors);
        println!(
            "{}: {} laps at learned gates, at most {furthest_ms:.2} ms off (allowed 20); with 0.8 m of slow drift {:.2}",
            track.name,
            errors.len(),
            furthest(&drifting)
        );
        assert!(errors.len() >= 60);
        assert!(furthest_ms <= 20.0);
    }
}

fn errors_at_learned_gate(gps: &Gps, drive: &sim::Drive, seed: u64) -> Vec<f64> {
    let found = analysed(gps, drive, seed, None);
    let gate = found
        .laps
        .gate
        .as_ref()
        .expect("a circuit has a place for a gate");
    assert_eq!(gate.source, GateSource::Learned);
    errors_ms(
        &found.laps.laps,
        &drive.crossings(&sim::Gate {
            left_deg: gate.a,
            right_deg: gate.b,
        }),
    )
}

#[test]
fn a_way_that_never_returns_has_no_gate_and_says_so() {
    let track = &tracks().expect("the tracks are sound")[0];
    let drive = session().drive(track, &Vehicle::car(), &mut rng(1));
    let fixes = fixes(&Gps::perfect(10.0), &drive, 1);
    let found = analysed_fixes(fixes[..fixes.len() / 10].to_vec(), None);
    assert!(found.laps.gate.is_none() && found.laps.laps.is_empty());
    assert!(
        found
            .laps
            .messages
            .iter()
            .any(|message| message.code == "no_gate")
    );
}

/// The middle lap of three is driven on a line 12 m longer with the same progress along the track: nobody gains anywhere.
#[test]
fn delta_stays_flat_on_a_longer_line_driven_at_equal_progress() {
    for (track, vehicle) in pairs() {
        let drive = longer_line(&track, &vehicle, 12.0, Pacing::SameProgress);
        let delta = delta_of_middle_lap(&track, &drive);
        println!("{}, equal progress: {delta:?}", track.name);
        assert!(delta.rms_ms <= 30.0);
        assert!(delta.end_error_ms.abs() <= 5.0);
        assert!(delta.off_truth_rms_ms <= 30.0);
    }
}

/// The other reading: the same speed over the ground, so that the longer line loses where it is longer.
#[test]
fn delta_follows_the_truth_on_a_longer_line_driven_at_equal_speed() {
    for (track, vehicle) in pairs() {
        let drive = longer_line(&track, &vehicle, 12.0, Pacing::SameGroundSpeed);
        let delta = delta_of_middle_lap(&track, &drive);
        println!("{}, equal speed: {delta:?}", track.name);
        assert!(delta.lost_ms > 50.0, "12 m more at any speed cost more than that");
        assert!(delta.off_truth_rms_ms <= 30.0);
        assert!(delta.end_error_ms.abs() <= 5.0);
    }
}

#[derive(Debug)]
struct Delta {
    /// Of the delta itself.
    rms_ms: f64,
    /// Of the delta against the generator's.
    off_truth_rms_ms: f64,
    /// The last delta of the lap less the difference of the lap times.
    end_error_ms: f64,
    /// The difference of the lap times.
    lost_ms: f64,
}

/// The middle lap of three against whichever lap the analysis calls best of the other two.
fn delta_of_middle_lap(track: &Track, drive: &sim::Drive) -> Delta {
    let gps = Gps::perfect(10.0);
    let mut found = analysed(&gps, drive, 1, Some(&track.gate()));
    if found.laps.laps[2].delta_best_ms == Some(0.0) {
        // All are equal to the microsecond: the line that is 12 m longer is the ruler, and the first lap is measured.
        found.laps.laps.swap(1, 2);
    }
    let measured = &found.laps.laps[2];
    let best = found
        .laps
        .laps
        .iter()
        .find(|lap| lap.delta_best_ms == Some(0.0))
        .expect("one is best");
    let crossings = drive.crossings(&track.gate());
    let (lap, best) = (measured.number as usize - 1, best.number as usize - 1);
    let (mut squares, mut off_squares, mut last_s, mut count) = (0.0, 0.0, f64::NAN, 0.0);
    for (time_s, delta_s) in found.drive.time_s.iter().zip(&found.laps.along.delta_best_s) {
        if !(crossings[lap]..crossings[lap + 1]).contains(time_s) {
            continue;
        }
        let share = drive.state_at(*time_s).laps - lap as f64;
        let best_s = when_at(drive, best as f64 + share) - crossings[best];
        let true_s = time_s - crossings[lap] - best_s;
        let delta_s = f64::from(*delta_s);
        assert!(delta_s.is_finite(), "a lap on the track has a delta all along");
        squares += delta_s * delta_s;
        off_squares += (delta_s - true_s) * (delta_s - true_s);
        last_s = delta_s;
        count += 1.0;
    }
    let lost_ms = measured.delta_best_ms.expect("it is timed");
    Delta {
        rms_ms: 1000.0 * f64::sqrt(squares / count),
        off_truth_rms_ms: 1000.0 * f64::sqrt(off_squares / count),
        end_error_ms: 1000.0 * last_s - lost_ms,
        lost_ms,
    }
}

/// When the vehicle was this many laps past the start line: its progress only grows.
fn when_at(drive: &sim::Drive, laps: f64) -> f64 {
    let (mut before_s, mut after_s) = (0.0, drive.duration_s());
    for _ in 0..60 {
        let middle_s = 0.5 * (before_s + after_s);
        let at = if drive.state_at(middle_s).laps < laps {
            &mut before_s
        } else {
            &mut after_s
        };
        *at = middle_s;
    }
    before_s
}

struct Found {
    drive: Drive,
    laps: Analysed,
}

fn analysed(gps: &Gps, drive: &sim::Drive, seed: u64, gate: Option<&sim::Gate>) -> Found {
    let shape = gate.map(|gate| GateShape::Ends {
        a: gate.left_deg.into(),
        b: gate.right_deg.into(),
    });
    analysed_fixes(fixes(gps, drive, seed), shape)
}

fn analysed_fixes(fixes: Vec<Fix>, gate: Option<GateShape>) -> Found {
    let base = TimeBase {
        clock: Clock::IDENTITY,
        start_utc_ms: None,
    };
    let cleaned = clean(fixes, base);
    assert!(
        cleaned.rejected.is_empty(),
        "a generated drive is clean: {:?}",
        cleaned.rejected
    );
    let mut drive = cleaned.drive;
    derive::fill_motion(&mut drive);
    let derived = derive::derive(&drive);
    let laps = analyse(
        &drive,
        &derived.distance_m,
        &Wanted {
            gate,
            ..Wanted::default()
        },
    );
    Found { drive, laps }
}

fn fixes(gps: &Gps, drive: &sim::Drive, seed: u64) -> Vec<Fix> {
    let fix = |fix: sim::GpsFix| Fix {
        alt_m: fix.alt_m as f32,
        speed_mps: fix.speed_mps as f32,
        heading_deg: fix.heading_deg as f32,
        ..Fix::at(fix.time_s, fix.lat_deg, fix.lon_deg)
    };
    gps.sample(drive, &mut rng(seed ^ 0x5eed))
        .into_iter()
        .map(fix)
        .collect()
}

/// Computed less true, for every lap from crossing to crossing.
fn errors_ms(laps: &[Lap], crossings_s: &[f64]) -> Vec<f64> {
    let timed: Vec<&Lap> = laps.iter().filter(|lap| lap.kind == LapKind::Timed).collect();
    assert_eq!(
        timed.len(),
        crossings_s.len() - 1,
        "every lap is found, and no other"
    );
    timed
        .iter()
        .zip(crossings_s.windows(2))
        .map(|(lap, pair)| lap.time_ms - 1000.0 * (pair[1] - pair[0]))
        .collect()
}

fn furthest(errors_ms: &[f64]) -> f64 {
    errors_ms.iter().fold(0.0, |far, error| error.abs().max(far))
}

/// A session with its truth at the track's own start line.
struct Ride {
    seed: u64,
    drive: sim::Drive,
    gate: sim::Gate,
    crossings_s: Vec<f64>,
}

/// Every vehicle on every track.
fn rides() -> Vec<Ride> {
    let tracks = tracks().expect("the tracks are sound");
    let vehicles = [Vehicle::car(), Vehicle::motorcycle(), Vehicle::kart()];
    let pairs = tracks
        .iter()
        .flat_map(|track| vehicles.iter().map(move |vehicle| (track, vehicle)));
    (0..)
        .zip(pairs)
        .map(|(seed, (track, vehicle))| {
            let drive = session().drive(track, vehicle, &mut rng(seed));
            let gate = track.gate();
            let crossings_s = drive.crossings(&gate);
            Ride {
                seed,
                drive,
                gate,
                crossings_s,
            }
        })
        .collect()
}

/// One vehicle on each track.
fn pairs() -> impl Iterator<Item = (Track, Vehicle)> {
    let tracks = tracks().expect("the tracks are sound");
    tracks
        .into_iter()
        .zip([Vehicle::car(), Vehicle::motorcycle(), Vehicle::kart()])
}

fn session() -> Session {
    Session {
        timed_laps: 6,
        ..Session::default()
    }
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
