//! What is handed over: which recordings there are, their bytes and their steps.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::Store;
use super::error::StorageError;
use crate::block::{BlockDevice, SECTOR_BYTES};
use crate::fat;
use crate::offload::{Candidate, Survey};
use crate::outbox::{Entry, Number, Row, State, Step};

/// The recording that was read from last, and where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    number: Number,
    first_sector: u32,
    size_bytes: u32,
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Store<C, F> {
    /// All that the ledger knows of a recording.
    pub async fn entry(&mut self, number: Number) -> Result<Entry, StorageError<C::Error, F::Error>> {
        Ok(self.media.ledger.entry(&mut self.media.flash, number).await?)
    }

    /// What there is to offer of this claim; `None` is nothing.
    pub fn survey(&self, claim: u32) -> Option<Survey> {
        self.offered(claim).fold(None, |survey, row| {
            let (files, bytes) = survey.map_or((0, 0), |survey: Survey| (survey.files, survey.bytes));
            Some(Survey {
                files: files + 1,
                bytes: bytes + u64::from(row.size_bytes),
                last: row.number,
            })
        })
    }

    /// The oldest to offer of this claim, after this one and not after the last.
    pub async fn candidate(
        &mut self,
        claim: u32,
        after: Option<Number>,
        last: Number,
    ) -> Result<Option<Candidate>, StorageError<C::Error, F::Error>> {
        let next = self
            .offered(claim)
            .map(|row| row.number)
            .find(|number| Some(*number) > after && *number <= last);
        match next {
            Some(number) => Ok(Candidate::of(&self.entry(number).await?)),
            None => Ok(None),
        }
    }

    fn offered(&self, claim: u32) -> impl Iterator<Item = &Row> {
        let rows = self.media.ledger.rows_of(claim).iter();
        rows.filter(|row| row.is_here() && Candidate::may_be(row.state))
    }

    /// Takes a step in the ledger; when this returns, it is in the flash.
    pub async fn advance(
        &mut self,
        number: Number,
        step: Step<'_>,
    ) -> Result<Entry, StorageError<C::Error, F::Error>> {
        Ok(self
            .media
            .ledger
            .advance(&mut self.media.flash, number, step)
            .await?)
    }

    /// Fills `into` with the recording's bytes from `offset` on; [`StorageError::NotHere`] beyond its end, while it is open, and on another card.
    pub async fn read(
        &mut self,
        number: Number,
        offset: u32,
        into: &mut [u8],
    ) -> Result<(), StorageError<C::Error, F::Error>> {
        let reading = self.reading(number).await?;
        let end = u64::from(offset) + into.len() as u64;
        if end > u64::from(reading.size_bytes) {
            return Err(StorageError::NotHere(number));
        }
        let (mut at, mut left) = (offset as usize, into);
        while !left.is_empty() {
            let sector = reading.first_sector + (at / SECTOR_BYTES) as u32;
            let within = at % SECTOR_BYTES;
            let whole = left.len() - left.len() % SECTOR_BYTES;
            let taken = if within == 0 && whole > 0 {
                self.media
                    .card
                    .read(sector, &mut left[..whole])
                    .await
                    .map_err(fat::Error::Card)?;
                whole
            } else {
                let mut one = [0; SECTOR_BYTES];
                self.media
                    .card
                    .read(sector, &mut one)
                    .await
                    .map_err(fat::Error::Card)?;
                let count = left.len().min(SECTOR_BYTES - within);
                left[..count].copy_from_slice(&one[within..within + count]);
                count
            };
            at += taken;
            left = &mut left[taken..];
        }
        Ok(())
    }

    async fn reading(&mut self, number: Number) -> Result<Reading, StorageError<C::Error, F::Error>> {
        if let Some(reading) = self.reading.filter(|reading| reading.number == number) {
            return Ok(reading);
        }
        let mounted = self.slot.get()?;
        if !self.media.ledger.row(number).is_some_and(Row::is_here) {
            return Err(StorageError::NotHere(number));
        }
        let entry = self.media.ledger.entry(&mut self.media.flash, number).await?;
        let here = mounted
            .volume
            .sectors_of(entry.extent)
            .filter(|_| entry.state != State::Open);
        let (first_sector, _) = here.ok_or(StorageError::NotHere(number))?;
        let reading = Reading {
            number,
            first_sector,
            size_bytes: entry.size_bytes,
        };
        self.reading = Some(reading);
        Ok(reading)
    }
}
