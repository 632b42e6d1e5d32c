//! Wi-Fi that is away, that does not work, or that is somebody else's.

use device::outbox::State;
use sim::server::Fault;
use sim::unit::Unit;
use sim::wifi::{AccessPoint, Trouble};

use super::support::{
    HOME, STANDING_S, Scene, assert_all_delivered, at, count, first, on_card, phone_says, requests,
    run_until, states, story,
};

const DAY_S: u64 = 86_400;
/// Bytes of a body whose connection breaks.
const ARRIVED: usize = 100_001;
/// In the log.
const JOIN_PIT: &str = r#"ssid: "Pit""#;
/// As its owner's page says it.
const PHONE: (&str, &str) = ("Ann's iPhone", "secret-secret");

/// As an iPhone says it.
fn phone() -> AccessPoint {
    AccessPoint::new("Ann\u{2019}s iPhone", PHONE.1).on_channel(1)
}

/// A weekend at a track without a network, switched off at night; on Monday at home.
#[test]
fn wifi_off_for_days() {
    let rides: Vec<(u64, u64)> = (0..3).map(|day| (day * DAY_S + 60, day * DAY_S + 90)).collect();
    let mut unit = Scene {
        air: vec![AccessPoint::new(HOME.0, HOME.1)],
        ..Scene::at_home(1, &rides)
    }
    .set_up();
    for day in 0..3 {
        unit.run_until(at(day * DAY_S));
        assert!(unit.power_on());
        unit.run_until(at(day * DAY_S + 1_800));
        unit.power_off();
    }
    unit.run_until(at(3 * DAY_S));
    assert_eq!(requests(&unit), [], "there is nobody to ask");
    unit.around.radio.switch(0, true, unit.now());
    assert!(unit.power_on());
    let before = on_card(&mut unit);
    assert_eq!(states(&mut unit), [State::Digested; 3]);
    unit.run_until(at(3 * DAY_S + 120));
    assert_all_delivered(&mut unit, 3);
    // As they were on the card before, the oldest first.
    let stored: Vec<&str> = unit
        .around
        .server
        .recordings()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(stored, ["sess_000001.csv", "sess_000002.csv", "sess_000003.csv"]);
    let after = on_card(&mut unit);
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| before.bytes == after.bytes)
    );
}

/// On for a day with something to hand over and nobody to hand it to: it goes on looking, ever less often, and finds its router then.
#[test]
fn long_offline_then_all_delivered() {
    let ridden = [(20, 50), (400, 430), (900, 930)];
    let mut unit = Scene {
        air: vec![AccessPoint::new(HOME.0, HOME.1)],
        ..Scene::at_home(2, &ridden)
    }
    .set_up();
    assert!(unit.power_on());
    unit.run_until(at(8 * 3_600));
    assert_eq!(states(&mut unit), [State::Digested; 3]);
    let looked = count(&unit, "Scan {");
    // Three looks in each five minutes, where the battery has to last.
    assert!((7 * 12 * 3..9 * 12 * 3 + 1_500).contains(&looked), "{looked}");
    unit.around.radio.switch(0, true, unit.now());
    unit.run_until(at(8 * 3_600 + 400));
    assert_all_delivered(&mut unit, 3);
    let size: usize = on_card(&mut unit).iter().map(|one| one.bytes.len()).sum();
    let others = unit.around.server.body_bytes - size as u64;
    assert!(others < 20_000, "{others} bytes beside the recordings");
}

#[test]
fn router_toggled_back_within_30_s() {
    let mut unit = Scene::at_home(3, &[(20, 110)]).set_up();
    assert!(unit.power_on());
    // The recording waits, and its device stays with the router as long as the server is not well.
    unit.around.server.always = Some(Fault::Status(500, None));
    unit.run_until(at(400));
    assert!(unit.around.radio.connected_to().is_some(), "{}", story(&unit));
    let mut away_s = 0;
    for (from, lasts) in [(400, 5), (460, 40), (600, 90)] {
        unit.run_until(at(from));
        unit.around.radio.switch(0, false, unit.now());
        unit.run_until(at(from + lasts));
        unit.around.radio.switch(0, true, unit.now());
        let back = unit.now();
        run_until(&mut unit, at(from + lasts + 30), |unit| {
            unit.around.radio.connected_to().is_some()
        });
        away_s += unit.now().since(back).as_secs();
    }
    assert!(away_s < 90);
    unit.around.server.always = None;
    unit.run_until(at(1_500));
    assert_all_delivered(&mut unit, 1);
}

#[test]
fn a_hotspot_that_was_asked_for_goes_before_the_router() {
    let mut unit = Scene {
        known: &[HOME, PHONE],
        air: vec![AccessPoint::new(HOME.0, HOME.1), phone()],
        ..Scene::at_home(8, &[(20, 50)])
    }
    .set_up();
    assert!(unit.power_on());
    phone_says(&mut unit, r#"{"auto_sync":false}"#);
    unit.run_until(at(300));
    phone_says(&mut unit, r#"{"ssid":"Ann's iPhone","sync":true}"#);
    unit.around.radio.switch(0, true, unit.now());
    unit.run_until(at(306));
    unit.around.radio.switch(1, true, unit.now());
    run_until(&mut unit, at(330), |unit| {
        unit.around.radio.connected_to() == Some(1)
    });
    unit.run_until(at(360));
    assert_all_delivered(&mut unit, 1);
}

/// The phone is asked for by name; its hotspot is not on.
#[test]
fn hotspot_not_seen_for_15_s_is_said_and_bluetooth_stays() {
    let mut unit = Scene {
        known: &[HOME, PHONE],
        air: vec![AccessPoint::new(HOME.0, HOME.1), phone()],
        ..Scene::at_home(4, &[(20, 50)])
    }
    .set_up();
    assert!(unit.power_on());
    unit.run_until(at(300));
    phone_says(&mut unit, r#"{"ssid":"Ann's iPhone","sync":true}"#);
    let error = |unit: &Unit| {
        unit.controller()
            .unwrap()
            .status()
            .error
            .map(|error| error.word())
    };
    unit.run_until(at(314));
    assert_eq!(error(&unit), None);
    unit.run_until(at(316));
    assert_eq!(error(&unit), Some("hotspot_not_found"), "{}", story(&unit));
    assert_eq!(
        count(&unit, "Advertise"),
        2,
        "slow while it records, and as ever since"
    );
    // It is still looking when the hotspot comes up at last, and goes on by itself.
    unit.run_until(at(340));
    unit.around.radio.switch(1, true, unit.now());
    unit.run_until(at(400));
    assert_all_delivered(&mut unit, 1);
    assert_eq!(error(&unit), None);
}

#[test]
fn scan_fails_twice_then_works() {
    let mut unit = Scene::at_home(5, &[(20, 50)]).set_up();
    unit.around.radio.scans_that_fail = 2;
    assert!(unit.power_on());
    let sealed = 50 + STANDING_S;
    unit.run_until(at(sealed + 60));
    assert_all_delivered(&mut unit, 1);
    assert_eq!(count(&unit, "Scan {"), 3);
    // One never answers, for 10 s, and one says that it failed; the third look follows at once.
    let first_request = requests(&unit)[0].0;
    assert!(
        first_request.since(at(sealed)).as_secs() <= 22,
        "{first_request:?}"
    );
}

#[test]
fn wrong_password_on_the_first_of_three_networks() {
    let mut strong = AccessPoint::new("Pit", "they-changed-it").on();
    strong.rssi_dbm = -40;
    let mut unit = Scene {
        known: &[("Pit", "secret-secret"), HOME, ("Van", "secret-secret")],
        air: vec![
            strong,
            AccessPoint::new(HOME.0, HOME.1).on().on_channel(1),
            AccessPoint::new("Van", "secret-secret")
                .on()
                .on_channel(11)
                .with(Trouble::NoAddress),
        ],
        ..Scene::at_home(6, &[(20, 50), (1_000, 1_030)])
    }
    .set_up();
    assert!(unit.power_on());
    unit.run_until(at(900));
    assert_all_delivered(&mut unit, 1);
    let tried = first(&unit, at(0), JOIN_PIT).expect("the strongest is tried first");
    let delivered = requests(&unit)[0].0;
    assert!(
        delivered.since(tried).as_secs() <= 50,
        "one join for each of the others at most"
    );
    // What worked goes first from then on.
    let tries = count(&unit, JOIN_PIT);
    unit.run_until(at(1_400));
    assert_all_delivered(&mut unit, 2);
    assert_eq!(count(&unit, JOIN_PIT), tries);
}

#[test]
fn hotspot_disappears_in_the_middle_of_a_file() {
    let mut unit = Scene::at_home(7, &[(20, 140)]).set_up();
    assert!(unit.power_on());
    let sealed = 140 + STANDING_S;
    run_until(&mut unit, at(sealed + 120), |unit| {
        unit.around.server.body_bytes > 1_000_000
    });
    // Of the body that is in the air then, a part arrives that ends nowhere in particular.
    unit.around
        .server
        .next
        .push_back(Some(Fault::DiesInBody(ARRIVED)));
    run_until(&mut unit, at(sealed + 120), |unit| {
        unit.around.server.next.is_empty()
    });
    unit.around.radio.switch(0, false, unit.now());
    unit.run_until(at(sealed + 300));
    assert_eq!(states(&mut unit), [State::Offered]);
    unit.around.radio.switch(0, true, unit.now());
    unit.run_until(at(sealed + 420));
    assert_all_delivered(&mut unit, 1);
    // Only what nobody had acknowledged went twice, and of that what had not arrived.
    let size = on_card(&mut unit)[0].bytes.len();
    let again = usize::try_from(unit.around.server.body_bytes).unwrap() - size;
    let lost = 512 * 1024 - ARRIVED;
    assert!(
        (lost..lost + 2_000).contains(&again),
        "{again} bytes more than the recording has"
    );
}
