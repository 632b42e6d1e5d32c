//! Our FAT32: one owner, whole recordings as single runs of clusters, and no change that a power cut can leave half done.
//!
//! ```text
//!              reads            plan                       store                apply
//!  card ─► Volume::open ──► find_run ─► FatChange ──────► ledger in flash ─────► tables 1, tables 2, FSInfo
//!                       └─► free_slot ─► SectorChange ──► ledger in flash ─────► one sector of a directory
//!                                           ▲                    │
//!                                           └── boot: redo ◄─────┘   then the intent is taken back
//! ```
//!
//! **Contract.** Nothing on the card changes but by an intent that its owner has stored before. `plan…` makes it, `apply` carries
//! it out; after a cut anywhere, `redo` at the next boot carries it out again, and may be cut as well. Only then is it taken back.
//! One intent of each kind at a time; the next one is planned after the last was carried out.
//!
//! * Opening: link the run ([`FatChange`]), then name it with its full length, so that a person with a card reader finds the
//!   recording after a cut. Sealing: the length first, then the chain; from then on the
//!   recording's extent is what it keeps, for the rest may be anybody's. Deleting: the name first, then the chain.
//! * Of each sector of the tables one copy is whole at any moment, for both are never written at once: all first copies, then all
//!   second ones, and none that is right already.
//! * A change is refused that does not find the card as the ledger says ([`Error::Taken`]), as is an intent whose
//!   clusters were changed by a computer in the meantime ([`Error::Changed`]) or that is for another card.
//!
//! Strangers' files are never touched. It does not read or write files, it says where they lie; it knows one folder. See
//! `docs/decisions/0009-how-a-recording-lies-on-the-card.md` and `docs/formats/card.md`.

mod adopt;
mod bytes;
mod change;
mod files;
mod folder;
mod format;
mod geometry;
mod mount;
mod names;
mod search;
mod sector;
mod table;

pub use change::FatChange;
pub use files::{Edit, FILES_MAX, Folder, Listed};
pub use folder::{FOLDER_STEPS_MAX, FolderStep};
pub use format::format;
pub use geometry::{FIRST_CLUSTER, Geometry, Refusal};
pub use names::Stamp;
pub use sector::{SectorChange, SectorChangeBytes};

use crate::block::{BlockDevice, SECTOR_BYTES};
use crate::outbox::Extent;

/// Why something was not done. Nothing was written, except where the card itself fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error<E> {
    #[error("the card does not answer")]
    Card(E),
    #[error("{0}")]
    Refused(Refusal),
    /// The clusters or the entry are not as the ledger says.
    #[error("the card was changed on a computer: this place is not what the ledger says")]
    Taken,
    /// What is half done was changed by somebody else in the meantime, and finishing it could destroy their files.
    #[error("the card was changed on a computer before a change of ours was finished")]
    Changed,
    #[error("this is another card")]
    OtherCard,
    /// Clusters that the volume does not have, or a chain that leads nowhere.
    #[error("the card's tables lead outside of it: let a computer check it, or format it here")]
    Astray,
    #[error("the card is full")]
    Full,
    /// A file of that name, or a folder of a few small clusters.
    #[error("something named FIELDPOST that a computer made is on the card: rename it there")]
    FolderInTheWay,
}

/// A mounted volume. The card is passed to each call: its owner reads and writes recordings on it too.
#[derive(Debug)]
pub struct Volume {
    geometry: Geometry,
    /// Free clusters, where the card knows.
    free: Option<u32>,
    scratch: [u8; SECTOR_BYTES],
}

impl Volume {
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// `None` where the last user of the card did not say, or did not take leave: [`Self::count_free`] finds out.
    pub fn free_clusters(&self) -> Option<u32> {
        self.free
    }

    /// The first sector of a run and their number.
    pub fn sectors_of(&self, extent: Extent) -> Option<(u32, u32)> {
        let is_here = self.geometry.holds(extent.first) && extent.end() <= self.geometry.end();
        is_here.then(|| {
            (
                self.geometry.sector_of(extent.first),
                extent.clusters * self.geometry.cluster_sectors,
            )
        })
    }

    async fn load<B: BlockDevice>(&mut self, card: &mut B, lba: u32) -> Result<(), Error<B::Error>> {
        card.read(lba, &mut self.scratch).await.map_err(Error::Card)
    }

    async fn store<B: BlockDevice>(&self, card: &mut B, lba: u32) -> Result<(), Error<B::Error>> {
        card.write(lba, &self.scratch).await.map_err(Error::Card)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The device's core has 48 KB for everything.
    #[test]
    fn a_volume_is_a_sector_and_a_few_numbers() {
        assert!(size_of::<Volume>() <= SECTOR_BYTES + 64);
    }
}
