//! Stretches of time and how long their union is.
//!
//! A device's hours are the length of the union of its sessions, so two sessions that claim the same minute count it once.
//! The total is kept up to date by differences: what one change adds can be told from the sessions that touch it.

use jiff::Timestamp;

const MICROS_PER_S: i64 = 1_000_000;

/// From a moment up to, not including, another; microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from_us: i64,
    pub to_us: i64,
}

impl Span {
    #[must_use]
    pub fn from_start(start: Timestamp, run_s: i64) -> Self {
        let from_us = start.as_microsecond();
        Self {
            from_us,
            to_us: from_us.saturating_add(run_s.saturating_mul(MICROS_PER_S)),
        }
    }

    #[must_use]
    pub fn length_us(self) -> i64 {
        self.to_us - self.from_us
    }
}

/// Length of the union, in microseconds; sorts `spans`.
#[must_use]
pub fn union_us(spans: &mut [Span]) -> i64 {
    spans.sort_unstable();
    let mut total = 0;
    let mut reached = i64::MIN;
    for span in spans {
        let from = span.from_us.max(reached);
        if span.to_us > from {
            total += span.to_us - from;
            reached = span.to_us;
        }
    }
    total
}

/// By how much a device's totals move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shift {
    /// Length of the union.
    pub counted_us: i64,
    /// Sum of the lengths; what it has over the union was claimed more than once.
    pub claimed_us: i64,
}

/// What it makes of a device's totals when the sessions `before` become `after`. `neighbours` are the device's other
/// sessions, of which only those are needed that share time with any of these.
#[must_use]
pub fn shift(before: &[Span], after: &[Span], neighbours: &[Span]) -> Shift {
    let union_with = |spans: &[Span]| union_us(&mut [spans, neighbours].concat());
    let claimed = |spans: &[Span]| spans.iter().map(|span| span.length_us()).sum::<i64>();
    Shift {
        counted_us: union_with(after) - union_with(before),
        claimed_us: claimed(after) - claimed(before),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(from_us: i64, to_us: i64) -> Span {
        Span { from_us, to_us }
    }

    #[test]
    fn a_minute_that_two_sessions_claim_is_counted_once() {
        assert_eq!(union_us(&mut [span(0, 10), span(5, 20), span(30, 31)]), 21);
        assert_eq!(union_us(&mut [span(0, 10), span(2, 3), span(10, 12)]), 12);
        assert_eq!(union_us(&mut [span(5, 5)]), 0);
        assert_eq!(union_us(&mut []), 0);
    }

    /// Time in ticks of one, each of them looked at.
    fn ticks(spans: &[Span]) -> i64 {
        let covered =
            (0..120).filter(|&tick| spans.iter().any(|span| span.from_us <= tick && tick < span.to_us));
        i64::try_from(covered.count()).unwrap()
    }

    fn any_span() -> impl Strategy<Value = Span> {
        (0..100_i64, 0..20_i64).prop_map(|(from, length)| span(from, from + length))
    }

    fn touches(one: Span, other: Span) -> bool {
        one.from_us < other.to_us && other.from_us < one.to_us
    }

    proptest! {
        #[test]
        fn the_union_is_what_counting_every_tick_gives(mut spans in prop::collection::vec(any_span(), 0..20)) {
            let by_ticks = ticks(&spans);
            prop_assert_eq!(union_us(&mut spans), by_ticks);
        }

        #[test]
        fn a_total_kept_by_differences_is_the_total(
            changes in prop::collection::vec(prop::collection::vec((0..6_usize, any_span()), 1..4), 1..20),
        ) {
            let mut sessions: Vec<Option<Span>> = vec![None; 6];
            let (mut counted, mut claimed) = (0, 0);
            for change in changes {
                let mut next = sessions.clone();
                for (session, placed) in change {
                    next[session] = Some(placed);
                }
                let moved: Vec<usize> = (0..6).filter(|&n| sessions[n] != next[n]).collect();
                let before: Vec<Span> = moved.iter().filter_map(|&n| sessions[n]).collect();
                let after: Vec<Span> = moved.iter().filter_map(|&n| next[n]).collect();
                let all = [before.clone(), after.clone()].concat();
                let neighbours: Vec<Span> = (0..6)
                    .filter(|n| !moved.contains(n))
                    .filter_map(|n| next[n])
                    .filter(|&other| all.iter().any(|&one| touches(one, other)))
                    .collect();
                let shift = shift(&before, &after, &neighbours);
                (counted, claimed) = (counted + shift.counted_us, claimed + shift.claimed_us);
                sessions = next;
                let placed: Vec<Span> = sessions.iter().flatten().copied().collect();
                prop_assert_eq!(counted, ticks(&placed));
                prop_assert_eq!(claimed, placed.iter().map(|span| span.length_us()).sum::<i64>());
            }
        }
    }
}
