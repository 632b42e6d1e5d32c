//! What the coordinator is told, and what it wishes.

use crate::breadcrumb::Cause;
use crate::link::{NetworkKey, Want};
use crate::signal::Press;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Time has passed. Early and repeated ticks change nothing.
    Tick,
    Press(Press),
    /// A new fix, believed by the recorder.
    Fix {
        speed_mm_s: u32,
    },
    NoFix,
    /// Answers to [`Output::Open`].
    Opened,
    OpenFailed,
    /// The recording is closed and its ledger row written, for whatever reason.
    Sealed,
    CardFull(bool),
    Battery {
        mv: u16,
    },
    /// A charger or a board supply is there.
    Mains(bool),
    /// How many networks `settings` hold.
    Networks(u8),
    /// `auto_sync` of `settings`.
    AutoSync(bool),
    /// Whether closed recordings (or others' business with the server) wait to be handed over.
    Pending(bool),
    /// By Bluetooth or a command: with the network to look for, or any.
    SyncAsked(Option<NetworkKey>),
    SyncStopped,
    /// By Bluetooth or the console.
    SetupAsked,
    /// From the link.
    Connected,
    Disconnected,
    SearchGaveUp,
    /// Somebody is on our access point.
    ApClients(u8),
    /// The batch is over: all handed over, or stopped.
    OffloadDone,
    OffloadFailed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealReason {
    Button,
    /// Three minutes without movement, or ten without a fix.
    Standing,
    Battery,
    CardFull,
}

/// `error` of the Bluetooth service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Recording,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advertise {
    Normal,
    /// While recording: STATUS only, seldom.
    Slow,
    /// The button window: pairing and provisioning are open.
    Pairing,
}

/// What other modules shall do. Levels are said when they change; they are to be kept until the next of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Link(Want),
    /// For `link`'s own lock: before [`Self::Open`], and lifted after the seal.
    RadioDark(bool),
    Offload(bool),
    Portal(bool),
    Advertise(Advertise),
    /// Open a recording; answered by `Opened` or `OpenFailed`.
    Open,
    Seal(SealReason),
    Refused(Refusal),
    /// Leave a breadcrumb, then restart.
    Restart(Cause),
}

/// The levels among the wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) is_dark: bool,
    pub(super) link: Want,
    pub(super) offload: bool,
    pub(super) portal: bool,
    pub(super) advertise: Advertise,
}

impl Wishes {
    /// What everything does after the start without being told.
    pub(super) const IDLE: Self = Self {
        is_dark: false,
        link: Want::Off,
        offload: false,
        portal: false,
        advertise: Advertise::Normal,
    };
}
