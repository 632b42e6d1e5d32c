//! Stills: when one is taken, whether it is whole, and what happens when nobody fetches them.
//!
//! ```text
//!         due, or asked for               whole                    Stored: Captured
//!  Idle ────────────────────► Capturing ────────► Storing ──────────────────────────► Idle
//!   ▲                          │  ▲  │                 │ StoreFailed
//!   │                          └──┘  │ the third time  │
//!   │              not whole, 10 s   ▼                 ▼
//!   └────────────────────────────── Failed ◄───────────┘         later: Uploaded, when a receipt is there
//! ```
//!
//! There is one buffer, owned by whoever runs the sensor: it is filled after [`Output::Capture`], and is this picture's until [`Input::Stored`] or
//! [`Input::StoreFailed`], which always come. Pictures are recordings of the outbox: the store gives each the next number, so that two of one second have two
//! names, and none is deleted before its receipt.
//!
//! **The spool is bounded, and the newest gives way.** Full is [`SPOOL_PICTURES_MAX`] or the bytes that it was given. Before that: the
//! quality goes down a step when half of it is used or nothing is uploaded between pictures, and up again when it stayed almost empty;
//! from three quarters on, only every fourth scheduled picture is taken, so that what room there is lasts. What is left out is counted, reported
//! and kept in [`Tally`]. What is asked for by a person is taken as long as there is room at all.
//!
//! Call [`Camera::handle`] at [`Camera::next_deadline`], which every call may move, and drain [`Camera::poll`] after each.

mod frame;
mod quality;
mod tally;

use core::time::Duration;

pub use frame::{BadFrame, PICTURE_BYTES_MAX, whole};
use heapless::{Deque, Vec};
use quality::Ladder;
pub use quality::Quality;
pub use tally::{TALLY_BYTES, Tally};

use crate::outbox::Number;
use crate::time::{Instant, earliest};

/// Ten hours at ten minutes.
pub const SPOOL_PICTURES_MAX: usize = 64;
/// People who press at once; later ones are told that the camera is busy.
pub const ASKED_MAX: usize = 4;

/// The first and two more.
const TRIES_MAX: u8 = 3;
/// Sensors answer in a second; one that does not hangs.
const CAPTURE_WITHIN: Duration = Duration::from_secs(10);
/// Counts are worth no more flash than this.
const TALLY_EVERY: Duration = Duration::from_mins(10);
const THIN_FROM_PERCENT: u32 = 75;
const THIN_TO: u32 = 4;
/// Each picture has at most two outcomes before somebody looks, and those that are asked for one more.
const OUTPUTS_MAX: usize = 16;

/// Which wish of a person an outcome answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish(pub u32);

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    Tick,
    /// A picture so often, the first one now; `None` for only when somebody asks.
    Every(Option<Duration>),
    Ask(Wish),
    /// What the sensor gave, and how many bytes it said that there are.
    Frame {
        read: &'a [u8],
        said_bytes: usize,
    },
    /// The sensor gave nothing.
    NoFrame,
    /// To [`Output::Store`]: it is on the card, in the ledger and sealed, under this number.
    Stored(Number),
    StoreFailed,
    /// The server's receipt for it was checked.
    Uploaded(Number),
    /// The server refused it for what it is; it stays on the card.
    Refused(Number),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Fill the buffer, then say [`Input::Frame`] or [`Input::NoFrame`].
    Capture(Quality),
    /// Keep the first bytes of the buffer, taken at this moment, as a recording.
    Store {
        bytes: usize,
        taken: Instant,
    },
    Outcome {
        wish: Option<Wish>,
        result: Outcome,
    },
    /// Write [`Camera::tally`].
    SaveTally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Captured(Number),
    Uploaded(Number),
    Failed(Failure),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Three times no whole picture; why the last one was none.
    Frame(BadFrame),
    /// The sensor did not answer, three times.
    NoFrame,
    /// The card did not take it.
    NotStored,
    /// There is no room until others are uploaded.
    SpoolFull,
    /// There is little room, and this one was left out.
    Thinned,
    /// The camera was still busy with others.
    Busy,
    /// The server did not want it.
    Refused(Number),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Capturing { shot: Shot, tries: u8, until: Instant },
    Storing { shot: Shot, bytes: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shot {
    wish: Option<Wish>,
    /// When the last frame was asked for.
    taken: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    number: Number,
    bytes: u32,
    wish: Option<Wish>,
}

/// See the module. Some 1.7 KiB.
#[derive(Debug)]
pub struct Camera {
    state: State,
    every: Option<Duration>,
    next: Option<Instant>,
    asked: Deque<Wish, ASKED_MAX>,
    spool: Vec<Waiting, SPOOL_PICTURES_MAX>,
    spool_bytes_max: u32,
    ladder: Ladder,
    thinned: u32,
    tally: Tally,
    tally_saved: Tally,
    next_tally: Instant,
    outputs: Deque<Output, OUTPUTS_MAX>,
}

impl Camera {
    /// `waiting` are the pictures of before the start that have no receipt, with their bytes; `tally` what [`Output::SaveTally`] wrote last.
    pub fn new(
        spool_bytes_max: u32,
        waiting: impl IntoIterator<Item = (Number, u32)>,
        tally: Option<&[u8]>,
        now: Instant,
    ) -> Self {
        let tally = tally.and_then(Tally::decode).unwrap_or_default();
        let waiting = waiting.into_iter().map(|(number, bytes)| Waiting {
            number,
            bytes,
            wish: None,
        });
        Self {
            state: State::Idle,
            every: None,
            next: None,
            asked: Deque::new(),
            // More than it holds are full as well.
            spool: waiting.take(SPOOL_PICTURES_MAX).collect(),
            spool_bytes_max: spool_bytes_max.max(1),
            ladder: Ladder::new(),
            thinned: 0,
            tally,
            tally_saved: tally,
            next_tally: now + TALLY_EVERY,
            outputs: Deque::new(),
        }
    }

    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Tick => {}
            Input::Every(every) => {
                // A second at least: a schedule of nothing would never end.
                self.every = every.map(|every| every.max(Duration::from_secs(1)));
                self.next = self.every.map(|_| now);
            }
            Input::Ask(wish) => {
                if self.asked.push_back(wish).is_err() {
                    self.failed(Some(wish), Failure::Busy);
                }
            }
            Input::Frame { read, said_bytes } => self.frame(whole(read, said_bytes), now),
            Input::NoFrame => self.no_frame(Failure::NoFrame, now),
            Input::Stored(number) => self.stored(number),
            Input::StoreFailed => {
                if let State::Storing { shot, .. } = self.state {
                    self.state = State::Idle;
                    self.failed(shot.wish, Failure::NotStored);
                }
            }
            Input::Uploaded(number) => self.uploaded(number),
            Input::Refused(number) => self.refused(number),
        }
        if let State::Capturing { until, .. } = self.state
            && now >= until
        {
            self.no_frame(Failure::NoFrame, now);
        }
        self.begin_next(now);
        self.save_tally(now);
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The next picture of the schedule, the end of a capture, or counts to be saved. Moved by every call to [`Self::handle`].
    pub fn next_deadline(&self) -> Option<Instant> {
        let tally = (self.tally != self.tally_saved).then_some(self.next_tally);
        let work = match self.state {
            State::Idle => self.next,
            State::Capturing { until, .. } => Some(until),
            State::Storing { .. } => None,
        };
        earliest(work, tally)
    }

    pub const fn every(&self) -> Option<Duration> {
        self.every
    }

    pub const fn quality(&self) -> Quality {
        self.ladder.quality()
    }

    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Pictures that wait for a receipt.
    pub fn waiting(&self) -> usize {
        self.spool.len()
    }

    /// By number or by bytes, whichever is more; counts the picture that may come.
    fn full_percent(&self) -> u32 {
        let bytes: u64 = self.spool.iter().map(|waiting| u64::from(waiting.bytes)).sum();
        let by_bytes = bytes.saturating_mul(100) / u64::from(self.spool_bytes_max);
        let by_number = self.spool.len() * 100 / SPOOL_PICTURES_MAX;
        let by_number = u64::try_from(by_number).unwrap_or(100);
        u32::try_from(by_bytes.max(by_number)).unwrap_or(u32::MAX)
    }

    fn begin_next(&mut self, now: Instant) {
        if self.state != State::Idle {
            return;
        }
        while let Some(wish) = self.asked.pop_front() {
            if self.begin(Some(wish), now) {
                return;
            }
        }
        let (Some(every), Some(next)) = (self.every, self.next) else {
            return;
        };
        if now < next {
            return;
        }
        // In step with the first one, however late this one is; those that were missed were not due at a time when they could be taken.
        let missed = u32::try_from(now.since(next).as_nanos() / every.as_nanos().max(1)).unwrap_or(u32::MAX);
        self.next = Some(next + every.saturating_mul(missed.saturating_add(1)));
        self.tally.dropped = self.tally.dropped.saturating_add(missed);
        self.begin_scheduled(now);
    }

    fn begin_scheduled(&mut self, now: Instant) {
        if self.full_percent() < THIN_FROM_PERCENT {
            self.thinned = 0;
        } else {
            self.thinned += 1;
            if !self.thinned.is_multiple_of(THIN_TO) {
                self.dropped(None, Failure::Thinned);
                return;
            }
        }
        self.begin(None, now);
    }

    /// Says whether there is room for it.
    fn begin(&mut self, wish: Option<Wish>, now: Instant) -> bool {
        if self.full_percent() >= 100 {
            self.dropped(wish, Failure::SpoolFull);
            return false;
        }
        self.capture(wish, 1, now);
        true
    }

    fn capture(&mut self, wish: Option<Wish>, tries: u8, now: Instant) {
        self.state = State::Capturing {
            shot: Shot { wish, taken: now },
            tries,
            until: now + CAPTURE_WITHIN,
        };
        self.say(Output::Capture(self.ladder.quality()));
    }

    fn frame(&mut self, frame: Result<usize, BadFrame>, now: Instant) {
        let State::Capturing { shot, .. } = self.state else {
            return;
        };
        match frame {
            Ok(bytes) => {
                self.state = State::Storing {
                    shot,
                    // At most PICTURE_BYTES_MAX.
                    bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
                };
                let taken = shot.taken;
                self.say(Output::Store { bytes, taken });
            }
            Err(bad) => self.no_frame(Failure::Frame(bad), now),
        }
    }

    fn no_frame(&mut self, why: Failure, now: Instant) {
        let State::Capturing { shot, tries, .. } = self.state else {
            return;
        };
        if tries < TRIES_MAX {
            self.tally.recaptured = self.tally.recaptured.saturating_add(1);
            self.capture(shot.wish, tries + 1, now);
        } else {
            self.state = State::Idle;
            self.failed(shot.wish, why);
        }
    }

    fn stored(&mut self, number: Number) {
        let State::Storing { shot, bytes } = self.state else {
            return;
        };
        self.state = State::Idle;
        self.tally.captured = self.tally.captured.saturating_add(1);
        // There was room when it began, and nothing else comes in.
        let _ = self.spool.push(Waiting {
            number,
            bytes,
            wish: shot.wish,
        });
        self.ladder.spooled(self.spool.len(), self.full_percent());
        self.say(Output::Outcome {
            wish: shot.wish,
            result: Outcome::Captured(number),
        });
    }

    fn uploaded(&mut self, number: Number) {
        if let Some(waiting) = self.take_from_spool(number) {
            self.tally.uploaded = self.tally.uploaded.saturating_add(1);
            self.ladder.uploaded();
            self.say(Output::Outcome {
                wish: waiting.wish,
                result: Outcome::Uploaded(number),
            });
        }
    }

    fn refused(&mut self, number: Number) {
        if let Some(waiting) = self.take_from_spool(number) {
            self.failed(waiting.wish, Failure::Refused(number));
        }
    }

    fn take_from_spool(&mut self, number: Number) -> Option<Waiting> {
        let index = self.spool.iter().position(|waiting| waiting.number == number)?;
        Some(self.spool.remove(index))
    }

    fn dropped(&mut self, wish: Option<Wish>, why: Failure) {
        self.tally.dropped = self.tally.dropped.saturating_add(1);
        self.say(Output::Outcome {
            wish,
            result: Outcome::Failed(why),
        });
    }

    fn failed(&mut self, wish: Option<Wish>, why: Failure) {
        self.tally.failed = self.tally.failed.saturating_add(1);
        self.say(Output::Outcome {
            wish,
            result: Outcome::Failed(why),
        });
    }

    fn save_tally(&mut self, now: Instant) {
        if now < self.next_tally {
            return;
        }
        self.next_tally = now + TALLY_EVERY;
        if self.tally != self.tally_saved {
            self.tally_saved = self.tally;
            self.say(Output::SaveTally);
        }
    }

    fn say(&mut self, output: Output) {
        // Drained after each call, which says five at most; the counts have it all.
        let _ = self.outputs.push_back(output);
    }
}
