//! Dove `.dovex`: a kilobyte with the logger's own lap list, padding, then comma-separated rows; `.dove` is the rows alone.
//!
//! `timestamp` is Unix milliseconds of the receiver.

use std::io::BufRead;

use crate::model::Meta;
use crate::sink::{Rejection, Sink};

use super::cells::Cells;
use super::channels::{MPH_IN_MPS, Stream};
use super::lines::{Lines, Row};
use super::table::{Field, FixColumns, Header, declare_lap};
use super::{Format, ReadError};

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut cells = Cells::new();
    let mut header = read_head(&mut lines, &mut cells, sink)?;
    let rows = Rows::new(&mut header, &lines)?;
    let mut streams = header.declare_recorded(sink);
    lines.for_each_row(Format::Dovex, sink, |lines, sink| {
        cells.split_row(lines, header.len())?;
        rows.push(&cells, &mut streams, sink)?;
        Ok(Row::Data)
    })
}

/// Reads up to the row of column names.
fn read_head(lines: &mut Lines<'_>, cells: &mut Cells, sink: &mut dyn Sink) -> Result<Header, ReadError> {
    let mut before = Before::Anything;
    while lines.advance(sink)? {
        if lines.is_blank() {
            continue;
        }
        cells.split_header(lines)?;
        before = match (before, cells.get(0)) {
            (_, b"timestamp") => return Ok(Header::new(cells.texts())),
            (_, b"datetime") => Before::Session,
            (_, b"laps_ms") => Before::Laps,
            (Before::Session, _) => {
                push_session(cells, sink);
                Before::Anything
            }
            (Before::Laps, _) => {
                push_laps(cells, lines.number(), sink);
                Before::Anything
            }
            (Before::Anything, _) => {
                sink.rejected(Rejection::Malformed, lines.number());
                Before::Anything
            }
        };
    }
    Err(incomplete(lines))
}

/// What the line before announced.
enum Before {
    Anything,
    Session,
    Laps,
}

/// `datetime,driver,course,short_name,…`: the course is a layout (`Normal`) of the place with the short name.
fn push_session(cells: &Cells, sink: &mut dyn Sink) {
    let [driver, course, place] = [1, 2, 3].map(|index| cells.text(index).into_owned());
    if !driver.is_empty() {
        sink.meta(Meta::DriverName(driver));
    }
    let track = [place, course]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if !track.is_empty() {
        sink.meta(Meta::TrackName(track));
    }
}

fn push_laps(cells: &Cells, line: u64, sink: &mut dyn Sink) {
    for (index, lap) in (0..cells.len()).zip(1_u32..) {
        let declared = cells
            .stamp(index)
            .and_then(|time_ms| declare_lap(sink, lap, time_ms));
        if let Err(why) = declared {
            sink.rejected(why, line);
        }
    }
}

fn incomplete(lines: &Lines<'_>) -> ReadError {
    let missing = "its row of column names (timestamp,sats,hdop,lat,lng,…)";
    ReadError::HeaderIncomplete {
        format: Format::Dovex,
        line: lines.number(),
        missing,
    }
}

struct Rows {
    timestamp: usize,
    fix: FixColumns,
}

impl Rows {
    fn new(header: &mut Header, lines: &Lines<'_>) -> Result<Self, ReadError> {
        let timestamp = header.take(&["timestamp"]);
        let fix = FixColumns::find(header);
        let (Some(timestamp), Some(mut fix)) = (timestamp, fix) else {
            return Err(incomplete(lines));
        };
        fix.speed = header
            .take(&["speed_mph"])
            .map_or(Field::NONE, |cell| Field::scaled(cell, MPH_IN_MPS));
        fix.alt = header.take_field(&["altitude_m"]);
        fix.heading = header.take_field(&["heading_deg"]);
        fix.accuracy = header.take_field(&["h_acc_m"]);
        Ok(Self { timestamp, fix })
    }

    fn push(&self, cells: &Cells, streams: &mut [Stream], sink: &mut dyn Sink) -> Result<(), Rejection> {
        let utc_ms = cells.stamp(self.timestamp)?;
        let clock_s = utc_ms / 1000.0;
        for stream in streams {
            stream.push(sink, clock_s, |cell| cells.number_or_nan(cell));
        }
        if let Some(fix) = self.fix.fix(cells, clock_s, utc_ms)? {
            sink.fix(fix);
        }
        Ok(())
    }
}
