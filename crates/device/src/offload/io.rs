//! What goes into the offloader and what comes out.

use wire::receipt::TrustedKeys;

use super::{Candidate, Status};
use crate::exchange::{NoAnswer, Response};
use crate::outbox::{Number, Proof};

/// What the machine knows of the device while it decides; it keeps none of it.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'s> {
    /// The server's keys of the settings.
    pub keys: &'s TrustedKeys,
    /// The device's id at the server.
    pub device: [u8; 16],
    /// The claim that it is under now.
    pub claim: u32,
}

/// What may be offered: [`Candidate::of`] decides which those are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survey {
    pub files: u16,
    pub bytes: u64,
    /// The newest of them: later ones are for the next round.
    pub last: Number,
}

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    Tick,
    /// There is a network, or there is none any more.
    Online(bool),
    /// Somebody, or the settings, want recordings to be handed over; or they do not.
    Wanted(bool),
    /// There is one more recording to hand over.
    Recorded,
    /// `None`: there is nothing to offer.
    Surveyed(Option<Survey>),
    Candidate(Option<Candidate>),
    /// So many bytes of the request's body have gone out.
    Sent(u32),
    Answer(&'a Response<'a>),
    NoAnswer(NoAnswer),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// What is there to offer of this claim?
    Survey {
        claim: u32,
    },
    /// Which is the oldest to offer of this claim, after this one and not after the last?
    Next {
        claim: u32,
        after: Option<Number>,
        last: Number,
    },
    /// Carry out [`super::Offload::request`].
    Send,
    /// Break it off.
    Abandon,
    Ledger(LedgerStep),
    /// What people see has changed.
    Status(Status),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerStep {
    /// A server has begun to take it.
    Offered(Number),
    Receipted(Proof),
    Quarantined(Number, Unwanted),
}

/// Why a recording was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwanted {
    /// The server does not take it: 413, 415 or 422, three times.
    Status(u16),
    /// The bytes that it sent do not have the digest of the ledger (460), three times: the card lost them.
    OtherBytes,
}
