//! The uplink of a device in this crate to a server that runs.

use std::time::Instant;

use device::exchange::{Body, Request};
use device::outbox::Number;
use wire::receipt::FIELDPOST_RECEIPT;

use super::connection::{Connection, Endpoint, Weather};
use crate::http::HttpReply;
use crate::server::id_text;
use crate::unit::uplink::{Asked, Came, Outcome, Uplink};

/// What came of the exchanges of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub exchanges: u64,
    pub answered: u64,
    /// On purpose: no connection, one that broke in the body, an answer that was not heard.
    pub no_route: u64,
    pub cut: u64,
    pub answers_lost: u64,
    /// Not on purpose: the server was not there, or went away.
    pub broken: u64,
    /// Bytes of recordings that went out, again where they had to.
    pub sent_bytes: u64,
}

/// Draws what befalls the next exchange.
pub type Forecast = Box<dyn FnMut(&Request<'_>) -> Weather>;

pub struct Live {
    connection: Connection,
    /// How much faster than ours the device's time goes; what the network takes is charged with it.
    speed: f64,
    forecast: Forecast,
    device: String,
    pub tally: Tally,
    /// Texts of receipts that were heard, for whoever takes them.
    pub receipts: Vec<String>,
}

impl Live {
    pub fn new(endpoint: Endpoint, speed: f64, forecast: Forecast) -> Self {
        Self {
            connection: Connection::new(endpoint),
            speed,
            forecast,
            device: String::new(),
            tally: Tally::default(),
            receipts: Vec::new(),
        }
    }

    /// The UUID of the device that it is for.
    pub fn device(&self) -> &str {
        &self.device
    }

    fn count(&mut self, weather: Weather, broken_on_purpose: Option<bool>) {
        self.tally.exchanges += 1;
        let of_its_kind = match (broken_on_purpose, weather) {
            (None, _) => &mut self.tally.answered,
            (Some(true), Weather::NoRoute) => &mut self.tally.no_route,
            (Some(true), Weather::CutAfter(_)) => &mut self.tally.cut,
            (Some(true), Weather::AnswerLost) => &mut self.tally.answers_lost,
            (Some(_), _) => &mut self.tally.broken,
        };
        *of_its_kind += 1;
    }
}

impl Uplink for Live {
    fn expect(&mut self, _: &str, device: [u8; 16]) {
        self.device = id_text(u128::from_be_bytes(device));
        self.connection.name_device(self.device.clone());
    }

    fn carry_out(&mut self, asked: &Asked<'_>, read: &mut dyn FnMut(Number, u32, &mut [u8]) -> bool) -> Came {
        let weather = (self.forecast)(asked.request);
        let is_recording = matches!(asked.request.body, Body::Recording { .. });
        let (began, mut sent_bytes) = (Instant::now(), 0);
        let carried = self
            .connection
            .carry_out(asked.request, weather, read, |bytes| sent_bytes += bytes);
        let takes = began.elapsed().mul_f64(self.speed);
        self.count(weather, carried.err().map(|broken| broken.on_purpose));
        if is_recording {
            self.tally.sent_bytes += u64::from(sent_bytes);
        }
        let outcome = match carried {
            Ok(()) => {
                let reply = self.connection.answer();
                self.receipts.extend(receipt_in(&reply));
                Outcome::Reply(reply)
            }
            Err(broken) => Outcome::NoAnswer(broken.why),
        };
        Came {
            outcome,
            takes,
            sent_bytes,
        }
    }

    fn break_off(&mut self) {
        self.connection.drop_link();
    }
}

/// In a header, or in the answer to a question for it.
fn receipt_in(reply: &HttpReply) -> Option<String> {
    if let Some(text) = reply.header(FIELDPOST_RECEIPT) {
        return Some(text.to_owned());
    }
    let body: serde_json::Value = serde_json::from_slice(&reply.body).ok()?;
    Some(body["receipt"].as_str()?.to_owned())
}
