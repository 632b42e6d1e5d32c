//! What the devices remember: everything that was acknowledged, how the rest ended, and what was plainly wrong.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::client::Trouble;
use super::super::receipts::Sent;
use super::super::tus;

/// One acknowledged recording.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) sent: Sent,
    pub(super) recording_id: String,
    pub(super) receipt: String,
}

/// One session's runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    pub(super) acknowledged_s: i64,
    /// The longest that was sent, heard of or not.
    pub(super) sent_s: i64,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    pub(super) stored: usize,
    pub(super) refused: usize,
    pub(super) broken_off: usize,
    /// Pieces of resumable uploads that were answered.
    pub(super) pieces: usize,
    /// Resumable uploads that were asked for again after a kill and had come further than nothing.
    pub(super) resumed: usize,
    pub(super) heartbeats: usize,
}

#[derive(Default)]
struct Entries {
    stored: Vec<Stored>,
    /// How many of them were checked after some kill.
    checked: usize,
    runs: BTreeMap<String, Run>,
    figures: Figures,
    last_refusal: String,
    wrong: Option<String>,
}

#[derive(Default)]
pub(super) struct Ledger {
    entries: Mutex<Entries>,
}

impl Ledger {
    pub(super) fn stored(&self, sent: Sent, answer: tus::Stored) {
        let mut entries = self.entries();
        entries.figures.stored += 1;
        entries.stored.push(Stored {
            sent,
            recording_id: answer.recording_id,
            receipt: answer.receipt,
        });
    }

    pub(super) fn trouble(&self, trouble: &Trouble) {
        let mut entries = self.entries();
        match trouble {
            Trouble::BrokenOff => entries.figures.broken_off += 1,
            Trouble::Refused { .. } => {
                entries.figures.refused += 1;
                entries.last_refusal = trouble.to_string();
            }
        }
    }

    pub(super) fn piece(&self) {
        self.entries().figures.pieces += 1;
    }

    pub(super) fn resumed(&self) {
        self.entries().figures.resumed += 1;
    }

    /// A heartbeat is about to be sent.
    pub(super) fn beating(&self, session: &str, run_s: i64) {
        let mut entries = self.entries();
        let run = entries.runs.entry(session.to_owned()).or_default();
        run.sent_s = run.sent_s.max(run_s);
    }

    /// The server said that it is stored.
    pub(super) fn heard(&self, session: &str, run_s: i64) {
        let mut entries = self.entries();
        entries.figures.heartbeats += 1;
        let run = entries.runs.entry(session.to_owned()).or_default();
        run.acknowledged_s = run.acknowledged_s.max(run_s);
    }

    /// A promise was broken; the first one is told.
    pub(super) fn wrong(&self, what: String) {
        self.entries().wrong.get_or_insert(what);
    }

    pub(super) fn first_wrong(&self) -> Option<String> {
        self.entries().wrong.clone()
    }

    /// What was acknowledged since the last call.
    pub(super) fn unchecked(&self) -> Vec<Stored> {
        let mut entries = self.entries();
        let new = entries.stored[entries.checked..].to_vec();
        entries.checked = entries.stored.len();
        new
    }

    pub(super) fn all(&self) -> Vec<Stored> {
        self.entries().stored.clone()
    }

    pub(super) fn runs(&self) -> BTreeMap<String, Run> {
        self.entries().runs.clone()
    }

    pub(super) fn figures(&self) -> Figures {
        self.entries().figures
    }

    pub(super) fn last_refusal(&self) -> String {
        self.entries().last_refusal.clone()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Only pushes and counts happen under the lock: a thread that panicked elsewhere left it whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
