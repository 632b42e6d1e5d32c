//! A device that nobody tells the time.

use device::outbox::State;
use sim::unit::faults::Ntp;
use sim::wifi::AccessPoint;

use super::support::{HOME, Scene, assert_all_delivered, at, phone_says, starts, states, story};

const BEGAN_UTC_MS: u64 = 1_795_305_600_000;

/// In a garage without satellites, where the time servers do not answer: it goes on without a date, hands over and counts; when somebody
/// says the time at last, the date is set behind, and what was counted is the same session as before.
#[test]
fn ntp_fails_continues_offline_and_is_fixed_up() {
    let mut unit = Scene {
        air: vec![AccessPoint::new(HOME.0, HOME.1)],
        ..Scene::at_home(31, &[(20, 50)])
    }
    .set_up();
    assert!(unit.power_on());
    unit.run_until(at(400));
    unit.power_off();
    unit.around.radio.switch(0, true, unit.now());
    // A coin cell that is empty, a roof, a network without a way out.
    unit.rtc.pull_cell();
    unit.faults.is_blind = true;
    unit.faults.ntp = Ntp::Silent;
    unit.run_until(at(2_000));
    assert!(unit.power_on());
    unit.run_until(at(2_300));
    assert_all_delivered(&mut unit, 1);
    let clock = unit.controller().unwrap().clock_of_device();
    assert_eq!(clock.source(), None, "nobody has said");
    let known = starts(&unit);
    assert_eq!(known.len(), 2, "{known:?}");
    let (first, second) = (known[0].clone(), known[1].clone());
    assert!(first.2.is_some(), "the first start had satellites");
    assert_eq!(second.2, None, "{known:?}");
    // The next day the time server is there again.
    unit.faults.ntp = Ntp::Answers;
    phone_says(&mut unit, r#"{"sync":true}"#);
    unit.run_until(at(2_900));
    let known = starts(&unit);
    assert_eq!(known.len(), 2, "no session is counted twice: {known:?}");
    assert_eq!((&known[0].0, &known[1].0), (&first.0, &second.0));
    let began: u64 = known[1]
        .2
        .as_ref()
        .unwrap_or_else(|| panic!("{}", story(&unit)))
        .parse()
        .unwrap();
    assert!(began.abs_diff(BEGAN_UTC_MS + 2_000_000) < 1_000, "{began}");
    assert!(known[1].1 >= second.1);
    assert_eq!(states(&mut unit), [State::Archived]);
}
