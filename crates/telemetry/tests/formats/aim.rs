//! AiM CSV of Race Studio 2 and 3 with their traps.

use telemetry::formats::{Format, ReadError};
use telemetry::model::{Meta, Provenance};
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep, try_keep};

/// Race Studio 2: quoted, markers in one cell, names twice, degree signs in Latin-1.
fn rs2(elevation: &str, rows: &[&str]) -> Vec<u8> {
    let head = "\"Format\",\"AIM CSV File\"\r\n\"Venue\",\"Ring\"\r\n\"Vehicle\",\"Kart\"\r\n\"User\",\"Ada\"\r\n\
                \"Date\",\"01/02/26\"\r\n\"Time\",\"10:11:12\"\r\n\"Sample Rate\",\"10\"\r\n\"Duration\",\"200.5\"\r\n\
                \"Beacon Markers\",\"60.25, 120.5, 200.5\"\r\n\"Segment Times\",\"1:00.250\",\"1:00.250\",\"1:20.000\"\r\n\r\n";
    let names = "\"Time\",\"TM-0 Water\",\"GPS_Speed\",\"GPS_Nsat\",\"GPS_Latitude\",\"GPS_Longitude\",\"GPS_Elevation\",\r\n";
    let mut bytes = format!("{head}{names}{names}").into_bytes();
    bytes.extend_from_slice(b"\"sec\",\"\xB0C\",\"km/h\",\"#\",\"\xB0\",\"\xB0\",\"cm\",\r\n\"\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\r\n\r\n");
    for row in rows {
        bytes.extend_from_slice(format!("{row},80.5,36.0,9,45.5,10.5,{elevation}\r\n").as_bytes());
    }
    bytes
}

const RS3: &str = "Format,AiM CSV File,,,,,\nSession,Ring,,,,,\nRacer,Ada,,,,,\nDate,\"Sunday, February 1, 2026\",,,,,\n\
    Time,1:34 PM,,,,,\nDuration,200.5,,,,,\nBeacon Markers,60.25,120.5,180.25,200.5,,\nSegment Times,01:00.3,01:00.3,,,,\n,,,,,,\n\
    Time,GPS Speed,GPS Nsat,GPS Altitude,GPS PosAccuracy,GPS Latitude,GPS Longitude\ns,mph, ,m,mm,deg,deg\n,,,,,,\n";

#[test]
fn rs2_time_goes_on_over_its_restarts() {
    let kept = keep(
        Format::AimCsv,
        rs2("2500.0", &["60.15", "60.25", "0.0", "0.1", "60.25", "0.0"]),
    );
    let clocks: Vec<f64> = kept.fixes.iter().map(|fix| fix.clock_s).collect();
    let expected = [60.15, 60.25, 60.25, 60.35, 120.5, 120.5];
    for (clock, expected) in clocks.iter().zip(expected) {
        assert_close(*clock, expected, 1e-9);
    }
    assert_eq!(clocks.len(), expected.len());
}

#[test]
fn a_lap_whose_last_row_is_missing_begins_at_its_beacon() {
    let kept = keep(Format::AimCsv, rs2("2500.0", &["60.15", "0.05"]));
    assert_close(kept.fixes[1].clock_s, 60.30, 1e-9);
}

#[test]
fn laps_lie_between_beacons_and_the_last_marker_is_the_end() {
    let kept = keep(Format::AimCsv, rs2("2500.0", &["0.0"]));
    assert_eq!(kept.laps_ms(), [60_250]);
    let kept = keep(Format::AimCsv, RS3.to_owned() + "0,10,9,100,1500,45.5,10.5\n");
    assert_eq!(kept.laps_ms(), [60_250, 59_750]);
    let real_end = RS3.replace("Duration,200.5", "Duration,230.0") + "0,10,9,100,1500,45.5,10.5\n";
    assert_eq!(
        keep(Format::AimCsv, real_end).laps_ms(),
        [60_250, 59_750, 20_250],
        "here the last marker is a beacon"
    );
}

#[test]
fn units_come_from_the_units_row() {
    let kept = keep(
        Format::AimCsv,
        RS3.to_owned() + "0.05,22.3694,9,100.5,1500,45.5,10.5\n",
    );
    let fix = kept.fixes[0];
    assert_close(fix.speed_mps.into(), 10.0, 1e-4);
    assert_eq!((fix.alt_m, fix.accuracy_m, fix.satellites), (100.5, 1.5, 9.0));
    assert_close(fix.clock_s, 0.05, 1e-12);
    assert!(fix.utc_ms.is_nan(), "the rows have no UTC");

    let kept = keep(Format::AimCsv, rs2("2500.0", &["0.0"]));
    assert_eq!((kept.fixes[0].speed_mps, kept.fixes[0].alt_m), (10.0, 25.0));
    assert_eq!(
        (kept.channel("log", "tm_0_water"), kept.unit("log", "tm_0_water")),
        (vec![80.5], "Cel")
    );
    assert_eq!(kept.streams[0].channels[0].provenance, Provenance::Resampled);
}

#[test]
fn centimetres_that_can_only_be_metres_are_metres() {
    let kept = keep(Format::AimCsv, rs2("25.0", &["0.0"]));
    assert_eq!(kept.fixes[0].alt_m, 25.0);
    assert_eq!(kept.message_codes(), ["altitude_unit_doubted"]);
}

#[test]
fn the_header_names_people_and_places_and_a_written_out_date() {
    let kept = keep(Format::AimCsv, RS3.to_owned() + "0,10,9,100,1500,45.5,10.5\n");
    // 2026-02-01T13:34:00Z
    let expected = [
        Meta::TrackName("Ring".into()),
        Meta::DriverName("Ada".into()),
        Meta::StartedAtUtcMs(1_769_952_840_000),
    ];
    assert_eq!(kept.metas, expected);
    assert_eq!(kept.message_codes(), ["start_without_zone"]);
    let kept = keep(Format::AimCsv, rs2("2500.0", &["0.0"]));
    assert!(
        !kept
            .metas
            .iter()
            .any(|meta| matches!(meta, Meta::StartedAtUtcMs(_))),
        "01/02/26 has two readings"
    );
}

#[test]
fn torn_rows_are_told_with_their_line() {
    let kept = keep(
        Format::AimCsv,
        RS3.to_owned() + "0,10,9,100,1500,45.5,10.5\n0.05,10,9\nx,10,9,100,1500,45.5,10.5\n",
    );
    assert_eq!(
        kept.rejected,
        [(Rejection::Malformed, 14), (Rejection::Malformed, 15)]
    );
}

#[test]
fn a_head_without_rows_says_where_it_ended() {
    let error = try_keep(Format::AimCsv, RS3.as_bytes()).expect_err("no rows");
    assert!(matches!(error, ReadError::HeaderOnly { line: 12, .. }), "{error}");
    let error = try_keep(Format::AimCsv, b"Format,AiM CSV File,,\nSession,Ring,,\n").expect_err("no names");
    assert!(
        matches!(error, ReadError::HeaderIncomplete { line: 2, .. }),
        "{error}"
    );
}
