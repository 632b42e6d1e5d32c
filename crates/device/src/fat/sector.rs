//! A change of a directory: the whole sector as it shall be, because strangers' entries may stand beside ours.

use super::bytes::{Sector, put_u32, u32_at};
use super::{Error, Volume};
use crate::block::{BlockDevice, SECTOR_BYTES};

/// The intent to make one sector of a directory this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectorChange {
    /// The volume that it is for: another card may be in the slot after a cut.
    pub serial: u32,
    pub lba: u32,
    pub data: [u8; SECTOR_BYTES],
}

impl SectorChange {
    pub const BYTES: usize = 8 + SECTOR_BYTES;

    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        put_u32(&mut bytes, 0, self.serial);
        put_u32(&mut bytes, 4, self.lba);
        bytes[8..].copy_from_slice(&self.data);
        bytes
    }

    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let mut data = [0; SECTOR_BYTES];
        data.copy_from_slice(&bytes[8..]);
        Self {
            serial: u32_at(bytes, 0),
            lba: u32_at(bytes, 4),
            data,
        }
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
        if change.serial != self.geometry.serial {
            return Err(Error::OtherCard);
        }
        let data_sectors = self.geometry.clusters * self.geometry.cluster_sectors;
        let is_data = change
            .lba
            .checked_sub(self.geometry.data)
            .is_some_and(|sector| sector < data_sectors);
        if !is_data {
            return Err(Error::Astray);
        }
        self.load(card, change.lba).await?;
        if self.scratch == change.data {
            return Ok(());
        }
        card.write(change.lba, &change.data).await.map_err(Error::Card)
    }

    pub(super) fn sector_change(&self, lba: u32, data: Sector) -> SectorChange {
        SectorChange {
            serial: self.geometry.serial,
            lba,
            data,
        }
    }
}
