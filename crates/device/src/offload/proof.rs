//! A receipt's text against the recording that is being handed over.

use super::{Candidate, Surroundings};
use crate::outbox::{Delivered, NotProven, Proof};

/// Takes some 100 ms on the slowest chip: one signature.
pub(super) fn prove(
    text: &str,
    candidate: &Candidate,
    surroundings: &Surroundings<'_>,
) -> Result<Proof, NotProven> {
    let delivered = Delivered {
        number: candidate.number,
        kind: candidate.kind,
        size_bytes: candidate.size_bytes,
        sha256: candidate.sha256,
    };
    Proof::check(text, surroundings.keys, surroundings.device, &delivered)
}
