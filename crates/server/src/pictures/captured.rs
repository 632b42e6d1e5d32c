//! When a picture was taken, and how that is known.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::exif::Taken;

/// Where a picture's time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The camera wrote it into the picture.
    Exif,
    /// The sender wrote it into the file's name.
    Name,
    /// Neither can be believed: only the time at which it was received is known.
    Received,
}

impl Source {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exif => "exif",
            Self::Name => "name",
            Self::Received => "received",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Exif, Self::Name, Self::Received]
            .into_iter()
            .find(|source| source.as_str() == text)
    }
}

/// A picture's time as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Captured {
    pub source: Source,
    /// The clock's reading at the camera; `None` where only the receiving is known.
    pub local: Option<DateTime>,
    /// The instant; `None` while nobody knows the camera's zone.
    pub at: Option<Timestamp>,
}

impl Captured {
    const RECEIVED: Self = Self {
        source: Source::Received,
        local: None,
        at: None,
    };

    fn of(source: Source, taken: Taken) -> Self {
        Self {
            source,
            local: Some(taken.local),
            at: taken
                .offset
                .and_then(|offset| offset.to_timestamp(taken.local).ok()),
        }
    }
}

/// Names that we give to pictures without one begin so; the time in them is the receiver's.
pub(crate) const RECEIVED_NAME_PREFIX: &str = "received-";
/// A clock that was never set starts at 1970, 1980 or 2000; cameras of this kind are younger.
const FIRST_YEAR: i16 = 2010;
/// How far a camera's clock may be ahead of ours: the largest zone offset, and a day for a clock that is off.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(14 + 24);

/// The best that is known: what the camera wrote, else the name, as far as it can be true.
#[must_use]
pub fn choose(exif: Option<Taken>, file_name: &str, received_at: Timestamp) -> Captured {
    let believed = |taken: &Taken| {
        let instant = taken.offset.unwrap_or(Offset::UTC).to_timestamp(taken.local);
        taken.local.year() >= FIRST_YEAR
            && instant.is_ok_and(|instant| instant.duration_since(received_at) <= AHEAD_MAX)
    };
    let exif = exif
        .filter(believed)
        .map(|taken| Captured::of(Source::Exif, taken));
    let name = || {
        in_name(file_name)
            .filter(believed)
            .map(|taken| Captured::of(Source::Name, taken))
    };
    exif.or_else(name).unwrap_or(Captured::RECEIVED)
}

/// The first date with a time of day in a name: fourteen digits, alone or with single separators (`20261121_131415`,
/// `2026-11-21T13-14-15.250Z`). `Z` behind it says the zone.
fn in_name(name: &str) -> Option<Taken> {
    if name.starts_with(RECEIVED_NAME_PREFIX) {
        return None;
    }
    name.char_indices()
        .filter(|&(at, c)| {
            c.is_ascii_digit() && !name[..at].ends_with(|before: char| before.is_ascii_digit())
        })
        .find_map(|(at, _)| time_at(&name[at..]))
}

fn time_at(text: &str) -> Option<Taken> {
    let mut rest = text;
    let mut number = |digits: usize| -> Option<i16> {
        let (field, after) = rest.split_at_checked(digits)?;
        rest = after
            .strip_prefix(['-', '_', ':', '.', ' ', 'T', 't'])
            .unwrap_or(after);
        field
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| field.parse().ok())?
    };
    let year = number(4)?;
    let mut two = || number(2).and_then(|value| i8::try_from(value).ok());
    let (month, day) = (two()?, two()?);
    let (hour, minute, second) = (two()?, two()?, two()?);
    let millis: &str = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
    let (nanos, after) = match millis.len() {
        3 => (millis.parse::<i32>().ok()? * 1_000_000, &rest[3..]),
        0 => (0, rest),
        // A longer number is something else: a serial, an instant in another unit.
        _ => return None,
    };
    Some(Taken {
        local: DateTime::from_parts(
            Date::new(year, month, day).ok()?,
            Time::new(hour, minute, second, nanos).ok()?,
        ),
        offset: after.starts_with('Z').then_some(Offset::UTC),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received() -> Timestamp {
        "2026-11-21T13:30:00Z".parse().unwrap()
    }

    fn named(name: &str) -> Captured {
        choose(None, name, received())
    }

    #[test]
    fn a_name_gives_the_clocks_reading_and_no_zone() {
        for name in [
            "20261120_081500.jpg",
            "IMG_20261120_081500.jpg",
            "cam2-2026-11-20T08-15-00.jpg",
            "2026-11-20 08.15.00.jpg",
            "7_20261120081500.jpeg",
        ] {
            let found = named(name);
            assert_eq!(found.source, Source::Name, "{name}");
            assert_eq!(
                found.local,
                Some("2026-11-20T08:15:00".parse().unwrap()),
                "{name}"
            );
            assert_eq!(found.at, None, "{name}: the zone is not known");
        }
    }

    #[test]
    fn a_name_that_says_utc_gives_the_instant() {
        let found = named("2026-11-20T08-15-00.250Z.jpg");
        assert_eq!(found.at, Some("2026-11-20T08:15:00.25Z".parse().unwrap()));
    }

    #[test]
    fn other_numbers_in_a_name_are_no_time() {
        for name in [
            "photo.jpg",
            "IMG_0001.jpg",
            "20261120.jpg",
            "20261320_081500.jpg",
            "20261120_251500.jpg",
            "1732190000123.jpg",
            "202611200815001234567.jpg",
            "received-2026-11-20T08-15-00.000Z.jpg",
            "é2026112é.jpg",
        ] {
            assert_eq!(named(name), Captured::RECEIVED, "{name}");
        }
    }

    #[test]
    fn a_clock_that_was_never_set_or_is_ahead_is_not_believed() {
        for name in [
            "19700101_000012.jpg",
            "20000101_000012.jpg",
            "20261123_040000.jpg",
        ] {
            assert_eq!(named(name), Captured::RECEIVED, "{name}");
        }
        assert_eq!(
            named("20261123_033000.jpg").source,
            Source::Name,
            "a day and the largest zone"
        );
    }

    #[test]
    fn what_the_camera_wrote_goes_before_the_name() {
        let exif = Taken {
            local: "2026-11-20T07:00:00".parse().unwrap(),
            offset: Some(Offset::constant(2)),
        };
        let found = choose(Some(exif), "20261120_081500.jpg", received());
        assert_eq!(found.source, Source::Exif);
        assert_eq!(found.at, Some("2026-11-20T05:00:00Z".parse().unwrap()));
        let unset = Taken {
            local: "1970-01-01T00:00:09".parse().unwrap(),
            offset: None,
        };
        assert_eq!(
            choose(Some(unset), "20261120_081500.jpg", received()).source,
            Source::Name
        );
    }
}
