//! What every export needs of a session, read from its report and its `gps` channel file.

use crate::columns::{ReadError, Samples, StreamReader};
use crate::report::Report;

/// An analysed session, ready to be written in any format.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// UTC at time 0 in Unix milliseconds; `None` where the recording has no date.
    pub(super) start_utc_ms: Option<f64>,
    pub(super) device: Option<String>,
    pub(super) track: Option<String>,
    /// Start first, then finish and splits, each with its two ends as `[latitude, longitude]`, the left one first.
    pub(super) gates: Vec<(Role, [[f64; 2]; 2])>,
    pub(super) points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Start,
    Finish,
    Split,
}

impl Role {
    pub(super) fn label(self) -> &'static str {
        match self {
            Role::Start => "Start",
            Role::Finish => "Finish",
            Role::Split => "Split",
        }
    }
}

/// One believed fix with the channels derived from it; NaN where unknown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) time_s: f64,
    pub(super) lat_deg: f64,
    pub(super) lon_deg: f64,
    pub(super) alt_m: f32,
    pub(super) speed_mps: f32,
    pub(super) heading_deg: f32,
    pub(super) satellites: f32,
    pub(super) distance_m: f32,
    pub(super) lat_g: f32,
    pub(super) lon_g: f32,
    pub(super) lap: f32,
    pub(super) lap_time_s: f32,
}

impl Session {
    pub fn read(report: &Report, gps: &StreamReader) -> Result<Self, ReadError> {
        let gate = |role, gate: &crate::report::Gate| (role, [gate.a, gate.b]);
        let start = report.gate.iter().map(|g| gate(Role::Start, g));
        let finish = report.finish.iter().map(|g| gate(Role::Finish, g));
        let splits = report.splits.iter().map(|g| gate(Role::Split, g));
        Ok(Self {
            start_utc_ms: report.started_at.as_deref().and_then(utc_ms),
            device: report.device.clone(),
            track: report.track.as_ref().and_then(|t| t.name.clone()),
            gates: start.chain(finish).chain(splits).collect(),
            points: points(gps)?,
        })
    }

    /// Whether the recording's date is known; a format that needs one cannot be written without.
    pub fn has_date(&self) -> bool {
        self.start_utc_ms.is_some()
    }

    /// UTC of a point in Unix milliseconds; recordings without a date count from 0, of which only the time of day may be
    /// written.
    pub(super) fn utc_ms(&self, point: &Point) -> f64 {
        self.start_utc_ms.unwrap_or(0.0) + point.time_s * 1000.0
    }
}

fn utc_ms(rfc3339: &str) -> Option<f64> {
    let at: jiff::Timestamp = rfc3339.parse().ok()?;
    Some(at.as_millisecond() as f64)
}

fn points(gps: &StreamReader) -> Result<Vec<Point>, ReadError> {
    const NAMES: [&str; 11] = [
        "lat_deg",
        "lon_deg",
        "alt_m",
        "speed_mps",
        "heading_deg",
        "satellites",
        "distance_m",
        "lat_g",
        "lon_g",
        "lap",
        "lap_time_s",
    ];
    let series = gps.series(&NAMES, f64::NEG_INFINITY..=f64::INFINITY, usize::MAX)?;
    let Some(times_s) = series.first().map(|s| s.t_s.clone()) else {
        return Ok(Vec::new());
    };
    let wide = |column: usize, row: usize| match series.get(column).map(|s| &s.values) {
        Some(Samples::F64(values)) => values.get(row).copied().unwrap_or(f64::NAN),
        Some(Samples::F32(values)) => values.get(row).map_or(f64::NAN, |&v| f64::from(v)),
        None => f64::NAN,
    };
    let narrow = |column: usize, row: usize| wide(column, row) as f32;
    let point = |(row, time_s): (usize, f64)| Point {
        time_s,
        lat_deg: wide(0, row),
        lon_deg: wide(1, row),
        alt_m: narrow(2, row),
        speed_mps: narrow(3, row),
        heading_deg: narrow(4, row),
        satellites: narrow(5, row),
        distance_m: narrow(6, row),
        lat_g: narrow(7, row),
        lon_g: narrow(8, row),
        lap: narrow(9, row),
        lap_time_s: narrow(10, row),
    };
    // The reader marks holes by points without a value.
    Ok(times_s
        .into_iter()
        .enumerate()
        .map(point)
        .filter(|p| !p.lat_deg.is_nan())
        .collect())
}
