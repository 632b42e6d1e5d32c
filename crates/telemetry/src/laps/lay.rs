//! Laying a gate: from a shape that somebody wrote to a line on this drive's ground, facing the way it was driven.

use timing::{Gate, Plane, Point, great_circle_m};

use crate::clean::Drive;
use crate::model::GateShape;

/// A gate further than this from every fix belongs to another circuit.
pub(super) const NEAR_M: f64 = 5_000.0;
/// Width of a gate of which only the middle is known: a wide circuit and a receiver's error, but not the pit lane of
/// most circuits.
pub(super) const DEFAULT_WIDTH_M: f64 = 40.0;
/// Fixes this near a gate tell the direction of travel there.
const AROUND_M: f64 = 30.0;
/// A receiver's course means nothing below this.
const MOVING_MPS: f32 = 3.0;
/// A line through a point is this much wider to each side than the passes that were seen.
const ROOM_M: f64 = 15.0;
/// Passes looked at to find the direction of travel; more would not change it.
const PASSES_MAX: usize = 500;

/// Why a shape gives no gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Refusal {
    /// Metres to the nearest corner of what was driven.
    TooFar(f64),
    /// No fix came within the radius.
    NotPassed,
    /// Two ends at one point.
    NoWidth,
}

/// How two points are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// The two ends of the gate.
    Ends,
    /// The ends, or a point and a second point further along the way: whatever fits the travel direction there.
    Unsure,
}

pub(super) fn lay(drive: &Drive, shape: GateShape, reading: Reading) -> Result<Gate, Refusal> {
    let plane = drive.plane();
    let place = place_of(shape);
    let away_m = distance_from_drive_m(drive, place);
    if away_m > NEAR_M {
        return Err(Refusal::TooFar(away_m));
    }
    match shape {
        GateShape::Ends { a, b } => {
            let (a, b) = (plane.point(a.0, a.1), plane.point(b.0, b.1));
            let along = reading == Reading::Unsure && lies_along(drive, a, b);
            let gate = if along {
                Gate::across(a, (b - a).bearing_deg(), DEFAULT_WIDTH_M)
            } else {
                Gate::between(a, b).ok_or(Refusal::NoWidth)?
            };
            Ok(facing_travel(drive, gate))
        }
        GateShape::Bearing {
            at,
            bearing_deg,
            width_m,
        } => {
            let gate = Gate::across(plane.point(at.0, at.1), bearing_deg, width_m);
            // A direction that somebody wrote down is kept while anybody drove it.
            Ok(if crossings(drive, &gate) > 0 {
                gate
            } else {
                facing_travel(drive, gate)
            })
        }
        GateShape::Radius { at, radius_m } => {
            across_travel(drive, plane.point(at.0, at.1), radius_m).ok_or(Refusal::NotPassed)
        }
    }
}

pub(super) fn place_of(shape: GateShape) -> (f64, f64) {
    match shape {
        GateShape::Ends { a, b } => {
            // Halfway by way of a plane, because two longitudes may have the date line between them.
            let plane = Plane::at(a.0, a.1);
            plane.degrees(plane.point(b.0, b.1) * 0.5)
        }
        GateShape::Bearing { at, .. } | GateShape::Radius { at, .. } => at,
    }
}

/// From a place to the box around everything driven: 0 inside.
pub(super) fn distance_from_drive_m(drive: &Drive, place: (f64, f64)) -> f64 {
    let Some((low, high)) = drive.bounds() else {
        return f64::INFINITY;
    };
    let plane = drive.plane();
    // The plane bends thousands of kilometres away, so what is not surely near is asked on the sphere.
    let middle = plane.degrees((low + high) * 0.5);
    let reach_m = (high - low).length_m() * 0.5;
    let far_m = great_circle_m(middle, place) - reach_m;
    if far_m > 10.0 * NEAR_M {
        return far_m;
    }
    let at = plane.point(place.0, place.1);
    let nearest = Point::new(at.x_m.clamp(low.x_m, high.x_m), at.y_m.clamp(low.y_m, high.y_m));
    (at - nearest).length_m()
}

/// How often the drive leads over a gate forwards.
pub(super) fn crossings(drive: &Drive, gate: &Gate) -> usize {
    crossings_of(drive.points(), gate)
}

pub(super) fn crossings_of(points: impl Iterator<Item = Point>, gate: &Gate) -> usize {
    let mut last = None;
    let mut count = 0;
    for at in points {
        if let Some(before) = last.replace(at) {
            count += usize::from(gate.crossing(before, at).is_some());
        }
    }
    count
}

/// The gate or its reverse, whichever was crossed more often; as given when nobody can tell.
fn facing_travel(drive: &Drive, gate: Gate) -> Gate {
    let reversed = gate.reversed();
    if crossings(drive, &reversed) > crossings(drive, &gate) {
        reversed
    } else {
        gate
    }
}

/// Whether the way from `a` to `b` is along the travel there rather than across it.
fn lies_along(drive: &Drive, a: Point, b: Point) -> bool {
    let Some(step) = (b - a).unit() else { return true };
    let middle = (a + b) * 0.5;
    let reach_m = AROUND_M.max((b - a).length_m());
    // Weights of "along" and "across": the squares of cosine and sine, so that both directions of travel agree.
    let (mut along, mut fixes) = (0.0, 0.0);
    for (i, at) in drive.points().enumerate() {
        if (at - middle).length_m() > reach_m {
            continue;
        }
        if let Some(forward) = travel_at(drive, i) {
            along += forward.dot(step) * forward.dot(step);
            fixes += 1.0;
        }
    }
    // Nobody near: a gate that is a direction is the older and more common dialect.
    fixes == 0.0 || along > 0.5 * fixes
}

/// Unit step of travel at a fix, from the receiver's course or from the neighbours; `None` when standing.
pub(super) fn travel_at(drive: &Drive, i: usize) -> Option<Point> {
    let fix = &drive.fixes[i];
    if fix.speed_mps < MOVING_MPS {
        return None;
    }
    if fix.heading_deg.is_finite() {
        return Some(Point::heading(f64::from(fix.heading_deg)));
    }
    let (from, to) = (i.saturating_sub(1), (i + 1).min(drive.len() - 1));
    (drive.point(to) - drive.point(from)).unit()
}

/// A line through a point, across the travel at closest approach, over the passes that go the most common way.
///
/// It is as wide as those passes need: a generous radius must not make a line that reaches the next piece of road.
fn across_travel(drive: &Drive, centre: Point, radius_m: f64) -> Option<Gate> {
    let passes = passes_within(drive, centre, radius_m);
    let along = |way: Point| passes.iter().filter(move |pass| pass.way.dot(way) > 0.5);
    // `max_by_key` takes the last of equals; the first is the one a reader expects, hence the reversal.
    let common = passes.iter().rev().max_by_key(|pass| along(pass.way).count())?;
    let ahead = along(common.way)
        .fold(Point::default(), |sum, pass| sum + pass.way)
        .unit()?;
    let furthest_m = along(common.way).map(|pass| pass.away_m).fold(0.0, f64::max);
    let half_m = radius_m.min(furthest_m + ROOM_M);
    Some(Gate::across(centre, ahead.bearing_deg(), 2.0 * half_m))
}

/// The closest approach of one pass by a point.
struct Approach {
    away_m: f64,
    way: Point,
}

/// The closest approach of each pass. Steps, not fixes, decide what is near: at 1 Hz and 60 m/s no fix need lie within
/// 20 m of a point on the road.
fn passes_within(drive: &Drive, centre: Point, radius_m: f64) -> Vec<Approach> {
    let mut passes = Vec::new();
    let mut nearest: Option<Approach> = None;
    let mut last: Option<Point> = None;
    for at in drive.points() {
        let Some(before) = last.replace(at) else { continue };
        let step = at - before;
        let Some(way) = step.unit() else { continue };
        let share = ((centre - before).dot(way) / step.length_m()).clamp(0.0, 1.0);
        let away_m = (before + step * share - centre).length_m();
        if away_m <= radius_m {
            if nearest.as_ref().is_none_or(|closest| away_m < closest.away_m) {
                nearest = Some(Approach { away_m, way });
            }
        } else if let Some(pass) = nearest.take() {
            passes.push(pass);
            if passes.len() == PASSES_MAX {
                return passes;
            }
        }
    }
    passes.extend(nearest);
    passes
}
