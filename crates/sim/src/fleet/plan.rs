//! What happens to one device in its rough time, drawn from a seed.

use std::time::Duration;

use device::time::Instant;
use rand::RngExt;

use super::Kind;
use crate::seeded::{SeededRng, seeded};

/// How rough the rough time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Faults {
    /// Rides, and nothing goes wrong.
    None,
    Mild,
    Harsh,
}

/// Something that is done to a device from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    PowerOff,
    PowerOn,
    Network(bool),
    /// Short.
    Press,
}

/// In device time; the acts in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// From when to when it moves.
    pub rides: Vec<(Instant, Instant)>,
    pub acts: Vec<(Instant, Act)>,
    /// From then on nothing goes wrong any more.
    pub good_from: Instant,
}

/// Of a hundred rides, how many end so; the others end by standing still.
struct Ends {
    in_the_ride: u32,
    with_the_key: u32,
    by_the_button: u32,
}

/// Seconds.
type Span = std::ops::Range<u64>;

const RIDE_S: Span = 15..75;
const BETWEEN_RIDES_S: Span = 20..90;
const OFF_S: Span = 5..45;
/// The engine is stopped so long after the last corner.
const KEY_S: Span = 1..12;
const NETWORK_OFF_S: Span = 8..50;
/// Longer than standing still takes to end a recording.
const STANDS_S: u64 = 190;

impl Faults {
    const fn ends(self) -> Ends {
        match self {
            Self::None => Ends {
                in_the_ride: 0,
                with_the_key: 0,
                by_the_button: 80,
            },
            Self::Mild => Ends {
                in_the_ride: 5,
                with_the_key: 25,
                by_the_button: 50,
            },
            Self::Harsh => Ends {
                in_the_ride: 30,
                with_the_key: 40,
                by_the_button: 20,
            },
        }
    }

    /// How long the network stays, in seconds.
    const fn network_s(self) -> Option<Span> {
        match self {
            Self::None => None,
            Self::Mild => Some(100..300),
            Self::Harsh => Some(15..90),
        }
    }
}

impl Plan {
    /// `rough` is in device time.
    pub fn draw(seed: u64, kind: Kind, faults: Faults, rough: Duration) -> Self {
        let mut rng = seeded(seed);
        let mut plan = Self {
            rides: Vec::new(),
            acts: Vec::new(),
            good_from: Instant::BOOT + rough,
        };
        plan.ride(&mut rng, faults);
        plan.lose_networks(&mut rng, faults);
        if kind != Kind::Race {
            // What is always on has no ride to end: its button would ask for another thing.
            plan.rides.clear();
            plan.acts.retain(|(_, act)| *act != Act::Press);
        }
        plan.acts.sort_by_key(|(at, _)| *at);
        plan
    }

    fn ride(&mut self, rng: &mut SeededRng, faults: Faults) {
        let end = self.good_from;
        let mut now = Instant::from_secs(rng.random_range(BETWEEN_RIDES_S));
        while now < end {
            let stop = now + seconds(rng, RIDE_S);
            self.rides.push((now, stop));
            let ends = faults.ends();
            let lot = rng.random_range(0..100);
            now = if lot < ends.in_the_ride {
                let ridden = stop.since(now).mul_f64(rng.random_range(0.05..1.0));
                self.power_cut(rng, now + ridden)
            } else if lot < ends.in_the_ride + ends.with_the_key {
                let at = stop + seconds(rng, KEY_S);
                self.power_cut(rng, at)
            } else if lot < ends.in_the_ride + ends.with_the_key + ends.by_the_button {
                let at = stop + seconds(rng, KEY_S);
                self.acts.push((at, Act::Press));
                at
            } else {
                stop + Duration::from_secs(STANDS_S)
            };
            now = now + seconds(rng, BETWEEN_RIDES_S);
        }
        // Nobody rides on into the good time.
        for (from, to) in &mut self.rides {
            *to = (*to).min(end).max(*from);
        }
    }

    fn power_cut(&mut self, rng: &mut SeededRng, at: Instant) -> Instant {
        let back = at + seconds(rng, OFF_S);
        self.acts.push((at, Act::PowerOff));
        self.acts.push((back, Act::PowerOn));
        back
    }

    fn lose_networks(&mut self, rng: &mut SeededRng, faults: Faults) {
        let Some(there_s) = faults.network_s() else {
            return;
        };
        let mut now = Instant::BOOT + seconds(rng, there_s.clone());
        while now < self.good_from {
            let back = now + seconds(rng, NETWORK_OFF_S);
            self.acts.push((now, Act::Network(false)));
            self.acts.push((back, Act::Network(true)));
            now = back + seconds(rng, there_s.clone());
        }
    }
}

/// With milliseconds, so that no two devices do the same at the same moment.
fn seconds(rng: &mut SeededRng, span: Span) -> Duration {
    Duration::from_millis(rng.random_range(span.start * 1000..span.end * 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUGH: Duration = Duration::from_secs(900);

    #[test]
    fn a_seed_is_a_plan_and_another_seed_another() {
        assert_eq!(
            Plan::draw(1, Kind::Race, Faults::Harsh, ROUGH),
            Plan::draw(1, Kind::Race, Faults::Harsh, ROUGH)
        );
        assert_ne!(
            Plan::draw(1, Kind::Race, Faults::Harsh, ROUGH),
            Plan::draw(2, Kind::Race, Faults::Harsh, ROUGH)
        );
    }

    #[test]
    fn power_and_network_come_back_as_often_as_they_go() {
        for seed in 0..50 {
            let plan = Plan::draw(seed, Kind::Race, Faults::Harsh, ROUGH);
            let count = |wanted| plan.acts.iter().filter(|(_, act)| *act == wanted).count();
            assert_eq!(count(Act::PowerOff), count(Act::PowerOn));
            assert_eq!(count(Act::Network(false)), count(Act::Network(true)));
            assert!(plan.acts.is_sorted_by_key(|(at, _)| *at));
            assert!(plan.rides.iter().all(|(_, to)| *to <= plan.good_from));
        }
    }

    #[test]
    fn without_faults_nothing_is_taken_away() {
        for seed in 0..50 {
            let plan = Plan::draw(seed, Kind::Race, Faults::None, ROUGH);
            assert!(plan.acts.iter().all(|(_, act)| *act == Act::Press));
            assert!(!plan.rides.is_empty());
        }
    }
}
