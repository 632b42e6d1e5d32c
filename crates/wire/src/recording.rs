//! Our own recording format: plain CSV that a person can open, in blocks that a program can verify.
//!
//! `docs/formats/recording.md` describes it with worked examples. Rows are made by [`Row::encode`]; [`BlockWriter`]
//! ends a block with its checksum and pads it to whole sectors; [`ChainVerifier`] tells which blocks are whole.

mod chain;
mod row;
mod text;

pub use chain::{BlockMarker, BlockWriter, ChainVerifier, Verdict, is_whole};
pub use row::{Gps, Imu, Marker, Row};

use core::fmt;

/// The header row that devices write today, without its line end.
pub const HEADER: &str =
    "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat,gps_epoch";

/// The header row before GPS time was recorded; such a file has no date.
pub const HEADER_WITHOUT_EPOCH: &str =
    "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat";

/// A block ends on a multiple of this, the unit in which a card writes.
pub const SECTOR_BYTES: usize = 512;

/// No row is longer: a `G` row with every number at its widest is 175 bytes, the rest is left for marker texts.
pub const ROW_BYTES_MAX: usize = 256;

/// Identity of one recording, drawn at random when it is opened and written into its `OPEN` row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordingId(pub u128);

impl RecordingId {
    /// Reads the 32 hexadecimal digits of an `OPEN` row; anything else is `None`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(text).ok()?;
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for RecordingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The caller's buffer cannot hold the row or the padding; [`ROW_BYTES_MAX`] always holds a row, and
/// `ROW_BYTES_MAX + SECTOR_BYTES` the end of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferTooSmall;

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the buffer is too small for the row")
    }
}

impl core::error::Error for BufferTooSmall {}
