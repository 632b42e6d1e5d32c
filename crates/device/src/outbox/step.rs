//! How a recording gets from one state to the next: here, and nowhere else.
//!
//! ```text
//!  Open ── Seal ──► Sealed ── Digest ──► Digested ── Offer ──► Offered ── Receipt ──► Receipted ── Archive ──► Archived
//!                                         ▲│  └────────── Receipt ─────────┘  ▲         │  ▲                   │  │
//!                                         │└─ Quarantine ──► Quarantined ◄────┘         │  │                   │  │
//!                                         │                      └─────── Receipt ──────┼──┘                   │  │
//!                                         └────────────── OfferAgain ───────────────────┴──────────────────────┘  │
//!                                                                   Receipted, Archived ── Remove ──► Removing ◄──┘
//! ```
//!
//! One step leads back: a server that signed and does not have the bytes any more is offered them again, and its old receipt is worth
//! nothing from then on. Every way to `Archived` passes a [`Proof`], and the one to `Removing` a [`Confirmation`] as well. One that reached the server by another road (the phone, the card) is received from whatever
//! state after `Digested` it was in. A step that was taken already, with the same facts, changes nothing: after a cut it may be repeated.

use core::fmt;

use super::{Entry, Proof, State};
use crate::confirm::Confirmation;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'p> {
    /// It ends here. Of its extent it keeps so many clusters.
    Seal {
        size_bytes: u32,
        clusters: u32,
    },
    Digest([u8; 32]),
    Offer,
    Receipt(&'p Proof),
    Archive,
    Quarantine,
    /// The server says that it does not have it any more, or its storage is another one.
    OfferAgain,
    Remove(&'p Confirmation),
}

/// Why a step is not taken. Each of these is a mistake of the caller, or a server's lie that the caller did not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The recording is not where this step begins.
    Order(State),
    /// It would end beyond its extent.
    Size,
    /// The receipt or the confirmation is for another recording, or for other bytes.
    Proof,
    /// It was taken before, with other facts.
    Facts,
}

impl Entry {
    pub(super) fn after(&self, step: Step<'_>) -> Result<Self, Refused> {
        let mut next = *self;
        next.state = match (self.state, step) {
            (State::Open | State::Sealed, Step::Seal { size_bytes, clusters }) => {
                if clusters > self.extent.clusters {
                    return Err(Refused::Size);
                }
                (next.size_bytes, next.extent.clusters) = (size_bytes, clusters);
                State::Sealed
            }
            (State::Sealed | State::Digested, Step::Digest(sha256)) => {
                next.sha256 = Some(sha256);
                State::Digested
            }
            (State::Digested | State::Offered, Step::Offer) => State::Offered,
            (
                State::Digested | State::Offered | State::Quarantined | State::Receipted,
                Step::Receipt(proof),
            ) => {
                if !self.is_proven_by(proof) {
                    return Err(Refused::Proof);
                }
                State::Receipted
            }
            (State::Receipted | State::Archived, Step::Archive) => State::Archived,
            (State::Digested | State::Offered | State::Quarantined, Step::Quarantine) => State::Quarantined,
            (State::Receipted | State::Archived | State::Digested, Step::OfferAgain) => State::Digested,
            (State::Offered, Step::OfferAgain) => State::Offered,
            (State::Receipted | State::Archived | State::Removing, Step::Remove(confirmed)) => {
                if confirmed.number() != self.number || Some(confirmed.sha256()) != self.sha256 {
                    return Err(Refused::Proof);
                }
                State::Removing
            }
            (from, _) => return Err(Refused::Order(from)),
        };
        if next.state == self.state && next != *self {
            return Err(Refused::Facts);
        }
        Ok(next)
    }

    fn is_proven_by(&self, proof: &Proof) -> bool {
        let delivered = proof.delivered();
        delivered.number == self.number
            && delivered.kind == self.kind
            && delivered.size_bytes == self.size_bytes
            && Some(delivered.sha256) == self.sha256
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(from) => write!(f, "a recording that is {from:?} cannot take this step"),
            Self::Size => f.write_str("the recording would end beyond its clusters"),
            Self::Proof => f.write_str("the server's word is for another recording or for other bytes"),
            Self::Facts => f.write_str("the step was taken before, with another outcome"),
        }
    }
}

impl core::error::Error for Refused {}
