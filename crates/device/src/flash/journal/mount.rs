//! What the flash says at boot.

use embedded_storage_async::nor_flash::{MultiwriteNorFlash, NorFlash, ReadNorFlash};

use super::index::Index;
use super::page::{HEADER_BYTES, Header, PAGE_BYTES, PAGES_MAX, PAGES_MIN, Place, WORD_BYTES};
use super::record::{Found, RECORD_HEADER_BYTES};
use super::{CHUNK_BYTES, Error, FlashError, Journal};

/// What mounting met with. Cuts are the normal case; the other two are worth a breadcrumb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// All was blank: the device's first start.
    pub formatted: bool,
    /// Records that do not read as they should: cut, which is normal, or rotted; of rotted ones perhaps each word.
    pub unreadable_records: u32,
    /// Pages that should be in the ring and do not say so. What could be read in them was.
    pub damaged_pages: u32,
}

/// Why the flash cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountError<E> {
    Flash(E),
    /// Too few pages, too many, or pages and words of another size than this code writes.
    Geometry,
    /// Something is in it, and it is not ours. Erasing it is a person's decision: [`Journal::format`].
    Foreign,
    /// It holds more keys than this program can; it was written by a newer one.
    TooManyKeys,
    /// A reset that was cut could not be finished.
    Reset(Error<E>),
}

impl<F: MultiwriteNorFlash> Journal<F> {
    /// Holds nothing, and takes nothing, until [`Self::open`].
    pub const fn new(flash: F) -> Self {
        Self {
            flash,
            pages: 0,
            head: 0,
            sequence: 0,
            free: PAGE_BYTES,
            live_bytes: 0,
            index: Index::new(),
            changing: true,
        }
    }

    /// Finds what is in the flash, in one pass over it. Formats it where all of it is blank, and changes nothing otherwise. Once, at the start.
    pub async fn open(&mut self) -> Result<Report, MountError<F::Error>> {
        self.measure_pages()?;
        self.index.clear();
        let mut report = Report::default();
        match self.find_head().await? {
            Some((head, sequence)) => {
                (self.head, self.sequence) = (head, sequence);
                self.replay_ring(&mut report).await?;
            }
            None if self.may_be_formatted().await? => {
                self.lay_out().await?;
                report.formatted = true;
            }
            None => return Err(MountError::Foreign),
        }
        self.live_bytes = self.measure().await?;
        self.changing = false;
        Ok(report)
    }

    /// Both at once, where memory is no matter.
    pub async fn mount(flash: F) -> Result<(Self, Report), MountError<F::Error>> {
        let mut journal = Self::new(flash);
        let report = journal.open().await?;
        Ok((journal, report))
    }

    /// Gives up whatever is in flash that [`Self::mount`] called foreign. After a cut it is still that, or blank but for its first page.
    pub async fn format(flash: F) -> Result<Self, MountError<F::Error>> {
        let mut journal = Self::new(flash);
        journal.measure_pages()?;
        for page in (0..journal.pages).rev() {
            let start = page * PAGE_BYTES;
            journal
                .flash
                .erase(start, start + PAGE_BYTES)
                .await
                .map_err(MountError::Flash)?;
        }
        journal.lay_out().await?;
        journal.changing = false;
        Ok(journal)
    }

    fn measure_pages(&mut self) -> Result<(), MountError<F::Error>> {
        let pages = u32::try_from(self.flash.capacity()).map_or(0, |bytes| bytes / PAGE_BYTES);
        let fits = |unit: usize, into: u32| usize::try_from(into).is_ok_and(|into| into.is_multiple_of(unit));
        if !(PAGES_MIN..=PAGES_MAX).contains(&pages)
            || !fits(<F as NorFlash>::ERASE_SIZE, PAGE_BYTES)
            || !fits(<F as NorFlash>::WRITE_SIZE, WORD_BYTES)
            || !fits(<F as ReadNorFlash>::READ_SIZE, WORD_BYTES)
        {
            return Err(MountError::Geometry);
        }
        self.pages = pages;
        Ok(())
    }

    /// The first page of blank flash.
    async fn lay_out(&mut self) -> Result<(), FlashError<F::Error>> {
        self.begin(0, 1).await?;
        self.commit(0).await?;
        (self.head, self.sequence, self.free) = (0, 1, HEADER_BYTES);
        Ok(())
    }

    /// The committed page with the highest sequence.
    async fn find_head(&mut self) -> Result<Option<(u32, u32)>, FlashError<F::Error>> {
        let mut newest = None;
        for page in 0..self.pages {
            if let Header::Committed { sequence } = self.header(page).await?
                && newest.is_none_or(|(_, best)| sequence > best)
            {
                newest = Some((page, sequence));
            }
        }
        Ok(newest)
    }

    /// Nothing but the first page was ever written to, and that was cut before it held anything.
    async fn may_be_formatted(&mut self) -> Result<bool, MountError<F::Error>> {
        if !self.is_blank(PAGE_BYTES, self.pages * PAGE_BYTES).await? {
            return Ok(false);
        }
        self.replay(0, &mut Report::default()).await?;
        Ok(self.index.at(0).is_none())
    }

    /// Reads all pages, oldest first.
    async fn replay_ring(&mut self, report: &mut Report) -> Result<(), MountError<F::Error>> {
        for behind in (0..self.pages).rev() {
            // Pages that the first round has not reached yet have no sequence.
            let Some(expected) = self.sequence.checked_sub(behind).filter(|first| *first > 0) else {
                continue;
            };
            let page = (self.head + self.pages - behind) % self.pages;
            if self.header(page).await? != (Header::Committed { sequence: expected }) {
                // The page after the head is begun anew next, or was being so: nothing in it counts.
                if behind == self.pages - 1 {
                    continue;
                }
                report.damaged_pages += 1;
            }
            let end = self.replay(page, report).await?;
            if behind == 0 {
                self.free = end;
            }
        }
        Ok(())
    }

    /// Takes in the records of one page and gives where the next one may begin.
    async fn replay(&mut self, page: u32, report: &mut Report) -> Result<u32, MountError<F::Error>> {
        let mut offset = HEADER_BYTES;
        while offset + RECORD_HEADER_BYTES <= PAGE_BYTES {
            let start = page * PAGE_BYTES + offset;
            let mut header = [0; RECORD_HEADER_BYTES as usize];
            self.read(start, &mut header).await?;
            match Found::from_header(&header, PAGE_BYTES - offset) {
                Found::Erased if self.is_blank(start, (page + 1) * PAGE_BYTES).await? => return Ok(offset),
                Found::Erased => offset += WORD_BYTES,
                Found::Unreadable => {
                    report.unreadable_records += 1;
                    offset += WORD_BYTES;
                }
                Found::Record(record) => {
                    let place = Place::at(page, offset).ok_or(MountError::Geometry)?;
                    if !self.is_whole(&record, start).await? {
                        report.unreadable_records += 1;
                    } else if record.removed {
                        self.index.remove(record.key);
                    } else {
                        self.index
                            .set(record.key, place)
                            .map_err(|_| MountError::TooManyKeys)?;
                    }
                    offset += record.bytes();
                }
            }
        }
        Ok(PAGE_BYTES)
    }

    async fn measure(&mut self) -> Result<u32, FlashError<F::Error>> {
        let (mut bytes, mut at) = (0, 0);
        while let Some(place) = self.index.at(at) {
            if let Found::Record(record) = self.found_at(place).await? {
                bytes += record.bytes();
            }
            at += 1;
        }
        Ok(bytes)
    }

    async fn is_blank(&mut self, from: u32, to: u32) -> Result<bool, FlashError<F::Error>> {
        let mut chunk = [0; CHUNK_BYTES];
        let mut offset = from;
        while offset < to {
            let len = (to - offset).min(CHUNK_BYTES as u32);
            self.read(offset, &mut chunk[..len as usize]).await?;
            if chunk[..len as usize].iter().any(|bits| *bits != 0xFF) {
                return Ok(false);
            }
            offset += len;
        }
        Ok(true)
    }
}
