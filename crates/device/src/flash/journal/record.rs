//! One value in a page.
//!
//! ```text
//! word 0   length in bytes, bit 15 where the key is taken back │ the same 16 bits inverted
//! word 1   CRC-32 of word 0, the key and the value
//! word 2   key
//! …        value, filled up with ones to whole words
//! ```
//!
//! Words are programmed in this order, so after a cut the first word says how far the record would have reached, or shows that it is not whole:
//! of each bit and its inverse exactly one must be programmed. A record that was begun is stepped over in the same way for ever: by its
//! length where the first word is whole, else by this one word, since then no other was programmed.

use crc32fast::Hasher;

use super::page::WORD_BYTES;

/// In front of each value.
pub const RECORD_HEADER_BYTES: u32 = 12;
const REMOVED: u16 = 1 << 15;

/// What is named by a key: an 8-bit kind above a 24-bit number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RawKey(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: RawKey,
    pub(super) len: u16,
    pub(super) removed: bool,
    pub(super) crc: u32,
}

/// What stands where a record may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing was written here.
    Erased,
    /// Its content is still to be checked.
    Record(Record),
    /// No record begins here: a cut came in its first word, or it rotted.
    Unreadable,
}

impl Record {
    pub(super) fn new(key: RawKey, value: &[u8]) -> Option<Self> {
        let len = u16::try_from(value.len()).ok().filter(|len| len & REMOVED == 0)?;
        Some(Self::sealed(key, len, false, value))
    }

    pub(super) fn removal(key: RawKey) -> Self {
        Self::sealed(key, 0, true, &[])
    }

    fn sealed(key: RawKey, len: u16, removed: bool, value: &[u8]) -> Self {
        let mut record = Self {
            key,
            len,
            removed,
            crc: 0,
        };
        let mut crc = record.hasher();
        crc.update(value);
        record.crc = crc.finalize();
        record
    }

    /// Has taken in everything but the value.
    pub(super) fn hasher(&self) -> Hasher {
        let mut crc = Hasher::new();
        crc.update(&self.first_word());
        crc.update(&self.key.0.to_le_bytes());
        crc
    }

    pub(super) fn header(&self) -> [u8; RECORD_HEADER_BYTES as usize] {
        let mut bytes = [0; RECORD_HEADER_BYTES as usize];
        bytes[..4].copy_from_slice(&self.first_word());
        bytes[4..8].copy_from_slice(&self.crc.to_le_bytes());
        bytes[8..].copy_from_slice(&self.key.0.to_le_bytes());
        bytes
    }

    /// In the page, whole words.
    pub(super) fn bytes(&self) -> u32 {
        RECORD_HEADER_BYTES + u32::from(self.len).next_multiple_of(WORD_BYTES)
    }

    fn first_word(&self) -> [u8; 4] {
        let low = self.len | if self.removed { REMOVED } else { 0 };
        (u32::from(low) | u32::from(!low) << 16).to_le_bytes()
    }
}

impl Found {
    /// `room` is what is left of the page, this header included.
    pub(super) fn from_header(bytes: &[u8; RECORD_HEADER_BYTES as usize], room: u32) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes;
        let (low, high) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        if low != !high {
            return if low & high == u16::MAX {
                Self::Erased
            } else {
                Self::Unreadable
            };
        }
        let record = Record {
            key: RawKey(u32::from_le_bytes([i, j, k, l])),
            len: low & !REMOVED,
            removed: low & REMOVED != 0,
            crc: u32::from_le_bytes([e, f, g, h]),
        };
        if record.bytes() <= room {
            Self::Record(record)
        } else {
            Self::Unreadable
        }
    }
}
