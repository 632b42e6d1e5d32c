//! What people see of Wi-Fi: the real link against access points that come and go.

use core::time::Duration;

use device::link::{Event, Input, JoinFailure, Link, NetworkKey, Output, Start, Want, WifiStatus};
use device::time::Instant;
use sim::person::{Act, Person};
use sim::wifi::{AccessPoint, Bench, HeldNetwork, Radio, Trouble};

const HOME: NetworkKey = NetworkKey(1);
const PHONE: NetworkKey = NetworkKey(2);
const DAY_S: u64 = 86_400;

#[test]
fn wifi_that_is_off_for_days_stays_off_and_nothing_wakes() {
    let mut bench = bench(vec![AccessPoint::new("Home", "secret").on()], Person::default());
    bench.run_until(at(9 * DAY_S));
    assert!(bench.log().is_empty());
    assert_eq!(bench.link.next_deadline(), None);
    bench.want(Want::Online);
    bench.run_for(Duration::from_secs(15));
    assert_eq!(bench.radio.connected_to(), Some(0));
    bench.want(Want::Off);
    assert_eq!(bench.log().last().unwrap().1, Output::RadioOff);
    let woken = bench.inputs();
    bench.run_for(Duration::from_secs(3 * DAY_S));
    assert_eq!(bench.inputs(), woken);
    held(&bench);
}

#[test]
fn a_router_that_is_toggled_is_joined_again_within_30_seconds() {
    for seed in 0..40 {
        let hour = at(3600);
        let person = Person::fickle(u64::from(seed), 0, (secs(40), secs(200)), hour);
        let mut bench = bench_of(seed, vec![AccessPoint::new("Home", "secret").on()], person);
        bench.want(Want::Online);
        let mut since = None;
        let mut returns = 0;
        while bench.now() < hour {
            bench.run_for(secs(1));
            let is_there = bench.radio.access_points[0].is_on();
            let is_joined = bench.radio.connected_to().is_some();
            match since {
                None if is_there && !is_joined => since = Some(bench.now()),
                Some(_) if is_joined => {
                    since = None;
                    returns += 1;
                }
                Some(_) if !is_there => since = None,
                Some(came) => assert!(bench.now().since(came) <= secs(30), "seed {seed}, since {came:?}"),
                None => {}
            }
        }
        assert!(returns >= 8, "{returns} returns");
        held(&bench);
    }
}

#[test]
fn a_hotspot_that_comes_late_is_said_to_be_missing_and_then_joined_by_itself() {
    let person = Person::new(vec![(at(40), switch(1, true))]);
    let mut bench = bench(world(), person);
    bench.want(Want::HotspotSync(PHONE));
    bench.run_until(at(39));
    assert_eq!(
        when(&bench, 0, |event| event == Event::HotspotNotFound),
        Some(at(15))
    );
    assert_eq!(bench.link.status(), WifiStatus::Scanning);
    bench.run_until(at(60));
    assert_eq!(bench.link.connected_to(), Some(PHONE));
    assert_eq!(
        bench.count(|output| *output == Output::Event(Event::HotspotNotFound)),
        1
    );
    held(&bench);
}

#[test]
fn a_hotspot_is_waited_for_before_another_network_will_do() {
    let mut air = world();
    air[0] = air[0].clone().on();
    let mut late = bench(air.clone(), Person::new(vec![(at(5), switch(1, true))]));
    late.want(Want::HotspotSync(PHONE));
    late.run_until(at(25));
    assert_eq!(late.link.connected_to(), Some(PHONE));
    assert_eq!(late.count(|output| matches!(output, Output::Join { .. })), 1);
    let mut never = bench(air, Person::default());
    never.want(Want::HotspotSync(PHONE));
    never.run_until(at(15));
    assert_eq!(never.count(|output| matches!(output, Output::Join { .. })), 0);
    never.run_until(at(30));
    assert_eq!(never.link.connected_to(), Some(HOME));
    held(&late);
    held(&never);
}

#[test]
fn a_hotspot_that_never_comes_is_given_up_after_90_seconds_until_somebody_asks_again() {
    let mut bench = bench(world(), Person::default());
    bench.want(Want::HotspotSync(PHONE));
    bench.run_until(at(600));
    let gave_up = when(&bench, 0, |event| event == Event::GaveUp).unwrap();
    assert!(gave_up >= at(90) && gave_up <= at(91), "{gave_up:?}");
    assert_eq!(bench.link.status(), WifiStatus::Failed);
    assert_eq!(bench.when(gave_up + secs(1), |_| true), None);
    bench.radio.switch(1, true, bench.now());
    bench.want(Want::HotspotSync(PHONE));
    bench.run_for(secs(15));
    assert_eq!(bench.link.connected_to(), Some(PHONE));
    held(&bench);
}

#[test]
fn a_scan_that_fails_twice_and_then_works_is_enough() {
    let mut bench = bench(vec![AccessPoint::new("Home", "secret").on()], Person::default());
    bench.radio.scans_that_fail = 2;
    bench.want(Want::Online);
    bench.run_until(at(30));
    assert_eq!(bench.link.connected_to(), Some(HOME));
    assert_eq!(bench.count(|output| matches!(output, Output::Scan { .. })), 3);
    held(&bench);
}

#[test]
fn a_wrong_password_for_the_first_of_three_networks_is_said_and_the_next_one_taken() {
    let air = vec![
        AccessPoint::new("First", "was changed").on(),
        AccessPoint::new("Second", "secret").on(),
        AccessPoint::new("Third", "secret").on(),
    ];
    let mut networks: Vec<HeldNetwork> = ["First", "Second", "Third"]
        .iter()
        .zip(1..)
        .map(|(name, key)| HeldNetwork::new(key, name, "secret"))
        .collect();
    for (network, last_success) in networks.iter_mut().zip([9, 5, 1]) {
        network.last_success = last_success;
    }
    let mut bench = Bench::new(1, Radio::new(1, air), networks, Person::default());
    bench.want(Want::Online);
    bench.run_until(at(25));
    let failed = Event::JoinFailed {
        network: NetworkKey(1),
        why: JoinFailure::WrongPassword,
    };
    assert_eq!(bench.count(|output| *output == Output::Event(failed)), 1);
    assert_eq!(bench.link.connected_to(), Some(NetworkKey(2)));
    let connected = Event::Connected {
        network: NetworkKey(2),
        last_success: 10,
    };
    assert!(when(&bench, 0, |event| event == connected).is_some());
    held(&bench);
}

#[test]
fn an_access_point_that_fails_three_times_ends_in_a_restart() {
    let mut bench = bench(Vec::new(), Person::default());
    bench.radio.ap_starts_that_fail = 3;
    bench.want(Want::SetupAp);
    bench.run_until(at(60));
    assert_eq!(bench.count(|output| matches!(output, Output::StartAp { .. })), 3);
    assert_eq!(bench.count(|output| *output == Output::RestartForAp), 1);
    held(&bench);
}

#[test]
fn an_access_point_that_fails_twice_comes_up_without_a_restart() {
    let mut bench = bench(Vec::new(), Person::default());
    bench.radio.ap_starts_that_fail = 2;
    bench.want(Want::SetupAp);
    bench.run_until(at(60));
    assert_eq!(bench.link.status(), WifiStatus::Ap);
    assert_eq!(bench.count(|output| *output == Output::RestartForAp), 0);
    held(&bench);
}

#[test]
fn a_restart_that_did_not_help_is_not_repeated_within_the_hour_nor_while_connected() {
    let mut again = bench(Vec::new(), Person::default());
    again.link = Link::new(Start {
        seed: 1,
        restarted_for_ap: true,
    });
    again.radio.ap_starts_that_fail = 1000;
    again.want(Want::SetupAp);
    again.run_until(at(3599));
    assert_eq!(again.count(|output| *output == Output::RestartForAp), 0);
    again.run_until(at(4200));
    assert!(again.count(|output| *output == Output::RestartForAp) > 0);
    let mut connected = bench(vec![AccessPoint::new("Home", "secret").on()], Person::default());
    connected.radio.ap_starts_that_fail = 1000;
    connected.want(Want::StaAndAp);
    connected.run_until(at(3600));
    assert!(connected.count(|output| matches!(output, Output::StartAp { .. })) > 3);
    assert_eq!(connected.count(|output| *output == Output::RestartForAp), 0);
    assert_eq!(connected.link.connected_to(), Some(HOME));
}

#[test]
fn nothing_restarts_for_an_access_point_once_a_recording_runs() {
    let person = Person::new(vec![(at(1), Act::Recording(true))]);
    let mut bench = bench(Vec::new(), person);
    bench.radio.ap_starts_that_fail = 100;
    bench.want(Want::SetupAp);
    bench.run_until(at(3600));
    assert_eq!(bench.count(|output| *output == Output::RestartForAp), 0);
    held(&bench);
}

#[test]
fn a_hotspot_that_vanishes_in_the_middle_of_a_file_is_joined_when_it_is_back() {
    let person = Person::new(vec![(at(60), switch(1, false)), (at(100), switch(1, true))]);
    let mut air = world();
    air[1] = air[1].clone().on();
    let mut bench = bench(air, person);
    bench.want(Want::HotspotSync(PHONE));
    bench.run_until(at(20));
    bench.tell(Input::Transferring(true));
    assert_eq!(bench.log().last().unwrap().1, Output::PowerSave(false));
    bench.run_until(at(99));
    let lost = when(&bench, 20, |event| event == Event::Lost).unwrap();
    assert!(lost <= at(64));
    let missing = when(&bench, 20, |event| event == Event::HotspotNotFound).unwrap();
    assert_eq!(missing.since(lost), secs(15));
    bench.run_until(at(120));
    assert_eq!(bench.link.connected_to(), Some(PHONE));
    // The transfer is not over, so the radio stays awake in the new connection too.
    assert_eq!(bench.count(|output| *output == Output::PowerSave(false)), 2);
    held(&bench);
}

#[test]
fn a_recording_darkens_the_radio_at_once_and_it_comes_back_after() {
    for moment_ms in (0..20_000).step_by(500) {
        let person = Person::new(vec![
            (Instant::from_millis(moment_ms), Act::Recording(true)),
            (at(600), Act::Recording(false)),
        ]);
        let mut bench = bench(vec![AccessPoint::new("Home", "secret").on()], person);
        bench.want(Want::StaAndAp);
        bench.run_until(at(599));
        assert_eq!(bench.link.status(), WifiStatus::Off);
        assert_eq!(bench.radio.connected_to(), None);
        assert!(!bench.radio.is_ap_up());
        bench.run_until(at(630));
        assert_eq!(bench.link.connected_to(), Some(HOME));
        assert!(bench.radio.is_ap_up());
        held(&bench);
    }
}

#[test]
fn somebody_on_the_access_point_is_left_alone_until_their_form() {
    let person = Person::new(vec![
        (at(2), Act::JoinAp),
        (at(10), switch(0, true)),
        (at(300), Act::Form(HOME)),
    ]);
    let mut bench = bench(world(), person);
    bench.want(Want::SetupAp);
    bench.run_until(at(299));
    assert_eq!(bench.when(at(2), |_| true), None);
    bench.run_until(at(320));
    let moved = bench.when(at(300), |output| *output == Output::MoveApTo { channel: 6 });
    let joined = bench.when(at(300), |output| matches!(output, Output::Join { .. }));
    assert!(moved.unwrap() < joined.unwrap());
    assert_eq!(bench.link.connected_to(), Some(HOME));
    assert!(bench.radio.is_ap_up());
    held(&bench);
}

#[test]
fn a_form_for_a_network_that_is_not_there_is_answered_and_the_page_stays() {
    let person = Person::new(vec![(at(2), Act::JoinAp), (at(10), Act::Form(PHONE))]);
    let mut bench = bench(world(), person);
    bench.want(Want::SetupAp);
    bench.run_until(at(120));
    let not_found = Event::JoinFailed {
        network: PHONE,
        why: JoinFailure::NotFound,
    };
    let told = when(&bench, 10, |event| event == not_found).unwrap();
    assert!(told <= at(25));
    assert_eq!(bench.when(told + secs(1), |_| true), None);
    assert_eq!(bench.link.status(), WifiStatus::Ap);
    held(&bench);
}

#[test]
fn a_network_without_internet_gives_way_to_one_that_has_it() {
    let air = vec![
        AccessPoint::new("Home", "secret").on().with(Trouble::NoInternet),
        AccessPoint::new("Ann\u{2019}s iPhone", "secret")
            .on()
            .on_channel(1),
    ];
    let mut networks = known();
    networks[0].last_success = 7;
    let mut bench = Bench::new(3, Radio::new(3, air), networks, Person::default());
    bench.want(Want::Online);
    bench.run_until(at(40));
    assert_eq!(bench.link.connected_to(), Some(PHONE));
    held(&bench);
}

#[test]
fn on_battery_the_radio_rests_after_the_first_hour_and_on_mains_it_never_does() {
    let scans = |bench: &Bench, from: u64, to: u64| {
        let within = |moment: Instant| moment >= at(from) && moment < at(to);
        let all = bench.log().iter();
        all.filter(|(moment, output)| within(*moment) && matches!(output, Output::Scan { .. }))
            .count()
    };
    let mut battery = bench(world(), Person::default());
    battery.want(Want::Online);
    battery.run_until(at(4 * 3600));
    let mut mains = bench(world(), Person::default());
    mains.tell(Input::Power(device::link::Power::Mains));
    mains.want(Want::Online);
    mains.run_until(at(4 * 3600));
    assert!(scans(&battery, 0, 3600) > 600);
    // At most one round of three in nine tenths of five minutes.
    assert!((30..=45).contains(&scans(&battery, 3 * 3600, 4 * 3600)));
    assert!(scans(&mains, 3 * 3600, 4 * 3600) > 600);
    // A person who plugs it in does not wait for the pause to end.
    battery.radio.switch(0, true, battery.now());
    battery.tell(Input::Power(device::link::Power::Mains));
    battery.run_for(secs(20));
    assert_eq!(battery.link.connected_to(), Some(HOME));
    held(&battery);
    held(&mains);
}

fn held(bench: &Bench) {
    assert_eq!(bench.broken(), [] as [String; 0]);
}

/// A router and a phone, both off. The phone writes its name with the apostrophe that nobody types.
fn world() -> Vec<AccessPoint> {
    vec![
        AccessPoint::new("Home", "secret"),
        AccessPoint::new("Ann\u{2019}s iPhone", "secret").on_channel(1),
    ]
}

fn known() -> Vec<HeldNetwork> {
    vec![
        HeldNetwork::new(HOME.0, "Home", "secret"),
        HeldNetwork::new(PHONE.0, "Ann's iPhone", "secret"),
    ]
}

fn bench(air: Vec<AccessPoint>, person: Person) -> Bench {
    bench_of(7, air, person)
}

fn bench_of(seed: u32, air: Vec<AccessPoint>, person: Person) -> Bench {
    Bench::new(seed, Radio::new(u64::from(seed), air), known(), person)
}

fn when(bench: &Bench, from_s: u64, is: impl Fn(Event) -> bool) -> Option<Instant> {
    bench.when(
        at(from_s),
        |output| matches!(output, Output::Event(event) if is(*event)),
    )
}

fn switch(access_point: usize, is_on: bool) -> Act {
    Act::Switch { access_point, is_on }
}

fn at(s: u64) -> Instant {
    Instant::from_secs(s)
}

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}
