//! Dates and times of day as loggers write them, as Unix milliseconds.

/// Milliseconds of a day.
pub(crate) const DAY_MS: f64 = 86_400_000.0;
pub(crate) const DAY_S: f64 = 86_400.0;

/// Midnight UTC of a date in Unix milliseconds; nothing for a date that does not exist.
pub(crate) fn midnight_utc_ms(year: i16, month: i8, day: i8) -> Option<f64> {
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of any year up to 9999 fit 53 bits"
    )]
    Some(start.timestamp().as_millisecond() as f64)
}

/// Seconds of the day in packed `HHMMSS.sss`; nothing for a time that does not exist (61 minutes).
pub(crate) fn packed_time_s(packed: f64) -> Option<f64> {
    if !(0.0..240_000.0).contains(&packed) {
        return None;
    }
    let hours = (packed / 10_000.0).floor();
    let minutes = ((packed - hours * 10_000.0) / 100.0).floor();
    let seconds = packed - hours * 10_000.0 - minutes * 100.0;
    // 60 seconds happen at a leap second.
    (minutes < 60.0 && seconds < 61.0).then_some(hours * 3600.0 + minutes * 60.0 + seconds)
}

/// Unrolls seconds of the day into seconds that go on over midnight.
#[derive(Debug, Default)]
pub(crate) struct DayClock {
    last_s: Option<f64>,
    days: f64,
}

impl DayClock {
    /// Seconds since midnight of the day on which the recording began. A step back of more than half a day is midnight;
    /// a smaller one is an error of the file and stays for the analysis to judge.
    pub(crate) fn unroll(&mut self, of_day_s: f64) -> f64 {
        if self.last_s.is_some_and(|last| last - of_day_s > DAY_S / 2.0) {
            self.days += 1.0;
        }
        self.last_s = Some(of_day_s);
        of_day_s + self.days * DAY_S
    }
}

/// A step between two dates that is longer than this is no pause: the receiver has just learned the date (before that it
/// says 1980, or is 1024 weeks behind). People leave a logger's file open over a weekend or a holiday.
const PAUSE_MAX_DAYS: f64 = 31.0;

/// Seconds that follow a file's dates where it has them, and a [`DayClock`] where it has not.
#[derive(Debug, Default)]
pub(crate) struct DateClock {
    clock: DayClock,
    /// The last date told, and on which day of the clock it is.
    told: Option<Told>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    date_utc_ms: f64,
    day: f64,
}

impl DateClock {
    /// Seconds since midnight of the first day, and Unix milliseconds; the date is that day's midnight or NaN.
    ///
    /// A date that stays while the time of day passes midnight is late: the receiver repeats what it knew, and the day
    /// goes on without it.
    pub(crate) fn unroll(&mut self, of_day_s: f64, date_utc_ms: f64) -> (f64, f64) {
        let by_time_s = self.clock.unroll(of_day_s);
        if date_utc_ms.is_nan() {
            return (by_time_s, f64::NAN);
        }
        let told = match self.told {
            Some(told) => told.then(date_utc_ms, self.clock.days),
            None => Told {
                date_utc_ms,
                day: self.clock.days,
            },
        };
        if self.told.is_none_or(|before| before.date_utc_ms != date_utc_ms) {
            self.clock.days = told.day;
        }
        self.told = Some(told);
        let late_days = self.clock.days - told.day;
        (
            of_day_s + self.clock.days * DAY_S,
            date_utc_ms + late_days * DAY_MS + of_day_s * 1000.0,
        )
    }
}

impl Told {
    /// The day of the next date: as far from this one as the dates say, unless the receiver only now learned it.
    fn then(self, date_utc_ms: f64, day_by_time: f64) -> Self {
        let days = (date_utc_ms - self.date_utc_ms) / DAY_MS;
        let day = if days.abs() > PAUSE_MAX_DAYS {
            day_by_time
        } else {
            self.day + days
        };
        Self { date_utc_ms, day }
    }
}

/// Unix milliseconds of an ISO 8601 time; without a zone it is taken as UTC.
pub(crate) fn iso_utc_ms(text: &str) -> Option<f64> {
    let nanos = match text.parse::<jiff::Timestamp>() {
        Ok(timestamp) => timestamp.as_nanosecond(),
        Err(_) => {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            civil
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_nanosecond()
        }
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "a microsecond is kept, which is finer than any receiver's stamp"
    )]
    Some(nanos as f64 / 1e6)
}

/// Seconds of a duration as `90.000`, `1:30.000` or `00:01:30.000`.
pub(crate) fn duration_s(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut parts = 0;
    for part in text.trim().split(':') {
        let value = super::cells::number(part.as_bytes())
            .ok()
            .filter(|value| *value >= 0.0)?;
        total = total * 60.0 + value;
        parts += 1;
    }
    (parts <= 3).then_some(total)
}
