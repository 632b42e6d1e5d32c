//! The real link between a person and a radio, in virtual time, with an eye on what it promised.

use core::time::Duration;

use device::link::{Event, Input, Known, Link, NetworkKey, OUTPUTS_PER_INPUT, Output, Ssid, Start, Want};
use device::time::{Instant, earliest};

use super::radio::{Answer, Radio};
use crate::person::{Act, Person};

/// A network as `settings` hold it.
#[derive(Debug, Clone)]
pub struct HeldNetwork {
    pub key: u8,
    pub ssid: Vec<u8>,
    pub password: Vec<u8>,
    pub last_success: u32,
}

impl HeldNetwork {
    pub fn new(key: u8, ssid: &str, password: &str) -> Self {
        Self {
            key,
            ssid: ssid.as_bytes().to_vec(),
            password: password.as_bytes().to_vec(),
            last_success: 0,
        }
    }
}

#[derive(Debug)]
pub struct Bench {
    pub link: Link,
    pub radio: Radio,
    pub person: Person,
    held: Vec<HeldNetwork>,
    now: Instant,
    is_recording: bool,
    /// Everything that the link said.
    log: Vec<(Instant, Output)>,
    /// Promises that were broken, in words.
    broken: Vec<String>,
    inputs: u64,
}

impl Bench {
    pub fn new(seed: u32, radio: Radio, held: Vec<HeldNetwork>, person: Person) -> Self {
        let mut bench = Self {
            link: Link::new(Start {
                seed,
                restarted_for_ap: false,
            }),
            radio,
            person,
            held,
            now: Instant::BOOT,
            is_recording: false,
            log: Vec::new(),
            broken: Vec::new(),
            inputs: 0,
        };
        bench.tell_networks();
        bench
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    pub fn log(&self) -> &[(Instant, Output)] {
        &self.log
    }

    pub fn broken(&self) -> &[String] {
        &self.broken
    }

    /// How often the link was woken.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// When the link said so for the first time at or after a moment.
    pub fn when(&self, from: Instant, says: impl Fn(&Output) -> bool) -> Option<Instant> {
        let mut later = self.log.iter().filter(|&&(at, _)| at >= from);
        later.find(|(_, output)| says(output)).map(|&(at, _)| at)
    }

    pub fn count(&self, says: impl Fn(&Output) -> bool) -> usize {
        self.log.iter().filter(|(_, output)| says(output)).count()
    }

    pub fn want(&mut self, want: Want) {
        self.tell(Input::Want(want));
    }

    /// The list of known networks, as `settings` give it after each change.
    pub fn tell_networks(&mut self) {
        let known: Vec<Known> = self
            .held
            .iter()
            .filter_map(|it| {
                Some(Known {
                    key: NetworkKey(it.key),
                    ssid: Ssid::new(&it.ssid)?,
                    has_password: !it.password.is_empty(),
                    last_success: it.last_success,
                })
            })
            .collect();
        self.tell(Input::Networks(&known));
    }

    /// Gives the link an input now and carries out what it orders.
    pub fn tell(&mut self, input: Input<'_>) {
        if let Input::Recording(is_recording) = input {
            self.is_recording = is_recording;
        }
        self.inputs += 1;
        self.link.handle(input, self.now);
        let mut outputs = 0;
        while let Some(output) = self.link.poll() {
            outputs += 1;
            self.watch(&output);
            self.radio.order(&output, self.now);
            if let Output::Event(Event::Connected {
                network,
                last_success,
            }) = &output
            {
                let mut held = self.held.iter_mut().filter(|it| it.key == network.0);
                held.by_ref().for_each(|it| it.last_success = *last_success);
            }
            self.log.push((self.now, output));
        }
        if outputs > OUTPUTS_PER_INPUT {
            self.broken
                .push(format!("{outputs} outputs for one input at {:?}", self.now));
        }
        if self.link.next_deadline().is_some_and(|at| at <= self.now) {
            self.broken
                .push(format!("a deadline that is over at {:?}", self.now));
        }
    }

    fn watch(&mut self, output: &Output) {
        let sends = match output {
            Output::Scan { .. } | Output::Join { .. } | Output::StartAp { .. } | Output::MoveApTo { .. } => {
                true
            }
            Output::Disconnect
            | Output::StopAp
            | Output::RadioOff
            | Output::PowerSave(_)
            | Output::Event(_)
            | Output::RestartForAp => false,
        };
        if self.is_recording && (sends || *output == Output::RestartForAp) {
            self.broken
                .push(format!("{output:?} while recording at {:?}", self.now));
        }
        let is_joined = self.radio.connected_to().is_some();
        if matches!(output, Output::Join { .. }) && is_joined {
            self.broken
                .push(format!("a join without a disconnect at {:?}", self.now));
        }
    }

    /// Lets the world go on. The link is woken by what happens and by its own deadlines, and by nothing else.
    pub fn run_until(&mut self, end: Instant) {
        loop {
            while let Some(act) = self.person.act(self.now) {
                self.act(act);
            }
            while let Some(answer) = self.radio.answer(self.now, &self.held) {
                self.tell_answer(&answer);
            }
            let outside = earliest(self.person.next(), self.radio.next());
            let deadline = self.link.next_deadline();
            let Some(next) = earliest(outside, deadline).filter(|&at| at <= end) else {
                break;
            };
            // A deadline that is over was noted as broken; time goes on all the same.
            self.now = next.max(self.now + Duration::from_micros(1));
            if deadline.is_some_and(|at| at <= self.now) {
                self.tell(Input::Tick);
            }
        }
        self.now = end.max(self.now);
    }

    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now + span);
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Switch { access_point, is_on } => self.radio.switch(access_point, is_on, self.now),
            Act::Want(want) => self.want(want),
            Act::Recording(is_recording) => self.tell(Input::Recording(is_recording)),
            Act::JoinAp if self.radio.is_ap_up() => self.tell(Input::ApClients(1)),
            Act::LeaveAp => self.tell(Input::ApClients(0)),
            Act::Form(key) => self.tell(Input::Form(key)),
            // There is nothing to join, and a button is not the link's.
            Act::JoinAp | Act::Button { .. } => {}
        }
    }

    fn tell_answer(&mut self, answer: &Answer) {
        match answer {
            Answer::ScanDone { attempt, seen } => self.tell(Input::ScanDone {
                attempt: *attempt,
                seen,
            }),
            Answer::ScanFailed { attempt } => self.tell(Input::ScanFailed { attempt: *attempt }),
            Answer::Joined { attempt } => self.tell(Input::Joined { attempt: *attempt }),
            Answer::GotAddress { attempt } => self.tell(Input::GotAddress { attempt: *attempt }),
            Answer::JoinFailed { attempt, why } => self.tell(Input::JoinFailed {
                attempt: *attempt,
                why: *why,
            }),
            Answer::Lost { attempt } => self.tell(Input::Lost { attempt: *attempt }),
            Answer::NoInternet => self.tell(Input::NoInternet),
            Answer::ApStarted => self.tell(Input::ApStarted),
            Answer::ApFailed => self.tell(Input::ApFailed),
        }
    }
}
