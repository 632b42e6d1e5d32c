//! What the keeper is told, and what it asks for.

use core::fmt;

use heapless::String;

use super::super::desired::BadDesired;
use super::super::{BadConfigure, CommandId, CommandKind, LoadError, Via};
use crate::clock::UnixMs;
use crate::exchange::Response;
use crate::link::NetworkKey;
use crate::portal::{CLAIM_CHARS_MAX, Submitted};

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    Tick,
    Online,
    Offline,
    /// A heartbeat's or ping's answer says what the device should be.
    Wanted(u32),
    Configure {
        json: &'a [u8],
        via: Via,
    },
    /// A network was joined.
    Joined(NetworkKey),
    /// The form of the device's own page.
    Form(&'a Submitted),
    /// A command came to its end.
    Ended {
        id: CommandId,
        done: bool,
    },
    /// What [`Output::Save`] asked for is in flash.
    Saved,
    SaveFailed,
    /// To what [`Output::Send`] asked for.
    Answer(&'a Response<'a>),
    NoAnswer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write what [`Keeper::encode`] gives in place of what was there, then say [`Input::Saved`].
    Save,
    /// Carry out [`Keeper::request`].
    Send,
    /// Other settings are in force.
    Changed,
    /// To be joined first.
    Join(NetworkKey),
    /// To be given to the server, which answers with a token.
    Claim(String<CLAIM_CHARS_MAX>),
    /// Offload what is sealed, through this network if one was named with it: a hotspot that is about to be switched on.
    Sync(Option<NetworkKey>),
    StopSync,
    /// A phone said the time.
    Time(UnixMs),
    Run(Command),
    Refused(Refusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    pub id: CommandId,
    pub kind: CommandKind,
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Configure(BadConfigure),
    Desired(u32, BadDesired),
    /// The change before it is still being saved.
    Busy,
    /// Flash did not take it.
    NotSaved,
    /// What is saved is of a newer firmware and is not overwritten.
    Locked(LoadError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configure(error) => error.fmt(f),
            Self::Desired(version, error) => write!(f, "version {version}: {error}"),
            Self::Busy => f.write_str("the change before is still being saved; try again"),
            Self::NotSaved => f.write_str("the settings could not be saved"),
            Self::Locked(error) => error.fmt(f),
        }
    }
}
