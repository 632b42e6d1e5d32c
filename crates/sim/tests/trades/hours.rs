//! An uptime logger: hours arrive right, after cuts, and without a network for days.

use device::settings::Profile;
use sim::unit::faults::Ntp;

use super::{at, rides, switch, trace, unit};

#[test]
fn hours_are_right_after_cuts_and_days_without_a_network() {
    let mut unit = unit(Profile::Uptime, rides(&[]), |_| {});
    switch(&mut unit, false);
    let mut ran_s = 0;
    for flight in 0..20_u64 {
        let began = flight * 86_400;
        unit.run_until(at(began));
        assert!(unit.power_on());
        let span_s = 1_200 + 37 * flight;
        unit.run_until(at(began + span_s));
        unit.power_off();
        ran_s += span_s;
    }
    switch(&mut unit, true);
    unit.run_until(at(20 * 86_400));
    assert!(unit.power_on());
    unit.run_until(at(20 * 86_400 + 300));
    let device = unit.controller().unwrap().device();
    let sessions: Vec<i64> = unit
        .around
        .server
        .sessions(device)
        .map(|(_, session)| session.run_seconds)
        .collect();
    assert_eq!(sessions.len(), 21, "{}", trace(&unit));
    let told: i64 = sessions.iter().sum();
    let whole = i64::try_from(ran_s + 300).unwrap();
    assert!(told <= whole, "{told} of {whole} s");
    assert!(
        whole - told <= 21 * 60,
        "a minute of each at most: {told} of {whole} s"
    );
    assert_eq!(unit.controller().unwrap().dropped(), 0);
}

#[test]
fn only_an_answer_to_what_was_asked_and_in_time_is_a_date() {
    for ntp in [Ntp::Forged, Ntp::Late, Ntp::Silent] {
        let mut unit = unit(Profile::Uptime, rides(&[]), |_| {});
        unit.faults.ntp = ntp;
        unit.rtc.is_absent = true;
        assert!(unit.power_on());
        unit.run_until(at(120));
        let clock = unit.controller().unwrap().clock_of_device();
        assert_eq!(
            clock.utc_at(device::time::Instant::BOOT),
            None,
            "{ntp:?}\n{}",
            trace(&unit)
        );
        assert!(unit.faults.ntp_failed > 0, "{ntp:?}");
        unit.faults.ntp = Ntp::Answers;
        unit.run_until(at(2_000));
        let clock = unit.controller().unwrap().clock_of_device();
        let boot_ms = clock.utc_at(device::time::Instant::BOOT).expect("it was told").0;
        assert!((boot_ms - unit.around.began_utc_ms).abs() <= 100, "{ntp:?}");
    }
}

#[test]
fn the_clock_chip_knows_the_date_when_no_time_server_answers() {
    let mut unit = unit(Profile::Uptime, rides(&[]), |_| {});
    assert!(unit.power_on());
    unit.run_until(at(300));
    unit.power_off();
    unit.faults.ntp = Ntp::Unreachable;
    unit.run_until(at(40_000));
    assert!(unit.power_on());
    let clock = unit.controller().unwrap().clock_of_device();
    let boot_ms = clock
        .utc_at(device::time::Instant::BOOT)
        .expect("the chip knows")
        .0;
    let truth_ms = unit.around.began_utc_ms + 40_000_000;
    assert!(
        (boot_ms - truth_ms).abs() <= 1_500,
        "{} ms off",
        boot_ms - truth_ms
    );
    unit.power_off();
    unit.rtc.pull_cell();
    assert!(unit.power_on());
    unit.run_until(at(40_010));
    let clock = unit.controller().unwrap().clock_of_device();
    assert_eq!(clock.utc_at(device::time::Instant::BOOT), None, "nobody knows");
}
