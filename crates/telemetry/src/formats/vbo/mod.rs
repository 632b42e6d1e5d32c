//! Racelogic VBO, as VBOX loggers, RaceBox, RaceChrono and dragy write it.
//!
//! Text in sections; blanks between cells; columns by name, as makers differ in order and in names (`long`, `lng`).
//! `time` is packed UTC `HHMMSS.ss` that starts again at midnight, positions are in **minutes** with **west positive**,
//! speeds in km/h. The date stands in the first line only, and in the zone of whoever wrote it.

mod gates;

use std::io::BufRead;

use crate::model::{DeclaredGate, Meta};
use crate::sink::{Rejection, Sink};

use super::cells::Cells;
use super::channels::{KMH_IN_MPS, Stream, narrow};
use super::date::{DAY_MS, DayClock, midnight_utc_ms, packed_time_s};
use super::lines::{Lines, Row};
use super::table::{Field, FixColumns, Header};
use super::{Format, ReadError};

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut cells = Cells::new();
    let mut head = Head::default();
    let mut header = read_head(&mut lines, &mut cells, &mut head, sink)?;
    let gates_are_ends = head.gates_are_ends || header.has("lng");
    let mut rows =
        Rows::new(&mut header, &head).ok_or_else(|| incomplete(&lines, "the columns time, lat and long"))?;
    for (gate, numbers) in head.gates {
        let alternatives = gates::readings(numbers, gates_are_ends);
        if !alternatives.is_empty() {
            sink.gate(DeclaredGate { alternatives, ..gate });
        }
    }
    let mut streams = header.declare_recorded(sink);
    lines.for_each_row(Format::Vbo, sink, |lines, sink| {
        if !cells.split_blanks(lines.bytes()) {
            return Err(Rejection::Malformed);
        }
        // Rows with fewer cells occur, but in one that the end of the file cut, the last number may lack digits.
        if lines.is_cut() && cells.len() < header.len() {
            return Err(Rejection::Malformed);
        }
        rows.push(&cells, &mut streams, sink)?;
        Ok(Row::Data)
    })
}

/// What stands before the data.
#[derive(Default)]
struct Head {
    created_ms: Option<f64>,
    units: Vec<String>,
    /// RaceBox and our own export write the ends of a gate.
    gates_are_ends: bool,
    gates: Vec<(DeclaredGate, [f64; 4])>,
}

/// A gate list is a start, perhaps a finish, and splits; more than this is no gate list.
const MAX_GATES: usize = 64;
/// As many units as there may be columns.
const MAX_UNITS: usize = super::cells::MAX_COLUMNS;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Before the first section, and sections we do not need.
    Other,
    Units,
    Comments,
    LapTiming,
    ColumnNames,
    Data,
}

impl Section {
    /// The section that a line opens.
    fn opened_by(line: &str) -> Option<Self> {
        let name = line.trim().strip_prefix('[')?.strip_suffix(']')?;
        Some(match name.to_lowercase().as_str() {
            "channel units" => Self::Units,
            "comments" => Self::Comments,
            "laptiming" => Self::LapTiming,
            "column names" => Self::ColumnNames,
            "data" => Self::Data,
            _ => Self::Other,
        })
    }
}

/// Reads up to `[data]`.
fn read_head(
    lines: &mut Lines<'_>,
    cells: &mut Cells,
    head: &mut Head,
    sink: &mut dyn Sink,
) -> Result<Header, ReadError> {
    let mut section = Section::Other;
    let mut header: Option<Header> = None;
    while lines.advance(sink)? {
        let text = lines.text();
        if let Some(opened) = Section::opened_by(&text) {
            section = opened;
            if section == Section::Data {
                return header.ok_or_else(|| incomplete(lines, "[column names]"));
            }
            continue;
        }
        if text.trim().is_empty() {
            continue;
        }
        match section {
            Section::Units if head.units.len() < MAX_UNITS => head.units.push(text.trim().to_owned()),
            Section::Comments => head.take_comment(&text, sink),
            Section::LapTiming if head.gates.len() < MAX_GATES => head.take_gate(&text, lines, sink),
            Section::ColumnNames => {
                if !cells.split_blanks(lines.bytes()) {
                    return Err(ReadError::TooManyColumns {
                        line: lines.number(),
                        limit: MAX_UNITS,
                    });
                }
                header = Some(Header::new(cells.texts()));
            }
            Section::Other | Section::Units | Section::LapTiming | Section::Data => head.take_banner(&text),
        }
    }
    Err(incomplete(lines, "its [data] section"))
}

fn incomplete(lines: &Lines<'_>, missing: &'static str) -> ReadError {
    ReadError::HeaderIncomplete {
        format: Format::Vbo,
        line: lines.number(),
        missing,
    }
}

impl Head {
    /// `File created on 15/05/2024 at 09:55:58`; `@` and a time without seconds occur.
    fn take_banner(&mut self, line: &str) {
        if let Some(stamp) = line.trim().strip_prefix("File created on ") {
            self.created_ms = self.created_ms.or_else(|| stamp_ms(stamp));
        }
    }

    fn take_comment(&mut self, line: &str, sink: &mut dyn Sink) {
        self.gates_are_ends |= line.contains("Generated by RaceBox") || line.trim() == "Written by Fieldpost";
        if line.trim() == "Generated by RaceBox" {
            return sink.meta(Meta::DeviceName("RaceBox".into()));
        }
        let Some((key, value)) = line
            .split_once(':')
            .map(|(key, value)| (key.trim(), value.trim()))
        else {
            return;
        };
        match key {
            _ if value.is_empty() => {}
            "Venue" => sink.meta(Meta::TrackName(value.to_owned())),
            "Type" => sink.meta(Meta::DeviceName(value.to_owned())),
            "UTC Date Started" => self.created_ms = stamp_ms(value).or(self.created_ms),
            _ => {}
        }
    }

    fn take_gate(&mut self, line: &str, lines: &Lines<'_>, sink: &mut dyn Sink) {
        match gates::parse(line, lines.number()) {
            Some(gate) => self.gates.push(gate),
            None => lines.reject(Rejection::Malformed, sink),
        }
    }
}

/// Unix milliseconds of `D/M/YYYY @ HH:MM[:SS]` read as UTC.
fn stamp_ms(stamp: &str) -> Option<f64> {
    let mut parts = stamp
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    let mut next = || parts.next()?.parse::<i16>().ok();
    let (day, month, year) = (next()?, next()?, next()?);
    let seconds = [3600.0, 60.0, 1.0].map(|unit| next().map_or(0.0, |part| f64::from(part) * unit));
    let midnight = midnight_utc_ms(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?)?;
    Some(midnight + seconds.iter().sum::<f64>() * 1000.0)
}

struct Rows {
    time: usize,
    fix: FixColumns,
    days: DayClock,
    created_ms: Option<f64>,
    midnight_ms: Option<f64>,
}

impl Rows {
    fn new(header: &mut Header, head: &Head) -> Option<Self> {
        // Units are listed for the channels behind the standard ones, which are not.
        if let Some(first) = header.len().checked_sub(head.units.len()) {
            header.set_units(first, head.units.clone());
        }
        let time = header.take(&["time"])?;
        let mut fix = FixColumns::find(header)?;
        fix.lat = fix.lat.times(1.0 / 60.0);
        fix.lon = fix.lon.times(-1.0 / 60.0);
        fix.speed = header
            .take(&["velocity"])
            .map_or(Field::NONE, |cell| Field::scaled(cell, KMH_IN_MPS));
        fix.alt = header
            .take(&["height"])
            .map_or(Field::NONE, |cell| Field::scaled(cell, 1.0));
        Some(Self {
            time,
            fix,
            days: DayClock::default(),
            created_ms: head.created_ms,
            midnight_ms: None,
        })
    }

    fn push(&mut self, cells: &Cells, streams: &mut [Stream], sink: &mut dyn Sink) -> Result<(), Rejection> {
        let of_day_s = packed_time_s(cells.stamp(self.time)?).ok_or(Rejection::Malformed)?;
        let mut fix = self
            .fix
            .fix(cells, f64::NAN, f64::NAN)?
            .ok_or(Rejection::Malformed)?;
        let clock_s = self.days.unroll(of_day_s);
        let created_ms = self.created_ms;
        let midnight_ms = *self
            .midnight_ms
            .get_or_insert_with(|| first_midnight_ms(created_ms, of_day_s));
        fix.clock_s = clock_s;
        fix.utc_ms = midnight_ms + clock_s * 1000.0;
        fix.satellites = narrow(satellites(fix.satellites.into()));
        for stream in streams {
            stream.push(sink, clock_s, |cell| cells.number_or_nan(cell));
        }
        sink.fix(fix);
        Ok(())
    }
}

/// Midnight UTC before the first row: on the date next to the banner's at which the row's time of day comes nearest to
/// the banner's, as a banner in local time may be a calendar day off. NaN without a banner.
fn first_midnight_ms(created_ms: Option<f64>, of_day_s: f64) -> f64 {
    let Some(created) = created_ms else {
        return f64::NAN;
    };
    let same_day = (created / DAY_MS).floor() * DAY_MS;
    let away = |midnight: f64| (midnight + of_day_s * 1000.0 - created).abs();
    let days = [same_day, same_day - DAY_MS, same_day + DAY_MS];
    days.into_iter()
        .min_by(|a, b| away(*a).total_cmp(&away(*b)))
        .unwrap_or(f64::NAN)
}

/// VBOX adds 64 for a closed brake trigger and 128 for differential GPS to the number of satellites.
fn satellites(number: f64) -> f64 {
    if number >= 64.0 { number % 64.0 } else { number }
}
