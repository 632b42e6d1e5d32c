//! Stretches of fixes that were kept but are not good: off the track between two jumps, or weak by their own account.
//!
//! They stay in the drive, because a hole would hide what the receiver said; they are told, and do not count as covered.

use std::ops::Range;

use timing::{Plane, Point};

use crate::model::{Fix, Message};

/// As wide as a race track: a fix that is worse says nothing about the line that was driven.
const WEAK_ACCURACY_M: f32 = 15.0;
/// A place in three dimensions and a clock need four.
const SATELLITES_MIN: f32 = 4.0;
/// Two jumps are there and back when they undo each other but for this share of the longer one.
const OPPOSITE_SHARE: f64 = 0.5;
/// A person reads the first few; the count tells of the others.
const JUMPS_TOLD: usize = 5;

/// Whether the receiver itself calls the fix bad; what it does not say is believed.
pub(super) fn is_weak(fix: &Fix) -> bool {
    fix.accuracy_m > WEAK_ACCURACY_M || fix.satellites < SATELLITES_MIN
}

/// The shorter side of each pair of jumps that undo each other.
pub(super) fn off_track(fixes: &[Fix], time_s: &[f64], jumps: &[usize]) -> Vec<Range<usize>> {
    let mut off: Vec<Range<usize>> = Vec::new();
    let mut k = 0;
    while k + 1 < jumps.len() {
        let (away, back) = (jumps[k], jumps[k + 1]);
        if !undo_each_other(way(fixes, away), way(fixes, back)) {
            k += 1;
            continue;
        }
        let between_s = time_s[back] - time_s[away];
        let all_s = time_s[time_s.len() - 1] - time_s[0];
        if between_s <= all_s - between_s {
            off.push(away..back);
        } else {
            off.extend([0..away, back..fixes.len()]);
        }
        k += 2;
    }
    off
}

fn undo_each_other(away: Point, back: Point) -> bool {
    (away + back).length_m() <= OPPOSITE_SHARE * away.length_m().max(back.length_m())
}

/// From the fix before to this one.
fn way(fixes: &[Fix], i: usize) -> Point {
    let (from, to) = (&fixes[i - 1], &fixes[i]);
    Plane::at(from.lat_deg, from.lon_deg).point(to.lat_deg, to.lon_deg)
}

/// When the position jumped and how far, and for how long it stayed away.
pub(super) fn jumps_told(
    fixes: &[Fix],
    time_s: &[f64],
    jumps: &[usize],
    off: &[Range<usize>],
) -> Option<Message> {
    if jumps.is_empty() {
        return None;
    }
    let told: Vec<String> = jumps
        .iter()
        .take(JUMPS_TOLD)
        .map(|&i| format!("by {:.0} m at {:.1} s", way(fixes, i).length_m(), time_s[i]))
        .collect();
    let times = match jumps.len() {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let more = if jumps.len() > JUMPS_TOLD { ", …" } else { "" };
    let off_s: f64 = off
        .iter()
        .map(|range| time_s[range.end.min(time_s.len() - 1)] - time_s[range.start])
        .sum();
    let away = if off.is_empty() {
        String::new()
    } else {
        format!(" For {off_s:.1} s it was off the driven line; that time does not count as covered.")
    };
    Some(Message {
        code: "position_jump".to_owned(),
        text: format!(
            "The GPS position jumped {times} as no vehicle can: {}{more}.{away} Laps with a jump in them are not timed.",
            told.join(", ")
        ),
        line: None,
    })
}

/// The share of fixes that the receiver itself calls bad.
pub(super) fn weakness_told(fixes: &[Fix]) -> Option<Message> {
    let weak = fixes.iter().filter(|fix| is_weak(fix)).count();
    (weak > 0).then(|| Message {
        code: "weak_fixes".to_owned(),
        text: format!(
            "{weak} of {} GPS fixes ({:.1} %) are weak: fewer than {SATELLITES_MIN} satellites or an accuracy worse than \
             {WEAK_ACCURACY_M} m by the receiver's own account. They do not count as covered; an antenna with a free \
             view of the sky would be right.",
            fixes.len(),
            100.0 * weak as f64 / fixes.len() as f64
        ),
        line: None,
    })
}
