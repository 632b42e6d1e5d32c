//! Whether the device moves, stands or does not know, from fixes.

use core::time::Duration;

use crate::time::Instant;

/// 10 km/h: a receiver that stands wanders more slowly, nobody rides slower for long.
const MOVING_MM_S: u32 = 2800;
/// 5 km/h.
const STANDING_MM_S: u32 = 1400;
/// One bad fix is no ride.
const MOVING_FOR: Duration = Duration::from_secs(1);
/// After the button closed a recording on the move, the next one waits for a stop.
const STOPPED_FOR: Duration = Duration::from_secs(3);
/// Standing for so long ends a recording.
pub const STANDING_SEALS: Duration = Duration::from_secs(180);
/// Without a fix nobody knows. A tunnel is shorter; a garage is not.
pub const BLIND_SEALS: Duration = Duration::from_secs(600);

#[derive(Debug, Clone)]
pub(super) struct Motion {
    /// Since when every fix was fast.
    fast_since: Option<Instant>,
    /// Since when every fix was slow; a lost fix does not end it, because a device in a garage stands.
    slow_since: Option<Instant>,
    blind_since: Option<Instant>,
}

impl Motion {
    pub(super) const fn new() -> Self {
        Self {
            fast_since: None,
            slow_since: None,
            blind_since: None,
        }
    }

    pub(super) fn fix(&mut self, speed_mm_s: u32, now: Instant) {
        let go_on = |since: Option<Instant>, is_so: bool| is_so.then(|| since.unwrap_or(now));
        self.fast_since = go_on(self.fast_since, speed_mm_s >= MOVING_MM_S);
        self.slow_since = go_on(self.slow_since, speed_mm_s < STANDING_MM_S);
        self.blind_since = None;
    }

    pub(super) fn no_fix(&mut self, now: Instant) {
        self.fast_since = None;
        self.blind_since = self.blind_since.or(Some(now));
    }

    pub(super) fn is_moving(&self, now: Instant) -> bool {
        self.fast_since
            .is_some_and(|since| now.since(since) >= MOVING_FOR)
    }

    pub(super) fn has_stopped(&self, now: Instant) -> bool {
        self.slow_since
            .is_some_and(|since| now.since(since) >= STOPPED_FOR)
    }

    /// When a recording that began then has nothing more to record.
    pub(super) fn seals_at(&self, began: Instant) -> Option<Instant> {
        let standing = self.slow_since.map(|since| since.max(began) + STANDING_SEALS);
        let blind = self.blind_since.map(|since| since.max(began) + BLIND_SEALS);
        crate::time::earliest(standing, blind)
    }
}
