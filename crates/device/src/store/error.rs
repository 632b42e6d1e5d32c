//! Why storage did not do as asked.

use core::fmt::{self, Debug};

use crate::fat;
use crate::flash;
use crate::outbox::{LedgerError, Number};

/// `C` and `F` are what the card's and the flash's drivers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageError<C, F> {
    /// There is no card, or none that can be used: [`super::Store::card_trouble`] says why.
    NoCard,
    Card(fat::Error<C>),
    Flash(flash::Error<F>),
    Ledger(LedgerError<F>),
    /// No room for a recording: neither clusters nor a place in the folder.
    Full,
    /// A recording is being made already.
    Recording,
    /// No such recording is on this card, or not at that place.
    NotHere(Number),
    /// A row was longer than any can be. Nothing of it was written.
    Row,
}

impl<C, F> StorageError<C, F> {
    /// Whether a change may have begun that was not finished.
    pub(super) const fn may_be_half_done(&self) -> bool {
        match self {
            Self::Card(
                fat::Error::Taken | fat::Error::Full | fat::Error::Refused(_) | fat::Error::FolderInTheWay,
            )
            | Self::Ledger(LedgerError::Unknown(_) | LedgerError::Full | LedgerError::Refused(_))
            | Self::NoCard
            | Self::Full
            | Self::Recording
            | Self::NotHere(_)
            | Self::Row => false,
            Self::Card(
                fat::Error::Card(_) | fat::Error::Changed | fat::Error::OtherCard | fat::Error::Astray,
            )
            | Self::Flash(_)
            | Self::Ledger(LedgerError::Flash(_)) => true,
        }
    }

    /// Whether something has to give way, and nothing else is wrong.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full | Self::Ledger(LedgerError::Full))
    }
}

impl<C, F> From<fat::Error<C>> for StorageError<C, F> {
    fn from(error: fat::Error<C>) -> Self {
        Self::Card(error)
    }
}

impl<C, F> From<flash::Error<F>> for StorageError<C, F> {
    fn from(error: flash::Error<F>) -> Self {
        Self::Flash(error)
    }
}

impl<C, F> From<LedgerError<F>> for StorageError<C, F> {
    fn from(error: LedgerError<F>) -> Self {
        Self::Ledger(error)
    }
}

impl<C, F> From<wire::recording::BufferTooSmall> for StorageError<C, F> {
    fn from(_: wire::recording::BufferTooSmall) -> Self {
        Self::Row
    }
}

impl<C: Debug, F: Debug> fmt::Display for StorageError<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCard => f.write_str("no card that can be recorded on: put one in, formatted as FAT32"),
            Self::Card(fat::Error::Card(error)) => write!(f, "the card fails ({error:?}): try another one"),
            Self::Card(error) => write!(f, "the card's file system: {error:?}"),
            Self::Flash(error) => write!(f, "the device's own memory fails: {error:?}"),
            Self::Ledger(error) => write!(f, "the list of recordings: {error:?}"),
            Self::Full => {
                f.write_str("the card is full of recordings that no server has yet: sync, or put in another")
            }
            Self::Recording => f.write_str("a recording is being made"),
            Self::NotHere(number) => write!(f, "recording {number} is not on this card"),
            Self::Row => f.write_str("a row is longer than rows can be"),
        }
    }
}

impl<C: Debug, F: Debug> core::error::Error for StorageError<C, F> {}
