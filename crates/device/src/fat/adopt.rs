//! A folder of our name that is there already: ours, or one that a computer made when somebody copied a card.
//!
//! Of a computer's we use the clusters that follow each other. Behind its end mark nobody would see our files, so what stands
//! there is marked as deleted, from the back; the end mark itself goes last, by an intent.

use super::bytes::Sector;
use super::files::{FOLDER_SECTORS, Folder};
use super::folder::{FolderStep, Found};
use super::names::{ENTRY_BYTES, NO_MORE, all_deleted};
use super::sector::SectorChangeBytes;
use super::{Error, Volume};
use crate::block::{BlockDevice, SECTOR_BYTES};

/// With fewer slots a device would soon be full; such a folder is somebody's with clusters of 2 KiB and less.
const SLOTS_MIN: u16 = 30;

impl Volume {
    /// Plans what is left to do with a folder that was found.
    pub(super) async fn plan_found<B: BlockDevice>(
        &mut self,
        card: &mut B,
        found: Found,
        change: &mut SectorChangeBytes,
    ) -> Result<FolderStep, Error<B::Error>> {
        if !found.is_folder || !self.geometry.holds(found.first) {
            return Err(Error::FolderInTheWay);
        }
        let (folder, next) = self.measure(card, found.first).await?;
        if folder.slots() < SLOTS_MIN {
            return Err(Error::FolderInTheWay);
        }
        let mut end = None;
        for sector in 0..folder.sectors {
            self.load(card, folder.first_sector + sector).await?;
            if let Some(index) = end_mark(&self.scratch) {
                end = Some((sector, index));
                break;
            }
        }
        let Some((sector, index)) = end else {
            return Ok(FolderStep::Ready(folder));
        };
        // Behind what we use the directory may go on: there it has to end again.
        if let Some(next) = next {
            card.write(next, &[0; SECTOR_BYTES]).await.map_err(Error::Card)?;
        }
        for behind in (sector + 1..folder.sectors).rev() {
            let lba = folder.first_sector + behind;
            card.write(lba, &all_deleted()).await.map_err(Error::Card)?;
        }
        let lba = folder.first_sector + sector;
        self.load(card, lba).await?;
        let at = index * ENTRY_BYTES;
        self.begin_change(lba, change)[at..].copy_from_slice(&all_deleted()[at..]);
        Ok(FolderStep::Entry)
    }

    /// How much of a folder lies in one piece, and the sector in which its chain goes on after that.
    async fn measure<B: BlockDevice>(
        &mut self,
        card: &mut B,
        first: u32,
    ) -> Result<(Folder, Option<u32>), Error<B::Error>> {
        let mut last = first;
        let mut sectors = self.geometry.cluster_sectors;
        let mut next = self.next(card, last).await?;
        while sectors < FOLDER_SECTORS && next == Some(last + 1) {
            last += 1;
            sectors += self.geometry.cluster_sectors;
            next = self.next(card, last).await?;
        }
        let first_sector = self.geometry.sector_of(first);
        let next_sector = if sectors > FOLDER_SECTORS {
            Some(first_sector + FOLDER_SECTORS)
        } else {
            next.map(|cluster| self.geometry.sector_of(cluster))
        };
        let folder = Folder {
            first_cluster: first,
            first_sector,
            sectors: sectors.min(FOLDER_SECTORS),
        };
        Ok((folder, next_sector))
    }
}

fn end_mark(sector: &Sector) -> Option<usize> {
    sector
        .chunks_exact(ENTRY_BYTES)
        .position(|entry| entry[0] == NO_MORE)
}
