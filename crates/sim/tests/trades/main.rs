//! Devices of all three trades, whole: what they keep, let go of, and tell.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod hours;
mod laps;
mod room;
mod stills;
mod told;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use device::outbox::State;
use device::settings::{Profile, Settings, Via, configure};
use device::time::Instant;
use sim::exec;
use sim::server::Server;
use sim::unit::{Hardware, Ride, Surroundings, Unit};
use sim::wifi::{AccessPoint, HeldNetwork, Radio};

const TOKEN: &str = "fpd_trades";

fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

/// A device at home, as the shop built it.
fn unit(profile: Profile, ride: Ride, change: impl FnOnce(&mut Settings)) -> Unit {
    unit_of(Hardware::default(), profile, ride, change)
}

fn unit_of(hardware: Hardware, profile: Profile, ride: Ride, change: impl FnOnce(&mut Settings)) -> Unit {
    let server = Server::new(7);
    let keys = URL_SAFE_NO_PAD.encode(server.public_key().as_bytes());
    let json = format!(
        r#"{{"ssid":"Home","pass":"secret-secret","url":"https://fieldpost.example","token":"{TOKEN}","server_keys":["{keys}"]}}"#
    );
    let configured = configure(&Settings::default(), json.as_bytes(), Via::Sealed).unwrap();
    let mut settings = configured.settings;
    settings.profile = profile;
    let key = settings.networks.iter().next().unwrap().key;
    change(&mut settings);
    let around = Surroundings {
        radio: Radio::new(7, vec![AccessPoint::new("Home", "secret-secret").on()]),
        held: vec![HeldNetwork::new(key.0, "Home", "secret-secret")],
        server,
        token: TOKEN.to_owned(),
        ride,
        began_utc_ms: 1_795_305_600_000,
    };
    Unit::of(hardware, 7, &settings, around)
}

/// The router at home.
fn switch(unit: &mut Unit, is_on: bool) {
    let now = unit.now();
    unit.around.radio.switch(0, is_on, now);
}

fn rides(times: &[(u64, u64)]) -> Ride {
    Ride::new(times.iter().map(|(from, to)| (at(*from), at(*to))).collect())
}

/// Every recording of the ledger with its bytes.
fn held(unit: &mut Unit) -> Vec<(State, Vec<u8>)> {
    let store = unit.store().expect("the device is on");
    let rows = store.ledger().rows().to_vec();
    rows.iter()
        .map(|row| {
            let mut bytes = vec![0; row.size_bytes as usize];
            exec::run(store.read(row.number, 0, &mut bytes))
                .done()
                .unwrap()
                .unwrap();
            (row.state, bytes)
        })
        .collect()
}

fn states(unit: &mut Unit) -> Vec<State> {
    held(unit).into_iter().map(|(state, _)| state).collect()
}

/// What the device did last, for whoever has to find out why.
fn trace(unit: &Unit) -> String {
    let lines = unit.log.iter();
    let lines: Vec<_> = lines
        .filter(|(_, what)| !what.starts_with("Status") && !what.starts_with("SaveUptime"))
        .collect();
    let last = lines.len().saturating_sub(50);
    lines[last..]
        .iter()
        .map(|(at, what)| format!("{:>9} {what}\n", at.as_millis()))
        .collect()
}
