//! One light for everything: which word it says, and what that looks like.

use core::time::Duration;

use crate::time::Instant;

/// Three pulses of 200 ms.
const BOOT_WORD: Duration = Duration::from_millis(1200);
const SECTOR_WORD: Duration = Duration::from_secs(3);
const HEARTBEAT_WORD: Duration = Duration::from_millis(150);
/// Slower than this than the best is more than a little.
const LITTLE_SLOWER_MS: i32 = 500;
/// Half a period each.
const SLOW: Duration = Duration::from_millis(800);
const FAST: Duration = Duration::from_millis(125);
const BOOT_PULSE: Duration = Duration::from_millis(200);
/// Breathing and rainbow look smooth from here on.
const FRAME: Duration = Duration::from_millis(40);
const BREATH: Duration = Duration::from_millis(2000);
const RAINBOW_TURN: Duration = Duration::from_millis(3000);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rgb {
    pub r: u8,
    pub g: u8,
    pub b: u8,
}

impl Rgb {
    pub const DARK: Self = Self::new(0, 0, 0);
    const RED: Self = Self::new(255, 0, 0);
    const GREEN: Self = Self::new(0, 255, 0);
    const BLUE: Self = Self::new(0, 0, 255);
    const AMBER: Self = Self::new(255, 120, 0);
    const ORANGE: Self = Self::new(255, 60, 0);
    const PURPLE: Self = Self::new(150, 0, 255);
    const WHITE: Self = Self::new(255, 255, 255);

    const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { r, g, b }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gps {
    /// The device has none and needs none.
    Unused,
    Searching,
    /// No receiver answers, or it found nothing for so long that somebody should look.
    Missing,
    Fixed,
}

/// A sector against the best one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sector {
    Faster,
    LittleSlower,
    Slower,
}

impl Sector {
    pub const fn of_delta_ms(delta_ms: i32) -> Self {
        if delta_ms < 0 {
            Self::Faster
        } else if delta_ms <= LITTLE_SLOWER_MS {
            Self::LittleSlower
        } else {
            Self::Slower
        }
    }
}

/// What a person asked for, or what the device does with the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    None,
    Searching,
    Uploading,
    Done,
    Failed,
    Pairing,
    Setup,
}

/// All that the light depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    pub is_recording: bool,
    pub is_storage_full: bool,
    pub gps: Gps,
    pub activity: Activity,
    /// The last sector, and when it ended.
    pub sector: Option<(Sector, Instant)>,
    pub heartbeat_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Dark,
    Boot,
    GpsSearching,
    /// No GPS, or no room: nothing is being recorded.
    Stopped,
    SectorFaster,
    SectorLittleSlower,
    SectorSlower,
    WifiSearching,
    Uploading,
    Done,
    Failed,
    Pairing,
    SetupNeeded,
    HeartbeatSent,
}

/// The word for now, and until when it stays so if the situation does.
///
/// In this order: what a rider at speed may see; the start; what a person is waiting for; what keeps the device from recording; and
/// then the rest. Somebody who makes room by a sync watches the sync, not the full card.
pub fn word(situation: &Situation, now: Instant) -> (Word, Option<Instant>) {
    if situation.is_recording {
        return match situation
            .sector
            .and_then(|(sector, at)| Some((sector, still(at, SECTOR_WORD, now)?)))
        {
            Some((Sector::Faster, until)) => (Word::SectorFaster, Some(until)),
            Some((Sector::LittleSlower, until)) => (Word::SectorLittleSlower, Some(until)),
            Some((Sector::Slower, until)) => (Word::SectorSlower, Some(until)),
            None => (Word::Dark, None),
        };
    }
    if let Some(until) = still(Instant::BOOT, BOOT_WORD, now) {
        return (Word::Boot, Some(until));
    }
    let activity = match situation.activity {
        Activity::None => None,
        Activity::Searching => Some(Word::WifiSearching),
        Activity::Uploading => Some(Word::Uploading),
        Activity::Done => Some(Word::Done),
        Activity::Failed => Some(Word::Failed),
        Activity::Pairing => Some(Word::Pairing),
        Activity::Setup => Some(Word::SetupNeeded),
    };
    if let Some(word) = activity {
        return (word, None);
    }
    if situation.is_storage_full || situation.gps == Gps::Missing {
        return (Word::Stopped, None);
    }
    if let Some(until) = situation
        .heartbeat_at
        .and_then(|at| still(at, HEARTBEAT_WORD, now))
    {
        return (Word::HeartbeatSent, Some(until));
    }
    match situation.gps {
        Gps::Searching => (Word::GpsSearching, None),
        Gps::Unused | Gps::Fixed | Gps::Missing => (Word::Dark, None),
    }
}

/// The end of a span that began then, while it lasts.
fn still(began: Instant, lasts: Duration, now: Instant) -> Option<Instant> {
    let until = began + lasts;
    (now < until).then_some(until)
}

impl Word {
    /// The colour of pixel `index` of `count` so long after the word was first said. One light is pixel 0 of 1.
    pub fn colour(self, said_for: Duration, index: u8, count: u8) -> Rgb {
        match self {
            Self::Dark => Rgb::DARK,
            Self::Boot if said_for >= BOOT_WORD => Rgb::DARK,
            Self::Boot => blink(Rgb::BLUE, BOOT_PULSE, said_for),
            Self::GpsSearching => blink(Rgb::AMBER, SLOW, said_for),
            Self::Stopped | Self::SectorSlower => Rgb::RED,
            Self::SectorFaster => Rgb::GREEN,
            Self::SectorLittleSlower => Rgb::ORANGE,
            Self::WifiSearching => blink(Rgb::PURPLE, SLOW, said_for),
            Self::Uploading => blink(Rgb::GREEN, FAST, said_for),
            Self::Done => blink(Rgb::GREEN, SLOW, said_for),
            Self::Failed => blink(Rgb::RED, SLOW, said_for),
            Self::Pairing => Rgb::new(0, 0, breath(said_for)),
            Self::SetupNeeded => rainbow(said_for, index, count),
            Self::HeartbeatSent => Rgb::WHITE,
        }
    }

    /// How long the picture stays as it is; nothing where it stays for good.
    pub fn stays(self, said_for: Duration) -> Option<Duration> {
        let half = match self {
            Self::Dark
            | Self::Stopped
            | Self::SectorFaster
            | Self::SectorLittleSlower
            | Self::SectorSlower
            | Self::HeartbeatSent => return None,
            // It ends in the dark.
            Self::Boot if said_for + BOOT_PULSE >= BOOT_WORD => return None,
            Self::Boot => BOOT_PULSE,
            Self::Uploading => FAST,
            Self::GpsSearching | Self::WifiSearching | Self::Done | Self::Failed => SLOW,
            Self::Pairing | Self::SetupNeeded => FRAME,
        };
        Some(Duration::from_millis(ms(half) - ms(said_for) % ms(half)))
    }
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// On first, so that a word is seen the moment it is said.
fn blink(colour: Rgb, half: Duration, said_for: Duration) -> Rgb {
    if (ms(said_for) / ms(half)).is_multiple_of(2) {
        colour
    } else {
        Rgb::DARK
    }
}

/// Up and down along a square, because the eye sees brightness by its root.
fn breath(said_for: Duration) -> u8 {
    let half = ms(BREATH) / 2;
    let at = ms(said_for) % ms(BREATH);
    let height = if at < half { at } else { 2 * half - at };
    u8::try_from(255 * height * height / (half * half)).unwrap_or(u8::MAX)
}

/// The colours once round all pixels, turning.
fn rainbow(said_for: Duration, index: u8, count: u8) -> Rgb {
    const STEPS: u64 = 6 * 256;
    let turned = STEPS * (ms(said_for) % ms(RAINBOW_TURN)) / ms(RAINBOW_TURN);
    let place = STEPS * u64::from(index) / u64::from(count.max(1));
    let hue = (turned + place) % STEPS;
    let rising = u8::try_from(hue % 256).unwrap_or(u8::MAX);
    let falling = 255 - rising;
    match hue / 256 {
        0 => Rgb::new(255, rising, 0),
        1 => Rgb::new(falling, 255, 0),
        2 => Rgb::new(0, 255, rising),
        3 => Rgb::new(0, falling, 255),
        4 => Rgb::new(rising, 0, 255),
        _ => Rgb::new(255, 0, falling),
    }
}
