//! RaceBox CSV presets with their traps.

use telemetry::formats::{Format, ReadError};
use telemetry::model::{Meta, Vehicle};
use telemetry::sink::Rejection;

use crate::support::{Kept, assert_close, keep, try_keep};

/// Rows at 10 Hz driving north at exactly 10 m/s, the speed column in units of `per_mps` to a metre a second.
fn drive(per_mps: f64, rows: u32) -> String {
    let row = |n: u32| {
        let lat = 45.5 + f64::from(n) / 111_195.0;
        format!(
            "{},2026-02-01T10:11:{:02}.{}00Z,{lat:.8},10.5,100.5,{:.2},0.1,0.2,1.0,0\r\n",
            n + 1,
            n / 10,
            n % 10,
            10.0 * per_mps
        )
    };
    (0..rows).map(row).collect()
}

const CUSTOM: &str = "Record,Time,Latitude,Longitude,Altitude,Speed,GForceX,GForceY,GForceZ,Lap\r\n";

fn speeds(kept: &Kept) -> Vec<f32> {
    kept.fixes.iter().map(|fix| fix.speed_mps).collect()
}

#[test]
fn the_speed_unit_is_measured_against_the_positions() {
    for (per_mps, unit) in [(3.6, "km/h"), (2.236_94, "mph"), (1.0, "m/s")] {
        let kept = keep(Format::RaceboxCsv, CUSTOM.to_owned() + &drive(per_mps, 300));
        assert_eq!(kept.fixes.len(), 300, "held fixes come out as well");
        assert!(
            speeds(&kept).iter().all(|speed| (speed - 10.0).abs() < 0.01),
            "{unit}"
        );
        assert_eq!(kept.message_codes(), ["speed_unit_measured"]);
        assert!(
            kept.messages[0].text.ends_with(&format!("they are {unit}.")),
            "{}",
            kept.messages[0].text
        );
    }
}

#[test]
fn a_speed_whose_unit_cannot_be_measured_is_left_out() {
    let kept = keep(Format::RaceboxCsv, CUSTOM.to_owned() + &drive(3.6, 50));
    assert_eq!(kept.fixes.len(), 50);
    assert!(speeds(&kept).iter().all(|speed| speed.is_nan()));
    assert_eq!(kept.message_codes(), ["speed_unit_unknown"]);
}

#[test]
fn presets_that_say_their_units_are_taken_at_their_word() {
    let telemetry_overlay = "Record,Time,Latitude,Longitude,Altitude (m),Speed (m/s),GForceX (g),GForceY (g),GForceZ (g),Lap,Heading\n\
                             1,2026-02-01T10:11:12.500Z,45.5,10.5,100.5,10.0,0.1,0.2,1.0,0,93.5\n";
    let kept = keep(Format::RaceboxCsv, telemetry_overlay);
    assert_eq!(
        (
            kept.fixes[0].speed_mps,
            kept.fixes[0].heading_deg,
            kept.fixes[0].alt_m
        ),
        (10.0, 93.5, 100.5)
    );
    assert_eq!(
        (kept.channel("imu", "acc_x"), kept.unit("imu", "acc_x")),
        (vec![0.1], "g")
    );
    assert_eq!(kept.messages, []);

    let race_render = "Record,Time,Latitude,Longitude,Altitude,MPH,X,Y,Z,Lap\n\
                       1,2026-02-01T10:11:12.500Z,45.5,10.5,100.5,22.3694,0.1,0.2,1.0,0\n";
    let kept = keep(Format::RaceboxCsv, race_render);
    assert_close(kept.fixes[0].speed_mps.into(), 10.0, 1e-4);
    assert_eq!(kept.channel("imu", "acc_z"), [1.0]);
    assert_eq!(
        keep(
            Format::RaceboxCsv,
            race_render.replace("MPH", "KPH").replace("22.3694", "36")
        )
        .fixes[0]
            .speed_mps,
        10.0
    );

    let fast_lap = "Time,Latitude,Longitude,Altitude,Speed,GForceX,GForceY,GForceZ,Lap\n\
                    2026-02-01T10:11:12.500,45.5,10.5,100.5,10.0,0.1,0.2,1.0,0\n";
    let kept = keep(Format::RaceboxCsv, fast_lap);
    assert_close(kept.fixes[0].utc_ms, 1_769_940_672_500.0, 0.01);
}

#[test]
fn bike_presets_have_a_lean_angle_and_no_lateral_acceleration() {
    let file = "Record,Time,Latitude,Longitude,Altitude,Speed,GForceX,GForceZ,Lap,LeanAngle\n\
                1,2026-02-01T10:11:12.500Z,45.5,10.5,100.5,10.0,0.1,1.0,0,-44.5\n";
    let kept = keep(Format::RaceboxCsv, file);
    assert_eq!(kept.metas, [Meta::Vehicle(Vehicle::Motorcycle)]);
    assert_eq!(kept.channel("log", "lean_angle"), [-44.5]);
    assert_eq!(kept.channel("imu", "acc_z"), [1.0]);
}

#[test]
fn a_byte_order_mark_in_front_of_the_names_is_no_part_of_them() {
    let kept = keep(
        Format::RaceboxCsv,
        "\u{feff}".to_owned() + CUSTOM + &drive(3.6, 1),
    );
    assert_eq!(kept.fixes.len(), 1);
}

#[test]
fn the_block_in_front_declares_the_laps() {
    let block = "Format,RaceBox CSV\nData Source,RaceBox 1000\nTrack,Ring\nLaps,2\nBest Lap Time,59.5\n\
                 Lap 1, 61.250, sectors, 20.0,41.25,0,0\nLap 2, 1:00.500, sectors, 20.0,39.5,0,0\n\n";
    let rows = drive(3.6, 3).replacen(",0\r\n", ",1\r\n", 1);
    let kept = keep(Format::RaceboxCsv, block.to_owned() + CUSTOM + &rows);
    assert_eq!(kept.laps_ms(), [61_250, 60_500]);
    assert_eq!(
        kept.metas,
        [
            Meta::DeviceName("RaceBox 1000".into()),
            Meta::TrackName("Ring".into())
        ]
    );
}

#[test]
fn without_the_block_the_lap_column_declares_them_to_a_row() {
    let row =
        |second: u32, lap: u32| format!("{second},2026-02-01T10:11:{second:02}Z,45.5,10.5,0,0,0,0,1,{lap}\n");
    let rows: String = [(0, 0), (10, 1), (11, 1), (30, 2), (45, 0)]
        .map(|(second, lap)| row(second, lap))
        .concat();
    let kept = keep(Format::RaceboxCsv, CUSTOM.to_owned() + &rows);
    assert_eq!(kept.marks.iter().map(|mark| mark.lap).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(kept.laps_ms(), [20_000, 15_000]);
}

#[test]
fn bad_rows_are_told_with_their_line() {
    let rows = "1,yesterday,45.5,10.5,0,0,0,0,1,0\n2,2026-02-01T10:11:12Z,0,0,0,0,0,0,1,0\n3,2026-02-01T10:11:12Z,45.5,10";
    let kept = keep(Format::RaceboxCsv, CUSTOM.to_owned() + rows);
    assert_eq!(
        kept.rejected,
        [
            (Rejection::Malformed, 2),
            (Rejection::NoFix, 3),
            (Rejection::Malformed, 4)
        ]
    );
    assert!(kept.message_codes().contains(&"cut_off"));
}

#[test]
fn a_block_without_rows_says_where_it_ended() {
    let error = try_keep(Format::RaceboxCsv, CUSTOM.as_bytes()).expect_err("no rows");
    assert!(matches!(error, ReadError::HeaderOnly { line: 1, .. }), "{error}");
    let error = try_keep(Format::RaceboxCsv, b"Format,RaceBox CSV\nTrack,Ring\n").expect_err("no names");
    assert!(
        matches!(error, ReadError::HeaderIncomplete { line: 2, .. }),
        "{error}"
    );
}
