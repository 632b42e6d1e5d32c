//! TrackAddict CSV: comment lines, one row of names, rows at the rate of the phone's accelerometer.
//!
//! The GPS columns repeat from row to row: only rows with `GPS_Update` 1 are fixes, `GPS_Delay` seconds old. Lap results
//! are comment lines between the rows (`# Lap 2: 00:01:47.089`).

use std::io::BufRead;

use crate::model::{DeclaredGate, GateRole, GateShape, Meta};
use crate::sink::{Rejection, Sink};

use super::cells::{Cells, is_place, number};
use super::channels::Stream;
use super::date::duration_s;
use super::lines::{Lines, Row, text};
use super::table::{FixColumns, Header, declare_lap};
use super::{Format, ReadError};

/// A phone's place is good to some ten metres; the app's own trigger is about as wide.
const GATE_RADIUS_M: f64 = 20.0;
const GATE_WIDTH_M: f64 = 2.0 * GATE_RADIUS_M;
/// A fix older than this was not delayed but lost.
const MAX_DELAY_S: f64 = 10.0;

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut cells = Cells::new();
    let mut header = read_head(&mut lines, &mut cells, sink)?;
    let rows = Rows::new(&mut header)
        .ok_or_else(|| incomplete(&lines, "the columns Time, GPS_Update, Latitude and Longitude"))?;
    let mut streams = header.declare_recorded(sink);
    lines.for_each_row(Format::Trackaddict, sink, |lines, sink| {
        if let Some(comment) = lines.bytes().strip_prefix(b"#") {
            push_comment(&text(comment), sink)?;
            return Ok(Row::Aside);
        }
        cells.split_row(lines, header.len())?;
        rows.push(&cells, &mut streams, sink)?;
        Ok(Row::Data)
    })
}

/// Reads the comments up to the row of names.
fn read_head(lines: &mut Lines<'_>, cells: &mut Cells, sink: &mut dyn Sink) -> Result<Header, ReadError> {
    let mut points = Points::default();
    while lines.advance(sink)? {
        if let Some(comment) = lines.bytes().strip_prefix(b"#") {
            points.take(&text(comment), lines.number(), sink);
        } else if !lines.is_blank() {
            cells.split_header(lines)?;
            points.push(sink);
            return Ok(Header::new(cells.texts()));
        }
    }
    Err(incomplete(
        lines,
        "its row of column names (\"Time\",\"UTC Time\",…)",
    ))
}

fn incomplete(lines: &Lines<'_>, missing: &'static str) -> ReadError {
    ReadError::HeaderIncomplete {
        format: Format::Trackaddict,
        line: lines.number(),
        missing,
    }
}

/// Start and end as the header gives them. A circuit has an end point only, which is its start as well.
#[derive(Default)]
struct Points {
    start: Option<DeclaredGate>,
    end: Option<DeclaredGate>,
}

impl Points {
    fn take(&mut self, comment: &str, line: u64, sink: &mut dyn Sink) {
        let Some((key, value)) = comment.split_once(':') else {
            return;
        };
        let (key, value) = (key.trim(), value.trim());
        match key {
            "Start Point" => self.start = gate(GateRole::Start, key, value, line),
            "End Point" => self.end = gate(GateRole::Finish, key, value, line),
            "Vehicle" if !value.is_empty() => sink.meta(Meta::VehicleName(value.to_owned())),
            "RaceRender Data" => sink.meta(Meta::DeviceName(
                value.split(" (Mode").next().unwrap_or(value).to_owned(),
            )),
            _ => {}
        }
    }

    fn push(self, sink: &mut dyn Sink) {
        match (self.start, self.end) {
            (Some(start), end) => {
                sink.gate(start);
                if let Some(end) = end {
                    sink.gate(end);
                }
            }
            (None, Some(end)) => sink.gate(DeclaredGate {
                role: GateRole::Start,
                ..end
            }),
            (None, None) => {}
        }
    }
}

/// `51.99907, 13.68830  @ -1.00 deg`; a negative direction is none.
fn gate(role: GateRole, label: &str, value: &str, line: u64) -> Option<DeclaredGate> {
    let (place, direction) = value.split_once('@').unwrap_or((value, ""));
    let (lat, lon) = place.split_once(',')?;
    let at = (number(lat.as_bytes()).ok()?, number(lon.as_bytes()).ok()?);
    if !is_place(at.0, at.1) {
        return None;
    }
    let bearing = number(direction.trim().trim_end_matches("deg").as_bytes()).unwrap_or(f64::NAN);
    let shape = if (0.0..=360.0).contains(&bearing) {
        GateShape::Bearing {
            at,
            bearing_deg: bearing,
            width_m: GATE_WIDTH_M,
        }
    } else {
        GateShape::Radius {
            at,
            radius_m: GATE_RADIUS_M,
        }
    };
    Some(DeclaredGate {
        role,
        alternatives: vec![shape],
        label: label.into(),
        line: Some(line),
    })
}

/// A comment among the rows: a lap result, or something to pass over.
fn push_comment(comment: &str, sink: &mut dyn Sink) -> Result<(), Rejection> {
    let Some((lap, time)) = comment
        .trim()
        .strip_prefix("Lap ")
        .and_then(|lap| lap.split_once(": "))
    else {
        return Ok(());
    };
    let number = lap.trim().parse().map_err(|_| Rejection::Malformed)?;
    let time_s = duration_s(time).ok_or(Rejection::Malformed)?;
    declare_lap(sink, number, time_s * 1000.0)
}

struct Rows {
    time: usize,
    utc: Option<usize>,
    update: usize,
    delay: Option<usize>,
    fix: FixColumns,
}

impl Rows {
    fn new(header: &mut Header) -> Option<Self> {
        let time = header.take(&["time"])?;
        let utc = header.take(&["utc time"]);
        let update = header.take(&["gps_update"])?;
        let delay = header.take(&["gps_delay"]);
        let fix = FixColumns::find(header)?;
        Some(Self {
            time,
            utc,
            update,
            delay,
            fix,
        })
    }

    fn push(&self, cells: &Cells, streams: &mut [Stream], sink: &mut dyn Sink) -> Result<(), Rejection> {
        let clock_s = cells.stamp(self.time)?;
        for stream in streams {
            stream.push(sink, clock_s, |cell| cells.number_or_nan(cell));
        }
        if cells.number(self.update) != Ok(1.0) {
            return Ok(());
        }
        let delay_s = self.delay.map_or(0.0, |cell| cells.number_or_nan(cell));
        let delay_s = if (0.0..MAX_DELAY_S).contains(&delay_s) {
            delay_s
        } else {
            0.0
        };
        let utc_s = self.utc.map_or(f64::NAN, |cell| cells.number_or_nan(cell));
        let fix = self
            .fix
            .fix(cells, clock_s - delay_s, (utc_s - delay_s) * 1000.0)?;
        sink.fix(fix.ok_or(Rejection::NoFix)?);
        Ok(())
    }
}
