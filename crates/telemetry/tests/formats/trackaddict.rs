//! TrackAddict CSV with its traps.

use telemetry::formats::{Format, ReadError};
use telemetry::model::{GateRole, GateShape, Meta};
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep, try_keep};

const HEAD: &str = "# RaceRender Data: TrackAddict 4.3.5 on Android 9 [x] (Mode: 0)\n# Vehicle: Kart 7\n\
                    # End Point: 45.50000, 10.50000  @ -1.00 deg\n";
const COLUMNS: &str = "\"Time\",\"UTC Time\",\"Lap\",\"GPS_Update\",\"GPS_Delay\",\"Latitude\",\"Longitude\",\"Altitude (m)\",\
                       \"Altitude (ft)\",\"Speed (MPH)\",\"Heading\",\"Accuracy (m)\",\"Accel X\",\"Brake (calculated)\"\n";

fn file(rows: &[&str]) -> String {
    format!("{HEAD}{COLUMNS}") + &rows.iter().map(|row| format!("{row}\n")).collect::<String>()
}

#[test]
fn only_updates_are_fixes_and_they_are_as_old_as_their_delay() {
    let kept = keep(
        Format::Trackaddict,
        file(&[
            "1.000,1769940672.500,0,1,0.250,45.5,10.5,100.5,329.7,22.3694,93.5,6.0,0.10,1",
            "1.050,1769940672.550,0,0,0.300,45.5,10.5,100.5,329.7,22.3694,93.5,6.0,0.20,0",
        ]),
    );
    assert_eq!(kept.fixes.len(), 1);
    let fix = kept.fixes[0];
    assert_close(fix.clock_s, 0.75, 1e-9);
    assert_close(fix.utc_ms, 1_769_940_672_250.0, 0.01);
    assert_close(fix.speed_mps.into(), 10.0, 1e-4);
    assert_eq!((fix.alt_m, fix.heading_deg, fix.accuracy_m), (100.5, 93.5, 6.0));
    assert_eq!(kept.channel("imu", "acc_x"), [0.1, 0.2]);
    assert_eq!(kept.channel("log", "brake_calculated"), [1.0, 0.0]);
    assert_close(kept.channel("log", "altitude")[0].into(), 100.49, 0.01);
    assert!(kept.metas.contains(&Meta::VehicleName("Kart 7".into())));
}

#[test]
fn laps_are_comments_between_the_rows() {
    let row = "1.000,1769940672.500,0,1,0,45.5,10.5,0,0,0,0,6,0,0";
    let kept = keep(
        Format::Trackaddict,
        file(&[
            row,
            "# Lap 1: 00:01:47.089",
            "# Pit Lane Entry",
            "# Lap 2: 01:00:00.5",
            "# Lap 3: soon",
            "# Session End",
        ]),
    );
    assert_eq!(kept.laps_ms(), [107_089, 3_600_500]);
    assert_eq!(kept.laps[1].number, 2);
    assert_eq!(kept.rejected, [(Rejection::Malformed, 9)]);
}

#[test]
fn an_end_point_alone_is_the_line_of_a_circuit_and_with_a_start_point_the_finish() {
    let row = "1.000,1769940672.500,0,1,0,45.5,10.5,0,0,0,0,6,0,0";
    let circuit = keep(Format::Trackaddict, file(&[row]));
    let [gate] = circuit.gates.as_slice() else {
        panic!("{:?}", circuit.gates)
    };
    assert_eq!(gate.role, GateRole::Start);
    let GateShape::Radius { at, .. } = gate.alternatives[0] else {
        panic!("-1 is no direction")
    };
    assert_eq!((at, gate.line), ((45.5, 10.5), Some(3)));

    let course = file(&[row]).replace(
        "# Vehicle: Kart 7",
        "# Start Point: 45.40000, 10.40000 @ 90.00 deg",
    );
    let kept = keep(Format::Trackaddict, course);
    let roles: Vec<GateRole> = kept.gates.iter().map(|gate| gate.role).collect();
    assert_eq!(roles, [GateRole::Start, GateRole::Finish]);
    let GateShape::Bearing { bearing_deg, .. } = kept.gates[0].alternatives[0] else {
        panic!("{:?}", kept.gates)
    };
    assert_eq!(bearing_deg, 90.0);
}

#[test]
fn torn_rows_are_told_with_their_line() {
    let row = "1.000,1769940672.500,0,1,0,45.5,10.5,0,0,0,0,6,0,0";
    let kept = keep(
        Format::Trackaddict,
        file(&[row, "1.1,17699", "1.2,1769940672.7,0,1,0,,,0,0,0,0,6,0,0"]),
    );
    assert_eq!(kept.rejected, [(Rejection::Malformed, 6), (Rejection::NoFix, 7)]);
}

#[test]
fn a_head_without_rows_says_where_it_ended() {
    let error = try_keep(Format::Trackaddict, file(&["# Session End"]).as_bytes()).expect_err("no rows");
    assert!(matches!(error, ReadError::HeaderOnly { line: 5, .. }), "{error}");
    let error = try_keep(Format::Trackaddict, HEAD.as_bytes()).expect_err("no names");
    assert!(
        matches!(error, ReadError::HeaderIncomplete { line: 3, .. }),
        "{error}"
    );
}
