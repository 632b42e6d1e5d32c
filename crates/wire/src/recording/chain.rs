//! The chain of block checksums.
//!
//! A block is every byte since the end of the one before (the header row belongs to the first). Its last row is
//! `tick,M,BLOCK,seq,crc`, spaces, line end, and ends on a sector. `crc` is the CRC-32 of a seed and of the block's
//! bytes up to the comma before `crc`. The seed is the recording's id (16 bytes, big-endian), for every block but the
//! first followed by the `crc` of the block before (4 bytes, big-endian): a stale block of another recording never
//! matches, wherever one begins to read, and after one damaged block the next can still be checked.

use crc32fast::Hasher;

use super::text::Text;
use super::{BufferTooSmall, RecordingId, SECTOR_BYTES};

/// What a block's checksum starts from.
fn seeded(id: RecordingId, block_before: Option<u32>) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.update(&id.0.to_be_bytes());
    if let Some(crc) = block_before {
        hasher.update(&crc.to_be_bytes());
    }
    hasher
}

/// Whether `block`, whose last row `marker` was read from, is a block of this recording: `before` is the checksum that the
/// block before it says, `None` for the first. For whoever begins in the middle; [`ChainVerifier`] reads from the front.
pub fn is_whole(id: RecordingId, before: Option<u32>, block: &[u8], marker: &BlockMarker) -> bool {
    let Some(end) = block.len().checked_sub(marker.line_bytes) else {
        return false;
    };
    let Some(covered) = block.get(..end + marker.covered_bytes) else {
        return false;
    };
    let mut hasher = seeded(id, before);
    hasher.update(covered);
    hasher.finalize() == marker.crc
}

/// Follows what is written and ends blocks.
///
/// The caller writes rows to its medium and tells [`Self::rows`]; when a block is due, [`Self::seal`] makes its last
/// row, and the block's length is then a multiple of [`SECTOR_BYTES`].
#[derive(Debug, Clone)]
pub struct BlockWriter {
    id: RecordingId,
    hasher: Hasher,
    block_bytes: usize,
    next_seq: u32,
}

impl BlockWriter {
    pub fn new(id: RecordingId) -> Self {
        Self {
            id,
            hasher: seeded(id, None),
            block_bytes: 0,
            next_seq: 1,
        }
    }

    /// Takes note of bytes that were written into the open block, the header row included.
    pub fn rows(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.block_bytes += bytes.len();
    }

    /// Bytes in the open block so far.
    pub fn block_bytes(&self) -> usize {
        self.block_bytes
    }

    /// Writes the `BLOCK` row with padding and line end, gives its length and opens the next block. On an error
    /// nothing has changed.
    pub fn seal(&mut self, tick_ms: u32, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut text = Text::new(buffer);
        text.unsigned(tick_ms)?;
        text.bytes(b",M,BLOCK,")?;
        text.unsigned(self.next_seq)?;
        text.byte(b',')?;
        let mut hasher = self.hasher.clone();
        hasher.update(text.written());
        let crc = hasher.finalize();
        text.hex32(crc)?;
        let unpadded_bytes = self.block_bytes + text.len() + 1;
        text.spaces(unpadded_bytes.next_multiple_of(SECTOR_BYTES) - unpadded_bytes)?;
        text.byte(b'\n')?;

        self.hasher = seeded(self.id, Some(crc));
        self.block_bytes = 0;
        self.next_seq = self.next_seq.wrapping_add(1);
        Ok(text.len())
    }
}

/// The cells of a `BLOCK` row, and where its checksum starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockMarker {
    pub seq: u32,
    pub crc: u32,
    /// Bytes of the line before the `crc` cell: what the checksum covers of it.
    pub covered_bytes: usize,
    /// Bytes of the line as it was given, its line end included if it has one.
    pub line_bytes: usize,
}

impl BlockMarker {
    /// Reads a whole line, with or without its line end; `None` when it is not a well-formed `BLOCK` row.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let line_bytes = line.len();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut cells = line.split(|&b| b == b',');
        cells.next()?;
        if cells.next()? != b"M" || cells.next()? != b"BLOCK" {
            return None;
        }
        let seq = core::str::from_utf8(cells.next()?).ok()?.parse().ok()?;
        let crc_cell = cells.next()?;
        let crc_text = crc_cell.trim_ascii_end();
        if crc_text.len() != 8 || !crc_text.iter().all(u8::is_ascii_hexdigit) || cells.next().is_some() {
            return None;
        }
        let crc = u32::from_str_radix(core::str::from_utf8(crc_text).ok()?, 16).ok()?;
        Some(Self {
            seq,
            crc,
            covered_bytes: line.len() - crc_cell.len(),
            line_bytes,
        })
    }
}

/// What [`ChainVerifier::block`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Whole,
    /// The checksum differs: bytes of this block, or the checksum before it, are not what was written.
    Damaged,
    /// Without an `OPEN` row in the first block there is nothing to check against.
    Unknown,
}

/// Checks blocks while a recording is read front to back.
///
/// The id stands inside the first block, so bytes may be told before it: checksums of the seed and of the bytes are
/// joined when the block ends.
#[derive(Debug, Clone, Default)]
pub struct ChainVerifier {
    id: Option<RecordingId>,
    before: Option<u32>,
    bytes: Hasher,
}

impl ChainVerifier {
    pub fn new() -> Self {
        Self::default()
    }

    /// The id from the `OPEN` row; the first one counts, and only while no block has ended yet.
    pub fn opened(&mut self, id: RecordingId) {
        if self.before.is_none() {
            self.id.get_or_insert(id);
        }
    }

    /// Takes note of bytes in file order, all but `BLOCK` rows, in pieces of any size.
    pub fn rows(&mut self, bytes: &[u8]) {
        self.bytes.update(bytes);
    }

    /// Checks the block that `line` ends; `marker` is what [`BlockMarker::parse`] read from it.
    pub fn block(&mut self, line: &[u8], marker: &BlockMarker) -> Verdict {
        self.bytes.update(&line[..marker.covered_bytes.min(line.len())]);
        let bytes = core::mem::take(&mut self.bytes);
        let verdict = match self.id {
            None => Verdict::Unknown,
            Some(id) => {
                let mut hasher = seeded(id, self.before);
                hasher.combine(&bytes);
                if hasher.finalize() == marker.crc {
                    Verdict::Whole
                } else {
                    Verdict::Damaged
                }
            }
        };
        self.before = Some(marker.crc);
        verdict
    }
}
