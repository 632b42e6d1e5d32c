//! For how long storage could not take what the sensors gave, since the last start.

use std::time::Duration;

use device::time::Instant;

/// A block that the card refused is written again by the next pump.
const PUMPED_AGAIN: Duration = Duration::from_millis(100);
/// What waits for longer than this has no room: samples in memory last for 2.4 s, and a block may have waited for half a second before.
const FULL_AFTER: Duration = Duration::from_millis(1_900);
const LATELY: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    /// One after the other.
    spans: Vec<(Instant, Instant)>,
    /// The device has left the card alone, as its state is not known, and does so until it starts again.
    pub(super) has_no_card: bool,
}

impl Blocked {
    pub(super) fn stalls(&mut self, at: Instant, span: Duration) {
        let until = at + span;
        let last = self.spans.last().map_or(at, |(_, until)| *until);
        self.spans.push((at.max(last).min(until), until));
    }

    pub(super) fn fails(&mut self, at: Instant, operations: u64) {
        let times = u32::try_from(operations).unwrap_or(u32::MAX);
        self.stalls(at, PUMPED_AGAIN.saturating_mul(times));
    }

    /// Of the time from then until now.
    pub(super) fn since(&self, from: Instant, now: Instant) -> Duration {
        let spans = self.spans.iter().rev();
        spans
            .map(|(began, ended)| (*ended).min(now).since((*began).max(from)))
            .sum()
    }

    /// Whether samples may be without room now.
    pub(super) fn is_long(&self, now: Instant) -> bool {
        let lately = Instant::BOOT + now.since(Instant::BOOT).saturating_sub(LATELY);
        self.since(lately, now) >= FULL_AFTER
    }
}
