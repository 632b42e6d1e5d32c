//! What came of the form, for the page that is still open on somebody's phone.

use core::net::Ipv4Addr;

use super::Controller;
use crate::link::{JoinFailure, NetworkKey, Ssid};
use crate::offload;
use crate::portal::{Activity, Outcome, Server, Site, Status};
use crate::settings::Unseal;

/// How far the network of the last form got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Form {
    #[default]
    None,
    Joining(NetworkKey),
    Joined(NetworkKey),
    Failed(NetworkKey, JoinFailure),
}

impl Form {
    pub(super) fn joined(&mut self, network: NetworkKey) {
        if self.is_about(network) {
            *self = Self::Joined(network);
        }
    }

    pub(super) fn failed(&mut self, network: NetworkKey, why: JoinFailure) {
        if self.is_about(network) {
            *self = Self::Failed(network, why);
        }
    }

    fn is_about(self, network: NetworkKey) -> bool {
        match self {
            Self::None => false,
            Self::Joining(key) | Self::Joined(key) | Self::Failed(key, _) => key == network,
        }
    }
}

impl<U: Unseal> Controller<U> {
    /// Brings the pages up to date; before one is written. `address` is the station's. The networks around are the radio's to tell.
    pub fn tell_site(&self, site: &mut Site, address: Option<Ipv4Addr>) {
        site.set_server(self.settings().server.clone());
        site.set_status(Status {
            activity: self.page_activity(),
            recordings: u32::from(self.heard.card.recordings),
            waiting: u32::from(self.heard.card.waiting),
            battery_percent: None,
        });
        if let Some(outcome) = self.outcome(address.unwrap_or(Ipv4Addr::UNSPECIFIED)) {
            site.set_outcome(outcome);
        }
    }

    fn page_activity(&self) -> Activity {
        if self.modes.is_recording() {
            return Activity::Recording;
        }
        match self.offload.status().activity {
            offload::Activity::Syncing => Activity::Sending,
            offload::Activity::Idle
            | offload::Activity::Waiting
            | offload::Activity::Done
            | offload::Activity::Stopped => Activity::Idle,
        }
    }

    /// `None` while the site knows as much by itself.
    fn outcome(&self, address: Ipv4Addr) -> Option<Outcome> {
        let named = |key| Some::<Ssid>(self.settings().networks.get(key)?.ssid.clone());
        Some(match self.form {
            Form::None => return None,
            Form::Joining(key) => Outcome::Joining { ssid: named(key)? },
            Form::Joined(key) => Outcome::Joined {
                ssid: named(key)?,
                address,
                server: self.server,
            },
            Form::Failed(key, why) => Outcome::Failed {
                ssid: named(key)?,
                why,
            },
        })
    }
}

/// What the answer to a heartbeat says of the server.
pub(super) const fn server_by(status: Option<u16>) -> Server {
    match status {
        Some(200..=299) => Server::Reached,
        Some(401 | 403) => Server::Refused,
        Some(_) | None => Server::Unreachable,
    }
}
