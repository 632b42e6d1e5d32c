//! Button, coordinator and link together: what a rider does, and what the radio makes of it.

use core::time::Duration;

use device::link::{Event, Input as LinkInput, NetworkKey, Output as Wifi, WifiStatus};
use device::modes::{Input, Modes, Output, Refusal, Trade};
use device::signal::{Activity, Button};
use device::time::Instant;
use sim::person::{Act, Person};
use sim::wifi::{AccessPoint, Bench, HeldNetwork, Radio};

const PHONE: NetworkKey = NetworkKey(2);

#[test]
fn a_recorder_that_runs_keeps_the_radio_dark_whatever_is_asked() {
    let mut rider = Rider::new(Person::default(), Person::default());
    rider.give(Input::Pending(true));
    rider.go(at(20), 0);
    assert_eq!(rider.bench.link.status(), WifiStatus::Connected);
    rider.go(at(30), 15_000);
    rider.give(Input::Opened);
    let dark_from = rider.bench.now();
    assert_eq!(rider.bench.link.status(), WifiStatus::Off);
    for _ in 0..60 {
        rider.give(Input::SyncAsked(Some(PHONE)));
        rider.go(rider.bench.now() + secs(10), 15_000);
    }
    assert_eq!(rider.refusals, [Refusal::Recording; 60]);
    assert_eq!(rider.bench.when(dark_from + secs(1), |_| true), None);
    rider.go(rider.bench.now() + secs(181), 0);
    assert_eq!(
        rider.bench.link.status(),
        WifiStatus::Off,
        "the seal is not confirmed"
    );
    rider.give(Input::Sealed);
    rider.go(rider.bench.now() + secs(20), 0);
    assert_eq!(rider.bench.link.status(), WifiStatus::Connected);
    assert!(rider.offloads);
    rider.held();
}

#[test]
fn a_press_at_the_start_finds_the_router_and_a_second_press_stops() {
    let finger = Person::default()
        .presses(at(4), Duration::from_millis(200))
        .presses(at(30), Duration::from_millis(200));
    let mut rider = Rider::new(finger, Person::default());
    rider.go(at(25), 0);
    assert!(rider.offloads);
    assert_eq!(rider.modes.activity(), Activity::Uploading);
    rider.go(at(31), 0);
    assert!(!rider.offloads);
    assert_eq!(rider.bench.link.status(), WifiStatus::Off);
    rider.held();
}

#[test]
fn a_press_that_goes_on_opens_the_pairing_window() {
    let finger = Person::default().presses(at(4), secs(4));
    let mut rider = Rider::new(finger, Person::default());
    rider.go(at(8), 0);
    assert_eq!(rider.modes.activity(), Activity::Pairing);
    rider.held();
}

#[test]
fn a_phone_that_comes_late_is_synced_with_by_itself() {
    let phone = Person::new(vec![switch(10, 0, false), switch(40, 1, true)]);
    let mut rider = Rider::new(Person::default(), phone);
    rider.go(at(10), 0);
    rider.give(Input::SyncAsked(Some(PHONE)));
    rider.go(at(39), 0);
    assert_eq!(rider.modes.activity(), Activity::Searching);
    assert_eq!(rider.events(Event::HotspotNotFound), 1);
    rider.go(at(60), 0);
    assert!(rider.offloads);
    rider.held();
}

#[test]
fn a_phone_that_vanishes_in_the_middle_of_a_file_and_never_returns_ends_in_an_honest_failure() {
    let phone = Person::new(vec![
        switch(1, 0, false),
        switch(1, 1, true),
        switch(60, 1, false),
    ]);
    let mut rider = Rider::new(Person::default(), phone);
    rider.go(at(5), 0);
    rider.give(Input::SyncAsked(Some(PHONE)));
    rider.go(at(30), 0);
    assert!(rider.offloads);
    rider.go(at(70), 0);
    assert!(!rider.offloads);
    rider.go(at(157), 0);
    assert_eq!(rider.modes.activity(), Activity::Failed);
    rider.go(at(170), 0);
    assert_eq!(rider.modes.activity(), Activity::None);
    assert_eq!(rider.bench.link.status(), WifiStatus::Off);
    assert_eq!(rider.events(Event::GaveUp), 1);
    rider.held();
}

/// What the firmware does with button, coordinator and link: passes on what one says to the others.
struct Rider {
    modes: Modes,
    button: Button,
    finger: Person,
    bench: Bench,
    /// How much of the bench's log was passed on.
    heard: usize,
    offloads: bool,
    refusals: Vec<Refusal>,
}

impl Rider {
    fn new(finger: Person, others: Person) -> Self {
        let air = vec![
            AccessPoint::new("Home", "secret").on(),
            AccessPoint::new("Ann\u{2019}s iPhone", "secret").on_channel(1),
        ];
        let held = vec![
            HeldNetwork::new(1, "Home", "secret"),
            HeldNetwork::new(PHONE.0, "Ann's iPhone", "secret"),
        ];
        let mut rider = Self {
            modes: Modes::new(Trade::RaceLogger),
            button: Button::default(),
            finger,
            bench: Bench::new(11, Radio::new(11, air), held, others),
            heard: 0,
            offloads: false,
            refusals: Vec::new(),
        };
        rider.give(Input::Networks(2));
        rider
    }

    fn give(&mut self, input: Input) {
        self.modes.handle(input, self.bench.now());
        while let Some(output) = self.modes.poll() {
            match output {
                Output::Link(want) => self.bench.want(want),
                Output::RadioDark(is_dark) => self.bench.tell(LinkInput::Recording(is_dark)),
                Output::Offload(is_on) => self.offloads = is_on,
                Output::Refused(refusal) => self.refusals.push(refusal),
                Output::Portal(_)
                | Output::Advertise(_)
                | Output::Open
                | Output::Seal(_)
                | Output::Restart(_) => {}
            }
        }
        self.pass_on();
    }

    /// What the link said, to the coordinator.
    fn pass_on(&mut self) {
        while let Some((_, output)) = self.bench.log().get(self.heard) {
            let input = match output {
                Wifi::Event(Event::Connected { .. }) => Some(Input::Connected),
                Wifi::Event(Event::Lost) => Some(Input::Disconnected),
                Wifi::Event(Event::GaveUp) => Some(Input::SearchGaveUp),
                Wifi::Event(Event::HotspotNotFound | Event::JoinFailed { .. })
                | Wifi::Scan { .. }
                | Wifi::Disconnect
                | Wifi::Join { .. }
                | Wifi::StartAp { .. }
                | Wifi::MoveApTo { .. }
                | Wifi::StopAp
                | Wifi::RadioOff
                | Wifi::PowerSave(_)
                | Wifi::RestartForAp => None,
            };
            self.heard += 1;
            if let Some(input) = input {
                self.give(input);
            }
        }
    }

    /// Ten fixes a second at one speed, until then.
    fn go(&mut self, end: Instant, speed_mm_s: u32) {
        while self.bench.now() < end {
            self.bench.run_for(Duration::from_millis(100));
            self.pass_on();
            let now = self.bench.now();
            while let Some(act) = self.finger.act(now) {
                if let Act::Button { is_down } = act {
                    let press = self.button.level(is_down, now);
                    press.into_iter().for_each(|press| self.give(Input::Press(press)));
                }
            }
            if self.button.next_deadline().is_some_and(|at| at <= now) {
                let press = self.button.tick(now);
                press.into_iter().for_each(|press| self.give(Input::Press(press)));
            }
            self.give(Input::Fix { speed_mm_s });
        }
    }

    fn events(&self, event: Event) -> usize {
        self.bench.count(|output| *output == Wifi::Event(event))
    }

    fn held(&self) {
        assert_eq!(self.bench.broken(), [] as [String; 0]);
        assert!(
            self.bench
                .log()
                .iter()
                .all(|(_, output)| !matches!(output, Wifi::RestartForAp))
        );
    }
}

fn switch(at_s: u64, access_point: usize, is_on: bool) -> (Instant, Act) {
    (at(at_s), Act::Switch { access_point, is_on })
}

fn at(s: u64) -> Instant {
    Instant::from_secs(s)
}

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}
