//! RaceBox CSV in all its presets: an optional block about the session, one row of names, rows.
//!
//! `Speed` has no unit in most presets, so its unit is found by comparing it with the positions. `KPH`/`MPH` and names
//! with a unit in brackets say it themselves. The bike presets have `LeanAngle`. Times are ISO 8601, in one preset numbers.

mod speed;

use std::io::BufRead;

use crate::model::{LapMark, Meta, Vehicle};
use crate::sink::{Rejection, Sink};

use super::cells::Cells;
use super::channels::{KMH_IN_MPS, MPH_IN_MPS, Stream};
use super::date::{duration_s, iso_utc_ms};
use super::lines::{Lines, Row};
use super::table::{Field, FixColumns, Header, declare_lap, lap_number};
use super::{Format, ReadError};

use speed::SpeedUnit;

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut cells = Cells::new();
    let Head {
        mut header,
        laps_declared,
    } = read_head(&mut lines, &mut cells, sink)?;
    let mut rows = Rows::new(&mut header, laps_declared)
        .ok_or_else(|| incomplete(&lines, "the columns Time, Latitude and Longitude"))?;
    if header.has("leanangle") {
        sink.meta(Meta::Vehicle(Vehicle::Motorcycle));
    }
    let mut streams = header.declare_recorded(sink);
    lines.for_each_row(Format::RaceboxCsv, sink, |lines, sink| {
        cells.split_row(lines, header.len())?;
        rows.push(&cells, &mut streams, sink)?;
        Ok(Row::Data)
    })?;
    rows.speed.finish(sink);
    Ok(())
}

struct Head {
    header: Header,
    laps_declared: bool,
}

/// Reads the block about the session up to the row of names.
fn read_head(lines: &mut Lines<'_>, cells: &mut Cells, sink: &mut dyn Sink) -> Result<Head, ReadError> {
    let mut laps_declared = false;
    while lines.advance(sink)? {
        cells.split_header(lines)?;
        let (key, value) = (cells.text(0).to_lowercase(), cells.text(1).into_owned());
        if key == "record" || key == "time" && cells.len() > 4 {
            let mut names = cells.texts();
            rename_render_axes(&mut names);
            return Ok(Head {
                header: Header::new(names),
                laps_declared,
            });
        }
        if let Some(number) = key.strip_prefix("lap ").and_then(|number| number.parse().ok()) {
            let time_s = duration_s(&value).ok_or(Rejection::Malformed);
            if let Err(why) = time_s.and_then(|time_s| declare_lap(sink, number, time_s * 1000.0)) {
                lines.reject(why, sink);
            }
            laps_declared = true;
        } else if !value.is_empty() {
            match key.as_str() {
                "track" => sink.meta(Meta::TrackName(value)),
                "data source" => sink.meta(Meta::DeviceName(value)),
                "driver" | "driver name" => sink.meta(Meta::DriverName(value)),
                "vehicle" => sink.meta(Meta::VehicleName(value)),
                _ => {}
            }
        }
    }
    Err(incomplete(
        lines,
        "its row of column names (Record,Time,Latitude,…)",
    ))
}

/// The RaceRender preset calls the accelerations by their bare axes.
fn rename_render_axes(names: &mut [String]) {
    for name in names {
        if let "X" | "Y" | "Z" = name.as_str() {
            *name = format!("GForce{name}");
        }
    }
}

fn incomplete(lines: &Lines<'_>, missing: &'static str) -> ReadError {
    ReadError::HeaderIncomplete {
        format: Format::RaceboxCsv,
        line: lines.number(),
        missing,
    }
}

struct Rows {
    time: usize,
    fix: FixColumns,
    lap_column: Option<usize>,
    /// False where the block in front has the lap times already, which are finer than the rows.
    declares_laps: bool,
    lap: Option<u32>,
    mark: Option<LapMark>,
    speed: SpeedUnit,
}

impl Rows {
    fn new(header: &mut Header, laps_declared: bool) -> Option<Self> {
        let time = header.take(&["time"])?;
        let mut fix = FixColumns::find(header)?;
        let is_unknown = fix.speed.cell().is_some_and(|cell| !header.has_unit(cell));
        for (name, factor) in [("kph", KMH_IN_MPS), ("mph", MPH_IN_MPS)] {
            if let Some(cell) = header.take(&[name]) {
                fix.speed = Field::scaled(cell, factor);
            }
        }
        header.take(&["record"]);
        let lap_column = header.take(&["lap"]);
        Some(Self {
            time,
            fix,
            lap_column,
            declares_laps: !laps_declared,
            lap: None,
            mark: None,
            speed: SpeedUnit::new(is_unknown),
        })
    }

    fn push(&mut self, cells: &Cells, streams: &mut [Stream], sink: &mut dyn Sink) -> Result<(), Rejection> {
        let (clock_s, utc_ms) = time_of(cells, self.time)?;
        for stream in streams {
            stream.push(sink, clock_s, |cell| cells.number_or_nan(cell));
        }
        let fix = self
            .fix
            .fix(cells, clock_s, utc_ms)?
            .ok_or(Rejection::Malformed)?;
        if let Some(lap) = self
            .lap_column
            .and_then(|cell| lap_number(cells.number_or_nan(cell)))
        {
            self.take_lap(
                LapMark {
                    lap,
                    clock_s,
                    lat_deg: fix.lat_deg,
                    lon_deg: fix.lon_deg,
                },
                sink,
            )?;
        }
        self.speed.push(fix, sink);
        Ok(())
    }

    /// Notes a change of the lap column. Lap 0 is no lap: way out, way in, standing.
    fn take_lap(&mut self, here: LapMark, sink: &mut dyn Sink) -> Result<(), Rejection> {
        let before = self.lap.replace(here.lap);
        if before.is_none_or(|before| before == here.lap) {
            return Ok(());
        }
        let began = self.mark.take().filter(|_| self.declares_laps);
        if here.lap > 0 {
            sink.lap_mark(here);
            self.mark = Some(here);
        }
        match began {
            Some(began) => declare_lap(sink, began.lap, (here.clock_s - began.clock_s) * 1000.0),
            None => Ok(()),
        }
    }
}

/// Seconds and Unix milliseconds of a row. A number is Unix milliseconds, Unix seconds, or seconds since the start,
/// which its size tells apart.
fn time_of(cells: &Cells, cell: usize) -> Result<(f64, f64), Rejection> {
    if let Ok(number) = cells.stamp(cell) {
        return match number {
            ms if ms > 1e11 => Ok((ms / 1000.0, ms)),
            s if s > 1e8 => Ok((s, s * 1000.0)),
            s if s >= 0.0 => Ok((s, f64::NAN)),
            _ => Err(Rejection::Malformed),
        };
    }
    let utc_ms = iso_utc_ms(&cells.text(cell)).ok_or(Rejection::Malformed)?;
    Ok((utc_ms / 1000.0, utc_ms))
}
