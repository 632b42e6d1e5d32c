//! A server that fails, that does not know the device any more, or that does not want what it brings.

use device::offload::Activity;
use device::outbox::State;
use sim::server::Fault;

use super::support::{
    Scene, TOKEN, assert_all_delivered, assert_kept, at, on_card, phone_says, requests, requests_between,
    states,
};

#[test]
fn server_answers_500_for_an_hour() {
    let mut unit = Scene::at_home(11, &[(20, 50), (400, 430)]).set_up();
    assert!(unit.power_on());
    unit.run_until(at(230));
    unit.around.server.always = Some(Fault::Status(500, None));
    unit.run_until(at(230 + 3_600));
    let held = on_card(&mut unit);
    assert_eq!(states(&mut unit), [State::Digested; 2]);
    let asked = requests_between(&unit, at(230), unit.now()).len();
    assert!((10..=120).contains(&asked), "{asked} requests in an hour");
    let status = unit.controller().unwrap().offload_status();
    assert_eq!(status.trouble.map(|trouble| trouble.word()), Some("server"));
    unit.around.server.always = None;
    unit.run_until(at(230 + 3_600 + 1_000));
    assert_all_delivered(&mut unit, 2);
    assert_kept(&mut unit, &held);
    assert_eq!(unit.controller().unwrap().offload_status().trouble, None);
}

#[test]
fn token_revoked() {
    let mut unit = Scene::at_home(12, &[(20, 50), (400, 430), (800, 830)]).set_up();
    assert!(unit.power_on());
    unit.run_until(at(390));
    assert_eq!(states(&mut unit), [State::Archived]);
    unit.around.server.revoke(TOKEN);
    unit.run_until(at(2_000));
    let held = on_card(&mut unit);
    assert_eq!(
        states(&mut unit),
        [State::Archived, State::Digested, State::Digested]
    );
    let asked = requests_between(&unit, at(390), unit.now());
    assert!(asked.len() <= 12, "a revoked token is not tried on: {asked:?}");
    let status = unit.controller().unwrap().offload_status();
    assert_eq!(status.trouble.map(|trouble| trouble.word()), Some("unauthorized"));
    assert!(
        matches!(status.activity, Activity::Stopped | Activity::Idle),
        "{status:?}"
    );
    // The owner claims it again, by phone.
    let device = unit.device();
    unit.around.server.add_device("fpd_anew", device);
    unit.around.token = "fpd_anew".to_owned();
    phone_says(&mut unit, r#"{"token":"fpd_anew","sync":true}"#);
    unit.run_until(at(2_120));
    assert_all_delivered(&mut unit, 3);
    assert_kept(&mut unit, &held);
}

#[test]
fn poison_file() {
    let mut unit = Scene::at_home(13, &[(20, 50), (300, 330), (600, 630)]).set_up();
    unit.around
        .server
        .poisoned
        .insert("sess_000002.csv".to_owned(), 422);
    assert!(unit.power_on());
    unit.run_until(at(1_000));
    assert_eq!(
        states(&mut unit),
        [State::Archived, State::Quarantined, State::Archived]
    );
    let refused = requests(&unit)
        .into_iter()
        .filter(|(_, what)| what.ends_with("422"));
    assert_eq!(refused.count(), 3);
    let held = on_card(&mut unit);
    assert!(held[1].bytes.len() > 100_000, "kept on the card");
    for one in [&held[0], &held[2]] {
        assert!(unit.around.server.holds(&one.bytes));
    }
    // A day later nobody has asked for it again, and a restart changes nothing.
    unit.power_off();
    unit.run_until(at(86_400));
    assert!(unit.power_on());
    unit.run_until(at(86_400 + 300));
    assert_kept(&mut unit, &held);
    let refused = requests(&unit)
        .into_iter()
        .filter(|(_, what)| what.ends_with("422"));
    assert_eq!(refused.count(), 3);
}
