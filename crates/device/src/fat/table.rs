//! Changes of the tables: planned, carried out, and carried out again after a cut.

use super::change::{FatChange, UNKNOWN};
use super::{Error, Volume};
use crate::block::{BlockDevice, SECTOR_BYTES};
use crate::outbox::Extent;

/// Both tables, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copy {
    First,
    Second,
}

impl Volume {
    /// Plans that of a run of clusters, of which the first `used_before` are a chain, the first `used` are one.
    ///
    /// Finds out that the card agrees with `used_before`, or says [`Error::Taken`]. Where the second table differs from the
    /// first in a sector that will change, it is made the same, for each has to be able to stand in for the other.
    pub async fn plan<B: BlockDevice>(
        &mut self,
        card: &mut B,
        extent: Extent,
        used_before: u32,
        used: u32,
    ) -> Result<FatChange, Error<B::Error>> {
        self.plan_from(card, extent, [used_before, used], 0).await
    }

    /// As [`Self::plan`]; the chain that ends in `from` goes on in the extent.
    pub(super) async fn plan_from<B: BlockDevice>(
        &mut self,
        card: &mut B,
        extent: Extent,
        [used_before, used]: [u32; 2],
        from: u32,
    ) -> Result<FatChange, Error<B::Error>> {
        let mut change = FatChange {
            serial: self.geometry.serial,
            extent,
            used_before,
            used,
            from,
            crc_first_outside: 0,
            crc_last_outside: 0,
            crc_from_outside: 0,
            free_after: UNKNOWN,
        };
        self.check(&change)?;
        if let Some(free) = self.free {
            let after = u64::from(free) + u64::from(used_before);
            change.free_after = after
                .checked_sub(u64::from(used))
                .and_then(|after| u32::try_from(after).ok())
                .unwrap_or(UNKNOWN);
        }
        for sector in change.sectors() {
            self.read_copy(card, Copy::Second, sector).await?;
            let second = change.compare(sector, &self.scratch);
            self.read_copy(card, Copy::First, sector).await?;
            let first = change.compare(sector, &self.scratch);
            if !first.is_old {
                return Err(Error::Taken);
            }
            if !second.is_old || second.outside != first.outside {
                self.write_copy(card, Copy::Second, sector).await?;
            }
            change.set_outside(sector, first.outside);
        }
        Ok(change)
    }

    /// Carries out what was planned and stored. After an error the intent stays: it is for [`Self::redo`].
    pub async fn apply<B: BlockDevice>(
        &mut self,
        card: &mut B,
        change: &FatChange,
    ) -> Result<(), Error<B::Error>> {
        self.check(change)?;
        for copy in [Copy::First, Copy::Second] {
            for sector in change.sectors() {
                self.settle(card, change, copy, sector).await?;
            }
        }
        self.free = change.free_after();
        let next = change.extent.first + change.used;
        let next = if self.geometry.holds(next) {
            next
        } else {
            change.extent.first
        };
        self.write_info(card, next).await
    }

    /// At boot: carries out an intent that was found, however far it had got.
    ///
    /// Looks before it writes: where neither table explains a sector, a computer changed the card after the cut, and
    /// nothing is done ([`Error::Changed`]).
    pub async fn redo<B: BlockDevice>(
        &mut self,
        card: &mut B,
        change: &FatChange,
    ) -> Result<(), Error<B::Error>> {
        self.check(change)?;
        for sector in change.sectors() {
            self.pick(card, change, sector).await?;
        }
        let mut change = *change;
        let free = self.read_info(card).await?;
        // Whole, and neither number: somebody else allocated or deleted something since.
        if free.is_some() && free != change.free_before() && free != change.free_after() {
            change.free_after = UNKNOWN;
        }
        self.apply(card, &change).await
    }

    /// Makes one sector of one table right, unless it is. A sector that is right is never written again: while it is in
    /// flight, the other copy alone would know it.
    async fn settle<B: BlockDevice>(
        &mut self,
        card: &mut B,
        change: &FatChange,
        copy: Copy,
        sector: u32,
    ) -> Result<(), Error<B::Error>> {
        self.read_copy(card, copy, sector).await?;
        let seen = change.compare(sector, &self.scratch);
        if seen.is_new && seen.outside == change.outside(sector) {
            return Ok(());
        }
        if change.is_inner(sector) {
            self.scratch = [0; SECTOR_BYTES];
        } else {
            self.pick(card, change, sector).await?;
        }
        change.put(sector, &mut self.scratch);
        self.write_copy(card, copy, sector).await
    }

    /// Loads the copy of a sector that is whole.
    async fn pick<B: BlockDevice>(
        &mut self,
        card: &mut B,
        change: &FatChange,
        sector: u32,
    ) -> Result<(), Error<B::Error>> {
        let outside = change.outside(sector);
        self.read_copy(card, Copy::First, sector).await?;
        let first = change.compare(sector, &self.scratch);
        if first.is_explained && first.outside == outside {
            return Ok(());
        }
        self.read_copy(card, Copy::Second, sector).await?;
        let second = change.compare(sector, &self.scratch);
        // A computer that changed entries of its own beside ours after the cut changed them in both tables.
        let is_agreed = first.is_explained && first.outside == second.outside;
        if second.is_explained && (second.outside == outside || is_agreed) {
            return Ok(());
        }
        Err(Error::Changed)
    }

    fn check<E>(&self, change: &FatChange) -> Result<(), Error<E>> {
        if change.serial != self.geometry.serial {
            return Err(Error::OtherCard);
        }
        let extent = change.extent;
        let is_here = extent.clusters > 0
            && self.geometry.holds(extent.first)
            && extent.end() <= self.geometry.end()
            && change.used.max(change.used_before) <= extent.clusters
            && (change.from == 0 || self.geometry.holds(change.from));
        if is_here { Ok(()) } else { Err(Error::Astray) }
    }

    async fn read_copy<B: BlockDevice>(
        &mut self,
        card: &mut B,
        copy: Copy,
        sector: u32,
    ) -> Result<(), Error<B::Error>> {
        self.load(card, self.copy_lba(copy, sector)).await
    }

    async fn write_copy<B: BlockDevice>(
        &self,
        card: &mut B,
        copy: Copy,
        sector: u32,
    ) -> Result<(), Error<B::Error>> {
        self.store(card, self.copy_lba(copy, sector)).await
    }

    fn copy_lba(&self, copy: Copy, sector: u32) -> u32 {
        let table = match copy {
            Copy::First => self.geometry.table,
            Copy::Second => self.geometry.table + self.geometry.table_sectors,
        };
        table + sector
    }
}
