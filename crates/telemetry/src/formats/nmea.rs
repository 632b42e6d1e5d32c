//! NMEA 0183: RMC, GGA and VTG of one moment make one fix.
//!
//! Own code: the `nmea` crate keeps state for satellites we do not need and merges by sentence order, while logs in the
//! field mix orders, drop sentences and flip bits. A sentence counts only with a right checksum.

mod fields;

use std::io::BufRead;

use crate::model::{Fix, Message, Provenance};
use crate::sink::{Rejection, Sink};

use super::channels::{Column, KMH_IN_MPS, KNOT_IN_MPS, Stream, narrow};
use super::date::DateClock;
use super::lines::Lines;
use super::{Format, ReadError};
use fields::{Fields, date_utc_ms, optional, place, time_s};

/// True for a line that holds a sentence with a right checksum.
pub(super) fn is_sentence(line: &[u8]) -> bool {
    sentences(line).any(|body| body.is_ok())
}

pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<(), ReadError> {
    let mut lines = Lines::new(input);
    let mut log = Log::default();
    let mut good = 0_u64;
    while lines.advance(sink)? {
        let mut wrong = judge(lines.bytes()).err();
        for body in sentences(lines.bytes()).flatten() {
            match log.take(body, sink) {
                Ok(()) => good += 1,
                Err(why) => wrong = wrong.or(Some(why)),
            }
        }
        if let Some(why) = wrong {
            sink.rejected(why, lines.number());
        }
    }
    if good == 0 {
        return Err(ReadError::HeaderOnly {
            format: Format::Nmea,
            line: lines.number(),
        });
    }
    log.flush(sink);
    if !log.rmc_seen {
        sink.message(Message {
            code: "no_date".into(),
            text: "The log has no RMC sentence, so its date and speeds are unknown; switch RMC on in the logger.".into(),
            line: None,
        });
    }
    if log.guessed > 0 {
        sink.message(Message {
            code: "estimated_positions".into(),
            text: format!(
                "The receiver says of {} positions that it did not measure them (dead reckoning, simulator or typed \
                 in by hand); lap times from them are not to be relied on.",
                log.guessed
            ),
            line: None,
        });
    }
    Ok(())
}

/// Whether the line as a whole is sound. It is rejected once, whatever number of torn sentences ran together in it.
fn judge(line: &[u8]) -> Result<(), Rejection> {
    match memchr::memchr(b'$', line) {
        Some(start) => checked(line.get(start + 1..).unwrap_or_default()).map(|_| ()),
        None if is_for_others(line) => Ok(()),
        None => Err(Rejection::Malformed),
    }
}

/// The sentences in a line: usually one; several where line ends were lost on the wire, and a good one behind a torn
/// one is still good. Loggers' own stamps in front of the first `$` are passed over.
fn sentences(line: &[u8]) -> impl Iterator<Item = Result<&[u8], Rejection>> {
    line.split(|byte| *byte == b'$').skip(1).map(checked)
}

/// The text before `*`, if the two digits behind it are its checksum.
fn checked(sentence: &[u8]) -> Result<&[u8], Rejection> {
    let sentence = sentence.trim_ascii_end();
    let star = memchr::memrchr(b'*', sentence).ok_or(Rejection::Checksum)?;
    let (body, sum) = sentence.split_at(star);
    let sum = sum.get(1..).and_then(|hex| std::str::from_utf8(hex).ok());
    let given = sum
        .filter(|hex| hex.len() == 2)
        .and_then(|hex| u8::from_str_radix(hex, 16).ok());
    let computed = body.iter().fold(0_u8, |sum, byte| sum ^ byte);
    if given == Some(computed) {
        Ok(body)
    } else {
        Err(Rejection::Checksum)
    }
}

/// Blank lines and sentences for other ears (`!AIVDM`).
fn is_for_others(line: &[u8]) -> bool {
    line.first().is_none_or(|first| *first == b'!') || line.iter().all(u8::is_ascii_whitespace)
}

/// Accuracy of a position for a dilution of 1: what a receiver in the open is good for, antenna and all. Sentences
/// carry no accuracy of their own but GST, which hardly a logger writes.
const HDOP_ONE_M: f64 = 2.5;
/// Accuracy given to a place that nobody measured: no lap time can be taken from it.
const GUESSED_M: f32 = 100.0;

/// Where a position comes from, as RMC's mode and GGA's quality say. The worse word of the two counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// Satellites, or a receiver too old to say.
    #[default]
    Measured,
    /// Dead reckoning, typed in by hand, or a simulator.
    Guessed,
    Nothing,
}

impl Origin {
    fn of_mode(mode: &[u8]) -> Self {
        match mode {
            b"N" => Self::Nothing,
            b"E" | b"M" | b"S" => Self::Guessed,
            _ => Self::Measured,
        }
    }

    fn of_quality(quality: &[u8]) -> Self {
        match quality {
            b"0" => Self::Nothing,
            b"6" | b"7" | b"8" => Self::Guessed,
            _ => Self::Measured,
        }
    }
}

/// What the sentences of one moment said so far.
#[derive(Debug, Clone, Copy)]
struct Epoch {
    of_day_s: f64,
    /// Midnight of the date that RMC gave; NaN without one.
    date_utc_ms: f64,
    has_rmc: bool,
    origin: Origin,
    fix: Fix,
    hdop: f64,
}

#[derive(Default)]
struct Log {
    epoch: Option<Epoch>,
    days: DateClock,
    rmc_seen: bool,
    /// Fixes that no satellite measured.
    guessed: u64,
    log: Option<Stream>,
}

impl Log {
    fn take(&mut self, body: &[u8], sink: &mut dyn Sink) -> Result<(), Rejection> {
        let mut fields = Fields::of(body);
        let address = fields.next();
        match address.get(address.len().saturating_sub(3)..) {
            Some(b"RMC") => self.rmc(fields, sink),
            Some(b"GGA") => self.gga(fields, sink),
            Some(b"VTG") => self.vtg(fields),
            _ => Ok(()),
        }
    }

    fn rmc(&mut self, mut fields: Fields<'_>, sink: &mut dyn Sink) -> Result<(), Rejection> {
        let (time, status) = (fields.next(), fields.next());
        self.rmc_seen = true;
        if status != b"A" {
            return Err(Rejection::NoFix);
        }
        let of_day_s = time_s(time)?;
        let (lat_deg, lon_deg) = place(&mut fields)?;
        let knots = optional(fields.next())?;
        let course = optional(fields.next())?;
        let date = date_utc_ms(fields.next())?;
        let origin = Origin::of_mode(fields.skip(2).next());
        // The same time of another day.
        let is_other_day = |epoch: &Epoch| epoch.has_rmc && epoch.date_utc_ms.to_bits() != date.to_bits();
        if self.epoch.as_ref().is_some_and(is_other_day) {
            self.flush(sink);
        }
        let epoch = self.epoch_at(of_day_s, sink);
        epoch.origin = epoch.origin.max(origin);
        if epoch.origin == Origin::Nothing {
            return Err(Rejection::NoFix);
        }
        epoch.has_rmc = true;
        epoch.fix.lat_deg = lat_deg;
        epoch.fix.lon_deg = lon_deg;
        epoch.fix.speed_mps = narrow(knots * KNOT_IN_MPS);
        epoch.fix.heading_deg = narrow(course);
        epoch.date_utc_ms = date;
        Ok(())
    }

    fn gga(&mut self, mut fields: Fields<'_>, sink: &mut dyn Sink) -> Result<(), Rejection> {
        let of_day_s = match fields.next() {
            b"" => return Ok(()),
            time => time_s(time)?,
        };
        let place_or_not = place(&mut fields);
        let origin = Origin::of_quality(fields.next());
        if origin == Origin::Nothing || place_or_not.is_err() {
            let rmc_seen = self.rmc_seen;
            let epoch = self.epoch_at(of_day_s, sink);
            epoch.origin = epoch.origin.max(origin);
            let contradicts = epoch.has_rmc && origin == Origin::Nothing;
            // Usually an RMC of the same moment says so as well and is the one that is counted.
            return if rmc_seen && !contradicts {
                Ok(())
            } else {
                Err(Rejection::NoFix)
            };
        }
        let (lat_deg, lon_deg) = place_or_not?;
        let satellites = optional(fields.next())?;
        let hdop = optional(fields.next())?;
        let alt_m = optional(fields.next())?;
        let epoch = self.epoch_at(of_day_s, sink);
        epoch.origin = epoch.origin.max(origin);
        if !epoch.has_rmc {
            epoch.fix.lat_deg = lat_deg;
            epoch.fix.lon_deg = lon_deg;
        }
        epoch.fix.satellites = narrow(satellites);
        epoch.fix.alt_m = narrow(alt_m);
        epoch.hdop = hdop;
        Ok(())
    }

    /// Course and speed again; it has no time of its own and belongs to the moment just spoken of.
    fn vtg(&mut self, mut fields: Fields<'_>) -> Result<(), Rejection> {
        let course = optional(fields.next())?;
        let kmh = optional(fields.skip(5).next())?;
        if let Some(epoch) = &mut self.epoch {
            if epoch.fix.heading_deg.is_nan() {
                epoch.fix.heading_deg = narrow(course);
            }
            if epoch.fix.speed_mps.is_nan() {
                epoch.fix.speed_mps = narrow(kmh * KMH_IN_MPS);
            }
        }
        Ok(())
    }

    /// The epoch of this moment; one of another moment is complete and goes out.
    fn epoch_at(&mut self, of_day_s: f64, sink: &mut dyn Sink) -> &mut Epoch {
        if self.epoch.is_some_and(|epoch| epoch.of_day_s != of_day_s) {
            self.flush(sink);
        }
        self.epoch.get_or_insert_with(|| Epoch {
            of_day_s,
            date_utc_ms: f64::NAN,
            has_rmc: false,
            origin: Origin::Measured,
            fix: Fix::at(f64::NAN, f64::NAN, f64::NAN),
            hdop: f64::NAN,
        })
    }

    fn flush(&mut self, sink: &mut dyn Sink) {
        let Some(mut epoch) = self.epoch.take() else {
            return;
        };
        // Where a log has RMC, a GGA alone is one whose RMC was damaged or void, and nobody vouches for its place.
        if epoch.origin == Origin::Nothing || epoch.fix.lat_deg.is_nan() || (self.rmc_seen && !epoch.has_rmc)
        {
            return;
        }
        epoch.fix.accuracy_m = narrow(epoch.hdop * HDOP_ONE_M);
        if epoch.origin == Origin::Guessed {
            self.guessed += 1;
            epoch.fix.accuracy_m = epoch.fix.accuracy_m.max(GUESSED_M);
        }
        (epoch.fix.clock_s, epoch.fix.utc_ms) = self.days.unroll(epoch.of_day_s, epoch.date_utc_ms);
        sink.fix(epoch.fix);
        if !epoch.hdop.is_nan() {
            let stream = self.log.take().or_else(|| Stream::declare(sink, "log", &[HDOP]));
            self.log = stream;
            if let Some(stream) = &mut self.log {
                stream.push(sink, epoch.fix.clock_s, |_| epoch.hdop);
            }
        }
    }
}

const HDOP: Column<'static> = Column {
    cell: 0,
    name: "hdop",
    unit: "",
    source: "",
    provenance: Provenance::Recorded,
};
