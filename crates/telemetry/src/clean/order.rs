//! One fix for each moment, in order of time.

use super::{Tally, retain_indexed};
use crate::model::{Fix, Message};
use timing::Plane;

/// Two fixes of one moment this close are one fix written twice.
const SAME_PLACE_M: f64 = 1.0;
/// Faster than this a vehicle is somewhere else at the next fix, to the last decimal.
const MOVING_MPS: f32 = 3.0;

/// Sorts rows that were only written out of order, drops those whose time is wrong, and repeats.
pub(super) fn in_time_order(fixes: &mut Vec<Fix>, time_s: &mut Vec<f64>, tally: &mut Tally) {
    sort_if_that_makes_sense(fixes, time_s, tally);
    let mut keep = vec![true; fixes.len()];
    let mut last: Option<usize> = None;
    for i in 0..fixes.len() {
        let Some(before) = last else {
            last = Some(i);
            continue;
        };
        let cause = if time_s[i] < time_s[before] {
            Some(&mut tally.time_backwards)
        } else if time_s[i] == time_s[before] {
            let place = metres_between(&fixes[before], &fixes[i]);
            Some(if place <= SAME_PLACE_M {
                &mut tally.duplicates
            } else {
                &mut tally.duplicate_time
            })
        } else if leaps_ahead(time_s, before, i) {
            Some(&mut tally.time_backwards)
        } else if is_stale(&fixes[before], &fixes[i]) {
            Some(&mut tally.duplicates)
        } else {
            None
        };
        match cause {
            Some(count) => {
                *count += 1;
                keep[i] = false;
            }
            None => last = Some(i),
        }
    }
    retain_indexed(fixes, time_s, |i| keep[i]);
}

/// One stamp too far ahead would make all that follow look late: it is the odd one when the next two fit without it.
fn leaps_ahead(time_s: &[f64], before: usize, i: usize) -> bool {
    match (time_s.get(i + 1), time_s.get(i + 2)) {
        (Some(&next), Some(&after)) => next < time_s[i] && next > time_s[before] && after > next,
        (Some(_) | None, _) => false,
    }
}

/// The same fix under a new stamp: loggers repeat the last fix when the receiver is late.
fn is_stale(before: &Fix, fix: &Fix) -> bool {
    fix.speed_mps > MOVING_MPS && fix.lat_deg == before.lat_deg && fix.lon_deg == before.lon_deg
}

/// Rows written out of order give a shorter way once sorted; a clock that stutters gives a longer one.
fn sort_if_that_makes_sense(fixes: &mut Vec<Fix>, time_s: &mut Vec<f64>, tally: &mut Tally) {
    let late = time_s.windows(2).filter(|pair| pair[1] < pair[0]).count();
    if late == 0 {
        return;
    }
    let mut order: Vec<u32> = (0..).take(fixes.len()).collect();
    order.sort_by(|&a, &b| time_s[a as usize].total_cmp(&time_s[b as usize]));
    let as_written_m = way_m(fixes.iter());
    let sorted_m = way_m(order.iter().map(|&i| &fixes[i as usize]));
    if sorted_m > as_written_m {
        return;
    }
    *fixes = order.iter().map(|&i| fixes[i as usize]).collect();
    *time_s = order.iter().map(|&i| time_s[i as usize]).collect();
    tally.messages.push(Message {
        code: "rows_sorted".to_owned(),
        text: if late == 1 {
            "1 row was not in order of time; the rows were sorted.".to_owned()
        } else {
            format!("{late} rows were not in order of time; they were sorted.")
        },
        line: None,
    });
}

fn way_m<'a>(fixes: impl Iterator<Item = &'a Fix>) -> f64 {
    let mut total_m = 0.0;
    let mut fixes = fixes.peekable();
    while let Some(fix) = fixes.next() {
        total_m += fixes.peek().map_or(0.0, |next| metres_between(fix, next));
    }
    total_m
}

fn metres_between(a: &Fix, b: &Fix) -> f64 {
    Plane::at(a.lat_deg, a.lon_deg)
        .point(b.lat_deg, b.lon_deg)
        .length_m()
}
