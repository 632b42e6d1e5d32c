//! A request on its way to the server, and its answer on the way back.

use std::time::Duration;

use device::controller::Input;
use device::exchange::NoAnswer;
use device::time::Instant;

use super::Unit;
use crate::exec;
use crate::http::{HttpReply, HttpRequest};
use crate::server::Served;

/// A pit's network.
const BYTES_PER_S: u64 = 500_000;
const ROUND_TRIP: Duration = Duration::from_millis(60);
/// When a device gives an answer up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an exchange will come to, and when.
#[derive(Debug)]
pub(super) struct Exchange {
    ends: Instant,
    body_bytes: u32,
    served: Served,
}

impl Exchange {
    pub(super) fn ends(&self) -> Instant {
        self.ends
    }
}

impl Unit {
    /// The server has it as soon as its last byte is out; the device hears of it later, or never.
    pub(super) fn begin_exchange(&mut self) {
        let Some(running) = &mut self.running else {
            return;
        };
        let store = &mut running.store;
        let request = running.controller.request().and_then(|request| {
            HttpRequest::of_device(&request, &self.around.token, |number, offset, bytes| {
                let mut body = vec![0; bytes as usize];
                let read = exec::run(store.read(number, offset, &mut body)).done();
                read.is_some_and(|read| read.is_ok()).then_some(body)
            })
        });
        let Some(request) = request else {
            self.tell(Input::NoAnswer(NoAnswer::Card));
            return;
        };
        let unix_us = (self.around.began_utc_ms + self.now.as_millis() as i64) * 1_000;
        let served = if self.around.radio.connected_to().is_some() {
            self.around.server.serve(&request, unix_us)
        } else {
            Served::Broken
        };
        let takes = match served {
            Served::Silent => PATIENCE,
            Served::Reply(_) | Served::Broken => {
                ROUND_TRIP + Duration::from_micros(request.body.len() as u64 * 1_000_000 / BYTES_PER_S)
            }
        };
        self.note("exchanges", || {
            format!("{} {} -> {}", request.method, request.path, outcome(&served))
        });
        if let Some(running) = &mut self.running {
            running.exchange = Some(Exchange {
                ends: self.now + takes,
                body_bytes: u32::try_from(request.body.len()).unwrap_or(u32::MAX),
                served,
            });
        }
    }

    pub(super) fn break_off(&mut self) {
        if let Some(running) = &mut self.running {
            running.exchange = None;
        }
    }

    pub(super) fn finish_exchange(&mut self) {
        let now = self.now;
        let ended = self
            .running
            .as_mut()
            .and_then(|running| running.exchange.take_if(|exchange| exchange.ends <= now));
        let Some(exchange) = ended else {
            return;
        };
        if exchange.body_bytes > 0 {
            self.tell(Input::Sent(exchange.body_bytes));
        }
        let is_connected = self.around.radio.connected_to().is_some();
        match exchange.served {
            Served::Reply(reply) if is_connected => self.answer(&reply),
            Served::Reply(_) | Served::Broken => self.tell(Input::NoAnswer(NoAnswer::Broken)),
            Served::Silent => self.tell(Input::NoAnswer(NoAnswer::Timeout)),
        }
    }

    fn answer(&mut self, reply: &HttpReply) {
        self.tell(Input::Answer(&reply.for_device()));
    }
}

fn outcome(served: &Served) -> String {
    match served {
        Served::Reply(reply) => reply.status.to_string(),
        Served::Broken => "broken".to_owned(),
        Served::Silent => "silent".to_owned(),
    }
}
