//! Members of a heartbeat as small clients write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Number, Value};

/// Clocks that were never set say 1970 or 2000; no heartbeat is older than the project.
const CLOCK_IS_SET_FROM_S: i64 = 1_577_836_800; // 2020-01-01T00:00:00Z
/// Numbers from here on are milliseconds: as seconds they would lie in the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;
/// The largest integer that every JSON reader keeps exactly.
const SECONDS_MAX: f64 = 9_007_199_254_740_991.0;

/// What a member says about a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Absent, null or empty.
    Unknown,
    /// By a clock that was not set yet.
    Unset(Timestamp),
    At(Timestamp),
    Unreadable,
}

/// RFC 3339; without an offset it is UTC; a number is Unix seconds or, when it is that large, milliseconds.
pub(super) fn moment(value: Option<&Value>) -> Moment {
    match value {
        None | Some(Value::Null) => Moment::Unknown,
        Some(Value::String(text)) if text.trim().is_empty() => Moment::Unknown,
        Some(Value::String(text)) => from_text(text.trim()).map_or(Moment::Unreadable, by_clock),
        Some(Value::Number(number)) => from_number(number).map_or(Moment::Unreadable, by_clock),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Moment::Unreadable,
    }
}

fn by_clock(at: Timestamp) -> Moment {
    // Rows keep microseconds, and the moment may be the session's identity: cut here, once.
    let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
    if at.as_second() < CLOCK_IS_SET_FROM_S {
        Moment::Unset(at)
    } else {
        Moment::At(at)
    }
}

fn from_text(text: &str) -> Option<Timestamp> {
    // RFC 3339 has no zone a day away; the parser would take up to 25 hours.
    if let Some([b'+' | b'-', tens @ b'2'..=b'9', hour, b':', ..]) = text.as_bytes().last_chunk::<6>()
        && (*tens > b'2' || *hour > b'3')
    {
        return None;
    }
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let civil: DateTime = text.parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn from_number(number: &Number) -> Option<Timestamp> {
    let number = number.as_f64()?;
    let seconds = if number.abs() < MILLISECONDS_FROM {
        number
    } else {
        number / 1e3
    };
    let micros = (seconds * 1e6).round();
    // In range as a float, so the conversion is exact.
    (micros.abs() <= SECONDS_MAX).then_some(micros)?;
    #[allow(clippy::cast_possible_truncation, reason = "checked on the line above")]
    Timestamp::from_microsecond(micros as i64).ok()
}

/// Whole seconds, cut at what JSON can carry; a fraction is dropped. `None` for what is no number.
pub(super) fn seconds(value: Option<&Value>) -> Option<i64> {
    let number = value?.as_f64()?;
    let whole = number.floor().clamp(-SECONDS_MAX, SECONDS_MAX);
    #[allow(clippy::cast_possible_truncation, reason = "clamped on the line above")]
    Some(whole as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Moment {
        Moment::At(text.parse().unwrap())
    }

    #[test]
    fn a_moment_is_read_in_every_way_that_clients_write_it() {
        let noon = at("2026-11-20T12:00:00Z");
        for written in [
            json!("2026-11-20T12:00:00Z"),
            json!("2026-11-20T13:00:00+01:00"),
            json!("2026-11-21T11:30:00+23:30"),
            json!("2026-11-20T12:00:00.000000999Z"),
            json!("2026-11-20T12:00:00"),
            json!(" 2026-11-20 12:00:00 "),
            json!(1_795_176_000),
            json!(1_795_176_000_000_i64),
            json!(1_795_176_000.0),
        ] {
            assert_eq!(moment(Some(&written)), noon, "{written}");
        }
    }

    #[test]
    fn what_is_no_moment_is_told_apart() {
        for unknown in [None, Some(json!(null)), Some(json!(""))] {
            assert_eq!(moment(unknown.as_ref()), Moment::Unknown);
        }
        for unset in [
            json!("1970-01-01T00:00:07Z"),
            json!("2000-01-01T00:00:07Z"),
            json!(7),
        ] {
            assert!(matches!(moment(Some(&unset)), Moment::Unset(_)), "{unset}");
        }
        for unreadable in [
            json!("yesterday"),
            json!("2026-11-20T12:00:00+25:00"),
            json!("2026-11-20T12:00:00-30:00"),
            json!(1e300),
            json!(true),
            json!([]),
            json!({}),
        ] {
            assert_eq!(moment(Some(&unreadable)), Moment::Unreadable, "{unreadable}");
        }
    }

    #[test]
    fn seconds_are_whole_and_bounded() {
        assert_eq!(seconds(Some(&json!(59.9))), Some(59));
        assert_eq!(seconds(Some(&json!(-0.5))), Some(-1));
        assert_eq!(seconds(Some(&json!(1e300))), Some(9_007_199_254_740_991));
        assert_eq!(seconds(Some(&json!(u64::MAX))), Some(9_007_199_254_740_991));
        assert_eq!(seconds(Some(&json!("60"))), None);
        assert_eq!(seconds(None), None);
    }
}
