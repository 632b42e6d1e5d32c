//! The fields of a sentence and what they hold: times, dates, places. Whatever is no such thing is a malformed sentence.

use crate::formats::cells::{is_place, number};
use crate::formats::date::{midnight_utc_ms, packed_time_s};
use crate::sink::Rejection;

/// Comma-separated fields of a sentence; empty ones after the last, as receivers of all ages differ in their number.
pub(super) struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(body: &'a [u8]) -> Self {
        Self { rest: Some(body) }
    }

    pub(super) fn next(&mut self) -> &'a [u8] {
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

    pub(super) fn skip(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.next();
        }
        self
    }
}

pub(super) fn optional(field: &[u8]) -> Result<f64, Rejection> {
    number(field).map_err(|_| Rejection::Malformed)
}

pub(super) fn time_s(field: &[u8]) -> Result<f64, Rejection> {
    packed_time_s(optional(field)?).ok_or(Rejection::Malformed)
}

/// Latitude, its half, longitude, its half.
pub(super) fn place(fields: &mut Fields<'_>) -> Result<(f64, f64), Rejection> {
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
pub(super) fn date_utc_ms(field: &[u8]) -> Result<f64, Rejection> {
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
