//! How long to wait: after a failed request, and after a round that did not get everything through.
//!
//! Both double with each failure in a row and are spread at random over their second half, so that a fleet that lost its server does not come
//! back as one. Requests speed up again with every byte that gets through; rounds only with a receipt: a server that takes
//! bytes and never signs for them is asked ever less often.

use core::time::Duration;

/// A hotspot that was away for a moment is back within it.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// The round before left something over: another right away would find the same.
const REST_FIRST: Duration = Duration::from_secs(20);
const REST_MAX: Duration = Duration::from_mins(15);
/// A server that asks for more is asked again all the same: it may have meant somebody else.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    failures: u8,
    poor_rounds: u8,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            failures: 0,
            poor_rounds: 0,
        }
    }

    /// Bytes got through.
    pub(super) const fn moved(&mut self) {
        self.failures = 0;
    }

    /// A recording got through.
    pub(super) const fn proven(&mut self) {
        self.failures = 0;
        self.poor_rounds = 0;
    }

    /// How long to wait after a request that failed.
    pub(super) fn pause(&mut self, retry_after_s: Option<u32>, random: u32) -> Duration {
        let asked_for = Duration::from_secs(u64::from(retry_after_s.unwrap_or(0))).min(RETRY_AFTER_MAX);
        let pause = doubled(PAUSE_FIRST, self.failures, PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        spread(pause.max(asked_for), asked_for, random)
    }

    /// How long to wait after a round that left something over.
    pub(super) fn rest(&mut self, random: u32) -> Duration {
        let rest = doubled(REST_FIRST, self.poor_rounds, REST_MAX);
        self.poor_rounds = self.poor_rounds.saturating_add(1);
        spread(rest, Duration::ZERO, random)
    }
}

fn doubled(first: Duration, times: u8, most: Duration) -> Duration {
    let factor = 1_u32.checked_shl(u32::from(times)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(most)
}

/// Between half of it, or the least, and all of it; where both are one, an eighth more at most.
fn spread(span: Duration, least: Duration, random: u32) -> Duration {
    let from = (span / 2).max(least);
    let width_ms = span.saturating_sub(from).max(span / 8).as_millis();
    let width_ms = u64::try_from(width_ms).unwrap_or(u64::MAX);
    // 0 ≤ random / 2³² < 1.
    let share_ms = (u128::from(width_ms) * u128::from(random)) >> 32;
    from + Duration::from_millis(u64::try_from(share_ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_within_their_bounds() {
        let mut pace = Pace::new();
        let pauses: heapless::Vec<u64, 12> = (0..12).map(|_| pace.pause(None, u32::MAX).as_secs()).collect();
        assert_eq!(pauses, [1, 3, 7, 15, 31, 63, 127, 255, 299, 299, 299, 299]);
        pace.moved();
        assert_eq!(pace.pause(None, 0), Duration::from_secs(1));
    }

    #[test]
    fn a_server_is_given_the_time_that_it_asks_for_within_reason() {
        for random in [0, u32::MAX] {
            let asked = Pace::new().pause(Some(120), random);
            assert!((120..=135).contains(&asked.as_secs()), "{asked:?}");
        }
        assert!(Pace::new().pause(Some(u32::MAX), u32::MAX) <= RETRY_AFTER_MAX * 9 / 8);
    }

    #[test]
    fn rounds_without_a_receipt_get_rare_and_one_receipt_ends_that() {
        let mut pace = Pace::new();
        let rests: heapless::Vec<u64, 8> = (0..8)
            .map(|_| {
                pace.moved();
                pace.rest(0).as_secs()
            })
            .collect();
        assert_eq!(rests, [10, 20, 40, 80, 160, 320, 450, 450]);
        pace.proven();
        assert_eq!(pace.rest(0), Duration::from_secs(10));
    }
}
