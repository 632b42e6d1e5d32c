//! RaceChrono CSV v3: key-value lines, then three header rows (names, units, sources), then rows.
//!
//! Names repeat and are told apart by their source (`100: gps`, `calc`, `200: obd`). The app resamples every channel to
//! one time base and inserts a row, interpolated in time and place, at every gate crossing: the first row of a new
//! `lap_number` is the crossing, so the difference of two of them is a lap time as the app knew it.

use std::io::BufRead;

use crate::model::{LapMark, Meta, Provenance};
use crate::sink::{Rejection, Sink};

use super::cells::Cells;
use super::channels::Stream;
use super::lines::{Lines, Row};
use super::table::{FixColumns, Header, declare_lap, lap_number};
use super::{Format, ReadError};

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut cells = Cells::new();
    let mut header = read_head(&mut lines, &mut cells, sink)?;
    let mut rows = Rows::new(&mut header)
        .ok_or_else(|| incomplete(&lines, "the columns timestamp, latitude and longitude of a GPS"))?;
    let mut streams = header.declare_rest(sink, stream_of);
    lines.for_each_row(Format::RacechronoCsv, sink, |lines, sink| {
        cells.split_row(lines, header.len())?;
        rows.push(&cells, &mut streams, sink)?;
        Ok(Row::Data)
    })
}

/// Reads the key-value lines and the three header rows.
fn read_head(lines: &mut Lines<'_>, cells: &mut Cells, sink: &mut dyn Sink) -> Result<Header, ReadError> {
    while lines.advance(sink)? {
        cells.split_header(lines)?;
        let value = cells.text(1).into_owned();
        match cells.get(0) {
            b"timestamp" => {
                let mut header = Header::new(cells.texts());
                header.set_units(0, next_header_row(lines, cells, sink)?);
                header.set_sources(next_header_row(lines, cells, sink)?);
                return Ok(header);
            }
            _ if value.is_empty() => {}
            b"Track name" => sink.meta(Meta::TrackName(value)),
            b"Driver name" => sink.meta(Meta::DriverName(value)),
            b"Vehicle name" | b"Vehicle" => sink.meta(Meta::VehicleName(value)),
            _ => {}
        }
    }
    Err(incomplete(lines, "its row of column names (timestamp,…)"))
}

fn next_header_row(
    lines: &mut Lines<'_>,
    cells: &mut Cells,
    sink: &mut dyn Sink,
) -> Result<Vec<String>, ReadError> {
    if !lines.advance(sink)? {
        return Err(incomplete(lines, "its rows of units and sources"));
    }
    cells.split_header(lines)?;
    Ok(cells.texts())
}

fn incomplete(lines: &Lines<'_>, missing: &'static str) -> ReadError {
    ReadError::HeaderIncomplete {
        format: Format::RacechronoCsv,
        line: lines.number(),
        missing,
    }
}

/// `200: obd` → `obd`; accelerometers and gyroscopes → `imu`; what the app or the GPS adds → `log`.
fn stream_of(source: &str) -> (&str, Provenance) {
    let device = source.split_once(':').map_or(source, |(_, name)| name).trim();
    match device {
        "" | "calc" => ("log", Provenance::Derived),
        "gps" => ("log", Provenance::Resampled),
        "acc" | "gyro" | "magn" => ("imu", Provenance::Resampled),
        "obd" | "canbus" => (device, Provenance::Resampled),
        _ => ("other", Provenance::Resampled),
    }
}

struct Rows {
    timestamp: usize,
    lap_number: Option<usize>,
    fix: FixColumns,
    lap: Option<u32>,
    /// Where the running lap began, if its beginning is in the file.
    mark: Option<LapMark>,
    any: bool,
}

impl Rows {
    fn new(header: &mut Header) -> Option<Self> {
        let timestamp = header.take(&["timestamp"])?;
        let lap_number = header.take(&["lap_number"]);
        let is_gps = |source: &str| source.ends_with("gps");
        let fix = FixColumns::find_from(header, is_gps)?;
        header.take(&["fragment_id"]);
        Some(Self {
            timestamp,
            lap_number,
            fix,
            lap: None,
            mark: None,
            any: false,
        })
    }

    fn push(&mut self, cells: &Cells, streams: &mut [Stream], sink: &mut dyn Sink) -> Result<(), Rejection> {
        let clock_s = cells.stamp(self.timestamp)?;
        let fix = self.fix.fix(cells, clock_s, clock_s * 1000.0)?;
        if let (Some(cell), Some(fix)) = (self.lap_number, &fix) {
            let lap = lap_number(cells.number_or_nan(cell));
            self.take_lap(
                lap,
                LapMark {
                    lap: 0,
                    clock_s,
                    lat_deg: fix.lat_deg,
                    lon_deg: fix.lon_deg,
                },
                sink,
            )?;
        }
        for stream in streams {
            stream.push(sink, clock_s, |cell| cells.number_or_nan(cell));
        }
        if let Some(fix) = fix {
            sink.fix(fix);
        }
        Ok(())
    }

    /// Notes a change of the lap column; the lap that a file begins in has no beginning.
    fn take_lap(&mut self, lap: Option<u32>, here: LapMark, sink: &mut dyn Sink) -> Result<(), Rejection> {
        let changed = self.any && lap != self.lap;
        self.any = true;
        self.lap = lap;
        if !changed {
            return Ok(());
        }
        let mark = lap.map(|lap| LapMark { lap, ..here });
        let began = std::mem::replace(&mut self.mark, mark);
        if let Some(mark) = mark {
            sink.lap_mark(mark);
        }
        match (began, mark) {
            (Some(began), Some(_)) => declare_lap(sink, began.lap, (here.clock_s - began.clock_s) * 1000.0),
            _ => Ok(()),
        }
    }
}
