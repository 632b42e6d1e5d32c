//! What is kept, and under which keys. The numbers are the format: they stay as they are.

use super::journal::{RawKey, VALUE_BYTES_MAX};
use crate::outbox::Number;

/// Numbers below a key's kind have 24 bits. The flash is worn out before that many recordings.
pub const NUMBER_MAX: u32 = (1 << 24) - 1;
/// Uptime sessions that wait for a server.
pub const UPTIME_MAX: usize = 64;

/// Cards that wait with a change half done.
pub const PARKED_MAX: u8 = 4;

const ENTRY: u32 = 1 << 24;
const UPTIME: u32 = 2 << 24;
const SINGLE: u32 = 3 << 24;

pub(super) const DEVICE: RawKey = RawKey(SINGLE | 1);
pub(super) const BOOT: RawKey = RawKey(SINGLE | 2);
pub(super) const EPOCH: RawKey = RawKey(SINGLE | 3);
pub(super) const SETUP_CODE: RawKey = RawKey(SINGLE | 4);
pub(super) const COUNTER: RawKey = RawKey(SINGLE | 5);
pub(super) const CLAIM: RawKey = RawKey(SINGLE | 6);
pub(super) const CARD: RawKey = RawKey(SINGLE | 7);
pub(super) const RESET: RawKey = RawKey(SINGLE | 8);

/// The first key of the ledger.
pub(super) fn entry(number: Number) -> Option<RawKey> {
    below(ENTRY, number.0)
}

/// Whose entry it is.
pub(super) fn number_of(key: RawKey) -> Option<Number> {
    (key.0 & !NUMBER_MAX == ENTRY).then_some(Number(key.0 & NUMBER_MAX))
}

pub(super) fn uptime_of(key: RawKey) -> Option<u32> {
    (key.0 & !NUMBER_MAX == UPTIME).then_some(key.0 & NUMBER_MAX)
}

fn below(kind: u32, number: u32) -> Option<RawKey> {
    (number <= NUMBER_MAX).then_some(RawKey(kind | number))
}

/// What others give a meaning to: kept as bytes, with a version of their own in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Networks, server, token and all else that people want; gone after a reset.
    Settings,
    /// What a crash left for the next heartbeat; gone after a reset.
    Breadcrumb,
    /// A change of the card's tables that was begun.
    FatIntent,
    /// A directory's sector that is being written, with its place.
    DirectoryIntent,
    /// Both, of a card that was taken out before they were done; so many others.
    Parked(u8),
    /// Uptime that had to go before anybody heard of it.
    UptimeLoss,
    /// What became of the camera's pictures.
    CameraTally,
    /// Which life of a server's storage the receipts are of.
    StorageEpoch,
    /// A session of the uptime logger, by its number.
    Uptime(u32),
}

impl Item {
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Settings => VALUE_BYTES_MAX,
            Self::Breadcrumb => 512,
            Self::FatIntent | Self::Uptime(_) => 64,
            Self::Parked(_) => 561,
            Self::UptimeLoss | Self::CameraTally => 32,
            Self::DirectoryIntent => 520,
            Self::StorageEpoch => 16,
        }
    }

    /// `None` for a number beyond [`NUMBER_MAX`].
    pub(super) fn key(self) -> Option<RawKey> {
        match self {
            Self::Settings => below(SINGLE, 16),
            Self::Breadcrumb => below(SINGLE, 17),
            Self::FatIntent => below(SINGLE, 18),
            Self::DirectoryIntent => below(SINGLE, 19),
            Self::Parked(place) if place < PARKED_MAX => below(SINGLE, 32 + u32::from(place)),
            Self::Parked(_) => None,
            Self::UptimeLoss => below(SINGLE, 21),
            Self::CameraTally => below(SINGLE, 22),
            Self::StorageEpoch => below(SINGLE, 23),
            Self::Uptime(number) => below(UPTIME, number),
        }
    }
}
