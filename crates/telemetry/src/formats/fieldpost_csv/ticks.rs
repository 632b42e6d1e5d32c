//! Dialects E and E+: `I`, `G` and `M` rows on a monotonic tick.

use super::blocks::{BulkLines, Line};
use super::cursor::Cursor;
use super::header::{Cells, Header, INERTIAL_LAST, Slot};
use super::markers::Marker;
use super::{InertialSamples, SupplyVoltage, not_a_place};
use crate::formats::ReadError;
use crate::formats::cells::NotANumber;
use crate::formats::channels::{KMH_IN_MPS, narrow};
use crate::model::Fix;
use crate::sink::{Rejection, Sink};

/// Older devices wrote the receiver's time in seconds: those are below this, milliseconds above (from 1973 on).
const EPOCH_SECONDS_BELOW: f64 = 1e11;
/// 2000-01-01: earlier is a receiver that has not decoded the date yet.
const EPOCH_MIN_MS: f64 = 946_684_800_000.0;

/// Gives the number of data rows, used or not; a line that the power cut off in the middle is none.
pub(super) fn read(
    header: &Header,
    lines: &mut BulkLines<'_>,
    sink: &mut dyn Sink,
) -> Result<u64, ReadError> {
    let mut rows = Rows {
        header,
        inertial: InertialSamples::default(),
        supply: SupplyVoltage::default(),
        last_inertial_ms: f64::NEG_INFINITY,
        last_inertial: [f32::NAN; 6],
    };
    let mut read = 0;
    let mut is_first = true;
    while let Some(line) = lines.advance(sink)? {
        let marker = match rows.take(&line, sink) {
            Taken::Blank => continue,
            Taken::Used => {
                read += 1;
                None
            }
            Taken::Marker(tick_ms, marker) => Some((tick_ms, marker)),
            Taken::Unreadable => {
                read += u64::from(line.terminated);
                sink.rejected(Rejection::Malformed, line.number);
                None
            }
        };
        if std::mem::take(&mut is_first) && !marker.as_ref().is_some_and(|(_, marker)| marker.is_open()) {
            lines.stop_checking();
        }
        if let Some((tick_ms, marker)) = marker {
            marker.tell(tick_ms / 1000.0, lines, sink);
        }
    }
    Ok(read)
}

/// What became of a line.
enum Taken {
    Blank,
    Used,
    Unreadable,
    Marker(f64, Marker),
}

struct Rows<'h> {
    header: &'h Header,
    inertial: InertialSamples,
    supply: SupplyVoltage,
    last_inertial_ms: f64,
    last_inertial: [f32; 6],
}

impl Rows<'_> {
    fn take(&mut self, line: &Line<'_>, sink: &mut dyn Sink) -> Taken {
        if line.bytes.trim_ascii().is_empty() {
            return Taken::Blank;
        }
        if !line.terminated {
            return Taken::Unreadable;
        }
        let mut cursor = Cursor::new(line.bytes);
        let tick_ms = match cursor.number() {
            Ok(tick_ms) if tick_ms >= 0.0 => tick_ms,
            _ => return Taken::Unreadable,
        };
        match cursor.text() {
            b"I" => self.inertial_row(tick_ms, &mut cursor, sink),
            b"G" => self.fix_row(tick_ms, line.number, &mut cursor, sink),
            b"M" => Marker::parse(self.header, line.bytes)
                .map_or(Taken::Unreadable, |m| Taken::Marker(tick_ms, m)),
            _ => Taken::Unreadable,
        }
    }

    fn inertial_row(&mut self, tick_ms: f64, cursor: &mut Cursor<'_>, sink: &mut dyn Sink) -> Taken {
        match self.cells(cursor) {
            Ok(cells) if self.push_inertial(tick_ms, cells.inertial.map(narrow), sink) => Taken::Used,
            _ => Taken::Unreadable,
        }
    }

    fn fix_row(&mut self, tick_ms: f64, line: u64, cursor: &mut Cursor<'_>, sink: &mut dyn Sink) -> Taken {
        let Ok(cells) = self.cells(cursor) else {
            return Taken::Unreadable;
        };
        let clock_s = tick_ms / 1000.0;
        // Some devices repeat the latest sample here: it is not given twice.
        let values = cells.inertial.map(narrow);
        if tick_ms > self.last_inertial_ms && values != self.last_inertial {
            self.push_inertial(tick_ms, values, sink);
        }
        self.supply.push(sink, clock_s, cells.vbat_v);
        if let Some(why) = not_a_place(cells.lat_deg, cells.lon_deg) {
            sink.rejected(why, line);
            return Taken::Used;
        }
        sink.fix(Fix {
            utc_ms: utc_ms(cells.gps_epoch),
            alt_m: narrow(cells.alt_m),
            speed_mps: narrow(cells.speed_kmh * KMH_IN_MPS),
            satellites: narrow(cells.satellites),
            ..Fix::at(clock_s, cells.lat_deg, cells.lon_deg)
        });
        Taken::Used
    }

    /// The cells behind the row type. Fewer than the header has is an error only while inertial cells are missing, more is
    /// two rows in one line.
    fn cells(&self, cursor: &mut Cursor<'_>) -> Result<Cells, NotANumber> {
        let mut cells = Cells::UNKNOWN;
        for &slot in self.header.slots.get(2..).unwrap_or_default() {
            if cursor.is_at_end() {
                return if slot <= INERTIAL_LAST {
                    Err(NotANumber)
                } else {
                    Ok(cells)
                };
            }
            if slot == Slot::Other {
                cursor.text();
            } else {
                cells.set(slot, cursor.number()?);
            }
        }
        if cursor.is_at_end() {
            Ok(cells)
        } else {
            Err(NotANumber)
        }
    }

    /// False when the row has no inertial cell at all.
    fn push_inertial(&mut self, tick_ms: f64, values: [f32; 6], sink: &mut dyn Sink) -> bool {
        if !self.inertial.push(sink, tick_ms / 1000.0, &values) {
            return false;
        }
        self.last_inertial_ms = tick_ms;
        self.last_inertial = values;
        true
    }
}

fn utc_ms(gps_epoch: f64) -> f64 {
    let utc_ms = if gps_epoch < EPOCH_SECONDS_BELOW {
        gps_epoch * 1000.0
    } else {
        gps_epoch
    };
    if utc_ms >= EPOCH_MIN_MS { utc_ms } else { f64::NAN }
}
