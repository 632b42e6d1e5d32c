//! Changes of the card's tables and folder, each behind an intent in flash.
//!
//! ```text
//! plan ─► intent in flash ─► sectors on the card ─► intent taken back
//!              └── a cut: boot carries it out again ──┘
//! ```

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::CardTrouble;
use super::error::StorageError;
use crate::block::BlockDevice;
use crate::fat::{self, Edit, FatChange, Folder, FolderStep, SectorChange, SectorChangeBytes, Stamp, Volume};
use crate::flash::{FlashStore, Item};
use crate::outbox::{DirSlot, Extent, Ledger};
use crate::recorder::Recording;

/// The card as it is mounted.
#[derive(Debug)]
pub(super) struct Mounted {
    pub(super) volume: Volume,
    pub(super) folder: Folder,
}

/// Where a card is mounted, and why there is none that can be used.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) mounted: Mounted,
    pub(super) trouble: Option<CardTrouble>,
}

impl Slot {
    pub(super) const fn empty() -> Self {
        let (volume, folder) = (Volume::none(), Folder::NONE);
        Self {
            mounted: Mounted { volume, folder },
            trouble: Some(CardTrouble::Absent),
        }
    }

    pub(super) const fn get<C, F>(&self) -> Result<&Mounted, StorageError<C, F>> {
        match self.trouble {
            None => Ok(&self.mounted),
            Some(_) => Err(StorageError::NoCard),
        }
    }

    pub(super) const fn get_mut<C, F>(&mut self) -> Result<&mut Mounted, StorageError<C, F>> {
        match self.trouble {
            None => Ok(&mut self.mounted),
            Some(_) => Err(StorageError::NoCard),
        }
    }
}

/// Both storages, and the list of what is on them.
#[derive(Debug)]
pub(super) struct Media<C, F> {
    pub(super) card: C,
    pub(super) flash: FlashStore<F>,
    pub(super) ledger: Ledger,
    /// While nothing is recorded, its block is where changes are planned and what was cut is read.
    pub(super) recording: Recording,
}

type Done<C, F> = Result<(), StorageError<C, F>>;

impl<C: BlockDevice, F: MultiwriteNorFlash> Media<C, F> {
    /// Mounts the card, finishes what a cut left, and makes the folder where there is none. The second value says whether an intent
    /// could not be carried out because the card was changed elsewhere; it is dropped then.
    pub(super) async fn mount(
        &mut self,
        Mounted { volume, folder }: &mut Mounted,
        stamp: Stamp,
    ) -> Result<bool, StorageError<C::Error, F::Error>> {
        volume.open(&mut self.card).await?;
        let dropped = self.redo(volume).await?;
        *folder = self.folder(volume, stamp).await?;
        Ok(dropped)
    }

    async fn folder(
        &mut self,
        volume: &mut Volume,
        stamp: Stamp,
    ) -> Result<Folder, StorageError<C::Error, F::Error>> {
        loop {
            let change = planned(&mut self.recording)?;
            match volume.plan_folder(&mut self.card, stamp, change).await? {
                FolderStep::Ready(folder) => return Ok(folder),
                FolderStep::Extend(change) => self.tables(volume, &change).await?,
                FolderStep::Entry => self.entry(volume).await?,
                FolderStep::Create(run) => self.both(volume, &run).await?,
            }
        }
    }

    /// Links a run of clusters and names it.
    pub(super) async fn create(
        &mut self,
        mounted: &mut Mounted,
        extent: Extent,
        slot: DirSlot,
        edit: Edit,
    ) -> Done<C::Error, F::Error> {
        let Mounted { volume, folder } = mounted;
        let run = volume.plan(&mut self.card, extent, 0, extent.clusters).await?;
        let name = planned(&mut self.recording)?;
        volume
            .plan_entry(&mut self.card, folder, slot, edit, name)
            .await?;
        self.both(volume, &run).await
    }

    /// Changes one file's entry in the folder.
    pub(super) async fn edit(
        &mut self,
        mounted: &mut Mounted,
        slot: DirSlot,
        edit: Edit,
    ) -> Done<C::Error, F::Error> {
        let Mounted { volume, folder } = mounted;
        let change = planned(&mut self.recording)?;
        volume
            .plan_entry(&mut self.card, folder, slot, edit, change)
            .await?;
        self.entry(volume).await
    }

    /// Makes the chain of a run as long as said. Nothing is done where it is neither as before nor as after: a computer freed it, and what lies
    /// there may be somebody's.
    pub(super) async fn resize(
        &mut self,
        mounted: &mut Mounted,
        extent: Extent,
        used: u32,
    ) -> Done<C::Error, F::Error> {
        for used_before in [extent.clusters, used] {
            let planned = mounted
                .volume
                .plan(&mut self.card, extent, used_before, used)
                .await;
            match planned {
                Ok(change) => return self.tables(&mut mounted.volume, &change).await,
                Err(fat::Error::Taken | fat::Error::Astray) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn tables(&mut self, volume: &mut Volume, change: &FatChange) -> Done<C::Error, F::Error> {
        self.flash.write(Item::FatIntent, &change.to_bytes()).await?;
        volume.apply(&mut self.card, change).await?;
        Ok(self.flash.remove(Item::FatIntent).await?)
    }

    async fn entry(&mut self, volume: &mut Volume) -> Done<C::Error, F::Error> {
        let change = SectorChange(planned(&mut self.recording)?);
        self.flash.write(Item::DirectoryIntent, change.0).await?;
        volume.apply_entry(&mut self.card, change).await?;
        Ok(self.flash.remove(Item::DirectoryIntent).await?)
    }

    /// Nothing is begun before both intents are stored, the run's first and the name's last; the run's is taken back first. So the
    /// run's alone says that nothing was begun, and the name's alone that the run is done.
    async fn both(&mut self, volume: &mut Volume, run: &FatChange) -> Done<C::Error, F::Error> {
        let name = SectorChange(planned(&mut self.recording)?);
        self.flash.write(Item::FatIntent, &run.to_bytes()).await?;
        self.flash.write(Item::DirectoryIntent, name.0).await?;
        volume.apply(&mut self.card, run).await?;
        volume.apply_entry(&mut self.card, name).await?;
        self.flash.remove(Item::FatIntent).await?;
        Ok(self.flash.remove(Item::DirectoryIntent).await?)
    }
}

/// Where the change of a directory is planned and stays until it is carried out: a recording has no block that is not on the card yet, or none
/// is made.
fn planned<C, F>(recording: &mut Recording) -> Result<&mut SectorChangeBytes, StorageError<C, F>> {
    recording.buffer().first_chunk_mut().ok_or(StorageError::Row)
}
