//! The device's radio and its driver: takes orders, and answers after the time that the real one takes.

use core::time::Duration;
use std::collections::BTreeMap;

use device::link::{Attempt, Candidate, JoinFailure, Output, Seen};
use device::time::Instant;
use rand::RngExt;

use super::access_point::{AccessPoint, Trouble};
use super::bench::HeldNetwork;
use crate::seeded::{SeededRng, seeded};

/// An input of the link, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    ScanDone { attempt: Attempt, seen: Vec<Seen> },
    ScanFailed { attempt: Attempt },
    Joined { attempt: Attempt },
    GotAddress { attempt: Attempt },
    JoinFailed { attempt: Attempt, why: JoinFailure },
    Lost { attempt: Attempt },
    NoInternet,
    ApStarted,
    ApFailed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Scan {
        attempt: Attempt,
        began: Instant,
    },
    Associate {
        attempt: Attempt,
        with: usize,
        key: u8,
    },
    /// The name was not on the air.
    Miss {
        attempt: Attempt,
    },
    Address {
        attempt: Attempt,
        with: usize,
    },
    FindNoInternet,
    Lose {
        attempt: Attempt,
    },
    StartAp,
}

#[derive(Debug)]
pub struct Radio {
    pub access_points: Vec<AccessPoint>,
    /// So many scans fail before one works again; half of them say so, the others never answer.
    pub scans_that_fail: u32,
    /// So many starts of the access point fail.
    pub ap_starts_that_fail: u32,
    /// How often each kind of trouble was met.
    pub befell: BTreeMap<&'static str, u64>,
    is_ap_up: bool,
    joined: Option<(Attempt, usize)>,
    has_address: bool,
    doing: Vec<(Instant, Doing)>,
    rng: SeededRng,
}

impl Radio {
    pub fn new(seed: u64, access_points: Vec<AccessPoint>) -> Self {
        Self {
            access_points,
            scans_that_fail: 0,
            ap_starts_that_fail: 0,
            befell: BTreeMap::new(),
            is_ap_up: false,
            joined: None,
            has_address: false,
            doing: Vec::new(),
            rng: seeded(seed),
        }
    }

    pub fn is_ap_up(&self) -> bool {
        self.is_ap_up
    }

    /// The access point that the device has an address from, while it is on the air.
    pub fn connected_to(&self) -> Option<usize> {
        let (_, index) = self.joined?;
        (self.has_address && self.access_points[index].is_on()).then_some(index)
    }

    pub fn switch(&mut self, index: usize, is_on: bool, now: Instant) {
        let Some(access_point) = self.access_points.get_mut(index) else {
            return;
        };
        if access_point.is_on() == is_on {
            return;
        }
        access_point.on_since = is_on.then_some(now);
        if let Some((attempt, with)) = self.joined
            && with == index
            && !is_on
        {
            // Missed beacons are noticed after some seconds.
            let after = self.between_ms(1000, 3000);
            self.doing.push((now + after, Doing::Lose { attempt }));
        }
    }

    pub fn order(&mut self, output: &Output, now: Instant) {
        match output {
            Output::Scan { attempt } => {
                self.stop(|doing| matches!(doing, Doing::Scan { .. }));
                let began = now;
                let attempt = *attempt;
                let after = self.between_ms(1800, 3500);
                self.doing.push((now + after, Doing::Scan { attempt, began }));
            }
            Output::Disconnect => self.disconnect(),
            Output::Join { attempt, network } => self.join(*attempt, network, now),
            Output::StartAp { .. } => {
                self.stop(|doing| matches!(doing, Doing::StartAp));
                self.doing
                    .push((now + Duration::from_millis(250), Doing::StartAp));
            }
            Output::StopAp => {
                self.stop(|doing| matches!(doing, Doing::StartAp));
                self.is_ap_up = false;
            }
            Output::RadioOff => {
                self.doing.clear();
                self.joined = None;
                self.has_address = false;
                self.is_ap_up = false;
            }
            Output::MoveApTo { .. } | Output::PowerSave(_) | Output::Event(_) | Output::RestartForAp => {}
        }
    }

    fn join(&mut self, attempt: Attempt, network: &Candidate, now: Instant) {
        // A driver that is told to join while it is joined refuses; the link promises to disconnect first.
        if self.joined.is_some() {
            self.doing.push((now, Doing::Miss { attempt }));
            return;
        }
        let name = network.ssid.as_bytes();
        let mut calls = self.access_points.iter();
        let with = calls.position(|it| it.is_on() && it.ssid == name && it.channel == network.channel);
        let (after, doing) = match with {
            Some(with) => {
                let key = network.key.0;
                (
                    self.between_ms(300, 3000),
                    Doing::Associate { attempt, with, key },
                )
            }
            None => (self.between_ms(1000, 2500), Doing::Miss { attempt }),
        };
        self.doing.push((now + after, doing));
    }

    fn befell(&mut self, kind: &'static str) {
        *self.befell.entry(kind).or_default() += 1;
    }

    fn disconnect(&mut self) {
        self.stop(|doing| !matches!(doing, Doing::Scan { .. } | Doing::StartAp));
        self.joined = None;
        self.has_address = false;
    }

    fn stop(&mut self, which: impl Fn(&Doing) -> bool) {
        self.doing.retain(|(_, doing)| !which(doing));
    }

    fn between_ms(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(least..=most))
    }

    pub fn next(&self) -> Option<Instant> {
        self.doing.iter().map(|&(at, _)| at).min()
    }

    /// The next answer that is due. One thing that was done may have none, and is then followed by the next.
    pub fn answer(&mut self, now: Instant, held: &[HeldNetwork]) -> Option<Answer> {
        loop {
            let at = self.next().filter(|&at| at <= now)?;
            let index = self.doing.iter().position(|&(due, _)| due == at)?;
            let (_, doing) = self.doing.remove(index);
            if let Some(answer) = self.finish(doing, now, held) {
                return Some(answer);
            }
        }
    }

    fn finish(&mut self, doing: Doing, now: Instant, held: &[HeldNetwork]) -> Option<Answer> {
        match doing {
            Doing::Scan { attempt, began } => self.finish_scan(attempt, began),
            Doing::Associate { attempt, with, key } => self.finish_association(attempt, with, key, now, held),
            Doing::Miss { attempt } => Some(Answer::JoinFailed {
                attempt,
                why: JoinFailure::NotFound,
            }),
            Doing::Address { attempt, with } => self.finish_address(attempt, with, now),
            // Whoever sends tries again, and finds the same.
            Doing::FindNoInternet => {
                self.befell("no internet");
                let after = self.between_ms(20_000, 40_000);
                self.doing.push((now + after, Doing::FindNoInternet));
                Some(Answer::NoInternet)
            }
            Doing::Lose { attempt } => {
                self.befell("network lost");
                self.disconnect();
                Some(Answer::Lost { attempt })
            }
            Doing::StartAp if self.ap_starts_that_fail > 0 => {
                self.ap_starts_that_fail -= 1;
                Some(Answer::ApFailed)
            }
            Doing::StartAp => {
                self.is_ap_up = true;
                Some(Answer::ApStarted)
            }
        }
    }

    fn finish_scan(&mut self, attempt: Attempt, began: Instant) -> Option<Answer> {
        if self.scans_that_fail > 0 {
            self.scans_that_fail -= 1;
            self.befell("scan fails");
            return self
                .scans_that_fail
                .is_multiple_of(2)
                .then_some(Answer::ScanFailed { attempt });
        }
        let all = self.access_points.iter();
        let seen = all.filter_map(|it| it.seen_by_scan(began)).collect();
        Some(Answer::ScanDone { attempt, seen })
    }

    fn finish_association(
        &mut self,
        attempt: Attempt,
        with: usize,
        key: u8,
        now: Instant,
        held: &[HeldNetwork],
    ) -> Option<Answer> {
        let access_point = &self.access_points[with];
        let mut passwords = held.iter().filter(|it| it.key == key);
        let knows_password = passwords.any(|it| it.password == access_point.password);
        if !access_point.is_on() {
            let why = JoinFailure::NotFound;
            return Some(Answer::JoinFailed { attempt, why });
        }
        if access_point.trouble == Trouble::JoinHangs {
            self.befell("join hangs");
            return None;
        }
        if !knows_password {
            self.befell("wrong password");
            let why = JoinFailure::WrongPassword;
            return Some(Answer::JoinFailed { attempt, why });
        }
        let has_addresses = access_point.trouble != Trouble::NoAddress;
        self.joined = Some((attempt, with));
        if !has_addresses {
            self.befell("no address");
        }
        if has_addresses {
            let after = self.between_ms(100, 3000);
            self.doing.push((now + after, Doing::Address { attempt, with }));
        }
        Some(Answer::Joined { attempt })
    }

    fn finish_address(&mut self, attempt: Attempt, with: usize, now: Instant) -> Option<Answer> {
        if !self.access_points[with].is_on() {
            return None;
        }
        self.has_address = true;
        match self.access_points[with].trouble {
            Trouble::NoInternet => {
                let after = self.between_ms(500, 5000);
                self.doing.push((now + after, Doing::FindNoInternet));
            }
            Trouble::Drops { after_s } => {
                let after = Duration::from_secs(u64::from(after_s));
                self.doing.push((now + after, Doing::Lose { attempt }));
            }
            Trouble::None | Trouble::JoinHangs | Trouble::NoAddress => {}
        }
        Some(Answer::GotAddress { attempt })
    }
}
