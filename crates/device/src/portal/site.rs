//! What the pages tell and what a person may change: shared by all connections.

use core::fmt::Write;
use core::net::Ipv4Addr;

use heapless::{String, Vec};
use sha2::{Digest, Sha256};

use super::digest::Guard;
use super::form::{self, FormError, Submitted, Token};
use crate::link::{JoinFailure, SSID_BYTES_MAX, Seen, Ssid};
use crate::settings::ServerUrl;
use crate::setup_code::SetupCode;

/// What fits a page that is read with a thumb; the strongest are kept.
pub const NETWORKS_MAX: usize = 16;
pub const NAME_BYTES_MAX: usize = 32;
pub const LABEL_BYTES_MAX: usize = super::mdns::LABEL_BYTES_MAX + 4;

/// Who this device is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As people know it: `RS-Core 7F3A`.
    pub name: String<NAME_BYTES_MAX>,
    /// Its own network: `Datalogger-7F3A`.
    pub access_point: String<SSID_BYTES_MAX>,
    /// Its name in a network, without `.local`; changes where somebody else has it.
    pub label: String<LABEL_BYTES_MAX>,
    pub firmware: String<NAME_BYTES_MAX>,
}

/// Whether the server took the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Not asked yet.
    Waiting,
    Reached,
    Unreachable,
    /// It knows neither this device nor the claim code.
    Refused,
}

/// What came of the last form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// No form since the start.
    Nothing,
    Joining {
        ssid: Ssid,
    },
    Joined {
        ssid: Ssid,
        address: Ipv4Addr,
        server: Server,
    },
    Failed {
        ssid: Ssid,
        why: JoinFailure,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    Idle,
    Recording,
    Sending,
}

/// What anybody in the network may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    pub activity: Activity,
    pub recordings: u32,
    /// Of them, without a receipt.
    pub waiting: u32,
    /// Unknown where there is no gauge.
    pub battery_percent: Option<u8>,
}

/// One for the device; every connection is handed it.
pub struct Site {
    pub(super) identity: Identity,
    pub(super) guard: Guard,
    pub(super) networks: Vec<Seen, NETWORKS_MAX>,
    pub(super) outcome: Outcome,
    pub(super) status: Status,
    pub(super) server: Option<ServerUrl>,
    token: Token,
    submitted: Option<Submitted>,
}

impl Site {
    /// `secret` is random, drawn at each start.
    pub fn new(identity: Identity, code: SetupCode, secret: [u8; 32]) -> Self {
        let mut token = Token::new();
        let sealed = Sha256::new().chain_update(secret).chain_update("form").finalize();
        for byte in &sealed[..form::TOKEN_CHARS / 2] {
            // Two characters each.
            let _ = write!(token, "{byte:02x}");
        }
        Self {
            identity,
            guard: Guard::new(code, secret),
            networks: Vec::new(),
            outcome: Outcome::Nothing,
            status: Status {
                activity: Activity::Idle,
                recordings: 0,
                waiting: 0,
                battery_percent: None,
            },
            server: None,
            token,
            submitted: None,
        }
    }

    /// A scan came to its end. Of several with one name the strongest is shown; hidden ones have none and are typed.
    pub fn set_networks<'a>(&mut self, found: impl IntoIterator<Item = &'a Seen>) {
        self.networks.clear();
        for network in found {
            if network.ssid.is_hidden() {
                continue;
            }
            if let Some(same) = self.networks.iter_mut().find(|known| known.ssid == network.ssid) {
                same.rssi_dbm = same.rssi_dbm.max(network.rssi_dbm);
                continue;
            }
            let place = self
                .networks
                .iter()
                .position(|known| known.rssi_dbm < network.rssi_dbm)
                .unwrap_or(self.networks.len());
            if self.networks.is_full() && place < NETWORKS_MAX {
                self.networks.pop();
            }
            // Full only where all the others are stronger.
            let _ = self.networks.insert(place, network.clone());
        }
    }

    pub fn set_outcome(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    pub fn set_status(&mut self, status: Status) {
        self.status = status;
    }

    /// The server of the settings, shown in the form.
    pub fn set_server(&mut self, server: Option<ServerUrl>) {
        self.server = server;
    }

    /// Where somebody else in the network had the name.
    pub fn set_label(&mut self, label: &str) {
        self.identity.label.clear();
        // One that does not fit is not ours.
        let _ = self.identity.label.push_str(label);
    }

    /// What a person asked for; the link is to try it and say by [`Self::set_outcome`] what came of it. A later form replaces one that nobody took.
    pub fn poll(&mut self) -> Option<Submitted> {
        self.submitted.take()
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn submit(&mut self, body: &[u8]) -> Result<(), FormError> {
        let submitted = form::parse(body, &self.token)?;
        self.outcome = Outcome::Joining {
            ssid: submitted.ssid.clone(),
        };
        self.submitted = Some(submitted);
        Ok(())
    }
}
