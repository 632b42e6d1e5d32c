//! What a rider sees and what a press means.

use core::time::Duration;

use device::signal::{Activity, Button, Gps, Press, Rgb, Sector, Situation, Word, word};
use device::time::Instant;

const IDLE: Situation = Situation {
    is_recording: false,
    is_storage_full: false,
    gps: Gps::Fixed,
    activity: Activity::None,
    sector: None,
    heartbeat_at: None,
};

#[test]
fn the_light_is_dark_while_racing_but_for_three_seconds_after_a_sector() {
    let ended = at_ms(60_000);
    // Whatever else is the case.
    let racing = Situation {
        is_recording: true,
        is_storage_full: true,
        gps: Gps::Missing,
        activity: Activity::Pairing,
        sector: Some((Sector::of_delta_ms(-1), ended)),
        heartbeat_at: Some(ended + ms(3000)),
    };
    assert_eq!(word(&racing, ended), (Word::SectorFaster, Some(ended + ms(3000))));
    assert_eq!(word(&racing, ended + ms(2999)).0, Word::SectorFaster);
    assert_eq!(word(&racing, ended + ms(3000)), (Word::Dark, None));
    assert_eq!(Word::Dark.colour(ms(0), 0, 16), Rgb::DARK);
}

#[test]
fn sectors_are_green_orange_and_red_by_half_a_second() {
    let shown = |delta_ms| {
        let now = at_ms(60_000);
        let situation = Situation {
            is_recording: true,
            sector: Some((Sector::of_delta_ms(delta_ms), now)),
            ..IDLE
        };
        word(&situation, now).0.colour(ms(0), 0, 1)
    };
    assert_eq!(shown(-1), rgb(0, 255, 0));
    assert_eq!(shown(0), shown(500));
    assert!(shown(500).r == 255 && shown(500).g > 0);
    assert_eq!(shown(501), rgb(255, 0, 0));
}

#[test]
fn the_start_is_three_blue_pulses() {
    let mut pulses = 0;
    let mut was_lit = false;
    for now in (0..3000).step_by(10) {
        let (said, _) = word(&IDLE, at_ms(now));
        let colour = said.colour(ms(now), 0, 1);
        let is_lit = colour != Rgb::DARK;
        assert!(!is_lit || colour == rgb(0, 0, 255));
        pulses += u32::from(is_lit && !was_lit);
        was_lit = is_lit;
    }
    assert_eq!(pulses, 3);
}

#[test]
fn what_a_person_waits_for_comes_before_what_is_wrong_and_that_before_the_rest() {
    let now = at_ms(60_000);
    let full = Situation {
        is_storage_full: true,
        gps: Gps::Searching,
        heartbeat_at: Some(now),
        ..IDLE
    };
    let syncing = Situation {
        activity: Activity::Uploading,
        ..full
    };
    assert_eq!(word(&syncing, now).0, Word::Uploading);
    assert_eq!(word(&full, now).0, Word::Stopped);
    let searching = Situation {
        is_storage_full: false,
        ..full
    };
    assert_eq!(word(&searching, now).0, Word::HeartbeatSent);
    assert_eq!(word(&searching, now + ms(200)).0, Word::GpsSearching);
    let missing = Situation {
        gps: Gps::Missing,
        ..searching
    };
    assert_eq!(word(&missing, now).0.colour(ms(7), 0, 1), rgb(255, 0, 0));
    assert_eq!(word(&IDLE, now), (Word::Dark, None));
}

#[test]
fn the_picture_changes_exactly_when_it_says() {
    for said in [
        Word::Boot,
        Word::GpsSearching,
        Word::WifiSearching,
        Word::Uploading,
        Word::Done,
        Word::Failed,
    ] {
        let mut said_for = ms(0);
        while let Some(stays) = said.stays(said_for).filter(|_| said_for < ms(5000)) {
            let before = said.colour(said_for, 0, 1);
            assert_eq!(said.colour(said_for + stays - ms(1), 0, 1), before);
            said_for += stays;
            assert_ne!(said.colour(said_for, 0, 1), before, "{said:?} at {said_for:?}");
        }
        assert!(said_for >= ms(1000));
    }
    assert_eq!(Word::Stopped.stays(ms(9)), None);
}

#[test]
fn breathing_rises_and_falls_and_the_rainbow_shows_all_colours_at_once() {
    let breath: Vec<u8> = (0..2000)
        .map(|now| Word::Pairing.colour(ms(now), 0, 1).b)
        .collect();
    assert_eq!((breath[0], breath[1000]), (0, 255));
    assert!(breath[..1000].is_sorted());
    assert!(breath[1000..].iter().rev().is_sorted());
    let pixels: Vec<Rgb> = (0..16)
        .map(|index| Word::SetupNeeded.colour(ms(1234), index, 16))
        .collect();
    assert!(pixels.iter().any(|it| it.r == 255 && it.b == 0));
    assert!(pixels.iter().any(|it| it.g == 255 && it.r == 0));
    assert!(pixels.iter().any(|it| it.b == 255 && it.g == 0));
}

#[test]
fn a_press_is_told_once_and_bounces_are_none() {
    let mut button = Pressed::default();
    for bounce in 0..10 {
        button.level(bounce % 2 == 0, 20_000 + bounce * 3);
    }
    button.level(true, 20_040);
    button.level(false, 20_400);
    for bounce in 0..4 {
        button.level(bounce % 2 == 0, 20_401 + bounce * 3);
    }
    button.run_until(40_000);
    assert_eq!(button.told, [(Press::Short, 20_440)]);
}

#[test]
fn a_press_in_the_first_ten_seconds_is_told_at_once_and_may_be_held_on() {
    let mut button = Pressed::default();
    button.level(true, 9_999);
    button.level(false, 14_000);
    button.level(true, 15_000);
    button.level(false, 15_100);
    button.run_until(20_000);
    let told = [
        (Press::AtBoot, 10_029),
        (Press::Held, 12_999),
        (Press::Short, 15_130),
    ];
    assert_eq!(button.told, told);
}

#[test]
fn the_boot_window_ends_after_ten_seconds_and_holding_takes_three() {
    let mut button = Pressed::default();
    button.level(true, 10_000);
    button.level(false, 12_999);
    button.level(true, 20_000);
    button.level(false, 60_000);
    button.run_until(70_000);
    assert_eq!(button.told, [(Press::Short, 13_029), (Press::Held, 23_000)]);
}

/// A button that is woken at its own deadlines and at edges only.
#[derive(Default)]
struct Pressed {
    button: Button,
    told: Vec<(Press, u64)>,
}

impl Pressed {
    fn level(&mut self, is_down: bool, now_ms: u64) {
        self.run_until(now_ms - 1);
        let press = self.button.level(is_down, at_ms(now_ms));
        self.told.extend(press.map(|press| (press, now_ms)));
    }

    fn run_until(&mut self, end_ms: u64) {
        while let Some(deadline) = self.button.next_deadline().filter(|&at| at <= at_ms(end_ms)) {
            let press = self.button.tick(deadline);
            self.told.extend(press.map(|press| (press, deadline.as_millis())));
            assert_ne!(self.button.next_deadline(), Some(deadline), "it does not go on");
        }
    }
}

fn rgb(r: u8, g: u8, b: u8) -> Rgb {
    Rgb { r, g, b }
}

fn at_ms(now: u64) -> Instant {
    Instant::from_millis(now)
}

fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}
