//! What time it is in the world, as far as anybody has said.
//!
//! ```text
//!  GPS ───┐ valid, week count put right                 ┌─► Changed: sessions and settings set their dates anew
//!  SNTP ──┤ 48 bytes, checked       ┌────────┐          │
//!  phone ─┼────────── Reading ─────►│ Anchor │ ── utc at any Instant of this boot
//!  RTC ───┘ registers, checked      └────────┘          └─► WriteRtc at a whole second
//! ```
//!
//! The clock is one *anchor*: at this moment of the monotonic clock it was so late, give or take so much. The doubt grows with the time since,
//! as the crystal drifts. Each reading is laid beside it:
//!
//! | the reading | becomes |
//! |---|---|
//! | there is no anchor | the anchor |
//! | agrees within both doubts | the anchor where it is surer; otherwise nothing |
//! | contradicts, anchor from the RTC or a day old, source not weaker | the anchor: a step |
//! | contradicts, source as strong or stronger | doubted; the anchor when the source says the same again, a second later or more |
//! | contradicts, source weaker | refused |
//! | not between 2026 and 2099; by the RTC before what was known at the last boot | refused |
//!
//! GPS is stronger than SNTP, that than the phone, that than the RTC. Until the first reading there is no date, and nothing waits for
//! one: a moment is a [`Stamp`], boot and monotonic time, and [`Clock::fix_up`] says later when it was. Identities are never made of dates.
//!
//! Call [`Clock::handle`] when something is heard, when the network comes or goes, and at [`Clock::next_deadline`], which every call
//! to `handle` may move.

mod date;
mod gps;
mod poll;
pub mod rtc;
pub mod sntp;

use core::fmt;
use core::time::Duration;

pub use date::{Civil, UnixMs};
pub use gps::GpsTime;
pub use poll::Ask;
use poll::Poller;

use crate::flash;
use crate::time::{Instant, earliest};

/// Names of time servers that a device knows.
pub const SERVERS: usize = 3;

/// The worst crystal that boards are sold with, twice over for heat.
const DRIFT_PPM: u64 = 100;
/// An anchor that nobody confirmed for so long counts no more than any other.
const STALE_AFTER: Duration = Duration::from_hours(24);
/// Two readings that are closer than this may be of one message.
const SECOND_OPINION_AFTER: Duration = Duration::from_secs(1);
/// Smaller corrections change no date that a person reads.
const SAID_FROM_MS: u64 = 1000;
/// A person's phone has its time from the cell; what is late is the page and the radio.
const PHONE_WITHIN_MS: u32 = 2000;
/// The chip keeps whole seconds: it is set at the beginning of one, or the next one is waited for.
const RTC_LATE_MAX: Duration = Duration::from_millis(100);
const RTC_AGAIN_AFTER: Duration = Duration::from_hours(24);

/// Which life of the device: the count of its starts since the epoch was drawn at the first start or at a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Boot {
    pub epoch: u32,
    pub number: u32,
}

/// As heartbeats spell the epoch: `b:<epoch>:<number>`.
impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b:{:08x}:{}", self.epoch, self.number)
    }
}

impl From<flash::Boot> for Boot {
    fn from(started: flash::Boot) -> Self {
        Self {
            epoch: started.epoch,
            number: started.number,
        }
    }
}

/// A moment that needs no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub boot: Boot,
    pub at: Instant,
}

/// Who said so, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Rtc,
    Phone,
    Sntp,
    Gps,
}

/// That it was `utc` at `at`, give or take `within_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub source: Source,
    pub utc: UnixMs,
    pub at: Instant,
    pub within_ms: u32,
}

impl Reading {
    /// What follows for another moment.
    fn utc_at(&self, at: Instant) -> UnixMs {
        if at >= self.at {
            self.utc.plus(at.since(self.at))
        } else {
            self.utc.minus(self.at.since(at))
        }
    }

    fn within_ms_at(&self, at: Instant) -> u64 {
        let apart = at.since(self.at).max(self.at.since(at));
        let drift_ms = u64::try_from(apart.as_millis()).unwrap_or(u64::MAX) / (1_000_000 / DRIFT_PPM);
        u64::from(self.within_ms).saturating_add(drift_ms)
    }

    /// How much later `other` says it is than this one, and whether that is within what both doubt.
    fn beside(&self, other: &Self) -> (i64, bool) {
        let off_ms = self.utc_at(other.at).until_ms(other.utc);
        let allowed_ms = self
            .within_ms_at(other.at)
            .saturating_add(u64::from(other.within_ms));
        (off_ms, off_ms.unsigned_abs() <= allowed_ms)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    Tick,
    /// There is a way to the time servers.
    Online,
    Offline,
    Gps(GpsTime),
    /// Registers 00 to 09, read just now. Once at boot is enough.
    Rtc(&'a [u8; rtc::REGISTERS]),
    /// The member `time` of CONFIGURE.
    Phone(UnixMs),
    /// A datagram from port 123.
    Ntp(&'a [u8]),
    /// The name of the server that was to be asked is not found, or nothing could be sent.
    NtpUnreachable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// The date is known for the first time, or is another one by a second or more.
    Changed(Changed),
    AskNtp(Ask),
    /// To be written at once, from [`rtc::FIRST_WRITTEN`] on.
    WriteRtc([u8; rtc::WRITTEN]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    pub source: Source,
    /// How much later it is than was thought; `None` where nothing was.
    pub step_ms: Option<i64>,
}

/// Why a reading was not taken; for the log and the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not between 2026 and 2099.
    Implausible(Source),
    /// The RTC is behind what was known before: it lost time, or was set wrong.
    BeforeLastKnown,
    /// A stronger source says otherwise.
    Outranked(Source),
    /// It contradicts and was said once only.
    Doubted(Source),
    Rtc(rtc::RtcError),
    Sntp(sntp::SntpError),
}

/// See the module.
#[derive(Debug)]
pub struct Clock {
    boot: Boot,
    last_known: Option<UnixMs>,
    anchor: Option<Reading>,
    doubted: Option<Reading>,
    poller: Poller,
    /// When the chip is to be set; `None` without a chip, and while nothing better than it is known.
    rtc_due: Option<Instant>,
    has_rtc: bool,
    changed: Option<Changed>,
    write_rtc: Option<[u8; rtc::WRITTEN]>,
    refused: Option<Refused>,
}

impl Clock {
    /// `last_known` is the latest date that was saved before this boot.
    pub const fn new(boot: Boot, last_known: Option<UnixMs>) -> Self {
        Self {
            boot,
            last_known,
            anchor: None,
            doubted: None,
            poller: Poller::new(),
            rtc_due: None,
            has_rtc: false,
            changed: None,
            write_rtc: None,
            refused: None,
        }
    }

    /// `random` is a fresh number, used where a question goes out.
    pub fn handle(&mut self, input: Input<'_>, now: Instant, random: u64) {
        match input {
            Input::Tick => {}
            Input::Online => self.poller.online(now),
            Input::Offline => self.poller.offline(),
            Input::Gps(time) => {
                if let Some(reading) = time.reading() {
                    self.consider(reading, now);
                }
            }
            Input::Rtc(registers) => {
                self.has_rtc = true;
                match rtc::decode(registers, now) {
                    Ok(time) => self.consider(time.reading, now),
                    Err(error) => self.refused = Some(Refused::Rtc(error)),
                }
                self.schedule_rtc(now);
            }
            Input::Phone(utc) => self.consider(
                Reading {
                    source: Source::Phone,
                    utc,
                    at: now,
                    within_ms: PHONE_WITHIN_MS,
                },
                now,
            ),
            Input::Ntp(packet) => match self.poller.heard(packet, now) {
                Some(Ok(reading)) => self.consider(reading, now),
                Some(Err(error)) => self.refused = Some(Refused::Sntp(error)),
                None => {}
            },
            Input::NtpUnreachable => self.poller.unreachable(now),
        }
        self.poller.tick(now, random);
        self.set_rtc(now);
    }

    pub fn poll(&mut self) -> Option<Output> {
        if let Some(changed) = self.changed.take() {
            return Some(Output::Changed(changed));
        }
        if let Some(registers) = self.write_rtc.take() {
            return Some(Output::WriteRtc(registers));
        }
        self.poller.poll().map(Output::AskNtp)
    }

    /// Moved by every call to [`Self::handle`].
    pub fn next_deadline(&self) -> Option<Instant> {
        earliest(self.poller.next_deadline(), self.rtc_due)
    }

    /// The date at a moment of this boot, before or after now. `None` while nobody has said.
    pub fn utc_at(&self, at: Instant) -> Option<UnixMs> {
        self.anchor.map(|anchor| anchor.utc_at(at))
    }

    /// The date of an earlier moment; `None` for other boots, whose clock nobody knows.
    pub fn fix_up(&self, stamp: Stamp) -> Option<UnixMs> {
        if stamp.boot != self.boot {
            return None;
        }
        self.utc_at(stamp.at)
    }

    pub const fn stamp(&self, at: Instant) -> Stamp {
        Stamp { boot: self.boot, at }
    }

    pub fn source(&self) -> Option<Source> {
        self.anchor.map(|anchor| anchor.source)
    }

    /// How far off the date may be by now.
    pub fn within_ms(&self, now: Instant) -> Option<u64> {
        self.anchor.map(|anchor| anchor.within_ms_at(now))
    }

    /// The newest reading that was not taken.
    pub const fn last_refused(&self) -> Option<Refused> {
        self.refused
    }

    fn consider(&mut self, reading: Reading, now: Instant) {
        let source = reading.source;
        if !reading.utc.is_plausible() {
            self.refused = Some(Refused::Implausible(source));
            return;
        }
        if source == Source::Rtc && self.last_known.is_some_and(|known| reading.utc < known) {
            self.refused = Some(Refused::BeforeLastKnown);
            return;
        }
        let Some(anchor) = self.anchor else {
            self.take(reading, None, now);
            return;
        };
        let (off_ms, agrees) = anchor.beside(&reading);
        if agrees {
            self.doubted = None;
            if u64::from(reading.within_ms) <= anchor.within_ms_at(reading.at) {
                self.take(reading, Some(off_ms), now);
            }
            return;
        }
        let stale = reading.at.since(anchor.at) >= STALE_AFTER;
        if source < anchor.source && !stale {
            self.refused = Some(Refused::Outranked(source));
            return;
        }
        if anchor.source == Source::Rtc || stale || self.is_second_opinion(&reading) {
            self.take(reading, Some(off_ms), now);
            return;
        }
        self.refused = Some(Refused::Doubted(source));
        // The first of a row of doubted readings stays, so that ten a second get older than a second.
        if self
            .doubted
            .is_none_or(|first| first.source != source || !first.beside(&reading).1)
        {
            self.doubted = Some(reading);
        }
        if source == Source::Sntp {
            self.poller.again_soon(now);
        }
    }

    fn is_second_opinion(&self, reading: &Reading) -> bool {
        self.doubted.is_some_and(|first| {
            first.source == reading.source
                && reading.at.since(first.at) >= SECOND_OPINION_AFTER
                && first.beside(reading).1
        })
    }

    fn take(&mut self, reading: Reading, step_ms: Option<i64>, now: Instant) {
        self.anchor = Some(reading);
        self.doubted = None;
        if step_ms.is_none_or(|step_ms| step_ms.unsigned_abs() >= SAID_FROM_MS) {
            // Two steps before anybody looked are one.
            let before = self.changed.take();
            let step_ms = match before {
                Some(Changed { step_ms: None, .. }) => None,
                Some(Changed {
                    step_ms: Some(before_ms),
                    ..
                }) => step_ms.map(|step_ms| step_ms.saturating_add(before_ms)),
                None => step_ms,
            };
            self.changed = Some(Changed {
                source: reading.source,
                step_ms,
            });
            self.rtc_due = None;
        }
        self.schedule_rtc(now);
    }

    /// The chip is set at the next beginning of a second, by what is better than itself.
    fn schedule_rtc(&mut self, now: Instant) {
        let better = self.anchor.filter(|anchor| anchor.source != Source::Rtc);
        if let Some(anchor) = better
            && self.has_rtc
            && self.rtc_due.is_none()
        {
            self.rtc_due = Some(next_second(&anchor, now));
        }
    }

    fn set_rtc(&mut self, now: Instant) {
        let (Some(anchor), Some(due)) = (self.anchor, self.rtc_due) else {
            return;
        };
        if now < due {
            return;
        }
        let utc = anchor.utc_at(now);
        if u128::from(utc.0.rem_euclid(1000).unsigned_abs()) > RTC_LATE_MAX.as_millis() {
            self.rtc_due = Some(next_second(&anchor, now));
            return;
        }
        self.write_rtc = rtc::encode(utc);
        self.rtc_due = Some(next_second(&anchor, now + RTC_AGAIN_AFTER));
    }
}

fn next_second(anchor: &Reading, after: Instant) -> Instant {
    let into_ms = anchor.utc_at(after).0.rem_euclid(1000).unsigned_abs();
    after + Duration::from_millis(1000 - into_ms)
}
