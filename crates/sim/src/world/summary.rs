//! What happened in many worlds, counted.

use std::collections::BTreeMap;

use serde::Serialize;

/// Sums; of two runs over parts of the seeds they add up to that over all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub worlds: u64,
    pub recordings: u64,
    pub delivered_bytes: u64,
    pub samples: u64,
    /// Every loss of power that the device did not ask for.
    pub cuts: u64,
    /// Between the moment at which the server had the last byte and that at which the ledger said so.
    pub cuts_during_receipt: u64,
    /// How often each kind of fault happened; not how often it was planned.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Summary {
    pub fn add(&mut self, other: &Self) {
        self.worlds += other.worlds;
        self.recordings += other.recordings;
        self.delivered_bytes += other.delivered_bytes;
        self.samples += other.samples;
        self.cuts += other.cuts;
        self.cuts_during_receipt += other.cuts_during_receipt;
        for (kind, count) in &other.faults {
            self.count(kind, *count);
        }
    }

    pub(super) fn count(&mut self, kind: &'static str, times: u64) {
        if times > 0 {
            *self.faults.entry(kind).or_default() += times;
        }
    }
}
