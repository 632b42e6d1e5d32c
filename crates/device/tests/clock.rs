//! The clock over hours, networks that come and go, and sources that disagree.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use core::time::Duration;

use device::clock::{
    Ask, Boot, Changed, Clock, GpsTime, Input, Output, Refused, Source, Stamp, UnixMs, rtc, sntp,
};
use device::time::Instant;

const BOOT: Boot = Boot {
    epoch: 0x9F3A,
    number: 41,
};
/// 2026-11-21T12:00:00Z at the start of the device.
const NOON: UnixMs = UnixMs(1_795_262_400_000);

fn s(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

fn noon_and(seconds: u64) -> UnixMs {
    NOON.plus(Duration::from_secs(seconds))
}

fn gps(clock: &mut Clock, utc: UnixMs, now: Instant) -> Vec<Output> {
    let time = GpsTime {
        epoch_ms: utc.0,
        valid: true,
        at: now,
    };
    handle(clock, Input::Gps(time), now)
}

fn handle(clock: &mut Clock, input: Input<'_>, now: Instant) -> Vec<Output> {
    clock.handle(input, now, 7);
    std::iter::from_fn(|| clock.poll()).collect()
}

fn asked(outputs: &[Output]) -> Option<Ask> {
    outputs.iter().find_map(|output| match output {
        Output::AskNtp(ask) => Some(*ask),
        Output::Changed(_) | Output::WriteRtc(_) => None,
    })
}

/// A server's answer to this question, without any delay.
fn served(ask: &Ask, utc: UnixMs) -> [u8; 48] {
    let mut packet = [0; 48];
    packet[0] = 4 << 3 | 4;
    packet[1] = 1;
    packet[24..32].copy_from_slice(&ask.packet[40..]);
    let seconds = u32::try_from(utc.0 / 1000 + 2_208_988_800).unwrap();
    for from in [32, 40] {
        packet[from..from + 4].copy_from_slice(&seconds.to_be_bytes());
        packet[from + 4] = u8::try_from(utc.0 % 1000 * 256 / 1000).unwrap();
    }
    packet
}

fn first(source: Source) -> Output {
    Output::Changed(Changed {
        source,
        step_ms: None,
    })
}

fn step(source: Source, step_ms: i64) -> Output {
    Output::Changed(Changed {
        source,
        step_ms: Some(step_ms),
    })
}

#[test]
fn moments_before_the_date_was_known_are_dated_later_and_stay_the_same_moments() {
    let mut clock = Clock::new(BOOT, None);
    let early = clock.stamp(s(3));
    assert_eq!(clock.fix_up(early), None);
    assert_eq!(gps(&mut clock, noon_and(60), s(60)), [first(Source::Gps)]);
    assert_eq!(clock.fix_up(early), Some(noon_and(3)));
    let other_boot = Stamp {
        boot: Boot { number: 40, ..BOOT },
        at: s(3),
    };
    assert_eq!(clock.fix_up(other_boot), None, "that clock is not this one");
    assert_eq!(early, clock.stamp(s(3)));
}

#[test]
fn sntp_fails_and_comes_back_and_what_happened_meanwhile_is_dated() {
    let mut clock = Clock::new(BOOT, None);
    let ask = asked(&handle(&mut clock, Input::Online, s(10))).unwrap();
    assert_eq!(ask.server, 0);
    let meanwhile = clock.stamp(s(11));
    // Nothing comes, then the name is not found, then a server that has no time: pauses of 4, 8 and 16 s, other servers.
    assert!(
        handle(&mut clock, Input::Tick, s(12)).is_empty(),
        "early ticks do nothing"
    );
    assert!(handle(&mut clock, Input::Tick, s(13)).is_empty());
    assert_eq!(clock.next_deadline(), Some(s(17)));
    let ask = asked(&handle(&mut clock, Input::Tick, s(17))).unwrap();
    assert_eq!(ask.server, 1);
    handle(&mut clock, Input::NtpUnreachable, s(17));
    let ask = asked(&handle(&mut clock, Input::Tick, s(25))).unwrap();
    assert_eq!(ask.server, 2);
    let mut packet = served(&ask, noon_and(25));
    packet[1] = 16;
    handle(&mut clock, Input::Ntp(&packet), s(25));
    assert_eq!(clock.utc_at(s(25)), None);
    assert_eq!(
        clock.last_refused(),
        Some(Refused::Sntp(sntp::SntpError::NotSynchronised))
    );
    handle(&mut clock, Input::Offline, s(30));
    assert_eq!(clock.next_deadline(), None);
    let ask = asked(&handle(&mut clock, Input::Online, s(9000))).unwrap();
    let heard = handle(&mut clock, Input::Ntp(&served(&ask, noon_and(9000))), s(9000));
    assert_eq!(heard, [first(Source::Sntp)]);
    assert_eq!(clock.fix_up(meanwhile), Some(noon_and(11)));
    assert_eq!(clock.next_deadline(), Some(s(9000 + 3600)));
}

#[test]
fn a_forged_answer_does_not_end_the_question() {
    let mut clock = Clock::new(BOOT, None);
    let ask = asked(&handle(&mut clock, Input::Online, s(1))).unwrap();
    let mut forged = served(&ask, noon_and(0));
    forged[31] ^= 1;
    handle(&mut clock, Input::Ntp(&forged), s(1));
    assert_eq!(clock.utc_at(s(1)), None);
    handle(&mut clock, Input::Ntp(&served(&ask, noon_and(1))), s(1));
    assert_eq!(clock.utc_at(s(2)), Some(noon_and(2)));
}

#[test]
fn a_server_that_refuses_is_left_alone_and_one_that_asks_for_patience_gets_it() {
    let mut clock = Clock::new(BOOT, None);
    let mut now = s(1);
    let mut ask = asked(&handle(&mut clock, Input::Online, now)).unwrap();
    let mut servers = vec![ask.server];
    for code in [b"DENY", b"RATE", b"RATE"] {
        let mut kiss = served(&ask, NOON);
        kiss[1] = 0;
        kiss[12..16].copy_from_slice(code);
        handle(&mut clock, Input::Ntp(&kiss), now);
        let next = clock.next_deadline().unwrap();
        if code == b"RATE" {
            assert!(next.since(now) >= Duration::from_mins(15));
        }
        now = next;
        ask = asked(&handle(&mut clock, Input::Tick, now)).unwrap();
        servers.push(ask.server);
    }
    assert_eq!(servers, [0, 1, 2, 1], "0 is never asked again");
}

#[test]
fn a_stronger_source_corrects_and_a_weaker_one_is_not_heard() {
    let mut clock = Clock::new(BOOT, None);
    assert_eq!(
        handle(&mut clock, Input::Phone(noon_and(3600)), s(1)),
        [first(Source::Phone)]
    );
    // One contradiction is not believed, the same again is.
    assert!(gps(&mut clock, noon_and(10), s(10)).is_empty());
    assert_eq!(clock.last_refused(), Some(Refused::Doubted(Source::Gps)));
    assert!(
        gps(&mut clock, noon_and(10), s(10)).is_empty(),
        "the same message twice is one"
    );
    assert_eq!(
        gps(&mut clock, noon_and(11), s(11)),
        [step(Source::Gps, -3_599_000)]
    );
    assert!(handle(&mut clock, Input::Phone(noon_and(3612)), s(12)).is_empty());
    assert_eq!(clock.last_refused(), Some(Refused::Outranked(Source::Phone)));
    assert_eq!(clock.utc_at(s(12)), Some(noon_and(12)));
}

#[test]
fn a_fix_that_jumps_once_is_not_believed_and_one_that_stays_is() {
    let mut clock = Clock::new(BOOT, None);
    gps(&mut clock, noon_and(1), s(1));
    for tenth in 0..30 {
        let now = s(2) + Duration::from_millis(100 * tenth);
        let jump = if tenth == 5 { 86_400 } else { 0 };
        let utc = noon_and(2 + jump).plus(Duration::from_millis(100 * tenth));
        assert!(gps(&mut clock, utc, now).is_empty());
    }
    let steps: Vec<Output> = (0..12)
        .flat_map(|tenth| {
            let span = Duration::from_millis(100 * tenth);
            gps(&mut clock, noon_and(1000).plus(span), s(10) + span)
        })
        .collect();
    assert_eq!(steps, [step(Source::Gps, 990_000)], "after a second of saying so");
}

#[test]
fn the_chip_bridges_a_start_without_network_and_is_set_when_somebody_knows_better() {
    let noon = [0, 0, 0, 0x00, 0x00, 0x12, 0x21, 6, 0x11, 0x26];
    let mut clock = Clock::new(BOOT, Some(NOON.minus(Duration::from_hours(5))));
    assert_eq!(handle(&mut clock, Input::Rtc(&noon), s(0)), [first(Source::Rtc)]);
    assert_eq!(clock.next_deadline(), None, "it is not set by itself");
    // It was 40 s off: within its doubt, so one reading is enough.
    let truth = NOON.plus(Duration::from_millis(50_250));
    assert_eq!(gps(&mut clock, truth, s(10)), [step(Source::Gps, 40_250)]);
    let due = clock.next_deadline().unwrap();
    assert_eq!(clock.utc_at(due), Some(noon_and(51)));
    assert!(handle(&mut clock, Input::Tick, s(10)).is_empty());
    let late = due + Duration::from_millis(300);
    assert!(
        handle(&mut clock, Input::Tick, late).is_empty(),
        "not in the middle of a second"
    );
    let due = clock.next_deadline().unwrap();
    let set = handle(&mut clock, Input::Tick, due);
    assert_eq!(set, [Output::WriteRtc([0x52, 0x00, 0x12, 0x21, 6, 0x11, 0x26])]);
    assert!(handle(&mut clock, Input::Tick, due).is_empty());
    assert!(clock.next_deadline().unwrap().since(due) >= Duration::from_hours(24));
}

#[test]
fn a_chip_that_lost_time_is_not_believed() {
    let year_2026_january = [0, 0, 0, 0, 0, 0, 0x02, 5, 0x01, 0x26];
    let mut clock = Clock::new(BOOT, Some(NOON));
    assert!(handle(&mut clock, Input::Rtc(&year_2026_january), s(0)).is_empty());
    assert_eq!(clock.last_refused(), Some(Refused::BeforeLastKnown));
    let stopped = [0, 0, 0, 0x80, 0, 0, 0x22, 6, 0x11, 0x26];
    assert!(handle(&mut clock, Input::Rtc(&stopped), s(0)).is_empty());
    assert_eq!(clock.last_refused(), Some(Refused::Rtc(rtc::RtcError::Stopped)));
    // Satellites are believed although the last date that was saved is later: that one was wrong.
    assert_eq!(
        gps(&mut clock, NOON.minus(Duration::from_hours(48)), s(1)),
        [first(Source::Gps)]
    );
    assert!(clock.next_deadline().is_some(), "and the chip is set by them");
}

#[test]
fn small_corrections_are_taken_without_a_word_and_drift_makes_room_for_them() {
    let mut clock = Clock::new(BOOT, None);
    gps(&mut clock, noon_and(0), s(0));
    let later = noon_and(7200).plus(Duration::from_millis(500));
    assert!(gps(&mut clock, later, s(7200)).is_empty());
    assert_eq!(clock.utc_at(s(7200)), Some(later));
    assert_eq!(clock.within_ms(s(7200)), Some(50));
    assert_eq!(clock.within_ms(s(7200 + 3600)), Some(50 + 360));
}

#[test]
fn an_anchor_that_nobody_confirmed_for_a_day_gives_way_to_anybody() {
    let mut clock = Clock::new(BOOT, None);
    gps(&mut clock, noon_and(0), s(0));
    let day = 86_400;
    assert!(handle(&mut clock, Input::Phone(noon_and(day + 99)), s(day - 1)).is_empty());
    assert_eq!(
        handle(&mut clock, Input::Phone(noon_and(day + 100)), s(day)),
        [step(Source::Phone, 100_000)]
    );
}

#[test]
fn dates_that_cannot_be_are_not_taken_from_anyone() {
    let mut clock = Clock::new(BOOT, None);
    for utc in [UnixMs(0), UnixMs(i64::MAX), UnixMs(i64::MIN), UnixMs::LATEST] {
        assert!(handle(&mut clock, Input::Phone(utc), s(1)).is_empty());
        assert!(gps(&mut clock, utc, s(1)).is_empty(), "{utc:?}");
    }
    assert_eq!(clock.utc_at(s(1)), None);
}
