//! How far an upload has come, as a record of fixed size.
//!
//! ```text
//! 0    4  "FPU1"
//! 4    8  offset in bytes, little-endian
//! 12   8  when, in microseconds since 1970, little-endian
//! 20 104  state of the SHA-256 over the bytes before the offset
//! 124  4  CRC-32 of the above, little-endian
//! ```
//!
//! The hash's state is what `sha2` 0.11 writes. It promises no more than that 0.11.x reads it again; a test pins it, so
//! that another version cannot be taken without another magic.

use jiff::Timestamp;
use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest as _, Sha256};

use crate::objects::Digest;

pub(super) const RECORD_BYTES: usize = 128;
const MAGIC: &[u8; 4] = b"FPU1";
const STATE_AT: usize = 20;
const CRC_AT: usize = 124;

/// A durable offset, and what is needed to go on from there.
#[derive(Debug, Clone)]
pub struct Mark {
    pub offset_bytes: u64,
    /// Over the bytes before the offset.
    pub hasher: Sha256,
    /// When the last byte before the offset came; `None` while there is none.
    pub marked_at: Option<Timestamp>,
}

impl Default for Mark {
    fn default() -> Self {
        Self {
            offset_bytes: 0,
            hasher: Sha256::new(),
            marked_at: None,
        }
    }
}

impl Mark {
    /// Counts bytes that follow.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.offset_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }

    /// Of the bytes before the offset.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(self.hasher.clone().finalize().into())
    }

    pub(super) fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut record = [0; RECORD_BYTES];
        record[..4].copy_from_slice(MAGIC);
        record[4..12].copy_from_slice(&self.offset_bytes.to_le_bytes());
        let at_us = self.marked_at.unwrap_or(Timestamp::UNIX_EPOCH).as_microsecond();
        record[12..STATE_AT].copy_from_slice(&at_us.to_le_bytes());
        record[STATE_AT..CRC_AT].copy_from_slice(&self.hasher.serialize());
        let crc = crc32fast::hash(&record[..CRC_AT]);
        record[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        record
    }

    /// `None` for anything that [`Mark::encode`] did not write whole.
    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        let record: &[u8; RECORD_BYTES] = record.try_into().ok()?;
        let (body, crc) = record.split_at(CRC_AT);
        if !body.starts_with(MAGIC) || crc32fast::hash(body).to_le_bytes() != *crc {
            return None;
        }
        let number = |at: usize| -> Option<[u8; 8]> { body.get(at..at + 8)?.try_into().ok() };
        let state = body.get(STATE_AT..)?.try_into().ok()?;
        Some(Self {
            offset_bytes: u64::from_le_bytes(number(4)?),
            marked_at: Some(Timestamp::from_microsecond(i64::from_le_bytes(number(12)?)).ok()?),
            hasher: Sha256::deserialize(&state).ok()?,
        })
    }
}

/// The records of a mark file that are whole and speak of bytes that are there: the last one, and how many there are up to
/// it. A torn or lost record ends the list; nothing after it was ever acknowledged.
pub(super) fn last_of(file: &[u8], length_bytes: u64) -> Option<(Mark, usize)> {
    let marks = file.chunks(RECORD_BYTES).map_while(Mark::decode);
    let believed = marks.take_while(|mark| mark.offset_bytes <= length_bytes);
    believed.enumerate().last().map(|(index, mark)| (mark, index + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(bytes: &[u8]) -> Mark {
        let mut mark = Mark {
            marked_at: Some(Timestamp::from_microsecond(1_792_000_000_000_000).unwrap()),
            ..Mark::default()
        };
        mark.extend(bytes);
        mark
    }

    #[test]
    fn a_mark_goes_on_where_it_stopped() {
        let text = b"x".repeat(1000);
        for cut in [0, 1, 55, 56, 63, 64, 65, 127, 128, 999, 1000] {
            let mut again = Mark::decode(&mark(&text[..cut]).encode()).unwrap();
            again.extend(&text[cut..]);
            assert_eq!(again.digest(), mark(&text).digest(), "cut at {cut}");
            assert_eq!((again.offset_bytes, again.marked_at), (1000, mark(b"").marked_at));
        }
    }

    /// The layout on disk. If this fails after an update of `sha2`, take another magic and keep reading the old one.
    #[test]
    fn the_layout_on_disk_is_pinned() {
        let record = mark(b"abc").encode();
        let crc = u32::from_le_bytes(record[CRC_AT..].try_into().unwrap());
        assert_eq!(&record[..12], b"FPU1\x03\0\0\0\0\0\0\0");
        assert_eq!(record[52..60], [0; 8], "no whole block was hashed yet");
        assert_eq!(
            &record[60..64],
            b"\x03abc",
            "the block's position, then its bytes"
        );
        assert_eq!(crc, 728_606_421);
    }

    #[test]
    fn a_changed_bit_is_noticed_wherever_it_is() {
        let record = mark(b"some bytes").encode();
        for at in 0..RECORD_BYTES {
            let mut damaged = record;
            damaged[at] ^= 0x10;
            assert!(Mark::decode(&damaged).is_none(), "byte {at}");
        }
        assert!(Mark::decode(&record[..RECORD_BYTES - 1]).is_none());
    }

    #[test]
    fn a_list_ends_at_the_first_torn_record() {
        let records = [mark(b"a").encode(), mark(b"ab").encode(), mark(b"abc").encode()].concat();
        let last =
            |file: &[u8], length| last_of(file, length).map(|(mark, count)| (mark.offset_bytes, count));
        assert_eq!(last(&records, 10), Some((3, 3)));
        assert_eq!(last(&records[..RECORD_BYTES * 3 - 1], 10), Some((2, 2)));
        let mut holed = records.clone();
        holed[RECORD_BYTES..2 * RECORD_BYTES].fill(0);
        assert_eq!(last(&holed, 10), Some((1, 1)));
        assert_eq!(
            last(&records, 2),
            Some((2, 2)),
            "the third speaks of bytes that are not there"
        );
        assert_eq!(last(&records, 0), None);
        assert_eq!(last(b"", 10), None);
    }
}
