//! Dialects A to D: a stamp, a fix and an inertial sample on every row.

mod timeline;

use super::blocks::{BulkLines, Line};
use super::cursor::Cursor;
use super::header::{Cells, Header, Slot, StampedDialect};
use super::{InertialSamples, SupplyVoltage, not_a_place};
use crate::formats::ReadError;
use crate::formats::cells::NotANumber;
use crate::formats::channels::{KMH_IN_MPS, narrow};
use crate::model::Fix;
use crate::sink::{Rejection, Sink};
use timeline::{Moment, Timeline};

/// Counts per g and per degree per second of an MPU-9250 at ±2 g and ±250 °/s.
const COUNTS_PER_G: f64 = 16_384.0;
const COUNTS_PER_DPS: f64 = 131.0;

/// Gives the number of data rows, used or not.
pub(super) fn read(
    header: &Header,
    dialect: StampedDialect,
    lines: &mut BulkLines<'_>,
    sink: &mut dyn Sink,
) -> Result<u64, ReadError> {
    lines.stop_checking();
    let mut timeline = Timeline::new(dialect);
    let mut out = Out {
        inertial: InertialSamples::default(),
        supply: SupplyVoltage::default(),
    };
    let mut read = 0;
    while let Some(line) = lines.advance(sink)? {
        if line.bytes.trim_ascii().is_empty() {
            continue;
        }
        read += 1;
        match parse(header, dialect, &line) {
            Ok((stamp, row)) => {
                if !timeline.add(stamp, row, &mut |moment, row| out.push(moment, row, sink)) {
                    sink.rejected(Rejection::Malformed, line.number);
                }
            }
            Err(NotANumber) => sink.rejected(Rejection::Malformed, line.number),
        }
    }
    timeline.finish(&mut |moment, row| out.push(moment, row, sink));
    Ok(read)
}

/// A row that waits for its time.
#[derive(Debug, Clone, Copy)]
struct Row {
    cells: Cells,
    line: u64,
}

fn parse(header: &Header, dialect: StampedDialect, line: &Line<'_>) -> Result<(f64, Row), NotANumber> {
    if !line.terminated {
        return Err(NotANumber);
    }
    let mut cursor = Cursor::new(line.bytes);
    let stamp = cursor.number()?;
    let mut cells = Cells::UNKNOWN;
    for &slot in header.slots.get(1..).unwrap_or_default() {
        if cursor.is_at_end() {
            return Err(NotANumber);
        }
        if slot == Slot::Other {
            cursor.text();
        } else {
            cells.set(slot, cursor.number()?);
        }
    }
    if !cursor.is_at_end() || stamp.is_nan() {
        return Err(NotANumber);
    }
    if header.raw_counts {
        let (acc, gyro) = cells.inertial.split_at_mut(3);
        acc.iter_mut().for_each(|counts| *counts /= COUNTS_PER_G);
        gyro.iter_mut().for_each(|counts| *counts /= COUNTS_PER_DPS);
    }
    if dialect == StampedDialect::WholeSeconds {
        // These devices never wrote a real altitude.
        cells.alt_m = f64::NAN;
    }
    Ok((
        stamp,
        Row {
            cells,
            line: line.number,
        },
    ))
}

struct Out {
    inertial: InertialSamples,
    supply: SupplyVoltage,
}

impl Out {
    fn push(&mut self, moment: Moment, row: &Row, sink: &mut dyn Sink) {
        let cells = &row.cells;
        self.inertial
            .push(sink, moment.clock_s, &cells.inertial.map(narrow));
        self.supply.push(sink, moment.clock_s, cells.vbat_v);
        if let Some(why) = not_a_place(cells.lat_deg, cells.lon_deg) {
            sink.rejected(why, row.line);
            return;
        }
        sink.fix(Fix {
            utc_ms: moment.utc_ms,
            alt_m: narrow(cells.alt_m),
            speed_mps: narrow(cells.speed_kmh * KMH_IN_MPS),
            satellites: narrow(cells.satellites),
            ..Fix::at(moment.clock_s, cells.lat_deg, cells.lon_deg)
        });
    }
}
