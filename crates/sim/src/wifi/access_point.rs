//! Somebody else's access point: a router at home, a pit router, a phone.

use device::link::{Security, Seen, Ssid};
use device::time::Instant;

/// What is wrong with it, where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// Answers nobody who wants to join.
    JoinHangs,
    /// Lets people in and gives no address.
    NoAddress,
    /// Gives an address and then a sign-in page for everything.
    NoInternet,
    /// Throws people out so many seconds after they have an address.
    Drops {
        after_s: u8,
    },
}

#[derive(Debug, Clone)]
pub struct AccessPoint {
    /// Empty where it hides its name.
    pub ssid: Vec<u8>,
    /// Empty where it is open.
    pub password: Vec<u8>,
    pub channel: u8,
    pub rssi_dbm: i8,
    pub trouble: Trouble,
    /// Since when it is on the air.
    pub(super) on_since: Option<Instant>,
}

impl AccessPoint {
    /// One that works, and is off.
    pub fn new(ssid: &str, password: &str) -> Self {
        Self {
            ssid: ssid.as_bytes().to_vec(),
            password: password.as_bytes().to_vec(),
            channel: 6,
            rssi_dbm: -60,
            trouble: Trouble::None,
            on_since: None,
        }
    }

    /// On since the device was started.
    #[must_use]
    pub fn on(mut self) -> Self {
        self.on_since = Some(Instant::BOOT);
        self
    }

    #[must_use]
    pub fn with(mut self, trouble: Trouble) -> Self {
        self.trouble = trouble;
        self
    }

    #[must_use]
    pub fn on_channel(mut self, channel: u8) -> Self {
        self.channel = channel;
        self
    }

    pub fn is_on(&self) -> bool {
        self.on_since.is_some()
    }

    /// What a scan that began then tells of it. One that came up meanwhile is missed, which is the worse case.
    pub(super) fn seen_by_scan(&self, began: Instant) -> Option<Seen> {
        let since = self.on_since?;
        if since > began {
            return None;
        }
        Some(Seen {
            ssid: Ssid::new(&self.ssid)?,
            rssi_dbm: self.rssi_dbm,
            security: if self.password.is_empty() {
                Security::Open
            } else {
                Security::Password
            },
            channel: self.channel,
        })
    }
}
