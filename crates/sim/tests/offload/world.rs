//! A device with recordings, a network that comes and goes, and the model of the server, on one clock.

use std::time::Duration;

use device::exchange::NoAnswer;
use device::offload::{
    Activity, Candidate, Input, LedgerStep, Offload, Output, Status, Surroundings, Survey, Unwanted,
};
use device::outbox::{Kind, Number, State};
use device::time::Instant;
use rand::Rng;
use sha2::{Digest, Sha256};
use sim::http::{HttpReply, HttpRequest};
use sim::server::{Served, Server};
use sim::{SeededRng, seeded};
use wire::receipt::TrustedKeys;

pub(crate) const TOKEN: &str = "fpd_logger";
pub(crate) const DEVICE: [u8; 16] = [0x11; 16];
/// 2026-11-20 12:00 UTC
const BOOTED_AT_US: i64 = 1_795_176_000_000_000;
const LATENCY: Duration = Duration::from_millis(60);
/// What the radio takes at once; of no round size.
const CHUNK_BYTES: usize = 31_007;
/// After so long without a byte the runner gives an exchange up.
const SILENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) candidate: Candidate,
    pub(crate) bytes: Vec<u8>,
    pub(crate) state: State,
    pub(crate) set_aside: Option<Unwanted>,
}

/// One request as it went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Of a PATCH.
    pub(crate) offset: Option<usize>,
    /// How much of the body got out.
    pub(crate) body_bytes: usize,
    /// The answer's status, if there was one.
    pub(crate) status: Option<u16>,
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) offload: Offload,
    pub(crate) recordings: Vec<Recording>,
    pub(crate) now: Instant,
    pub(crate) asked: Vec<Asked>,
    /// Every status that was shown.
    pub(crate) shown: Vec<(Instant, Status)>,
    pub(crate) token: &'static str,
    pub(crate) claim: u32,
    pub(crate) bytes_per_s: u64,
    /// The number of a recording that the card does not give.
    pub(crate) unreadable: Option<u32>,
    /// The network is gone from the first to the second of each.
    pub(crate) outages: Vec<(Instant, Instant)>,
    is_online: bool,
    keys: TrustedKeys,
    rng: SeededRng,
}

impl World {
    /// A device that wants to hand over recordings of these sizes.
    pub(crate) fn with(sizes: &[usize]) -> Self {
        Self::seeded(1, sizes)
    }

    pub(crate) fn seeded(seed: u64, sizes: &[usize]) -> Self {
        let mut server = Server::new(seed);
        server.add_device(TOKEN, DEVICE);
        let keys = TrustedKeys::new(server.public_key(), None);
        let mut world = Self {
            server,
            offload: Offload::new(0x5EED),
            recordings: Vec::new(),
            now: Instant::from_secs(5),
            asked: Vec::new(),
            shown: Vec::new(),
            token: TOKEN,
            claim: 1,
            bytes_per_s: 400_000,
            unreadable: None,
            outages: Vec::new(),
            is_online: false,
            keys,
            rng: seeded(seed),
        };
        for size in sizes {
            world.record(*size);
        }
        world.handle(Input::Wanted(true));
        world
    }

    pub(crate) fn record(&mut self, size: usize) -> Number {
        let number = Number(u32::try_from(self.recordings.len()).unwrap() + 1);
        let mut bytes = vec![0; size];
        self.rng.fill_bytes(&mut bytes);
        let candidate = Candidate {
            number,
            kind: Kind::Session,
            size_bytes: u32::try_from(size).unwrap(),
            sha256: Sha256::digest(&bytes).into(),
            claim: self.claim,
            is_offered: false,
        };
        self.recordings.push(Recording {
            candidate,
            bytes,
            state: State::Digested,
            set_aside: None,
        });
        self.handle(Input::Recorded);
        number
    }

    pub(crate) fn recording(&mut self, number: u32) -> &mut Recording {
        let found = self
            .recordings
            .iter_mut()
            .find(|one| one.candidate.number == Number(number));
        found.unwrap()
    }

    pub(crate) fn states(&self) -> Vec<State> {
        self.recordings.iter().map(|one| one.state).collect()
    }

    /// And it has been shown.
    pub(crate) fn is_through(&self) -> bool {
        let shown = self.shown.last().map(|(_, status)| *status);
        shown == Some(self.offload.status()) && self.offload.status().activity == Activity::Done
    }

    pub(crate) fn patches(&self) -> impl Iterator<Item = &Asked> {
        self.asked.iter().filter(|asked| asked.method == "PATCH")
    }

    pub(crate) fn sent_bytes(&self) -> usize {
        self.asked.iter().map(|asked| asked.body_bytes).sum()
    }

    /// Most requests within any stretch of so long.
    pub(crate) fn most_requests_within(&self, span: Duration) -> usize {
        let times: Vec<Instant> = self.asked.iter().map(|asked| asked.at).collect();
        let within = |from: &Instant| {
            times
                .iter()
                .filter(|at| **at >= *from && at.since(*from) <= span)
                .count()
        };
        times.iter().map(within).max().unwrap_or(0)
    }

    /// Lets time pass until the machine sleeps with nothing to do, or so long.
    pub(crate) fn run_for(&mut self, span: Duration) {
        self.run_until(span, |_| false);
    }

    pub(crate) fn run_until(&mut self, span: Duration, mut is_enough: impl FnMut(&Self) -> bool) {
        let end = self.now + span;
        loop {
            self.follow_network();
            if is_enough(self) || self.now >= end {
                return;
            }
            if let Some(output) = self.offload.poll() {
                self.act(output);
                continue;
            }
            let deadline = self.offload.next_deadline();
            let next = [deadline, self.next_change()].into_iter().flatten().min();
            let next = next.unwrap_or(end).min(end);
            self.now = next.max(self.now);
            self.handle(Input::Tick);
        }
    }

    /// Until everything has its receipt or was set aside.
    pub(crate) fn run_to_the_end(&mut self, span: Duration) {
        self.run_until(span, Self::is_through);
        assert!(
            self.is_through(),
            "{:?} after {span:?}: {:?}",
            self.offload.status(),
            self.states()
        );
    }

    /// Somebody else brings the next bytes of a recording whose first body has arrived.
    pub(crate) fn carry_over(&mut self, number: u32, count: usize) {
        let last = self.asked.last().unwrap().clone();
        let from = last.offset.unwrap() + last.body_bytes;
        let body = self.recording(number).bytes[from..from + count].to_vec();
        let headers = [
            ("authorization", format!("Bearer {}", self.token)),
            ("tus-resumable", "1.0.0".to_owned()),
            ("content-type", "application/offset+octet-stream".to_owned()),
            ("content-length", count.to_string()),
            ("upload-offset", from.to_string()),
        ];
        let request = HttpRequest {
            method: last.method,
            path: last.path,
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body,
        };
        let Served::Reply(reply) = self.server.serve(&request, self.unix_us()) else {
            panic!("no answer");
        };
        assert_eq!(reply.status, 204);
    }

    /// Somebody wants it, or does not want it any more.
    pub(crate) fn want(&mut self, is_wanted: bool) {
        self.handle(Input::Wanted(is_wanted));
        while let Some(output) = self.offload.poll() {
            self.act(output);
        }
    }

    pub(crate) fn handle(&mut self, input: Input<'_>) {
        let surroundings = Surroundings {
            keys: &self.keys,
            device: DEVICE,
            claim: self.claim,
        };
        self.offload.handle(input, self.now, &surroundings);
    }

    fn is_up(&self) -> bool {
        !self
            .outages
            .iter()
            .any(|(from, to)| (*from..*to).contains(&self.now))
    }

    fn next_change(&self) -> Option<Instant> {
        let changes = self.outages.iter().flat_map(|(from, to)| [*from, *to]);
        changes.filter(|at| *at > self.now).min()
    }

    fn follow_network(&mut self) {
        let is_up = self.is_up();
        if is_up != self.is_online {
            self.is_online = is_up;
            self.handle(Input::Online(is_up));
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Survey { claim } => {
                let survey = self.survey(claim);
                self.handle(Input::Surveyed(survey));
            }
            Output::Next { claim, after, last } => {
                let is_next = |one: &&Recording| {
                    let number = one.candidate.number;
                    is_offerable(one, claim) && after.is_none_or(|after| number > after) && number <= last
                };
                let next = self.recordings.iter().find(is_next).map(|one| one.candidate);
                self.handle(Input::Candidate(next));
            }
            Output::Send => self.exchange(),
            Output::Abandon => panic!("nothing is under way"),
            Output::Ledger(step) => self.step(&step),
            Output::Status(status) => self.show(status),
        }
    }

    fn survey(&self, claim: u32) -> Option<Survey> {
        let offered = || self.recordings.iter().filter(|one| is_offerable(one, claim));
        Some(Survey {
            files: u16::try_from(offered().count()).unwrap(),
            bytes: offered().map(|one| u64::from(one.candidate.size_bytes)).sum(),
            last: offered().next_back()?.candidate.number,
        })
    }

    fn step(&mut self, step: &LedgerStep) {
        match step {
            LedgerStep::Offered(number) => {
                let one = self.recording(number.0);
                assert_eq!(one.state, State::Digested);
                one.state = State::Offered;
                one.candidate.is_offered = true;
            }
            LedgerStep::Receipted(proof) => {
                let one = self.recording(proof.number().0).clone();
                assert!(
                    self.server.holds(&one.bytes),
                    "{} counts as delivered and the server has it not",
                    proof.number()
                );
                assert_eq!(one.candidate.claim, self.claim, "another owner's");
                assert_ne!(one.state, State::Receipted);
                self.recording(proof.number().0).state = State::Receipted;
            }
            LedgerStep::Quarantined(number, why) => {
                let one = self.recording(number.0);
                one.state = State::Quarantined;
                one.set_aside = Some(*why);
            }
        }
    }

    fn show(&mut self, status: Status) {
        if let Some((_, before)) = self.shown.last() {
            let is_new_batch = before.activity == Activity::Done || status.activity == Activity::Idle;
            assert!(
                is_new_batch || status.percent >= before.percent,
                "progress goes back: {before:?} {status:?}"
            );
        }
        if status.percent == 100 {
            let waits = |one: &Recording| is_offerable(one, self.claim);
            assert!(
                !self.recordings.iter().any(waits),
                "100 % and something is not through"
            );
        }
        self.shown.push((self.now, status));
    }

    /// Carries the request out, chunk by chunk, as long as there is a network.
    fn exchange(&mut self) {
        let request = self.offload.request().unwrap();
        let recordings = &self.recordings;
        let unreadable = self.unreadable.map(Number);
        let read = |number: Number, offset: u32, bytes: u32| {
            if Some(number) == unreadable {
                return None;
            }
            let one = recordings.iter().find(|one| one.candidate.number == number)?;
            let (from, count) = (usize::try_from(offset).ok()?, usize::try_from(bytes).ok()?);
            Some(one.bytes.get(from..from + count)?.to_vec())
        };
        let http = HttpRequest::of_device(&request, self.token, read);
        drop(request);
        let Some(mut http) = http else {
            self.handle(Input::NoAnswer(NoAnswer::Card));
            return;
        };
        let whole = std::mem::take(&mut http.body);
        self.asked.push(Asked {
            at: self.now,
            method: http.method.clone(),
            path: http.path.clone(),
            offset: http.header("upload-offset").map(|text| text.parse().unwrap()),
            body_bytes: 0,
            status: None,
        });
        self.now = self.now + LATENCY;
        for chunk in whole.chunks(CHUNK_BYTES) {
            let span_us = u64::try_from(chunk.len()).unwrap() * 1_000_000 / self.bytes_per_s;
            self.now = self.now + Duration::from_micros(span_us);
            if !self.is_up() {
                break;
            }
            http.body.extend_from_slice(chunk);
            self.handle(Input::Sent(u32::try_from(http.body.len()).unwrap()));
            self.drain_shown();
        }
        self.asked.last_mut().unwrap().body_bytes = http.body.len();
        let served = self.server.serve(&http, self.unix_us());
        self.now = self.now + LATENCY;
        if self.is_up() {
            self.answer(&served);
        } else {
            self.lose_network();
        }
    }

    fn answer(&mut self, served: &Served) {
        match served {
            Served::Reply(reply) => {
                self.asked.last_mut().unwrap().status = Some(reply.status);
                let reply: &HttpReply = reply;
                self.handle(Input::Answer(&reply.for_device()));
            }
            Served::Broken => self.handle(Input::NoAnswer(NoAnswer::Broken)),
            Served::Silent => {
                self.now = self.now + SILENCE;
                self.handle(Input::NoAnswer(NoAnswer::Timeout));
            }
        }
    }

    /// The network goes while a request is under way: the machine has to let go of it.
    fn lose_network(&mut self) {
        self.is_online = false;
        self.handle(Input::Online(false));
        assert_eq!(self.offload.poll(), Some(Output::Abandon));
        assert!(self.offload.request().is_none());
    }

    /// In the middle of a request there is nothing but progress.
    fn drain_shown(&mut self) {
        while let Some(output) = self.offload.poll() {
            let Output::Status(status) = output else {
                panic!("{output:?} in the middle of a request");
            };
            self.show(status);
        }
    }

    fn unix_us(&self) -> i64 {
        BOOTED_AT_US + i64::try_from(self.now.as_micros()).unwrap()
    }
}

fn is_offerable(one: &Recording, claim: u32) -> bool {
    matches!(one.state, State::Digested | State::Offered) && one.candidate.claim == claim
}
