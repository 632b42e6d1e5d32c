//! A change of a directory: the whole sector as it shall be, because strangers' entries may stand beside ours.

use super::bytes::{Sector, put_u32, u32_at};
use super::{Error, Volume};
use crate::block::{BlockDevice, SECTOR_BYTES};

/// The intent to make one sector of a directory this. It is the bytes that are stored, for there is no room for both.
///
/// ```text
/// 0  serial number of the volume that it is for: another card may be in the slot after a cut
/// 4  sector of the card
/// 8  what it shall be
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectorChange([u8; SectorChange::BYTES]);

impl SectorChange {
    pub const BYTES: usize = 8 + SECTOR_BYTES;

    pub fn new(serial: u32, lba: u32, data: &[u8; SECTOR_BYTES]) -> Self {
        let mut bytes = [0; Self::BYTES];
        put_u32(&mut bytes, 0, serial);
        put_u32(&mut bytes, 4, lba);
        bytes[8..].copy_from_slice(data);
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    pub const fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self(*bytes)
    }

    pub fn serial(&self) -> u32 {
        u32_at(&self.0, 0)
    }

    pub fn lba(&self) -> u32 {
        u32_at(&self.0, 4)
    }

    pub fn data(&self) -> &[u8] {
        &self.0[8..]
    }
}

impl Volume {
    /// Carries out what was planned and stored, or, at boot, an intent that was found; the two are the same here, for all
    /// of the sector is known. Writes nothing where it is right already.
    pub async fn apply_entry<B: BlockDevice>(
        &mut self,
        card: &mut B,
        change: &SectorChange,
    ) -> Result<(), Error<B::Error>> {
        if change.serial() != self.geometry.serial {
            return Err(Error::OtherCard);
        }
        let data_sectors = self.geometry.clusters * self.geometry.cluster_sectors;
        let lba = change.lba();
        let is_data = lba
            .checked_sub(self.geometry.data)
            .is_some_and(|sector| sector < data_sectors);
        if !is_data {
            return Err(Error::Astray);
        }
        self.load(card, lba).await?;
        if self.scratch == *change.data() {
            return Ok(());
        }
        card.write(lba, change.data()).await.map_err(Error::Card)
    }

    pub(super) fn sector_change(&self, lba: u32, data: &Sector) -> SectorChange {
        SectorChange::new(self.geometry.serial, lba, data)
    }
}
