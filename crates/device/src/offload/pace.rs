//! How long to wait: after a failed request, and after a round that did not get everything through.
//!
//! Both double with each failure in a row and are spread at random over their second half, so that a fleet that lost its server does not come
//! back as one. Requests speed up again with every byte that gets through; rounds only with a receipt: a server that takes
//! bytes and never signs for them is asked ever less often.

use core::time::Duration;

use crate::jitter::Jitter;

/// A hotspot that was away for a moment is back within it.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// The round before left something over: another right away would find the same.
const REST_FIRST: Duration = Duration::from_secs(20);
const REST_MAX: Duration = Duration::from_mins(15);
/// A server that asks for more is asked again all the same: it may have meant somebody else.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

#[derive(Debug, Clone)]
pub(super) struct Pace {
    failures: u8,
    poor_rounds: u8,
    jitter: Jitter,
}

impl Pace {
    pub(super) const fn new(seed: u32) -> Self {
        Self {
            failures: 0,
            poor_rounds: 0,
            jitter: Jitter::new(seed),
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
    pub(super) fn pause(&mut self, retry_after_s: Option<u32>) -> Duration {
        let asked_for = Duration::from_secs(u64::from(retry_after_s.unwrap_or(0))).min(RETRY_AFTER_MAX);
        let pause = doubled(PAUSE_FIRST, self.failures, PAUSE_MAX);
        self.failures = self.failures.saturating_add(1);
        spread(pause.max(asked_for), asked_for, &mut self.jitter)
    }

    /// How long to wait after a round that left something over.
    pub(super) fn rest(&mut self) -> Duration {
        let rest = doubled(REST_FIRST, self.poor_rounds, REST_MAX);
        self.poor_rounds = self.poor_rounds.saturating_add(1);
        spread(rest, Duration::ZERO, &mut self.jitter)
    }
}

fn doubled(first: Duration, times: u8, most: Duration) -> Duration {
    let factor = 1_u32.checked_shl(u32::from(times)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(most)
}

/// Between half of it, or the least, and all of it; where both are one, an eighth more at most.
fn spread(span: Duration, least: Duration, jitter: &mut Jitter) -> Duration {
    let from = (span / 2).max(least);
    let width_ms = span.saturating_sub(from).max(span / 8).as_millis();
    let width_ms = u32::try_from(width_ms).unwrap_or(u32::MAX);
    from + Duration::from_millis(u64::from(jitter.up_to(width_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(pause: Duration) -> u64 {
        pause.as_secs()
    }

    #[test]
    fn pauses_double_within_their_bounds() {
        for seed in 0..50 {
            let mut pace = Pace::new(seed);
            for most_s in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
                let pause = pace.pause(None);
                assert!(
                    (most_s / 2..=most_s).contains(&seconds(pause)),
                    "{pause:?} {most_s}"
                );
            }
            pace.moved();
            assert!(pace.pause(None) <= PAUSE_FIRST);
        }
    }

    #[test]
    fn two_devices_do_not_come_back_as_one() {
        let pauses = |seed| {
            let mut pace = Pace::new(seed);
            [0; 4].map(|_| pace.pause(None))
        };
        assert_ne!(pauses(1), pauses(2));
    }

    #[test]
    fn a_server_is_given_the_time_that_it_asks_for_within_reason() {
        for seed in 0..50 {
            let asked = Pace::new(seed).pause(Some(120));
            assert!((120..=135).contains(&seconds(asked)), "{asked:?}");
            assert!(Pace::new(seed).pause(Some(u32::MAX)) <= RETRY_AFTER_MAX * 9 / 8);
        }
    }

    #[test]
    fn rounds_without_a_receipt_get_rare_and_one_receipt_ends_that() {
        let mut pace = Pace::new(7);
        for most_s in [20, 40, 80, 160, 320, 640, 900, 900] {
            pace.moved();
            assert!((most_s / 2..=most_s).contains(&seconds(pace.rest())));
        }
        pace.proven();
        assert!(pace.rest() <= REST_FIRST);
    }
}
