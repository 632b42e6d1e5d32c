//! RaceCapture logs with their traps.

use telemetry::formats::{Format, ReadError};
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep, try_keep};

const HEADER: &str = "\"Interval\"|\"ms\"|0|0|1,\"Utc\"|\"ms\"|0|0|1,\"AccelX\"|\"G\"|-2.0|2.0|25,\"RPM\"|\"\"|0|10000|10,\
    \"Latitude\"|\"Degrees\"|0.0|0.0|10,\"Longitude\"|\"Degrees\"|0.0|0.0|10,\"Speed\"|\"MPH\"|0.0|150.0|10,\
    \"Distance\"|\"Miles\"|0|0|10,\"LapCount\"|\"\"|0|0|10,\"LapTime\"|\"Min\"|0|0|10\n";

fn file(rows: &[&str]) -> String {
    HEADER.to_owned() + &rows.iter().map(|row| format!("{row}\n")).collect::<String>()
}

#[test]
fn only_rows_with_another_place_are_fixes_and_empty_cells_are_no_samples() {
    let kept = keep(
        Format::Racecapture,
        file(&[
            "1000,1769940672500,0.5,3000,45.5,10.5,22.3694,1.5,0,0.0",
            "1040,1769940672540,0.6,,,,,,,",
            "1100,1769940672600,,3100,45.5,10.5,22.3694,1.5,0,0.0",
            "1200,1769940672700,,3200,45.6,10.5,22.3694,1.5,0,0.0",
        ]),
    );
    let clocks: Vec<f64> = kept.fixes.iter().map(|fix| fix.clock_s).collect();
    assert_eq!(clocks, [1.0, 1.2]);
    assert_close(kept.fixes[0].speed_mps.into(), 10.0, 1e-4);
    assert_eq!(kept.fixes[0].utc_ms, 1_769_940_672_500.0);
    assert_eq!(kept.channel("imu", "acc_x"), [0.5, 0.6]);
    assert_eq!(kept.channel("log", "rpm"), [3000.0, 3100.0, 3200.0]);
    assert_eq!(kept.unit("log", "distance"), "m");
    assert_close(kept.channel("log", "distance")[0].into(), 2414.016, 1e-3);
}

#[test]
fn before_a_fix_there_is_neither_date_nor_place() {
    let rows = [
        "1000,0,,,0.0,0.0,0,0,0,0",
        "1100,0,,,0.0,0.0,0,0,0,0",
        "1200,0,,,45.5,10.5,0,0,0,0",
    ];
    let kept = keep(Format::Racecapture, file(&rows));
    assert_eq!(kept.fixes.len(), 1);
    assert!(kept.fixes[0].utc_ms.is_nan());
    assert_eq!(
        kept.rejected,
        [(Rejection::NoFix, 2)],
        "the repeats of a place are no records of their own"
    );
}

#[test]
fn a_higher_lap_count_declares_a_lap_in_minutes() {
    let kept = keep(
        Format::Racecapture,
        file(&[
            "1000,0,,,45.5,10.5,0,0,3,9.9",
            "2000,0,,,45.6,10.5,0,0,4,2.135",
            "3000,0,,,45.7,10.5,0,0,4,2.135",
            "4000,0,,,45.8,10.5,0,0,5,2.1067",
        ]),
    );
    assert_eq!(kept.laps_ms(), [128_100, 126_402]);
    assert_eq!(kept.laps.iter().map(|lap| lap.number).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_header_in_mid_file_repeats_or_changes_the_columns() {
    let changed =
        "\"Interval\"|\"ms\"|1,\"Latitude\"|\"Degrees\"|10,\"Longitude\"|\"Degrees\"|10,\"Oil\"|\"F\"|1\n";
    let rows = ["1000,0,,,45.5,10.5,0,0,0,0"];
    let file = file(&rows) + HEADER + "2000,0,,,45.6,10.5,0,0,0,0\n" + changed + "3000,45.7,10.5,212\n";
    let kept = keep(Format::Racecapture, file);
    let lats: Vec<f64> = kept.fixes.iter().map(|fix| fix.lat_deg).collect();
    assert_eq!(lats, [45.5, 45.6, 45.7]);
    assert_eq!(
        kept.channel("log_2", "oil"),
        [100.0],
        "Fahrenheit becomes Celsius"
    );
    assert_eq!(kept.unit("log_2", "oil"), "Cel");
    assert_eq!(kept.rejected, []);
}

#[test]
fn the_oldest_logs_have_a_hash_and_a_packed_time() {
    let file = "#\"Time\"|\"Time\"|10,\"Latitude\"|\"Deg\"|10,\"Longitude\"|\"Deg\"|10\n\
                095959.900,45.5,10.5\n100000.000,45.6,10.5\n";
    let kept = keep(Format::Racecapture, file);
    assert_close(kept.fixes[1].clock_s - kept.fixes[0].clock_s, 0.1, 1e-6);
}

#[test]
fn torn_rows_and_empty_logs_are_told_with_their_line() {
    let kept = keep(
        Format::Racecapture,
        file(&["1000,0,,,45.5,10.5,0,0,0,0"]) + "1100,0,,",
    );
    assert_eq!(kept.rejected, [(Rejection::Malformed, 3)]);
    assert_eq!(kept.message_codes(), ["cut_off"]);
    let error = try_keep(Format::Racecapture, HEADER.as_bytes()).expect_err("no rows");
    assert!(matches!(error, ReadError::HeaderOnly { line: 1, .. }), "{error}");
    let no_place = b"\"Interval\"|\"ms\"|1,\"RPM\"|\"\"|1\n1,2\n";
    let error = try_keep(Format::Racecapture, no_place).expect_err("no place");
    assert!(
        matches!(error, ReadError::HeaderIncomplete { line: 2, .. }),
        "{error}"
    );
}
