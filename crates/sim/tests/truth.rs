//! What a drive says about itself holds when it is looked at another way.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sim::{Drive, Gps, Imu, Pacing, Session, State, Track, Vehicle, longer_line, tracks};

fn vehicles() -> [Vehicle; 3] {
    [Vehicle::car(), Vehicle::motorcycle(), Vehicle::kart()]
}

fn drives(seed: u64) -> Vec<Drive> {
    let session = Session {
        timed_laps: 3,
        ..Session::default()
    };
    tracks()
        .unwrap()
        .iter()
        .zip(vehicles())
        .map(|(track, vehicle)| session.drive(track, &vehicle, &mut ChaCha8Rng::seed_from_u64(seed)))
        .collect()
}

fn states(drive: &Drive, step_s: f64) -> impl Iterator<Item = (f64, State)> + '_ {
    let count = (drive.duration_s() / step_s) as usize;
    (0..=count)
        .map(move |i| i as f64 * step_s)
        .map(|t| (t, drive.state_at(t)))
}

#[test]
fn the_tracks_are_as_long_as_their_kind() {
    let lengths_m: Vec<f64> = tracks().unwrap().iter().map(Track::length_m).collect();
    assert!((3_500.0..4_500.0).contains(&lengths_m[0]), "{lengths_m:?}");
    assert!((3_500.0..4_600.0).contains(&lengths_m[1]), "{lengths_m:?}");
    assert!((900.0..1_100.0).contains(&lengths_m[2]), "{lengths_m:?}");
}

#[test]
fn a_session_crosses_the_start_line_once_more_than_it_has_timed_laps() {
    for drive in drives(1) {
        assert_eq!(drive.lap_times_s().len(), 3, "{}", drive.track().name);
    }
}

/// Crossings are found by solving positions; here the speed alone is integrated, by another rule and on another grid.
/// The centre line of the lap is the only thing both share.
#[test]
fn distance_from_integrated_speed_agrees_with_the_path_between_crossings() {
    for drive in drives(2) {
        for pair in drive.crossings(&drive.track().gate()).windows(2) {
            let n = 40_000;
            let h = (pair[1] - pair[0]) / f64::from(n);
            let speed = |i: i32| drive.state_at(pair[0] + h * f64::from(i)).speed_mps;
            let by_speed_m: f64 = (0..n).map(|i| (speed(i) + speed(i + 1)) / 2.0 * h).sum();
            let at = |i: i32| drive.state_at(pair[0] + h * f64::from(i)).position_m;
            let by_path_m: f64 = (0..n)
                .map(|i| (at(i + 1)[0] - at(i)[0]).hypot(at(i + 1)[1] - at(i)[1]))
                .sum();
            assert!((by_speed_m - by_path_m).abs() < 1e-3, "{by_speed_m} {by_path_m}");
            assert!((by_path_m / drive.track().length_m() - 1.0).abs() < 0.01);
        }
    }
}

/// From a fix a millisecond before the line, going on at the speed there by hand, the line is reached at the stated
/// moment to a tenth of a microsecond.
#[test]
fn a_crossing_lies_on_the_line_to_a_microsecond() {
    for drive in drives(3) {
        let gate = drive.track().gate_at(0.37, 20.0);
        let plane = drive.track().plane();
        let (left, right) = (plane.to_metres(gate.left_deg), plane.to_metres(gate.right_deg));
        let beyond_m = |t: f64| {
            let at = drive.state_at(t).position_m;
            let (dx, dy) = (right[0] - left[0], right[1] - left[1]);
            ((at[1] - left[1]) * dx - (at[0] - left[0]) * dy) / dx.hypot(dy)
        };
        let crossings = drive.crossings(&gate);
        assert_eq!(
            crossings.len(),
            5,
            "out, three timed and in lap pass it: {crossings:?}"
        );
        for t in crossings {
            let speed_mps = drive.state_at(t).speed_mps;
            assert!(beyond_m(t).abs() < speed_mps * 1e-7);
            assert!(beyond_m(t - 1e-6) < 0.0 && beyond_m(t + 1e-6) > 0.0);
        }
    }
}

#[test]
fn speed_heading_and_forces_are_the_derivatives_of_position() {
    let h = 1e-3;
    for drive in drives(4) {
        for (t, now) in states(&drive, 0.73).filter(|(_, s)| s.speed_mps > 1.0) {
            let (before, after) = (drive.state_at(t - h), drive.state_at(t + h));
            let v = [0, 1].map(|k| (after.position_m[k] - before.position_m[k]) / (2.0 * h));
            let a = [0, 1]
                .map(|k| (after.position_m[k] - 2.0 * now.position_m[k] + before.position_m[k]) / (h * h));
            let speed = v[0].hypot(v[1]);
            assert!((speed - now.speed_mps).abs() < 1e-4, "speed at {t}");
            let heading = v[0].atan2(v[1]).to_degrees().rem_euclid(360.0);
            let turned_deg = (heading - now.heading_deg + 180.0).rem_euclid(360.0) - 180.0;
            assert!(turned_deg.abs() < 1e-3, "heading at {t}");
            let left_g = (v[0] * a[1] - v[1] * a[0]) / speed / 9.806_65;
            let ahead_g = (v[0] * a[0] + v[1] * a[1]) / speed / 9.806_65;
            assert!(
                (left_g - now.lateral_g).abs() < 1e-3,
                "lateral at {t}: {left_g} {}",
                now.lateral_g
            );
            assert!((ahead_g - now.longitudinal_g).abs() < 1e-3, "longitudinal at {t}");
        }
    }
}

#[test]
fn no_drive_breaks_the_physics_of_its_vehicle() {
    for drive in drives(5) {
        let vehicle = *drive.vehicle();
        let mut peak = [0.0_f64; 4];
        for (_, s) in states(&drive, 0.01) {
            peak[0] = peak[0].max(s.lateral_g.abs());
            peak[1] = peak[1].max(s.longitudinal_g);
            let drag_g = vehicle.drag_n_per_mps2 * s.speed_mps * s.speed_mps / vehicle.mass_kg / 9.806_65;
            peak[2] = peak[2].max(-s.longitudinal_g - drag_g);
            peak[3] = peak[3].max(s.speed_mps);
        }
        let top_mps = (vehicle.power_w / vehicle.drag_n_per_mps2).cbrt();
        eprintln!(
            "{}: laps {:.3?} peaks {peak:.2?}",
            drive.track().name,
            drive.lap_times_s()
        );
        // Full use of the vehicle, and 5 % for the driver's smoothing of it.
        assert!((0.8..1.05).contains(&(peak[0] / vehicle.lateral_g)), "{peak:?}");
        assert!((0.6..1.05).contains(&(peak[1] / vehicle.traction_g)), "{peak:?}");
        assert!((0.6..1.05).contains(&(peak[2] / vehicle.braking_g)), "{peak:?}");
        assert!(
            peak[3] < top_mps && peak[3] > 0.6 * top_mps,
            "{peak:?} of {top_mps}"
        );
    }
}

#[test]
fn it_begins_and_ends_parked() {
    for drive in drives(6) {
        for t in [0.0, 5.0, drive.duration_s() - 5.0, drive.duration_s()] {
            assert!(
                drive.state_at(t).speed_mps < 1e-6,
                "{} at {t}",
                drive.track().name
            );
        }
    }
}

#[test]
fn one_seed_gives_one_drive_and_another_seed_another() {
    let laps = |seed| drives(seed).iter().map(Drive::lap_times_s).collect::<Vec<_>>();
    assert_eq!(laps(7), laps(7));
    for (a, b) in laps(7).concat().iter().zip(laps(8).concat()) {
        assert_ne!(*a, b);
        assert!(
            (a / b - 1.0).abs() < 0.05,
            "laps of one driver are alike: {a} {b}"
        );
    }
}

#[test]
fn a_longer_line_is_longer_by_what_was_asked() {
    for (track, vehicle) in tracks().unwrap().iter().zip(vehicles()) {
        for pacing in [Pacing::SameProgress, Pacing::SameGroundSpeed] {
            let drive = longer_line(track, &vehicle, 12.0, pacing);
            let crossings = drive.crossings(&track.gate());
            assert_eq!(crossings.len(), 4);
            let length_m = |lap: usize| -> f64 {
                let n = 100_000;
                let h = (crossings[lap + 1] - crossings[lap]) / f64::from(n);
                (0..n)
                    .map(|i| {
                        drive
                            .state_at(crossings[lap] + h * (f64::from(i) + 0.5))
                            .speed_mps
                            * h
                    })
                    .sum()
            };
            let extra_m = length_m(1) - length_m(0);
            assert!(
                (extra_m - 12.0).abs() < 0.01,
                "{} {pacing:?}: {extra_m}",
                track.name
            );
            let laps = drive.lap_times_s();
            let extra_s = laps[1] - laps[0];
            match pacing {
                Pacing::SameProgress => assert!(extra_s.abs() < 1e-4, "{extra_s}"),
                // 12 m at anything between walking pace and flat out.
                Pacing::SameGroundSpeed => assert!((0.15..2.0).contains(&extra_s), "{extra_s}"),
            }
        }
    }
}

#[test]
fn a_receiver_errs_by_as_much_as_it_says() {
    let drive = &drives(9)[0];
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let fixes = Gps {
        dropouts_s: vec![(20.0, 25.0)],
        ..Gps::noisy(10.0, 0.5)
    }
    .sample(drive, &mut rng);
    assert!(fixes.iter().all(|fix| !(20.0..25.0).contains(&fix.time_s)));
    let expected = (drive.duration_s() * 10.0) as usize + 1 - 50;
    assert_eq!(fixes.len(), expected);
    let errors_m: Vec<f64> = fixes
        .iter()
        .flat_map(|fix| {
            let seen = drive.track().plane().to_metres([fix.lat_deg, fix.lon_deg]);
            let true_m = drive.state_at(fix.time_s).position_m;
            [seen[0] - true_m[0], seen[1] - true_m[1]]
        })
        .collect();
    let sigma_m = (errors_m.iter().map(|e| e * e).sum::<f64>() / errors_m.len() as f64).sqrt();
    assert!((sigma_m - 0.5).abs() < 0.02, "{sigma_m}");
}

#[test]
fn an_inertial_sensor_at_rest_feels_one_g_upwards_and_in_a_lean_no_side_force() {
    let drive = &drives(10)[1];
    let imu = Imu::perfect(100.0);
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let mut steepest_deg = 0.0_f64;
    for sample in imu.samples(drive, &mut rng) {
        let state = drive.state_at(sample.time_s);
        steepest_deg = steepest_deg.max(state.lean_deg.abs());
        assert!(
            sample.acc_g[1].abs() < 1e-9,
            "a motorcycle in balance feels no side force"
        );
        let weight = 1.0_f64.hypot(state.lateral_g);
        assert!((sample.acc_g[2] - weight).abs() < 1e-9);
        if sample.time_s < 5.0 {
            assert!(sample.acc_g[0].abs() < 1e-9 && sample.gyro_dps.iter().all(|g| g.abs() < 1e-6));
        }
    }
    assert!((40.0..55.0).contains(&steepest_deg), "{steepest_deg}");
}

/// The bounds that laps from such recordings are held to: what straight lines between true positions would give.
#[test]
fn laps_interpolated_between_perfect_fixes_are_as_close_as_the_rate_allows() {
    for (rate_hz, bound_ms) in [(10.0, 0.5), (5.0, 2.0), (1.0, 40.0)] {
        for drive in (20..30).flat_map(drives) {
            let fixes = Gps::perfect(rate_hz).sample(&drive, &mut ChaCha8Rng::seed_from_u64(1));
            let plane = drive.track().plane();
            let gate = drive.track().gate();
            let (left, right) = (plane.to_metres(gate.left_deg), plane.to_metres(gate.right_deg));
            let beyond = |at: [f64; 2]| {
                (at[1] - left[1]) * (right[0] - left[0]) - (at[0] - left[0]) * (right[1] - left[1])
            };
            let times: Vec<f64> = drive
                .crossings(&gate)
                .iter()
                .map(|&t| {
                    let after = fixes.partition_point(|fix| fix.time_s <= t);
                    let [a, b] = [after - 1, after].map(|i| {
                        (
                            fixes[i].time_s,
                            beyond(plane.to_metres([fixes[i].lat_deg, fixes[i].lon_deg])),
                        )
                    });
                    a.0 + (b.0 - a.0) * a.1 / (a.1 - b.1)
                })
                .collect();
            for (pair, truth_s) in times.windows(2).zip(drive.lap_times_s()) {
                let error_ms = (pair[1] - pair[0] - truth_s) * 1_000.0;
                assert!(
                    error_ms.abs() < bound_ms,
                    "{} at {rate_hz} Hz: {error_ms} ms",
                    drive.track().name
                );
            }
        }
    }
}
