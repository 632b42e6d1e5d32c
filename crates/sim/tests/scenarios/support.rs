//! A device with an owner, as most scenarios begin with it, and what can be seen of it from outside.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use device::controller::Input;
use device::outbox::{Number, State};
use device::settings::{Settings, Via, configure};
use device::time::Instant;
use sim::exec;
use sim::server::Server;
use sim::unit::{Hardware, Ride, Surroundings, Unit};
use sim::wifi::{AccessPoint, HeldNetwork, Radio};

pub(crate) const TOKEN: &str = "fpd_scenario";
pub(crate) const HOME: (&str, &str) = ("Home", "secret-secret");
/// A rider stands for so long before a recording is closed.
pub(crate) const STANDING_S: u64 = 180;

pub(crate) fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

/// What a scenario begins with.
pub(crate) struct Scene<'a> {
    pub(crate) seed: u64,
    pub(crate) hardware: Hardware,
    /// Names and passwords that the owner gave the device, in this order.
    pub(crate) known: &'a [(&'a str, &'a str)],
    pub(crate) air: Vec<AccessPoint>,
    /// When it is ridden, in seconds.
    pub(crate) rides: &'a [(u64, u64)],
}

impl Scene<'_> {
    /// A logger whose router is on the air and does as it should.
    pub(crate) fn at_home(seed: u64, rides: &[(u64, u64)]) -> Scene<'_> {
        Scene {
            seed,
            hardware: Hardware::default(),
            known: &[HOME],
            air: vec![AccessPoint::new(HOME.0, HOME.1).on()],
            rides,
        }
    }

    pub(crate) fn set_up(self) -> Unit {
        let server = Server::new(self.seed);
        let settings = self.settings(&server);
        let keys = settings.networks.iter().map(|network| network.key.0);
        let held = keys
            .zip(self.known)
            .map(|(key, (name, password))| HeldNetwork::new(key, name, password))
            .collect();
        let rides = self.rides.iter().map(|(from, to)| (at(*from), at(*to)));
        let around = Surroundings {
            radio: Radio::new(self.seed, self.air),
            held,
            server,
            token: TOKEN.to_owned(),
            ride: Ride::new(rides.collect()),
            began_utc_ms: 1_795_305_600_000,
        };
        Unit::of(self.hardware, self.seed, &settings, around)
    }

    /// As the owner's phone leaves them.
    fn settings(&self, server: &Server) -> Settings {
        let keys = URL_SAFE_NO_PAD.encode(server.public_key().as_bytes());
        let claim =
            format!(r#"{{"url":"https://fieldpost.example","token":"{TOKEN}","server_keys":["{keys}"]}}"#);
        let networks = self
            .known
            .iter()
            .map(|(name, password)| format!(r#"{{"ssid":"{name}","pass":"{password}"}}"#));
        networks
            .chain([claim])
            .fold(Settings::default(), |settings, json| {
                configure(&settings, json.as_bytes(), Via::Sealed)
                    .expect("good settings")
                    .settings
            })
    }
}

/// A closed recording as it lies on the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnCard {
    pub(crate) number: Number,
    pub(crate) state: State,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn on_card(unit: &mut Unit) -> Vec<OnCard> {
    let store = unit.store().expect("the device is on");
    let rows = store.ledger().rows().to_vec();
    let read = |row: &device::outbox::Row| {
        let mut bytes = vec![0; row.size_bytes as usize];
        let read = exec::run(store.read(row.number, 0, &mut bytes)).done();
        read.expect("power").expect("a card that can be read");
        OnCard {
            number: row.number,
            state: row.state,
            bytes,
        }
    };
    // Of the one that is being made nobody knows how long it is.
    let closed = rows.iter().filter(|row| row.state != State::Open);
    closed.map(read).collect()
}

pub(crate) fn states(unit: &mut Unit) -> Vec<State> {
    on_card(unit).iter().map(|one| one.state).collect()
}

/// That the server holds, byte for byte and once each, as many recordings as the card, and the device knows it.
pub(crate) fn assert_all_delivered(unit: &mut Unit, count: usize) {
    let held = on_card(unit);
    assert_eq!(held.len(), count, "{}", story(unit));
    for one in &held {
        assert_eq!(one.state, State::Archived, "{}", story(unit));
        assert!(!one.bytes.is_empty());
        assert!(unit.around.server.holds(&one.bytes), "{}", one.number);
    }
    assert_eq!(unit.around.server.recordings().count(), count);
}

/// That nothing of what the device holds has left the card, whatever the server did.
pub(crate) fn assert_kept(unit: &mut Unit, before: &[OnCard]) {
    let now = on_card(unit);
    for one in before {
        let kept = now
            .iter()
            .any(|kept| kept.number == one.number && kept.bytes == one.bytes);
        assert!(kept, "{} is gone", one.number);
    }
}

/// What the device sent, in words, and when.
pub(crate) fn requests(unit: &Unit) -> Vec<(Instant, String)> {
    let sent = unit.log.iter().filter(|(_, what)| what.contains(" -> "));
    sent.cloned().collect()
}

pub(crate) fn requests_between(unit: &Unit, from: Instant, to: Instant) -> Vec<String> {
    let within = requests(unit)
        .into_iter()
        .filter(|(when, _)| (from..to).contains(when));
    within.map(|(_, what)| what).collect()
}

/// The first moment from `from` on at which the log has this.
pub(crate) fn first(unit: &Unit, from: Instant, what: &str) -> Option<Instant> {
    let mut later = unit.log.iter().filter(|(when, _)| *when >= from);
    later.find(|(_, said)| said.contains(what)).map(|(when, _)| *when)
}

pub(crate) fn count(unit: &Unit, what: &str) -> usize {
    unit.log.iter().filter(|(_, said)| said.contains(what)).count()
}

/// Goes on second by second until it is so; fails when it is not by `end`.
pub(crate) fn run_until(unit: &mut Unit, end: Instant, mut is_so: impl FnMut(&mut Unit) -> bool) {
    while !is_so(unit) {
        assert!(unit.now() < end, "it never was so: {}", story(unit));
        unit.run_until(unit.now() + Duration::from_secs(1));
    }
}

/// What a phone writes over a sealed link.
pub(crate) fn phone_says(unit: &mut Unit, json: &str) {
    unit.tell(Input::Configure {
        json: json.as_bytes(),
        via: Via::Sealed,
    });
}

/// The end of the log, for whoever reads a failed test.
pub(crate) fn story(unit: &Unit) -> String {
    let last = unit.log.iter().rev().take(60).rev();
    let lines = last.map(|(at, what)| format!("{:>10} {what}\n", at.as_millis()));
    lines.collect()
}

/// Presses the button as one does in passing.
pub(crate) fn press(unit: &mut Unit) {
    unit.tell(Input::Button { is_down: true });
    unit.run_until(unit.now() + Duration::from_millis(200));
    unit.tell(Input::Button { is_down: false });
}

/// What the server knows of the device's starts: name, seconds, and when it began.
pub(crate) fn starts(unit: &Unit) -> Vec<(String, i64, Option<String>)> {
    let sessions = unit.around.server.sessions(unit.device());
    sessions
        .map(|(key, session)| (key.to_owned(), session.run_seconds, session.started.clone()))
        .collect()
}
