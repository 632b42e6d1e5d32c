//! What becomes of a run of clusters, as 40 bytes that are enough to finish the job after a cut.

use crc32fast::Hasher;

use super::bytes::{Sector, put_u32, u32_at};
use super::geometry::ENTRIES;
use crate::outbox::Extent;

/// An entry of the table has 28 bits; the upper four are nobody's.
const ENTRY_MASK: u32 = 0x0FFF_FFFF;
pub(super) const FREE: u32 = 0;
/// What we write at the end of a chain; everything from [`END_MIN`] on is read as one.
pub(super) const END: u32 = 0x0FFF_FFFF;
const END_MIN: u32 = 0x0FFF_FFF8;
/// In [`FatChange::free_after`] and on the card: nobody has counted.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// The intent of a change of the tables: in both, the first `used` clusters of the extent become one chain and the others free.
///
/// All of a recording's clusters are used when it opens, fewer when it is sealed, none when it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FatChange {
    /// The volume that it is for: another card may be in the slot after a cut.
    pub serial: u32,
    pub extent: Extent,
    /// How many of the extent's clusters were in the chain before.
    pub used_before: u32,
    pub used: u32,
    /// The last cluster of a chain that this extent continues, or 0.
    pub from: u32,
    /// CRC-32 of what belongs to others in the first, in the last and in `from`'s sector of the table.
    pub crc_first_outside: u32,
    pub crc_last_outside: u32,
    pub crc_from_outside: u32,
    /// Free clusters of the volume afterwards; all ones where nobody has counted.
    pub free_after: u32,
}

impl FatChange {
    pub const BYTES: usize = 40;

    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let fields = [
            self.serial,
            self.extent.first,
            self.extent.clusters,
            self.used_before,
            self.used,
            self.from,
            self.crc_first_outside,
            self.crc_last_outside,
            self.crc_from_outside,
            self.free_after,
        ];
        let mut bytes = [0; Self::BYTES];
        for (index, field) in fields.into_iter().enumerate() {
            put_u32(&mut bytes, index * 4, field);
        }
        bytes
    }

    /// `None` where the numbers make no sense together.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let field = |index: usize| u32_at(bytes, index * 4);
        let change = Self {
            serial: field(0),
            extent: Extent {
                first: field(1),
                clusters: field(2),
            },
            used_before: field(3),
            used: field(4),
            from: field(5),
            crc_first_outside: field(6),
            crc_last_outside: field(7),
            crc_from_outside: field(8),
            free_after: field(9),
        };
        let most = change.used.max(change.used_before);
        (change.extent.clusters > 0 && most <= change.extent.clusters).then_some(change)
    }

    /// The sectors of a table that change, counted from its beginning.
    pub(super) fn sectors(&self) -> impl Iterator<Item = u32> + use<> {
        let (first, last) = (self.first_sector(), self.last_sector());
        let from = Some(self.from / ENTRIES).filter(|from| self.from != 0 && !(first..=last).contains(from));
        (first..=last).chain(from)
    }

    fn first_sector(&self) -> u32 {
        self.extent.first / ENTRIES
    }

    fn last_sector(&self) -> u32 {
        (self.extent.end() - 1) / ENTRIES
    }

    /// Whether every entry of this sector is the change's own, so that it is known from the intent alone.
    pub(super) fn is_inner(&self, sector: u32) -> bool {
        let first = sector * ENTRIES;
        first >= self.extent.first && first + ENTRIES <= self.extent.end()
    }

    /// The entry of a cluster that the change owns while `used` clusters are in the chain.
    fn entry(&self, cluster: u32, used: u32) -> Option<u32> {
        if self.from != 0 && cluster == self.from {
            return Some(if used > 0 { self.extent.first } else { END });
        }
        let index = cluster.checked_sub(self.extent.first)?;
        if index >= self.extent.clusters {
            return None;
        }
        Some(match (index + 1).cmp(&used) {
            core::cmp::Ordering::Less => cluster + 1,
            core::cmp::Ordering::Equal => END,
            core::cmp::Ordering::Greater => FREE,
        })
    }

    /// Puts the new entries into a sector whose others are right.
    pub(super) fn put(&self, sector: u32, bytes: &mut Sector) {
        for (cluster, at) in clusters(sector) {
            if let Some(entry) = self.entry(cluster, self.used) {
                put_u32(bytes, at, entry);
            }
        }
    }

    /// Compares what one table has in a sector with before and after.
    pub(super) fn compare(&self, sector: u32, bytes: &Sector) -> Seen {
        let mut outside = Hasher::new();
        let mut seen = Seen {
            outside: 0,
            is_old: true,
            is_new: true,
            is_explained: true,
        };
        for (cluster, at) in clusters(sector) {
            let found = u32_at(bytes, at);
            let states = [self.used_before, self.used].map(|used| self.entry(cluster, used));
            if let [Some(old), Some(new)] = states {
                seen.is_old &= is_same(found, old);
                seen.is_new &= is_same(found, new);
                seen.is_explained &= is_same(found, old) || is_same(found, new);
            } else {
                outside.update(&bytes[at..at + 4]);
            }
        }
        seen.outside = outside.finalize();
        seen
    }

    /// The checksum of what belongs to others in a sector, at planning.
    pub(super) fn outside(&self, sector: u32) -> u32 {
        if self.is_inner(sector) {
            Hasher::new().finalize()
        } else if sector == self.first_sector() {
            self.crc_first_outside
        } else if sector == self.last_sector() {
            self.crc_last_outside
        } else {
            self.crc_from_outside
        }
    }

    pub(super) fn set_outside(&mut self, sector: u32, crc: u32) {
        if sector == self.first_sector() {
            self.crc_first_outside = crc;
        } else if sector == self.last_sector() {
            self.crc_last_outside = crc;
        } else if !self.is_inner(sector) {
            self.crc_from_outside = crc;
        }
    }

    pub(super) fn free_before(&self) -> Option<u32> {
        let free = self.free_after()?.checked_add(self.used)?;
        free.checked_sub(self.used_before)
    }

    pub(super) fn free_after(&self) -> Option<u32> {
        (self.free_after != UNKNOWN).then_some(self.free_after)
    }
}

/// One table's sector beside an intent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// CRC-32 of others' entries.
    pub(super) outside: u32,
    /// Every entry of ours is as before the change; as after it; as one of the two.
    pub(super) is_old: bool,
    pub(super) is_new: bool,
    pub(super) is_explained: bool,
}

/// What an entry says, without the bits that are nobody's.
pub(super) fn entry_in(sector: &Sector, cluster: u32) -> u32 {
    let index = cluster % ENTRIES;
    u32_at(sector, index as usize * 4) & ENTRY_MASK
}

pub(super) fn is_end(entry: u32) -> bool {
    entry >= END_MIN
}

fn is_same(found: u32, meant: u32) -> bool {
    let found = found & ENTRY_MASK;
    found == meant || (is_end(found) && is_end(meant))
}

/// The clusters of a sector of the table, and where their entries begin.
fn clusters(sector: u32) -> impl Iterator<Item = (u32, usize)> {
    (sector * ENTRIES..).zip((0..SECTOR_ENTRIES).map(|index| index * 4))
}

const SECTOR_ENTRIES: usize = ENTRIES as usize;

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> FatChange {
        FatChange {
            serial: 0x1234_5678,
            extent: Extent {
                first: 100,
                clusters: 300,
            },
            used_before: 300,
            used: 30,
            from: 0,
            crc_first_outside: 0xAABB_CCDD,
            crc_last_outside: 0x0102_0304,
            crc_from_outside: 0,
            free_after: 5_000,
        }
    }

    #[test]
    fn an_intent_has_the_bytes_that_the_format_says() {
        let bytes = [
            0x78, 0x56, 0x34, 0x12, 100, 0, 0, 0, 44, 1, 0, 0, 44, 1, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0xDD,
            0xCC, 0xBB, 0xAA, 4, 3, 2, 1, 0, 0, 0, 0, 0x88, 0x13, 0, 0,
        ];
        assert_eq!(change().to_bytes(), bytes);
        assert_eq!(FatChange::from_bytes(&bytes), Some(change()));
    }

    #[test]
    fn numbers_that_make_no_sense_together_are_no_intent() {
        for (at, byte) in [(8, 0), (12, 45), (16, 45)] {
            let mut bytes = change().to_bytes();
            bytes[9] = u8::from(at != 8);
            bytes[at] = byte;
            bytes[at + 1] = u8::from(at != 8);
            assert_eq!(FatChange::from_bytes(&bytes), None, "byte {at}");
        }
    }

    #[test]
    fn sectors_are_each_named_once_and_the_one_of_the_cluster_before_last() {
        let sectors = |change: FatChange| -> heapless::Vec<u32, 8> { change.sectors().collect() };
        assert_eq!(sectors(change()), [0, 1, 2, 3]);
        let away = FatChange {
            from: 9_000,
            ..change()
        };
        assert_eq!(sectors(away), [0, 1, 2, 3, 70]);
        let beside = FatChange { from: 99, ..change() };
        assert_eq!(sectors(beside), [0, 1, 2, 3]);
    }
}
