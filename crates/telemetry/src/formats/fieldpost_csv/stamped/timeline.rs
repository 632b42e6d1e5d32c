//! When rows were true, from stamps that do not say it plainly.
//!
//! A and B stamp each row but write some out of order: rows wait in a small window and leave it by time. C and D say the
//! second only (D's fraction comes from another clock): the rows of a second are held and spread over it evenly.

use super::Row;
use crate::formats::date::{DAY_S, DayClock, packed_time_s};
use crate::formats::fieldpost_csv::header::StampedDialect;

/// Rows that wait to be put into order: 6 s at the 10 Hz of these devices.
const WINDOW_ROWS: usize = 64;
/// A row that is further behind is no late row but a clock that was set back; it stays where it is, for the analysis to
/// judge.
const LATE_MAX_S: f64 = 10.0;
/// A second never holds more rows than an inertial sensor gives; beyond this the stamp is stuck.
const SECOND_ROWS_MAX: usize = 1000;
/// 1970-01-01 to 2000-01-01, the epoch of some of these devices.
const EPOCH_2000_S: f64 = 946_684_800.0;
/// Stamps below this count from 2000 (they would be before 2008), unless they count from the device's start.
const SINCE_2000_BELOW_S: f64 = 1.2e9;
const SINCE_START_BELOW_S: f64 = 1e8;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    pub(super) clock_s: f64,
    /// NaN where the dialect has no date.
    pub(super) utc_ms: f64,
}

impl Moment {
    fn of_unix(unix_s: f64) -> Self {
        let utc_ms = if unix_s < SINCE_START_BELOW_S {
            f64::NAN
        } else {
            unix_s * 1000.0
        };
        Self {
            clock_s: unix_s,
            utc_ms,
        }
    }
}

type Give<'g> = &'g mut dyn FnMut(Moment, &Row);

pub(super) enum Timeline {
    InOrder(Window),
    TimeOfDay(Window, DayClock),
    Seconds(Seconds),
}

impl Timeline {
    pub(super) fn new(dialect: StampedDialect) -> Self {
        match dialect {
            StampedDialect::Arrival => Self::InOrder(Window::default()),
            StampedDialect::TimeOfDay => Self::TimeOfDay(Window::default(), DayClock::default()),
            StampedDialect::WholeSeconds | StampedDialect::MixedSeconds => Self::Seconds(Seconds::default()),
        }
    }

    /// Takes a row and gives those whose time is settled; false when the stamp is no time at all.
    pub(super) fn add(&mut self, stamp: f64, row: Row, give: Give<'_>) -> bool {
        match self {
            Self::InOrder(window) => {
                window.add(Moment::of_unix(stamp), row, give);
                true
            }
            Self::TimeOfDay(window, days) => {
                let Some(of_day_s) = packed_time_s(stamp) else {
                    return false;
                };
                debug_assert!(of_day_s < DAY_S + 2.0);
                window.add(
                    Moment {
                        clock_s: days.unroll(of_day_s),
                        utc_ms: f64::NAN,
                    },
                    row,
                    give,
                );
                true
            }
            Self::Seconds(seconds) => {
                if stamp < 0.0 {
                    return false;
                }
                let since_2000 = (SINCE_START_BELOW_S..SINCE_2000_BELOW_S).contains(&stamp);
                let unix_s = if since_2000 { stamp + EPOCH_2000_S } else { stamp };
                seconds.add(unix_s.floor(), row, give);
                true
            }
        }
    }

    /// Gives what still waits.
    pub(super) fn finish(self, give: Give<'_>) {
        match self {
            Self::InOrder(window) | Self::TimeOfDay(window, _) => window.finish(give),
            Self::Seconds(seconds) => seconds.finish(give),
        }
    }
}

/// Rows in order of time, the earliest first.
#[derive(Default)]
pub(super) struct Window {
    rows: std::collections::VecDeque<(Moment, Row)>,
}

impl Window {
    fn add(&mut self, moment: Moment, row: Row, give: Give<'_>) {
        let newest_s = self
            .rows
            .back()
            .map_or(f64::NEG_INFINITY, |(newest, _)| newest.clock_s);
        if newest_s - moment.clock_s > LATE_MAX_S {
            self.give_all(give);
        }
        let place = self
            .rows
            .partition_point(|(other, _)| other.clock_s <= moment.clock_s);
        self.rows.insert(place, (moment, row));
        if self.rows.len() > WINDOW_ROWS
            && let Some((moment, row)) = self.rows.pop_front()
        {
            give(moment, &row);
        }
    }

    fn give_all(&mut self, give: Give<'_>) {
        for (moment, row) in self.rows.drain(..) {
            give(moment, &row);
        }
    }

    fn finish(mut self, give: Give<'_>) {
        self.give_all(give);
    }
}

/// The rows of the current second.
#[derive(Default)]
pub(super) struct Seconds {
    second_s: f64,
    rows: Vec<Row>,
    /// The first second begins somewhere within: its rows wait until the next tells how many make a whole one.
    first: Option<(f64, Vec<Row>)>,
    /// Rows of the last whole second; 0 before there was one.
    per_second: usize,
}

impl Seconds {
    fn add(&mut self, second_s: f64, row: Row, give: Give<'_>) {
        if self.rows.is_empty() {
            self.second_s = second_s;
        } else if second_s != self.second_s || self.rows.len() == SECOND_ROWS_MAX {
            self.close(give);
            self.second_s = second_s;
        }
        self.rows.push(row);
    }

    /// The current second is over.
    fn close(&mut self, give: Give<'_>) {
        let rows = std::mem::take(&mut self.rows);
        if self.per_second == 0 && self.first.is_none() {
            self.first = Some((self.second_s, rows));
            return;
        }
        if let Some((second_s, first)) = self.first.take() {
            // What is missing of the first second is missing at its start.
            let whole = rows.len().max(first.len());
            spread(second_s, &first, whole - first.len(), whole, give);
        }
        self.per_second = rows.len();
        spread(self.second_s, &rows, 0, rows.len(), give);
    }

    fn finish(mut self, give: Give<'_>) {
        let rows = std::mem::take(&mut self.rows);
        let before = self
            .first
            .as_ref()
            .map_or(self.per_second, |(_, first)| first.len());
        if let Some((second_s, first)) = self.first.take() {
            let whole = rows.len().max(first.len());
            spread(second_s, &first, whole - first.len(), whole, give);
        }
        // What is missing of the last second is missing at its end.
        spread(self.second_s, &rows, 0, rows.len().max(before), give);
    }
}

/// Row `i` of a second that holds `whole` rows, of which the first `missing` were not written.
fn spread(second_s: f64, rows: &[Row], missing: usize, whole: usize, give: Give<'_>) {
    for (i, row) in rows.iter().enumerate() {
        let fraction_s = (missing + i) as f64 / whole as f64;
        give(Moment::of_unix(second_s + fraction_s), row);
    }
}
