//! What goes on in a world, and when: all of it drawn from one seed before the world begins, so that taking one happening away
//! leaves the others as they are.

use std::fmt;
use std::time::Duration;

use device::settings::{AfterReceipt, Profile};
use device::store::Extents;
use device::time::Instant;

use super::draw;
use crate::server::Fault;
use crate::unit::Hardware;
use crate::unit::camera::BadFrame;
use crate::unit::faults::{Armed, Ntp, Stall};
use crate::wifi::Trouble;

/// How much goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// People, power and networks are as people wish them to be.
    None,
    Mild,
    Harsh,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::None, Self::Mild, Self::Harsh];

    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Mild => "mild",
            Self::Harsh => "harsh",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that happens at its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A person switches it on or off.
    Power(bool),
    /// The power goes between two events, and comes back.
    Cut {
        off_for: Duration,
    },
    /// The power goes in the course of what storage does.
    Armed {
        armed: Armed,
        off_for: Duration,
    },
    /// The power goes so long after the server has stored a whole recording, before the device hears of it.
    CutOnceStored {
        after: Duration,
        off_for: Duration,
    },
    /// A press of the button.
    Button {
        held: Duration,
    },
    Battery {
        mv: u16,
    },
    Air(Air),
    Server(AtServer),
    Ntp(Ntp),
    /// The sky is out of sight, or in sight again.
    Blind(bool),
    Stall(Stall),
    /// So many operations of the card fail.
    CardFails(u32),
    /// The sensor's next frames are no pictures.
    BadFrames(Vec<BadFrame>),
    /// Somebody takes the clock chip's cell out.
    ClockCell,
}

/// What happens to networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Air {
    Switch {
        index: usize,
        is_on: bool,
    },
    Trouble {
        index: usize,
        trouble: Trouble,
    },
    /// Somebody changes the router's password, or back.
    Password {
        is_right: bool,
    },
    ScansFail(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtServer {
    /// The next requests go wrong.
    Requests(Vec<Fault>),
    /// Each of these befalls the first request that it can change.
    Waiting(Vec<Fault>),
    /// Every request goes wrong, until the next of these.
    Outage(Option<Fault>),
    /// The disk loses what was stored last.
    LosesRecording,
    /// Somebody puts back what the storage was so long ago.
    PutBack(Duration),
    /// As soon as there is one that is not complete.
    ForgetsUploads,
    /// What has this number is not wanted.
    Poison {
        number: u32,
        status: u16,
    },
    Token {
        is_good: bool,
    },
}

/// What its owner wants of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    pub trade: Profile,
    pub after_receipt: AfterReceipt,
    /// Of a camera.
    pub picture_every_s: u32,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub level: Level,
    pub hardware: Hardware,
    pub wishes: Wishes,
    /// When it is on the move.
    pub rides: Vec<(Instant, Instant)>,
    /// In the order of their moments.
    pub happenings: Vec<(Instant, Happening)>,
    /// From here on nothing goes wrong any more.
    pub good_from: Instant,
}

impl Plan {
    pub fn draw(seed: u64, level: Level) -> Self {
        draw::draw(seed, level)
    }
}

/// Small recordings, so that some are full within a ride.
pub(super) const EXTENTS: Extents = Extents {
    bytes: 2 << 20,
    bytes_min: 256 << 10,
};
