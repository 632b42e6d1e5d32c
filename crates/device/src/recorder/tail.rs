//! Where a recording that was cut off really ends.
//!
//! ```text
//! sectors   [b0][b1][b2] … [bN-1][bN garbage][stale blocks of an older recording …]
//!            known ─────────► end
//! ```
//!
//! What lies before the end was written before it and in order, so it is looked for by halving: is there, at or after this
//! sector, a whole block of this recording? A block is known as such by itself and the checksum of the one before
//! it, because the recording's id goes into every checksum; blocks that an older recording left in the same clusters
//! never answer. From the last block that was met so, the chain is followed to its end.

use wire::recording::{BlockMarker, RecordingId, is_whole};

use super::digest::FileDigest;
use super::filler::BLOCK_BYTES_MAX;
use crate::block::{BlockDevice, SECTOR_BYTES};

/// A `BLOCK` row may begin a sector before the one that it ends.
const WINDOW_BYTES: usize = 2 * SECTOR_BYTES;
/// Before this many sectors halving no longer pays.
const FOLLOW_SECTORS: u32 = 2 * BLOCK_SECTORS;
const BLOCK_SECTORS: u32 = (BLOCK_BYTES_MAX / SECTOR_BYTES) as u32;

/// What is known of a recording on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Its whole blocks.
    pub sectors: u32,
    /// The SHA-256 of what comes before some late block, from its `DIGEST` row; the beginning without one.
    pub digest: FileDigest,
}

/// The sectors of one extent, and the buffer of a block that nobody fills meanwhile.
pub struct Reader<'r, B> {
    pub card: &'r mut B,
    /// Sector of the card at which the extent begins.
    pub first: u32,
    pub sectors: u32,
    pub buffer: &'r mut [u8; BLOCK_BYTES_MAX],
}

/// The place after a whole block, and its checksum.
#[derive(Debug, Clone, Copy)]
struct Known {
    end: u32,
    crc: Option<u32>,
}

impl<B: BlockDevice> Reader<'_, B> {
    /// Finds the end of the recording `id`.
    pub async fn tail(&mut self, id: RecordingId) -> Result<Tail, B::Error> {
        let mut known = Known { end: 0, crc: None };
        let Some(first) = self.block_after(id, known).await? else {
            return Ok(Tail {
                sectors: 0,
                digest: FileDigest::default(),
            });
        };
        known = first;
        let mut beyond = self.sectors;
        while beyond.saturating_sub(known.end) > FOLLOW_SECTORS {
            let middle = known.end + (beyond - known.end) / 2;
            match self.met_from(id, middle).await? {
                Some(met) => known = met,
                None => beyond = middle,
            }
        }
        while let Some(next) = self.block_after(id, known).await? {
            known = next;
        }
        Ok(Tail {
            sectors: known.end,
            digest: self.last_digest(known.end).await?,
        })
    }

    /// A whole block at or after `from`, two blocks' length on at most.
    async fn met_from(&mut self, id: RecordingId, from: u32) -> Result<Option<Known>, B::Error> {
        for sector in from..(from + BLOCK_SECTORS).min(self.sectors) {
            let start = sector.saturating_sub(1);
            let Some(window) = self.buffer.get_mut(..WINDOW_BYTES) else {
                break;
            };
            self.card.read(self.first + start, window).await?;
            let Some(marker) = last_marker(window) else {
                continue;
            };
            let before = Known {
                end: start + 2,
                crc: Some(marker.crc),
            };
            if let Some(known) = self.block_after(id, before).await? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// The block that follows, if it is whole.
    async fn block_after(&mut self, id: RecordingId, before: Known) -> Result<Option<Known>, B::Error> {
        let room = self.sectors.saturating_sub(before.end).min(BLOCK_SECTORS);
        for count in 1..=room {
            let at = before.end + count - 1;
            let length = count as usize * SECTOR_BYTES;
            let Some(block) = self.buffer.get_mut(..length) else {
                return Ok(None);
            };
            let last = length - SECTOR_BYTES;
            self.card.read(self.first + at, &mut block[last..]).await?;
            let Some(marker) = last_marker(block) else {
                continue;
            };
            if is_whole(id, before.crc, block, &marker) {
                return Ok(Some(Known {
                    end: at + 1,
                    crc: Some(marker.crc),
                }));
            }
        }
        Ok(None)
    }

    /// The last place of the digest that the recording says before `end`: a row at the very beginning of a block.
    pub async fn last_digest(&mut self, end: u32) -> Result<FileDigest, B::Error> {
        let mut below = end;
        while below > 0 {
            let count = below.min(BLOCK_SECTORS);
            below -= count;
            let Some(sectors) = self.buffer.get_mut(..count as usize * SECTOR_BYTES) else {
                break;
            };
            self.card.read(self.first + below, sectors).await?;
            for index in (0..count).rev() {
                let sector = &sectors[index as usize * SECTOR_BYTES..];
                let place = digest_row(sector).filter(|place| place.bytes() / 512 == below + index);
                if let Some(place) = place {
                    return Ok(place);
                }
            }
        }
        Ok(FileDigest::default())
    }
}

/// The `BLOCK` row that ends these bytes.
fn last_marker(bytes: &[u8]) -> Option<BlockMarker> {
    let body = bytes.strip_suffix(b"\n")?;
    let start = body.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    BlockMarker::parse(bytes.get(start..)?)
}

/// The `DIGEST` row that begins these bytes.
fn digest_row(bytes: &[u8]) -> Option<FileDigest> {
    let line = bytes.split(|&b| b == b'\n').next()?;
    let mut cells = core::str::from_utf8(line).ok()?.split(',').skip(1);
    if (cells.next()?, cells.next()?) != ("M", "DIGEST") {
        return None;
    }
    let bytes = cells.next()?.parse().ok()?;
    let words = cells
        .next()
        .filter(|words| words.len() == 64 && words.is_ascii())?;
    let mut state = [0; 8];
    for (word, text) in state.iter_mut().zip(words.as_bytes().as_chunks::<8>().0) {
        *word = u32::from_str_radix(core::str::from_utf8(text).ok()?, 16).ok()?;
    }
    FileDigest::resume(bytes, state)
}
