//! RaceChrono CSV v3 with its traps.

use telemetry::formats::{Format, ReadError};
use telemetry::model::{Meta, Provenance};
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep, try_keep};

const HEAD: &str = "\u{feff}This file is created using RaceChrono Pro v9.1.3 ( http://racechrono.com/ ).\r\n\
    Format,3\r\nSession title,\"A, B\"\r\nTrack name,\"Ring\"\r\nDriver name,Ada\r\nCreated,01/02/2026,10:11\r\nNote,\r\n\r\n";
const COLUMNS: &str = "timestamp,fragment_id,lap_number,speed,latitude,longitude,satellites,speed,rpm,speed,x_acc\r\n\
    unix time,,,m/s,deg,deg,sats,m/s,rpm,km/h,G\r\n\
    ,,,calc,100: gps,100: gps,100: gps,100: gps,200: obd,200: obd,101: acc\r\n";

fn file(rows: &[&str]) -> String {
    let rows: String = rows.iter().map(|row| format!("{row}\r\n")).collect();
    format!("{HEAD}{COLUMNS}{rows}")
}

#[test]
fn columns_of_one_name_are_told_apart_by_their_source() {
    let kept = keep(
        Format::RacechronoCsv,
        file(&["1769940672.5,0,,9.5,45.5,10.5,8.0,10.0,3544.02,36,0.5"]),
    );
    let fix = kept.fixes[0];
    assert_close(fix.utc_ms, 1_769_940_672_500.0, 0.1);
    assert_eq!(
        (fix.lat_deg, fix.lon_deg, fix.speed_mps, fix.satellites),
        (45.5, 10.5, 10.0, 8.0)
    );
    assert_eq!(kept.channel("log", "speed"), [9.5]);
    assert_eq!(kept.channel("obd", "speed"), [10.0], "km/h become m/s");
    assert_eq!(kept.channel("obd", "rpm"), [3544.02]);
    assert_eq!(kept.channel("imu", "x_acc"), [0.5]);
    let of = |name: &str| {
        kept.streams
            .iter()
            .find(|spec| spec.name == name)
            .expect("declared")
            .channels[0]
            .provenance
    };
    assert_eq!(
        (of("log"), of("obd")),
        (Provenance::Derived, Provenance::Resampled)
    );
    assert_eq!(
        kept.metas,
        [Meta::TrackName("Ring".into()), Meta::DriverName("Ada".into())]
    );
}

#[test]
fn a_new_lap_number_is_a_crossing_and_two_of_them_are_a_lap() {
    let kept = keep(
        Format::RacechronoCsv,
        file(&[
            "1000.00,0,,9,45.50,10.50,8,10,,,",
            "1001.00,0,7,9,45.51,10.51,8,10,,,",
            "1002.00,0,7,9,45.52,10.52,8,10,,,",
            "1061.25,0,8,9,45.53,10.53,8,10,,,",
            "1061.25,0,8,9,45.53,10.53,8,10,,,",
            "1120.00,0,9,9,45.54,10.54,8,10,,,",
            "1130.00,0,,9,45.55,10.55,8,10,,,",
        ]),
    );
    let laps: Vec<u32> = kept.marks.iter().map(|mark| mark.lap).collect();
    assert_eq!(laps, [7, 8, 9]);
    assert_eq!(
        (
            kept.marks[1].clock_s,
            kept.marks[1].lat_deg,
            kept.marks[1].lon_deg
        ),
        (1061.25, 45.53, 10.53)
    );
    assert_eq!(kept.laps_ms(), [60_250, 58_750]);
    assert_eq!(kept.laps[0].number, 7);
    assert_eq!(
        kept.fixes.len(),
        7,
        "rows of one time are all handed on; cleaning judges them"
    );
}

#[test]
fn the_lap_that_a_file_begins_in_is_not_declared() {
    let rows = [
        "1000.00,0,7,9,45.50,10.50,8,10,,,",
        "1001.00,0,8,9,45.51,10.51,8,10,,,",
    ];
    let kept = keep(Format::RacechronoCsv, file(&rows));
    assert_eq!(kept.marks.len(), 1);
    assert_eq!(kept.laps, []);
}

#[test]
fn a_row_without_a_place_is_no_fix_but_still_a_sample() {
    let kept = keep(
        Format::RacechronoCsv,
        file(&["1000.00,0,7,,,,,,3000,,", "x,0,7,9,45.51,10.51,8,10,,,"]),
    );
    assert_eq!(kept.fixes, []);
    assert_eq!(kept.channel("obd", "rpm"), [3000.0]);
    assert_eq!(kept.rejected, [(Rejection::Malformed, 13)]);
}

#[test]
fn a_head_cut_anywhere_says_where() {
    let error = try_keep(Format::RacechronoCsv, HEAD.as_bytes()).expect_err("no columns");
    assert!(
        matches!(error, ReadError::HeaderIncomplete { line: 8, .. }),
        "{error}"
    );
    let cut = HEAD.to_owned() + "timestamp,lap_number\r\n";
    let error = try_keep(Format::RacechronoCsv, cut.as_bytes()).expect_err("no units");
    assert!(
        matches!(error, ReadError::HeaderIncomplete { line: 9, .. }),
        "{error}"
    );
    let error = try_keep(Format::RacechronoCsv, file(&[]).as_bytes()).expect_err("no rows");
    assert!(matches!(error, ReadError::HeaderOnly { line: 11, .. }), "{error}");
}
