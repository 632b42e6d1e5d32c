//! What a member of a fleet tells, while it lives and at its end.

use device::outbox::State;
use serde::Serialize;

/// From one device of the fleet.
#[derive(Debug, Clone)]
pub struct News {
    /// Which of the fleet.
    pub device: usize,
    /// Its own time since it was first started.
    pub at_ms: u64,
    pub said: Said,
}

#[derive(Debug, Clone)]
pub enum Said {
    /// It is about to start, under this UUID.
    Born(String),
    Did(Deed),
    Stands(Standing),
    /// Its last word.
    Ended(Box<Report>),
}

/// A line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    PowerOn,
    PowerOff,
    NetworkBack,
    NetworkGone,
    Online,
    Offline,
    Records(String),
    Sealed { name: String, size_bytes: u32 },
    Delivered { name: String, size_bytes: u32 },
    Quarantined(String),
    Removed(String),
    GoodTimes,
}

/// How it is right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    pub is_on: bool,
    pub is_recording: bool,
    pub is_online: bool,
    /// Recordings that are not open any more.
    pub sealed: u32,
    pub delivered: u32,
    pub delivered_bytes: u64,
    pub figures: Figures,
}

/// Counts of one device, or of many added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Figures {
    pub power_cuts: u64,
    pub networks_lost: u64,
    pub exchanges: u64,
    pub answered: u64,
    pub no_route: u64,
    pub cut_in_body: u64,
    pub answers_lost: u64,
    /// Not by the plan: the server was not there.
    pub broken_by_server: u64,
    /// Of recordings, repeated where they had to be.
    pub sent_bytes: u64,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.power_cuts += other.power_cuts;
        self.networks_lost += other.networks_lost;
        self.exchanges += other.exchanges;
        self.answered += other.answered;
        self.no_route += other.no_route;
        self.cut_in_body += other.cut_in_body;
        self.answers_lost += other.answers_lost;
        self.broken_by_server += other.broken_by_server;
        self.sent_bytes += other.sent_bytes;
    }
}

/// A recording that was on a device's card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    pub device: String,
    pub name: String,
    pub size_bytes: u32,
    /// Of the bytes on the card, read at the end; of one that was removed, what the receipt says.
    pub sha256: String,
    pub state: &'static str,
    /// Its text, once one was given.
    pub receipt: Option<String>,
}

/// All of one device.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub device: String,
    pub held: Vec<Held>,
    pub receipts_verified: u64,
    pub figures: Figures,
    pub violations: Vec<String>,
}

pub(super) const fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Sealed => "sealed",
        State::Digested => "digested",
        State::Offered => "offered",
        State::Receipted => "receipted",
        State::Archived => "archived",
        State::Removing => "removing",
        State::Quarantined => "quarantined",
    }
}
