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

impl Point {
    fn unknown_at(time_s: f64) -> Self {
        Self {
            time_s,
            lat_deg: f64::NAN,
            lon_deg: f64::NAN,
            alt_m: f32::NAN,
            speed_mps: f32::NAN,
            heading_deg: f32::NAN,
            satellites: f32::NAN,
            distance_m: f32::NAN,
            lat_g: f32::NAN,
            lon_g: f32::NAN,
            lap: f32::NAN,
            lap_time_s: f32::NAN,
        }
    }
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
    type Field = (&'static str, fn(&mut Point, f64));
    /// Which channel fills which field: the one table of both.
    const FIELDS: [Field; 11] = [
        ("lat_deg", |point, value| point.lat_deg = value),
        ("lon_deg", |point, value| point.lon_deg = value),
        ("alt_m", |point, value| point.alt_m = value as f32),
        ("speed_mps", |point, value| point.speed_mps = value as f32),
        ("heading_deg", |point, value| point.heading_deg = value as f32),
        ("satellites", |point, value| point.satellites = value as f32),
        ("distance_m", |point, value| point.distance_m = value as f32),
        ("lat_g", |point, value| point.lat_g = value as f32),
        ("lon_g", |point, value| point.lon_g = value as f32),
        ("lap", |point, value| point.lap = value as f32),
        ("lap_time_s", |point, value| point.lap_time_s = value as f32),
    ];
    let names = FIELDS.map(|(name, _)| name);
    let series = gps.series(&names, f64::NEG_INFINITY..=f64::INFINITY, usize::MAX)?;
    let times_s = series.first().map_or(&[][..], |first| &first.t_s);
    let mut points: Vec<Point> = times_s.iter().map(|&time_s| Point::unknown_at(time_s)).collect();
    for (series, (_, set)) in series.iter().zip(FIELDS) {
        match &series.values {
            Samples::F64(values) => points.iter_mut().zip(values).for_each(|(p, &v)| set(p, v)),
            Samples::F32(values) => points
                .iter_mut()
                .zip(values)
                .for_each(|(p, &v)| set(p, f64::from(v))),
        }
    }
    // The reader marks holes by points without a value.
    points.retain(|point| !point.lat_deg.is_nan());
    Ok(points)
}
