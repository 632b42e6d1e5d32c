//! Hours over starts, cuts, lost networks and clocks that come late, against a server that keeps what the real one keeps.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use std::collections::BTreeMap;

use core::time::Duration;

use device::breadcrumb::{Breadcrumb, Cause};
use device::clock::{Boot, UnixMs};
use device::exchange::{Body, Response};
use device::time::Instant;
use device::uptime::{Input, LOSS_BYTES, Output, SESSION_BYTES, SESSIONS_MAX, Status, Uptime};
use serde_json::{Value, json};

const EPOCH: u32 = 0x9F3A;
/// 2026-11-21T12:00:00Z.
const NOON: UnixMs = UnixMs(1_795_262_400_000);

fn s(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

/// The longest run; revision and date of the start.
type Kept = (i64, Option<(i64, i64)>);

/// What a server keeps: of each session the longest run, and the start of the highest revision.
#[derive(Default)]
struct Server {
    sessions: BTreeMap<(String, u64), Kept>,
    order: Vec<u64>,
    crashes: Vec<String>,
    refuse: Option<u64>,
}

impl Server {
    fn take(&mut self, body: &str) -> String {
        let items: Vec<Value> = serde_json::from_str(body).unwrap();
        let results: Vec<Value> = items.iter().map(|item| self.item(item)).collect();
        json!({"success": true, "results": results, "desired_version": 3}).to_string()
    }

    fn item(&mut self, item: &Value) -> Value {
        let number = item["boot_number"].as_u64().unwrap();
        if self.refuse == Some(number) {
            return json!({"stored": false, "error": {"code": "unknown_device", "message": "No."}});
        }
        let run_s = item["run_seconds"].as_i64().unwrap();
        let start = item["session_start"]
            .as_i64()
            .map(|at| (item["start_revision"].as_i64().unwrap(), at));
        let key = (item["boot_epoch"].as_str().unwrap().to_owned(), number);
        let kept = self.sessions.entry(key).or_insert((0, None));
        kept.0 = kept.0.max(run_s);
        kept.1 = kept.1.max(start);
        self.order.push(number);
        if let Some(crash) = item["crash"]["detail"].as_str() {
            self.crashes.push(crash.to_owned());
        }
        json!({"stored": true, "session": "b:00009f3a:1", "run_seconds": run_s, "counted": true, "error": null})
    }

    fn run_s(&self, number: u64) -> Option<i64> {
        self.sessions
            .get(&("00009f3a".to_owned(), number))
            .map(|kept| kept.0)
    }

    fn start(&self, number: u64) -> Option<i64> {
        self.sessions[&("00009f3a".to_owned(), number)]
            .1
            .map(|(_, at)| at)
    }
}

/// The flash: what survives a cut.
#[derive(Default, Clone)]
struct Flash {
    slots: BTreeMap<u8, Vec<u8>>,
    loss: Option<[u8; LOSS_BYTES]>,
}

struct Device {
    uptime: Uptime,
    flash: Flash,
    sends: usize,
}

impl Device {
    fn start(number: u32, flash: Flash) -> Self {
        let boot = Boot { epoch: EPOCH, number };
        let saved: Vec<(u8, Vec<u8>)> = flash.slots.clone().into_iter().collect();
        let saved = saved.iter().map(|(slot, bytes)| (*slot, bytes.as_slice()));
        let loss = flash.loss;
        let uptime = Uptime::new(boot, saved, loss.as_ref().map(<[u8; LOSS_BYTES]>::as_slice), s(0));
        let mut device = Self {
            uptime,
            flash,
            sends: 0,
        };
        device.drain();
        device
    }

    /// Carries out what it asks for but sending, which is counted.
    fn drain(&mut self) -> Vec<Output> {
        let mut rest = Vec::new();
        while let Some(output) = self.uptime.poll() {
            match output {
                Output::Save { slot } => {
                    let bytes = self.uptime.encode(slot).unwrap();
                    self.flash.slots.insert(slot, bytes.to_vec());
                }
                Output::Erase { slot } => {
                    self.flash.slots.remove(&slot);
                }
                Output::SaveLoss => self.flash.loss = Some(self.uptime.encode_loss()),
                Output::Send => {
                    self.sends += 1;
                    rest.push(output);
                }
                Output::Wanted(_) | Output::Unauthorized | Output::BreadcrumbTold => rest.push(output),
            }
        }
        rest
    }

    fn handle(&mut self, input: Input<'_>, now: Instant) -> Vec<Output> {
        self.uptime.handle(input, now);
        self.drain()
    }

    fn body(&self) -> Option<String> {
        let request = self.uptime.request()?;
        let Body::Written(body) = request.body else {
            panic!("a heartbeat is written")
        };
        Some(body.to_string())
    }

    /// Ticks at its own deadlines, offline, until `end`.
    fn run(&mut self, end: Instant) {
        while let Some(next) = self.uptime.next_deadline().filter(|next| *next <= end) {
            assert!(!self.handle(Input::Tick, next).contains(&Output::Send));
        }
    }

    /// Goes online and speaks with the server until nothing is left to say now.
    fn sync(&mut self, server: &mut Server, now: Instant) {
        let said = self.handle(Input::Online, now);
        self.serve(said, server, now);
    }

    fn serve(&mut self, mut said: Vec<Output>, server: &mut Server, now: Instant) {
        while said.contains(&Output::Send) {
            let answer = server.take(&self.body().unwrap());
            assert!(answer.len() <= 1536, "the answer to a batch is kept whole");
            said = self.answer(200, answer.as_bytes(), now);
        }
    }

    fn answer(&mut self, status: u16, body: &[u8], now: Instant) -> Vec<Output> {
        let response = Response {
            body,
            ..Response::of(status)
        };
        self.handle(Input::Answer(&response), now)
    }
}

#[test]
fn a_cut_costs_at_most_a_minute_and_the_session_is_closed_at_the_next_start() {
    for cut_s in [0, 1, 59, 60, 61, 3599, 3600, 5000] {
        let mut device = Device::start(1, Flash::default());
        device.run(s(cut_s));
        let device = Device::start(2, device.flash);
        let sessions: Vec<_> = device.uptime.sessions().copied().collect();
        assert_eq!(sessions.len(), 2);
        assert_eq!((sessions[0].boot.number, sessions[0].status), (1, Status::Closed));
        let run_s = u64::from(sessions[0].run_s);
        assert!(run_s <= cut_s && run_s + 60 > cut_s, "{run_s} of {cut_s}");
        assert_eq!((sessions[1].run_s, sessions[1].status), (0, Status::Open));
    }
}

#[test]
fn it_is_sent_at_once_when_online_and_every_half_minute_after() {
    let mut device = Device::start(1, Flash::default());
    let mut server = Server::default();
    device.run(s(100));
    device.sync(&mut server, s(100));
    assert_eq!(server.run_s(1), Some(100));
    let next = device.uptime.next_deadline().unwrap();
    assert!(next <= s(130));
    assert!(
        device.handle(Input::Tick, s(105)).is_empty(),
        "an early tick does nothing"
    );
    let mut now = next;
    while now < s(400) {
        if device.handle(Input::Tick, now).contains(&Output::Send) {
            let answer = server.take(&device.body().unwrap());
            let said = device.answer(200, answer.as_bytes(), now);
            assert!(said.contains(&Output::Wanted(3)));
        }
        now = device.uptime.next_deadline().unwrap();
    }
    assert!(server.run_s(1) >= Some(365));
    assert_eq!(server.sessions.len(), 1, "many heartbeats, one session");
}

#[test]
fn after_a_long_time_without_network_everything_arrives_in_order_and_flash_is_empty() {
    let mut flash = Flash::default();
    for number in 1..=40 {
        let mut device = Device::start(number, flash);
        device.run(s(600 + u64::from(number)));
        flash = device.flash;
    }
    let mut device = Device::start(41, flash);
    let mut server = Server::default();
    device.run(s(30));
    device.sync(&mut server, s(31));
    assert_eq!(
        server.order,
        (1..=41).collect::<Vec<u64>>(),
        "oldest first, each once"
    );
    assert!((1..=40).all(|number| server.run_s(number) == Some(600)));
    assert_eq!(device.flash.slots.len(), 1, "only the open one is left");
    assert_eq!(device.uptime.loss().sessions, 0);
}

#[test]
fn only_what_the_server_says_is_stored_leaves() {
    let mut flash = Flash::default();
    for number in 1..=3 {
        let mut device = Device::start(number, flash);
        device.run(s(120));
        flash = device.flash;
    }
    let mut device = Device::start(4, flash);
    let mut server = Server {
        refuse: Some(2),
        ..Server::default()
    };
    device.sync(&mut server, s(1));
    assert_eq!(server.order, [1, 3, 4], "one that is refused holds nobody up");
    let left: Vec<u32> = device
        .uptime
        .sessions()
        .map(|session| session.boot.number)
        .collect();
    assert_eq!(left, [2, 4]);
    assert_eq!(device.flash.slots.len(), 2);
    server.refuse = None;
    device.sync(&mut server, s(1000));
    assert_eq!(server.run_s(2), None, "not before an hour");
    device.sync(&mut server, s(3700));
    assert_eq!(server.run_s(2), Some(120));
    assert_eq!(device.flash.slots.len(), 1);
}

#[test]
fn a_reply_that_got_lost_or_was_cut_doubles_and_loses_nothing() {
    let mut device = Device::start(1, Flash::default());
    device.run(s(300));
    let mut device = Device::start(2, device.flash);
    let mut server = Server::default();
    device.handle(Input::Online, s(5));
    let whole = server.take(&device.body().unwrap());
    device.handle(Input::NoAnswer, s(5));
    assert_eq!(
        device.uptime.sessions().count(),
        2,
        "nothing is known to be stored"
    );
    let again = device.uptime.next_deadline().unwrap();
    assert!(again >= s(10) && again <= s(12));
    assert!(device.handle(Input::Tick, s(9)).is_empty());
    assert!(device.handle(Input::Tick, again).contains(&Output::Send));
    // The answer is cut in the middle of the second item: the first counts.
    let answer = server.take(&device.body().unwrap());
    let cut = answer.rfind("\"stored\"").unwrap();
    device.answer(200, &answer.as_bytes()[..cut + 3], again);
    assert_eq!(device.uptime.sessions().count(), 1);
    assert_eq!(server.run_s(1), Some(300));
    assert!(whole.contains("results"));
    // An answer that says nothing at all is none, and does not make it send for ever.
    let sends = device.sends;
    assert!(
        !device
            .answer(200, b"<html>welcome</html>", again)
            .contains(&Output::Send)
    );
    assert_eq!(device.sends, sends);
    assert_eq!(device.uptime.sessions().count(), 1);
}

#[test]
fn a_session_without_a_date_is_sent_and_dated_later_and_counted_once() {
    let mut device = Device::start(7, Flash::default());
    let mut server = Server::default();
    device.run(s(100));
    device.sync(&mut server, s(100));
    assert_eq!((server.run_s(7), server.start(7)), (Some(100), None));
    // The time is found: the same session, now with its start.
    let said = device.handle(Input::Began(NOON), s(110));
    device.serve(said, &mut server, s(110));
    assert_eq!(server.start(7), Some(NOON.0));
    let sent = device.sends;
    // The same by a second is no news; an hour is, under a higher revision.
    device.handle(Input::Began(NOON.plus(Duration::from_secs(1))), s(111));
    assert_eq!(device.sends, sent);
    let corrected = NOON.minus(Duration::from_hours(1));
    let said = device.handle(Input::Began(corrected), s(112));
    device.serve(said, &mut server, s(112));
    assert_eq!(server.start(7), Some(corrected.0), "earlier, and believed");
    assert_eq!(server.sessions.len(), 1);
    assert_eq!(
        device.uptime.last_known(),
        Some(corrected.plus(Duration::from_secs(100)))
    );
    // The boots before are sent as they are: nobody knows their time.
    let device = Device::start(8, device.flash);
    let saved = device.uptime.last_known().unwrap();
    assert!(
        saved >= corrected.plus(Duration::from_secs(100))
            && saved <= corrected.plus(Duration::from_secs(112))
    );
}

#[test]
fn more_than_can_be_held_costs_the_least_and_is_counted_and_told() {
    let mut flash = Flash::default();
    for number in 1..=70 {
        let mut device = Device::start(number, flash);
        // Number 1 is the longest of all, 3 to 6 are blinks.
        let run_s = match number {
            1 => 9000,
            3..=6 => 60,
            _ => 600,
        };
        device.run(s(run_s));
        assert!(device.uptime.sessions().count() <= SESSIONS_MAX);
        flash = device.flash;
    }
    let mut device = Device::start(71, flash);
    let loss = device.uptime.loss();
    assert_eq!((loss.sessions, loss.run_s), (7, 4 * 60 + 3 * 600));
    let kept: Vec<u32> = device
        .uptime
        .sessions()
        .map(|session| session.boot.number)
        .collect();
    assert_eq!(kept[..2], [1, 9], "the longest stays; of equals the oldest go");
    let mut server = Server::default();
    device.sync(&mut server, s(1));
    assert_eq!(server.crashes, ["7 sessions, 2040 s"]);
    device.sync(&mut server, s(61));
    assert_eq!(server.crashes.len(), 1, "told once");
    let device = Device::start(72, device.flash);
    assert_eq!(device.uptime.loss().sessions, 7, "and known over starts");
    let mut device = device;
    device.sync(&mut server, s(1));
    assert_eq!(server.crashes.len(), 1, "and still told once");
}

#[test]
fn what_a_crash_left_behind_goes_with_a_heartbeat_until_the_server_has_it() {
    let mut device = Device::start(5, Flash::default());
    let crumb = Breadcrumb::new(Cause::Panic, None, 4, 3600, "store.rs:\"77\"");
    device.uptime.found(crumb);
    device.handle(Input::Online, s(1));
    let heartbeat: Value = serde_json::from_str(&device.body().unwrap()).unwrap();
    let expected = json!({"reason": "panic", "boot": 4, "uptime_s": 3600, "detail": "store.rs:\"77\""});
    assert_eq!(heartbeat[0]["crash"], expected);
    device.handle(Input::NoAnswer, s(2));
    let again = device.uptime.next_deadline().unwrap();
    device.handle(Input::Tick, again);
    assert!(
        device.body().unwrap().contains("crash"),
        "nobody said that it arrived"
    );
    let answer = Server::default().take(&device.body().unwrap());
    assert!(
        device
            .answer(200, answer.as_bytes(), again)
            .contains(&Output::BreadcrumbTold)
    );
    device.handle(Input::Tick, again + Duration::from_secs(30));
    assert!(!device.body().unwrap().contains("crash"));
}

#[test]
fn damaged_slots_are_said_and_those_of_a_newer_firmware_left_alone() {
    let mut device = Device::start(1, Flash::default());
    device.run(s(120));
    let mut flash = device.flash;
    let good = flash.slots.get(&0).unwrap().clone();
    let mut damaged = good.clone();
    damaged[20] ^= 1;
    flash.slots.insert(5, damaged);
    let mut newer = good;
    newer[0] = 2;
    flash.slots.insert(1, newer.clone());
    let device = Device::start(2, flash);
    assert_eq!(device.uptime.loss().sessions, 1);
    assert!(!device.flash.slots.contains_key(&5));
    assert_eq!(device.flash.slots.get(&1), Some(&newer));
    assert_eq!(device.uptime.sessions().count(), 2);
}

#[test]
fn a_device_that_stays_on_for_months_has_parts_that_the_server_believes() {
    let mut device = Device::start(3, Flash::default());
    device.handle(Input::Began(NOON), s(1));
    device.run(s(60 * 86_400));
    let mut server = Server::default();
    device.sync(&mut server, s(60 * 86_400));
    let part_s = 28 * 86_400;
    let number = |part: u64| (part << 32) | 3;
    assert_eq!(server.run_s(number(0)), Some(part_s));
    assert_eq!(server.run_s(number(1)), Some(part_s));
    assert_eq!(server.run_s(number(2)), Some(4 * 86_400));
    assert_eq!(server.start(number(2)), Some(NOON.0 + 2 * part_s * 1000));
}

#[test]
fn a_server_that_does_not_know_the_device_costs_nothing_and_is_not_stormed() {
    let mut device = Device::start(1, Flash::default());
    let mut now = s(10);
    assert!(device.handle(Input::Online, now).contains(&Output::Send));
    for _ in 0..20 {
        let said = device.answer(401, b"", now);
        assert!(said.contains(&Output::Unauthorized) && !said.contains(&Output::Send));
        loop {
            now = device
                .uptime
                .next_deadline()
                .unwrap()
                .max(now + Duration::from_millis(1));
            if device.handle(Input::Tick, now).contains(&Output::Send) {
                break;
            }
        }
    }
    assert!(now >= s(3600), "the pauses grow to five minutes: {now:?}");
    assert_eq!(device.uptime.sessions().count(), 1);
    let patience = Response {
        retry_after_s: Some(900),
        ..Response::of(429)
    };
    let before = now;
    device.handle(Input::Answer(&patience), now);
    while !device.handle(Input::Tick, now).contains(&Output::Send) {
        now = device
            .uptime
            .next_deadline()
            .unwrap()
            .max(now + Duration::from_millis(1));
    }
    assert!(now.since(before) >= Duration::from_mins(15));
}

#[test]
fn sizes_are_what_the_documents_say() {
    assert_eq!(SESSION_BYTES, 44);
    assert!(size_of::<Uptime>() <= 8192, "{}", size_of::<Uptime>());
}
