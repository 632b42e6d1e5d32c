//! The next page of the ring.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::page::{COMMIT, HEADER_BYTES, Header, PAGE_BYTES, Place, VOID, WORD_BYTES};
use super::{CHUNK_BYTES, Error, FlashError, Journal};

impl<F: MultiwriteNorFlash> Journal<F> {
    /// Begins the page after the head and takes over what is alive in the one after that.
    ///
    /// It is erased now and not when it was emptied, so that what it takes was erased in whole and just before.
    pub(super) async fn turn(&mut self) -> Result<(), Error<F::Error>> {
        let next = self.next_page();
        let sequence = self.sequence + 1;
        self.begin(next, sequence).await?;
        let free = self.take_over((next + 1) % self.pages, next).await?;
        self.commit(next).await?;
        self.head = next;
        self.sequence = sequence;
        self.free = free;
        Ok(())
    }

    /// Whether nothing is alive where the ring goes on. Only flash that something else damaged has life there: better no room than a
    /// recording that is forgotten.
    pub(super) fn can_turn(&self) -> bool {
        self.index.next_in(self.next_page(), 0).is_none()
    }

    fn next_page(&self) -> u32 {
        (self.head + 1) % self.pages
    }

    /// Erases a page and says which one it will be.
    pub(super) async fn begin(&mut self, page: u32, sequence: u32) -> Result<(), FlashError<F::Error>> {
        let start = page * PAGE_BYTES;
        if self.header(page).await? != Header::Nothing {
            self.program(start, &VOID).await?;
        }
        self.flash
            .erase(start, start + PAGE_BYTES)
            .await
            .map_err(FlashError)?;
        self.program(start, &Header::to_bytes(sequence)).await
    }

    pub(super) async fn commit(&mut self, page: u32) -> Result<(), FlashError<F::Error>> {
        let last_word = page * PAGE_BYTES + HEADER_BYTES - WORD_BYTES;
        self.program(last_word, &COMMIT).await
    }

    pub(super) async fn header(&mut self, page: u32) -> Result<Header, FlashError<F::Error>> {
        let mut bytes = [0; HEADER_BYTES as usize];
        self.read(page * PAGE_BYTES, &mut bytes).await?;
        Ok(Header::from_bytes(&bytes))
    }

    /// Copies what is alive from one page to the beginning of another, bit for bit, and gives the end of the copies.
    ///
    /// Removals are not copied: every value that they removed stood in pages that are gone, or goes with this one.
    async fn take_over(&mut self, victim: u32, into: u32) -> Result<u32, Error<F::Error>> {
        let mut free = HEADER_BYTES;
        let mut from = 0;
        while let Some((at, place)) = self.index.next_in(victim, from) {
            let bytes = self.record_at(place).await?.bytes();
            self.copy(place.offset(), into * PAGE_BYTES + free, bytes).await?;
            let place = Place::at(into, free).ok_or(Error::Damaged)?;
            self.index.moved(at, place);
            free += bytes;
            from = at + 1;
        }
        Ok(free)
    }

    async fn copy(&mut self, from: u32, to: u32, bytes: u32) -> Result<(), FlashError<F::Error>> {
        let mut chunk = [0; CHUNK_BYTES];
        let mut done = 0;
        while done < bytes {
            let len = (bytes - done).min(CHUNK_BYTES as u32);
            let part = &mut chunk[..len as usize];
            self.read(from + done, part).await?;
            self.program(to + done, part).await?;
            done += len;
        }
        Ok(())
    }
}
