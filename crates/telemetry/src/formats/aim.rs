//! AiM CSV as Race Studio 2 (every cell quoted) and Race Studio 3 (bare) write it.
//!
//! Key-value lines, names (RS2: twice), units, RS2: channel numbers, rows. Beacon markers are the crossings in seconds
//! from the start, all in one cell (RS2) or one to a cell (RS3); the last one is the end of the file and no crossing. RS2
//! starts `Time` again at 0 in every lap. The rows are a resampled grid; a date has no zone and times no UTC.

use std::io::BufRead;

use crate::model::{Message, Meta, Provenance};
use crate::sink::{Rejection, Sink};

use super::cells::{Cells, number};
use super::channels::Stream;
use super::lines::{Lines, Row};
use super::table::{Field, FixColumns, Header, declare_lap};
use super::{Format, ReadError};

/// A day of two-minute laps; more markers are no markers.
const MAX_MARKERS: usize = 1000;
/// Markers and durations are written to the millisecond.
const SAME_S: f64 = 0.01;

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut cells = Cells::new();
    let mut head = Head::default();
    let mut header = read_head(&mut lines, &mut cells, &mut head, sink)?;
    let mut rows = Rows::new(&mut header, &head)
        .ok_or_else(|| incomplete(&lines, "the columns Time, GPS Latitude and GPS Longitude"))?;
    head.push_laps(sink);
    let mut streams = header.declare_rest(sink, |_| ("log", Provenance::Resampled));
    lines.for_each_row(Format::AimCsv, sink, |lines, sink| {
        cells.split_row(lines, header.len())?;
        // Channel numbers, and commas between the units and the rows.
        if cells.get(0).is_empty() {
            return Ok(Row::Aside);
        }
        rows.push(&cells, &mut streams, sink)?;
        Ok(Row::Data)
    })
}

/// What the key-value lines say.
#[derive(Default)]
struct Head {
    date: String,
    time: String,
    duration_s: Option<f64>,
    markers_s: Vec<f64>,
    markers_line: u64,
}

/// Reads the key-value lines, the names and the units.
fn read_head(
    lines: &mut Lines<'_>,
    cells: &mut Cells,
    head: &mut Head,
    sink: &mut dyn Sink,
) -> Result<Header, ReadError> {
    let mut header: Option<Header> = None;
    while lines.advance(sink)? {
        cells.split_header(lines)?;
        let is_names = cells.get(0) == b"Time" && !cells.get(2).is_empty();
        match header.take() {
            // Race Studio 2 repeats the names.
            _ if is_names => header = Some(Header::new(cells.texts())),
            Some(mut header) => {
                header.set_units(0, cells.texts());
                return Ok(header);
            }
            None => head.take(cells, lines, sink),
        }
    }
    Err(incomplete(lines, "its rows of column names and units"))
}

fn incomplete(lines: &Lines<'_>, missing: &'static str) -> ReadError {
    ReadError::HeaderIncomplete {
        format: Format::AimCsv,
        line: lines.number(),
        missing,
    }
}

impl Head {
    fn take(&mut self, cells: &Cells, lines: &Lines<'_>, sink: &mut dyn Sink) {
        let value = cells.text(1).into_owned();
        match cells.get(0) {
            _ if value.is_empty() => {}
            b"Venue" | b"Session" => sink.meta(Meta::TrackName(value)),
            b"Vehicle" => sink.meta(Meta::VehicleName(value)),
            b"User" | b"Racer" => sink.meta(Meta::DriverName(value)),
            b"Data Source" => sink.meta(Meta::DeviceName(value)),
            b"Date" => self.date = value,
            b"Time" => self.time = value,
            b"Duration" => self.duration_s = number(value.as_bytes()).ok(),
            b"Beacon Markers" => {
                self.markers_line = lines.number();
                self.take_markers(cells)
                    .unwrap_or_else(|why| lines.reject(why, sink));
            }
            _ => {}
        }
    }

    fn take_markers(&mut self, cells: &Cells) -> Result<(), Rejection> {
        let all = (1..cells.len()).flat_map(|cell| cells.get(cell).split(|byte| *byte == b','));
        for text in all.filter(|text| !text.trim_ascii().is_empty()).take(MAX_MARKERS) {
            self.markers_s
                .push(number(text).map_err(|_| Rejection::Malformed)?);
        }
        Ok(())
    }

    /// The laps between crossings: not the way out before the first, not the way in after the last.
    fn push_laps(&self, sink: &mut dyn Sink) {
        if let Some(start_ms) = self.start_ms() {
            sink.meta(Meta::StartedAtUtcMs(start_ms));
            sink.message(Message {
                code: "start_without_zone".into(),
                text: "The file gives its start in local time without a zone; it is shown as if it were UTC."
                    .into(),
                line: None,
            });
        }
        let crossings = match self.markers_s.split_last() {
            Some((last, rest)) if self.duration_s.is_none_or(|end| (end - last).abs() < SAME_S) => rest,
            _ => &self.markers_s,
        };
        for (pair, lap) in crossings.windows(2).zip(1..) {
            let [from, to] = pair else { continue };
            if let Err(why) = declare_lap(sink, lap, (to - from) * 1000.0) {
                sink.rejected(why, self.markers_line);
            }
        }
    }

    /// `Sunday, December 15, 2024` and `1:34 PM`. Numbers with slashes are left alone: day and month cannot be told apart.
    fn start_ms(&self) -> Option<i64> {
        let stamp = format!("{} {}", self.date, self.time);
        let formats = [
            "%A, %B %d, %Y %I:%M %p",
            "%A, %B %d, %Y %I:%M:%S %p",
            "%A, %B %d, %Y %H:%M:%S",
        ];
        let start = formats
            .iter()
            .find_map(|format| jiff::civil::DateTime::strptime(format, &stamp).ok())?;
        Some(
            start
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_millisecond(),
        )
    }
}

struct Rows {
    time: usize,
    fix: FixColumns,
    altitude: Altitude,
    laps: LapTime,
}

impl Rows {
    fn new(header: &mut Header, head: &Head) -> Option<Self> {
        let time = header.take(&["time"])?;
        let mut fix = FixColumns::find(header)?;
        if let Some(cell) = header.take(&["gps posaccuracy", "gps_posaccuracy"]) {
            let factor = if header.unit(cell) == "mm" { 0.001 } else { 1.0 };
            fix.accuracy = Field::scaled(cell, factor);
        }
        let in_cm = fix.alt.cell().is_some_and(|cell| header.unit(cell) == "cm");
        let altitude = if in_cm {
            Altitude::SaidToBeCentimetres
        } else {
            Altitude::Scaled(1.0)
        };
        let laps = LapTime {
            markers_s: head.markers_s.clone(),
            ..LapTime::default()
        };
        Some(Self {
            time,
            fix,
            altitude,
            laps,
        })
    }

    fn push(&mut self, cells: &Cells, streams: &mut [Stream], sink: &mut dyn Sink) -> Result<(), Rejection> {
        let clock_s = self.laps.unroll(cells.stamp(self.time)?);
        for stream in streams {
            stream.push(sink, clock_s, |cell| cells.number_or_nan(cell));
        }
        if let Some(mut fix) = self.fix.fix(cells, clock_s, f64::NAN)? {
            fix.alt_m = self.altitude.metres(fix.alt_m, sink);
            sink.fix(fix);
        }
        Ok(())
    }
}

/// `Time` that starts again at 0 in every lap, made to go on.
#[derive(Default)]
struct LapTime {
    markers_s: Vec<f64>,
    restarts: usize,
    offset_s: f64,
    last_s: f64,
}

impl LapTime {
    /// A lap's first rows are below this; any other step back is an error of the file and stays.
    const RESTART_S: f64 = 1.0;

    fn unroll(&mut self, of_lap_s: f64) -> f64 {
        if of_lap_s < self.last_s && of_lap_s < Self::RESTART_S {
            // The last row of a lap stands at its end; where it is missing, the marker knows better.
            let seen_s = self.offset_s + self.last_s;
            let marker = self.markers_s.get(self.restarts).copied();
            self.offset_s = marker
                .filter(|marker| (marker - seen_s).abs() < 1.0)
                .unwrap_or(seen_s);
            self.restarts += 1;
        }
        self.last_s = of_lap_s;
        of_lap_s + self.offset_s
    }
}

/// The unit of the altitude. Race Studio 2 writes `cm` over numbers that are metres in the files seen.
enum Altitude {
    Scaled(f32),
    /// Not yet decided: the first number tells.
    SaidToBeCentimetres,
}

impl Altitude {
    /// As metres such a number is any track below 1000 m; as centimetres, only one within 10 m of the sea.
    const LEAST_CENTIMETRES: f32 = 1000.0;

    fn metres(&mut self, value_m: f32, sink: &mut dyn Sink) -> f32 {
        if let (Self::SaidToBeCentimetres, false) = (&*self, value_m.is_nan()) {
            let are_metres = (value_m * 100.0).abs() < Self::LEAST_CENTIMETRES;
            if are_metres {
                sink.message(Message {
                    code: "altitude_unit_doubted".into(),
                    text: "The file says its altitudes are in cm, but they can only be metres and are read as such.".into(),
                    line: None,
                });
            }
            *self = Self::Scaled(if are_metres { 100.0 } else { 1.0 });
        }
        match self {
            Self::Scaled(factor) => value_m * *factor,
            Self::SaidToBeCentimetres => value_m,
        }
    }
}
