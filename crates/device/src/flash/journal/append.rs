//! Changes.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::page::{PAGE_BYTES, Place, WORD_BYTES};
use super::record::{RECORD_HEADER_BYTES, RawKey, Record};
use super::{CHUNK_BYTES, Error, FlashError, Journal, VALUE_BYTES_MAX};

impl<F: MultiwriteNorFlash> Journal<F> {
    /// Keeps a value: when this returns, it is what `get` finds after any cut. A cut before that leaves the old one or this one.
    pub async fn put(&mut self, key: RawKey, value: &[u8]) -> Result<(), Error<F::Error>> {
        if self.changing {
            return Err(Error::Interrupted);
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let record = Record::new(key, value).ok_or(Error::TooLong)?;
        let replaced = match self.index.get(key) {
            Some(place) => self.record_at(place).await?.bytes(),
            None if self.index.has_room() => 0,
            None => return Err(Error::Full),
        };
        // What does not grow always has room: a full flash must still be able to move on.
        let live = self.live_bytes - replaced + record.bytes();
        if live > self.live_bytes && live > self.live_bytes_max() {
            return Err(Error::Full);
        }
        let place = self.append(&record, value).await?;
        self.index.set(key, place).map_err(|_| Error::Full)?;
        self.live_bytes = live;
        Ok(())
    }

    /// Takes a value back, if there is one. A cut leaves it whole or removed.
    pub async fn remove(&mut self, key: RawKey) -> Result<(), Error<F::Error>> {
        if self.changing {
            return Err(Error::Interrupted);
        }
        let Some(place) = self.index.get(key) else {
            return Ok(());
        };
        let removed = self.record_at(place).await?.bytes();
        self.append(&Record::removal(key), &[]).await?;
        self.index.remove(key);
        self.live_bytes -= removed;
        Ok(())
    }

    async fn append(&mut self, record: &Record, value: &[u8]) -> Result<Place, Error<F::Error>> {
        self.changing = true;
        let mut turns = 0;
        while PAGE_BYTES - self.free < record.bytes() {
            if turns == self.pages || !self.can_turn() {
                self.changing = false;
                return Err(Error::Full);
            }
            self.turn().await?;
            turns += 1;
        }
        let start = self.head * PAGE_BYTES + self.free;
        self.program_record(start, record, value).await?;
        if !self.is_whole(record, start).await? {
            return Err(Error::Damaged);
        }
        let place = Place::at(self.head, self.free).ok_or(Error::Damaged)?;
        self.free += record.bytes();
        self.changing = false;
        Ok(place)
    }

    /// Header and value in order; a short record is one program.
    async fn program_record(
        &mut self,
        start: u32,
        record: &Record,
        value: &[u8],
    ) -> Result<(), FlashError<F::Error>> {
        let mut chunk = [0xFF; CHUNK_BYTES];
        chunk[..RECORD_HEADER_BYTES as usize].copy_from_slice(&record.header());
        let (mut filled, mut offset, mut rest) = (RECORD_HEADER_BYTES as usize, start, value);
        loop {
            let (part, later) = rest.split_at(rest.len().min(CHUNK_BYTES - filled));
            chunk[filled..filled + part.len()].copy_from_slice(part);
            let words = (filled + part.len()).next_multiple_of(WORD_BYTES as usize);
            self.program(offset, &chunk[..words]).await?;
            if later.is_empty() {
                return Ok(());
            }
            offset += CHUNK_BYTES as u32;
            (filled, rest, chunk) = (0, later, [0xFF; CHUNK_BYTES]);
        }
    }

    pub(super) async fn program(&mut self, offset: u32, words: &[u8]) -> Result<(), FlashError<F::Error>> {
        self.flash.write(offset, words).await.map_err(FlashError)
    }
}
