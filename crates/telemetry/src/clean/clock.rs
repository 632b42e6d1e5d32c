//! The time of every fix: the receiver's own UTC where it is as fine as the fixes, else the recording's clock.
//!
//! The receiver stamps a fix when it was true, a logger when it arrived (45–70 ms later, jittering), so UTC is better;
//! but some loggers write UTC in whole seconds beside a millisecond tick.

use super::{Tally, retain_indexed};
use crate::columns::Clock;
use crate::model::{Fix, Message};

/// How the times in a recording become seconds since its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeBase {
    /// For the recording's own clock.
    pub clock: Clock,
    /// UTC of second 0, if the receiver ever told the date.
    pub start_utc_ms: Option<f64>,
}

/// A step longer than this between two fixes is no pause (a logger's file goes on over a weekend or a holiday) but a
/// receiver that learned the date (1970, 1980, 2000, 1024 weeks ago).
const DATE_CHANGE_S: f64 = 31.0 * 86_400.0;

/// A run of equal stamps is spread over at most this: it is a clock of whole seconds.
const COARSE_TICK_MAX_S: f64 = 2.0;

/// Seconds since the start of the recording for each fix that has a time.
pub(super) fn times(fixes: &mut Vec<Fix>, base: TimeBase, tally: &mut Tally) -> Vec<f64> {
    let by_utc_from_ms = base.start_utc_ms.filter(|_| utc_is_fine(fixes));
    let mut time_s: Vec<f64> = fixes
        .iter()
        .map(|fix| match by_utc_from_ms {
            Some(start_utc_ms) if fix.utc_ms.is_finite() => (fix.utc_ms - start_utc_ms) / 1000.0,
            Some(_) | None => base.clock.time_s(fix.clock_s),
        })
        .collect();
    let before = fixes.len();
    if time_s.iter().any(|t| !t.is_finite()) {
        let finite: Vec<bool> = time_s.iter().map(|t| t.is_finite()).collect();
        retain_indexed(fixes, &mut time_s, |i| finite[i]);
    }
    let left_out = keep_longest_era(fixes, &mut time_s);
    if left_out > 0 {
        let records = if left_out == 1 { "fix is" } else { "fixes are" };
        tally.messages.push(Message {
            code: "other_dates_left_out".to_owned(),
            text: format!(
                "{left_out} GPS {records} more than a day away from the longest stretch of the file and left out; \
                 give each day a file of its own."
            ),
            line: None,
        });
    }
    tally.time_jump += (before - fixes.len()) as u64;
    if spread_coarse_ticks(fixes, &mut time_s) {
        tally.messages.push(Message {
            code: "coarse_clock".to_owned(),
            text: "Several fixes share each time stamp. They were spread evenly up to the next stamp, so a lap time \
                   is only as good as that; a logger that writes milliseconds would be right."
                .to_owned(),
            line: None,
        });
    }
    time_s
}

fn utc_is_fine(fixes: &[Fix]) -> bool {
    let steps = |of: fn(&Fix) -> f64| {
        fixes
            .windows(2)
            .filter(|pair| of(&pair[1]).is_finite() && of(&pair[1]) != of(&pair[0]))
            .count()
    };
    let (utc, clock) = (steps(|fix| fix.utc_ms), steps(|fix| fix.clock_s));
    utc > 0 && utc * 10 >= clock * 9
}

/// A receiver that learns the date under way splits the recording in eras; the one with most fixes is believed.
/// Gives back how many were left out.
fn keep_longest_era(fixes: &mut Vec<Fix>, time_s: &mut Vec<f64>) -> usize {
    let (mut start, mut longest) = (0, 0..0);
    for i in 1..=time_s.len() {
        if i < time_s.len() && (time_s[i] - time_s[i - 1]).abs() <= DATE_CHANGE_S {
            continue;
        }
        if i - start > longest.len() {
            longest = start..i;
        }
        start = i;
    }
    if longest.len() < time_s.len() {
        let held = fixes.len();
        retain_indexed(fixes, time_s, |i| longest.contains(&i));
        return held - fixes.len();
    }
    0
}

/// Spreads runs of equal stamps at different places evenly up to the next stamp, where that is the recording's habit.
fn spread_coarse_ticks(fixes: &[Fix], time_s: &mut [f64]) -> bool {
    let shared = (1..fixes.len())
        .filter(|&i| time_s[i] == time_s[i - 1] && moved(&fixes[i - 1], &fixes[i]))
        .count();
    // One stamp for all of them is no clock at all: nothing says over how long to spread.
    if shared * 3 < fixes.len() || time_s.first() == time_s.last() {
        return false;
    }
    let mut start = 0;
    while start < time_s.len() {
        let stamp_s = time_s[start];
        let run = time_s[start..].iter().take_while(|&&t| t == stamp_s).count();
        let until_next_s = time_s.get(start + run).map_or(1.0, |next| next - stamp_s);
        let span_s = if until_next_s > 0.0 {
            until_next_s.min(COARSE_TICK_MAX_S)
        } else {
            1.0
        };
        for (k, time) in time_s[start..start + run].iter_mut().enumerate() {
            *time = stamp_s + span_s * k as f64 / run as f64;
        }
        start += run;
    }
    true
}

fn moved(a: &Fix, b: &Fix) -> bool {
    a.lat_deg != b.lat_deg || a.lon_deg != b.lon_deg
}
