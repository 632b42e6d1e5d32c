//! What the device is doing: recording, syncing, being set up, or waiting. Other modules do it; this one decides.
//!
//! **A race logger**:
//!
//! ```text
//!                fix and movement
//!        ┌────────────────────────────────► Recording ── button, 3 min standing, battery, card ──┐
//!        │   ▲ rode off, not connected          ▲                                                │ sealed
//!       Idle ┼──────────────────────────────────┘ ◄──────────────────────────────────────────────┘
//!        │   │
//!        ├───┴─► Sync ── done, failed, button ──► (5 s) ──► Idle
//!        │        ▲ connected, after a minute
//!        └─────► Setup ── button, 10 min alone ──► Idle
//! ```
//!
//! | press | Idle | Recording | Sync | Setup |
//! |---|---|---|---|---|
//! | in the first 10 s | Sync | seal, then Sync | nothing | nothing |
//! | short | Sync | seal | the person's: stop; its own: becomes the person's | Idle |
//! | held 3 s | Sync | seal | pairing for 2 minutes | pairing for 2 minutes |
//!
//! Sync without a known network is Setup. A sync begins by itself when something waits to be handed over, `auto_sync` is on and the battery
//! is good. Movement ends that kind at once. A sync that a person asked for ends by movement only while it is not connected: a
//! router stays behind when the device rides off, a phone in the same van does not.
//!
//! While a recording runs, from before its first row until after its seal, the radio is dark and a sync is refused.
//!
//! **An uptime logger or a camera** is always online. Without a known network, or without a connection for 3 minutes,
//! it opens its access point for 10 minutes at a time; a minute after a connection it closes it, so that the page can tell the outcome.
//!
//! **Contract.** As everywhere: `handle`, drain `poll`, sleep until `next_deadline` or an input. Nothing is done here, so nothing fails
//! here; a seal that is not confirmed in [`SEAL_TIMEOUT`] ends in a restart, whose boot repairs the recording.

mod battery;
mod io;
mod motion;
mod online;
mod race;

use core::time::Duration;

use heapless::{Deque, Vec};

use crate::link::Want;
use crate::signal::Activity;
use crate::time::Instant;

pub use battery::Level;
pub use io::{Advertise, Input, Output, Refusal, SealReason};
pub use motion::{BLIND_SEALS, STANDING_SEALS};
pub use race::{SEAL_TIMEOUT, SYNC_SEARCH};

use io::Wishes;
use online::Online;
use race::Race;

/// How long the button opens pairing and provisioning for.
pub const PAIRING_WINDOW: Duration = Duration::from_secs(120);
/// The page needs the access point to say that the device has joined.
const SETUP_LINGERS: Duration = Duration::from_secs(60);
/// An access point that nobody uses.
const SETUP_ALONE: Duration = Duration::from_secs(600);
/// Five levels and two commands at most.
pub const OUTPUTS_PER_INPUT: usize = 7;
/// For a caller that drains late.
const OUTPUTS_MAX: usize = 2 * OUTPUTS_PER_INPUT;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trade {
    RaceLogger,
    /// Uptime loggers and cameras.
    AlwaysOnline,
}

#[derive(Debug, Clone)]
enum Machine {
    Race(Race),
    Online(Online),
}

#[derive(Debug, Clone)]
pub struct Modes {
    machine: Machine,
    said: Wishes,
    outputs: Deque<Output, OUTPUTS_MAX>,
}

impl Modes {
    pub fn new(trade: Trade) -> Self {
        let machine = match trade {
            Trade::RaceLogger => Machine::Race(Race::new()),
            Trade::AlwaysOnline => Machine::Online(Online::new()),
        };
        Self {
            machine,
            said: Wishes::IDLE,
            outputs: Deque::new(),
        }
    }

    pub fn handle(&mut self, input: Input, now: Instant) {
        let (wishes, commands) = match &mut self.machine {
            Machine::Race(race) => race.handle(input, now),
            Machine::Online(online) => (online.handle(input, now), Vec::new()),
        };
        self.say(wishes);
        for command in commands {
            self.push(command);
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::handle`] with a tick if nothing else happens before. Any input may change it.
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.machine {
            Machine::Race(race) => race.next_deadline(),
            Machine::Online(online) => online.next_deadline(),
        }
    }

    /// For the light.
    pub fn activity(&self) -> Activity {
        match &self.machine {
            Machine::Race(race) => race.activity(),
            Machine::Online(online) => online.activity(),
        }
    }

    /// Whether rows are, or are about to be, written: the light is dark and the radio too.
    pub fn is_recording(&self) -> bool {
        match &self.machine {
            Machine::Race(race) => race.is_recording(),
            Machine::Online(_) => false,
        }
    }

    /// Says the levels that changed: the radio goes dark before anything else, and comes back after.
    fn say(&mut self, new: Wishes) {
        let old = core::mem::replace(&mut self.said, new);
        if new.is_dark && !old.is_dark {
            self.push(Output::RadioDark(true));
        }
        if new.offload != old.offload && !new.offload {
            self.push(Output::Offload(false));
        }
        if new.link != old.link {
            self.push(Output::Link(new.link));
        }
        if new.portal != old.portal {
            self.push(Output::Portal(new.portal));
        }
        if new.advertise != old.advertise {
            self.push(Output::Advertise(new.advertise));
        }
        if !new.is_dark && old.is_dark {
            self.push(Output::RadioDark(false));
        }
        if new.offload && !old.offload {
            self.push(Output::Offload(true));
        }
    }

    fn push(&mut self, output: Output) {
        if self.outputs.is_full() {
            self.outputs.pop_front();
        }
        // There is room now.
        let _ = self.outputs.push_back(output);
    }
}
