//! What gives way for others: only on the server's word of just now, and what it lost is handed over again.

use device::outbox::State;
use device::settings::{AfterReceipt, Profile};
use device::store::Extents;
use sim::unit::{Hardware, Unit};

use super::{at, held, rides, states, trace, unit, unit_of};

fn deleting(unit_rides: &[(u64, u64)]) -> Unit {
    unit(Profile::Race, rides(unit_rides), |settings| {
        settings.after_receipt = AfterReceipt::Delete;
    })
}

/// Everything that the server has of the device.
fn delivered(unit: &Unit) -> usize {
    unit.around
        .server
        .recordings()
        .filter(|stored| stored.bytes.is_some())
        .count()
}

#[test]
fn what_is_to_be_deleted_goes_once_the_server_has_confirmed_it() {
    let mut unit = deleting(&[(20, 110)]);
    assert!(unit.power_on());
    unit.run_until(at(600));
    assert_eq!(states(&mut unit), [], "{}", trace(&unit));
    assert_eq!(delivered(&unit), 1);
    let asked = unit
        .log
        .iter()
        .filter(|(_, what)| what.contains("receipts/confirm"));
    assert_eq!(asked.count(), 1, "{}", trace(&unit));
}

#[test]
fn what_is_to_stay_is_archived_by_its_receipt() {
    let mut unit = unit(Profile::Race, rides(&[(20, 110)]), |_| {});
    assert!(unit.power_on());
    unit.run_until(at(600));
    assert_eq!(states(&mut unit), [State::Archived]);
}

#[test]
fn what_the_server_lost_is_handed_over_again_and_goes_only_then() {
    let mut unit = unit(Profile::Race, rides(&[(20, 110), (1_020, 1_110)]), |_| {});
    assert!(unit.power_on());
    unit.run_until(at(600));
    let first = held(&mut unit).remove(0).1;
    unit.around.server.lose(&first);
    let delete = r#"{"version":1,"settings":{"after_receipt":"delete"},"track":null,"networks":{"add":[],"forget":[]},"commands":[]}"#;
    let device = unit.controller().unwrap().device();
    unit.around.server.want(device, 1, delete);
    unit.run_until(at(2_600));
    assert_eq!(states(&mut unit), [], "{}", trace(&unit));
    assert!(unit.around.server.holds(&first), "{}", trace(&unit));
    assert_eq!(delivered(&unit), 2);
}

#[test]
fn another_storage_is_given_everything_that_is_still_here() {
    let mut unit = unit(
        Profile::Race,
        rides(&[(20, 110), (1_020, 1_110), (2_020, 2_110)]),
        |_| {},
    );
    assert!(unit.power_on());
    unit.run_until(at(600));
    let first = held(&mut unit).remove(0).1;
    let delete = r#"{"version":1,"settings":{"after_receipt":"delete"},"track":null,"networks":{"add":[],"forget":[]},"commands":[]}"#;
    let device = unit.controller().unwrap().device();
    // Asked once, so that it knows the storage; then somebody puts an older one back.
    unit.around.server.want(device, 1, delete);
    unit.run_until(at(1_500));
    assert_eq!(states(&mut unit), [], "{}", trace(&unit));
    unit.around.server.new_epoch();
    unit.run_until(at(2_600));
    assert!(
        unit.log.iter().any(|(_, what)| what == "OfferAllAgain"),
        "{}",
        trace(&unit)
    );
    assert_eq!(states(&mut unit), [], "{}", trace(&unit));
    assert!(unit.around.server.holds(&first));
}

#[test]
fn on_a_card_that_gets_full_the_oldest_go_and_nothing_undelivered() {
    let hardware = Hardware {
        card_sectors: 90_000,
        extents: Extents {
            bytes: 8 << 20,
            bytes_min: 1 << 20,
        },
        ..Hardware::default()
    };
    let times: Vec<(u64, u64)> = (0..30)
        .map(|ride| (1_000 * ride + 20, 1_000 * ride + 110))
        .collect();
    let mut unit = unit_of(hardware, Profile::Race, rides(&times), |_| {});
    assert!(unit.power_on());
    unit.run_until(at(31_000));
    let held = held(&mut unit);
    assert!(held.len() < 30, "{} recordings are on the card", held.len());
    assert!(held.len() > 10, "{} recordings are on the card", held.len());
    assert_eq!(delivered(&unit), 30);
    let percent = unit.controller().unwrap().status().storage_percent.unwrap();
    assert!(percent <= 90, "{percent} % of the card are in use");
}
