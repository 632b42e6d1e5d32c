//! When which time server is asked.
//!
//! ```text
//!            online                    now ≥ next                      a time
//!  Offline ─────────► Resting{next} ───────────────► Asking{question} ────────► Resting, an hour
//!     ▲                    ▲                               │ no time, or 3 s of nothing
//!     └── offline ── any   └──── 4 s, 8 s, … 15 min ───────┘ the next server
//! ```
//!
//! A server that says DENY or RSTR is not asked again before the next start; after RATE all of them rest for the longest pause.

use core::time::Duration;

use super::sntp::{PACKET_BYTES, Question, SntpError};
use super::{Reading, SERVERS};
use crate::time::Instant;

/// The pools answer in 0.1 s or never.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(4);
/// Also what pools ask for after RATE.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// A crystal of 20 ppm loses 72 ms.
const AFTER_SUCCESS: Duration = Duration::from_hours(1);
/// A time that contradicts the clock is asked for once more.
const SECOND_OPINION: Duration = Duration::from_secs(4);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Offline,
    Resting { next: Instant },
    Asking { question: Question, until: Instant },
}

/// See the module's diagram.
#[derive(Debug)]
pub(super) struct Poller {
    state: State,
    server: u8,
    denied: [bool; SERVERS],
    pause: Duration,
    question: Option<Ask>,
}

/// A packet for port 123 of one of the servers that the device knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Index into the list of names, below [`SERVERS`].
    pub server: u8,
    pub packet: [u8; PACKET_BYTES],
}

impl Poller {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Offline,
            server: 0,
            denied: [false; SERVERS],
            pause: FIRST_PAUSE,
            question: None,
        }
    }

    pub(super) fn online(&mut self, now: Instant) {
        if self.state == State::Offline {
            self.pause = FIRST_PAUSE;
            self.state = State::Resting { next: now };
        }
    }

    pub(super) fn offline(&mut self) {
        self.state = State::Offline;
        self.question = None;
    }

    /// Early or twice changes nothing.
    pub(super) fn tick(&mut self, now: Instant, nonce: u64) {
        match self.state {
            State::Asking { until, .. } if now >= until => self.failed(now),
            State::Resting { next } if now >= next => self.ask(now, nonce),
            State::Offline | State::Resting { .. } | State::Asking { .. } => {}
        }
    }

    /// What arrived from port 123, from whomever.
    pub(super) fn heard(&mut self, packet: &[u8], now: Instant) -> Option<Result<Reading, SntpError>> {
        let State::Asking { question, .. } = self.state else {
            return None;
        };
        let heard = question.answer(packet, now);
        match heard {
            Ok(_) => {
                self.pause = FIRST_PAUSE;
                self.rest(now + AFTER_SUCCESS);
            }
            // The answer to the question may still come: what is not ours must not be able to end it.
            Err(SntpError::Short | SntpError::NotAnAnswer | SntpError::NotOurs) => {}
            Err(SntpError::Rate) => {
                self.pause = LONGEST_PAUSE;
                self.failed(now);
            }
            Err(SntpError::Denied) => {
                self.denied[usize::from(self.server)] = true;
                self.failed(now);
            }
            Err(
                SntpError::NotSynchronised | SntpError::TooFar | SntpError::TooSlow | SntpError::Implausible,
            ) => self.failed(now),
        }
        Some(heard)
    }

    /// The name was not found, or nothing could be sent.
    pub(super) fn unreachable(&mut self, now: Instant) {
        if matches!(self.state, State::Asking { .. }) {
            self.failed(now);
        }
    }

    /// The clock doubts what it heard and wants to hear it once more.
    pub(super) fn again_soon(&mut self, now: Instant) {
        if matches!(self.state, State::Resting { .. }) {
            self.rest(now + SECOND_OPINION);
        }
    }

    pub(super) fn poll(&mut self) -> Option<Ask> {
        self.question.take()
    }

    pub(super) const fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Offline => None,
            State::Resting { next } => Some(next),
            State::Asking { until, .. } => Some(until),
        }
    }

    fn ask(&mut self, now: Instant, nonce: u64) {
        if self.denied[usize::from(self.server)] {
            self.next_server();
        }
        if self.denied[usize::from(self.server)] {
            // All of them refuse.
            self.rest(now + AFTER_SUCCESS);
            return;
        }
        let question = Question::new(nonce, now);
        let until = now + ANSWER_WITHIN;
        self.state = State::Asking { question, until };
        self.question = Some(Ask {
            server: self.server,
            packet: question.packet(),
        });
    }

    fn failed(&mut self, now: Instant) {
        self.next_server();
        self.rest(now + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn rest(&mut self, next: Instant) {
        self.state = State::Resting { next };
        self.question = None;
    }

    /// The next one that has not refused, or the same where there is none.
    fn next_server(&mut self) {
        let after = |step: usize| (usize::from(self.server) + step) % SERVERS;
        if let Some(next) = (1..SERVERS).map(after).find(|next| !self.denied[*next]) {
            self.server = u8::try_from(next).unwrap_or(0);
        }
    }
}
