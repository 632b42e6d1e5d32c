//! What a device does with itself, from the rider's side.

use core::time::Duration;

use device::breadcrumb::Cause;
use device::link::{NetworkKey, Want};
use device::modes::{Advertise, Input, Modes, OUTPUTS_PER_INPUT, Output, Refusal, SealReason, Trade};
use device::signal::{Activity, Press};
use device::time::Instant;
use proptest::collection::vec;
use proptest::prelude::*;

const PHONE: NetworkKey = NetworkKey(2);

#[test]
fn a_fix_and_movement_open_a_recording_and_the_radio_is_dark_before() {
    let mut logger = Logger::new();
    logger.give(Input::Pending(true));
    assert_eq!(logger.wants(), Want::Online);
    logger.ride(0, 20);
    assert!(!logger.modes.is_recording());
    let said = logger.ride(5000, 11);
    let dark = said.iter().position(|output| *output == Output::RadioDark(true));
    let open = said.iter().position(|output| *output == Output::Open);
    assert!(dark.unwrap() < open.unwrap());
    assert_eq!(logger.wants(), Want::Off);
    assert_eq!(logger.advertises, Advertise::Slow);
}

#[test]
fn one_fast_fix_is_no_ride_and_no_fix_is_none_either() {
    let mut logger = Logger::new();
    for _ in 0..50 {
        logger.ride(5000, 5);
        logger.ride(0, 1);
        logger.give(Input::NoFix);
    }
    assert!(!logger.modes.is_recording());
}

#[test]
fn three_minutes_standing_still_seal_and_less_does_not() {
    let mut logger = Logger::recording();
    logger.ride(0, 1799);
    assert_eq!(logger.sealed, None);
    logger.ride(5000, 1);
    logger.ride(0, 1799);
    assert_eq!(logger.sealed, None);
    logger.ride(0, 3);
    assert_eq!(logger.sealed, Some(SealReason::Standing));
}

#[test]
fn a_recording_that_the_recorder_opened_while_standing_has_three_minutes_too() {
    let mut logger = Logger::new();
    logger.ride(0, 3000);
    logger.give(Input::Opened);
    assert!(logger.is_dark, "what the recorder says is true");
    logger.ride(0, 1799);
    assert_eq!(logger.sealed, None);
    logger.ride(0, 3);
    assert_eq!(logger.sealed, Some(SealReason::Standing));
}

#[test]
fn a_garage_without_a_fix_counts_as_standing_and_a_tunnel_does_not() {
    let mut garage = Logger::recording();
    garage.ride(0, 10);
    garage.give(Input::NoFix);
    garage.wait(secs(181));
    assert_eq!(garage.sealed, Some(SealReason::Standing));
    let mut tunnel = Logger::recording();
    tunnel.give(Input::NoFix);
    tunnel.wait(secs(599));
    assert_eq!(tunnel.sealed, None);
    tunnel.ride(5000, 1);
    tunnel.give(Input::NoFix);
    tunnel.wait(secs(601));
    assert_eq!(tunnel.sealed, Some(SealReason::Standing));
}

#[test]
fn the_button_seals_and_the_next_recording_waits_for_a_stop() {
    let mut logger = Logger::recording();
    logger.give(Input::Press(Press::Short));
    assert_eq!(logger.sealed, Some(SealReason::Button));
    assert!(logger.is_dark, "the seal is not confirmed");
    logger.give(Input::Sealed);
    assert!(!logger.is_dark);
    logger.ride(5000, 600);
    assert!(!logger.modes.is_recording());
    logger.ride(0, 31);
    logger.ride(5000, 11);
    assert!(logger.modes.is_recording());
}

#[test]
fn a_full_card_and_an_empty_battery_seal_and_keep_closed() {
    let mut full = Logger::recording();
    full.give(Input::CardFull(true));
    assert_eq!(full.sealed, Some(SealReason::CardFull));
    full.give(Input::Sealed);
    full.ride(5000, 100);
    assert!(!full.modes.is_recording());
    full.give(Input::CardFull(false));
    full.ride(5000, 1);
    assert!(full.modes.is_recording());
    let mut empty = Logger::recording();
    empty.battery(3200, 5);
    assert_eq!(empty.sealed, Some(SealReason::Battery));
    empty.give(Input::Sealed);
    empty.ride(5000, 100);
    assert!(!empty.modes.is_recording());
}

#[test]
fn a_sync_asked_for_while_recording_is_refused() {
    let mut logger = Logger::recording();
    let said = logger.give(Input::SyncAsked(Some(PHONE)));
    assert_eq!(said, [Output::Refused(Refusal::Recording)]);
    assert_eq!(
        logger.give(Input::SetupAsked),
        [Output::Refused(Refusal::Recording)]
    );
    logger.give(Input::Press(Press::Short));
    assert_eq!(
        logger.give(Input::SyncAsked(None)),
        [Output::Refused(Refusal::Recording)]
    );
}

#[test]
fn a_press_within_ten_seconds_of_the_start_is_a_sync_even_on_the_move() {
    let mut idle = Logger::new();
    idle.give(Input::Press(Press::AtBoot));
    assert_eq!(idle.wants(), Want::Online);
    assert_eq!(idle.modes.activity(), Activity::Searching);
    let mut rode = Logger::recording();
    rode.give(Input::Press(Press::AtBoot));
    rode.give(Input::Sealed);
    assert_eq!(rode.modes.activity(), Activity::Searching);
}

#[test]
fn holding_on_in_a_sync_opens_the_pairing_window_for_two_minutes() {
    let mut logger = Logger::new();
    logger.give(Input::Press(Press::AtBoot));
    logger.give(Input::Press(Press::Held));
    assert_eq!(logger.advertises, Advertise::Pairing);
    assert_eq!(logger.modes.activity(), Activity::Pairing);
    logger.wait(secs(119));
    assert_eq!(logger.advertises, Advertise::Pairing);
    logger.wait(secs(1));
    assert_eq!(logger.advertises, Advertise::Normal);
}

#[test]
fn a_sync_shows_its_outcome_for_five_seconds_and_leaves_the_radio_off() {
    let mut logger = Logger::new();
    logger.give(Input::SyncAsked(Some(PHONE)));
    assert_eq!(logger.wants(), Want::HotspotSync(PHONE));
    logger.give(Input::Connected);
    assert!(logger.offloads);
    logger.give(Input::OffloadDone);
    logger.give(Input::Disconnected);
    assert_eq!(logger.modes.activity(), Activity::Done);
    assert_eq!(logger.wants(), Want::Off);
    assert!(!logger.offloads);
    logger.wait(secs(5));
    assert_eq!(logger.modes.activity(), Activity::None);
    assert_eq!(logger.modes.next_deadline(), None);
}

#[test]
fn a_connection_that_is_lost_in_the_middle_is_looked_for_and_the_batch_goes_on() {
    let mut logger = Logger::new();
    logger.give(Input::SyncAsked(Some(PHONE)));
    logger.give(Input::Connected);
    logger.give(Input::Disconnected);
    assert!(!logger.offloads);
    assert_eq!(logger.wants(), Want::HotspotSync(PHONE));
    logger.give(Input::Connected);
    assert!(logger.offloads);
}

#[test]
fn a_sync_that_finds_nothing_fails_after_90_seconds() {
    let mut logger = Logger::new();
    logger.give(Input::SyncAsked(None));
    logger.wait(secs(89));
    assert_eq!(logger.modes.activity(), Activity::Searching);
    logger.wait(secs(2));
    assert_eq!(logger.modes.activity(), Activity::Failed);
    let mut hotspot = Logger::new();
    hotspot.give(Input::SyncAsked(Some(PHONE)));
    hotspot.give(Input::SearchGaveUp);
    assert_eq!(hotspot.modes.activity(), Activity::Failed);
}

#[test]
fn it_syncs_by_itself_only_with_something_to_send_a_network_a_good_battery_and_leave() {
    let mut logger = Logger::new();
    assert_eq!(logger.wants(), Want::Off);
    logger.give(Input::Pending(true));
    assert_eq!(logger.wants(), Want::Online);
    assert_eq!(logger.modes.activity(), Activity::None);
    logger.give(Input::AutoSync(false));
    assert_eq!(logger.wants(), Want::Off);
    logger.give(Input::AutoSync(true));
    logger.battery(3400, 12);
    assert_eq!(logger.wants(), Want::Off);
    logger.battery(3750, 30);
    assert_eq!(logger.wants(), Want::Off, "a relieved cell is not a charged one");
    logger.battery(3750, 40);
    assert_eq!(logger.wants(), Want::Online);
    logger.give(Input::Networks(0));
    assert_eq!(logger.wants(), Want::Off);
}

#[test]
fn a_low_battery_does_not_refuse_a_person() {
    let mut logger = Logger::new();
    logger.battery(3400, 12);
    logger.give(Input::SyncAsked(None));
    assert_eq!(logger.wants(), Want::Online);
}

#[test]
fn riding_off_ends_a_sync_unless_the_network_rides_along() {
    let mut by_itself = Logger::new();
    by_itself.give(Input::Pending(true));
    by_itself.give(Input::Connected);
    assert!(by_itself.offloads);
    by_itself.ride(5000, 11);
    assert!(by_itself.modes.is_recording());
    assert!(!by_itself.offloads);
    let mut asked = Logger::new();
    asked.give(Input::SyncAsked(None));
    asked.give(Input::Connected);
    asked.ride(5000, 100);
    assert!(asked.offloads, "a phone in the same van");
    asked.give(Input::Disconnected);
    asked.ride(5000, 1);
    assert!(asked.modes.is_recording());
}

#[test]
fn what_is_left_over_after_a_sync_does_not_keep_the_radio_on() {
    let mut logger = Logger::new();
    logger.give(Input::Pending(true));
    logger.give(Input::Connected);
    logger.give(Input::OffloadFailed);
    logger.give(Input::Disconnected);
    logger.wait(secs(599));
    assert_eq!(logger.wants(), Want::Off);
    logger.wait(secs(2));
    assert_eq!(logger.wants(), Want::Online);
}

#[test]
fn without_a_known_network_a_sync_is_a_setup_that_ends_when_nobody_comes() {
    let mut logger = Logger::new();
    logger.give(Input::Networks(0));
    logger.give(Input::Press(Press::Short));
    assert_eq!(logger.wants(), Want::SetupAp);
    assert_eq!(logger.modes.activity(), Activity::Setup);
    logger.give(Input::ApClients(1));
    logger.wait(secs(1200));
    assert_eq!(logger.wants(), Want::SetupAp);
    logger.give(Input::ApClients(0));
    logger.wait(secs(600));
    assert_eq!(logger.wants(), Want::Off);
}

#[test]
fn the_page_stays_for_a_minute_after_the_device_has_joined_and_then_it_syncs() {
    let mut logger = Logger::new();
    logger.give(Input::Networks(0));
    logger.give(Input::SetupAsked);
    logger.give(Input::ApClients(1));
    logger.give(Input::Networks(1));
    logger.give(Input::Connected);
    logger.give(Input::ApClients(1));
    logger.wait(secs(59));
    assert_eq!(logger.wants(), Want::SetupAp);
    logger.wait(secs(2));
    assert_eq!(logger.wants(), Want::Online);
    assert!(logger.offloads);
}

#[test]
fn a_card_that_does_not_confirm_a_seal_ends_in_a_restart() {
    let mut logger = Logger::recording();
    logger.give(Input::Press(Press::Short));
    logger.wait(secs(29));
    assert_eq!(logger.restarts, []);
    logger.wait(secs(2));
    assert_eq!(logger.restarts, [Cause::SealStuck]);
}

#[test]
fn a_card_that_does_not_open_is_asked_again_after_half_a_minute() {
    let mut logger = Logger::new();
    logger.ride(5000, 11);
    logger.give(Input::OpenFailed);
    assert!(!logger.is_dark);
    assert!(!logger.ride(5000, 290).contains(&Output::Open));
    assert!(logger.ride(5000, 20).contains(&Output::Open));
}

#[test]
fn an_uptime_logger_is_online_and_opens_its_access_point_after_three_minutes_without() {
    let mut logger = Logger::of(Trade::AlwaysOnline);
    logger.give(Input::Networks(2));
    assert_eq!(logger.wants(), Want::Online);
    logger.wait(secs(179));
    assert_eq!(logger.wants(), Want::Online);
    logger.wait(secs(2));
    assert_eq!(logger.wants(), Want::SetupAp);
    // Somebody who forgot the phone there keeps it from the router for ten minutes.
    logger.give(Input::ApClients(1));
    logger.wait(secs(600));
    assert_eq!(logger.wants(), Want::Online);
    logger.wait(secs(10));
    logger.give(Input::Connected);
    assert!(logger.offloads);
    logger.wait(secs(86_400));
    assert_eq!(logger.wants(), Want::Online);
    logger.battery(3400, 12);
    assert_eq!(logger.wants(), Want::Off);
}

#[test]
fn a_camera_without_networks_is_a_setup_until_it_has_one() {
    let mut camera = Logger::of(Trade::AlwaysOnline);
    camera.give(Input::Tick);
    assert_eq!(camera.wants(), Want::Off, "settings were not read yet");
    camera.give(Input::Networks(0));
    camera.wait(secs(86_400));
    assert_eq!(camera.wants(), Want::SetupAp);
    assert_eq!(camera.modes.activity(), Activity::Setup);
    camera.give(Input::Networks(1));
    camera.give(Input::Connected);
    camera.wait(secs(59));
    assert_eq!(camera.wants(), Want::SetupAp);
    camera.wait(secs(2));
    assert_eq!(camera.wants(), Want::Online);
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        3 => Just(Input::Tick),
        3 => prop_oneof![Just(Press::AtBoot), Just(Press::Short), Just(Press::Held)].prop_map(Input::Press),
        8 => prop_oneof![Just(0_u32), Just(2000), Just(5000)].prop_map(|speed_mm_s| Input::Fix { speed_mm_s }),
        1 => Just(Input::NoFix),
        4 => Just(Input::Opened),
        1 => Just(Input::OpenFailed),
        4 => Just(Input::Sealed),
        1 => any::<bool>().prop_map(Input::CardFull),
        3 => prop_oneof![Just(3100_u16), Just(3400), Just(3600), Just(3800)].prop_map(|mv| Input::Battery { mv }),
        1 => any::<bool>().prop_map(Input::Mains),
        1 => (0..3_u8).prop_map(Input::Networks),
        1 => any::<bool>().prop_map(Input::AutoSync),
        1 => any::<bool>().prop_map(Input::Pending),
        2 => prop_oneof![Just(None), Just(Some(PHONE))].prop_map(Input::SyncAsked),
        1 => Just(Input::SyncStopped),
        1 => Just(Input::SetupAsked),
        3 => Just(Input::Connected),
        2 => Just(Input::Disconnected),
        1 => Just(Input::SearchGaveUp),
        1 => (0..2_u8).prop_map(Input::ApClients),
        2 => Just(Input::OffloadDone),
        1 => Just(Input::OffloadFailed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_happens_nothing_is_sent_while_a_recording_is_open(
        inputs in vec((any_input(), prop_oneof![Just(0_u64), 0..2_000_u64, 0..700_000_u64]), 1..200),
        is_race in any::<bool>(),
    ) {
        let mut logger = Logger::of(if is_race { Trade::RaceLogger } else { Trade::AlwaysOnline });
        // What the recorder has on the card.
        let mut is_open = false;
        for (input, after_ms) in inputs {
            logger.now = logger.now + Duration::from_millis(after_ms);
            // Answers come to orders only.
            let is_end = matches!(input, Input::Sealed | Input::OpenFailed);
            let is_stray = (input == Input::Opened && !is_open)
                || (is_end && (!is_open || logger.sealed.is_none()));
            let input = if is_stray { Input::Tick } else { input };
            let said = logger.give(input);
            prop_assert!(said.len() <= OUTPUTS_PER_INPUT, "{input:?} led to {said:?}");
            if matches!(input, Input::Sealed | Input::OpenFailed) {
                logger.sealed = None;
                is_open = false;
            }
            is_open |= said.contains(&Output::Open);
            if is_open {
                prop_assert!(logger.is_dark && logger.wants() == Want::Off && !logger.offloads);
            }
            let deadline = logger.modes.next_deadline();
            prop_assert!(deadline.is_none_or(|at| at > logger.now), "{input:?} leaves a deadline that is over");
            prop_assert_eq!(logger.give(Input::Tick), []);
            prop_assert_eq!(logger.modes.next_deadline(), deadline);
        }
    }
}

/// The coordinator, and what it last wished.
struct Logger {
    modes: Modes,
    now: Instant,
    link: Want,
    is_dark: bool,
    offloads: bool,
    advertises: Advertise,
    sealed: Option<SealReason>,
    restarts: Vec<Cause>,
}

impl Logger {
    fn of(trade: Trade) -> Self {
        Self {
            modes: Modes::new(trade),
            now: Instant::BOOT,
            link: Want::Off,
            is_dark: false,
            offloads: false,
            advertises: Advertise::Normal,
            sealed: None,
            restarts: Vec::new(),
        }
    }

    /// A race logger that knows two networks.
    fn new() -> Self {
        let mut logger = Self::of(Trade::RaceLogger);
        logger.give(Input::Networks(2));
        logger
    }

    fn recording() -> Self {
        let mut logger = Self::new();
        logger.ride(5000, 11);
        logger.give(Input::Opened);
        assert!(logger.modes.is_recording());
        logger
    }

    /// What the link gets: dark or what is wanted.
    fn wants(&self) -> Want {
        if self.is_dark { Want::Off } else { self.link }
    }

    fn give(&mut self, input: Input) -> Vec<Output> {
        self.modes.handle(input, self.now);
        let mut said = Vec::new();
        while let Some(output) = self.modes.poll() {
            match output {
                Output::Link(want) => self.link = want,
                Output::RadioDark(is_dark) => self.is_dark = is_dark,
                Output::Offload(is_on) => self.offloads = is_on,
                Output::Advertise(how) => self.advertises = how,
                Output::Seal(why) => self.sealed = Some(why),
                Output::Restart(cause) => self.restarts.push(cause),
                Output::Portal(_) | Output::Open | Output::Refused(_) => {}
            }
            said.push(output);
        }
        said
    }

    /// Ten fixes a second.
    fn ride(&mut self, speed_mm_s: u32, fixes: u32) -> Vec<Output> {
        let mut said = Vec::new();
        for _ in 0..fixes {
            self.now = self.now + Duration::from_millis(100);
            said.extend(self.give(Input::Fix { speed_mm_s }));
        }
        said
    }

    fn battery(&mut self, mv: u16, seconds: u32) {
        for _ in 0..seconds {
            self.now = self.now + secs(1);
            self.give(Input::Battery { mv });
        }
    }

    /// Wakes it at its own deadlines and at nothing else.
    fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(deadline) = self.modes.next_deadline().filter(|&at| at <= end) {
            assert!(deadline > self.now, "it does not go on");
            self.now = deadline;
            self.give(Input::Tick);
        }
        self.now = end;
    }
}

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}
