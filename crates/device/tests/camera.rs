//! Stills on a schedule and on demand, with frames that are cut, a spool that fills and a link that comes back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use core::time::Duration;
use std::collections::VecDeque;

use device::camera::{
    ASKED_MAX, BadFrame, Camera, Failure, Input, Outcome, Output, Quality, SPOOL_PICTURES_MAX, Wish,
};
use device::outbox::{Kind, Number};
use device::time::Instant;
use proptest::prelude::*;

const EVERY: Duration = Duration::from_mins(10);
const MIB: u32 = 1024 * 1024;

fn s(seconds: u64) -> Instant {
    Instant::from_secs(seconds)
}

/// A sensor, a card and a link around the decisions.
struct Rig {
    camera: Camera,
    next_number: u32,
    picture_bytes: usize,
    /// How the next frames turn out; whole ones after that.
    frames: VecDeque<Result<(), BadFrame>>,
    card_works: bool,
    spool: VecDeque<Number>,
    outcomes: Vec<(Option<Wish>, Outcome)>,
    captures: Vec<Quality>,
    storing: bool,
}

impl Rig {
    fn new() -> Self {
        Self {
            camera: Camera::new(16 * MIB, [], None, s(0)),
            next_number: 1,
            picture_bytes: 1000,
            frames: VecDeque::new(),
            card_works: true,
            spool: VecDeque::new(),
            outcomes: Vec::new(),
            captures: Vec::new(),
            storing: false,
        }
    }

    fn frame(&mut self) -> Vec<u8> {
        let mut frame = vec![7; self.picture_bytes];
        frame[..2].copy_from_slice(&[0xFF, 0xD8]);
        let end = frame.len() - 2;
        frame[end..].copy_from_slice(&[0xFF, 0xD9]);
        match self.frames.pop_front() {
            Some(Err(BadFrame::NoEnd)) => frame[end + 1] = 0,
            Some(Err(_)) => frame.truncate(end),
            Some(Ok(())) | None => {}
        }
        frame
    }

    fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.camera.handle(input, now);
        while let Some(output) = self.camera.poll() {
            match output {
                Output::Capture(quality) => {
                    assert!(
                        !self.storing,
                        "the buffer holds a picture that is not on the card yet"
                    );
                    self.captures.push(quality);
                    let frame = self.frame();
                    let said_bytes = self.picture_bytes;
                    self.camera.handle(
                        Input::Frame {
                            read: &frame,
                            said_bytes,
                        },
                        now,
                    );
                }
                Output::Store { bytes, .. } => {
                    assert_eq!(bytes, self.picture_bytes);
                    self.storing = true;
                }
                Output::Outcome { wish, result } => self.outcomes.push((wish, result)),
                Output::SaveTally => {}
            }
            if self.storing {
                self.storing = false;
                self.store(now);
            }
        }
    }

    fn store(&mut self, now: Instant) {
        if !self.card_works {
            self.camera.handle(Input::StoreFailed, now);
            return;
        }
        let number = Number(self.next_number);
        self.next_number += 1;
        self.spool.push_back(number);
        self.camera.handle(Input::Stored(number), now);
    }

    /// So many pictures of the schedule, each followed by so many uploads.
    fn run(&mut self, pictures: u64, uploads: usize) {
        for _ in 0..pictures {
            let now = self.camera.next_deadline().unwrap();
            self.handle(Input::Tick, now);
            self.upload(uploads, now);
        }
    }

    fn upload(&mut self, uploads: usize, now: Instant) {
        for _ in 0..uploads {
            if let Some(number) = self.spool.pop_front() {
                self.handle(Input::Uploaded(number), now);
            }
        }
    }

    fn failures(&self) -> Vec<Failure> {
        let failure = |(_, outcome): &(Option<Wish>, Outcome)| match outcome {
            Outcome::Failed(why) => Some(*why),
            Outcome::Captured(_) | Outcome::Uploaded(_) => None,
        };
        self.outcomes.iter().filter_map(failure).collect()
    }
}

#[test]
fn pictures_are_taken_in_step_and_reported_from_capture_to_receipt() {
    let mut rig = Rig::new();
    rig.handle(Input::Every(Some(EVERY)), s(5));
    assert_eq!(rig.captures.len(), 1, "the first one at once");
    rig.handle(Input::Tick, s(6));
    rig.handle(Input::Tick, s(604));
    assert_eq!(rig.captures.len(), 1, "early ticks take none");
    rig.handle(Input::Tick, s(607));
    rig.handle(Input::Uploaded(Number(1)), s(608));
    rig.handle(Input::Uploaded(Number(1)), s(609));
    rig.handle(Input::Tick, s(1205));
    assert_eq!(rig.captures.len(), 3, "a late one does not shift the next");
    let outcomes: Vec<Outcome> = rig.outcomes.iter().map(|(_, outcome)| *outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Captured(Number(1)),
            Outcome::Captured(Number(2)),
            Outcome::Uploaded(Number(1)),
            Outcome::Captured(Number(3)),
        ]
    );
    rig.handle(Input::Every(None), s(1300));
    rig.handle(Input::Tick, s(9000));
    assert_eq!(rig.captures.len(), 3);
    let tally = rig.camera.tally();
    assert_eq!((tally.captured, tally.uploaded, tally.dropped), (3, 1, 0));
}

#[test]
fn two_pictures_of_one_second_are_two_and_each_answers_its_wish() {
    let mut rig = Rig::new();
    rig.handle(Input::Ask(Wish(1)), s(5));
    rig.handle(Input::Ask(Wish(2)), s(5));
    assert_eq!(
        rig.outcomes,
        [
            (Some(Wish(1)), Outcome::Captured(Number(1))),
            (Some(Wish(2)), Outcome::Captured(Number(2))),
        ]
    );
    assert_ne!(
        Kind::Picture.file_name(Number(1)),
        Kind::Picture.file_name(Number(2))
    );
    rig.upload(2, s(6));
    assert_eq!(rig.outcomes[3], (Some(Wish(2)), Outcome::Uploaded(Number(2))));
}

#[test]
fn a_frame_that_is_not_whole_is_taken_again_twice_and_no_more() {
    let mut rig = Rig::new();
    rig.frames = VecDeque::from([Err(BadFrame::NoEnd), Err(BadFrame::Cut)]);
    rig.handle(Input::Ask(Wish(1)), s(1));
    assert_eq!(rig.captures.len(), 3);
    assert_eq!(rig.outcomes, [(Some(Wish(1)), Outcome::Captured(Number(1)))]);
    rig.frames = VecDeque::from([Err(BadFrame::NoEnd); 9]);
    rig.handle(Input::Ask(Wish(2)), s(2));
    assert_eq!(rig.captures.len(), 6);
    assert_eq!(rig.failures(), [Failure::Frame(BadFrame::NoEnd)]);
    assert_eq!((rig.camera.tally().recaptured, rig.camera.tally().failed), (4, 1));
    rig.frames.clear();
    rig.card_works = false;
    rig.handle(Input::Ask(Wish(3)), s(3));
    assert_eq!(rig.failures()[1], Failure::NotStored);
}

#[test]
fn a_sensor_that_hangs_does_not_hang_the_camera() {
    let mut camera = Camera::new(MIB, [], None, s(0));
    camera.handle(Input::Ask(Wish(1)), s(0));
    for attempt in 0..3 {
        assert!(matches!(camera.poll(), Some(Output::Capture(_))));
        // Whoever asks meanwhile waits, a few of them.
        camera.handle(Input::Ask(Wish(10 + attempt)), s(10 * u64::from(attempt)));
        assert_eq!(camera.poll(), None);
        let deadline = camera.next_deadline().unwrap();
        assert_eq!(deadline, s(10 * u64::from(attempt) + 10));
        camera.handle(Input::Tick, deadline);
    }
    let said: Vec<Output> = std::iter::from_fn(|| camera.poll()).collect();
    let failed = Output::Outcome {
        wish: Some(Wish(1)),
        result: Outcome::Failed(Failure::NoFrame),
    };
    assert_eq!(said[0], failed);
    assert!(matches!(said[1], Output::Capture(_)), "the next who asked");
    for wish in 0..u32::try_from(ASKED_MAX).unwrap() {
        camera.handle(Input::Ask(Wish(100 + wish)), s(31));
    }
    let said: Vec<Output> = std::iter::from_fn(|| camera.poll()).collect();
    assert_eq!(said.len(), 2, "two waited already: {said:?}");
    assert!(said.iter().all(|output| matches!(
        output,
        Output::Outcome {
            result: Outcome::Failed(Failure::Busy),
            ..
        }
    )));
}

#[test]
fn a_full_spool_takes_no_more_loses_none_and_says_so_and_goes_on_when_it_drains() {
    let mut rig = Rig::new();
    rig.handle(Input::Every(Some(EVERY)), s(0));
    rig.run(200, 0);
    assert_eq!(rig.spool.len(), SPOOL_PICTURES_MAX);
    assert_eq!(rig.camera.waiting(), SPOOL_PICTURES_MAX);
    let tally = rig.camera.tally();
    assert_eq!(tally.captured, 64);
    let failures = rig.failures();
    assert!(failures.contains(&Failure::Thinned) && failures.contains(&Failure::SpoolFull));
    assert_eq!(
        usize::try_from(tally.dropped).unwrap(),
        failures.len(),
        "each that was left out is said"
    );
    assert_eq!(tally.captured + tally.dropped, 201, "and nothing else is missing");
    rig.handle(Input::Every(None), s(200_000));
    rig.handle(Input::Ask(Wish(1)), s(200_000));
    let full = (Some(Wish(1)), Outcome::Failed(Failure::SpoolFull));
    assert_eq!(rig.outcomes.last(), Some(&full));
    let now = s(200_001);
    rig.upload(64, now);
    assert_eq!(
        rig.camera.tally().uploaded,
        64,
        "every one that was taken arrived"
    );
    rig.handle(Input::Ask(Wish(2)), now);
    assert!(matches!(
        rig.outcomes.last(),
        Some((Some(Wish(2)), Outcome::Captured(_)))
    ));
}

#[test]
fn bytes_fill_the_spool_as_well_as_numbers() {
    let mut rig = Rig::new();
    rig.camera = Camera::new(100_000, [(Number(900), 40_000)], None, s(0));
    rig.picture_bytes = 20_000;
    for wish in 0..5 {
        rig.handle(Input::Ask(Wish(wish)), s(u64::from(wish)));
    }
    assert_eq!(rig.failures(), [Failure::SpoolFull; 2]);
    rig.handle(Input::Uploaded(Number(900)), s(9));
    rig.handle(Input::Ask(Wish(9)), s(10));
    assert_eq!(rig.failures().len(), 2, "there is room again");
    rig.handle(Input::Refused(Number(1)), s(11));
    assert_eq!(rig.failures()[2], Failure::Refused(Number(1)));
}

#[test]
fn quality_goes_down_when_the_link_falls_behind_and_up_again_without_swinging() {
    let mut rig = Rig::new();
    rig.handle(Input::Every(Some(EVERY)), s(0));
    rig.upload(1, s(0));
    rig.run(30, 1);
    assert!(
        rig.captures.iter().all(|quality| *quality == Quality::BEST),
        "all is well"
    );
    rig.run(20, 0);
    assert_eq!(rig.camera.quality(), Quality::WORST);
    // The network is back and takes two for one: quality rises when the spool has been almost empty for a while.
    let from = rig.captures.len();
    rig.run(80, 2);
    assert_eq!(rig.camera.quality(), Quality::BEST);
    let later = &rig.captures[from..];
    assert!(
        later.windows(2).all(|pair| pair[1] <= pair[0]),
        "only up: {later:?}"
    );
    let steps: Vec<usize> = (1..later.len())
        .filter(|index| later[*index] != later[index - 1])
        .collect();
    assert!(steps.windows(2).all(|pair| pair[1] - pair[0] >= 8), "{steps:?}");
    // A link that takes every second picture in pairs changes nothing.
    for _ in 0..20 {
        rig.run(1, 0);
        rig.run(1, 2);
    }
    assert_eq!(rig.camera.quality(), Quality::BEST);
}

#[test]
fn counts_are_saved_now_and_then_and_read_again() {
    let mut camera = Camera::new(MIB, [], None, s(0));
    camera.handle(Input::Every(Some(Duration::from_secs(1))), s(0));
    let mut saves = 0;
    for second in 0..3600 {
        camera.handle(Input::Tick, s(second));
        while let Some(output) = camera.poll() {
            match output {
                Output::Capture(_) => camera.handle(Input::NoFrame, s(second)),
                Output::SaveTally => saves += 1,
                Output::Store { .. } | Output::Outcome { .. } => {}
            }
        }
    }
    assert_eq!(saves, 5);
    let bytes = camera.tally().encode();
    let again = Camera::new(MIB, [], Some(&bytes), s(0));
    assert_eq!(again.tally(), camera.tally());
    assert!(camera.tally().failed > 3000);
    assert!(size_of::<Camera>() <= 2560, "{}", size_of::<Camera>());
}

proptest! {
    /// Whatever happens in whatever order: each picture ends in one way, and the spool is within its bounds.
    #[test]
    fn every_picture_that_is_due_is_accounted_for(
        steps in proptest::collection::vec((0..8u8, 0..1500u64), 1..200),
    ) {
        let mut rig = Rig::new();
        rig.camera = Camera::new(60_000, [], None, s(0));
        rig.handle(Input::Every(Some(EVERY)), s(0));
        let (mut now_s, mut asked) = (0, 0);
        for (step, pause_s) in steps {
            now_s += pause_s;
            match step {
                0 => rig.frames.push_back(Err(BadFrame::NoEnd)),
                1 => rig.card_works = !rig.card_works,
                2 | 3 => {
                    asked += 1;
                    rig.handle(Input::Ask(Wish(asked)), s(now_s));
                }
                4 => rig.upload(1, s(now_s)),
                _ => {}
            }
            rig.handle(Input::Tick, s(now_s));
            prop_assert!(rig.camera.waiting() <= SPOOL_PICTURES_MAX);
            prop_assert_eq!(rig.camera.waiting(), rig.spool.len());
        }
        let tally = rig.camera.tally();
        let due = u32::try_from(now_s / EVERY.as_secs()).unwrap() + 1;
        prop_assert_eq!(tally.captured + tally.failed + tally.dropped, due + asked);
    }
}
