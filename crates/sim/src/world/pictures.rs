//! What a camera's sensor gave, and what is kept of it.

use std::collections::BTreeSet;
use std::time::Duration;

use device::camera::SPOOL_PICTURES_MAX;
use device::outbox::{Entry, Kind, Row, State};
use device::time::Instant;

use super::blocked::Blocked;
use super::promised::Promised;
use super::violation::{Broken, Rule};
use crate::server::sha256;

/// From the frame to the ledger, where nothing is busy.
const KEPT_WITHIN: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    /// Whole frames that are in no recording.
    given: BTreeSet<[u8; 32]>,
    /// Of them, what is to be in one soon.
    due: Vec<(Instant, [u8; 32])>,
    pub(super) count: u64,
}

impl Pictures {
    pub(super) fn given(&mut self, frame: &[u8], now: Instant) {
        let digest = sha256(frame);
        self.given.insert(digest);
        self.due.push((now, digest));
        self.count += 1;
    }

    /// A picture is in the ledger, with these bytes on the card.
    pub(super) fn kept(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), Broken> {
        let digest = sha256(bytes);
        self.due.retain(|(_, due)| *due != digest);
        if self.given.remove(&digest) {
            return Ok(());
        }
        Err(Rule::Sample.broken(format!("{} is no frame that the sensor gave", entry.number)))
    }

    /// The power went, or the card does not take them.
    pub(super) fn forget_due(&mut self) {
        self.due.clear();
    }

    pub(super) fn late(&self, now: Instant, blocked: &Blocked) -> Result<(), Broken> {
        let late = self
            .due
            .iter()
            .find(|(at, _)| now.since(*at) > KEPT_WITHIN + blocked.since(*at, now));
        match late {
            Some((at, _)) => {
                Err(Rule::Sample.broken(format!("the frame of {} ms is kept nowhere", at.as_millis())))
            }
            None => Ok(()),
        }
    }
}

/// The newest was taken only where the others had left room.
pub(super) fn fits(rows: &[Row], bytes_max: u32, promised: &Promised) -> Result<(), Broken> {
    let waits = |row: &&Row| {
        row.kind == Kind::Picture
            && matches!(row.state, State::Digested | State::Offered)
            && !promised.went_back(row.number)
    };
    let waiting = rows.iter().filter(waits);
    let count = waiting.clone().count();
    let newest = waiting.clone().next_back().map_or(0, |row| row.size_bytes);
    let bytes = waiting.map(|row| row.size_bytes).sum::<u32>() - newest;
    if count > SPOOL_PICTURES_MAX || (bytes > 0 && bytes >= bytes_max) {
        let says = format!("{count} pictures wait, {bytes} bytes before the newest of at most {bytes_max}");
        return Err(Rule::Spool.broken(says));
    }
    Ok(())
}
