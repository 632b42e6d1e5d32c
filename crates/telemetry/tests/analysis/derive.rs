//! Channels calculated from the fixes, on a ring where they are textbook formulas.

use telemetry::clean::clean;
use telemetry::derive::{derive, fill_motion, lean_deg};
use telemetry::model::Fix;

use crate::ring::{LAP_M, MPS, RADIUS_M, Style, UNDATED, drive_laps};

const G: f64 = 9.806_65;

#[test]
fn a_steady_ring_pulls_to_the_left_by_v_squared_over_r() {
    let drive = clean(steady(), UNDATED).drive;
    let derived = derive(&drive);
    let expected_g = -MPS * MPS / RADIUS_M / G;
    let middle = drive.len() / 2;
    assert!(
        (f64::from(derived.lat_g[middle]) - expected_g).abs() < 0.01,
        "{}",
        derived.lat_g[middle]
    );
    assert!(f64::from(derived.lon_g[middle]).abs() < 0.001);
    let lean = f64::from(lean_deg(&derived.lat_g)[middle]);
    assert!((lean - expected_g.atan().to_degrees()).abs() < 0.5, "{lean}");
    assert!((derived.total_m - 1.5 * LAP_M).abs() < 2.0, "{}", derived.total_m);
}

#[test]
fn a_heading_interpolated_across_the_end_of_its_scale_makes_no_g() {
    let mut fixes = steady();
    let mut through_south = Vec::new();
    for i in 1..fixes.len() - 1 {
        // As an app does that takes the mean of 359° and 1°.
        if (fixes[i - 1].heading_deg - fixes[i + 1].heading_deg).abs() > 180.0 && through_south.is_empty() {
            fixes[i].heading_deg = (fixes[i - 1].heading_deg + fixes[i + 1].heading_deg) / 2.0;
            through_south.push(i);
        }
    }
    let drive = clean(fixes, UNDATED).drive;
    let lat_g = derive(&drive).lat_g;
    assert!(lat_g[through_south[0]].is_nan(), "it cannot be known there");
    let expected_g = -MPS * MPS / RADIUS_M / G;
    let known = || lat_g.iter().filter(|g| !g.is_nan());
    assert!(known().all(|g| (f64::from(*g) - expected_g).abs() < 0.15));
    assert!(known().count() * 20 > 19 * lat_g.len(), "elsewhere it is known");
}

#[test]
fn gaining_speed_is_positive() {
    let mut fixes = steady();
    for (i, fix) in fixes.iter_mut().enumerate() {
        fix.speed_mps = 10.0 + 0.04 * i as f32; // 1 m/s each second
    }
    let drive = clean(fixes, UNDATED).drive;
    let lon_g = derive(&drive).lon_g;
    assert!((f64::from(lon_g[100]) - 1.0 / G).abs() < 1e-3);
}

#[test]
fn speed_and_heading_are_found_from_positions_where_the_file_has_none() {
    let with = steady();
    let without = with
        .iter()
        .map(|fix| Fix::at(fix.clock_s, fix.lat_deg, fix.lon_deg))
        .collect();
    let mut drive = clean(without, UNDATED).drive;
    let filled = fill_motion(&mut drive);
    assert!(filled.speed && filled.heading);
    for (found, known) in drive.fixes.iter().zip(&with).skip(20).take(500) {
        assert!(
            (found.speed_mps - known.speed_mps).abs() < 0.3,
            "{} {}",
            found.speed_mps,
            known.speed_mps
        );
        let turn = (found.heading_deg - known.heading_deg + 540.0).rem_euclid(360.0) - 180.0;
        assert!(turn.abs() < 0.5, "{turn}");
    }
}

#[test]
fn a_parked_logger_drives_no_distance_and_has_no_g() {
    let (lat_deg, lon_deg) = (50.0, 8.0);
    let parked = |i: u32| Fix {
        speed_mps: 0.05,
        heading_deg: 37.0 * i as f32 % 360.0,
        ..Fix::at(f64::from(i) * 0.1, lat_deg + 1e-6 * f64::from(i % 3), lon_deg)
    };
    let drive = clean((0..600).map(parked).collect(), UNDATED).drive;
    let derived = derive(&drive);
    assert_eq!(derived.total_m, 0.0);
    assert!(
        derived.lat_g.iter().all(|g| g.is_nan()),
        "a heading at rest means nothing"
    );
}

fn steady() -> Vec<Fix> {
    drive_laps(&[Style::pushing([0.0; 3])])
}
