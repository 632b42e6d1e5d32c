//! What people are told: STATUS, the light, the page.

use device::controller::{Input, Problem, State, Status, Stored};
use device::link::WifiStatus;
use device::settings::{Profile, Via};
use sim::unit::Unit;

use super::{at, rides, switch, trace, unit};

fn status(unit: &Unit) -> Status {
    unit.controller().unwrap().status()
}

fn problem(unit: &Unit) -> Option<&'static str> {
    status(unit).error.map(Problem::word)
}

fn ask_for_sync(unit: &mut Unit) {
    unit.tell(Input::Configure {
        json: br#"{"sync":true}"#,
        via: Via::Sealed,
    });
}

#[test]
fn a_ride_is_told_from_its_beginning_to_its_receipt() {
    let mut unit = unit(Profile::Race, rides(&[(20, 110)]), |_| {});
    assert!(unit.power_on());
    unit.run_until(at(60));
    let while_recording = status(&unit);
    assert!(while_recording.is_recording);
    assert_eq!(while_recording.wifi, WifiStatus::Off);
    assert_eq!(while_recording.satellites, 12);
    ask_for_sync(&mut unit);
    assert_eq!(problem(&unit), Some("recording"));
    unit.run_until(at(66));
    assert_eq!(problem(&unit), None, "after 5 s");
    unit.run_until(at(600));
    assert!(!status(&unit).is_recording);
    assert_eq!(problem(&unit), None);
    let said: String = unit.log.iter().map(|(_, what)| format!("{what}\n")).collect();
    for word in [
        "state: Syncing",
        "sync_percent: 100",
        "state: Done",
        "Uploading",
        "Dark",
    ] {
        assert!(said.contains(word), "{word}\n{}", trace(&unit));
    }
}

#[test]
fn a_hotspot_that_is_not_seen_is_told_until_it_is() {
    let mut unit = unit(Profile::Race, rides(&[]), |_| {});
    switch(&mut unit, false);
    assert!(unit.power_on());
    unit.run_until(at(20));
    unit.tell(Input::Configure {
        json: br#"{"ssid":"Home","pass":"secret-secret","sync":true}"#,
        via: Via::Sealed,
    });
    unit.run_until(at(40));
    assert_eq!(problem(&unit), Some("hotspot_not_found"), "{}", trace(&unit));
    assert_eq!(status(&unit).state, State::WifiScanning);
    switch(&mut unit, true);
    unit.run_until(at(60));
    assert_eq!(problem(&unit), None, "{}", trace(&unit));
}

#[test]
fn a_wrong_password_is_told() {
    let mut unit = unit(Profile::Uptime, rides(&[]), |_| {});
    unit.around.held[0].password = "another-one".into();
    assert!(unit.power_on());
    unit.run_until(at(30));
    assert_eq!(problem(&unit), Some("wrong_password"), "{}", trace(&unit));
}

#[test]
fn an_access_point_that_fails_is_told_until_it_starts() {
    let mut unit = unit(Profile::Uptime, rides(&[]), |settings| {
        settings.networks = device::settings::Networks::default();
    });
    unit.around.radio.ap_starts_that_fail = 2;
    assert!(unit.power_on());
    unit.run_until(at(2));
    assert_eq!(problem(&unit), Some("ap_failed"), "{}", trace(&unit));
    unit.run_until(at(60));
    assert_eq!(problem(&unit), None, "{}", trace(&unit));
    assert_eq!(status(&unit).wifi, WifiStatus::Ap);
}

#[test]
fn a_full_card_is_told_until_there_is_room() {
    let mut unit = unit(Profile::Race, rides(&[]), |_| {});
    assert!(unit.power_on());
    unit.run_until(at(20));
    unit.tell(Input::Stored(Stored::CardFull(true)));
    assert_eq!(problem(&unit), Some("storage"));
    unit.tell(Input::Stored(Stored::CardFull(false)));
    assert_eq!(problem(&unit), None);
}

#[test]
fn a_revoked_token_is_told() {
    let mut unit = unit(Profile::Uptime, rides(&[]), |_| {});
    assert!(unit.power_on());
    unit.run_until(at(60));
    assert_eq!(problem(&unit), None);
    unit.around.server.revoke(super::TOKEN);
    unit.run_until(at(120));
    assert_eq!(problem(&unit), Some("unauthorized"), "{}", trace(&unit));
}

#[test]
fn the_page_takes_a_form_and_tells_what_came_of_it() {
    let mut unit = unit(Profile::Uptime, rides(&[]), |settings| {
        settings.networks = device::settings::Networks::default();
    });
    assert!(unit.power_on());
    unit.run_until(at(30));
    let page = unit
        .browse("GET / HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n")
        .expect("it is open");
    assert!(page.contains("Home"), "{page}\n{}", trace(&unit));
    let token = page.split("name=token value=").nth(1).unwrap();
    let token: String = token.chars().take_while(char::is_ascii_hexdigit).collect();
    let form = format!("token={token}&ssid=Home&password=secret-secret");
    let request = format!(
        "POST /save HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    unit.browse(&request).unwrap();
    unit.run_until(at(60));
    let result = unit
        .browse("GET /result HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n")
        .unwrap();
    assert!(
        result.contains("Joined Home") || result.contains("Joined"),
        "{result}\n{}",
        trace(&unit)
    );
    assert!(result.contains("192.168.7.33"), "{result}");
}
