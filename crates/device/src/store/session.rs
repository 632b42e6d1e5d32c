//! Recording: from a number to a sealed file.

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::changes::{Media, Mounted};
use super::error::StorageError;
use super::{Extents, Store};
use crate::block::{BlockDevice, SECTOR_BYTES};
use crate::fat::{self, Edit, Listed, Stamp};
use crate::outbox::{DirSlot, Entry, Kind, Number, Opening, Step};
use crate::recorder::{About, Close, Recording, Samples};

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

/// The recording that is being made.
#[derive(Debug)]
pub(super) struct Active {
    entry: Entry,
    first_sector: u32,
    recording: Recording,
}

/// What became of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pumped {
    /// Nothing is being recorded.
    Idle,
    Recording,
    /// Its extent is full: call [`Store::stop`] with [`Close::Rotate`], and [`Store::start`] the next.
    Full,
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Store<C, F> {
    /// Begins a recording. When this returns, its rows may be pumped.
    pub async fn start(&mut self, start: &Start<'_>) -> Result<Number, StorageError<C::Error, F::Error>> {
        if self.active.is_some() {
            return Err(StorageError::Recording);
        }
        let mounted = self.mounted.as_mut().map_err(|_| StorageError::NoCard)?;
        let places = Places {
            extents: self.extents,
            next_cluster: self.next_cluster,
            on_card: self.on_card,
        };
        let active = self.media.begin(mounted, start, places).await?;
        let number = active.entry.number;
        self.next_cluster = active.entry.extent.end();
        self.active = Some(active);
        Ok(number)
    }

    /// Moves samples into blocks and whole blocks onto the card. A block that the card did not take is written again by the next call.
    pub async fn pump(
        &mut self,
        samples: &mut Samples,
        tick_ms: u32,
    ) -> Result<Pumped, StorageError<C::Error, F::Error>> {
        let Some(active) = &mut self.active else {
            return Ok(Pumped::Idle);
        };
        active.pump(&mut self.media.card, samples, tick_ms).await?;
        Ok(if active.recording.is_full() {
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
        let Some(active) = &mut self.active else {
            return Ok(None);
        };
        active.recording.close(reason);
        active.pump(&mut self.media.card, samples, tick_ms).await?;
        let Some((sectors, digest)) = active.recording.is_closed() else {
            return Ok(None);
        };
        let entry = active.entry;
        let mounted = self.mounted.as_mut().map_err(|_| StorageError::NoCard)?;
        let size_bytes = sectors * SECTOR_BYTES as u32;
        self.media.seal(mounted, &entry, size_bytes, stamp).await?;
        self.active = None;
        let step = Step::Digest(digest.finish());
        self.media
            .ledger
            .advance(&mut self.media.flash, entry.number, step)
            .await?;
        Ok(Some(entry.number))
    }
}

/// Where to look for room, and the highest number on the card.
#[derive(Debug, Clone, Copy)]
struct Places {
    extents: Extents,
    next_cluster: u32,
    on_card: Option<Number>,
}

impl<C: BlockDevice, F: MultiwriteNorFlash> Media<C, F> {
    async fn begin(
        &mut self,
        mounted: &mut Mounted,
        start: &Start<'_>,
        places: Places,
    ) -> Result<Active, StorageError<C::Error, F::Error>> {
        let clusters = mounted.volume.geometry().clusters_for(places.extents.bytes);
        let least = mounted.volume.geometry().clusters_for(places.extents.bytes_min);
        let extent = mounted
            .volume
            .find_run(&mut self.card, clusters, places.next_cluster)
            .await?
            .filter(|extent| extent.clusters >= least)
            .ok_or(StorageError::Full)?;
        let after = DirSlot(
            self.ledger
                .rows()
                .last()
                .map_or(0, |row| row.slot.0.saturating_add(1)),
        );
        let slot = mounted
            .volume
            .free_slot(&mut self.card, &mounted.folder, after)
            .await?
            .ok_or(StorageError::Full)?;
        let number = self.ledger.next_number(&mut self.flash, places.on_card).await?;
        let opening = Opening {
            kind: Kind::Session,
            id: start.about.id,
            extent,
            slot,
            claim: start.claim,
        };
        let entry = self.ledger.open(&mut self.flash, number, &opening).await?;
        let file = Listed {
            kind: entry.kind,
            number: entry.number,
            first_cluster: extent.first,
            bytes: mounted.volume.full_length(extent),
        };
        let edit = Edit::Create(file, start.stamp);
        self.create(mounted, extent, slot, edit).await?;
        let (first_sector, sectors) = mounted
            .volume
            .sectors_of(extent)
            .ok_or(StorageError::NotHere(entry.number))?;
        Ok(Active {
            entry,
            first_sector,
            recording: Recording::open(&start.about, sectors, start.tick_ms)?,
        })
    }
}

impl Active {
    async fn pump<C: BlockDevice, E>(
        &mut self,
        card: &mut C,
        samples: &mut Samples,
        tick_ms: u32,
    ) -> Result<(), StorageError<C::Error, E>> {
        loop {
            self.recording.take(samples, tick_ms)?;
            let Some((ready, bytes)) = self.recording.ready() else {
                return Ok(());
            };
            card.write(self.first_sector + ready.first_sector, bytes)
                .await
                .map_err(fat::Error::Card)?;
            self.recording.written();
        }
    }
}
