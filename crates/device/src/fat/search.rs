//! Looking through the table: a run of free clusters, the free count, the next cluster of a chain.

use core::ops::ControlFlow;

use super::bytes::Sector;
use super::change::{FREE, entry_in, is_end};
use super::geometry::{ENTRIES, FIRST_CLUSTER};
use super::{Error, Volume};
use crate::block::BlockDevice;
use crate::outbox::Extent;

/// A directory has at most 65 536 entries: a chain that is longer runs in a circle.
const DIRECTORY_SECTORS_MAX: u32 = 4096;

impl Volume {
    /// The next run of so many free clusters from `from` on, round the end of the card; the longest there is where none is long
    /// enough, `None` on a full card.
    ///
    /// Asked to look from the end of the last recording, it reads as much of the table as the run takes. Only on a card that
    /// is nearly full does it read all of it.
    pub async fn find_run<B: BlockDevice>(
        &mut self,
        card: &mut B,
        clusters: u32,
        from: u32,
    ) -> Result<Option<Extent>, Error<B::Error>> {
        let end = self.geometry.end();
        let from = if self.geometry.holds(from) {
            from
        } else {
            FIRST_CLUSTER
        };
        let ahead = self.longest(card, clusters, from, end).await?;
        if ahead.clusters >= clusters {
            return Ok(Some(ahead));
        }
        // A run may lie across the place where the first look began.
        let overlap = from.saturating_add(clusters).min(end);
        let behind = self.longest(card, clusters, FIRST_CLUSTER, overlap).await?;
        let best = if behind.clusters > ahead.clusters {
            behind
        } else {
            ahead
        };
        Ok((best.clusters > 0).then_some(best))
    }

    /// The first run of `enough` free clusters in a range, or the longest.
    async fn longest<B: BlockDevice>(
        &mut self,
        card: &mut B,
        enough: u32,
        first: u32,
        end: u32,
    ) -> Result<Extent, Error<B::Error>> {
        let mut best = Extent { first, clusters: 0 };
        let mut run = best;
        for cluster in first..end {
            if self.look(card, cluster, first).await? != FREE {
                run.clusters = 0;
                continue;
            }
            if run.clusters == 0 {
                run.first = cluster;
            }
            run.clusters += 1;
            if run.clusters > best.clusters {
                best = run;
            }
            if best.clusters >= enough {
                break;
            }
        }
        Ok(best)
    }

    /// Counts the free clusters and says so on the card. It reads all of a table: seconds on a large card, so not before a recording.
    pub async fn count_free<B: BlockDevice>(&mut self, card: &mut B) -> Result<u32, Error<B::Error>> {
        let mut free = 0;
        let mut next = None;
        for cluster in FIRST_CLUSTER..self.geometry.end() {
            if self.look(card, cluster, FIRST_CLUSTER).await? == FREE {
                free += 1;
                next.get_or_insert(cluster);
            }
        }
        self.free = Some(free);
        self.write_info(card, next.unwrap_or(FIRST_CLUSTER)).await?;
        Ok(free)
    }

    /// Shows every sector of a directory to `see`, which may say that it has seen enough. Gives the last cluster.
    pub(super) async fn walk<B: BlockDevice>(
        &mut self,
        card: &mut B,
        first: u32,
        mut see: impl FnMut(u32, &Sector) -> ControlFlow<()>,
    ) -> Result<u32, Error<B::Error>> {
        let mut cluster = first;
        let mut seen = 0;
        loop {
            for sector in 0..self.geometry.cluster_sectors {
                let lba = self.geometry.sector_of(cluster) + sector;
                self.load(card, lba).await?;
                if see(lba, &self.scratch).is_break() {
                    return Ok(cluster);
                }
            }
            seen += self.geometry.cluster_sectors;
            match self.next(card, cluster).await? {
                Some(_) if seen >= DIRECTORY_SECTORS_MAX => return Err(Error::Astray),
                Some(next) => cluster = next,
                None => return Ok(cluster),
            }
        }
    }

    /// The cluster after this one in its chain.
    pub(super) async fn next<B: BlockDevice>(
        &mut self,
        card: &mut B,
        cluster: u32,
    ) -> Result<Option<u32>, Error<B::Error>> {
        let entry = self.look(card, cluster, cluster).await?;
        if is_end(entry) {
            return Ok(None);
        }
        if self.geometry.holds(entry) {
            Ok(Some(entry))
        } else {
            Err(Error::Astray)
        }
    }

    /// The entry of a cluster. One after another from `first` on, each sector of the table is read once.
    async fn look<B: BlockDevice>(
        &mut self,
        card: &mut B,
        cluster: u32,
        first: u32,
    ) -> Result<u32, Error<B::Error>> {
        if cluster == first || cluster.is_multiple_of(ENTRIES) {
            self.load(card, self.geometry.table + cluster / ENTRIES).await?;
        }
        Ok(entry_in(&self.scratch, cluster))
    }
}
