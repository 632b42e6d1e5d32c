//! Moments of the world's clock, and the calendar behind them.

use core::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(pub i64);

pub(super) const DAY_MS: i64 = 86_400_000;

impl UnixMs {
    /// Older than this firmware: clocks that were never set, and receivers whose week count rolled over.
    pub const EARLIEST: Self = Self(1_767_225_600_000); // 2026-01-01
    /// The calendar chip's two digits of a year end here.
    pub const LATEST: Self = Self(4_102_444_800_000); // 2100-01-01

    /// Whether a clock that was set can say this.
    pub fn is_plausible(self) -> bool {
        (Self::EARLIEST..Self::LATEST).contains(&self)
    }

    /// `later` minus this, negative where it is earlier.
    pub const fn until_ms(self, later: Self) -> i64 {
        later.0.saturating_sub(self.0)
    }

    pub fn plus(self, span: Duration) -> Self {
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms))
    }

    pub fn minus(self, span: Duration) -> Self {
        let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(ms))
    }
}

/// A day and a time of day in UTC, as calendars write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

impl Civil {
    /// `None` for a date that is in no calendar, and for a 61st second.
    pub fn unix(self) -> Option<UnixMs> {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        let in_month = (1..=days_in(year, month)?).contains(&day);
        if !in_month || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let of_day = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
        Some(UnixMs(days_since_1970(year, month, day) * DAY_MS + of_day * 1000))
    }

    /// `None` outside the years 1970 to 2199. The part of a second is dropped.
    pub fn of(at: UnixMs) -> Option<Self> {
        let days = at.0.div_euclid(DAY_MS);
        let (year, month, day) = (1970..2200u16).find_map(|year| {
            (1..=12u8).find_map(|month| {
                let first = days_since_1970(year, month, 1);
                let day = u8::try_from(days.checked_sub(first)? + 1).ok()?;
                (1..=days_in(year, month)?)
                    .contains(&day)
                    .then_some((year, month, day))
            })
        })?;
        let second = u32::try_from(at.0.rem_euclid(DAY_MS) / 1000).ok()?;
        Some(Self {
            year,
            month,
            day,
            hour: u8::try_from(second / 3600).ok()?,
            minute: u8::try_from(second / 60 % 60).ok()?,
            second: u8::try_from(second % 60).ok()?,
        })
    }

    /// 0 is Sunday.
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        let day = days_since_1970(self.year, self.month, self.day) + 4;
        u8::try_from(day.rem_euclid(7)).unwrap_or(0)
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn days_in(year: u16, month: u8) -> Option<u8> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if is_leap(year) => Some(29),
        2 => Some(28),
        _ => None,
    }
}

/// Of a day in the Gregorian calendar. Years are counted from March, so that a leap day is the last of its year.
fn days_since_1970(year: u16, month: u8, day: u8) -> i64 {
    let (year, month) = match month {
        0..=2 => (i64::from(year) - 1, i64::from(month) + 9),
        _ => (i64::from(year), i64::from(month) - 3),
    };
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    // 719 468 days lie between 0000-03-01 and 1970-01-01.
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn civil(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Civil {
        Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        }
    }

    #[test]
    fn known_days_are_where_they_are() {
        for (date, unix_s, weekday) in [
            (civil(1970, 1, 1, 0, 0, 0), 0, 4),
            (civil(2000, 2, 29, 12, 0, 0), 951_825_600, 2),
            (civil(2026, 1, 1, 0, 0, 0), 1_767_225_600, 4),
            (civil(2026, 11, 21, 23, 59, 59), 1_795_305_599, 6),
            (civil(2099, 12, 31, 23, 59, 59), 4_102_444_799, 4),
        ] {
            assert_eq!(date.unix(), Some(UnixMs(unix_s * 1000)), "{date:?}");
            assert_eq!(Civil::of(UnixMs(unix_s * 1000 + 999)), Some(date));
            assert_eq!(date.weekday(), weekday, "{date:?}");
        }
    }

    #[test]
    fn dates_that_are_in_no_calendar_are_none() {
        for date in [
            civil(2026, 2, 29, 0, 0, 0),
            civil(2026, 13, 1, 0, 0, 0),
            civil(2026, 0, 1, 0, 0, 0),
            civil(2026, 4, 31, 0, 0, 0),
            civil(2026, 4, 0, 0, 0, 0),
            civil(2026, 4, 1, 24, 0, 0),
            civil(2026, 4, 1, 0, 60, 0),
            civil(2026, 12, 31, 23, 59, 60),
        ] {
            assert_eq!(date.unix(), None, "{date:?}");
        }
        assert_eq!(Civil::of(UnixMs(-1)), None);
        assert_eq!(Civil::of(UnixMs(i64::MAX)), None);
    }

    proptest! {
        #[test]
        fn every_second_has_one_date(unix_s in 0..7_000_000_000i64) {
            let date = Civil::of(UnixMs(unix_s * 1000)).unwrap();
            prop_assert_eq!(date.unix(), Some(UnixMs(unix_s * 1000)));
        }
    }
}
