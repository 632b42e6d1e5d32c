//! A start line where nobody gave one: a fast, straight place that most laps pass.
//!
//! Fast, because the error of a crossing is the position's error over the speed; straight, because a heading that is
//! stable makes the gate's own direction certain. A way that never comes back has no such place.

use std::collections::HashMap;

use timing::{Gate, Point};

use super::lay::{DEFAULT_WIDTH_M, crossings_of};
use crate::clean::Drive;
use crate::median::median;

/// The driven line is looked at in steps of at least this.
const STEP_M: f64 = 5.0;
/// … and no further than 1 000 km: who has not come by again by then is on a journey.
const STEPS_MAX: usize = 200_000;
/// Straightness is judged this far to both sides.
const STRAIGHT_M: f64 = 40.0;
/// A bend of this over twice `STRAIGHT_M` makes a place worthless; half of it halves its worth.
const BEND_MAX_RAD: f64 = 0.2;
/// Cells in which passes are counted, and the way that makes a new pass.
const CELL_M: f64 = 50.0;
const NEW_PASS_M: f64 = 200.0;
/// Two laps need three passes; fewer is a road there and back.
const PASSES_MIN: usize = 3;
/// Places tried, and how far apart: 32 × 60 m cover the straights of any circuit.
const PLACES: usize = 32;
const PLACES_APART_M: f64 = 60.0;
/// A place must be passed about as often as its peers: less means a side road, more that two roads run beside each other.
const PASSES_SHARE: std::ops::RangeInclusive<f64> = 0.7..=1.3;
/// The line is widened for drivers who use all of the road, but not into the next one.
const WIDTH_MAX_M: f64 = 60.0;
const ROOM_M: f64 = 10.0;

/// A point of the thinned line.
#[derive(Debug, Clone, Copy)]
struct Step {
    at: Point,
    speed_mps: f64,
    passes: usize,
}

/// A place for a gate.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: Point,
    ahead: Point,
    worth: f64,
}

/// Finds a gate on the driven line; `None` for a way that does not repeat itself.
pub fn learn_gate(drive: &Drive) -> Option<Gate> {
    let steps = thinned(drive);
    let places = places(&steps);
    let gate = |place: &Place| Gate::across(place.at, place.ahead.bearing_deg(), DEFAULT_WIDTH_M);
    let counted: Vec<(usize, Place)> = places
        .into_iter()
        .map(|place| {
            (
                crossings_of(steps.iter().map(|step| step.at), &gate(&place)),
                place,
            )
        })
        .filter(|(passes, _)| *passes >= PASSES_MIN)
        .collect();
    let typical = median(counted.iter().map(|(passes, _)| *passes as f64))?;
    // Places come in order of worth.
    let (_, place) = counted
        .iter()
        .find(|(passes, _)| PASSES_SHARE.contains(&(*passes as f64 / typical)))?;
    Some(settled(&steps, gate(place)))
}

/// Points at least `STEP_M` apart, each with the number of times its surroundings were passed.
fn thinned(drive: &Drive) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut cells: HashMap<(i64, i64), (f64, usize)> = HashMap::new();
    let mut travelled_m = 0.0;
    for (at, fix) in drive.points().zip(&drive.fixes) {
        if let Some(last) = steps.last() {
            let moved_m = (at - last.at).length_m();
            if moved_m < STEP_M {
                continue;
            }
            travelled_m += moved_m;
        }
        let (last_m, passes) = cells.entry(cell(at)).or_insert((f64::NEG_INFINITY, 0));
        *passes += usize::from(travelled_m - *last_m > NEW_PASS_M);
        *last_m = travelled_m;
        steps.push(Step {
            at,
            speed_mps: f64::from(fix.speed_mps),
            passes: 0,
        });
        if steps.len() == STEPS_MAX {
            break;
        }
    }
    for step in &mut steps {
        step.passes = cells.get(&cell(step.at)).map_or(0, |(_, passes)| *passes);
    }
    steps
}

fn cell(at: Point) -> (i64, i64) {
    ((at.x_m / CELL_M).floor() as i64, (at.y_m / CELL_M).floor() as i64)
}

/// The best places on what was driven repeatedly, most worth first, apart from each other.
fn places(steps: &[Step]) -> Vec<Place> {
    let often = |step: &&Step| step.passes >= PASSES_MIN;
    let Some(typical) = median(steps.iter().filter(often).map(|step| step.passes as f64)) else {
        return Vec::new();
    };
    // A cell's border may run along the road and share its passes out to two cells.
    let enough = 0.5 * typical;
    let mut candidates: Vec<Place> = (0..steps.len())
        .filter(|&i| steps[i].passes >= PASSES_MIN && steps[i].passes as f64 >= enough)
        .filter_map(|i| place_at(steps, i))
        .collect();
    candidates.sort_by(|a, b| b.worth.total_cmp(&a.worth));
    let mut chosen: Vec<Place> = Vec::new();
    for place in candidates {
        let apart = |other: &Place| (other.at - place.at).length_m() >= PLACES_APART_M;
        if chosen.iter().all(apart) {
            chosen.push(place);
            if chosen.len() == PLACES {
                break;
            }
        }
    }
    chosen
}

fn place_at(steps: &[Step], i: usize) -> Option<Place> {
    let here = steps[i];
    let reach = |step: &&Step| (step.at - here.at).length_m() >= STRAIGHT_M;
    let window = (2.0 * STRAIGHT_M / STEP_M) as usize;
    let behind = steps[i.saturating_sub(window)..i].iter().rev().find(reach)?;
    let beyond = steps[i + 1..].iter().take(window).find(reach)?;
    let (to, from) = ((here.at - behind.at).unit()?, (beyond.at - here.at).unit()?);
    let bend_rad = to
        .dot(from.turned_right())
        .abs()
        .max(if to.dot(from) > 0.0 { 0.0 } else { 1.0 });
    let worth = here.speed_mps * (1.0 - bend_rad / BEND_MAX_RAD);
    let ahead = (beyond.at - behind.at).unit()?;
    (worth > 0.0).then_some(Place {
        at: here.at,
        ahead,
        worth,
    })
}

/// The gate moved to the middle of where it was crossed, turned across the mean way there, and wide enough for all.
fn settled(steps: &[Step], gate: Gate) -> Gate {
    let mut offsets_m = Vec::new();
    let mut ahead = Point::default();
    for pair in steps.windows(2) {
        if let Some(crossing) = gate.crossing(pair[0].at, pair[1].at) {
            offsets_m.push(crossing.offset_m);
            ahead = ahead + (pair[1].at - pair[0].at);
        }
    }
    let Some(middle_m) = median(offsets_m.iter().copied()) else {
        return gate;
    };
    let furthest_m = offsets_m
        .iter()
        .map(|offset| (offset - middle_m).abs())
        .fold(0.0, f64::max);
    let width_m = (2.0 * (furthest_m + ROOM_M)).clamp(DEFAULT_WIDTH_M, WIDTH_MAX_M);
    let centre = gate.centre() + gate.forward().turned_right() * middle_m;
    Gate::across(centre, ahead.bearing_deg(), width_m)
}
