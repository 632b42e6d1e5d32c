//! The one way from a server's words to a recording that may be let go of.

use core::fmt;

use wire::receipt::{Held, Mismatch, SignedReceipt, TrustedKeys, VerifyError};

use super::{Kind, Number};

/// What a device holds and a receipt has to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    pub number: Number,
    pub kind: Kind,
    pub size_bytes: u32,
    pub sha256: [u8; 32],
}

/// A receipt for exactly this recording was verified. Only [`Self::check`] makes one, so who holds it has proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof(Delivered);

/// Why a receipt proves nothing about the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotProven {
    Receipt(VerifyError),
    /// True, but for something else.
    Mismatch(Mismatch),
}

impl Proof {
    /// Checks a receipt's text: signed by one of the keys, for this device, name, size and digest. Takes some 100 ms on the slowest
    /// chip: one signature.
    pub fn check(
        text: &str,
        keys: &TrustedKeys,
        device: [u8; 16],
        delivered: &Delivered,
    ) -> Result<Self, NotProven> {
        let signed = SignedReceipt::from_text(text).map_err(|error| NotProven::Receipt(error.into()))?;
        let receipt = signed.verify(&keys.as_array()).map_err(NotProven::Receipt)?;
        let held = Held {
            device,
            name: &delivered.kind.file_name(delivered.number),
            size_bytes: u64::from(delivered.size_bytes),
            sha256: delivered.sha256,
        };
        receipt.stored.check(&held).map_err(NotProven::Mismatch)?;
        Ok(Self(*delivered))
    }

    pub const fn number(&self) -> Number {
        self.0.number
    }

    /// What it was checked against.
    pub const fn delivered(&self) -> &Delivered {
        &self.0
    }
}

impl fmt::Display for NotProven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receipt(error) => error.fmt(f),
            Self::Mismatch(mismatch) => mismatch.fmt(f),
        }
    }
}

impl core::error::Error for NotProven {}
