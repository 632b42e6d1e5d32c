//! A track as it is pushed to the device and kept.
//!
//! The JSON is the member `track` of a desired state, and what TRACK carries over Bluetooth: `{"id", "name", "gate", "finish", "splits"}` with
//! lines of two ends, each `[latitude, longitude]` in degrees, the left one first. Kept are 1e-7 degrees, 11 mm, as receivers say them.
//!
//! ```text
//! bytes: name ‖ flags (1: a finish) ‖ splits ‖ gate, [finish], splits …       a line: lat, lon, lat, lon as i32; text behind its length
//! ```

use core::fmt;

use heapless::{String, Vec};
use timing::{Course, Gate, MAX_SPLITS, Plane, great_circle_m};

use crate::bytes::{OutOfRoom, Put, Take};
use crate::json::{JsonError, Path, Reader, Token};

/// What a marker in a recording holds with room to spare; longer names are cut.
pub const NAME_BYTES_MAX: usize = 64;
/// As the server bounds them: closer ends say no direction, ends further apart are a mistyped coordinate.
const LINE_METRES: core::ops::RangeInclusive<f64> = 1.0..=1000.0;

/// A name, flags, a count, and 18 lines of 16 bytes.
pub const TRACK_BYTES_MAX: usize = 1 + NAME_BYTES_MAX + 1 + 1 + (2 + MAX_SPLITS) * 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    pub lat_e7_deg: i32,
    pub lon_e7_deg: i32,
}

/// Seen in the direction of travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    pub left: Place,
    pub right: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Track {
    name: String<NAME_BYTES_MAX>,
    gate: Line,
    finish: Option<Line>,
    splits: Vec<Line, MAX_SPLITS>,
}

/// Why a track is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadTrack {
    Json(JsonError),
    NoGate,
    /// Not two ends of `[latitude, longitude]` in degrees.
    BadLine,
    /// Shorter than a metre or longer than a kilometre.
    LineLength,
    TooManySplits,
}

impl fmt::Display for BadTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::NoGate => f.write_str("a track has a `gate`"),
            Self::BadLine => {
                f.write_str("a line is [[latitude, longitude], [latitude, longitude]] in degrees")
            }
            Self::LineLength => f.write_str("the ends of a line lie 1 to 1000 m apart"),
            Self::TooManySplits => write!(f, "a track has at most {MAX_SPLITS} splits"),
        }
    }
}

impl Place {
    pub(super) fn degrees(self) -> (f64, f64) {
        (
            f64::from(self.lat_e7_deg) * 1e-7,
            f64::from(self.lon_e7_deg) * 1e-7,
        )
    }

    fn is_on_earth(self) -> bool {
        self.lat_e7_deg.unsigned_abs() <= 900_000_000 && self.lon_e7_deg.unsigned_abs() <= 1_800_000_000
    }
}

impl Line {
    fn check(self) -> Result<Self, BadTrack> {
        if !self.left.is_on_earth() || !self.right.is_on_earth() {
            return Err(BadTrack::BadLine);
        }
        let metres = great_circle_m(self.left.degrees(), self.right.degrees());
        if !LINE_METRES.contains(&metres) {
            return Err(BadTrack::LineLength);
        }
        Ok(self)
    }

    fn gate(self, plane: &Plane) -> Option<Gate> {
        let point = |place: Place| {
            let (lat_deg, lon_deg) = place.degrees();
            plane.point(lat_deg, lon_deg)
        };
        Gate::between(point(self.left), point(self.right))
    }
}

impl Track {
    pub fn new(name: &str, gate: Line, finish: Option<Line>, splits: &[Line]) -> Result<Self, BadTrack> {
        gate.check()?;
        if let Some(finish) = finish {
            finish.check()?;
        }
        for split in splits {
            split.check()?;
        }
        Ok(Self {
            name: cut(name),
            gate,
            finish,
            splits: Vec::from_slice(splits).map_err(|_| BadTrack::TooManySplits)?,
        })
    }

    /// Empty where it has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn splits(&self) -> usize {
        self.splits.len()
    }

    /// The middle of the gate, in degrees.
    pub(super) fn middle_deg(&self) -> (f64, f64) {
        let (left, right) = (self.gate.left.degrees(), self.gate.right.degrees());
        let mut lon_deg = f64::midpoint(left.1, right.1);
        // A line may lie across the meridian where degrees turn over.
        if (left.1 - right.1).abs() > 180.0 {
            lon_deg += if lon_deg > 0.0 { -180.0 } else { 180.0 };
        }
        (f64::midpoint(left.0, right.0), lon_deg)
    }

    pub(super) fn course(&self, plane: &Plane) -> Option<Course> {
        let start = self.gate.gate(plane)?;
        let mut course = match self.finish {
            Some(finish) => Course::stage(start, finish.gate(plane)?),
            None => Course::circuit(start),
        };
        for split in &self.splits {
            course.add_split(split.gate(plane)?).ok()?;
        }
        Some(course)
    }

    pub(crate) fn encode(&self, out: &mut Put<'_>) -> Result<(), OutOfRoom> {
        out.short(self.name.as_bytes())?;
        out.u8(u8::from(self.finish.is_some()))?;
        out.u8(u8::try_from(self.splits.len()).map_err(|_| OutOfRoom)?)?;
        for line in [self.gate].iter().chain(&self.finish).chain(&self.splits) {
            for place in [line.left, line.right] {
                out.i32(place.lat_e7_deg)?;
                out.i32(place.lon_e7_deg)?;
            }
        }
        Ok(())
    }

    /// `None` where these are not the bytes of a track.
    pub(crate) fn decode(bytes: &mut Take<'_>) -> Option<Self> {
        let name = core::str::from_utf8(bytes.short().ok()?).ok()?;
        let has_finish = match bytes.u8().ok()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let count = bytes.u8().ok()?;
        let gate = line(bytes)?;
        let finish = if has_finish { Some(line(bytes)?) } else { None };
        let mut splits = Vec::<Line, MAX_SPLITS>::new();
        for _ in 0..count {
            splits.push(line(bytes)?).ok()?;
        }
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        Self::new(name, gate, finish, &splits).ok()
    }
}

fn line(bytes: &mut Take<'_>) -> Option<Line> {
    let mut place = || {
        Some(Place {
            lat_e7_deg: bytes.i32().ok()?,
            lon_e7_deg: bytes.i32().ok()?,
        })
    };
    Some(Line {
        left: place()?,
        right: place()?,
    })
}

/// At the end of a character.
fn cut(name: &str) -> String<NAME_BYTES_MAX> {
    let mut kept = String::new();
    for character in name.chars() {
        if kept.push(character).is_err() {
            break;
        }
    }
    kept
}

/// What TRACK carries: a track, or `null` for none.
pub fn read_track(json: &[u8]) -> Result<Option<Track>, BadTrack> {
    let mut track = TrackReader::default();
    let mut reader = Reader::<NAME_BYTES_MAX>::new();
    let mut take = |path: &Path, token: Token<'_>| track.take("", path, token);
    reader
        .feed(json, &mut take)
        .and_then(|()| reader.finish(&mut take))
        .map_err(BadTrack::Json)?;
    track.finish()?.ok_or(BadTrack::NoGate)
}

/// A track while its JSON is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrackReader {
    said: bool,
    null: bool,
    name: String<NAME_BYTES_MAX>,
    gate: Partial,
    finish: Partial,
    split: Partial,
    splits: Vec<Line, MAX_SPLITS>,
    bad: Option<BadTrack>,
}

/// A line of which some coordinates were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Partial {
    line: Line,
    read: usize,
}

impl TrackReader {
    /// Takes what stands at a path below `at`, which is the track's own (`track` in a desired state, empty for TRACK).
    pub(crate) fn take(&mut self, at: &str, path: &Path, token: Token<'_>) {
        if path.is(at) {
            self.said = true;
            self.null |= token == Token::Null;
            return;
        }
        let depth = if at.is_empty() { 0 } else { 1 };
        let Some(member) = path.name_at(depth) else {
            return;
        };
        let items = path.items().count();
        match (member, items, token) {
            ("name", 0, Token::Text(name)) => self.name = cut(name),
            ("gate", 2, token) => self.bad = self.bad.or(self.gate.take(path, token)),
            ("finish", 2, token) => self.bad = self.bad.or(self.finish.take(path, token)),
            ("splits", 3, token) => self.bad = self.bad.or(self.split.take(path, token)),
            ("splits", 1, Token::End) => self.end_split(),
            ("gate" | "finish" | "splits", _, Token::BeginArray | Token::End)
            | ("finish" | "splits", 0, Token::Null) => {}
            ("gate" | "finish" | "splits", _, _) => self.bad = self.bad.or(Some(BadTrack::BadLine)),
            _ => {}
        }
    }

    /// `None`: nothing is said of a track; `Some(None)`: there is to be none.
    pub(crate) fn finish(self) -> Result<Option<Option<Track>>, BadTrack> {
        if !self.said {
            return Ok(None);
        }
        if self.null {
            return Ok(Some(None));
        }
        if let Some(bad) = self.bad {
            return Err(bad);
        }
        let gate = self.gate.whole()?.ok_or(BadTrack::NoGate)?;
        let finish = self.finish.whole()?;
        Track::new(&self.name, gate, finish, &self.splits).map(|track| Some(Some(track)))
    }

    fn end_split(&mut self) {
        let split = core::mem::take(&mut self.split);
        let pushed = match split.whole() {
            Ok(Some(line)) => self.splits.push(line).map_err(|_| BadTrack::TooManySplits),
            Ok(None) | Err(_) => Err(BadTrack::BadLine),
        };
        self.bad = self.bad.or(pushed.err());
    }
}

impl Partial {
    fn take(&mut self, path: &Path, token: Token<'_>) -> Option<BadTrack> {
        let mut items = [0; 3];
        for (slot, item) in items.iter_mut().zip(path.items()) {
            *slot = item;
        }
        // A split's own number comes first.
        let (end, axis) = if path.items().count() == 3 {
            (items[1], items[2])
        } else {
            (items[0], items[1])
        };
        let place = match end {
            0 => &mut self.line.left,
            1 => &mut self.line.right,
            _ => return Some(BadTrack::BadLine),
        };
        let coordinate = match axis {
            0 => &mut place.lat_e7_deg,
            1 => &mut place.lon_e7_deg,
            _ => return Some(BadTrack::BadLine),
        };
        let Token::Number(text) = token else {
            return Some(BadTrack::BadLine);
        };
        let Some(e7_deg) = e7(text) else {
            return Some(BadTrack::BadLine);
        };
        *coordinate = e7_deg;
        self.read += 1;
        None
    }

    fn whole(self) -> Result<Option<Line>, BadTrack> {
        match self.read {
            0 => Ok(None),
            4 => Ok(Some(self.line)),
            _ => Err(BadTrack::BadLine),
        }
    }
}

fn e7(text: &str) -> Option<i32> {
    let degrees: f64 = text.parse().ok()?;
    let e7_deg = libm::round(degrees * 1e7);
    // Not a NaN either.
    if !(-1.8e9..=1.8e9).contains(&e7_deg) {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "whole and in range, by the line above"
    )]
    Some(e7_deg as i32)
}
