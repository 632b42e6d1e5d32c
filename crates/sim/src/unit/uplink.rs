//! The seam between a device and whatever answers it: a request goes in, what comes of it and after how long comes out.
//!
//! ```text
//! Unit ── Asked ──► Uplink ── Came ──► Unit, that much later in its own time
//! ```
//!
//! Contract: a request is carried out when it is made, so whoever answers has it even where the device loses its power before it hears of
//! that. What is broken off is told with [`Uplink::break_off`]; what a device without a network asks never gets here.

use std::time::Duration;

use device::exchange::{Body, NoAnswer, Request};
use device::outbox::Number;

use crate::http::{HttpReply, HttpRequest};
use crate::server::{Served, Server};

/// A pit's network.
const BYTES_PER_S: u64 = 500_000;
const ROUND_TRIP: Duration = Duration::from_millis(60);
/// When a device gives an answer up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request and who makes it.
pub struct Asked<'a> {
    pub request: &'a Request<'a>,
    pub token: &'a str,
    /// Of the world, as Unix time.
    pub unix_us: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Reply(HttpReply),
    NoAnswer(NoAnswer),
}

/// What comes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    pub outcome: Outcome,
    /// Until the device hears of it, in its own time.
    pub takes: Duration,
    /// Bytes of a recording that went out.
    pub sent_bytes: u32,
}

impl Came {
    /// Nobody was there.
    pub fn broken() -> Self {
        Self {
            outcome: Outcome::NoAnswer(NoAnswer::Broken),
            takes: ROUND_TRIP,
            sent_bytes: 0,
        }
    }
}

/// See the module.
pub trait Uplink {
    /// A device that will ask, before it does.
    fn expect(&mut self, token: &str, device: [u8; 16]);

    /// `read` fills a piece of a recording from the card, or cannot.
    fn carry_out(&mut self, asked: &Asked<'_>, read: &mut dyn FnMut(Number, u32, &mut [u8]) -> bool) -> Came;

    /// The device ends its connection, or loses it with its network or its power.
    fn break_off(&mut self);
}

impl Uplink for Server {
    fn expect(&mut self, token: &str, device: [u8; 16]) {
        self.add_device(token, device);
    }

    fn carry_out(&mut self, asked: &Asked<'_>, read: &mut dyn FnMut(Number, u32, &mut [u8]) -> bool) -> Came {
        let request = HttpRequest::of_device(asked.request, asked.token, |number, offset, bytes| {
            let mut body = vec![0; bytes as usize];
            read(number, offset, &mut body).then_some(body)
        });
        let Some(request) = request else {
            return Came {
                outcome: Outcome::NoAnswer(NoAnswer::Card),
                takes: Duration::ZERO,
                sent_bytes: 0,
            };
        };
        let transfer = Duration::from_micros(request.body.len() as u64 * 1_000_000 / BYTES_PER_S);
        let (outcome, takes) = match self.serve(&request, asked.unix_us) {
            Served::Reply(reply) => (Outcome::Reply(reply), ROUND_TRIP + transfer),
            Served::Broken => (Outcome::NoAnswer(NoAnswer::Broken), ROUND_TRIP + transfer),
            Served::Silent => (Outcome::NoAnswer(NoAnswer::Timeout), PATIENCE),
        };
        let sent_bytes = match asked.request.body {
            Body::Recording { bytes, .. } => bytes,
            Body::Empty | Body::Written(_) => 0,
        };
        Came {
            outcome,
            takes,
            sent_bytes,
        }
    }

    fn break_off(&mut self) {}
}
