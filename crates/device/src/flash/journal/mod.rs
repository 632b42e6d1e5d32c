//! A small map in NOR flash that no cut harms.
//!
//! ```text
//!            ┌────────── a ring of pages, each one erase block ──────────┐
//!   … oldest │ older │ older │ head ◄─ new values │ (next, without life) │ victim …
//!                                                     ▲                      │
//!                        head full: void, erase, begin, copy what lives ─────┘, commit
//! ```
//!
//! Values are appended to the head; the newest of a key counts. When the head is full, the next page of the ring is begun anew. Nothing in it
//! is alive, because what was alive in it was copied when the page before it was begun. In the same way it now takes over what is alive in
//! the page after it, and only then is it committed and written to.
//!
//! Why no cut harms, for flash where an interrupted program leaves any prefix of its words (of the next word any bits) and an interrupted
//! erase any bits in its block:
//!
//! * A page counts when its last header word says so, and this word is zeroed, with the rest of the header, before the page is erased. So
//!   nothing that an interrupted erase leaves is read, valid as single records in it may look: an older value cannot come back because the newer
//!   one, or its removal, was erased first.
//! * A page that is not committed holds copies only. It is begun again, so tries that were cut use up no room.
//! * A record that was cut is stepped over as its first word says ([`record`]), by the boot after the cut and by all later ones alike. What is
//!   written behind it is never taken for a part of it.
//! * Pages are erased in the order in which they were written, so a removal outlives every value that it removes.
//! * Mounting writes nothing, except for the first page of flash that is blank.
//!
//! A call that fails or is dropped in its middle is a cut as well: from then on every change answers [`Error::Interrupted`] until the flash is
//! mounted anew. Calling `put` with what is there already programs it once more; callers that repeat themselves compare first.
//!
//! It deliberately does not: level wear beyond the ring (which is level by itself), encrypt, or repair bits that rotted. Rot is found by CRC,
//! counted in [`Report`], and costs the record that it is in.

mod append;
mod index;
mod mount;
mod page;
mod record;
mod turn;

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use index::Index;
pub use index::KEYS_MAX;
pub use mount::{MountError, Report};
use page::{HEADER_BYTES, Place, WORD_BYTES};
pub use page::{PAGE_BYTES, PAGES_MAX, PAGES_MIN};
use record::{Found, Record};
pub use record::{RECORD_HEADER_BYTES, RawKey};

/// The longest value: settings with ten networks.
pub const VALUE_BYTES_MAX: usize = 2048;
/// The same as it lies in a page.
const RECORD_BYTES_MAX: u32 = RECORD_HEADER_BYTES + 2048;
/// What is read or programmed at once, and the stack that it costs.
const CHUNK_BYTES: usize = 128;

/// How much may be alive in so many pages: beyond it, turning the ring might not find room for the longest record.
///
/// While so much or less is alive in all pages but the one that is begun, one of them has at least room for such a record when its living
/// ones are moved to a fresh page. The last term is for the value that is replaced, which lives until the new one is there.
pub const fn live_bytes_max(pages: u32) -> u32 {
    (pages - 1) * (PAGE_BYTES - HEADER_BYTES - RECORD_BYTES_MAX) - RECORD_BYTES_MAX
}

/// Why something is not kept, or cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error<E> {
    /// The flash said no.
    Flash(E),
    /// There is no room for more: something has to go first. Nothing was changed.
    Full,
    /// Longer than [`VALUE_BYTES_MAX`], or than the buffer that it should be read into.
    TooLong,
    /// It was written, and does not read back as written any more.
    Damaged,
    /// An earlier change did not come to its end; start again.
    Interrupted,
}

/// The flash said no; what that means depends on what was asked.
struct FlashError<E>(E);

impl<E> From<FlashError<E>> for Error<E> {
    fn from(FlashError(error): FlashError<E>) -> Self {
        Self::Flash(error)
    }
}

impl<E> From<FlashError<E>> for MountError<E> {
    fn from(FlashError(error): FlashError<E>) -> Self {
        Self::Flash(error)
    }
}

/// The map, and the flash that it alone writes to.
#[derive(Debug)]
pub struct Journal<F> {
    flash: F,
    pages: u32,
    head: u32,
    sequence: u32,
    /// Where the next record begins in the head.
    free: u32,
    live_bytes: u32,
    index: Index,
    /// A change was begun and has not ended, or nothing was read yet.
    changing: bool,
}

impl<F: MultiwriteNorFlash> Journal<F> {
    /// Reads the newest value of a key into the beginning of `buffer`; `None` where there is none.
    pub async fn get<'b>(
        &mut self,
        key: RawKey,
        buffer: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, Error<F::Error>> {
        let Some(place) = self.index.get(key) else {
            return Ok(None);
        };
        let record = self.record_at(place).await?;
        let value = buffer.get_mut(..usize::from(record.len)).ok_or(Error::TooLong)?;
        let mut crc = record.hasher();
        let mut offset = place.offset() + RECORD_HEADER_BYTES;
        for part in value.chunks_mut(CHUNK_BYTES) {
            // Flash is read in whole words, values end where they like.
            let mut chunk = [0; CHUNK_BYTES];
            let words = part.len().next_multiple_of(WORD_BYTES as usize);
            self.read(offset, &mut chunk[..words]).await?;
            part.copy_from_slice(&chunk[..part.len()]);
            crc.update(part);
            offset += CHUNK_BYTES as u32;
        }
        if crc.finalize() == record.crc {
            Ok(Some(value))
        } else {
            Err(Error::Damaged)
        }
    }

    /// The first key from `from` on that has a value.
    pub fn next_key(&self, from: RawKey) -> Option<RawKey> {
        self.index.next_from(from)
    }

    /// The last key up to `until` that has a value.
    pub fn last_key(&self, until: RawKey) -> Option<RawKey> {
        self.index.last_until(until)
    }

    pub fn contains(&self, key: RawKey) -> bool {
        self.index.get(key).is_some()
    }

    /// What values and their headers take up, as far as they are alive.
    pub const fn live_bytes(&self) -> u32 {
        self.live_bytes
    }

    /// How much may be alive.
    pub const fn live_bytes_max(&self) -> u32 {
        live_bytes_max(self.pages)
    }

    /// The flash goes back to whoever gave it.
    pub fn into_flash(self) -> F {
        self.flash
    }

    async fn read(&mut self, offset: u32, into: &mut [u8]) -> Result<(), FlashError<F::Error>> {
        self.flash.read(offset, into).await.map_err(FlashError)
    }

    async fn found_at(&mut self, place: Place) -> Result<Found, FlashError<F::Error>> {
        let mut header = [0; RECORD_HEADER_BYTES as usize];
        self.read(place.offset(), &mut header).await?;
        let room = PAGE_BYTES - place.offset() % PAGE_BYTES;
        Ok(Found::from_header(&header, room))
    }

    /// The header of a record that the index points to.
    async fn record_at(&mut self, place: Place) -> Result<Record, Error<F::Error>> {
        match self.found_at(place).await? {
            Found::Record(record) => Ok(record),
            Found::Erased | Found::Unreadable => Err(Error::Damaged),
        }
    }

    /// Whether a record's value is what its CRC says.
    async fn is_whole(&mut self, record: &Record, start: u32) -> Result<bool, FlashError<F::Error>> {
        let mut crc = record.hasher();
        let mut left = usize::from(record.len);
        let mut offset = start + RECORD_HEADER_BYTES;
        let mut chunk = [0; CHUNK_BYTES];
        while left > 0 {
            let len = left.min(CHUNK_BYTES);
            self.read(offset, &mut chunk[..len.next_multiple_of(WORD_BYTES as usize)])
                .await?;
            crc.update(&chunk[..len]);
            left -= len;
            offset += CHUNK_BYTES as u32;
        }
        Ok(crc.finalize() == record.crc)
    }
}
