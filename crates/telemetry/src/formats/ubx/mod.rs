//! u-blox UBX: NAV-PVT, and the RaceBox messages (live 0xFF 0x01 and stored 0xFF 0x21) that share its framing.
//!
//! Own code: the `ublox` crate knows no RaceBox payloads and does not say what it skipped. Bytes that are no frame are
//! passed over, as NMEA text and notification borders lie between frames. The `line` of a rejection is the number of the
//! message among those of these three kinds, from 1.

mod payload;

use std::io::BufRead;

use crate::model::Provenance;
use crate::sink::{Rejection, Sink};

use super::channels::{Column, Stream};
use super::{Format, ReadError};

use payload::{Kind, Solution};

const SYNC: [u8; 2] = [0xB5, 0x62];
/// Sync, class, id, length; and the checksum behind the payload.
const HEADER_BYTES: usize = 6;
const CHECKSUM_BYTES: usize = 2;
const CHUNK_BYTES: usize = 16 * 1024;

/// True if the bytes hold a message that we read, with a right checksum.
pub(super) fn has_frame(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, &SYNC).any(|at| {
        matches!(
            Frame::at(bytes.get(at..).unwrap_or_default()),
            Frame::Whole { .. }
        )
    })
}

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut log = Log::default();
    let mut held: Vec<u8> = Vec::with_capacity(2 * CHUNK_BYTES);
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(source) => {
                return Err(ReadError::Io {
                    line: log.messages,
                    source,
                });
            }
        };
        let chunk = chunk.get(..CHUNK_BYTES).unwrap_or(chunk);
        let read = chunk.len();
        held.extend_from_slice(chunk);
        input.consume(read);
        let used = log.take_all(&held, read == 0, sink);
        held.drain(..used);
        if read == 0 {
            break;
        }
    }
    if log.messages == 0 {
        return Err(ReadError::NoMessage {
            format: Format::Ubx,
            message: "UBX-NAV-PVT",
        });
    }
    Ok(())
}

/// What stands at a sync mark.
enum Frame<'a> {
    /// One of our kinds, whole and right.
    Whole { kind: Kind, payload: &'a [u8] },
    /// One of our kinds with a wrong checksum.
    Broken,
    /// More bytes are needed to tell.
    Partial,
    /// Another message, or no message: its checksum is nobody's business, and its length is not to be trusted.
    Other,
}

impl<'a> Frame<'a> {
    fn at(bytes: &'a [u8]) -> Self {
        let Some(&[_, _, class, id, low, high]) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Self::Partial;
        };
        let length = usize::from(u16::from_le_bytes([low, high]));
        let Some(kind) = Kind::of(class, id, length) else {
            return Self::Other;
        };
        let end = HEADER_BYTES + length;
        let Some(given) = bytes.get(end..end + CHECKSUM_BYTES) else {
            return Self::Partial;
        };
        if given != fletcher(bytes.get(2..end).unwrap_or_default()) {
            return Self::Broken;
        }
        Self::Whole {
            kind,
            payload: bytes.get(HEADER_BYTES..end).unwrap_or_default(),
        }
    }
}

/// The 8-bit Fletcher sum over class, id, length and payload.
fn fletcher(bytes: &[u8]) -> [u8; 2] {
    bytes.iter().fold([0_u8, 0], |[a, b], byte| {
        let a = a.wrapping_add(*byte);
        [a, b.wrapping_add(a)]
    })
}

#[derive(Default)]
struct Log {
    /// Messages of our kinds so far, good or bad.
    messages: u64,
    weeks: payload::WeekClock,
    log: Option<Stream>,
    imu: Option<Stream>,
}

impl Log {
    /// Handles every frame in `bytes` and returns how many bytes are done with. At the end of the file a frame that
    /// breaks off is rejected.
    fn take_all(&mut self, bytes: &[u8], at_end: bool, sink: &mut dyn Sink) -> usize {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(skip) = memchr::memmem::find(rest, &SYNC) else {
                // The last byte may be the first half of a sync mark.
                return bytes.len() - usize::from(rest.last() == Some(&SYNC[0]) && !at_end);
            };
            at += skip;
            match Frame::at(bytes.get(at..).unwrap_or_default()) {
                Frame::Whole { kind, payload } => {
                    self.take(kind, payload, sink);
                    at += HEADER_BYTES + payload.len() + CHECKSUM_BYTES;
                }
                Frame::Partial if !at_end => return at,
                Frame::Partial | Frame::Broken => {
                    self.messages += 1;
                    sink.rejected(Rejection::Checksum, self.messages);
                    at += SYNC.len();
                }
                Frame::Other => at += SYNC.len(),
            }
        }
    }

    fn take(&mut self, kind: Kind, payload: &[u8], sink: &mut dyn Sink) {
        self.messages += 1;
        let Some(solution) = Solution::read(kind, payload) else {
            return sink.rejected(Rejection::Malformed, self.messages);
        };
        let clock_s = self.weeks.unroll(solution.of_week_s);
        if let Some(inertial) = solution.inertial {
            push(&mut self.imu, "imu", &IMU, &inertial, clock_s, sink);
        }
        push(
            &mut self.log,
            "log",
            &LOG,
            &[solution.pdop, solution.speed_accuracy_mps],
            clock_s,
            sink,
        );
        match solution.fix(clock_s) {
            Some(fix) => sink.fix(fix),
            None => sink.rejected(Rejection::NoFix, self.messages),
        }
    }
}

/// Pushes a row into a stream that is declared when it first has one.
fn push(
    stream: &mut Option<Stream>,
    name: &str,
    columns: &[Column<'_>],
    values: &[f64],
    clock_s: f64,
    sink: &mut dyn Sink,
) {
    if stream.is_none() {
        *stream = Stream::declare(sink, name, columns);
    }
    if let Some(stream) = stream {
        stream.push(sink, clock_s, |cell| {
            values.get(cell).copied().unwrap_or(f64::NAN)
        });
    }
}

const LOG: [Column<'static>; 2] = [column(0, "pdop", ""), column(1, "speed_accuracy", "m/s")];
const IMU: [Column<'static>; 6] = [
    column(0, "acc_x", "g"),
    column(1, "acc_y", "g"),
    column(2, "acc_z", "g"),
    column(3, "gyro_x", "deg/s"),
    column(4, "gyro_y", "deg/s"),
    column(5, "gyro_z", "deg/s"),
];

const fn column(cell: usize, name: &'static str, unit: &'static str) -> Column<'static> {
    Column {
        cell,
        name,
        unit,
        source: "",
        provenance: Provenance::Recorded,
    }
}
