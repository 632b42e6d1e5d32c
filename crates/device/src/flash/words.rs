//! Errors in words that a person can act on.

use core::error;
use core::fmt::{self, Debug};

use super::{Error, MountError};

impl<E: Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash failed ({error:?}); restart the device"),
            Self::Full => f.write_str("the flash has no room; let archived recordings go or send what waits"),
            Self::TooLong => f.write_str("the value is longer than its place"),
            Self::Damaged => f.write_str("the flash does not read as it was written; restart the device"),
            Self::Interrupted => f.write_str("an earlier write to the flash did not end; restart the device"),
        }
    }
}

impl<E: Debug> error::Error for Error<E> {}

impl<E: Debug> fmt::Display for MountError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash failed ({error:?}); restart the device"),
            Self::Geometry => f.write_str("the flash partition has a size that this firmware cannot use"),
            Self::Foreign => {
                f.write_str("the flash holds something of other firmware; erase it with the flashing page")
            }
            Self::TooManyKeys => {
                f.write_str("the flash holds more than this firmware can; install the newest firmware")
            }
            Self::Reset(error) => write!(f, "a reset could not be finished: {error}"),
        }
    }
}

impl<E: Debug> error::Error for MountError<E> {}
