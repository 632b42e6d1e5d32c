//! Hands recordings over, oldest first, and lets none count as delivered without a receipt.
//!
//! ```text
//!  Idle ── wanted and online ──► Surveying ──► Choosing ──► Asking ◄──► Pausing       (handover.rs: one recording)
//!   ▲                            ▲ │     ▲       ▲  │        │            │
//!   │ not wanted, offline        │ │     │       └──┼────────┴────────────┘  proven, set aside, passed over
//!   │ (from everywhere)          │ │     └──────────┤ the round is over: is there more?
//!   │                            │ └─ nothing ─► Done            Recorded, Wanted: again
//!   │                            └─ Resting ◄───────┘ some were passed over
//!   └── Stopped: 401 or 403; wanted anew, online anew or an hour later it is tried again
//! ```
//!
//! **Contract.** `handle(input, now, surroundings)`, then [`Offload::poll`] until it gives `None`, then sleep until
//! [`Offload::next_deadline`], which any `handle` may change. Ticks may come early and twice. On [`Output::Send`] carry out
//! [`Offload::request`] and bring back exactly one of [`Input::Answer`] and [`Input::NoAnswer`], with [`Input::Sent`] in between; after
//! [`Output::Abandon`] bring back nothing. Answer [`Output::Survey`] and [`Output::Next`] from the ledger. Write each
//! [`Output::Ledger`] to flash before the next poll.
//!
//! **Promises.** [`LedgerStep::Receipted`] carries a [`Proof`], which only a verified receipt for this device, name, size and SHA-256 makes:
//! no answer of any server can bring about another. Progress never goes back. However a server answers, requests per hour are bounded: see
//! `pace` and `handover`. A recording that the server cannot take does not hold up the others. One made under another claim is not
//! offered.
//!
//! **Not here**: who may use the connection when ([`crate::net`]), reading the card, and whether what has a receipt may go
//! ([`crate::confirm`]).

mod candidate;
mod handover;
mod io;
mod pace;
mod progress;
mod proof;
mod status;
mod trouble;

pub use candidate::Candidate;
pub(crate) use candidate::hex;
pub use handover::BODY_BYTES_MAX;
use handover::{Handover, Next};
use heapless::Deque;
pub use io::{Input, LedgerStep, Output, Surroundings, Survey, Unwanted};
use pace::Pace;
use progress::Progress;
pub use status::{Activity, Status};
pub use trouble::Trouble;

use crate::exchange::Request;
use crate::outbox::Number;
use crate::time::Instant;

/// A revoked token does not come back; a proxy's mistake may be mended.
const STOPPED: core::time::Duration = core::time::Duration::from_hours(1);
/// One handle leaves an abandoned request, two steps in the ledger and a question at most.
const OUTPUTS_MAX: usize = 6;

#[derive(Debug)]
enum Phase {
    Idle,
    Surveying,
    Choosing,
    Asking(Handover),
    Pausing(Handover, Instant),
    Resting(Instant),
    Done,
    Stopped(Instant),
}

/// See the module.
#[derive(Debug)]
pub struct Offload {
    is_online: bool,
    is_wanted: bool,
    phase: Phase,
    /// Of this round.
    after: Option<Number>,
    last: Number,
    left_over: u16,
    set_aside: u16,
    pace: Pace,
    progress: Progress,
    trouble: Option<Trouble>,
    outputs: Deque<Output, OUTPUTS_MAX>,
    told: Option<Status>,
}

impl Offload {
    /// `seed` spreads the pauses of many devices.
    pub const fn new(seed: u32) -> Self {
        Self {
            is_online: false,
            is_wanted: false,
            phase: Phase::Idle,
            after: None,
            last: Number(0),
            left_over: 0,
            set_aside: 0,
            pace: Pace::new(seed),
            progress: Progress::new(),
            trouble: None,
            outputs: Deque::new(),
            told: None,
        }
    }

    pub fn handle(&mut self, input: Input<'_>, now: Instant, surroundings: &Surroundings<'_>) {
        match input {
            Input::Tick => self.tick(now, surroundings),
            Input::Online(is_online) => {
                let was = core::mem::replace(&mut self.is_online, is_online);
                self.switched(was != is_online, surroundings);
            }
            Input::Wanted(is_wanted) => {
                self.is_wanted = is_wanted;
                // Whoever wants it again wants it now.
                let waits = matches!(
                    self.phase,
                    Phase::Idle | Phase::Resting(_) | Phase::Done | Phase::Stopped(_)
                );
                self.switched(waits || !is_wanted, surroundings);
            }
            Input::Recorded => {
                if matches!(self.phase, Phase::Done) {
                    self.survey(surroundings);
                } else if self.progress.is_complete() {
                    self.begin_batch();
                }
            }
            Input::Surveyed(survey) => self.surveyed(survey, surroundings),
            Input::Candidate(candidate) => self.chosen(candidate, now, surroundings),
            Input::Sent(bytes) => {
                if matches!(self.phase, Phase::Asking(_)) {
                    self.progress.sent(bytes, now);
                }
            }
            Input::Answer(response) => {
                if let Phase::Asking(handover) = &mut self.phase {
                    let next = handover.answered(response, surroundings);
                    self.follow(next, now, surroundings);
                }
            }
            Input::NoAnswer(why) => {
                if let Phase::Asking(handover) = &mut self.phase {
                    let next = handover.unanswered(why);
                    self.follow(next, now, surroundings);
                }
            }
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        let status = self.status();
        if self.told == Some(status) {
            return None;
        }
        self.told = Some(status);
        Some(Output::Status(status))
    }

    /// When to call with a tick unless something else comes first. Every `handle` may change it.
    pub const fn next_deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Pausing(_, until) | Phase::Resting(until) | Phase::Stopped(until) => Some(*until),
            Phase::Idle | Phase::Surveying | Phase::Choosing | Phase::Asking(_) | Phase::Done => None,
        }
    }

    /// What to ask the server, between [`Output::Send`] and its answer.
    pub fn request(&self) -> Option<Request<'_>> {
        match &self.phase {
            Phase::Asking(handover) => Some(handover.request()),
            Phase::Idle
            | Phase::Surveying
            | Phase::Choosing
            | Phase::Pausing(..)
            | Phase::Resting(_)
            | Phase::Done
            | Phase::Stopped(_) => None,
        }
    }

    fn switched(&mut self, matters: bool, surroundings: &Surroundings<'_>) {
        if !matters {
            return;
        }
        if self.is_online && self.is_wanted {
            if matches!(self.phase, Phase::Asking(_)) {
                return;
            }
            self.trouble = None;
            self.survey(surroundings);
        } else {
            let is_out = matches!(self.phase, Phase::Asking(_)) && !self.forget_questions();
            if is_out {
                self.put(Output::Abandon);
            }
            self.progress.paused();
            self.progress.next_file();
            if !self.is_wanted {
                self.begin_batch();
            }
            self.phase = Phase::Idle;
        }
    }

    fn tick(&mut self, now: Instant, surroundings: &Surroundings<'_>) {
        if self.next_deadline().is_none_or(|until| now < until) {
            return;
        }
        match core::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Pausing(handover, _) => self.ask(handover, surroundings),
            Phase::Resting(_) | Phase::Stopped(_) => self.survey(surroundings),
            // Have no deadline.
            other @ (Phase::Idle | Phase::Surveying | Phase::Choosing | Phase::Asking(_) | Phase::Done) => {
                self.phase = other;
            }
        }
    }

    /// Goes on with the batch, or begins another if everything of the one before is through.
    fn survey(&mut self, surroundings: &Surroundings<'_>) {
        if self.progress.is_complete() {
            self.begin_batch();
        }
        self.phase = Phase::Surveying;
        self.put(Output::Survey {
            claim: surroundings.claim,
        });
    }

    fn begin_batch(&mut self) {
        self.progress = Progress::new();
        self.set_aside = 0;
    }

    fn surveyed(&mut self, survey: Option<Survey>, surroundings: &Surroundings<'_>) {
        if !matches!(self.phase, Phase::Surveying) {
            return;
        }
        self.after = None;
        self.left_over = 0;
        match survey {
            None => self.done(),
            Some(survey) => {
                self.last = survey.last;
                self.progress.go_on(&survey);
                self.choose(surroundings);
            }
        }
    }

    fn choose(&mut self, surroundings: &Surroundings<'_>) {
        self.phase = Phase::Choosing;
        self.put(Output::Next {
            claim: surroundings.claim,
            after: self.after,
            last: self.last,
        });
    }

    fn chosen(&mut self, candidate: Option<Candidate>, now: Instant, surroundings: &Surroundings<'_>) {
        if !matches!(self.phase, Phase::Choosing) {
            return;
        }
        match candidate {
            Some(candidate) if self.is_next(&candidate) => {
                self.after = Some(candidate.number);
                if candidate.claim == surroundings.claim {
                    self.ask(Handover::new(candidate), surroundings);
                } else {
                    self.choose(surroundings);
                }
            }
            Some(_) | None if self.left_over > 0 => {
                self.phase = Phase::Resting(now + self.pace.rest());
            }
            // Something may have been recorded in the meantime.
            Some(_) | None if self.after.is_some() => self.survey(surroundings),
            Some(_) | None => self.done(),
        }
    }

    /// A ledger that gave one twice would have it offered for ever.
    fn is_next(&self, candidate: &Candidate) -> bool {
        self.after.is_none_or(|after| candidate.number > after) && candidate.number <= self.last
    }

    fn done(&mut self) {
        self.progress.complete();
        self.trouble = None;
        self.phase = Phase::Done;
    }

    fn ask(&mut self, handover: Handover, surroundings: &Surroundings<'_>) {
        if handover.candidate.claim != surroundings.claim {
            // The device has another owner since.
            self.survey(surroundings);
            return;
        }
        self.phase = Phase::Asking(handover);
        self.put(Output::Send);
    }

    /// Leaves only steps for the ledger to be polled; whether a request was among the rest, which nobody has begun to carry out then.
    fn forget_questions(&mut self) -> bool {
        let mut had_request = false;
        for _ in 0..self.outputs.len() {
            match self.outputs.pop_front() {
                Some(step @ Output::Ledger(_)) => self.put(step),
                Some(output) => had_request |= output == Output::Send,
                None => {}
            }
        }
        had_request
    }

    /// The queue is drained after every `handle`, so there is always room.
    fn put(&mut self, output: Output) {
        let _ = self.outputs.push_back(output);
    }

    /// What an answer led to.
    fn follow(&mut self, next: Next, now: Instant, surroundings: &Surroundings<'_>) {
        let Phase::Asking(mut handover) = core::mem::replace(&mut self.phase, Phase::Choosing) else {
            return;
        };
        let number = handover.candidate.number;
        let size_bytes = handover.candidate.size_bytes;
        if handover.is_begun() && !handover.candidate.is_offered {
            handover.candidate.is_offered = true;
            self.put(Output::Ledger(LedgerStep::Offered(number)));
        }
        match next {
            Next::Go => {
                self.progress.durable(handover.offset());
                if handover.gets_on() {
                    self.pace.moved();
                }
                self.ask(handover, surroundings);
            }
            Next::Pause(trouble, retry_after_s) => {
                self.trouble = Some(trouble);
                self.progress.paused();
                let pause = self.pace.pause(retry_after_s);
                self.phase = Phase::Pausing(handover, now + pause);
            }
            Next::PassOver(trouble) => {
                self.trouble = Some(trouble);
                self.left_over = self.left_over.saturating_add(1);
                self.progress.next_file();
                self.choose(surroundings);
            }
            Next::SetAside(why) => {
                self.trouble = Some(Trouble::Refused);
                self.set_aside = self.set_aside.saturating_add(1);
                self.progress.left_out(size_bytes);
                self.put(Output::Ledger(LedgerStep::Quarantined(number, why)));
                self.choose(surroundings);
            }
            Next::Proven(proof) => {
                self.pace.proven();
                self.trouble = None;
                self.progress.delivered(size_bytes);
                self.put(Output::Ledger(LedgerStep::Receipted(proof)));
                self.choose(surroundings);
            }
            Next::Stop(trouble) => {
                self.trouble = Some(trouble);
                self.progress.paused();
                self.phase = Phase::Stopped(now + STOPPED);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::receipt::{ServerKey, TrustedKeys};

    use super::*;
    use crate::outbox::Kind;

    fn candidate(number: u32, claim: u32) -> Candidate {
        Candidate {
            number: Number(number),
            kind: Kind::Session,
            size_bytes: 1000,
            sha256: [7; 32],
            claim,
            is_offered: false,
        }
    }

    /// Gives the candidates one after the other, and says which are offered: no answer comes for any.
    fn offered(candidates: &[Candidate]) -> heapless::Vec<Option<Number>, 8> {
        let keys = TrustedKeys::new(ServerKey::from_seed(&[1; 32]).public(), None);
        let surroundings = Surroundings {
            keys: &keys,
            device: [1; 16],
            claim: 1,
        };
        let (mut offload, now) = (Offload::new(1), Instant::BOOT);
        let survey = Survey {
            files: 9,
            bytes: 9000,
            last: Number(9),
        };
        let starting = [
            Input::Wanted(true),
            Input::Online(true),
            Input::Surveyed(Some(survey)),
        ];
        for input in starting {
            offload.handle(input, now, &surroundings);
        }
        let mut offered = heapless::Vec::new();
        for candidate in candidates {
            offload.handle(Input::Candidate(Some(*candidate)), now, &surroundings);
            while offload.poll().is_some() {}
            let _ = offered.push(offload.status().name);
            let is_asking = offload.request().is_some();
            if is_asking {
                offload.handle(
                    Input::NoAnswer(crate::exchange::NoAnswer::Card),
                    now,
                    &surroundings,
                );
            }
        }
        offered
    }

    #[test]
    fn another_owners_recording_is_not_offered_whatever_the_ledger_gives() {
        let names = offered(&[candidate(1, 1), candidate(2, 2), candidate(3, 1)]);
        assert_eq!(names, [Some(Number(1)), None, Some(Number(3))]);
    }

    #[test]
    fn a_ledger_that_gives_one_twice_does_not_have_it_offered_for_ever() {
        assert_eq!(
            offered(&[candidate(1, 1), candidate(1, 1)]),
            [Some(Number(1)), None]
        );
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<Offload>() <= 640, "{}", size_of::<Offload>());
    }
}
