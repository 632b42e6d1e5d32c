//! A card that has no room left.

use device::outbox::State;
use device::store::Extents;
use sim::unit::Hardware;
use sim::wifi::AccessPoint;

use super::support::{HOME, Scene, assert_kept, at, count, first, on_card, states, story};

/// 46 MB: two hours.
const SMALL: Hardware = Hardware {
    card_sectors: 90_000,
    taken_bytes: 0,
    saves: 1,
    extents: Extents {
        bytes: 4 << 20,
        bytes_min: 1 << 20,
    },
    spool_bytes_max: 64 << 20,
};

/// A long day without a network on a small card: it is full in the middle of the ride, says so, and keeps all of it. At home everything is
/// handed over; then, on the server's word, the oldest give way, and the next ride is recorded.
#[test]
fn card_full() {
    let mut unit = Scene {
        hardware: SMALL,
        air: vec![AccessPoint::new(HOME.0, HOME.1)],
        ..Scene::at_home(51, &[(20, 9_000), (11_000, 11_060)])
    }
    .set_up();
    assert!(unit.power_on());
    unit.run_until(at(9_500));
    let held = on_card(&mut unit);
    assert!(held.len() >= 8, "{} recordings", held.len());
    assert!(
        held.iter().all(|one| one.state == State::Digested),
        "{}",
        story(&unit)
    );
    let last = str::from_utf8(&held.last().unwrap().bytes).unwrap();
    assert!(last.contains(",M,LOSS,"), "the last says what is missing");
    assert!(last.contains(",M,CLOSE,storage_full"));
    let status = unit.controller().unwrap().status();
    assert_eq!(
        status.error.map(|error| error.word()),
        Some("storage"),
        "{status:?}"
    );
    assert!(!status.is_recording);
    assert_eq!(count(&unit, "gives way"), 0);

    unit.around.radio.switch(0, true, unit.now());
    unit.run_until(at(10_900));
    for one in &held {
        assert!(unit.around.server.holds(&one.bytes), "{}", one.number);
    }
    let confirmed = first(&unit, at(9_500), "receipts/confirm -> 200").expect("the server is asked");
    let gone = first(&unit, at(0), "gives way").unwrap_or_else(|| panic!("{}", story(&unit)));
    assert!(gone > confirmed);
    let left = on_card(&mut unit);
    assert!(
        !left.is_empty() && left.len() < held.len(),
        "{} are left",
        left.len()
    );
    // The oldest went, the newest are as they were.
    assert_kept(&mut unit, &held[held.len() - left.len()..]);

    unit.run_until(at(11_600));
    let next = on_card(&mut unit).pop().unwrap();
    assert!(next.number > held.last().unwrap().number, "{}", story(&unit));
    assert!(unit.around.server.holds(&next.bytes));
    assert_eq!(states(&mut unit).last(), Some(&State::Archived));
}
