//! Times and cells as text.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A number with so many decimals, or nothing where it is unknown.
pub(super) struct Cell(pub(super) f64, pub(super) usize);

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, decimals) = *self;
        if value.is_finite() {
            write!(f, "{value:.decimals$}")
        } else {
            Ok(())
        }
    }
}

/// `2026-11-20T18:04:29.123Z`; times outside the calendar are clamped to 1970.
pub(super) fn rfc3339(utc_ms: f64) -> String {
    let at = timestamp(utc_ms);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The civil time in UTC, for formats that write it in pieces.
pub(super) fn civil(utc_ms: f64) -> jiff::civil::DateTime {
    timestamp(utc_ms).to_zoned(TimeZone::UTC).datetime()
}

fn timestamp(utc_ms: f64) -> Timestamp {
    Timestamp::from_millisecond(utc_ms.round() as i64).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Text inside an XML element.
pub(super) fn xml(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
