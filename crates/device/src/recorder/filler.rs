//! Rows into blocks of whole sectors.
//!
//! ```text
//!          row()                     row()/due(): full sector from 400 ms on, or 500 ms old
//! Filling ───────► Filling … ───────────────────────────────────────────────► Block ──► written() ──► Filling
//! ```
//!
//! A block ends where a sector is nearly full: rows go in while the next one and the `BLOCK` row still fit. So half a row is
//! padding instead of half a sector.

use wire::recording::{BlockWriter, BufferTooSmall, Marker, RecordingId, Row};

use super::digest::FileDigest;
use crate::block::SECTOR_BYTES;

/// Half a second at 100 Hz and 10 Hz is 7.5 sectors; the widest rows make it 9.
pub const BLOCK_SECTORS_MAX: usize = 12;
pub const BLOCK_BYTES_MAX: usize = BLOCK_SECTORS_MAX * SECTOR_BYTES;
/// From this age on a block ends at the next full sector.
const MAY_END_MS: u32 = 400;
/// No row waits longer for its block.
const MUST_END_MS: u32 = 500;
/// Every so many blocks the digest's place is written down: half a minute at default rates.
const DIGEST_EVERY: u32 = 60;
/// Of no recording, before the first.
const NOBODY: RecordingId = RecordingId(0);
/// Longest `BLOCK` row before its padding: tick, name, sequence number, checksum, line end.
const MARKER_BYTES_MAX: usize = 10 + 9 + 10 + 1 + 8 + 1;

/// A block that stands ready to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Sectors of the recording before it.
    pub first_sector: u32,
    pub bytes: usize,
}

/// What the filler did with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// The block is to be written first; then the row is offered again.
    BlockFirst,
}

/// Builds one block at a time in a buffer of its own, which others may use between recordings.
#[derive(Debug)]
pub(super) struct Filler {
    buffer: [u8; BLOCK_BYTES_MAX],
    filled: usize,
    writer: BlockWriter,
    digest: FileDigest,
    blocks: u32,
    began_ms: Option<u32>,
    ready: Option<Ready>,
}

impl Filler {
    pub(super) fn new() -> Self {
        Self {
            buffer: [0; BLOCK_BYTES_MAX],
            filled: 0,
            writer: BlockWriter::new(NOBODY),
            digest: FileDigest::default(),
            blocks: 0,
            began_ms: None,
            ready: None,
        }
    }

    /// Begins another recording where this one lies in memory.
    pub(super) fn begin_anew(&mut self, id: RecordingId) {
        self.filled = 0;
        self.writer = BlockWriter::new(id);
        self.digest = FileDigest::default();
        self.blocks = 0;
        self.began_ms = None;
        self.ready = None;
    }

    pub(super) fn buffer(&mut self) -> &mut [u8; BLOCK_BYTES_MAX] {
        &mut self.buffer
    }

    /// Sectors of the blocks that were written.
    pub(super) fn sectors_written(&self) -> u32 {
        self.digest.bytes() / SECTOR_BYTES as u32
    }

    /// The digest of the blocks that were written.
    pub(super) fn digest(&self) -> FileDigest {
        self.digest
    }

    /// Bytes that are not in a row: the header.
    pub(super) fn header(&mut self, line: &str) -> Result<(), BufferTooSmall> {
        let end = self.filled + line.len();
        let room = self.buffer.get_mut(self.filled..end).ok_or(BufferTooSmall)?;
        room.copy_from_slice(line.as_bytes());
        self.writer.rows(line.as_bytes());
        self.filled = end;
        Ok(())
    }

    /// Adds a row of `tick_ms`, or ends the block before it.
    pub(super) fn row(&mut self, tick_ms: u32, row: &Row<'_>) -> Result<Taken, BufferTooSmall> {
        if self.ready.is_some() {
            return Ok(Taken::BlockFirst);
        }
        if self.began_ms.is_none() {
            self.begin(tick_ms)?;
        }
        let length = row.encode(&mut self.buffer[self.filled..])?;
        if self.ends_before(tick_ms, length) {
            self.end(tick_ms)?;
            return Ok(Taken::BlockFirst);
        }
        self.writer.rows(&self.buffer[self.filled..self.filled + length]);
        self.filled += length;
        Ok(Taken::Yes)
    }

    /// Ends the block if its rows have waited long enough; call with the time when there is no row.
    pub(super) fn due(&mut self, tick_ms: u32) -> Result<(), BufferTooSmall> {
        let old = self
            .began_ms
            .is_some_and(|began| tick_ms.wrapping_sub(began) >= MUST_END_MS);
        if old && self.ready.is_none() {
            self.end(tick_ms)?;
        }
        Ok(())
    }

    /// Ends the block now, if there is anything in it.
    pub(super) fn flush(&mut self, tick_ms: u32) -> Result<(), BufferTooSmall> {
        if self.filled > 0 && self.ready.is_none() {
            self.end(tick_ms)?;
        }
        Ok(())
    }

    /// The block that is to be written, and where; the same until [`Self::written`].
    pub(super) fn ready(&self) -> Option<(Ready, &[u8])> {
        let ready = self.ready?;
        self.buffer.get(..ready.bytes).map(|bytes| (ready, bytes))
    }

    /// The block that [`Self::ready`] gave is on the card.
    pub(super) fn written(&mut self) {
        if let Some(ready) = self.ready.take() {
            self.digest.sectors(&self.buffer[..ready.bytes]);
            self.blocks = self.blocks.wrapping_add(1);
            self.filled = 0;
            self.began_ms = None;
        }
    }

    fn begin(&mut self, tick_ms: u32) -> Result<(), BufferTooSmall> {
        self.began_ms = Some(tick_ms);
        if self.blocks == 0 || !self.blocks.is_multiple_of(DIGEST_EVERY) {
            return Ok(());
        }
        let marker = Marker::Digest {
            bytes: self.digest.bytes(),
            state: self.digest.state(),
        };
        let length = Row::Marker { tick_ms, marker }.encode(&mut self.buffer[self.filled..])?;
        self.writer.rows(&self.buffer[self.filled..self.filled + length]);
        self.filled += length;
        Ok(())
    }

    /// Whether the block ends before a row of this length: it is old, or a sector is full and it is old enough, or there is
    /// no room.
    fn ends_before(&self, tick_ms: u32, length: usize) -> bool {
        let age_ms = self.began_ms.map_or(0, |began| tick_ms.wrapping_sub(began));
        let sectors_with = |bytes: usize| (bytes + MARKER_BYTES_MAX).div_ceil(SECTOR_BYTES);
        let crosses = sectors_with(self.filled + length) > sectors_with(self.filled);
        let holds_rows = self.filled > 0;
        holds_rows
            && (age_ms >= MUST_END_MS
                || (age_ms >= MAY_END_MS && crosses)
                || sectors_with(self.filled + length) > BLOCK_SECTORS_MAX)
    }

    fn end(&mut self, tick_ms: u32) -> Result<(), BufferTooSmall> {
        let length = self.writer.seal(tick_ms, &mut self.buffer[self.filled..])?;
        self.filled += length;
        self.ready = Some(Ready {
            first_sector: self.sectors_written(),
            bytes: self.filled,
        });
        Ok(())
    }
}
