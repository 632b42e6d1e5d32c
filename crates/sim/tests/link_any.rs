//! What the link promises whatever happens: any inputs at any moments, and any world.

use core::time::Duration;

use device::link::{
    Attempt, Event, Input, JoinFailure, Known, Link, NetworkKey, OUTPUTS_PER_INPUT, Output, Power, Security,
    Seen, Ssid, Start, Want, WifiStatus,
};
use device::time::Instant;
use proptest::collection::vec;
use proptest::prelude::*;
use sim::person::{Act, Person};
use sim::wifi::{AccessPoint, Bench, HeldNetwork, Radio, Trouble};

/// An input without its borrowed parts. Attempts are counted back from the newest, so that most answers are in time.
#[derive(Debug, Clone)]
enum Any {
    Tick,
    Deadline,
    Want(Want),
    Networks(u8),
    Recording(bool),
    Power(Power),
    Transferring(bool),
    NoInternet,
    Form(u8),
    ScanDone { back: u16, seen: Vec<(u8, u8)> },
    ScanFailed { back: u16 },
    Joined { back: u16 },
    GotAddress { back: u16 },
    JoinFailed { back: u16 },
    Lost { back: u16 },
    ApStarted,
    ApFailed,
    ApClients(u8),
}

fn any_want() -> impl Strategy<Value = Want> {
    prop_oneof![
        Just(Want::Off),
        Just(Want::Online),
        (0..5_u8).prop_map(|key| Want::HotspotSync(NetworkKey(key))),
        Just(Want::SetupAp),
        Just(Want::StaAndAp),
    ]
}

fn any_input() -> impl Strategy<Value = Any> {
    let back = || prop_oneof![9 => Just(0_u16), 1 => 0..4_u16];
    let seen = vec((0..6_u8, 1..14_u8), 0..8);
    prop_oneof![
        2 => Just(Any::Tick),
        10 => Just(Any::Deadline),
        4 => any_want().prop_map(Any::Want),
        1 => (0..5_u8).prop_map(Any::Networks),
        2 => any::<bool>().prop_map(Any::Recording),
        1 => prop_oneof![Just(Power::Battery), Just(Power::Mains)].prop_map(Any::Power),
        1 => any::<bool>().prop_map(Any::Transferring),
        1 => Just(Any::NoInternet),
        2 => (0..5_u8).prop_map(Any::Form),
        10 => (back(), seen).prop_map(|(back, seen)| Any::ScanDone { back, seen }),
        2 => back().prop_map(|back| Any::ScanFailed { back }),
        3 => back().prop_map(|back| Any::Joined { back }),
        6 => back().prop_map(|back| Any::GotAddress { back }),
        2 => back().prop_map(|back| Any::JoinFailed { back }),
        3 => back().prop_map(|back| Any::Lost { back }),
        3 => Just(Any::ApStarted),
        3 => Just(Any::ApFailed),
        2 => (0..3_u8).prop_map(Any::ApClients),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_inputs_at_any_moments_keep_the_promises(
        inputs in vec((any_input(), prop_oneof![Just(0_u64), 0..40_000_u64, 0..4_000_000_u64]), 1..150),
    ) {
        let mut watched = Watched::new();
        for (input, after_ms) in inputs {
            watched.wait(Duration::from_millis(after_ms), matches!(input, Any::Deadline));
            watched.give(&input)?;
        }
    }

    #[test]
    fn a_good_network_is_joined_within_five_minutes_in_any_world(
        seed in any::<u32>(),
        others in vec((any_trouble(), 1..14_u8, -90..-30_i8, any::<bool>(), 0..20_u32), 0..9),
        acts in vec((0..3600_u64, any_act()), 0..30),
        is_setup in any::<bool>(),
        scans_that_fail in 0..5_u32,
    ) {
        let good = others.len();
        let mut air: Vec<AccessPoint> = Vec::new();
        let mut held = Vec::new();
        for (key, (trouble, channel, rssi_dbm, knows_password, last_success)) in (0_u8..).zip(&others) {
            let name = format!("Network {key}");
            let mut access_point = AccessPoint::new(&name, "secret").on().with(*trouble).on_channel(*channel);
            access_point.rssi_dbm = *rssi_dbm;
            // A network that works is none of those that stand in the way.
            let works = *trouble == Trouble::None && *knows_password;
            let password = if *knows_password && !works { "secret" } else { "it was another" };
            air.push(access_point);
            let mut network = HeldNetwork::new(key, &name, password);
            network.last_success = *last_success;
            held.push(network);
        }
        air.push(AccessPoint::new("Good", "secret"));
        held.push(HeldNetwork::new(99, "Good", "secret"));
        let person = Person::new(acts.into_iter().map(|(s, act)| (Instant::from_secs(s), act)).collect());
        let mut bench = Bench::new(seed, Radio::new(u64::from(seed), air), held, person);
        bench.run_until(Instant::from_secs(3601));
        // The world turns good: nobody records, nobody is on the access point, and the network stays on.
        bench.radio.scans_that_fail = scans_that_fail;
        bench.tell(Input::Power(Power::Mains));
        bench.tell(Input::Recording(false));
        bench.tell(Input::ApClients(0));
        bench.want(if is_setup { Want::SetupAp } else { Want::Online });
        bench.radio.switch(good, true, bench.now());
        let end = bench.now() + Duration::from_secs(300);
        while bench.now() < end && bench.radio.connected_to() != Some(good) {
            bench.run_for(Duration::from_secs(1));
        }
        prop_assert_eq!(bench.radio.connected_to(), Some(good));
        prop_assert_eq!(bench.broken(), &[] as &[String]);
    }
}

fn any_trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::None),
        Just(Trouble::JoinHangs),
        Just(Trouble::NoAddress),
        Just(Trouble::NoInternet),
        (0..9_u8).prop_map(|after_s| Trouble::Drops { after_s }),
    ]
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => any_want().prop_map(Act::Want),
        2 => any::<bool>().prop_map(Act::Recording),
        2 => (0..10_usize, any::<bool>()).prop_map(|(access_point, is_on)| Act::Switch { access_point, is_on }),
        1 => Just(Act::JoinAp),
        1 => Just(Act::LeaveAp),
        1 => (0..10_u8).prop_map(|key| Act::Form(NetworkKey(key))),
    ]
}

struct Watched {
    link: Link,
    now: Instant,
    newest: u16,
    is_recording: bool,
    is_off: bool,
    /// A disconnect was ordered since the last join.
    is_clean: bool,
    /// On the access point, as far as it is certain that the link believes it too.
    clients: u8,
    has_form: bool,
}

impl Watched {
    fn new() -> Self {
        Self {
            link: Link::new(Start {
                seed: 5,
                restarted_for_ap: false,
            }),
            now: Instant::BOOT,
            newest: 0,
            is_recording: false,
            is_off: true,
            is_clean: true,
            clients: 0,
            has_form: false,
        }
    }

    fn wait(&mut self, span: Duration, until_deadline: bool) {
        let deadline = self.link.next_deadline().filter(|_| until_deadline);
        self.now = deadline.unwrap_or(self.now + span).max(self.now);
    }

    fn give(&mut self, any: &Any) -> Result<(), TestCaseError> {
        self.note(any);
        self.hand_over(any);
        let mut outputs = 0;
        while let Some(output) = self.link.poll() {
            outputs += 1;
            self.watch(&output)?;
            let is_late = matches!(any, Any::GotAddress { back } if *back > 0);
            let connects = matches!(output, Output::Event(Event::Connected { .. }));
            prop_assert!(!(is_late && connects), "an answer to another join counts");
        }
        prop_assert!(outputs <= OUTPUTS_PER_INPUT, "{outputs} outputs for {any:?}");
        let deadline = self.link.next_deadline();
        prop_assert!(
            deadline.is_none_or(|at| at > self.now),
            "{any:?} leaves a deadline that is over"
        );
        self.link.handle(Input::Tick, self.now);
        prop_assert_eq!(self.link.poll(), None, "a second look changed something");
        prop_assert_eq!(self.link.next_deadline(), deadline);
        if self.is_recording || self.is_off {
            prop_assert_eq!(deadline, None);
            prop_assert_eq!(self.link.connected_to(), None);
        }
        Ok(())
    }

    fn note(&mut self, any: &Any) {
        if let Any::Recording(is_recording) = any {
            self.is_recording = *is_recording;
        }
        if let Any::Want(want) = any {
            self.is_off = *want == Want::Off;
        }
        if let Any::ApClients(count) = any {
            let is_ap = self.link.status() == WifiStatus::Ap;
            self.clients = if is_ap { *count } else { 0 };
        }
        self.has_form |= matches!(any, Any::Form(_));
        if matches!(any, Any::ApFailed) {
            self.clients = 0;
        }
    }

    fn watch(&mut self, output: &Output) -> Result<(), TestCaseError> {
        let is_dark = self.is_recording || self.is_off;
        if matches!(
            output,
            Output::Scan { .. } | Output::MoveApTo { .. } | Output::Join { .. }
        ) {
            prop_assert!(
                self.clients == 0 || self.has_form,
                "{output:?} under somebody's feet"
            );
        }
        match output {
            Output::Scan { attempt } => {
                prop_assert!(!is_dark, "a scan in the dark");
                self.newest = attempt.0;
            }
            Output::Join { attempt, .. } => {
                prop_assert!(!is_dark, "a join in the dark");
                prop_assert!(self.is_clean, "a join without a disconnect");
                self.is_clean = false;
                self.newest = attempt.0;
            }
            Output::StartAp { .. } | Output::MoveApTo { .. } | Output::RestartForAp => {
                prop_assert!(!is_dark, "{output:?} in the dark");
            }
            Output::Disconnect => self.is_clean = true,
            Output::RadioOff => {
                self.is_clean = true;
                self.clients = 0;
            }
            Output::StopAp => self.clients = 0,
            Output::Event(Event::Connected { .. } | Event::JoinFailed { .. }) => self.has_form = false,
            Output::PowerSave(_) | Output::Event(_) => {}
        }
        Ok(())
    }

    fn hand_over(&mut self, any: &Any) {
        let of = |back: &u16| Attempt(self.newest.wrapping_sub(*back));
        let now = self.now;
        let link = &mut self.link;
        match any {
            Any::Tick | Any::Deadline => link.handle(Input::Tick, now),
            Any::Want(want) => link.handle(Input::Want(*want), now),
            Any::Networks(count) => link.handle(Input::Networks(&networks(*count)), now),
            Any::Recording(is_recording) => link.handle(Input::Recording(*is_recording), now),
            Any::Power(power) => link.handle(Input::Power(*power), now),
            Any::Transferring(is) => link.handle(Input::Transferring(*is), now),
            Any::NoInternet => link.handle(Input::NoInternet, now),
            Any::Form(key) => link.handle(Input::Form(NetworkKey(*key)), now),
            Any::ScanDone { back, seen } => {
                let (attempt, seen) = (of(back), air(seen));
                link.handle(Input::ScanDone { attempt, seen: &seen }, now);
            }
            Any::ScanFailed { back } => link.handle(Input::ScanFailed { attempt: of(back) }, now),
            Any::Joined { back } => link.handle(Input::Joined { attempt: of(back) }, now),
            Any::GotAddress { back } => link.handle(Input::GotAddress { attempt: of(back) }, now),
            Any::JoinFailed { back } => {
                let (attempt, why) = (of(back), JoinFailure::Other);
                link.handle(Input::JoinFailed { attempt, why }, now);
            }
            Any::Lost { back } => link.handle(Input::Lost { attempt: of(back) }, now),
            Any::ApStarted => link.handle(Input::ApStarted, now),
            Any::ApFailed => link.handle(Input::ApFailed, now),
            Any::ApClients(count) => link.handle(Input::ApClients(*count), now),
        }
    }
}

fn ssid(key: u8) -> Ssid {
    // The last one hides its name.
    let name = if key == 5 {
        String::new()
    } else {
        format!("Network {key}")
    };
    Ssid::new(name.as_bytes()).unwrap_or_default()
}

fn networks(count: u8) -> Vec<Known> {
    let known = |key| Known {
        key: NetworkKey(key),
        ssid: ssid(key),
        has_password: true,
        last_success: u32::from(key % 3),
    };
    (0..count).map(known).collect()
}

fn air(seen: &[(u8, u8)]) -> Vec<Seen> {
    let on_air = |&(key, channel): &(u8, u8)| Seen {
        ssid: ssid(key),
        rssi_dbm: -60,
        security: Security::Password,
        channel,
    };
    seen.iter().map(on_air).collect()
}
