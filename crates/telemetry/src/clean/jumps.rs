//! Fixes that no vehicle could have reached.
//!
//! A fix out of reach is held back. If the track returns to where the vehicle can be, what was held back was a jump;
//! if what was held back goes on consistently, the receiver has found itself again (or was wrong before) and the way
//! between is unknown, which is kept as a fact of the drive.

use std::ops::Range;

use timing::Plane;

use super::speeds::SPEED_MAX_MPS;
use super::{Tally, retain_indexed};
use crate::model::Fix;

/// More than any vehicle on wheels does on a track, with room for a receiver's lag.
const ACCELERATION_MPS2: f64 = 15.0;
/// Used where the file has no speed: 432 km/h. A speed that is recorded says itself what is possible.
const TOP_SPEED_MPS: f64 = 120.0;
/// A receiver that wanders under trees is not jumping.
const SLACK_M: f64 = 10.0;
/// A new place is believed after this many consistent fixes over at least this time.
const SETTLED_FIXES: usize = 8;
const SETTLED_S: f64 = 1.0;

/// Drops jumps; gives back the indices, among the fixes kept, to which the way from the fix before is unknown.
pub(super) fn drop_jumps(fixes: &mut Vec<Fix>, time_s: &mut Vec<f64>, tally: &mut Tally) -> Vec<usize> {
    let (dropped, breaks) = find(fixes, time_s);
    if dropped.is_empty() && breaks.is_empty() {
        return Vec::new();
    }
    let mut keep = vec![true; fixes.len()];
    for range in dropped {
        keep[range].fill(false);
    }
    // Counted here, because a wrong beginning may hold jumps of its own.
    tally.jump += keep.iter().filter(|kept| !**kept).count() as u64;
    let mut jumps = Vec::new();
    let mut kept = 0;
    let mut breaks = breaks.into_iter().peekable();
    for (i, kept_here) in keep.iter().enumerate() {
        if breaks.next_if_eq(&i).is_some() && kept > 0 {
            jumps.push(kept);
        }
        kept += usize::from(*kept_here);
    }
    retain_indexed(fixes, time_s, |i| keep[i]);
    jumps
}

/// What to drop and where the track begins anew, both ascending.
fn find(fixes: &[Fix], time_s: &[f64]) -> (Vec<Range<usize>>, Vec<usize>) {
    let mut dropped: Vec<Range<usize>> = Vec::new();
    let mut breaks = Vec::new();
    // The last believed fix, where its unbroken run began, and what is held back since.
    let mut run_start = 0;
    let mut last = 0;
    let mut held: Range<usize> = 0..0;
    let mut pace = Pace::default();
    for i in 1..fixes.len() {
        if within_reach(fixes, time_s, last, i, pace.mps) {
            pace.step(metres(fixes, last, i), time_s[i] - time_s[last]);
            if !held.is_empty() {
                dropped.push(held.clone());
            }
            (last, held) = (i, i..i);
        } else if !held.is_empty() && within_reach(fixes, time_s, i - 1, i, None) {
            held.end = i + 1;
            if held.len() >= SETTLED_FIXES && time_s[i] - time_s[held.start] >= SETTLED_S {
                if last + 1 - run_start < SETTLED_FIXES {
                    // It was the beginning that was wrong.
                    dropped.push(run_start..last + 1);
                }
                breaks.push(held.start);
                (run_start, last, held) = (held.start, i, i..i);
                pace = Pace::default();
            }
        } else {
            if !held.is_empty() {
                dropped.push(held);
            }
            held = i..i + 1;
        }
    }
    if !held.is_empty() {
        dropped.push(held);
    }
    dropped.sort_by_key(|range| range.start);
    (dropped, breaks)
}

/// The speed of the believed way, for files that say none: it falls no faster than a vehicle that coasts, so that a
/// repeated position does not make the next one a jump.
#[derive(Debug, Default)]
struct Pace {
    mps: Option<f32>,
}

impl Pace {
    const COASTING_MPS2: f64 = 5.0;

    fn step(&mut self, way_m: f64, step_s: f64) {
        if step_s > 0.0 {
            let coasted = f64::from(self.mps.unwrap_or(0.0)) - Self::COASTING_MPS2 * step_s;
            self.mps = Some((way_m / step_s).max(coasted) as f32);
        }
    }
}

fn metres(fixes: &[Fix], a: usize, b: usize) -> f64 {
    Plane::at(fixes[a].lat_deg, fixes[a].lon_deg)
        .point(fixes[b].lat_deg, fixes[b].lon_deg)
        .length_m()
}

/// `pace_mps` stands in for a speed that neither of the two fixes says.
fn within_reach(fixes: &[Fix], time_s: &[f64], a: usize, b: usize, pace_mps: Option<f32>) -> bool {
    let step_s = time_s[b] - time_s[a];
    let recorded_mps = fixes[a].speed_mps.max(fixes[b].speed_mps);
    let (known_mps, top_mps) = if recorded_mps.is_nan() {
        (pace_mps, TOP_SPEED_MPS)
    } else {
        (Some(recorded_mps), f64::from(SPEED_MAX_MPS))
    };
    let by_speed_m = known_mps.map_or(f64::INFINITY, |mps| {
        f64::from(mps) * step_s + 0.5 * ACCELERATION_MPS2 * step_s * step_s
    });
    metres(fixes, a, b) <= SLACK_M + by_speed_m.min(top_mps * step_s)
}
