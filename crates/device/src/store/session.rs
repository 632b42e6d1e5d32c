//! Recording: from a number to a sealed file.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::changes::{Media, Mounted};
use super::error::StorageError;
use super::{Extents, Store};
use crate::block::{BlockDevice, SECTOR_BYTES};
use crate::fat::{self, Edit, Listed, Stamp};
use crate::outbox::{DirSlot, Entry, Extent, Kind, LedgerError, Number, Opening, Row, Step};
use crate::recorder::{About, Close, Samples};
use wire::recording::RecordingId;

/// What a recording is to begin with.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    pub about: About<'a>,
    /// The owner it is for.
    pub claim: u32,
    /// The date, as far as it is known, for people with a card reader.
    pub stamp: Stamp,
    pub tick_ms: u32,
}

/// Which recording is being made.
#[derive(Debug)]
pub(super) struct Active {
    entry: Entry,
    first_sector: u32,
}

/// What became of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pumped {
    /// Nothing is being recorded.
    Idle,
    Recording,
    /// Its extent is full: call [`Store::rotate`].
    Full,
}

/// A full extent was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated<C, F> {
    pub ended: Number,
    /// The recording that goes on, or why none does. Where there was no room, the end of the one before says so.
    pub next: Result<Number, StorageError<C, F>>,
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Store<C, F> {
    /// Begins a recording. When this returns, its rows may be pumped.
    pub async fn start(&mut self, start: &Start<'_>) -> Result<Number, StorageError<C::Error, F::Error>> {
        if self.active.is_some() {
            return Err(StorageError::Recording);
        }
        let place = self.place(self.extents).await?;
        self.begin(start, place).await
    }

    /// Goes on in another recording when this one is [`Pumped::Full`]. Samples that wait stay for it, and none is missing at the seam. Room is looked
    /// for before anything is written; without it, the recording ends with what waits, a `LOSS` row and [`Close::StorageFull`]. `None`
    /// where nothing is being recorded; after an error it may be called again.
    pub async fn rotate(
        &mut self,
        next: &Start<'_>,
        samples: &mut Samples,
    ) -> Result<Option<Rotated<C::Error, F::Error>>, StorageError<C::Error, F::Error>> {
        let place = match self.place(self.extents).await {
            Err(error) if !error.is_full() => return Err(error),
            place => place,
        };
        let reason = if place.is_ok() {
            Close::Rotate
        } else {
            Close::StorageFull
        };
        let Some(ended) = self.stop(reason, samples, next.stamp, next.tick_ms).await? else {
            return Ok(None);
        };
        let next = match place {
            Ok(place) => self.begin(next, place).await,
            Err(full) => Err(full),
        };
        Ok(Some(Rotated { ended, next }))
    }

    /// Moves samples into blocks and whole blocks onto the card. A block that the card did not take is written again by the next call.
    pub async fn pump(
        &mut self,
        samples: &mut Samples,
        tick_ms: u32,
    ) -> Result<Pumped, StorageError<C::Error, F::Error>> {
        let Some(active) = &self.active else {
            return Ok(Pumped::Idle);
        };
        self.media.pump(active, samples, tick_ms).await?;
        Ok(if self.media.recording.is_full() {
            Pumped::Full
        } else {
            Pumped::Recording
        })
    }

    /// Ends the recording: its last rows, its length, its digest. `None` where there was none.
    pub async fn stop(
        &mut self,
        reason: Close,
        samples: &mut Samples,
        stamp: Stamp,
        tick_ms: u32,
    ) -> Result<Option<Number>, StorageError<C::Error, F::Error>> {
        let Some(active) = &self.active else {
            return Ok(None);
        };
        self.media.recording.close(reason);
        self.media.pump(active, samples, tick_ms).await?;
        let Some((sectors, digest)) = self.media.recording.is_closed() else {
            return Ok(None);
        };
        let entry = active.entry;
        let mounted = self.slot.get_mut()?;
        let size_bytes = sectors * SECTOR_BYTES as u32;
        let sealed = self.media.seal(mounted, &entry, size_bytes, stamp).await;
        self.settle(sealed)?;
        self.active = None;
        let step = Step::Digest(digest.finish());
        let digested = self
            .media
            .ledger
            .advance(&mut self.media.flash, entry.number, step)
            .await;
        self.settle(digested.map_err(StorageError::from))?;
        Ok(Some(entry.number))
    }
}

/// What is known of a file before its first byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct New {
    pub(super) kind: Kind,
    pub(super) id: RecordingId,
    pub(super) claim: u32,
    pub(super) stamp: Stamp,
}

/// Room for a recording: clusters and a place in the folder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    extent: Extent,
    slot: DirSlot,
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Store<C, F> {
    /// Looks for room, and writes nothing.
    pub(super) async fn place(
        &mut self,
        extents: Extents,
    ) -> Result<Place, StorageError<C::Error, F::Error>> {
        let Mounted { volume, folder } = self.slot.get_mut()?;
        let rows = self.media.ledger.rows();
        if !self.media.ledger.has_room() {
            return Err(StorageError::Ledger(LedgerError::Full));
        }
        let last = rows.iter().rev().find_map(Row::slot);
        let after = DirSlot(last.map_or(0, |slot| slot.0.saturating_add(1)));
        let clusters = volume.geometry().clusters_for(extents.bytes);
        let least = volume.geometry().clusters_for(extents.bytes_min);
        let card = &mut self.media.card;
        let extent = volume
            .find_run(card, clusters, self.next_cluster)
            .await?
            .filter(|extent| extent.clusters >= least)
            .ok_or(StorageError::Full)?;
        let slot = volume.free_slot(card, folder, after).await?;
        let slot = slot.ok_or(StorageError::Full)?;
        Ok(Place { extent, slot })
    }

    async fn begin(
        &mut self,
        start: &Start<'_>,
        place: Place,
    ) -> Result<Number, StorageError<C::Error, F::Error>> {
        let mounted = self.slot.get_mut()?;
        let new = New {
            kind: Kind::Session,
            id: start.about.id,
            claim: start.claim,
            stamp: start.stamp,
        };
        let entered = self.media.enter(mounted, &new, place, self.on_card).await;
        let begun = entered.and_then(|entry| {
            let run = mounted.volume.sectors_of(entry.extent);
            let (first_sector, sectors) = run.ok_or(StorageError::NotHere(entry.number))?;
            self.media.recording.begin(&start.about, sectors, start.tick_ms)?;
            Ok(Active { entry, first_sector })
        });
        let active = self.settle(begun)?;
        let number = active.entry.number;
        self.next_cluster = active.entry.extent.end();
        self.active = Some(active);
        Ok(number)
    }
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Media<C, F> {
    /// A number for a run of clusters, and its name.
    pub(super) async fn enter(
        &mut self,
        mounted: &mut Mounted,
        new: &New,
        Place { extent, slot }: Place,
        on_card: Option<Number>,
    ) -> Result<Entry, StorageError<C::Error, F::Error>> {
        self.ledger.make_room(&mut self.flash).await?;
        let number = self.ledger.next_number(&mut self.flash, on_card).await?;
        let opening = Opening {
            kind: new.kind,
            id: new.id,
            card: mounted.volume.geometry().serial,
            extent,
            slot,
            claim: new.claim,
        };
        let entry = self.ledger.open(&mut self.flash, number, &opening).await?;
        let file = Listed {
            kind: entry.kind,
            number: entry.number,
            first_cluster: extent.first,
            bytes: mounted.volume.full_length(extent),
        };
        let edit = Edit::Create(file, new.stamp);
        self.create(mounted, extent, slot, edit).await?;
        Ok(entry)
    }

    async fn pump(
        &mut self,
        active: &Active,
        samples: &mut Samples,
        tick_ms: u32,
    ) -> Result<(), StorageError<C::Error, F::Error>> {
        loop {
            self.recording.take(samples, tick_ms)?;
            let Some((ready, bytes)) = self.recording.ready() else {
                return Ok(());
            };
            self.card
                .write(active.first_sector + ready.first_sector, bytes)
                .await
                .map_err(fat::Error::Card)?;
            self.recording.written();
        }
    }
}
