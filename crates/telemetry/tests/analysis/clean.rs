//! Which fixes are believed.

use telemetry::clean::{Cleaned, TimeBase, clean};
use telemetry::columns::Discard;
use telemetry::derive;
use telemetry::model::Fix;
use telemetry::quality::assess;
use telemetry::recording::{Collector, Recording};

use crate::ring::{Style, UNDATED, drive_laps, off_centre};

#[test]
fn a_clean_drive_loses_nothing() {
    let fixes = drive();
    let cleaned = clean(fixes.clone(), UNDATED);
    assert!(same(&cleaned.drive.fixes, &fixes));
    assert_eq!((cleaned.rejected.len(), cleaned.duplicates), (0, 0));
    assert!((cleaned.drive.step_s() - 0.04).abs() < 1e-6);
}

#[test]
fn rows_out_of_order_are_sorted_because_the_way_gets_shorter() {
    let expected = drive();
    let mut fixes = expected.clone();
    fixes.chunks_mut(7).for_each(<[Fix]>::reverse);
    let cleaned = clean(fixes, UNDATED);
    assert!(same(&cleaned.drive.fixes, &expected));
    assert!(codes(&cleaned).contains(&"rows_sorted"));
}

#[test]
fn a_clock_that_stutters_loses_the_odd_stamps_only() {
    let mut fixes = drive();
    let count = fixes.len();
    for i in (10..count - 10).step_by(10) {
        // Stamped as if it were older than the fix before: sorting would drive the way back and forth.
        fixes[i].clock_s -= 0.5;
    }
    let odd = (10..count - 10).step_by(10).count();
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.rejected.get("time_backwards"), Some(&(odd as u64)));
    assert_eq!(cleaned.drive.len(), count - odd);
}

#[test]
fn one_stamp_far_ahead_does_not_cost_the_fixes_behind_it() {
    let mut fixes = drive();
    fixes[100].clock_s += 3.0;
    let cleaned = clean(fixes.clone(), UNDATED);
    assert_eq!(cleaned.drive.len(), fixes.len() - 1);
}

#[test]
fn a_fix_written_twice_is_a_duplicate_and_not_a_fault() {
    let mut fixes = drive();
    fixes.insert(50, fixes[50]);
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.duplicates, 1);
    assert!(cleaned.rejected.is_empty());
}

#[test]
fn two_places_at_one_moment_are_a_fault() {
    let mut fixes = drive();
    let elsewhere = Fix {
        clock_s: fixes[50].clock_s,
        ..fixes[80]
    };
    fixes.insert(51, elsewhere);
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.rejected.get("duplicate_time"), Some(&1));
}

#[test]
fn a_fix_repeated_under_new_stamps_while_driving_is_stale() {
    let mut fixes = drive();
    let late = fixes[60];
    for fix in &mut fixes[61..63] {
        *fix = Fix {
            clock_s: fix.clock_s,
            ..late
        };
    }
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.duplicates, 2);
}

#[test]
fn a_hemisphere_flip_is_a_jump() {
    let mut fixes = drive();
    let count = fixes.len();
    for i in [40, 41, 200] {
        fixes[i].lon_deg = -fixes[i].lon_deg;
    }
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.rejected.get("jump"), Some(&3));
    assert_eq!(cleaned.drive.len(), count - 3);
    assert!(cleaned.drive.jumps.is_empty(), "the way around them is known");
}

#[test]
fn a_beginning_elsewhere_is_dropped_once_the_receiver_settles() {
    let mut fixes = drive();
    let count = fixes.len();
    for fix in &mut fixes[..5] {
        (fix.lat_deg, fix.lon_deg) = off_centre(5_000.0, 0.0);
    }
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.drive.len(), count - 5);
    assert!(cleaned.drive.jumps.is_empty());
}

#[test]
fn a_lasting_shift_keeps_both_sides_and_says_where_the_way_is_unknown() {
    let mut fixes = drive();
    let count = fixes.len();
    for fix in &mut fixes[300..] {
        fix.lat_deg += 0.01;
    }
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.drive.len(), count);
    assert_eq!(cleaned.drive.jumps, [300]);
}

#[test]
fn a_stretch_off_the_track_is_told_and_does_not_count_as_covered() {
    let mut fixes = drive();
    let bad_s = fixes[350].clock_s - fixes[299].clock_s;
    let all_s = fixes[fixes.len() - 1].clock_s - fixes[0].clock_s;
    for fix in &mut fixes[300..350] {
        fix.lat_deg += 0.000_6;
    }
    let cleaned = clean(fixes, UNDATED);
    assert!(codes(&cleaned).contains(&"position_jump"));
    let quality = assess(&cleaned, &streamless());
    assert_eq!(quality.jumps, 2);
    assert!(
        (quality.gps_coverage - (1.0 - bad_s / all_s)).abs() < 1e-3,
        "{}",
        quality.gps_coverage
    );
}

#[test]
fn fixes_that_call_themselves_bad_are_told_and_unknown_ones_are_believed() {
    let mut fixes = drive();
    let half = fixes.len() / 2;
    assert_eq!(
        assess(&clean(fixes.clone(), UNDATED), &streamless()).gps_coverage,
        1.0
    );
    fixes[..half / 2].iter_mut().for_each(|fix| fix.accuracy_m = 80.0);
    fixes[half / 2..half]
        .iter_mut()
        .for_each(|fix| fix.satellites = 0.0);
    let cleaned = clean(fixes, UNDATED);
    assert!(codes(&cleaned).contains(&"weak_fixes"));
    let coverage = assess(&cleaned, &streamless()).gps_coverage;
    assert!((coverage - 0.5).abs() < 0.01, "{coverage}");
}

#[test]
fn a_recorded_speed_says_how_far_a_step_may_be() {
    // A jet at 900 km/h, ten fixes a second: 25 m from fix to fix, 250 m over a second without one.
    let flown = |speed_mps: f32| -> Vec<Fix> {
        let fix = |i: usize| Fix {
            speed_mps,
            ..Fix::at(i as f64 * 0.1, 45.0 + i as f64 * 25.0 / 111_200.0, 9.0)
        };
        (0..200).filter(|i| !(100..110).contains(i)).map(fix).collect()
    };
    let cleaned = clean(flown(250.0), UNDATED);
    assert_eq!((cleaned.drive.len(), cleaned.drive.jumps.len()), (190, 0));
    // The same way by a receiver that says 30 km/h is no way at all.
    assert!(clean(flown(8.0), UNDATED).drive.len() < 100);
}

#[test]
fn a_speed_across_a_jump_is_not_made_up() {
    let mut fixes = drive();
    fixes.iter_mut().for_each(|fix| fix.speed_mps = f32::NAN);
    fixes[300..].iter_mut().for_each(|fix| fix.lat_deg += 0.01);
    let mut cleaned = clean(fixes, UNDATED);
    derive::fill_motion(&mut cleaned.drive);
    let top_kmh = assess(&cleaned, &streamless()).max_speed_kmh;
    assert!(top_kmh.is_some_and(|kmh| kmh < 150.0), "{top_kmh:?}");
}

#[test]
fn without_speeds_a_short_jump_at_one_hertz_is_still_none_that_a_vehicle_makes() {
    let mut fixes: Vec<Fix> = drive().into_iter().step_by(25).collect();
    fixes.iter_mut().for_each(|fix| fix.speed_mps = f32::NAN);
    let (count, middle) = (fixes.len(), fixes.len() / 2);
    fixes[middle].lat_deg += 0.000_6;
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.rejected.get("jump"), Some(&1));
    assert_eq!(cleaned.drive.len(), count - 1);
}

#[test]
fn impossible_speeds_become_unknown_and_are_told() {
    let mut fixes = drive();
    fixes[100].speed_mps = 27_777.5;
    fixes[200].speed_mps = -3.0;
    fixes[300].speed_mps = 150.0;
    let cleaned = clean(fixes, UNDATED);
    let unknown: Vec<usize> = (0..cleaned.drive.len())
        .filter(|&i| cleaned.drive.fixes[i].speed_mps.is_nan())
        .collect();
    assert_eq!(unknown, [100, 200, 300]);
    let told = cleaned
        .messages
        .iter()
        .find(|message| message.code == "implausible_speed");
    assert!(told.is_some_and(|message| message.text.starts_with("3 recorded speeds")));
}

#[test]
fn one_stamp_for_all_fixes_is_no_clock() {
    let mut fixes = drive();
    fixes.iter_mut().for_each(|fix| fix.clock_s = 5.0);
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.drive.len(), 1);
    assert!(!codes(&cleaned).contains(&"coarse_clock"));
}

#[test]
fn places_without_a_fix_are_counted() {
    let mut fixes = drive();
    (fixes[3].lat_deg, fixes[3].lon_deg) = (0.0, 0.0);
    fixes[4].lat_deg = f64::NAN;
    fixes[5].lat_deg = 91.0;
    let cleaned = clean(fixes, UNDATED);
    assert_eq!(cleaned.rejected.get("no_fix"), Some(&3));
}

#[test]
fn the_receivers_time_is_preferred_to_the_time_of_arrival() {
    let mut fixes = drive();
    for (i, fix) in fixes.iter_mut().enumerate() {
        fix.utc_ms = 1_000_000.0 + 40.0 * i as f64;
        fix.clock_s += if i % 2 == 0 { 0.0 } else { 0.02 };
    }
    let cleaned = clean(
        fixes,
        TimeBase {
            start_utc_ms: Some(1_000_000.0),
            ..UNDATED
        },
    );
    assert!(
        cleaned
            .drive
            .time_s
            .windows(2)
            .all(|pair| (pair[1] - pair[0] - 0.04).abs() < 1e-9)
    );
}

#[test]
fn utc_in_whole_seconds_does_not_replace_a_finer_tick() {
    let mut fixes = drive();
    for fix in &mut fixes {
        fix.utc_ms = 1_000_000.0 + 1000.0 * fix.clock_s.floor();
    }
    let count = fixes.len();
    let cleaned = clean(
        fixes,
        TimeBase {
            start_utc_ms: Some(1_000_000.0),
            ..UNDATED
        },
    );
    assert_eq!(cleaned.drive.len(), count);
    assert!((cleaned.drive.step_s() - 0.04).abs() < 1e-6);
}

#[test]
fn fixes_from_before_the_receiver_knew_the_date_are_left_out() {
    let mut fixes = drive();
    let count = fixes.len();
    for (i, fix) in fixes.iter_mut().enumerate() {
        let date_ms = if i < 20 { 0.0 } else { 1.7e12 };
        fix.utc_ms = date_ms + 1000.0 * fix.clock_s;
        fix.clock_s = fix.utc_ms / 1000.0;
    }
    let cleaned = clean(
        fixes,
        TimeBase {
            start_utc_ms: Some(1.7e12),
            ..UNDATED
        },
    );
    assert_eq!(cleaned.rejected.get("time_jump"), Some(&20));
    assert_eq!(cleaned.drive.len(), count - 20);
}

#[test]
fn stamps_in_whole_seconds_are_spread_and_told() {
    let mut fixes = drive();
    for fix in &mut fixes {
        fix.clock_s = fix.clock_s.floor();
    }
    let expected = drive();
    let cleaned = clean(fixes, UNDATED);
    assert!(codes(&cleaned).contains(&"coarse_clock"));
    // The last second is not full: nobody knows when it ended.
    for (spread, fix) in cleaned
        .drive
        .time_s
        .iter()
        .zip(&expected)
        .take(expected.len() - 25)
    {
        assert!((spread - fix.clock_s).abs() < 1e-6);
    }
}

#[test]
fn nothing_at_all_is_an_empty_drive() {
    let cleaned = clean(Vec::new(), UNDATED);
    assert!(cleaned.drive.is_empty());
    assert_eq!(cleaned.drive.duration_s(), 0.0);
}

fn drive() -> Vec<Fix> {
    drive_laps(&[Style::pushing([0.0; 3])])
}

fn codes(cleaned: &Cleaned) -> Vec<&str> {
    cleaned
        .messages
        .iter()
        .map(|message| message.code.as_str())
        .collect()
}

/// Unknown numbers are NaN, which equals nothing.
fn same(found: &[Fix], expected: &[Fix]) -> bool {
    let key = |fix: &Fix| (fix.clock_s, fix.lat_deg, fix.lon_deg);
    found.iter().map(key).eq(expected.iter().map(key))
}

/// What the parser hands on beside the fixes: nothing.
fn streamless() -> Recording {
    Collector::new(&mut Discard)
        .finish()
        .expect("nothing to write, nothing to fail")
}
