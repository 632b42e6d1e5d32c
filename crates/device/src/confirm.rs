//! Asks the server whether it still holds what is about to give way.
//!
//! ```text
//! Idle ── Ask ──► Asking ── 200 ──► Telling: Confirmed or Missing for each, then Done ──► Idle
//!                  │  ▲
//!                  └──┴─ Pausing, TRIES_MAX times in all ──► Failed ──► Idle
//! ```
//!
//! A receipt says that the bytes were there; between then and now a disk may have been lost. So nothing is deleted without a [`Confirmation`]
//! of just now, and only this machine makes one. Where the server's storage is another one than before (its epoch changed: somebody put an
//! older state back) nothing is confirmed, and what the device still has is to be offered again.
//!
//! **Contract** as for [`crate::offload`]: `handle`, `poll` until `None`, `next_deadline`; on [`Output::Send`] carry out [`Confirm::request`].
//! One question at a time: an [`Input::Ask`] before [`Output::Done`] or [`Output::Failed`] is left alone.

mod answer;

use core::fmt;
use core::time::Duration;

pub use answer::Epoch;
use answer::Said;
use heapless::Vec;

use crate::exchange::{Body, Method, NoAnswer, Path, Request, Response, Value};
use crate::offload::Trouble;
use crate::offload::hex;
use crate::outbox::Number;
use crate::time::Instant;

/// The server takes 25; space for one recording is made by few, and their answer has to fit into what is kept of one.
pub const ASKED_MAX: usize = 8;
/// Whoever needs the space asks again when it is needed still.
const TRIES_MAX: u8 = 3;
const PAUSE: Duration = Duration::from_secs(5);
/// Longer ones are for the next time that space is needed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// A recording that has a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub number: Number,
    pub sha256: [u8; 32],
}

/// The server has said just now that it holds these bytes of this recording. Only a checked answer makes one; it is worth nothing later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation(Asked);

impl Confirmation {
    pub const fn number(&self) -> Number {
        self.0.number
    }

    pub const fn sha256(&self) -> [u8; 32] {
        self.0.sha256
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    Tick,
    /// The first [`ASKED_MAX`] of these, and the epoch of the server's storage as it was the last time.
    Ask(&'a [Asked], Option<Epoch>),
    Answer(&'a Response<'a>),
    NoAnswer(NoAnswer),
    Offline,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Send,
    /// Break the request off; bring nothing back.
    Abandon,
    /// May give way, now.
    Confirmed(Confirmation),
    /// The server does not have it any more: offer it again.
    Missing(Number),
    /// The storage is another one than that which gave the receipts: offer everything again that is still here. The epoch comes after it, so
    /// that a cut in between is followed by the same again.
    OfferAgain,
    /// Keep it for the next question; the one before was none, or another.
    NewEpoch(Epoch),
    Done,
    Failed(Trouble),
}

#[derive(Debug)]
enum Phase {
    Idle,
    ToSend,
    Asking,
    Pausing(Instant),
    Telling { said: Said, told: Told },
    Failing { trouble: Trouble, abandons: bool },
}

/// What was told of an answer so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    /// That everything is to be offered again.
    Again,
    Items(usize),
}

#[derive(Debug)]
pub struct Confirm {
    phase: Phase,
    questions: Questions,
    known: Option<Epoch>,
    tries: u8,
}

impl Default for Confirm {
    fn default() -> Self {
        Self::new()
    }
}

impl Confirm {
    pub const fn new() -> Self {
        Self {
            phase: Phase::Idle,
            questions: Questions(Vec::new()),
            known: None,
            tries: 0,
        }
    }

    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        match (input, &self.phase) {
            (Input::Ask(asked, known), Phase::Idle) if !asked.is_empty() => {
                self.questions = Questions(asked.iter().take(ASKED_MAX).copied().collect());
                self.known = known;
                self.tries = 0;
                self.phase = Phase::ToSend;
            }
            (Input::Tick, Phase::Pausing(until)) if now >= *until => self.phase = Phase::ToSend,
            (Input::Answer(response), Phase::Asking) => self.answered(response, now),
            (Input::NoAnswer(why), Phase::Asking) => self.pause(why.into(), None, now),
            (Input::Offline, Phase::ToSend | Phase::Asking | Phase::Pausing(_)) => {
                let abandons = matches!(self.phase, Phase::Asking);
                let trouble = Trouble::NoInternet;
                self.phase = Phase::Failing { trouble, abandons };
            }
            (
                Input::Tick | Input::Ask(..) | Input::Answer(_) | Input::NoAnswer(_) | Input::Offline,
                Phase::Idle
                | Phase::ToSend
                | Phase::Asking
                | Phase::Pausing(_)
                | Phase::Telling { .. }
                | Phase::Failing { .. },
            ) => {}
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        match &mut self.phase {
            Phase::Idle | Phase::Asking | Phase::Pausing(_) => None,
            Phase::ToSend => {
                self.phase = Phase::Asking;
                Some(Output::Send)
            }
            Phase::Failing {
                abandons: true,
                trouble,
            } => {
                let (trouble, abandons) = (*trouble, false);
                self.phase = Phase::Failing { trouble, abandons };
                Some(Output::Abandon)
            }
            Phase::Failing { trouble, .. } => {
                let failed = Output::Failed(*trouble);
                self.phase = Phase::Idle;
                Some(failed)
            }
            Phase::Telling { said, told } => {
                let (output, next) = tell(said, *told, &self.questions, self.known);
                match next {
                    Some(next) => *told = next,
                    None => self.phase = Phase::Idle,
                }
                Some(output)
            }
        }
    }

    /// When to call with a tick unless something else comes first.
    pub const fn next_deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Pausing(until) => Some(*until),
            Phase::Idle | Phase::ToSend | Phase::Asking | Phase::Telling { .. } | Phase::Failing { .. } => {
                None
            }
        }
    }

    /// What to ask the server, between [`Output::Send`] and its answer.
    pub fn request(&self) -> Option<Request<'_>> {
        matches!(self.phase, Phase::Asking).then(|| {
            Request::new(Method::Post, Path::of("/api/v1/receipts/confirm"))
                .header("content-type", Value::Text("application/json"))
                .body(Body::Written(&self.questions))
        })
    }

    fn answered(&mut self, response: &Response<'_>, now: Instant) {
        let fail = |trouble| Phase::Failing {
            trouble,
            abandons: false,
        };
        match response.status {
            200 => match Said::read(response.body, self.questions.0.len()) {
                Some(said) => {
                    let told = Told::Nothing;
                    self.phase = Phase::Telling { said, told };
                }
                None => self.phase = fail(Trouble::Server(200)),
            },
            401 | 403 => self.phase = fail(Trouble::Unauthorized),
            429 | 500..=599 => self.pause(Trouble::Server(response.status), response.retry_after_s, now),
            status => self.phase = fail(Trouble::Server(status)),
        }
    }

    fn pause(&mut self, trouble: Trouble, retry_after_s: Option<u32>, now: Instant) {
        self.tries = self.tries.saturating_add(1);
        let pause = PAUSE.max(Duration::from_secs(u64::from(retry_after_s.unwrap_or(0))));
        self.phase = if self.tries >= TRIES_MAX || pause > RETRY_AFTER_MAX {
            Phase::Failing {
                trouble,
                abandons: false,
            }
        } else {
            Phase::Pausing(now + pause)
        };
    }
}

/// The next thing to tell, and where that leaves the telling; `None` is its end.
fn tell(said: &Said, told: Told, questions: &Questions, known: Option<Epoch>) -> (Output, Option<Told>) {
    let is_other = known.is_some_and(|known| known != said.epoch);
    match told {
        Told::Nothing if is_other => (Output::OfferAgain, Some(Told::Again)),
        Told::Again => (Output::NewEpoch(said.epoch), Some(Told::Items(ASKED_MAX))),
        Told::Nothing if known.is_none() => (Output::NewEpoch(said.epoch), Some(Told::Items(0))),
        Told::Nothing => tell(said, Told::Items(0), questions, known),
        Told::Items(at) => {
            let next = Some(Told::Items(at + 1));
            match questions.0.get(at).zip(said.held.get(at)) {
                Some((asked, true)) => (Output::Confirmed(Confirmation(*asked)), next),
                Some((asked, false)) => (Output::Missing(asked.number), next),
                None => (Output::Done, None),
            }
        }
    }
}

/// Writes itself as the body.
#[derive(Debug)]
struct Questions(Vec<Asked, ASKED_MAX>);

impl fmt::Display for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"{"items":["#)?;
        for (at, asked) in self.0.iter().enumerate() {
            let digits = hex(&asked.sha256);
            let digits = core::str::from_utf8(&digits).map_err(|_| fmt::Error)?;
            let comma = if at == 0 { "" } else { "," };
            write!(f, r#"{comma}{{"sha256":"{digits}"}}"#)?;
        }
        f.write_str("]}")
    }
}
