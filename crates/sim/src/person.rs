//! People around a device: they press its button, switch routers and hotspots, walk up to its access point and away.
//!
//! A person is a list of acts with their moments, written down or drawn from a seed before the world begins. Nothing here
//! reacts, so a world repeats itself.

use core::time::Duration;

use device::link::{NetworkKey, Want};
use device::time::Instant;
use rand::RngExt;

use crate::seeded::seeded;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Switches an access point of the world on or off.
    Switch {
        access_point: usize,
        is_on: bool,
    },
    /// What the device is asked to do with Wi-Fi.
    Want(Want),
    /// The recorder opens or has sealed.
    Recording(bool),
    /// A phone joins the device's own access point.
    JoinAp,
    LeaveAp,
    /// Sends the form of the device's page.
    Form(NetworkKey),
    /// The button goes down or up.
    Button {
        is_down: bool,
    },
}

/// Acts in the order of their moments; of two at one moment the earlier written goes first.
#[derive(Debug, Clone, Default)]
pub struct Person {
    acts: Vec<(Instant, Act)>,
    done: usize,
}

impl Person {
    pub fn new(mut acts: Vec<(Instant, Act)>) -> Self {
        acts.sort_by_key(|&(at, _)| at);
        Self { acts, done: 0 }
    }

    /// Somebody who switches one access point off and on again until `end`, each time for a while between the two bounds.
    pub fn fickle(seed: u64, access_point: usize, each: (Duration, Duration), end: Instant) -> Self {
        let mut rng = seeded(seed);
        let mut acts = Vec::new();
        let mut at = Instant::BOOT;
        let mut is_on = false;
        loop {
            let lasts_us = rng.random_range(each.0.as_micros()..=each.1.as_micros());
            at = at + Duration::from_micros(u64::try_from(lasts_us).unwrap_or(u64::MAX));
            if at >= end {
                return Self::new(acts);
            }
            acts.push((at, Act::Switch { access_point, is_on }));
            is_on = !is_on;
        }
    }

    /// Presses the button at a moment and holds it.
    pub fn presses(mut self, at: Instant, lasts: Duration) -> Self {
        self.acts.push((at, Act::Button { is_down: true }));
        self.acts.push((at + lasts, Act::Button { is_down: false }));
        Self::new(self.acts)
    }

    pub fn next(&self) -> Option<Instant> {
        self.acts.get(self.done).map(|&(at, _)| at)
    }

    /// The next act that is due.
    pub fn act(&mut self, now: Instant) -> Option<Act> {
        let &(at, act) = self.acts.get(self.done)?;
        if at > now {
            return None;
        }
        self.done += 1;
        Some(act)
    }
}
