//! What the devices remember: every upload that was acknowledged, and how the others ended.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::client::Answer;
use crate::hash::sha256_hex;

/// One acknowledged upload.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) recording_id: String,
    pub(crate) sha256: String,
}

#[derive(Default)]
struct Entries {
    stored: Vec<Stored>,
    /// How many of them were checked after some kill.
    checked: usize,
    refused: usize,
    broken_off: usize,
    last_refusal: String,
}

#[derive(Default)]
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
}

impl Ledger {
    /// Writes down how an upload ended. The hash is of the bytes that were sent, not what the server says.
    pub(crate) fn note(&self, answer: Answer, bytes: &[u8]) {
        let mut entries = self.entries();
        match answer {
            Answer::Stored { recording_id } => {
                entries.stored.push(Stored {
                    recording_id,
                    sha256: sha256_hex(bytes),
                });
            }
            Answer::Refused(why) => {
                entries.refused += 1;
                entries.last_refusal = why;
            }
            Answer::BrokenOff => entries.broken_off += 1,
        }
    }

    /// What was acknowledged since the last call.
    pub(crate) fn unchecked(&self) -> Vec<Stored> {
        let mut entries = self.entries();
        let new = entries.stored[entries.checked..].to_vec();
        entries.checked = entries.stored.len();
        new
    }

    pub(crate) fn all(&self) -> Vec<Stored> {
        self.entries().stored.clone()
    }

    /// Acknowledged, refused, broken off.
    pub(crate) fn figures(&self) -> (usize, usize, usize) {
        let entries = self.entries();
        (entries.stored.len(), entries.refused, entries.broken_off)
    }

    pub(crate) fn last_refusal(&self) -> String {
        self.entries().last_refusal.clone()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Only pushes and counts happen under the lock: a thread that panicked elsewhere left it whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
