//! Everything that was heard of one session, boiled down to what decides its hours.
//!
//! Each part of [`Evidence`] is a maximum, so hearing the same twice, late or in another order ends in the same:
//!
//! * the **start claim** of the plausible heartbeat that ranks highest, by the device's own count of corrections and then by
//!   how long the session had run: a clock that was corrected is believed from then on;
//! * the **longest** run that was plausible when it came, with the time it came and the status that goes with it;
//! * the greatest **suspect** run, which is shown and not counted.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};

use super::intervals::Span;
use super::{CLOCK_SLACK, Heartbeat, RUN_MAX, Start};

/// Why a run is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspect {
    /// Less than nothing.
    Negative,
    /// More than 30 days without a break.
    OverThirtyDays,
    /// Longer than from its start until it was heard, and a day.
    LongerThanPossible,
    /// It began before 2020 by a clock that was not set, so nobody can say when.
    ClockUnset,
}

impl Suspect {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::OverThirtyDays => "over_thirty_days",
            Self::LongerThanPossible => "longer_than_possible",
            Self::ClockUnset => "clock_unset",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Negative,
            Self::OverThirtyDays,
            Self::LongerThanPossible,
            Self::ClockUnset,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == text)
    }
}

/// A run that is stored and not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SuspectRun {
    pub run_s: i64,
    pub reason: Suspect,
}

/// When the session began, and how much that is worth. Ordered by worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StartClaim {
    pub revision: i64,
    pub run_s: i64,
    pub last_update: Option<Timestamp>,
    pub at: Timestamp,
}

/// The longest run heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Longest {
    pub run_s: i64,
    pub last_update: Option<Timestamp>,
    pub status: Option<String>,
    /// When it was heard first, by our clock.
    pub received_at: Timestamp,
}

impl Longest {
    fn better_than(&self, other: &Self) -> bool {
        let by_run = self.run_s.cmp(&other.run_s);
        let by_update = by_run.then_with(|| self.last_update.cmp(&other.last_update));
        // Of two words for the same moment the lesser stays: `closed` over `open` and `running`.
        let by_status = by_update.then_with(|| match (&self.status, &other.status) {
            (Some(mine), Some(theirs)) => theirs.cmp(mine),
            (mine, theirs) => mine.is_some().cmp(&theirs.is_some()),
        });
        by_status.then_with(|| other.received_at.cmp(&self.received_at)) == Ordering::Greater
    }
}

/// What is known of one session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evidence {
    pub start: Option<StartClaim>,
    pub longest: Option<Longest>,
    pub suspect: Option<SuspectRun>,
}

/// What a session stands for, after all that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The believed run; 0 where nothing is believed.
    pub run_s: i64,
    /// Where it lies; `None` while its start is not known.
    pub placed: Option<Span>,
    /// The greatest run that is not counted.
    pub suspect: Option<SuspectRun>,
}

impl Evidence {
    /// Adds what a heartbeat says that was received at `now`; says whether that changed anything.
    pub fn hear(&mut self, heard: &Heartbeat, now: Timestamp) -> bool {
        let before = self.clone();
        match suspicion(heard, now) {
            Some(reason) => {
                let run_s = heard.run_s;
                self.suspect = self.suspect.max(Some(SuspectRun { run_s, reason }));
            }
            None => self.believe(heard, now),
        }
        *self != before
    }

    fn believe(&mut self, heard: &Heartbeat, now: Timestamp) {
        if let Start::At { at, revision } = heard.start {
            self.start = self.start.max(Some(StartClaim {
                revision,
                run_s: heard.run_s,
                last_update: heard.last_update,
                at,
            }));
        }
        let longest = Longest {
            run_s: heard.run_s,
            last_update: heard.last_update,
            status: heard.status.clone(),
            received_at: now,
        };
        if self
            .longest
            .as_ref()
            .is_none_or(|known| longest.better_than(known))
        {
            self.longest = Some(longest);
        }
    }

    /// What all of it comes to.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let Some(start) = self.start else {
            return Standing {
                run_s: self.longest.as_ref().map_or(0, |longest| longest.run_s),
                placed: None,
                suspect: self.suspect,
            };
        };
        let mut standing = Standing {
            run_s: start.run_s,
            placed: None,
            suspect: self.suspect,
        };
        // What came without a start, or with one that was corrected since, is measured against the one that is believed.
        if let Some(longest) = &self.longest {
            if fits(longest.run_s, start.at, longest.received_at) {
                standing.run_s = standing.run_s.max(longest.run_s);
            } else {
                standing.suspect = standing.suspect.max(Some(SuspectRun {
                    run_s: longest.run_s,
                    reason: Suspect::LongerThanPossible,
                }));
            }
        }
        standing.placed = Some(Span::from_start(start.at, standing.run_s));
        standing
    }
}

fn suspicion(heard: &Heartbeat, now: Timestamp) -> Option<Suspect> {
    if heard.run_s < 0 {
        return Some(Suspect::Negative);
    }
    if heard.run_s > RUN_MAX.as_secs() {
        return Some(Suspect::OverThirtyDays);
    }
    match heard.start {
        Start::Unset => Some(Suspect::ClockUnset),
        Start::At { at, .. } if !fits(heard.run_s, at, now) => Some(Suspect::LongerThanPossible),
        Start::At { .. } | Start::Unknown => None,
    }
}

/// Whether a session that began at `start` can have run so long when it was heard.
fn fits(run_s: i64, start: Timestamp, received_at: Timestamp) -> bool {
    let possible = received_at.duration_since(start).saturating_add(CLOCK_SLACK);
    SignedDuration::from_secs(run_s) <= possible
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn noon() -> Timestamp {
        at("2026-11-20T12:00:00Z")
    }

    fn boot(run_s: i64, start: Option<&str>) -> Heartbeat {
        let said = json!({"boot_epoch": "e", "boot_number": 1, "run_seconds": run_s, "session_start": start});
        Heartbeat::parse(&said).unwrap()
    }

    fn after(heard: &[(Heartbeat, Timestamp)]) -> Standing {
        let mut evidence = Evidence::default();
        for (heartbeat, received_at) in heard {
            evidence.hear(heartbeat, *received_at);
        }
        evidence.standing()
    }

    #[test]
    fn the_greatest_run_stays_whatever_comes_later() {
        let start = Some("2026-11-20T10:00:00Z");
        let standing = after(&[
            (boot(60, start), noon()),
            (boot(180, start), noon()),
            (boot(120, start), noon()),
            (boot(180, start), noon()),
        ]);
        assert_eq!(
            standing.placed,
            Some(Span::from_start(at("2026-11-20T10:00:00Z"), 180))
        );
    }

    #[test]
    fn more_than_can_have_passed_is_suspect_and_not_counted() {
        let start = Some("2026-11-20T11:00:00Z");
        // One hour since the start and a day of slack.
        let most = 25 * 3600;
        assert_eq!(after(&[(boot(most, start), noon())]).run_s, most);
        let standing = after(&[(boot(60, start), noon()), (boot(most + 1, start), noon())]);
        assert_eq!(standing.run_s, 60);
        let reason = Suspect::LongerThanPossible;
        assert_eq!(
            standing.suspect,
            Some(SuspectRun {
                run_s: most + 1,
                reason
            })
        );

        let long_ago = Some("2025-01-01T00:00:00Z");
        let month = 30 * 86_400;
        assert_eq!(after(&[(boot(month, long_ago), noon())]).run_s, month);
        let standing = after(&[(boot(month + 1, long_ago), noon())]);
        assert_eq!((standing.run_s, standing.placed), (0, None));
        assert_eq!(standing.suspect.unwrap().reason, Suspect::OverThirtyDays);
        assert_eq!(
            after(&[(boot(-1, start), noon())]).suspect.unwrap().reason,
            Suspect::Negative
        );
        let future = Some("2026-11-22T12:00:00Z");
        assert!(after(&[(boot(0, future), noon())]).suspect.is_some());
    }

    #[test]
    fn a_start_by_a_clock_that_was_never_set_is_suspect() {
        let said = json!({"session_start": "2000-01-01T00:00:05Z", "run_seconds": 3600});
        let standing = after(&[(Heartbeat::parse(&said).unwrap(), noon())]);
        assert_eq!((standing.run_s, standing.placed), (0, None));
        assert_eq!(standing.suspect.unwrap().reason, Suspect::ClockUnset);
    }

    #[test]
    fn a_session_that_gets_its_time_later_is_one_session() {
        let untimed = after(&[(boot(600, None), noon())]);
        assert_eq!((untimed.run_s, untimed.placed), (600, None));
        let start = "2026-11-20T11:50:00Z";
        let timed = after(&[(boot(600, None), noon()), (boot(300, Some(start)), noon())]);
        assert_eq!(timed.placed, Some(Span::from_start(at(start), 600)));
    }

    #[test]
    fn a_run_without_time_is_measured_once_the_start_is_known() {
        let start = "2026-11-20T11:50:00Z";
        let absurd = 20 * 86_400;
        let standing = after(&[(boot(absurd, None), noon()), (boot(300, Some(start)), noon())]);
        assert_eq!(standing.placed, Some(Span::from_start(at(start), 300)));
        assert_eq!(standing.suspect.unwrap().run_s, absurd);
    }

    #[test]
    fn a_corrected_clock_is_believed_from_then_on() {
        let (wrong, right) = (Some("2026-11-19T10:00:00Z"), Some("2026-11-20T10:00:00Z"));
        let heard = [(boot(120, right), noon()), (boot(60, wrong), noon())];
        assert_eq!(
            after(&heard).placed,
            Some(Span::from_start(at("2026-11-20T10:00:00Z"), 120))
        );
        // After the end only the device's own count tells which start is the later one.
        let said = json!({"boot_epoch": "e", "boot_number": 1, "run_seconds": 60, "start_revision": 1,
            "session_start": "2026-11-20T09:00:00Z"});
        let counted = Heartbeat::parse(&said).unwrap();
        let heard = [(counted, noon()), (boot(120, right), noon())];
        assert_eq!(
            after(&heard).placed,
            Some(Span::from_start(at("2026-11-20T09:00:00Z"), 120))
        );
    }

    fn any_heartbeat() -> impl Strategy<Value = Heartbeat> {
        let run = prop_oneof![
            0..200_i64,
            Just(-5),
            86_000..100_000_i64,
            Just(i64::from(u32::MAX))
        ];
        let start = prop_oneof![
            Just(Start::Unknown),
            (-100..100_i64, 0..2_i64).prop_map(|(offset_s, revision)| {
                Start::At {
                    at: noon() + SignedDuration::from_secs(offset_s),
                    revision,
                }
            })
        ];
        let status = prop_oneof![
            Just(None),
            Just(Some("open".to_owned())),
            Just(Some("closed".to_owned()))
        ];
        (run, start, prop::option::of(0..3_i64), status).prop_map(|(run_s, start, update, status)| {
            Heartbeat {
                run_s,
                start,
                last_update: update.map(|offset_s| noon() + SignedDuration::from_secs(offset_s)),
                status,
                ..boot(0, None)
            }
        })
    }

    proptest! {
        #[test]
        fn order_and_repetition_change_nothing(
            heard in prop::collection::vec((any_heartbeat(), 0..100_i64), 1..12),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            shuffle in any::<u64>(),
        ) {
            let received = |offset_s: i64| noon() + SignedDuration::from_secs(offset_s);
            let mut in_order = Evidence::default();
            for (heartbeat, offset_s) in &heard {
                in_order.hear(heartbeat, received(*offset_s));
            }
            let mut other = heard.clone();
            other.extend(again.iter().map(|index| heard[index.index(heard.len())].clone()));
            let length = other.len() as u64;
            // Any permutation will do.
            other.sort_by_cached_key(|(heartbeat, offset_s)| {
                (heartbeat.run_s.unsigned_abs().wrapping_add(offset_s.unsigned_abs())).wrapping_mul(shuffle | 1) % (length * 7)
            });
            let mut otherwise = Evidence::default();
            for (heartbeat, offset_s) in &other {
                otherwise.hear(heartbeat, received(*offset_s));
            }
            prop_assert_eq!(&otherwise, &in_order);
            for (heartbeat, offset_s) in &heard {
                prop_assert!(!otherwise.hear(heartbeat, received(*offset_s)), "a repetition changed something");
            }
        }
    }
}
