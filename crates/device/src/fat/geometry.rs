//! Where things lie on a volume: read from its boot sector, or refused with words.

use super::bytes::{Sector, u16_at, u32_at};
use crate::block::SECTOR_BYTES;

/// The first cluster that holds data; numbers 0 and 1 stand for the table itself.
pub const FIRST_CLUSTER: u32 = 2;
/// Entries of four bytes in one sector of the table.
pub(super) const ENTRIES: u32 = 128;
/// The largest number of clusters that 28 bits can count, less the reserved ones.
const CLUSTERS_MAX: u32 = 0x0FFF_FFF5;

/// Why a card is not used as it is. The words go to a person, who may format it or take another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the card has no file system that a logger can read: format it here, or as FAT32 on a computer")]
    NoFileSystem,
    #[error("the card is formatted as exFAT: format it here, or as FAT32 on a computer")]
    ExFat,
    #[error("the card is formatted as NTFS: format it here, or as FAT32 on a computer")]
    Ntfs,
    #[error("the card is formatted as FAT12 or FAT16: format it here, or as FAT32 on a computer")]
    SmallFat,
    #[error("the card is partitioned by GPT: format it here, or give it one MBR partition with FAT32")]
    Gpt,
    #[error("the card has one file allocation table, and a power cut could destroy it: format it here")]
    OneFat,
    #[error("the card keeps its file allocation tables apart (mirroring is off): format it here")]
    NoMirror,
    #[error("the card is formatted with sectors of {bytes} bytes, not 512: format it here")]
    SectorSize { bytes: u16 },
    #[error("the card's boot sector contradicts itself: format it here")]
    Inconsistent,
    #[error("the file system is larger than the card: it was copied from another, or the card is a fake")]
    LargerThanCard,
    #[error("the card is too small: take one of 64 MB or more")]
    TooSmall,
}

/// A mounted volume's shape. Sectors count from the beginning of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Drawn when the volume was formatted; tells cards apart.
    pub serial: u32,
    /// The first sector of the first table.
    pub(super) table: u32,
    /// Sectors of each of the two tables.
    pub(super) table_sectors: u32,
    /// The first sector of cluster 2.
    pub(super) data: u32,
    pub(super) clusters: u32,
    pub(super) cluster_sectors: u32,
    pub(super) root: u32,
    /// The sector with the free count, where there is one.
    pub(super) info: Option<u32>,
    /// Its last user did not take leave, so the free count may be wrong.
    pub(super) is_dirty: bool,
}

impl Geometry {
    /// Without a single cluster.
    pub(super) const NONE: Self = Self {
        serial: 0,
        table: 0,
        table_sectors: 0,
        data: 0,
        clusters: 0,
        cluster_sectors: 0,
        root: 0,
        info: None,
        is_dirty: true,
    };

    /// Reads the boot sector of a volume that begins at sector `start` of a card of `card_sectors`.
    pub(super) fn parse(boot: &Sector, start: u32, card_sectors: u32) -> Result<Self, Refusal> {
        refuse_others(boot)?;
        let reserved = u32::from(u16_at(boot, 14));
        let table_sectors = u32_at(boot, 36);
        let sectors = u32_at(boot, 32);
        let cluster_sectors = u32::from(boot[13]);
        let overhead = table_sectors
            .checked_mul(2)
            .and_then(|tables| tables.checked_add(reserved))
            .ok_or(Refusal::Inconsistent)?;
        let data_sectors = sectors.checked_sub(overhead).ok_or(Refusal::Inconsistent)?;
        let clusters = data_sectors / cluster_sectors;
        let root = u32_at(boot, 44);
        let counted = table_sectors.saturating_mul(ENTRIES);
        let is_sound = reserved > 0
            && (1..=CLUSTERS_MAX).contains(&clusters)
            && counted >= clusters + FIRST_CLUSTER
            && (FIRST_CLUSTER..clusters + FIRST_CLUSTER).contains(&root);
        if !is_sound {
            return Err(Refusal::Inconsistent);
        }
        if start.checked_add(sectors).is_none_or(|end| end > card_sectors) {
            return Err(Refusal::LargerThanCard);
        }
        let info = u32::from(u16_at(boot, 48));
        Ok(Self {
            serial: u32_at(boot, 67),
            table: start + reserved,
            table_sectors,
            data: start + overhead,
            clusters,
            cluster_sectors,
            root,
            info: (1..reserved).contains(&info).then_some(start + info),
            is_dirty: boot[65] & 1 != 0,
        })
    }

    /// The first cluster after the last.
    pub(super) fn end(&self) -> u32 {
        self.clusters + FIRST_CLUSTER
    }

    pub(super) fn holds(&self, cluster: u32) -> bool {
        (FIRST_CLUSTER..self.end()).contains(&cluster)
    }

    /// The first sector of a cluster of this volume.
    pub(super) fn sector_of(&self, cluster: u32) -> u32 {
        self.data + (cluster - FIRST_CLUSTER) * self.cluster_sectors
    }

    /// How many clusters there are.
    pub fn clusters(&self) -> u32 {
        self.clusters
    }

    pub fn cluster_bytes(&self) -> u32 {
        self.cluster_sectors * SECTOR_BYTES as u32
    }

    /// How many clusters hold so many bytes.
    pub fn clusters_for(&self, bytes: u32) -> u32 {
        bytes.div_ceil(self.cluster_bytes())
    }
}

/// Whether a sector begins a FAT volume of any kind, rather than a partition table or nothing.
pub(super) fn is_boot_sector(sector: &Sector) -> bool {
    let jumps = (sector[0] == 0xEB && sector[2] == 0x90) || sector[0] == 0xE9;
    let is_other = is_named(sector, b"EXFAT   ") || is_named(sector, b"NTFS    ");
    let is_fat = sector[13].is_power_of_two() && sector[16] != 0 && sector[21] >= 0xF0;
    has_signature(sector) && jumps && (is_other || is_fat)
}

pub(super) fn has_signature(sector: &Sector) -> bool {
    sector[510] == 0x55 && sector[511] == 0xAA
}

fn is_named(sector: &Sector, name: &[u8; 8]) -> bool {
    sector[3..11] == name[..]
}

fn refuse_others(boot: &Sector) -> Result<(), Refusal> {
    if is_named(boot, b"EXFAT   ") {
        return Err(Refusal::ExFat);
    }
    if is_named(boot, b"NTFS    ") {
        return Err(Refusal::Ntfs);
    }
    if !is_boot_sector(boot) {
        return Err(Refusal::NoFileSystem);
    }
    let bytes = u16_at(boot, 11);
    if usize::from(bytes) != SECTOR_BYTES {
        return Err(Refusal::SectorSize { bytes });
    }
    // Only FAT32 has neither a root directory of fixed size nor a 16-bit size of its table.
    if u16_at(boot, 17) != 0 || u16_at(boot, 22) != 0 {
        return Err(Refusal::SmallFat);
    }
    match boot[16] {
        2 => {}
        1 => return Err(Refusal::OneFat),
        _ => return Err(Refusal::Inconsistent),
    }
    if u16_at(boot, 40) & 0x80 != 0 {
        return Err(Refusal::NoMirror);
    }
    // A later version of FAT32 was never made.
    if u16_at(boot, 42) != 0 {
        return Err(Refusal::Inconsistent);
    }
    Ok(())
}
