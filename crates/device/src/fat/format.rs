//! Makes a card a FAT32 volume as the makers of cards do: one partition, tables and clusters on the borders of erase blocks.
//!
//! What was on the card is gone after the first sector. The partition table is written last: a card whose formatting was cut
//! has no file system, and the offer to format it is made again.

use super::Error;
use super::bytes::{Sector, put_u16, put_u32};
use super::change::END;
use super::geometry::{ENTRIES, FIRST_CLUSTER, Refusal};
use super::mount::info_sector;
use super::names::{Alias, ENTRY_BYTES, label};
use crate::block::{BlockDevice, SECTOR_BYTES};

/// What computers call the card.
const LABEL: Alias = *b"FIELDPOST  ";
/// Fewer clusters than this and a computer takes the volume for FAT16.
const CLUSTERS_MIN: u32 = 65_525;
/// Sectors of 4 MiB, the erase block that the SD association lays cards out for, and of small cards.
const BLOCK: u32 = 8192;
const SMALL_BLOCK: u32 = 64;
const SMALL_CARD: u32 = 1 << 21;
/// 32 KiB; 64 KiB on cards of more than 64 GiB.
const CLUSTER_SECTORS: u32 = 64;
const LARGE_CARD: u32 = 1 << 27;
/// Sectors before the tables that the format itself uses: boot sector, FSInfo, and their copies from `BACKUP` on.
const RESERVED_MIN: u32 = 32;
const INFO: u32 = 1;
const BACKUP: u32 = 6;
/// A run of zeros in read-only memory, so that the tables are not zeroed sector by sector.
static ZEROS: [u8; 8 * SECTOR_BYTES] = [0; 8 * SECTOR_BYTES];

/// Where things will lie; sectors count from the beginning of the card.
#[derive(Debug, Clone, Copy)]
struct Layout {
    start: u32,
    sectors: u32,
    reserved: u16,
    table_sectors: u32,
    cluster_sectors: u8,
    clusters: u32,
}

/// Formats a card. `serial` is drawn at random: it tells this card from the others.
pub async fn format<B: BlockDevice>(card: &mut B, serial: u32) -> Result<(), Error<B::Error>> {
    let layout = Layout::of(card.sectors()).ok_or(Error::Refused(Refusal::TooSmall))?;
    // From here on it has no file system. A partition table of the newer kind goes with it.
    zero(card, 0, 2).await?;
    let table = layout.start + u32::from(layout.reserved);
    let data = table + 2 * layout.table_sectors;
    zero(card, layout.start, data - layout.start).await?;
    zero(card, data, u32::from(layout.cluster_sectors)).await?;

    let mut sector = [0; SECTOR_BYTES];
    for (index, entry) in [0x0FFF_FFF8, END, END].into_iter().enumerate() {
        put_u32(&mut sector, index * 4, entry);
    }
    for copy in [table, table + layout.table_sectors] {
        card.write(copy, &sector).await.map_err(Error::Card)?;
    }
    sector.fill(0);
    sector[..ENTRY_BYTES].copy_from_slice(&label(&LABEL));
    card.write(data, &sector).await.map_err(Error::Card)?;

    // The top folder has one cluster.
    let info = info_sector(Some(layout.clusters - 1), FIRST_CLUSTER + 1);
    let boot = layout.boot_sector(serial);
    for copy in [layout.start + BACKUP, layout.start] {
        card.write(copy + INFO, &info).await.map_err(Error::Card)?;
        card.write(copy, &boot).await.map_err(Error::Card)?;
    }
    card.write(0, &layout.partition_table())
        .await
        .map_err(Error::Card)
}

async fn zero<B: BlockDevice>(card: &mut B, first: u32, sectors: u32) -> Result<(), Error<B::Error>> {
    let end = first + sectors;
    let step = ZEROS.len() / SECTOR_BYTES;
    for lba in (first..end).step_by(step) {
        let sectors = step.min((end - lba) as usize);
        let zeros = &ZEROS[..sectors * SECTOR_BYTES];
        card.write(lba, zeros).await.map_err(Error::Card)?;
    }
    Ok(())
}

impl Layout {
    /// `None` where the card is too small to be FAT32.
    fn of(card_sectors: u32) -> Option<Self> {
        let block = if card_sectors < SMALL_CARD {
            SMALL_BLOCK
        } else {
            BLOCK
        };
        let start = block;
        let sectors = card_sectors.checked_sub(start)?;
        let mut cluster_sectors = if sectors > LARGE_CARD {
            2 * CLUSTER_SECTORS
        } else {
            CLUSTER_SECTORS
        };
        while cluster_sectors > 1 && sectors / cluster_sectors < 2 * CLUSTERS_MIN {
            cluster_sectors /= 2;
        }
        // A little too large: the tables themselves take room from the clusters.
        let table_sectors = (sectors / cluster_sectors + FIRST_CLUSTER).div_ceil(ENTRIES);
        let overhead = (RESERVED_MIN + 2 * table_sectors).next_multiple_of(block);
        let clusters = sectors.checked_sub(overhead)? / cluster_sectors;
        (clusters >= CLUSTERS_MIN).then_some(Self {
            start,
            sectors,
            reserved: u16::try_from(overhead - 2 * table_sectors).ok()?,
            table_sectors,
            cluster_sectors: u8::try_from(cluster_sectors).ok()?,
            clusters,
        })
    }

    fn boot_sector(&self, serial: u32) -> Sector {
        let mut boot = [0; SECTOR_BYTES];
        boot[..3].copy_from_slice(&[0xEB, 0x58, 0x90]);
        // The name that every system accepts.
        boot[3..11].copy_from_slice(b"MSWIN4.1");
        put_u16(&mut boot, 11, 512);
        boot[13] = self.cluster_sectors;
        put_u16(&mut boot, 14, self.reserved);
        boot[16] = 2;
        // A fixed disk, of a shape that nobody asks for any more.
        boot[21] = 0xF8;
        put_u16(&mut boot, 24, 63);
        put_u16(&mut boot, 26, 255);
        put_u32(&mut boot, 28, self.start);
        put_u32(&mut boot, 32, self.sectors);
        put_u32(&mut boot, 36, self.table_sectors);
        put_u32(&mut boot, 44, FIRST_CLUSTER);
        put_u16(&mut boot, 48, 1);
        put_u16(&mut boot, 50, 6);
        boot[64] = 0x80;
        boot[66] = 0x29;
        put_u32(&mut boot, 67, serial);
        boot[71..82].copy_from_slice(&LABEL);
        boot[82..90].copy_from_slice(b"FAT32   ");
        put_u16(&mut boot, 510, 0xAA55);
        boot
    }

    fn partition_table(&self) -> Sector {
        let mut mbr = [0; SECTOR_BYTES];
        // Cylinders, heads and sectors are out of range; computers take the sector numbers behind them.
        mbr[446..454].copy_from_slice(&[0, 0xFE, 0xFF, 0xFF, 0x0C, 0xFE, 0xFF, 0xFF]);
        put_u32(&mut mbr, 454, self.start);
        put_u32(&mut mbr, 458, self.sectors);
        put_u16(&mut mbr, 510, 0xAA55);
        mbr
    }
}
