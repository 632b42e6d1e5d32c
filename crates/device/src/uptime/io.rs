//! What uptime is told, and what it asks for.

use crate::clock::UnixMs;
use crate::exchange::Response;

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    Tick,
    Online,
    Offline,
    /// The date of this boot's start is known, or another one: `clock.utc_at(Instant::BOOT)`.
    Began(UnixMs),
    /// To what [`Output::Send`] asked for.
    Answer(&'a Response<'a>),
    NoAnswer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Write [`Uptime::encode`] of this slot.
    Save {
        slot: u8,
    },
    Erase {
        slot: u8,
    },
    /// Write [`Uptime::encode_loss`].
    SaveLoss,
    /// Carry out [`Uptime::request`].
    Send,
    /// What the device should be, by the server; for the settings.
    Wanted(u32),
    /// The server has the breadcrumb: forget it.
    BreadcrumbTold,
    /// The server does not know this device, or not any more. Everything is kept.
    Unauthorized,
}
