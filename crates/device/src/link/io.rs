//! What the link is told and what it says.

use super::network::{Candidate, Known, NetworkKey, Seen};

/// Which scan or join an answer belongs to. Answers to others are late, and are not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt(pub u16);

/// What is wanted of Wi-Fi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The radio stays dark.
    Off,
    /// Join whichever known network is there, and again when it is lost.
    Online,
    /// A person is about to switch this network on: look for it now, say if it is not seen, and give up after
    /// [`super::HOTSPOT_SEARCH`]. For the first [`super::HOTSPOT_UNSEEN`] no other network will do.
    HotspotSync(NetworkKey),
    /// An access point at once, because a person waits for it; known networks are tried beside it while nobody is on it.
    SetupAp,
    /// A known network first, and an access point beside it on the same channel; without one, after the first look round.
    StaAndAp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    Battery,
    Mains,
}

/// Why a join came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinFailure {
    WrongPassword,
    /// Not seen, or gone by the time it was called.
    NotFound,
    /// Joined, but nobody gave an address.
    NoAddress,
    Timeout,
    Other,
}

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Time has passed. Early and repeated ticks change nothing.
    Tick,
    Want(Want),
    /// All known networks; they are few, so they come whole.
    Networks(&'a [Known]),
    /// From before a recording's first row until after its seal: the radio is dark whatever is wanted.
    Recording(bool),
    Power(Power),
    /// Bytes are on their way, so the radio must not doze.
    Transferring(bool),
    /// The network is joined, but nothing behind it answers (or a sign-in page does).
    NoInternet,
    /// A person gave this network on our own page; `settings` has it already.
    Form(NetworkKey),
    ScanDone {
        attempt: Attempt,
        seen: &'a [Seen],
    },
    ScanFailed {
        attempt: Attempt,
    },
    /// Associated; the address is still to come.
    Joined {
        attempt: Attempt,
    },
    GotAddress {
        attempt: Attempt,
    },
    JoinFailed {
        attempt: Attempt,
        why: JoinFailure,
    },
    Lost {
        attempt: Attempt,
    },
    ApStarted,
    ApFailed,
    ApClients(u8),
}

/// To be carried out in this order. A new order takes the place of an unfinished one of its kind, and orders that the radio
/// never answers run into their deadline here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Scan {
        attempt: Attempt,
    },
    /// Leaves whatever is joined or being joined; the access point stays.
    Disconnect,
    Join {
        attempt: Attempt,
        network: Candidate,
    },
    StartAp {
        channel: u8,
    },
    MoveApTo {
        channel: u8,
    },
    StopAp,
    /// Everything of Wi-Fi stops, whatever it was doing. The next order switches it on again.
    RadioOff,
    /// Whether the station may doze between beacons.
    PowerSave(bool),
    Event(Event),
    /// The access point does not start and only a restart is left: keep a breadcrumb, then restart.
    RestartForAp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// There is an address. `settings` keeps `last_success` with the network, so that the order survives a restart.
    Connected {
        network: NetworkKey,
        last_success: u32,
    },
    /// What was connected is not any more, by itself or because it is not wanted.
    Lost,
    /// [`super::HOTSPOT_UNSEEN`] are over; the search goes on.
    HotspotNotFound,
    /// [`super::HOTSPOT_SEARCH`] are over, and nothing happens until something else is wanted, or the same again.
    GaveUp,
    JoinFailed {
        network: NetworkKey,
        why: JoinFailure,
    },
}

/// `wifi_status` of the Bluetooth service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WifiStatus {
    Off,
    Scanning,
    Connecting,
    Connected,
    Ap,
    Failed,
}

impl WifiStatus {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Scanning => "scanning",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Ap => "ap",
            Self::Failed => "failed",
        }
    }
}
