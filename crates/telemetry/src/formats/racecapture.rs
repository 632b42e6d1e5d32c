//! RaceCapture `.log`: comma-separated rows under cells of the shape `"Name"|"Units"|min|max|rate`.
//!
//! Rows are sparse: an empty cell means "no new sample". Older loggers write `"Name"|"Units"|rate`, the oldest put `#` in
//! front and a packed `Time` instead of `Interval`; a header may come again in mid-file after a change of settings. The
//! place repeats in rows between fixes, so only a row with another place is a fix. `Utc` is 0 until there is one.

use std::io::BufRead;

use crate::model::Provenance;
use crate::sink::{Rejection, Sink};

use super::cells::Cells;
use super::channels::Stream;
use super::date::{DayClock, packed_time_s};
use super::lines::{Lines, Row};
use super::table::{Field, FixColumns, Header, declare_lap, lap_number};
use super::{Format, ReadError};

/// 2000-01-01; what is before it is a clock that nobody has set.
const YEAR_2000_MS: f64 = 946_684_800_000.0;

/// A driver changes settings a few times a day; more headers than this are damage.
const MAX_LAYOUTS: usize = 16;

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut cells = Cells::new();
    let mut log = Log::default();
    while log.layout.is_none() {
        if !lines.advance(sink)? {
            let missing = "its row of channels (\"Interval\"|\"ms\"|…)";
            return Err(ReadError::HeaderIncomplete {
                format: Format::Racecapture,
                line: lines.number(),
                missing,
            });
        }
        if is_header(lines.bytes()) {
            cells.split_header(&lines)?;
            log.enter(&cells, sink);
        }
    }
    lines.for_each_row(Format::Racecapture, sink, |lines, sink| {
        if is_header(lines.bytes()) {
            cells.split_row(lines, 0)?;
            log.change(&cells, sink)?;
            return Ok(Row::Aside);
        }
        log.push(lines, &mut cells, sink)?;
        Ok(Row::Data)
    })
}

fn is_header(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"#").unwrap_or(line);
    line.starts_with(b"\"") && line.contains(&b'|')
}

/// Names and units from header cells. The quotes of a cell's first part are gone after splitting.
fn header_of(cells: &Cells) -> Header {
    let part = |cell: &str, index: usize| {
        let part = cell.split('|').nth(index).unwrap_or_default();
        part.trim_matches(|c: char| c == '"' || c == '#' || c.is_whitespace())
            .to_owned()
    };
    let texts = cells.texts();
    let mut header = Header::new(texts.iter().map(|cell| part(cell, 0)).collect());
    header.set_units(0, texts.iter().map(|cell| part(cell, 1)).collect());
    header
}

#[derive(Default)]
struct Log {
    layout: Option<Layout>,
    header_cells: Vec<String>,
    layouts: usize,
    days: DayClock,
    place: Option<(f64, f64)>,
    laps: Option<u32>,
}

/// What the columns mean under the header in force.
struct Layout {
    width: usize,
    clock: Clock,
    utc: Option<usize>,
    fix: FixColumns,
    lap_count: Option<usize>,
    lap_time: Field,
    streams: Vec<Stream>,
}

/// Where a row's time comes from.
enum Clock {
    /// Milliseconds since the logger started.
    Interval(usize),
    /// `HHMMSS.sss`.
    Packed(usize),
}

impl Log {
    /// Takes a header into force if it has a time and a place.
    fn enter(&mut self, cells: &Cells, sink: &mut dyn Sink) {
        let mut header = header_of(cells);
        let clock = header.take(&["interval"]).map(Clock::Interval);
        let clock = clock.or_else(|| header.take(&["time"]).map(Clock::Packed));
        let utc = header.take(&["utc"]);
        let (Some(clock), Some(fix)) = (clock, FixColumns::find(&mut header)) else {
            return;
        };
        let lap_count = header.take(&["lapcount"]);
        let lap_time = header.take_field(&["laptime"]);
        self.layouts += 1;
        // A second stream of one name would be a second file of one name.
        let name = if self.layouts == 1 {
            String::from("log")
        } else {
            format!("log_{}", self.layouts)
        };
        let streams = header.declare_rest(sink, |_| (&name, Provenance::Recorded));
        let width = header.len();
        self.header_cells = cells.texts();
        self.layout = Some(Layout {
            width,
            clock,
            utc,
            fix,
            lap_count,
            lap_time,
            streams,
        });
    }

    /// A header in mid-file: the same again is nothing new.
    fn change(&mut self, cells: &Cells, sink: &mut dyn Sink) -> Result<(), Rejection> {
        if self.header_cells == cells.texts() {
            return Ok(());
        }
        if self.layouts >= MAX_LAYOUTS {
            return Err(Rejection::Malformed);
        }
        self.enter(cells, sink);
        Ok(())
    }

    fn push(&mut self, lines: &Lines<'_>, cells: &mut Cells, sink: &mut dyn Sink) -> Result<(), Rejection> {
        let Some(layout) = &mut self.layout else {
            return Err(Rejection::Malformed);
        };
        cells.split_row(lines, layout.width)?;
        let clock_s = match layout.clock {
            Clock::Interval(cell) => cells.stamp(cell)? / 1000.0,
            Clock::Packed(cell) => self
                .days
                .unroll(packed_time_s(cells.stamp(cell)?).ok_or(Rejection::Malformed)?),
        };
        for stream in &mut layout.streams {
            stream.push(sink, clock_s, |cell| cells.number_or_nan(cell));
        }
        let count = layout
            .lap_count
            .and_then(|cell| lap_number(cells.number_or_nan(cell)));
        if let Some(count) = count {
            let ended = self.laps.is_some_and(|before| count > before);
            self.laps = Some(count);
            let time_ms = layout.lap_time.of(cells) * 1000.0;
            if ended && time_ms > 0.0 {
                declare_lap(sink, count, time_ms)?;
            }
        }
        let utc_ms = layout.utc.map_or(f64::NAN, |cell| cells.number_or_nan(cell));
        let utc_ms = if utc_ms > YEAR_2000_MS { utc_ms } else { f64::NAN };
        let place = layout.fix.place(cells)?;
        if place.is_none() || place == self.place {
            return Ok(());
        }
        self.place = place;
        if let Some(fix) = layout.fix.fix(cells, clock_s, utc_ms)? {
            sink.fix(fix);
        }
        Ok(())
    }
}
