//! From a card to a volume: partition table or none, boot sector, free count.

use super::bytes::{Sector, put_u32, u32_at};
use super::change::{UNKNOWN, entry_in};
use super::geometry::{Geometry, Refusal, has_signature, is_boot_sector};
use super::{Error, Volume};
use crate::block::{BlockDevice, SECTOR_BYTES};

/// Partition types of an MBR that matter here.
const EMPTY: u8 = 0;
const GPT_PROTECTIVE: u8 = 0xEE;
/// Cleared in entry 1 of the table by a system that has the volume mounted for writing.
const CLEAN_SHUTDOWN: u32 = 1 << 27;

impl Volume {
    /// Of no card yet: nothing lies on it.
    pub const fn none() -> Self {
        Self {
            geometry: Geometry::NONE,
            free: None,
            scratch: [0; SECTOR_BYTES],
        }
    }

    /// Finds the volume of a card. Intents that were not finished come next, before anything else is done with it.
    pub async fn open<B: BlockDevice>(&mut self, card: &mut B) -> Result<(), Error<B::Error>> {
        self.free = None;
        self.geometry = find(card, &mut self.scratch).await?;
        self.load(card, self.geometry.table).await?;
        let is_clean = entry_in(&self.scratch, 1) & CLEAN_SHUTDOWN != 0;
        if is_clean && !self.geometry.is_dirty {
            self.free = self.read_info(card).await?;
        }
        Ok(())
    }

    /// Both at once, where memory is no matter.
    pub async fn mount<B: BlockDevice>(card: &mut B) -> Result<Self, Error<B::Error>> {
        let mut volume = Self::none();
        volume.open(card).await?;
        Ok(volume)
    }

    /// The free count as the card has it.
    pub(super) async fn read_info<B: BlockDevice>(
        &mut self,
        card: &mut B,
    ) -> Result<Option<u32>, Error<B::Error>> {
        let Some(info) = self.geometry.info else {
            return Ok(None);
        };
        self.load(card, info).await?;
        let is_info = info_marks(&self.scratch) == INFO_MARKS;
        let free = u32_at(&self.scratch, 488);
        Ok((is_info && free <= self.geometry.clusters).then_some(free))
    }

    /// Says on the card how much is free and where to look next. The whole sector is known, so a torn one heals.
    pub(super) async fn write_info<B: BlockDevice>(
        &mut self,
        card: &mut B,
        next: u32,
    ) -> Result<(), Error<B::Error>> {
        let Some(info) = self.geometry.info else {
            return Ok(());
        };
        self.scratch = info_sector(self.free, next);
        self.store(card, info).await
    }
}

async fn find<B: BlockDevice>(card: &mut B, sector: &mut Sector) -> Result<Geometry, Error<B::Error>> {
    let card_sectors = card.sectors();
    card.read(0, sector).await.map_err(Error::Card)?;
    if is_boot_sector(sector) {
        return Geometry::parse(sector, 0, card_sectors).map_err(Error::Refused);
    }
    if !has_signature(sector) {
        return Err(Error::Refused(Refusal::NoFileSystem));
    }
    let mut refusal = Refusal::NoFileSystem;
    for (kind, start) in partitions(sector) {
        if kind == GPT_PROTECTIVE {
            refusal = Refusal::Gpt;
        }
        if kind == EMPTY || kind == GPT_PROTECTIVE || start >= card_sectors {
            continue;
        }
        card.read(start, sector).await.map_err(Error::Card)?;
        match Geometry::parse(sector, start, card_sectors) {
            Ok(geometry) => return Ok(geometry),
            Err(reason) if refusal == Refusal::NoFileSystem => refusal = reason,
            Err(_) => {}
        }
    }
    Err(Error::Refused(refusal))
}

/// Type and first sector of the four primary partitions.
fn partitions(mbr: &Sector) -> [(u8, u32); 4] {
    [446, 462, 478, 494].map(|at| (mbr[at + 4], u32_at(mbr, at + 8)))
}

const INFO_MARKS: [u32; 3] = [0x4161_5252, 0x6141_7272, 0xAA55_0000];

fn info_marks(sector: &Sector) -> [u32; 3] {
    [0, 484, 508].map(|at| u32_at(sector, at))
}

pub(super) fn info_sector(free: Option<u32>, next: u32) -> Sector {
    let mut sector = [0; SECTOR_BYTES];
    for (at, mark) in [0, 484, 508].into_iter().zip(INFO_MARKS) {
        put_u32(&mut sector, at, mark);
    }
    put_u32(&mut sector, 488, free.unwrap_or(UNKNOWN));
    put_u32(&mut sector, 492, next);
    sector
}
