//! Recordings in their folder: five a sector, each in three entries that no sector's end divides.
//!
//! ```text
//! sector 0     .  ..  free for what computers put into folders
//! sector 1…    [long long short] × 5, one entry kept deleted
//! ```
//!
//! Every free entry is marked as deleted, none as the end, so a file may stand in any slot.

use core::ops::ControlFlow;

use super::bytes::Sector;
use super::names::{
    self, DELETED, ENTRY_BYTES, LongName, Sort, Stamp, alias_of, first_cluster, is_free, length, long,
    set_length, set_written, short,
};
use super::sector::SectorChangeBytes;
use super::{Error, Volume};
use crate::block::BlockDevice;
use crate::outbox::{DirSlot, Extent, Kind, Number};

/// How many recordings the folder has room for: more than the ledger can hold.
pub const FILES_MAX: u16 = 512;
const FILES_IN_SECTOR: u16 = 5;
const FILE_BYTES: usize = 3 * ENTRY_BYTES;
/// With the first one, which has no slots.
pub(super) const FOLDER_SECTORS: u32 = 1 + (FILES_MAX as u32).div_ceil(FILES_IN_SECTOR as u32);

/// `/FIELDPOST`, as far as its clusters follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folder {
    pub(super) first_cluster: u32,
    pub(super) first_sector: u32,
    pub(super) sectors: u32,
}

impl Folder {
    /// Without a single slot.
    pub const NONE: Self = Self {
        first_cluster: 0,
        first_sector: 0,
        sectors: 0,
    };

    pub fn slots(&self) -> u16 {
        let files = self.sectors.saturating_sub(1) * u32::from(FILES_IN_SECTOR);
        u16::try_from(files).unwrap_or(FILES_MAX).min(FILES_MAX)
    }

    /// The sector of a slot, and where in it the slot begins.
    fn place(&self, slot: DirSlot) -> Option<(u32, usize)> {
        let sector = self.first_sector + 1 + u32::from(slot.0 / FILES_IN_SECTOR);
        let at = usize::from(slot.0 % FILES_IN_SECTOR) * FILE_BYTES;
        (slot.0 < self.slots()).then_some((sector, at))
    }
}

/// A file of ours as the folder has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    pub kind: Kind,
    pub number: Number,
    pub first_cluster: u32,
    pub bytes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Into a slot that is free.
    Create(Listed, Stamp),
    /// Of the file that is in the slot. Without a stamp the dates stay.
    Length {
        file: Listed,
        bytes: u32,
        written: Option<Stamp>,
    },
    Remove(Listed),
}

impl Volume {
    /// What stands in a slot: `None` where it is free, or holds what is no file of ours any more.
    pub async fn lookup<B: BlockDevice>(
        &mut self,
        card: &mut B,
        folder: &Folder,
        slot: DirSlot,
    ) -> Result<Option<Listed>, Error<B::Error>> {
        let (sector, at) = folder.place(slot).ok_or(Error::Astray)?;
        self.load(card, sector).await?;
        Ok(listed(&self.scratch[at..at + FILE_BYTES]))
    }

    /// The next slot from `from` on, round the end, whose entries are free; `None` where none is.
    pub async fn free_slot<B: BlockDevice>(
        &mut self,
        card: &mut B,
        folder: &Folder,
        from: DirSlot,
    ) -> Result<Option<DirSlot>, Error<B::Error>> {
        let slots = folder.slots();
        let from = from.0.min(slots);
        let mut loaded = None;
        for slot in (from..slots).chain(0..from).map(DirSlot) {
            let (sector, at) = folder.place(slot).ok_or(Error::Astray)?;
            if loaded != Some(sector) {
                self.load(card, sector).await?;
                loaded = Some(sector);
            }
            if is_free_slot(&self.scratch[at..at + FILE_BYTES]) {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    /// The highest number in the folder, wherever in it a name of ours stands: numbers are not given twice, though the flash that
    /// counted them may be another one.
    pub async fn highest_number<B: BlockDevice>(
        &mut self,
        card: &mut B,
        folder: &Folder,
    ) -> Result<Option<Number>, Error<B::Error>> {
        let mut highest = None;
        let mut name = LongName::default();
        let see = |_, sector: &Sector| {
            for entry in sector.chunks_exact(ENTRY_BYTES) {
                let number = name.take(entry).and_then(names::parse).map(|(_, number)| number);
                highest = highest.max(number);
            }
            ControlFlow::Continue(())
        };
        self.walk(card, folder.first_cluster, see).await?;
        Ok(highest)
    }

    /// Plans one sector of the folder, as a [`super::SectorChange`]. [`Error::Taken`] where the slot is not as the edit says.
    pub async fn plan_entry<B: BlockDevice>(
        &mut self,
        card: &mut B,
        folder: &Folder,
        slot: DirSlot,
        edit: Edit,
        change: &mut SectorChangeBytes,
    ) -> Result<(), Error<B::Error>> {
        let (lba, at) = folder.place(slot).ok_or(Error::Astray)?;
        self.load(card, lba).await?;
        let entries = &mut self.begin_change(lba, change)[at..at + FILE_BYTES];
        match edit {
            Edit::Create(file, stamp) if is_free_slot(entries) => create(entries, &file, stamp),
            Edit::Length { file, bytes, written } if listed(entries) == Some(file) => {
                let entry = &mut entries[2 * ENTRY_BYTES..];
                set_length(entry, bytes);
                if let Some(stamp) = written {
                    set_written(entry, stamp);
                }
            }
            Edit::Remove(file) if listed(entries) == Some(file) => {
                for entry in entries.chunks_exact_mut(ENTRY_BYTES) {
                    entry[0] = DELETED;
                }
            }
            Edit::Create(..) | Edit::Length { .. } | Edit::Remove(_) => return Err(Error::Taken),
        }
        Ok(())
    }

    /// The length that an open recording's file has: all of its run, so that a computer can read what there is after a cut.
    pub fn full_length(&self, extent: Extent) -> u32 {
        extent.clusters.saturating_mul(self.geometry.cluster_bytes())
    }
}

fn is_free_slot(entries: &[u8]) -> bool {
    entries.chunks_exact(ENTRY_BYTES).all(is_free)
}

fn create(entries: &mut [u8], file: &Listed, stamp: Stamp) {
    let name = file.kind.file_name(file.number);
    let alias = alias_of(file.kind, file.number);
    let mut last = short(&alias, Sort::File, file.first_cluster, stamp);
    set_length(&mut last, file.bytes);
    let three = [long(&name, 1, &alias), long(&name, 0, &alias), last];
    for (entry, new) in entries.chunks_exact_mut(ENTRY_BYTES).zip(three) {
        entry.copy_from_slice(&new);
    }
}

fn listed(entries: &[u8]) -> Option<Listed> {
    let mut name = LongName::default();
    let [first, second, last] = [0, 1, 2].map(|index| &entries[index * ENTRY_BYTES..][..ENTRY_BYTES]);
    // Only the short entry gives a name, so that one that ends earlier in the slot is a stranger's.
    if name.take(first).is_some() || name.take(second).is_some() || names::is_folder(last) {
        return None;
    }
    let (kind, number) = name.take(last).and_then(names::parse)?;
    Some(Listed {
        kind,
        number,
        first_cluster: first_cluster(last),
        bytes: length(last),
    })
}
