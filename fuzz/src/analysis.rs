//! The whole way from a recording to its report, over drives that no vehicle could drive.

use std::fmt::Write as _;

use telemetry::columns::Discard;
use telemetry::model::GateShape;
use telemetry::report::LapKind;
use telemetry::{Analysis, Options, analyze};

const HEADER: &str = "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat\n";
const START: (f64, f64) = (52.0, 5.0);
/// One step of a byte: about 5 m.
const STEP_DEG: f64 = 0.000_05;

/// The first byte chooses a gate, then four bytes are a fix: time, way north, way east, speed.
pub fn drive(data: &[u8]) {
    let Some((gate, fixes)) = data.split_first() else {
        return;
    };
    let mut text = HEADER.to_owned();
    let mut tick_ms = 1000u64;
    let (mut lat, mut lon) = START;
    for fix in fixes.chunks_exact(4) {
        // Mostly a tenth of a second; the largest values are gaps of minutes.
        tick_ms += match fix[0] {
            0..=199 => 100,
            200..=239 => u64::from(fix[0]),
            gap => u64::from(gap) * 1000,
        };
        lat += f64::from(fix[1].cast_signed()) * STEP_DEG;
        lon += f64::from(fix[2].cast_signed()) * STEP_DEG;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{tick_ms},G,0,0,1,0,0,0,{lat:.7},{lon:.7},10,{},9,3.9",
            fix[3]
        );
    }
    let options = Options {
        gate: chosen(*gate),
        ..Options::default()
    };
    if let Ok(analysis) = analyze(&mut text.as_bytes(), &options, &mut Discard) {
        is_sane(&analysis);
    }
}

fn chosen(byte: u8) -> Option<GateShape> {
    let north = f64::from(byte >> 2) * STEP_DEG;
    match byte % 4 {
        0 => None,
        1 => Some(GateShape::Ends {
            a: (START.0 + north, START.1),
            b: (START.0 + north, START.1 + 0.0003),
        }),
        2 => Some(GateShape::Bearing {
            at: (START.0 + north, START.1),
            bearing_deg: f64::from(byte),
            width_m: 20.0,
        }),
        _ => Some(GateShape::Radius {
            at: (START.0 + north, START.1),
            radius_m: f64::from(byte),
        }),
    }
}

/// What holds for every report, whatever was driven.
fn is_sane(analysis: &Analysis) {
    let report = &analysis.report;
    assert!(report.duration_s >= 0.0 && report.distance_m.is_finite());
    assert!(
        (0.0..=1.0).contains(&report.quality.gps_coverage),
        "{}",
        report.quality.gps_coverage
    );
    let timed = || report.laps.iter().filter(|lap| lap.kind == LapKind::Timed);
    for lap in &report.laps {
        assert!(
            lap.time_ms.is_finite() && lap.time_ms >= 0.0,
            "lap {} took {} ms",
            lap.number,
            lap.time_ms
        );
        let longest_ms = (report.duration_s + 0.01) * 1000.0;
        assert!(
            lap.time_ms <= longest_ms,
            "lap {} is longer than the recording",
            lap.number
        );
    }
    let fastest = timed().map(|lap| lap.time_ms).reduce(f64::min);
    assert_eq!(
        report.best_ms, fastest,
        "the best lap is the fastest of the timed ones"
    );
}
