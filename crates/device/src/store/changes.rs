//! Changes of the card's tables and folder, each behind an intent in flash.
//!
//! ```text
//! plan ─► intent in flash ─► sectors on the card ─► intent taken back
//!              └── a cut: boot carries it out again ──┘
//! ```

use embedded_storage_async::nor_flash::MultiwriteNorFlash;

use super::error::StorageError;
use super::repair::Buffer;
use crate::block::BlockDevice;
use crate::fat::{self, Edit, FatChange, Folder, FolderStep, SectorChange, Stamp, Volume};
use crate::flash::{FlashStore, Item};
use crate::outbox::{DirSlot, Extent, Ledger};

/// The card as it is mounted.
#[derive(Debug)]
pub(super) struct Mounted {
    pub(super) volume: Volume,
    pub(super) folder: Folder,
}

/// Both storages, and the list of what is on them.
#[derive(Debug)]
pub(super) struct Media<C, F> {
    pub(super) card: C,
    pub(super) flash: FlashStore<F>,
    pub(super) ledger: Ledger,
}

type Done<C, F> = Result<(), StorageError<C, F>>;

impl<C: BlockDevice, F: MultiwriteNorFlash> Media<C, F> {
    /// Mounts the card, finishes what a cut left, and makes the folder where there is none. The second value says whether an intent
    /// could not be carried out because the card was changed elsewhere; it is dropped then.
    pub(super) async fn mount(
        &mut self,
        buffer: &mut Buffer,
        stamp: Stamp,
    ) -> Result<(Mounted, bool), StorageError<C::Error, F::Error>> {
        let mut volume = Volume::mount(&mut self.card).await?;
        let dropped = self.redo(&mut volume, buffer).await?;
        let folder = self.folder(&mut volume, stamp).await?;
        Ok((Mounted { volume, folder }, dropped))
    }

    async fn folder(
        &mut self,
        volume: &mut Volume,
        stamp: Stamp,
    ) -> Result<Folder, StorageError<C::Error, F::Error>> {
        loop {
            // Looked at where it lies: it holds a sector.
            let step = volume.plan_folder(&mut self.card, stamp).await?;
            match &step {
                FolderStep::Ready(folder) => return Ok(*folder),
                FolderStep::Extend(change) => self.tables(volume, change).await?,
                FolderStep::Entry(change) => self.entry(volume, change).await?,
                FolderStep::Create { run, name } => self.both(volume, run, name).await?,
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
        let name = volume.plan_entry(&mut self.card, folder, slot, edit).await?;
        self.both(volume, &run, &name).await
    }

    /// Changes one file's entry in the folder.
    pub(super) async fn edit(
        &mut self,
        mounted: &mut Mounted,
        slot: DirSlot,
        edit: Edit,
    ) -> Done<C::Error, F::Error> {
        let Mounted { volume, folder } = mounted;
        let change = volume.plan_entry(&mut self.card, folder, slot, edit).await?;
        self.entry(volume, &change).await
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

    async fn entry(&mut self, volume: &mut Volume, change: &SectorChange) -> Done<C::Error, F::Error> {
        self.flash.write(Item::DirectoryIntent, change.as_bytes()).await?;
        volume.apply_entry(&mut self.card, change).await?;
        Ok(self.flash.remove(Item::DirectoryIntent).await?)
    }

    /// Nothing is begun before both intents are stored, the run's first and the name's last; the run's is taken back first. So the
    /// run's alone says that nothing was begun, and the name's alone that the run is done.
    async fn both(
        &mut self,
        volume: &mut Volume,
        run: &FatChange,
        name: &SectorChange,
    ) -> Done<C::Error, F::Error> {
        self.flash.write(Item::FatIntent, &run.to_bytes()).await?;
        self.flash.write(Item::DirectoryIntent, name.as_bytes()).await?;
        volume.apply(&mut self.card, run).await?;
        volume.apply_entry(&mut self.card, name).await?;
        self.flash.remove(Item::FatIntent).await?;
        Ok(self.flash.remove(Item::DirectoryIntent).await?)
    }
}
