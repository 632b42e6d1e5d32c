//! NMEA 0183: RMC, GGA and VTG of one moment make one fix.
//!
//! Own code: the `nmea` crate keeps state for satellites we do not need and merges by sentence order, while logs in the
//! field mix orders, drop sentences and flip bits. A sentence counts only with a right checksum.

use std::io::BufRead;

use crate::model::{Fix, Message, Provenance};
use crate::sink::{Rejection, Sink};

use super::cells::{is_place, number};
use super::channels::{Column, KMH_IN_MPS, KNOT_IN_MPS, Stream, narrow};
use super::date::{DayClock, midnight_utc_ms, packed_time_s};
use super::lines::Lines;
use super::{Format, ReadError};

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

/// What the sentences of one moment said so far.
#[derive(Debug, Clone, Copy)]
struct Epoch {
    of_day_s: f64,
    has_rmc: bool,
    fix: Fix,
    hdop: f64,
}

#[derive(Default)]
struct Log {
    epoch: Option<Epoch>,
    days: DayClock,
    rmc_seen: bool,
    log: Option<Stream>,
}

impl Log {
    fn take(&mut self, body: &[u8], sink: &mut dyn Sink) -> Result<(), Rejection> {
        let mut fields = Fields { rest: Some(body) };
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
        let epoch = self.epoch_at(of_day_s, sink);
        epoch.has_rmc = true;
        epoch.fix.lat_deg = lat_deg;
        epoch.fix.lon_deg = lon_deg;
        epoch.fix.speed_mps = narrow(knots * KNOT_IN_MPS);
        epoch.fix.heading_deg = narrow(course);
        epoch.fix.utc_ms = date + of_day_s * 1000.0;
        Ok(())
    }

    fn gga(&mut self, mut fields: Fields<'_>, sink: &mut dyn Sink) -> Result<(), Rejection> {
        let of_day_s = match fields.next() {
            b"" => return Ok(()),
            time => time_s(time)?,
        };
        let place_or_not = place(&mut fields);
        if fields.next() == b"0" || place_or_not.is_err() {
            // An RMC of the same moment says so as well and is the one that is counted.
            return if self.rmc_seen {
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
            has_rmc: false,
            fix: Fix::at(f64::NAN, f64::NAN, f64::NAN),
            hdop: f64::NAN,
        })
    }

    fn flush(&mut self, sink: &mut dyn Sink) {
        let Some(mut epoch) = self.epoch.take() else {
            return;
        };
        // Where a log has RMC, a GGA alone is one whose RMC was damaged or void, and nobody vouches for its place.
        if self.rmc_seen && !epoch.has_rmc {
            return;
        }
        epoch.fix.clock_s = self.days.unroll(epoch.of_day_s);
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

/// Comma-separated fields of a sentence; empty ones after the last, as receivers of all ages differ in their number.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> &'a [u8] {
        let Some(rest) = self.rest else { return b"" };
        match memchr::memchr(b',', rest) {
            Some(comma) => {
                let (field, tail) = rest.split_at(comma);
                self.rest = tail.get(1..);
                field
            }
            None => {
                self.rest = None;
                rest
            }
        }
    }

    fn skip(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.next();
        }
        self
    }
}

fn optional(field: &[u8]) -> Result<f64, Rejection> {
    number(field).map_err(|_| Rejection::Malformed)
}

fn time_s(field: &[u8]) -> Result<f64, Rejection> {
    packed_time_s(optional(field)?).ok_or(Rejection::Malformed)
}

/// Latitude, its half, longitude, its half.
fn place(fields: &mut Fields<'_>) -> Result<(f64, f64), Rejection> {
    let lat_deg = angle_deg(fields.next(), fields.next(), [b"N", b"S"])?;
    let lon_deg = angle_deg(fields.next(), fields.next(), [b"E", b"W"])?;
    if is_place(lat_deg, lon_deg) {
        Ok((lat_deg, lon_deg))
    } else {
        Err(Rejection::Malformed)
    }
}

/// `dddmm.mmmm` and its half of the globe in degrees.
fn angle_deg(packed: &[u8], half: &[u8], [positive, negative]: [&[u8; 1]; 2]) -> Result<f64, Rejection> {
    let packed = optional(packed)?;
    let degrees = (packed / 100.0).floor();
    let minutes = packed - degrees * 100.0;
    if !(0.0..60.0).contains(&minutes) {
        return Err(Rejection::Malformed);
    }
    let angle = degrees + minutes / 60.0;
    if half == positive {
        Ok(angle)
    } else if half == negative {
        Ok(-angle)
    } else {
        Err(Rejection::Malformed)
    }
}

/// Midnight of `ddmmyy` in Unix milliseconds; NaN where the field is empty. GPS has no dates before 1980.
fn date_utc_ms(field: &[u8]) -> Result<f64, Rejection> {
    if field.is_empty() {
        return Ok(f64::NAN);
    }
    let digits: u32 = std::str::from_utf8(field)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Rejection::Malformed)?;
    let part = |divisor: u32| i16::try_from(digits / divisor % 100).unwrap_or(0);
    let year = part(1) + if part(1) < 80 { 2000 } else { 1900 };
    let [month, day] = [part(100), part(10_000)].map(|part| i8::try_from(part).unwrap_or(0));
    midnight_utc_ms(year, month, day).ok_or(Rejection::Malformed)
}
