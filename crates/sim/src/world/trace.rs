//! One number for everything that happened in a world.
//!
//! SHA-256 over every step: its moment, what was written where, and what the device did, each with its length before it. Two worlds with
//! one hash went the same way; a change of what devices do changes it.

use device::time::Instant;
use sha2::{Digest, Sha256};

use crate::board::Step;
use crate::nor::Operation;

#[derive(Debug, Clone, Default)]
pub(super) struct TraceHash(Sha256);

impl TraceHash {
    pub(super) fn moment(&mut self, now: Instant) {
        self.0.update(now.as_micros().to_le_bytes());
    }

    pub(super) fn write(&mut self, step: &Step) {
        let (what, place, data): (u8, u32, &[u8]) = match step {
            Step::Sector { lba, data } => (1, *lba, &data[..]),
            Step::Flash(Operation::Program { offset, data }) => (2, *offset, data),
            Step::Flash(Operation::Erase { offset }) => (3, *offset, &[]),
            Step::Insert(card) => (5, card.sectors(), &[]),
        };
        self.0.update([what]);
        self.0.update(place.to_le_bytes());
        self.piece(data);
    }

    pub(super) fn words(&mut self, words: &str) {
        self.0.update([4]);
        self.piece(words.as_bytes());
    }

    fn piece(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
