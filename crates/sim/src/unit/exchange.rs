//! A request on its way to the server, and its answer on the way back.

use device::controller::Input;
use device::exchange::NoAnswer;
use device::time::Instant;

use super::Unit;
use super::uplink::{Asked, Came, Outcome, Uplink};
use crate::exec;

/// What an exchange will come to, and when.
#[derive(Debug)]
pub(super) struct Exchange {
    ends: Instant,
    came: Came,
}

impl Exchange {
    pub(super) fn ends(&self) -> Instant {
        self.ends
    }
}

impl<L: Uplink> Unit<L> {
    /// The server has it as soon as its last byte is out; the device hears of it later, or never.
    pub(super) fn begin_exchange(&mut self) {
        let Some(running) = &mut self.running else {
            return;
        };
        let Some(request) = running.controller.request() else {
            self.tell(Input::NoAnswer(NoAnswer::Card));
            return;
        };
        let asked = Asked {
            request: &request,
            token: &self.around.token,
            unix_us: (self.around.began_utc_ms + self.now.as_millis() as i64) * 1_000,
        };
        let store = &mut running.store;
        let came = if self.around.radio.connected_to().is_some() {
            self.around
                .server
                .carry_out(&asked, &mut |number, offset, piece| {
                    let read = exec::run(store.read(number, offset, piece)).done();
                    read.is_some_and(|read| read.is_ok())
                })
        } else {
            Came::broken()
        };
        let said = format!(
            "{} {} -> {}",
            request.method.name(),
            request.path,
            outcome(&came.outcome)
        );
        drop(request);
        running.exchange = Some(Exchange {
            ends: self.now + came.takes,
            came,
        });
        self.note("exchanges", || said);
    }

    pub(super) fn break_off(&mut self) {
        self.around.server.break_off();
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
        let Some(Exchange { came, .. }) = ended else {
            return;
        };
        if came.sent_bytes > 0 {
            self.tell(Input::Sent(came.sent_bytes));
        }
        let is_connected = self.around.radio.connected_to().is_some();
        match came.outcome {
            Outcome::Reply(reply) if is_connected => self.tell(Input::Answer(&reply.for_device())),
            Outcome::Reply(_) => {
                self.around.server.break_off();
                self.tell(Input::NoAnswer(NoAnswer::Broken));
            }
            Outcome::NoAnswer(why) => self.tell(Input::NoAnswer(why)),
        }
    }
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Reply(reply) => reply.status.to_string(),
        Outcome::NoAnswer(why) => format!("{why:?}").to_lowercase(),
    }
}
