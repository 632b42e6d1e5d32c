//! The station's half of [`Link`]: looking, joining, losing.

use super::*;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Station {
    Idle,
    /// The `scans`th look of this round.
    Scanning {
        attempt: Attempt,
        scans: u8,
        until: Instant,
    },
    /// After so many looks of this round; none after its end.
    Pausing {
        scans: u8,
        until: Instant,
    },
    /// The access point is on its way to the network's channel.
    Moving {
        network: Candidate,
        until: Instant,
    },
    Joining {
        attempt: Attempt,
        key: NetworkKey,
        channel: u8,
        is_associated: bool,
        until: Instant,
    },
    Connected {
        attempt: Attempt,
        key: NetworkKey,
        channel: u8,
        since: Instant,
        /// Nobody has found yet that nothing answers behind it.
        is_useful: bool,
    },
    GaveUp,
}

impl Station {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Scanning { until, .. }
            | Self::Pausing { until, .. }
            | Self::Moving { until, .. }
            | Self::Joining { until, .. } => Some(*until),
            Self::Idle | Self::Connected { .. } | Self::GaveUp => None,
        }
    }

    /// The network that is joined or about to be.
    pub(super) fn engaged_with(&self) -> Option<NetworkKey> {
        match self {
            Self::Moving { network, .. } => Some(network.key),
            Self::Joining { key, .. } | Self::Connected { key, .. } => Some(*key),
            Self::Idle | Self::Scanning { .. } | Self::Pausing { .. } | Self::GaveUp => None,
        }
    }

    /// Where the radio has to be.
    pub(super) fn channel(&self) -> Option<u8> {
        match self {
            Self::Connected { channel, .. } => Some(*channel),
            Self::Idle
            | Self::Scanning { .. }
            | Self::Pausing { .. }
            | Self::Moving { .. }
            | Self::Joining { .. }
            | Self::GaveUp => None,
        }
    }

    fn is_searching(&self) -> bool {
        matches!(self, Self::Idle | Self::Scanning { .. } | Self::Pausing { .. })
    }
}

impl Link {
    pub(super) fn settle_station(&mut self, now: Instant) {
        if !self.may_search() {
            self.stop_search();
            return;
        }
        match self.station.clone() {
            Station::Idle => self.scan(1, now),
            Station::Pausing { scans, until } if now >= until => self.scan(scans.saturating_add(1), now),
            Station::Scanning { attempt, until, .. } if now >= until => self.scan_failed(attempt, now),
            Station::Moving { network, until } if now >= until => self.join(network, now),
            Station::Joining {
                attempt,
                is_associated,
                until,
                ..
            } if now >= until => {
                let why = if is_associated {
                    JoinFailure::NoAddress
                } else {
                    JoinFailure::Timeout
                };
                self.join_failed(attempt, why, now);
            }
            Station::Scanning { .. }
            | Station::Pausing { .. }
            | Station::Moving { .. }
            | Station::Joining { .. }
            | Station::Connected { .. }
            | Station::GaveUp => {}
        }
    }

    /// Scans and joins pull the radio off the access point's channel, so they wait for its start and for its clients; a
    /// client's own form is what they wait for. Where nothing is known there is one look round all the same, for the page's list.
    fn may_search(&self) -> bool {
        let is_for_list = self.want == Want::SetupAp && !self.has_looked_round;
        let is_useful = !self.networks.is_empty() || is_for_list;
        let has_reason = self.form.is_some() || (is_useful && !self.ap.has_client());
        has_reason && !self.ap.is_starting()
    }

    fn stop_search(&mut self) {
        match self.station {
            Station::Joining { .. } => {
                self.push(Output::Disconnect);
                self.station = Station::Idle;
            }
            Station::Scanning { .. } | Station::Pausing { .. } | Station::Moving { .. } => {
                self.station = Station::Idle;
            }
            Station::Idle | Station::Connected { .. } | Station::GaveUp => {}
        }
    }

    /// Something changed that may make the next look worth while.
    pub(super) fn search_anew(&mut self, now: Instant) {
        self.without_since = now;
        self.long_pause = None;
        if matches!(self.station, Station::Pausing { .. } | Station::GaveUp) {
            self.station = Station::Idle;
        }
    }

    pub(super) fn end_long_pause(&mut self) {
        if self.long_pause.take().is_some() && matches!(self.station, Station::Pausing { .. }) {
            self.station = Station::Idle;
        }
    }

    fn next_attempt(&mut self) -> Attempt {
        self.last_attempt = self.last_attempt.wrapping_add(1);
        Attempt(self.last_attempt)
    }

    fn scan(&mut self, scans: u8, now: Instant) {
        let attempt = self.next_attempt();
        self.station = Station::Scanning {
            attempt,
            scans,
            until: now + SCAN_TIMEOUT,
        };
        self.push(Output::Scan { attempt });
    }

    pub(super) fn scan_failed(&mut self, of: Attempt, now: Instant) {
        if let Station::Scanning { attempt, scans, .. } = self.station
            && attempt == of
        {
            // It says nothing of the networks: what was tried stays so.
            self.look_again(scans, now);
        }
    }

    pub(super) fn scan_done(&mut self, of: Attempt, seen: &[Seen], now: Instant) {
        let Station::Scanning { attempt, scans, .. } = self.station else {
            return;
        };
        if attempt != of {
            return;
        }
        if let Some(hotspot) = &mut self.hotspot
            && self.networks.sees(hotspot.key, seen)
        {
            hotspot.is_seen = true;
        }
        match self.networks.pick(seen, self.choice(now)) {
            Picked::Try(network) => self.approach(network, now),
            Picked::AllTried => {
                self.networks.end_round();
                self.end_round(now);
            }
            Picked::Nothing => {
                if scans >= SCANS_MAX {
                    self.networks.end_round();
                }
                self.look_again(scans, now);
            }
        }
    }

    fn look_again(&mut self, scans: u8, now: Instant) {
        if scans < SCANS_MAX {
            self.station = Station::Pausing {
                scans,
                until: now + GAP,
            };
        } else {
            self.end_round(now);
        }
    }

    fn end_round(&mut self, now: Instant) {
        self.has_looked_round = true;
        if core::mem::take(&mut self.is_elsewhere) {
            self.elsewhere_from = now + ELSEWHERE_PAUSE;
        }
        if let Some(network) = self.form.take() {
            let why = JoinFailure::NotFound;
            self.push(Output::Event(Event::JoinFailed { network, why }));
        }
        let pause = self.pause(now);
        if pause > PAUSE_SHORT && self.ap.is_down() {
            self.switch_radio_off();
        }
        self.station = Station::Pausing {
            scans: 0,
            until: now + pause,
        };
    }

    fn pause(&mut self, now: Instant) -> Duration {
        if self.hotspot.is_some() {
            return GAP;
        }
        let is_patient = self.power == Power::Battery && now.since(self.without_since) >= PAUSE_GROWS_AFTER;
        if !is_patient {
            return Duration::from_millis(u64::from(3000 + self.jitter.up_to(2000)));
        }
        let pause = (self.long_pause.unwrap_or(PAUSE_SHORT) * 2).min(PAUSE_LONG);
        self.long_pause = Some(pause);
        // Up to a tenth less, so that a yard full of devices does not call in step.
        pause - pause * self.jitter.up_to(100) / 1000
    }

    fn choice(&self, now: Instant) -> Choice {
        if let Some(key) = self.form {
            return Choice::Only(key);
        }
        match &self.hotspot {
            None => Choice::Any,
            Some(hotspot) => {
                let is_alone = now.since(hotspot.since) < HOTSPOT_UNSEEN;
                if is_alone && !self.networks.was_tried(hotspot.key) {
                    Choice::Only(hotspot.key)
                } else {
                    Choice::First(hotspot.key)
                }
            }
        }
    }

    fn approach(&mut self, network: Candidate, now: Instant) {
        match self.ap.follow(network.channel) {
            Some(channel) => {
                self.push(Output::MoveApTo { channel });
                self.station = Station::Moving {
                    network,
                    until: now + AP_MOVE,
                };
            }
            None => self.join(network, now),
        }
    }

    fn join(&mut self, network: Candidate, now: Instant) {
        let attempt = self.next_attempt();
        self.station = Station::Joining {
            attempt,
            key: network.key,
            channel: network.channel,
            is_associated: false,
            until: now + JOIN_TIMEOUT,
        };
        self.push(Output::Disconnect);
        self.push(Output::Join { attempt, network });
    }

    pub(super) fn associated(&mut self, of: Attempt) {
        if let Station::Joining {
            attempt,
            is_associated,
            ..
        } = &mut self.station
            && *attempt == of
        {
            *is_associated = true;
        }
    }

    pub(super) fn connected(&mut self, of: Attempt, now: Instant) {
        let Station::Joining {
            attempt,
            key,
            channel,
            ..
        } = self.station
        else {
            return;
        };
        if attempt != of {
            return;
        }
        self.station = Station::Connected {
            attempt,
            key,
            channel,
            since: now,
            is_useful: true,
        };
        self.form = None;
        let last_success = self.networks.succeed(key);
        self.push(Output::PowerSave(!self.is_transferring));
        self.push(Output::Event(Event::Connected {
            network: key,
            last_success,
        }));
    }

    pub(super) fn join_failed(&mut self, of: Attempt, why: JoinFailure, now: Instant) {
        let Station::Joining { attempt, key, .. } = self.station else {
            return;
        };
        if attempt != of {
            return;
        }
        self.networks.mark_tried(key);
        self.form = None;
        self.push(Output::Disconnect);
        self.push(Output::Event(Event::JoinFailed { network: key, why }));
        self.look_again(0, now);
    }

    pub(super) fn lost(&mut self, of: Attempt, now: Instant) {
        match self.station {
            // Thrown out between association and address.
            Station::Joining { attempt, .. } if attempt == of => {
                self.join_failed(attempt, JoinFailure::Other, now);
            }
            Station::Connected { attempt, .. } if attempt == of => {
                self.note_loss(now);
                self.look_again(0, now);
            }
            Station::Joining { .. }
            | Station::Connected { .. }
            | Station::Idle
            | Station::Scanning { .. }
            | Station::Pausing { .. }
            | Station::Moving { .. }
            | Station::GaveUp => {}
        }
    }

    pub(super) fn look_elsewhere(&mut self, now: Instant) {
        let Station::Connected { key, is_useful, .. } = &mut self.station else {
            return;
        };
        *is_useful = false;
        if now >= self.elsewhere_from && self.networks.has_others_than(*key) {
            self.is_elsewhere = true;
            self.leave(now);
        }
    }

    /// Lets go of a network that is joined or being joined.
    pub(super) fn leave(&mut self, now: Instant) {
        match self.station {
            Station::Connected { .. } | Station::Joining { .. } => self.push(Output::Disconnect),
            Station::Moving { .. } => {}
            Station::Idle | Station::Scanning { .. } | Station::Pausing { .. } | Station::GaveUp => return,
        }
        self.note_loss(now);
        self.station = Station::Idle;
    }

    /// What the end of a connection means for the search after it.
    pub(super) fn note_loss(&mut self, now: Instant) {
        let Station::Connected {
            key,
            since,
            is_useful,
            ..
        } = self.station
        else {
            return;
        };
        if is_useful && now.since(since) >= LASTED {
            self.networks.forget_failures();
        } else {
            self.networks.mark_tried(key);
        }
        if let Some(hotspot) = &mut self.hotspot {
            *hotspot = Hotspot::new(hotspot.key, now);
        }
        self.without_since = now;
        self.long_pause = None;
        self.push(Output::Event(Event::Lost));
    }

    pub(super) fn settle_hotspot(&mut self, now: Instant) {
        if !self.station.is_searching() {
            return;
        }
        let Some(hotspot) = &mut self.hotspot else {
            return;
        };
        let searched = now.since(hotspot.since);
        let is_news = !hotspot.is_seen && !hotspot.is_said && searched >= HOTSPOT_UNSEEN;
        hotspot.is_said |= is_news;
        if is_news {
            self.push(Output::Event(Event::HotspotNotFound));
        }
        if searched >= HOTSPOT_SEARCH {
            self.push(Output::Event(Event::GaveUp));
            self.station = Station::GaveUp;
            self.form = None;
            self.switch_radio_off();
        }
    }

    pub(super) fn hotspot_deadline(&self) -> Option<Instant> {
        let hotspot = self.hotspot.filter(|_| self.station.is_searching())?;
        let is_open = !hotspot.is_seen && !hotspot.is_said;
        let span = if is_open { HOTSPOT_UNSEEN } else { HOTSPOT_SEARCH };
        Some(hotspot.since + span)
    }
}
