//! What comes back from whoever answers in place of the server.
//!
//! The first byte says which of the four that ask is asked here; then come answers, each with the time that it takes.

use std::time::Duration;

use device::clock::{Boot, UnixMs};
use device::confirm::{self, Asked, Confirm};
use device::exchange::{ANSWER_BYTES_MAX, NoAnswer, Response};
use device::link::Ssid;
use device::offload::{self, Candidate, LedgerStep, Offload, Surroundings, Survey};
use device::outbox::{Kind, Number};
use device::settings::{
    self, CannotOpen, Keeper, PASSWORD_BYTES_MAX, SETTINGS_BYTES_MAX, Sealed, Settings, Unseal,
};
use device::time::Instant;
use device::uptime::{self, Uptime};
use wire::receipt::{ServerKey, TrustedKeys};

use super::bytes::Bytes;

/// What one answer may lead to.
const STEPS_MAX: usize = 64;
const DEVICE: [u8; 16] = [0x11; 16];

/// No answer makes a machine go round in a circle, believe what was not signed, or let go of what the server does not have.
pub fn answer(data: &[u8]) {
    let mut input = Bytes(data);
    match input.u8() % 4 {
        0 => offloads(input),
        1 => confirms(input),
        2 => desires(input),
        _ => counts(input),
    }
}

/// One answer, or none.
struct Answered<'d> {
    response: Option<Response<'d>>,
    takes: Duration,
    is_signal: bool,
}

impl<'d> Answered<'d> {
    fn read(input: &mut Bytes<'d>) -> Self {
        const USUAL: [u16; 12] = [200, 201, 204, 304, 401, 404, 409, 410, 413, 429, 460, 500];
        let kind = input.u8();
        let takes = Duration::from_secs(u64::from(input.u8()));
        let mut response = Response::of(match kind {
            0..=199 => USUAL[usize::from(kind) % USUAL.len()],
            _ => input.u16(),
        });
        let has = input.u8();
        response.upload_offset = match has & 3 {
            0 => None,
            1 => Some(u64::from(input.u32())),
            2 => Some(u64::from(input.u16()) * 512),
            _ => Some(input.u64()),
        };
        response.location = (has & 4 != 0).then(|| input.text());
        response.retry_after_s = (has & 8 != 0).then(|| input.u32());
        response.etag = (has & 16 != 0).then(|| input.text());
        response.recording = (has & 32 != 0).then(|| input.text());
        response.receipt = (has & 64 != 0).then(|| input.text());
        let count = usize::from(input.u16()) % (ANSWER_BYTES_MAX + 1);
        response.body = input.take(count);
        Self {
            response: (kind != 255).then_some(response),
            takes,
            is_signal: has & 128 != 0,
        }
    }
}

fn candidate(number: u32) -> Candidate {
    Candidate {
        number: Number(number),
        kind: Kind::Session,
        size_bytes: 700_000 * number,
        sha256: [number.to_le_bytes()[0]; 32],
        claim: 1,
        is_offered: false,
    }
}

fn offloads(mut input: Bytes<'_>) {
    let keys = TrustedKeys::new(ServerKey::from_seed(&[1; 32]).public(), None);
    let surroundings = Surroundings {
        keys: &keys,
        device: DEVICE,
        claim: 1,
    };
    let mut machine = Offload::new(5);
    let mut now = Instant::from_secs(1);
    machine.handle(offload::Input::Online(true), now, &surroundings);
    machine.handle(offload::Input::Wanted(true), now, &surroundings);
    let mut waiting = vec![candidate(1), candidate(2)];
    loop {
        let asks = offload_settles(&mut machine, &mut waiting, now, &surroundings);
        if input.is_empty() {
            return;
        }
        let answered = Answered::read(&mut input);
        now = now + answered.takes;
        match (asks, answered.response) {
            (true, Some(response)) => {
                assert!(machine.request().is_some());
                machine.handle(offload::Input::Answer(&response), now, &surroundings);
            }
            (true, None) => machine.handle(offload::Input::NoAnswer(NoAnswer::Broken), now, &surroundings),
            (false, _) => {
                now = machine.next_deadline().map_or(now, |at| at.max(now));
                machine.handle(offload::Input::Tick, now, &surroundings);
            }
        }
        if answered.is_signal {
            machine.handle(offload::Input::Online(false), now, &surroundings);
            machine.handle(offload::Input::Online(true), now, &surroundings);
        }
    }
}

/// Drains it; says whether it waits for an answer.
fn offload_settles(
    machine: &mut Offload,
    waiting: &mut Vec<Candidate>,
    now: Instant,
    surroundings: &Surroundings<'_>,
) -> bool {
    for _ in 0..STEPS_MAX {
        let Some(output) = machine.poll() else {
            return machine.request().is_some();
        };
        match output {
            offload::Output::Survey { .. } => {
                let survey = waiting.last().map(|last| Survey {
                    files: u16::try_from(waiting.len()).unwrap_or(u16::MAX),
                    bytes: waiting.iter().map(|one| u64::from(one.size_bytes)).sum(),
                    last: last.number,
                });
                machine.handle(offload::Input::Surveyed(survey), now, surroundings);
            }
            offload::Output::Next { after, last, .. } => {
                let next = waiting
                    .iter()
                    .find(|one| Some(one.number) > after && one.number <= last);
                machine.handle(offload::Input::Candidate(next.copied()), now, surroundings);
            }
            offload::Output::Ledger(LedgerStep::Quarantined(number, _)) => {
                waiting.retain(|one| one.number != number);
            }
            offload::Output::Ledger(LedgerStep::Receipted(_)) => panic!("nobody has signed for it"),
            offload::Output::Status(status) => assert!(status.percent <= 100),
            offload::Output::Send
            | offload::Output::Abandon
            | offload::Output::Ledger(LedgerStep::Offered(_)) => {}
        }
    }
    panic!("it never comes to rest");
}

fn confirms(mut input: Bytes<'_>) {
    let mut machine = Confirm::new();
    let mut now = Instant::from_secs(1);
    while !input.is_empty() {
        let count = input.u8() % 12;
        let asked: Vec<Asked> = (0..count)
            .map(|number| Asked {
                number: Number(u32::from(number)),
                sha256: [number; 32],
            })
            .collect();
        machine.handle(confirm::Input::Ask(&asked, None), now);
        let answered = Answered::read(&mut input);
        let mut settled = 0;
        loop {
            let mut confirmed = Vec::new();
            while let Some(output) = machine.poll() {
                settled += 1;
                assert!(settled <= STEPS_MAX, "it never comes to rest");
                if let confirm::Output::Confirmed(one) = output {
                    confirmed.push(one.number());
                }
            }
            let is_good = answered.response.is_some_and(|response| response.status == 200);
            assert!(confirmed.is_empty() || is_good, "nobody has said so");
            assert!(
                confirmed
                    .iter()
                    .all(|number| asked.iter().any(|one| one.number == *number))
            );
            let mut once = confirmed.clone();
            once.dedup();
            assert_eq!(once, confirmed, "one confirmation twice");
            if machine.request().is_some() {
                match answered.response {
                    Some(response) => machine.handle(confirm::Input::Answer(&response), now),
                    None => machine.handle(confirm::Input::NoAnswer(NoAnswer::Timeout), now),
                }
            } else if let Some(at) = machine.next_deadline() {
                now = at.max(now);
                machine.handle(confirm::Input::Tick, now);
            } else {
                break;
            }
        }
        now = now + answered.takes;
    }
}

/// Opens every box: what is in it is the password.
struct Open;

impl Unseal for Open {
    fn open(
        &mut self,
        _: &Ssid,
        sealed: &Sealed<'_>,
    ) -> Result<heapless::Vec<u8, PASSWORD_BYTES_MAX>, CannotOpen> {
        heapless::Vec::from_slice(sealed.ciphertext).map_err(|_| CannotOpen)
    }
}

fn desires(mut input: Bytes<'_>) {
    let (mut keeper, _) = Keeper::new(None, Open, None);
    let mut now = Instant::from_secs(1);
    keeper.handle(settings::Input::Online, now);
    let mut version = 1;
    while !input.is_empty() {
        version += 1;
        keeper.handle(settings::Input::Wanted(version), now);
        let answered = Answered::read(&mut input);
        let before = keeper.settings().clone();
        for step in 0.. {
            assert!(step < STEPS_MAX, "it never comes to rest");
            match keeper.poll() {
                Some(settings::Output::Save) if answered.is_signal => {
                    keeper.handle(settings::Input::SaveFailed, now);
                    assert_eq!(keeper.settings(), &before, "what is not saved is not in force");
                }
                Some(settings::Output::Save) => keeper.handle(settings::Input::Saved, now),
                Some(settings::Output::Send) => {
                    assert!(keeper.request().is_some());
                    match answered.response {
                        Some(response) => keeper.handle(settings::Input::Answer(&response), now),
                        None => keeper.handle(settings::Input::NoAnswer, now),
                    }
                }
                Some(settings::Output::Run(command)) => {
                    let done = answered.takes.as_secs() & 1 == 0;
                    keeper.handle(settings::Input::Ended { id: command.id, done }, now);
                }
                Some(_) => {}
                None => break,
            }
        }
        holds(keeper.settings());
        now = now + answered.takes;
        if let Some(at) = keeper.next_deadline() {
            now = at.max(now);
        }
        keeper.handle(settings::Input::Tick, now);
    }
}

/// What is in force can be saved and comes back as it was.
fn holds(settings: &Settings) {
    let mut blob = [0; SETTINGS_BYTES_MAX];
    let length = settings.encode(&mut blob);
    assert_eq!(Settings::decode(&blob[..length]).as_ref(), Ok(settings));
}

fn counts(mut input: Bytes<'_>) {
    let boot = Boot { epoch: 7, number: 3 };
    let mut now = Instant::BOOT;
    let mut uptime = Uptime::new(boot, [], None, now);
    uptime.handle(uptime::Input::Online, now);
    while !input.is_empty() {
        let answered = Answered::read(&mut input);
        if answered.is_signal {
            uptime.handle(uptime::Input::Began(UnixMs(1_795_305_600_000)), now);
        }
        for step in 0.. {
            assert!(step < STEPS_MAX, "it never comes to rest");
            match uptime.poll() {
                Some(uptime::Output::Send) => {
                    assert!(uptime.request().is_some());
                    match answered.response {
                        Some(response) => uptime.handle(uptime::Input::Answer(&response), now),
                        None => uptime.handle(uptime::Input::NoAnswer, now),
                    }
                }
                Some(uptime::Output::Erase { .. }) => panic!("the session that runs is not over"),
                Some(_) => {}
                None => break,
            }
        }
        let ran_s = now.since(Instant::BOOT).as_secs();
        for session in uptime.sessions() {
            assert!(u64::from(session.run_s) <= ran_s && session.acked_run_s <= session.run_s);
        }
        now = now + answered.takes;
        now = uptime.next_deadline().map_or(now, |at| at.max(now));
        uptime.handle(uptime::Input::Tick, now);
    }
}
