//! Marker rows, in both shapes that devices have written.

use wire::recording::{RecordingId, Verdict};

use super::blocks::BulkLines;
use super::header::{Header, Slot};
use crate::formats::cells::number;
use crate::formats::lines::text;
use crate::model::{Message, Meta, Vehicle};
use crate::sink::{Rejection, Sink};

/// More cells than any payload has.
const CELLS_MAX: usize = 32;

/// A marker's name and payload cells.
pub(super) struct Marker {
    name: String,
    payload: Vec<String>,
}

impl Marker {
    /// `line` is the whole row: `tick,M,NAME,payload…`, or the name in the `lon` column and a value in `speed`.
    pub(super) fn parse(header: &Header, line: &[u8]) -> Option<Self> {
        let cells: Vec<&[u8]> = line.split(|&b| b == b',').take(CELLS_MAX).map(unquoted).collect();
        let cell_of = |slot| {
            let column = header.slots.iter().position(|s| *s == slot)?;
            cells.get(column).copied()
        };
        let (name, payload) = match cells.get(2..)?.split_first()? {
            (name, payload) if !name.is_empty() => (*name, payload.to_vec()),
            _ => (cell_of(Slot::Lon)?, cell_of(Slot::Speed).into_iter().collect()),
        };
        let words = payload.into_iter().map(|cell| text(cell).into_owned()).collect();
        (!name.is_empty()).then(|| Self {
            name: text(name).into_owned(),
            payload: words,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.name == "OPEN"
    }

    /// Tells the sink what the marker means; names that are not known mean nothing.
    pub(super) fn tell(&self, tick_s: f64, lines: &mut BulkLines<'_>, sink: &mut dyn Sink) {
        match self.name.as_str() {
            "OPEN" => self.tell_open(lines, sink),
            "TRACK" if !self.word(0).is_empty() => sink.meta(Meta::TrackName(self.word(0).to_owned())),
            "BLOCK" => tell_block(lines, sink),
            "LOSS" => self.tell_loss(tick_s, lines.number(), sink),
            "IMU_VALIDATION" => self.tell_validation(lines.number(), sink),
            _ => {}
        }
    }

    fn word(&self, index: usize) -> &str {
        self.payload.get(index).map_or("", String::as_str)
    }

    fn tell_open(&self, lines: &mut BulkLines<'_>, sink: &mut dyn Sink) {
        match RecordingId::parse(self.word(0).as_bytes()) {
            Some(id) => {
                lines.opened(id);
                sink.meta(Meta::RecordingId(id.0));
            }
            None => sink.message(Message {
                code: "bad_recording_id".to_owned(),
                text: format!(
                    "The OPEN row's recording id is {:?} where 32 hexadecimal digits belong; the file is read without an id.",
                    self.word(0)
                ),
                line: Some(lines.number()),
            }),
        }
        if !self.word(1).is_empty() {
            sink.meta(Meta::DeviceName(self.word(1).to_owned()));
        }
        // A profile is named after what the logger sits in, where it is one of these.
        let vehicle = match self.word(3) {
            "car" => Some(Vehicle::Car),
            "motorcycle" => Some(Vehicle::Motorcycle),
            "kart" => Some(Vehicle::Kart),
            _ => None,
        };
        if let Some(vehicle) = vehicle {
            sink.meta(Meta::Vehicle(vehicle));
        }
    }

    fn tell_loss(&self, tick_s: f64, line: u64, sink: &mut dyn Sink) {
        let Ok(count) = self.word(1).parse() else {
            sink.rejected(Rejection::Malformed, line);
            return;
        };
        // From the first lost tick, where it is said.
        let from_s = match number(self.word(2).as_bytes()) {
            Ok(tick_ms) if tick_ms.is_finite() => tick_ms / 1000.0,
            _ => tick_s,
        };
        sink.loss(self.word(0), count, from_s);
    }

    fn tell_validation(&self, line: u64, sink: &mut dyn Sink) {
        let outcome = self.word(0);
        if !matches!(
            outcome.to_ascii_lowercase().as_str(),
            "" | "ok" | "pass" | "passed" | "1"
        ) {
            let text = format!("The logger's own check of its inertial sensor says {outcome:?}.");
            sink.message(Message {
                code: "imu_validation".to_owned(),
                text,
                line: Some(line),
            });
        }
    }
}

fn tell_block(lines: &mut BulkLines<'_>, sink: &mut dyn Sink) {
    if lines.check_block() == Some(Verdict::Damaged) {
        sink.rejected(Rejection::Checksum, lines.number());
    }
}

fn unquoted(cell: &[u8]) -> &[u8] {
    let cell = cell.trim_ascii();
    cell.strip_prefix(b"\"")
        .and_then(|c| c.strip_suffix(b"\""))
        .unwrap_or(cell)
}
