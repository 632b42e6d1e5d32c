//! One recording as the ledger knows it.

use core::fmt::{self, Write};

use wire::recording::RecordingId;

/// A recording's place in the device's own count. Never given twice, over restarts, cards and resets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u32);

/// The longest: `sess_4294967295.csv`.
pub type FileName = heapless::String<20>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A session of rows, written as it happens.
    Session,
    /// A still, written at once.
    Picture,
}

impl Kind {
    /// What the file is called on the card, on the server and in receipts.
    pub fn file_name(self, number: Number) -> FileName {
        let mut name = FileName::new();
        // A u32 has at most ten digits, so it always fits.
        let _ = match self {
            Self::Session => write!(name, "sess_{:06}.csv", number.0),
            Self::Picture => write!(name, "img_{:06}.jpg", number.0),
        };
        name
    }
}

/// Clusters that follow each other on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub first: u32,
    pub clusters: u32,
}

impl Extent {
    /// The first cluster after it.
    pub const fn end(self) -> u32 {
        self.first.saturating_add(self.clusters)
    }
}

/// Where a file's name stands in the recordings' folder, counted in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirSlot(pub u16);

/// How far a recording got. It moves down this list, or aside to `Quarantined`; back, from its receipt to `Digested`, only where the server lost
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Being written; after a cut its end is looked for.
    Open,
    /// Its bytes and its length never change again.
    Sealed,
    /// Its SHA-256 is known: it may be offered.
    Digested,
    /// A server has begun to take it.
    Offered,
    /// A server's signature for exactly these bytes was checked.
    Receipted,
    /// May give way to newer ones, after the server said once more that it is there.
    Archived,
    /// The server confirmed that it holds it, and it is being taken off the card.
    Removing,
    /// A server refused it for what it is, three times. Shown and kept.
    Quarantined,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub number: Number,
    pub kind: Kind,
    /// Drawn when it was opened; the seed of its checksums.
    pub id: RecordingId,
    /// The serial number of the volume that it lies on.
    pub card: u32,
    pub extent: Extent,
    pub slot: DirSlot,
    /// 0 while it is open.
    pub size_bytes: u32,
    pub sha256: Option<[u8; 32]>,
    pub state: State,
    /// Under which claim it was made: a new owner is not offered what an earlier one recorded.
    pub claim: u32,
}

impl Entry {
    pub fn file_name(&self) -> FileName {
        self.kind.file_name(self.number)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_people_know_and_the_longest_fits() {
        assert_eq!(Kind::Session.file_name(Number(123)), "sess_000123.csv");
        assert_eq!(Kind::Session.file_name(Number(u32::MAX)), "sess_4294967295.csv");
        assert_eq!(Kind::Picture.file_name(Number(7)), "img_000007.jpg");
    }
}
