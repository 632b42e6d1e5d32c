//! The device's own network, for who sets it up.

use super::support::{Scene, at, count, first, on_card, phone_says, press, story};

/// Three tries a second apart, then a restart that says why; the second time it does not restart at once.
#[test]
fn ap_fails_to_start() {
    let mut unit = Scene {
        known: &[],
        ..Scene::at_home(41, &[])
    }
    .set_up();
    unit.around.radio.ap_starts_that_fail = 3;
    assert!(unit.power_on());
    unit.run_until(at(15));
    press(&mut unit);
    unit.run_until(at(25));
    assert_eq!(count(&unit, "StartAp"), 3, "{}", story(&unit));
    assert_eq!(count(&unit, "the chip resets itself"), 1);
    assert!(unit.is_on());
    assert_eq!(starts_of_unit(&unit), 2);
    // Its owner presses again: this time it comes up.
    press(&mut unit);
    unit.run_until(at(40));
    assert!(unit.around.radio.is_ap_up());
    assert_eq!(count(&unit, "the chip resets itself"), 1);
    // What happened is told as soon as there is a server to tell.
    phone_says(&mut unit, r#"{"ssid":"Home","pass":"secret-secret"}"#);
    unit.around.held.push(home(&unit));
    unit.run_until(at(120));
    let told: Vec<&str> = unit.around.server.crashes(unit.device()).collect();
    assert_eq!(told, ["ap_failed 2"], "{}", story(&unit));
    // Once: a restart by hand later tells nothing.
    unit.power_off();
    assert!(unit.power_on());
    phone_says(&mut unit, r#"{"sync":true}"#);
    unit.run_until(at(200));
    assert_eq!(unit.around.server.crashes(unit.device()).count(), 1);
}

/// An access point that never starts does not make the device restart for ever.
#[test]
fn ap_that_never_starts_costs_one_restart_an_hour() {
    let mut unit = Scene {
        known: &[],
        ..Scene::at_home(42, &[])
    }
    .set_up();
    unit.around.radio.ap_starts_that_fail = u32::MAX;
    assert!(unit.power_on());
    for minute in 1..59 {
        unit.run_until(at(60 * minute));
        press(&mut unit);
    }
    assert_eq!(count(&unit, "the chip resets itself"), 1, "{}", story(&unit));
}

/// Who rides off while the access point does not start gets a recording and no restart.
#[test]
fn ap_fails_to_start_and_the_rider_does_not_wait() {
    let mut unit = Scene {
        known: &[],
        ..Scene::at_home(43, &[(18, 80)])
    }
    .set_up();
    unit.around.radio.ap_starts_that_fail = u32::MAX;
    assert!(unit.power_on());
    unit.run_until(at(17));
    press(&mut unit);
    unit.run_until(at(300));
    let opened = first(&unit, at(17), "Open").expect("a ride is recorded");
    assert!(opened <= at(20), "{opened:?}");
    assert_eq!(count(&unit, "the chip resets itself"), 0, "{}", story(&unit));
    let held = on_card(&mut unit);
    assert_eq!(held.len(), 1);
    let rows = str::from_utf8(&held[0].bytes).unwrap().matches(",I,").count();
    assert!((23_000..25_000).contains(&rows), "{rows}");
}

fn starts_of_unit(unit: &sim::unit::Unit) -> u64 {
    unit.counts.get("starts").copied().unwrap_or(0)
}

/// As the radio knows what the device was given.
fn home(unit: &sim::unit::Unit) -> sim::wifi::HeldNetwork {
    let settings = unit.controller().unwrap().settings();
    let key = settings.networks.iter().next().unwrap().key;
    sim::wifi::HeldNetwork::new(key.0, "Home", "secret-secret")
}
