//! Making `/FIELDPOST`, once for each card, in a top folder that may be long and full of strangers' files.
//!
//! ```text
//! no two free entries in one sector, no more sectors ─► Extend: one cluster more for the top folder
//! one free entry at the end of a sector ──────────────► Entry: give it up
//! room ───────────────────────────────────────────────► Create: link a prepared run, then name it
//! named, but made by a computer ──────────────────────► Entry: take away its end mark
//! named ──────────────────────────────────────────────► Ready
//! ```
//!
//! Each step is carried out and the next one planned until it is `Ready`; a cut in between is just another beginning. A card that forgets
//! what was written to it is never ready: give up after [`FOLDER_STEPS_MAX`].

use core::ops::ControlFlow;

use super::bytes::Sector;
use super::change::FatChange;
use super::files::{FOLDER_SECTORS, Folder};
use super::geometry::FIRST_CLUSTER;
use super::names::{
    Alias, DELETED, ENTRY_BYTES, LongName, NO_MORE, Sort, Stamp, all_deleted, first_cluster, is_folder,
    is_free, long, short,
};
use super::sector::{SectorChange, SectorChangeBytes};
use super::{Error, Volume};
use crate::block::{BlockDevice, SECTOR_BYTES};
use crate::outbox::Extent;

/// Extend, give up an entry, create, ready.
pub const FOLDER_STEPS_MAX: usize = 4;

const NAME: &str = "FIELDPOST";
const ALIAS: Alias = *b"FIELDP~1   ";
/// Where the alias has the digit that makes it unique.
const ALIAS_DIGIT: usize = 7;
const ENTRIES: usize = SECTOR_BYTES / ENTRY_BYTES;

/// What is to be done next for the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderStep {
    Ready(Folder),
    Extend(FatChange),
    /// The [`super::SectorChange`] that was planned.
    Entry,
    /// Both intents are stored before the first is carried out: this run, then the [`super::SectorChange`] that names it.
    Create(FatChange),
}

impl Volume {
    /// Plans the next step towards a folder. It writes to sectors that nobody can see yet.
    pub async fn plan_folder<B: BlockDevice>(
        &mut self,
        card: &mut B,
        stamp: Stamp,
        change: &mut SectorChangeBytes,
    ) -> Result<FolderStep, Error<B::Error>> {
        let mut scan = Scan::default();
        let see = |lba, sector: &Sector| scan.see(lba, sector);
        let last_cluster = self.walk(card, self.geometry.root, see).await?;
        if let Some(found) = scan.found {
            return self.plan_found(card, found, change).await;
        }
        match scan.room() {
            Room::At { lba, index } => {
                self.clear_after_end(card, &scan).await?;
                self.plan_creation(card, (lba, index), &scan, stamp, change).await
            }
            Room::GiveUp { lba } => {
                self.clear_after_end(card, &scan).await?;
                self.load(card, lba).await?;
                self.begin_change(lba, change)[SECTOR_BYTES - ENTRY_BYTES] = DELETED;
                Ok(FolderStep::Entry)
            }
            Room::None => {
                let run = self.find_run(card, 1, last_cluster).await?.ok_or(Error::Full)?;
                self.fill(card, run, &[0; SECTOR_BYTES]).await?;
                let change = self.plan_from(card, run, [0, 1], last_cluster).await?;
                Ok(FolderStep::Extend(change))
            }
        }
    }

    /// What stands behind the end of a directory may be anything. Where the end moves into the next sector, that one is cleared
    /// before.
    async fn clear_after_end<B: BlockDevice>(
        &self,
        card: &mut B,
        scan: &Scan,
    ) -> Result<(), Error<B::Error>> {
        let is_next_seen = scan.end.is_some_and(|(_, index)| index + 2 >= ENTRIES);
        match scan.stale_after_end {
            Some(lba) if is_next_seen => card.write(lba, &[0; SECTOR_BYTES]).await.map_err(Error::Card),
            Some(_) | None => Ok(()),
        }
    }

    async fn plan_creation<B: BlockDevice>(
        &mut self,
        card: &mut B,
        (lba, index): (u32, usize),
        scan: &Scan,
        stamp: Stamp,
        change: &mut SectorChangeBytes,
    ) -> Result<FolderStep, Error<B::Error>> {
        let clusters = FOLDER_SECTORS.div_ceil(self.geometry.cluster_sectors);
        let run = self.find_run(card, clusters, FIRST_CLUSTER).await?;
        let run = run.filter(|run| run.clusters >= clusters).ok_or(Error::Full)?;
        // Where the change will be there is a sector's memory until then.
        let (_, sector) = change.split_at_mut(SectorChange::BYTES - SECTOR_BYTES);
        sector.copy_from_slice(&all_deleted());
        self.fill(card, run, sector).await?;
        // A folder in the top one has 0 for its parent.
        let itself = short(b".          ", Sort::Folder, run.first, stamp);
        let parent = short(b"..         ", Sort::Folder, 0, stamp);
        sector[..ENTRY_BYTES].copy_from_slice(&itself);
        sector[ENTRY_BYTES..2 * ENTRY_BYTES].copy_from_slice(&parent);
        let first = self.geometry.sector_of(run.first);
        card.write(first, sector).await.map_err(Error::Card)?;
        let run = self.plan(card, run, 0, run.clusters).await?;

        self.load(card, lba).await?;
        let data = self.begin_change(lba, change);
        let at = index * ENTRY_BYTES;
        // Nor may what stands behind the end in this sector come to light.
        let ends_here = data[at] == NO_MORE;
        let alias = scan.alias().ok_or(Error::FolderInTheWay)?;
        data[at..at + ENTRY_BYTES].copy_from_slice(&long(NAME, 0, &alias));
        let entry = short(&alias, Sort::Folder, run.extent.first, stamp);
        data[at + ENTRY_BYTES..at + 2 * ENTRY_BYTES].copy_from_slice(&entry);
        if ends_here {
            data[at + 2 * ENTRY_BYTES..].fill(0);
        }
        Ok(FolderStep::Create(run))
    }

    /// Writes the same sector to all of a free run.
    async fn fill<B: BlockDevice>(
        &mut self,
        card: &mut B,
        run: Extent,
        sector: &[u8],
    ) -> Result<(), Error<B::Error>> {
        let (first, sectors) = self.sectors_of(run).ok_or(Error::Astray)?;
        for lba in first..first + sectors {
            card.write(lba, sector).await.map_err(Error::Card)?;
        }
        Ok(())
    }
}

/// An entry of the top folder that has our name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) first: u32,
    pub(super) is_folder: bool,
}

/// Where two entries fit.
enum Room {
    At {
        lba: u32,
        index: usize,
    },
    /// The end mark is in a sector's last entry: it has to become a deleted one for the next sector to be seen.
    GiveUp {
        lba: u32,
    },
    None,
}

/// What was seen of the top folder.
#[derive(Debug, Default)]
struct Scan {
    name: LongName,
    found: Option<Found>,
    /// The first two neighbours in a sector that are both deleted.
    gap: Option<(u32, usize)>,
    /// The entry that ends the directory, and whether a sector comes after it.
    end: Option<(u32, usize)>,
    has_more: bool,
    /// The sector after the one with the end, where it is not clear.
    stale_after_end: Option<u32>,
    /// Bit n: the alias with digit n is taken.
    digits: u16,
}

impl Scan {
    fn see(&mut self, lba: u32, sector: &Sector) -> ControlFlow<()> {
        if self.end.is_some() {
            self.has_more = true;
            let is_clear = sector.iter().all(|byte| *byte == 0);
            self.stale_after_end = (!is_clear).then_some(lba);
            return ControlFlow::Break(());
        }
        let mut is_free_before = false;
        for (index, entry) in sector.chunks_exact(ENTRY_BYTES).enumerate() {
            if entry[0] == NO_MORE {
                self.end = Some((lba, index));
                return ControlFlow::Continue(());
            }
            let is_free = is_free(entry);
            if is_free && is_free_before {
                self.gap.get_or_insert((lba, index - 1));
            }
            is_free_before = is_free;
            self.note(entry);
            if self.found.is_some() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn note(&mut self, entry: &[u8]) {
        let is_ours = self
            .name
            .take(entry)
            .is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        if is_ours {
            self.found = Some(Found {
                first: first_cluster(entry),
                is_folder: is_folder(entry),
            });
        }
        let digit = entry[ALIAS_DIGIT];
        if entry[..ALIAS_DIGIT] == ALIAS[..ALIAS_DIGIT] && digit.is_ascii_digit() {
            self.digits |= 1 << (digit - b'0');
        }
    }

    fn room(&self) -> Room {
        match (self.gap, self.end) {
            (Some((lba, index)), _) => Room::At { lba, index },
            (None, Some((lba, index))) if index + 1 < ENTRIES => Room::At { lba, index },
            (None, Some((lba, _))) if self.has_more => Room::GiveUp { lba },
            (None, _) => Room::None,
        }
    }

    fn alias(&self) -> Option<Alias> {
        let digit = (b'1'..=b'9').find(|digit| self.digits & (1 << (digit - b'0')) == 0)?;
        let mut alias = ALIAS;
        alias[ALIAS_DIGIT] = digit;
        Some(alias)
    }
}
