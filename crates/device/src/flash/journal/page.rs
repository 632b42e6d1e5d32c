//! Where things lie in the flash: pages, and the words in front of each.

use crc32fast::hash;

/// One erase block is one page.
pub const PAGE_BYTES: u32 = 4096;
/// One to write, one to empty, and two that hold something meanwhile.
pub const PAGES_MIN: u32 = 4;
/// What a place of 16 bits, counted in words, can say.
pub const PAGES_MAX: u32 = 64;

pub(super) const WORD_BYTES: u32 = 4;
/// Magic, sequence, their CRC, and the word that makes it count.
pub(super) const HEADER_BYTES: u32 = 16;
/// "FPJ" and the version of the layout.
const MAGIC: u32 = 0x4650_4A01;
/// Half ones, half zeros: neither an erased nor a zeroed word comes near it.
pub(super) const COMMIT: [u8; 4] = 0x6A95_9A65_u32.to_le_bytes();
/// Before a page is erased, so that nothing an interrupted erase leaves in it is ever read again.
pub(super) const VOID: [u8; HEADER_BYTES as usize] = [0; HEADER_BYTES as usize];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// Records in it count. Pages are written in turn, so the sequence grows by one from page to page.
    Committed { sequence: u32 },
    /// It was being filled with copies of what still stands elsewhere.
    Filling,
    /// Never begun, or about to be erased.
    Nothing,
}

impl Header {
    /// All but the last word, which is programmed by itself.
    pub(super) fn to_bytes(sequence: u32) -> [u8; 12] {
        let mut bytes = [0; 12];
        let (identity, crc) = bytes.split_at_mut(8);
        identity[..4].copy_from_slice(&MAGIC.to_le_bytes());
        identity[4..].copy_from_slice(&sequence.to_le_bytes());
        crc.copy_from_slice(&hash(identity).to_le_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; HEADER_BYTES as usize]) -> Self {
        let [a, b, c, d, e, f, g, h, crc @ .., i, j, k, l] = *bytes;
        let sequence = u32::from_le_bytes([e, f, g, h]);
        if u32::from_le_bytes([a, b, c, d]) != MAGIC || crc != hash(&bytes[..8]).to_le_bytes() {
            Self::Nothing
        } else if [i, j, k, l] == COMMIT {
            Self::Committed { sequence }
        } else {
            Self::Filling
        }
    }
}

/// A place in the flash, counted in words from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u16);

impl Place {
    /// `None` beyond [`PAGES_MAX`] pages.
    pub(super) fn at(page: u32, offset: u32) -> Option<Self> {
        u16::try_from((page * PAGE_BYTES + offset) / WORD_BYTES)
            .ok()
            .map(Self)
    }

    pub(super) fn offset(self) -> u32 {
        u32::from(self.0) * WORD_BYTES
    }

    pub(super) fn page(self) -> u32 {
        self.offset() / PAGE_BYTES
    }
}
