//! What each real recording holds, counted by other tools beforehand.

use telemetry::formats::Format;
use telemetry::model::{GateRole, GateShape};
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep_corpus, truth_laps_ms};

#[test]
fn dirty_nmea_loses_exactly_its_twelve_bad_checksums() {
    let Some(kept) = keep_corpus("okc-tillotson-plain.nmea", Format::Nmea) else {
        return;
    };
    assert_eq!(kept.rejected.len(), 12, "{:?}", kept.rejected);
    assert!(kept.rejected.iter().all(|(why, _)| *why == Rejection::Checksum));
    assert!(
        kept.fixes.iter().all(|fix| (fix.lon_deg + 81.379).abs() < 0.1),
        "the flipped W is not among the fixes"
    );
    assert!(kept.fixes.len() > 15_600, "{}", kept.fixes.len());
}

#[test]
fn uneven_nmea_gives_one_fix_for_each_rmc() {
    let Some(kept) = keep_corpus("okc_2laps.nmea", Format::Nmea) else {
        return;
    };
    assert_eq!(kept.fixes.len(), 2790);
    assert_eq!(kept.rejected, []);
    assert_close(kept.fixes[0].utc_ms, 1_682_789_670_010.0, 0.5);
}

#[test]
fn dovex_declares_the_loggers_own_thirteen_laps() {
    let Some(kept) = keep_corpus("okc-tillotson-data.dovex", Format::Dovex) else {
        return;
    };
    assert_eq!(kept.laps_ms(), truth_laps_ms("okc-tillotson-data.dovex"));
    assert_eq!(kept.fixes.len(), 22_691);
    assert_eq!(kept.rejected, []);
    assert_eq!(kept.metas.len(), 2);
}

#[test]
fn racebox_vbo_has_its_gate_as_two_ends() {
    let Some(kept) = keep_corpus("racebox-lignano.vbo", Format::Vbo) else {
        return;
    };
    assert_eq!(kept.fixes.len(), 31_527);
    assert_eq!(kept.rejected, []);
    let GateShape::Ends { a, b } = kept.gates[0].alternatives[0] else {
        panic!("{:?}", kept.gates)
    };
    assert_close(a.0, 45.732_813_666_666_665, 1e-9);
    assert_close(a.1, 13.073_286_833_333_333, 1e-9);
    assert_close(b.0, 45.732_663_833_333_326, 1e-9);
    assert_close(b.1, 13.073_297_666_666_667, 1e-9);
    assert!(
        kept.fixes
            .iter()
            .all(|fix| (fix.lat_deg - a.0).abs() < 0.05 && (fix.lon_deg - a.1).abs() < 0.05)
    );
}

#[test]
fn vbox_hd2_with_a_stale_gate_still_hands_the_gate_on() {
    let Some(kept) = keep_corpus("25IR05_RdAm_FP1_Run01_KO.vbo", Format::Vbo) else {
        return;
    };
    assert_eq!(kept.fixes.len(), 5675);
    let GateShape::Bearing { at, .. } = kept.gates[0].alternatives[0] else {
        panic!("{:?}", kept.gates)
    };
    assert_close(at.0, 25.4545, 0.001);
    assert_close(at.1, -80.4155, 0.001);
    assert_close(kept.fixes[0].lat_deg, 43.7967, 0.001);
    assert_close(kept.fixes[0].lon_deg, -87.9897, 0.001);
    // The banner says 14:00 in local time, the rows 19:00 UTC of the same day, 2025-08-01.
    assert_close(kept.fixes[0].utc_ms, 1_754_074_813_040.0, 1.0);
    assert_eq!(kept.unit("log", "rpm"), "rpm");
    assert_eq!(kept.unit("log", "brake_pressure_front"), "bar");
}

#[test]
fn circuit_tools_vbo_crosses_the_hour() {
    let Some(kept) = keep_corpus("racelogic.vbo", Format::Vbo) else {
        return;
    };
    let seconds: Vec<f64> = kept
        .fixes
        .iter()
        .map(|fix| fix.clock_s - kept.fixes[0].clock_s)
        .collect();
    assert_eq!(seconds, [0.0, 1.0, 2.0, 241.0, 242.0, 243.0]);
}

#[test]
fn racechrono_declares_the_lap_between_its_interpolated_rows() {
    let Some(kept) = keep_corpus("racechrono-tianma-lap9-v3.csv", Format::RacechronoCsv) else {
        return;
    };
    assert_eq!(kept.laps_ms(), truth_laps_ms("racechrono-tianma-lap9-v3.csv"));
    assert_eq!(
        kept.marks.iter().map(|mark| mark.lap).collect::<Vec<_>>(),
        [9, 10]
    );
    assert_eq!(kept.fixes.len(), 3850);
    assert_eq!(kept.rejected, []);
    assert_eq!(kept.channel("obd", "rpm").len(), 3850);
}

#[test]
fn racecapture_declares_the_devices_seven_laps() {
    let Some(kept) = keep_corpus("sonoma.log", Format::Racecapture) else {
        return;
    };
    assert_eq!(kept.laps_ms(), truth_laps_ms("sonoma.log"));
    assert_eq!(kept.fixes.len(), 9791);
    assert_eq!(kept.rejected, []);
}

#[test]
fn racebox_csv_is_in_kmh_and_its_lap_column_spans_the_run() {
    let Some(kept) = keep_corpus("racebox-eskate.csv", Format::RaceboxCsv) else {
        return;
    };
    assert_eq!(kept.fixes.len(), 3628);
    assert_eq!(kept.rejected, []);
    assert_eq!(kept.messages.len(), 1);
    assert!(
        kept.messages[0].text.contains("km/h"),
        "{}",
        kept.messages[0].text
    );
    let fastest = kept.fixes.iter().map(|fix| fix.speed_mps).fold(0.0, f32::max);
    assert_close(fastest.into(), 100.82 / 3.6, 0.01);
    assert_eq!(kept.marks.len(), 1);
    assert_close(
        kept.laps[0].time_ms,
        truth_laps_ms("racebox-eskate.csv")[0] as f64,
        80.0,
    );
    assert_eq!(kept.channel("imu", "gyro_x").len(), 3628);
}

#[test]
fn racebox_gpx_joins_its_segments_and_gives_its_gates() {
    let Some(kept) = keep_corpus("racebox-eskate.gpx", Format::Gpx) else {
        return;
    };
    assert_eq!(kept.fixes.len(), 3628);
    assert_eq!(kept.rejected, []);
    let gates: Vec<_> = kept
        .gates
        .iter()
        .map(|gate| (gate.role, gate.alternatives[0]))
        .collect();
    let [
        (GateRole::Start, GateShape::Radius { at: start, .. }),
        (GateRole::Finish, GateShape::Radius { at: finish, .. }),
    ] = gates.as_slice()
    else {
        panic!("{gates:?}")
    };
    assert_eq!(
        (*start, *finish),
        ((33.652_616, -117.303_914_8), (33.651_857_7, -117.303_818_2))
    );
    assert_eq!(kept.fixes[1].satellites, 28.0);
}

#[test]
fn trackaddict_fixes_are_its_gps_updates_and_its_laps_are_comments() {
    let Some(kept) = keep_corpus("STC_log.csv", Format::Trackaddict) else {
        return;
    };
    assert_eq!(kept.fixes.len(), 1164);
    assert_eq!(kept.laps_ms(), truth_laps_ms("STC_log.csv"));
    assert_eq!(kept.rejected, []);
    assert_eq!(kept.channel("imu", "acc_x").len(), 25_198);
    assert_eq!(kept.gates.len(), 1);
}

#[test]
fn aim_rs2_declares_the_laps_between_beacons_and_its_time_goes_on() {
    let Some(kept) = keep_corpus("YamahaR6.csv", Format::AimCsv) else {
        return;
    };
    assert_eq!(kept.laps_ms(), truth_laps_ms("YamahaR6.csv"));
    assert_eq!(kept.fixes.len(), 5590);
    assert_eq!(kept.rejected, []);
    assert!(
        kept.fixes
            .windows(2)
            .all(|pair| pair[1].clock_s >= pair[0].clock_s),
        "time never goes back"
    );
    assert_close(kept.fixes[5589].clock_s, 558.356, 0.05);
    let highest = kept.fixes.iter().map(|fix| fix.alt_m).fold(0.0, f32::max);
    assert_close(highest.into(), 63.14, 0.01);
}

#[test]
fn aim_rs3_declares_eight_laps_and_not_the_end_of_the_file() {
    let Some(kept) = keep_corpus("racestudio3-aim.csv", Format::AimCsv) else {
        return;
    };
    assert_eq!(kept.laps_ms(), truth_laps_ms("racestudio3-aim.csv"));
    assert_eq!(kept.rejected, []);
    assert_close(kept.fixes[0].speed_mps.into(), 49.0581 / 3.6, 1e-4);
    assert_close(kept.fixes[0].accuracy_m.into(), 1.63, 1e-4);
    assert_eq!(kept.fixes[0].alt_m, 157.4193);
}
