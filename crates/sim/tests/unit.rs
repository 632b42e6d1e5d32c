//! A whole device, from the ride to the receipt.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use device::controller::Input;
use device::outbox::State;
use device::settings::{Settings, Via, configure};
use device::store::Extents;
use device::time::Instant;
use sim::exec;
use sim::server::Server;
use sim::unit::{Hardware, Ride, Surroundings, Unit};
use sim::wifi::{AccessPoint, HeldNetwork, Radio};

const TOKEN: &str = "fpd_unit";

fn at(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn keys_of(server: &Server) -> String {
    URL_SAFE_NO_PAD.encode(server.public_key().as_bytes())
}

/// A logger at home, that is ridden at these times.
fn unit(seed: u64, rides: &[(u64, u64)]) -> Unit {
    let server = Server::new(seed);
    let keys = format!(r#","server_keys":["{}"]"#, keys_of(&server));
    unit_with(seed, rides, server, &keys)
}

/// One that knows a server, but not yet how it signs.
fn unit_without_keys(seed: u64, rides: &[(u64, u64)]) -> Unit {
    unit_with(seed, rides, Server::new(seed), "")
}

fn unit_with(seed: u64, rides: &[(u64, u64)], server: Server, members: &str) -> Unit {
    unit_of(Hardware::default(), seed, rides, server, members)
}

fn unit_of(hardware: Hardware, seed: u64, rides: &[(u64, u64)], server: Server, members: &str) -> Unit {
    let settings = Settings::default();
    let json = format!(
        r#"{{"ssid":"Home","pass":"secret-secret","url":"https://fieldpost.example","token":"{TOKEN}"{members}}}"#
    );
    let configured = configure(&settings, json.as_bytes(), Via::Sealed).expect("good settings");
    let key = configured.settings.networks.iter().next().unwrap().key;
    let around = Surroundings {
        radio: Radio::new(seed, vec![AccessPoint::new("Home", "secret-secret").on()]),
        held: vec![HeldNetwork::new(key.0, "Home", "secret-secret")],
        server,
        token: TOKEN.to_owned(),
        ride: Ride::new(rides.iter().map(|(from, to)| (at(*from), at(*to))).collect()),
        began_utc_ms: 1_795_305_600_000,
    };
    Unit::of(hardware, seed, &configured.settings, around)
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

#[test]
fn a_recording_whose_last_block_the_card_refuses_once_ends_all_the_same() {
    let mut unit = unit(1, &[(20, 110)]);
    assert!(unit.power_on());
    unit.run_until(at(60));
    unit.tell(Input::Button { is_down: true });
    unit.run_until(at(60) + Duration::from_millis(200));
    unit.fail_card(1);
    unit.tell(Input::Button { is_down: false });
    unit.run_until(at(64));
    assert_eq!(unit.card_failed(), 1);
    let first = held(&mut unit).remove(0).1;
    let last = str::from_utf8(&first).unwrap().trim_end().lines().nth_back(1);
    assert!(last.unwrap().ends_with(",M,CLOSE,button"), "{last:?}");
    assert_eq!(unit.counts.get("restarts"), None);
}

#[test]
fn a_ride_is_recorded_and_handed_over_by_itself() {
    let mut unit = unit(1, &[(20, 110)]);
    assert!(unit.power_on());
    unit.run_until(at(600));
    let held = held(&mut unit);
    let trace: Vec<String> = unit
        .log
        .iter()
        .map(|(at, what)| format!("{:>8} {what}", at.as_millis()))
        .collect();
    assert_eq!(held.len(), 1, "{trace:#?}");
    let (state, bytes) = &held[0];
    assert_eq!(*state, State::Archived, "{trace:#?}");
    assert!(unit.around.server.holds(bytes));
    let text = str::from_utf8(bytes).unwrap();
    let rows = text.lines().filter(|line| line.contains(",I,")).count();
    // The ride and three minutes of standing.
    assert!((26_000..28_000).contains(&rows), "{rows} inertial rows");
    assert!(
        text.trim_end()
            .lines()
            .nth_back(1)
            .unwrap()
            .ends_with(",M,CLOSE,standstill")
    );
    assert_eq!(unit.controller().unwrap().dropped(), 0);
}

#[test]
fn a_ride_that_the_power_ends_is_handed_over_at_the_next_start() {
    let mut unit = unit(2, &[(20, 110)]);
    assert!(unit.power_on());
    unit.run_until(at(80));
    unit.power_off();
    unit.run_until(at(86_400));
    assert!(unit.power_on());
    unit.run_until(at(86_400 + 300));
    let held = held(&mut unit);
    assert_eq!(held.len(), 1);
    let (state, bytes) = &held[0];
    assert_eq!(
        *state,
        State::Archived,
        "{:#?}",
        unit.log.iter().rev().take(20).collect::<Vec<_>>()
    );
    assert!(unit.around.server.holds(bytes));
    let last = str::from_utf8(bytes)
        .unwrap()
        .lines()
        .rev()
        .find(|line| line.contains(",I,"))
        .unwrap()
        .to_owned();
    let tick_ms: u64 = last.split(',').next().unwrap().parse().unwrap();
    assert!(tick_ms >= 79_000, "the last second at most: {tick_ms}");
}

#[test]
fn keys_that_come_while_it_is_online_are_enough_to_begin() {
    let mut unit = unit_without_keys(3, &[(20, 110)]);
    assert!(unit.power_on());
    unit.run_until(at(600));
    assert_eq!(
        held(&mut unit)[0].0,
        State::Digested,
        "no receipt could be checked"
    );
    let keys = keys_of(&unit.around.server);
    let json = format!(r#"{{"server_keys":["{keys}"]}}"#);
    unit.tell(Input::Configure {
        json: json.as_bytes(),
        via: Via::Sealed,
    });
    unit.run_until(at(660));
    assert_eq!(held(&mut unit)[0].0, State::Archived, "{:#?}", unit.log.last());
}

#[test]
fn a_ride_that_fills_an_extent_goes_on_in_another_without_a_gap() {
    let mut unit = unit(3, &[(20, 4_820)]);
    assert!(unit.power_on());
    unit.run_until(at(5_400));
    let held = held(&mut unit);
    assert_eq!(held.len(), 2);
    let mut ticks = Vec::new();
    for (_, bytes) in &held {
        let rows = str::from_utf8(bytes)
            .unwrap()
            .lines()
            .filter(|line| line.contains(",I,"));
        ticks.extend(rows.map(|row| row.split(',').next().unwrap().parse::<u32>().unwrap()));
    }
    assert!(ticks.len() > 480_000, "{} inertial rows", ticks.len());
    let gap = ticks.windows(2).find(|pair| pair[1] - pair[0] != 10);
    assert_eq!(gap, None);
    assert_eq!(unit.counts.get("starts"), Some(&1));
}

#[test]
fn a_full_card_ends_the_recording_with_words_and_without_a_restart() {
    let hardware = Hardware {
        card_sectors: 49 << 11,
        extents: Extents {
            bytes: 30 << 20,
            bytes_min: 30 << 20,
        },
        ..Hardware::default()
    };
    let mut unit = unit_of(hardware, 4, &[(20, 5_000)], Server::new(4), "");
    assert!(unit.power_on());
    unit.run_until(at(5_600));
    let held = held(&mut unit);
    assert_eq!(held.len(), 1);
    let text = str::from_utf8(&held[0].1).unwrap();
    let last: Vec<&str> = text.trim_end().lines().rev().skip(1).take(2).collect();
    assert!(last[0].ends_with(",M,CLOSE,storage_full"), "{last:?}");
    assert!(last[1].contains(",M,LOSS,all,0,"), "{last:?}");
    let opened = unit.log.iter().filter(|(_, what)| what == "Open").count();
    assert_eq!((opened, unit.counts.get("starts")), (1, Some(&1)));
}

#[test]
fn a_sync_without_recordings_tells_the_hours_before_it_ends() {
    let mut unit = unit(3, &[]);
    for boot in 0..10 {
        assert!(unit.power_on());
        unit.run_until(at(boot * 400 + 200));
        unit.power_off();
        unit.run_until(at(boot * 400 + 400));
    }
    assert!(unit.power_on());
    unit.run_until(at(4_010));
    unit.tell(Input::Button { is_down: true });
    unit.run_until(at(4_010) + Duration::from_millis(300));
    unit.tell(Input::Button { is_down: false });
    unit.run_until(at(4_060));
    let counted = unit
        .around
        .server
        .sessions(unit.device())
        .filter(|(_, session)| session.run_seconds >= 180);
    assert_eq!(counted.count(), 10, "{:#?}", unit.log);
    assert_eq!(unit.around.radio.connected_to(), None, "and then it ends");
}
