//! Our own CSV in all its dialects.
//!
//! The header row decides which one it is. Today's devices write ticks and typed rows (`ticks`); older ones a stamp on
//! every row, each with a trap of its own (`stamped`). `docs/formats/recording.md` describes them all.

mod blocks;
mod cursor;
mod header;
mod markers;
mod stamped;
mod ticks;

use std::io::BufRead;

use super::{Format, ReadError};
use crate::model::{Channel, Provenance, StreamId, StreamSpec};
use crate::sink::{Rejection, Sink};
use blocks::BulkLines;
use header::{Dialect, Header};

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = BulkLines::new(input);
    let header = loop {
        let Some(line) = lines.advance(sink)? else {
            let line = lines.number();
            return Err(ReadError::HeaderIncomplete {
                format: Format::FieldpostCsv,
                line,
                missing: "the header row",
            });
        };
        let line = line.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line.bytes);
        if !line.trim_ascii().is_empty() {
            break Header::parse(line);
        }
    };
    let header_line = lines.number();
    let header = header.map_err(|missing| ReadError::HeaderIncomplete {
        format: Format::FieldpostCsv,
        line: header_line,
        missing,
    })?;
    let rows = match header.dialect {
        Dialect::Ticks => ticks::read(&header, &mut lines, sink)?,
        Dialect::Stamped(dialect) => stamped::read(&header, dialect, &mut lines, sink)?,
    };
    if rows == 0 {
        return Err(ReadError::HeaderOnly {
            format: Format::FieldpostCsv,
            line: header_line,
        });
    }
    Ok(())
}

const INERTIAL: [(&str, &str); 6] = [
    ("acc_x", "g"),
    ("acc_y", "g"),
    ("acc_z", "g"),
    ("gyro_x", "deg/s"),
    ("gyro_y", "deg/s"),
    ("gyro_z", "deg/s"),
];

/// The stream of inertial samples, declared when there is a first one: always six channels, unknown where a header has
/// fewer.
#[derive(Debug, Default)]
struct InertialSamples(Option<StreamId>);

impl InertialSamples {
    /// False, and nothing is pushed, when the row has no inertial cell at all.
    fn push(&mut self, sink: &mut dyn Sink, clock_s: f64, values: &[f32; 6]) -> bool {
        if values.iter().all(|v| v.is_nan()) {
            return false;
        }
        let stream = *self.0.get_or_insert_with(|| {
            let channels = INERTIAL.map(|(name, unit)| channel(name, unit)).to_vec();
            sink.stream(StreamSpec {
                name: "imu".to_owned(),
                channels,
            })
        });
        sink.row(stream, clock_s, values);
        true
    }
}

fn channel(name: &str, unit: &str) -> Channel {
    Channel {
        name: name.to_owned(),
        unit: unit.to_owned(),
        source: name.to_owned(),
        provenance: Provenance::Recorded,
    }
}

/// What the logger says about itself beside position and motion: one channel today, declared when it first has a value.
#[derive(Debug, Default)]
struct SupplyVoltage(Option<StreamId>);

impl SupplyVoltage {
    fn push(&mut self, sink: &mut dyn Sink, clock_s: f64, vbat_v: f64) {
        if vbat_v.is_nan() {
            return;
        }
        let stream = *self.0.get_or_insert_with(|| {
            sink.stream(StreamSpec {
                name: "log".to_owned(),
                channels: vec![channel("vbat", "V")],
            })
        });
        sink.row(stream, clock_s, &[vbat_v as f32]);
    }
}

/// Why a pair of cells is no position; `None` when it is one.
fn not_a_place(lat_deg: f64, lon_deg: f64) -> Option<Rejection> {
    if lat_deg.is_nan() || lon_deg.is_nan() || (lat_deg == 0.0 && lon_deg == 0.0) {
        return Some(Rejection::NoFix);
    }
    (lat_deg.abs() > 90.0 || lon_deg.abs() > 180.0).then_some(Rejection::Malformed)
}
