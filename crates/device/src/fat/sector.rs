//! A change of a directory: the whole sector as it shall be, because strangers' entries may stand beside ours.

use super::bytes::{put_u32, u32_at};
use super::{Error, Volume};
use crate::block::{BlockDevice, SECTOR_BYTES};

/// The intent to make one sector of a directory this: the bytes that are stored, wherever there is memory for them.
///
/// ```text
/// 0  serial number of the volume that it is for: another card may be in the slot after a cut
/// 4  sector of the card
/// 8  what it shall be
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectorChange<'b>(pub &'b SectorChangeBytes);

pub type SectorChangeBytes = [u8; SectorChange::BYTES];

impl SectorChange<'_> {
    pub const BYTES: usize = 8 + SECTOR_BYTES;

    pub fn serial(&self) -> u32 {
        u32_at(self.0, 0)
    }

    pub fn lba(&self) -> u32 {
        u32_at(self.0, 4)
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
        change: SectorChange<'_>,
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

    /// Begins a change of the sector that was loaded last, and gives its data.
    pub(super) fn begin_change<'b>(&self, lba: u32, into: &'b mut SectorChangeBytes) -> &'b mut [u8] {
        put_u32(into, 0, self.geometry.serial);
        put_u32(into, 4, lba);
        let data = &mut into[8..];
        data.copy_from_slice(&self.scratch);
        data
    }
}
