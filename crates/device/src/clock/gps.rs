//! The date as a satellite receiver says it.

use super::{Reading, Source, UnixMs};
use crate::time::Instant;

/// The satellites count weeks in ten bits.
const ROLLOVER_MS: i64 = 1024 * 7 * 86_400_000;
/// What receivers say that have never heard a satellite: the first weeks of their count (it began on 1980-01-06).
const NEVER_HEARD_BEFORE: UnixMs = UnixMs(347_155_200_000); // 1981-01-01
/// The navigation solution is good to microseconds; what is late is the message, over 115 200 baud and a ring.
const WITHIN_MS: u32 = 50;

/// One epoch of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpsTime {
    pub epoch_ms: i64,
    /// The receiver calls both date and time valid (UBX-NAV-PVT `validDate`, `validTime` and `fullyResolved`).
    pub valid: bool,
    /// When the epoch was, or when its message began to arrive.
    pub at: Instant,
}

impl GpsTime {
    /// What this says of the date; `None` where the receiver itself does not vouch for it.
    ///
    /// An old receiver's week count has rolled over and it says a day 1 024 weeks ago, or 2 048. There is no firmware of ours
    /// from back then, so the first such day that is not before this firmware is meant.
    pub fn reading(self) -> Option<Reading> {
        let mut utc = UnixMs(self.epoch_ms);
        if !self.valid || utc < NEVER_HEARD_BEFORE {
            return None;
        }
        while utc < UnixMs::EARLIEST {
            utc = UnixMs(utc.0.saturating_add(ROLLOVER_MS));
        }
        Some(Reading {
            source: Source::Gps,
            utc,
            at: self.at,
            within_ms: WITHIN_MS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_305_600_000;

    fn said(epoch_ms: i64, valid: bool) -> Option<UnixMs> {
        let at = Instant::from_secs(5);
        GpsTime { epoch_ms, valid, at }
            .reading()
            .map(|reading| reading.utc)
    }

    #[test]
    fn a_receiver_is_believed_when_it_vouches_for_date_and_time() {
        assert_eq!(said(NOW, true), Some(UnixMs(NOW)));
        assert_eq!(said(NOW, false), None);
    }

    #[test]
    fn a_week_count_that_rolled_over_once_or_twice_is_put_right() {
        assert_eq!(said(NOW - ROLLOVER_MS, true), Some(UnixMs(NOW)));
        assert_eq!(said(NOW - 2 * ROLLOVER_MS, true), Some(UnixMs(NOW)));
    }

    #[test]
    fn a_receiver_that_never_heard_anything_says_nothing() {
        for epoch_ms in [315_964_800_000, 315_964_812_000, 0, -1, i64::MIN] {
            assert_eq!(said(epoch_ms, true), None, "{epoch_ms}");
        }
    }
}
