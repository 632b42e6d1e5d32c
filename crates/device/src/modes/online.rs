//! Devices that are always online: uptime loggers and cameras.
//!
//! ```text
//!            3 min without a connection, a press, or nothing known
//!   Online ────────────────────────────────────────────────────────► Setup
//!     ▲                                                                │
//!     └── a minute after a connection · 10 min over (and something known) ──┘
//! ```
//!
//! A router takes 2 minutes to start, so that a power cut at home opens no access point; and a phone that forgot itself on the access
//! point keeps the device from its router for 10 minutes at most. With a low battery the radio is off.

use core::time::Duration;

use super::battery::{Battery, Level};
use super::io::{Advertise, Input, Wishes};
use super::{PAIRING_WINDOW, SETUP_ALONE, SETUP_LINGERS, Want};
use crate::signal::{Activity, Press};
use crate::time::{Instant, earliest};

const OFFLINE_OPENS_AP: Duration = Duration::from_secs(180);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The moment when it counts as being without a connection for too long.
    Online { opens_ap_at: Option<Instant> },
    /// For good where nothing is known.
    Setup { until: Option<Instant> },
}

#[derive(Debug, Clone)]
pub(super) struct Online {
    mode: Mode,
    battery: Battery,
    /// Nothing until `settings` were read.
    has_networks: Option<bool>,
    is_connected: bool,
    pairing_until: Option<Instant>,
}

impl Online {
    pub(super) const fn new() -> Self {
        Self {
            mode: Mode::Setup { until: None },
            battery: Battery::new(),
            has_networks: None,
            is_connected: false,
            pairing_until: None,
        }
    }

    pub(super) fn handle(&mut self, input: Input, now: Instant) -> Wishes {
        self.take(input, now);
        self.settle(now);
        self.wishes()
    }

    fn take(&mut self, input: Input, now: Instant) {
        match input {
            Input::Networks(count) => self.set_networks(count > 0, now),
            Input::Connected => {
                self.is_connected = true;
                if let Mode::Setup { until } = &mut self.mode {
                    *until = Some(now + SETUP_LINGERS);
                }
                if let Mode::Online { opens_ap_at } = &mut self.mode {
                    *opens_ap_at = None;
                }
            }
            Input::Disconnected => {
                self.is_connected = false;
                if let Mode::Online { opens_ap_at } = &mut self.mode {
                    *opens_ap_at = Some(now + OFFLINE_OPENS_AP);
                }
            }
            Input::Battery { mv } => self.battery.measured(mv, now),
            Input::Mains(is_on) => self.battery.set_mains(is_on),
            Input::Press(Press::Held) => self.pairing_until = Some(now + PAIRING_WINDOW),
            Input::Press(Press::Short | Press::AtBoot) | Input::SetupAsked => {
                self.mode = Mode::Setup {
                    until: Some(now + SETUP_ALONE),
                };
            }
            Input::Tick
            | Input::Fix { .. }
            | Input::NoFix
            | Input::Opened
            | Input::OpenFailed
            | Input::Sealed
            | Input::CardFull(_)
            | Input::AutoSync(_)
            | Input::Pending(_)
            | Input::SyncAsked(_)
            | Input::SyncStopped
            | Input::SearchGaveUp
            | Input::ApClients(_)
            | Input::OffloadDone
            | Input::OffloadFailed => {}
        }
    }

    fn set_networks(&mut self, has_networks: bool, now: Instant) {
        let had = self.has_networks.replace(has_networks);
        match (had, has_networks) {
            (_, false) => self.mode = Mode::Setup { until: None },
            (None, true) => self.mode = self.offline(now),
            // Given on the page, which stays to tell the outcome.
            (Some(false), true) => {
                self.mode = Mode::Setup {
                    until: Some(now + SETUP_ALONE),
                }
            }
            (Some(true), true) => {}
        }
    }

    fn offline(&self, now: Instant) -> Mode {
        Mode::Online {
            opens_ap_at: (!self.is_connected).then_some(now + OFFLINE_OPENS_AP),
        }
    }

    fn settle(&mut self, now: Instant) {
        self.pairing_until = self.pairing_until.filter(|&until| now < until);
        match self.mode {
            Mode::Online { opens_ap_at } if opens_ap_at.is_some_and(|at| now >= at) => {
                self.mode = Mode::Setup {
                    until: Some(now + SETUP_ALONE),
                };
            }
            Mode::Setup { until } if until.is_some_and(|at| now >= at) => {
                self.mode = if self.has_networks == Some(true) {
                    self.offline(now)
                } else {
                    Mode::Setup { until: None }
                };
            }
            Mode::Online { .. } | Mode::Setup { .. } => {}
        }
    }

    fn wishes(&self) -> Wishes {
        let advertise = if self.pairing_until.is_some() {
            Advertise::Pairing
        } else {
            Advertise::Normal
        };
        if self.battery.level() != Level::Good || self.has_networks.is_none() {
            return Wishes {
                advertise,
                ..Wishes::IDLE
            };
        }
        let link = match self.mode {
            Mode::Online { .. } => Want::Online,
            Mode::Setup { .. } => Want::SetupAp,
        };
        Wishes {
            is_dark: false,
            link,
            offload: self.is_connected,
            portal: self.is_connected || link == Want::SetupAp,
            advertise,
        }
    }

    pub(super) fn activity(&self) -> Activity {
        match self.mode {
            Mode::Setup { .. } if self.pairing_until.is_none() && !self.is_connected => Activity::Setup,
            Mode::Setup { .. } | Mode::Online { .. } if self.pairing_until.is_some() => Activity::Pairing,
            Mode::Setup { .. } | Mode::Online { .. } => Activity::None,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let mode = match self.mode {
            Mode::Online { opens_ap_at: at } | Mode::Setup { until: at } => at,
        };
        earliest(mode, self.pairing_until)
    }
}
