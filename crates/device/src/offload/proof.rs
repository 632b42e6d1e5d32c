//! The one way from a server's words to a recording that may be let go of.

use wire::receipt::{KeyId, Mismatch, SignedReceipt, VerifyError};

use super::{Candidate, Surroundings};
use crate::outbox::Number;

/// A receipt for exactly this recording was verified. Only the check below makes one, so who holds it has proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    number: Number,
    key: KeyId,
    stored_at_us: i64,
}

impl Proof {
    pub const fn number(&self) -> Number {
        self.number
    }

    /// Which of the server's keys signed.
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// By the server's clock, for people; never a reason for anything.
    pub const fn stored_at_us(&self) -> i64 {
        self.stored_at_us
    }
}

/// Why a receipt proves nothing about the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotProven {
    Receipt(VerifyError),
    /// True, but for something else.
    Mismatch(Mismatch),
}

/// Takes some 100 ms on the slowest chip: one signature.
pub(super) fn prove(
    text: &str,
    candidate: &Candidate,
    surroundings: &Surroundings<'_>,
) -> Result<Proof, NotProven> {
    let signed = SignedReceipt::from_text(text).map_err(|error| NotProven::Receipt(error.into()))?;
    let receipt = signed
        .verify(&surroundings.keys.as_array())
        .map_err(NotProven::Receipt)?;
    let name = candidate.file_name();
    receipt
        .stored
        .check(&candidate.held(surroundings.device, &name))
        .map_err(NotProven::Mismatch)?;
    Ok(Proof {
        number: candidate.number,
        key: receipt.key,
        stored_at_us: receipt.stored.stored_at_us,
    })
}
