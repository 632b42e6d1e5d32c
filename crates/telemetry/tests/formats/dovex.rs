//! Dove `.dovex` with its traps.

use telemetry::formats::{Format, ReadError};
use telemetry::model::Meta;
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep, try_keep};

const COLUMNS: &str = "timestamp,sats,hdop,lat,lng,speed_mph,altitude_m,heading_deg,h_acc_m,rpm,accel_x\r\n";
const ROW: &str = "1769947200040,9,1.1,45.5000000,10.5000000,22.3694,100.5,93.5,0.4,5000,-0.25\r\n";

fn head(laps: &str) -> String {
    let head = format!(
        "datetime,driver,course,short_name,best_lap_ms,optimal_ms\r\n2026-02-01 12:00:00,Ada,Long,RNG,60000,59000\r\nlaps_ms\r\n{laps}\r\n"
    );
    head.clone() + &"\n".repeat(1024 - head.len())
}

#[test]
fn the_head_declares_laps_driver_and_track_and_rows_follow_the_padding() {
    let kept = keep(Format::Dovex, head("61000,60000,60500") + COLUMNS + ROW);
    assert_eq!(kept.laps_ms(), [61_000, 60_000, 60_500]);
    assert_eq!(
        kept.laps.iter().map(|lap| lap.number).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(
        kept.metas,
        [Meta::DriverName("Ada".into()), Meta::TrackName("RNG Long".into())]
    );
    let fix = kept.fixes[0];
    assert_close(fix.utc_ms, 1_769_947_200_040.0, 0.0);
    assert_close(fix.clock_s, 1_769_947_200.040, 1e-6);
    assert_close(fix.speed_mps.into(), 10.0, 1e-4);
    assert_eq!((fix.lat_deg, fix.lon_deg, fix.alt_m), (45.5, 10.5, 100.5));
    assert_eq!(
        (fix.heading_deg, fix.accuracy_m, fix.satellites),
        (93.5, 0.4, 9.0)
    );
    assert_eq!(kept.channel("imu", "acc_x"), [-0.25]);
    assert_eq!(kept.channel("log", "rpm"), [5000.0]);
    assert_eq!(kept.rejected, []);
}

#[test]
fn rows_alone_are_read_as_well() {
    let kept = keep(Format::Dovex, COLUMNS.to_owned() + ROW);
    assert_eq!(kept.fixes.len(), 1);
    assert_eq!(kept.laps, []);
}

#[test]
fn torn_rows_are_rejected_with_their_line_and_the_rest_is_read() {
    let file = COLUMNS.to_owned()
        + ROW
        + "1769947200080,9,1.1,45.5\r\n"
        + &ROW.replace("040,9", "120,9")
        + "17699472";
    let kept = keep(Format::Dovex, file);
    assert_eq!(kept.fixes.len(), 2);
    assert_eq!(
        kept.rejected,
        [(Rejection::Malformed, 3), (Rejection::Malformed, 5)]
    );
    assert_eq!(kept.message_codes(), ["cut_off"]);
    assert_eq!(kept.messages[0].line, Some(5));
}

#[test]
fn zero_zero_is_no_fix() {
    let file = COLUMNS.to_owned() + &ROW.replace("45.5000000,10.5000000", "0.0,0.0");
    assert_eq!(keep(Format::Dovex, file).rejected, [(Rejection::NoFix, 2)]);
}

#[test]
fn a_head_without_rows_and_a_cut_head_say_so_with_the_line() {
    let error = try_keep(Format::Dovex, (head("1,2") + COLUMNS).as_bytes()).expect_err("no rows");
    assert!(matches!(error, ReadError::HeaderOnly { .. }), "{error}");
    assert!(error.line().is_some());
    let error = try_keep(Format::Dovex, b"datetime,driver,course,short_name\r\n2026-02-01").expect_err("cut");
    assert!(
        matches!(error, ReadError::HeaderIncomplete { line: 2, .. }),
        "{error}"
    );
}
