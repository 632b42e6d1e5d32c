//! A circuit: straights joined by arcs, smoothed into one closed curve.

use crate::drive::Gate;
use crate::geo::Plane;
use crate::spline;

/// A corner of the sketch a track is made from: where its two straights would meet, and the radius that rounds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corner {
    pub east_m: f64,
    pub north_m: f64,
    pub radius_m: f64,
}

/// Why a sketch is no track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackError {
    /// Fewer than three corners do not enclose anything.
    TooFewCorners,
    /// The arcs of this corner and the next overlap on the straight between them.
    NoRoomAfter { corner: usize },
}

impl core::fmt::Display for TrackError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooFewCorners => write!(f, "a track needs at least three corners"),
            Self::NoRoomAfter { corner } => write!(
                f,
                "the arcs of corner {corner} and the next overlap; make a radius smaller or move them apart"
            ),
        }
    }
}

impl std::error::Error for TrackError {}

/// A closed centre line with a start line on its first straight.
///
/// Position along it is `u`: it grows by one for each control point and by [`Track::period`] for each lap, and is
/// nearly, not exactly, proportional to metres.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub name: &'static str,
    pub width_m: f64,
    pub altitude_m: f64,
    /// Half the difference between its lowest and highest point.
    pub relief_m: f64,
    plane: Plane,
    control_m: Vec<[f64; 2]>,
    spacing_m: f64,
    gate_u: f64,
}

/// What a track is made from.
pub(crate) struct Sketch<'a> {
    pub(crate) name: &'static str,
    pub(crate) origin_deg: [f64; 2],
    pub(crate) corners: &'a [Corner],
    /// Distance between control points; smoothing rounds over about as much.
    pub(crate) spacing_m: f64,
    pub(crate) width_m: f64,
    pub(crate) altitude_m: f64,
    pub(crate) relief_m: f64,
    /// Where on the straight between the first two corners the start line is, 0–1.
    pub(crate) gate_at: f64,
}

/// Curve and its first three derivatives by `u`, `[east, north]` in metres.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CurvePoint {
    pub(crate) at: [f64; 2],
    pub(crate) d1: [f64; 2],
    pub(crate) d2: [f64; 2],
    pub(crate) d3: [f64; 2],
}

impl Track {
    pub(crate) fn from_sketch(sketch: &Sketch<'_>) -> Result<Self, TrackError> {
        let arcs = arcs(sketch.corners)?;
        let pieces = pieces(&arcs);
        let length_m: f64 = pieces.iter().map(Piece::length_m).sum();
        let count = libm::round(length_m / sketch.spacing_m);
        let spacing_m = length_m / count;
        // The first arc is piece 0, the start straight piece 1.
        let gate_m = pieces[0].length_m() + sketch.gate_at * pieces[1].length_m();
        Ok(Self {
            name: sketch.name,
            width_m: sketch.width_m,
            altitude_m: sketch.altitude_m,
            relief_m: sketch.relief_m,
            plane: Plane::at(sketch.origin_deg[0], sketch.origin_deg[1]),
            control_m: (0..count as usize)
                .map(|i| point_at(&pieces, i as f64 * spacing_m))
                .collect(),
            spacing_m,
            gate_u: gate_m / spacing_m,
        })
    }

    pub fn plane(&self) -> &Plane {
        &self.plane
    }

    /// Growth of `u` in one lap.
    pub fn period(&self) -> f64 {
        self.control_m.len() as f64
    }

    /// Average metres per unit of `u`.
    pub fn spacing_m(&self) -> f64 {
        self.spacing_m
    }

    /// `u` of the start line.
    pub fn gate_u(&self) -> f64 {
        self.gate_u
    }

    /// The start line, as wide as the track and half as much again.
    pub fn gate(&self) -> Gate {
        self.gate_at(0.0, self.width_m * 1.5)
    }

    /// A line across the track, `share` of a lap after the start line (0–1), `width_m` wide in all.
    pub fn gate_at(&self, share: f64, width_m: f64) -> Gate {
        let point = self.curve(self.gate_u + share * self.period());
        let left = unit_left(point.d1);
        let end = |side: f64| {
            self.plane.to_degrees([
                point.at[0] + side * width_m / 2.0 * left[0],
                point.at[1] + side * width_m / 2.0 * left[1],
            ])
        };
        Gate {
            left_deg: end(1.0),
            right_deg: end(-1.0),
        }
    }

    /// Length of the centre line, by Simpson's rule on the smooth curve.
    pub fn length_m(&self) -> f64 {
        let steps_per_cell = 8;
        let n = self.control_m.len() * steps_per_cell;
        let h = 1.0 / steps_per_cell as f64;
        let speed = |i: usize| norm(self.curve(i as f64 * h).d1);
        (0..n)
            .map(|i| {
                let middle = norm(self.curve((i as f64 + 0.5) * h).d1);
                (speed(i) + 4.0 * middle + speed(i + 1)) * h / 6.0
            })
            .sum()
    }

    /// Altitude, one gentle wave a lap.
    pub(crate) fn altitude_m_at(&self, u: f64) -> f64 {
        let turn = core::f64::consts::TAU * (u - self.gate_u) / self.period();
        self.altitude_m + self.relief_m * libm::sin(turn)
    }

    pub(crate) fn curve(&self, u: f64) -> CurvePoint {
        let count = self.control_m.len() as i64;
        let axis = |k: usize| spline::at(u, |i| self.control_m[i.rem_euclid(count) as usize][k]);
        let (east, north) = (axis(0), axis(1));
        let pair = |order: usize| [east[order], north[order]];
        CurvePoint {
            at: pair(0),
            d1: pair(1),
            d2: pair(2),
            d3: pair(3),
        }
    }
}

pub(crate) fn norm(v: [f64; 2]) -> f64 {
    libm::sqrt(dot(v, v))
}

pub(crate) fn dot(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// The unit vector to the left of a direction.
pub(crate) fn unit_left(direction: [f64; 2]) -> [f64; 2] {
    let length = norm(direction);
    [-direction[1] / length, direction[0] / length]
}

struct Arc {
    entry_m: [f64; 2],
    centre_m: [f64; 2],
    radius_m: f64,
    /// Positive to the left.
    turn_rad: f64,
    exit_m: [f64; 2],
}

/// A fillet for every corner, checked to leave room on the straights.
fn arcs(corners: &[Corner]) -> Result<Vec<Arc>, TrackError> {
    let n = corners.len();
    if n < 3 {
        return Err(TrackError::TooFewCorners);
    }
    let xy = |i: usize| [corners[i % n].east_m, corners[i % n].north_m];
    let mut out = Vec::with_capacity(n);
    let mut tangents_m = Vec::with_capacity(n);
    for (i, corner) in corners.iter().enumerate() {
        let (before, here, after) = (xy(i + n - 1), xy(i), xy(i + 1));
        let inwards = unit([here[0] - before[0], here[1] - before[1]]);
        let outwards = unit([after[0] - here[0], after[1] - here[1]]);
        let cross = inwards[0] * outwards[1] - inwards[1] * outwards[0];
        let turn_rad = libm::atan2(cross, dot(inwards, outwards));
        let radius_m = corner.radius_m;
        let tangent_m = radius_m * libm::tan(libm::fabs(turn_rad) / 2.0);
        let entry_m = [here[0] - tangent_m * inwards[0], here[1] - tangent_m * inwards[1]];
        let side = if turn_rad < 0.0 { -radius_m } else { radius_m };
        out.push(Arc {
            entry_m,
            centre_m: [entry_m[0] - side * inwards[1], entry_m[1] + side * inwards[0]],
            radius_m,
            turn_rad,
            exit_m: [
                here[0] + tangent_m * outwards[0],
                here[1] + tangent_m * outwards[1],
            ],
        });
        tangents_m.push(tangent_m);
    }
    for i in 0..n {
        let (here, after) = (xy(i), xy(i + 1));
        let edge_m = norm([after[0] - here[0], after[1] - here[1]]);
        if tangents_m[i] + tangents_m[(i + 1) % n] > edge_m {
            return Err(TrackError::NoRoomAfter { corner: i });
        }
    }
    Ok(out)
}

fn unit(v: [f64; 2]) -> [f64; 2] {
    let length = norm(v);
    [v[0] / length, v[1] / length]
}

enum Piece<'a> {
    Bend(&'a Arc),
    Straight { from_m: [f64; 2], to_m: [f64; 2] },
}

impl Piece<'_> {
    fn length_m(&self) -> f64 {
        match self {
            Self::Bend(arc) => arc.radius_m * libm::fabs(arc.turn_rad),
            Self::Straight { from_m, to_m } => norm([to_m[0] - from_m[0], to_m[1] - from_m[1]]),
        }
    }

    fn point(&self, along_m: f64) -> [f64; 2] {
        match self {
            Self::Bend(arc) => {
                let angle = arc.turn_rad * along_m / self.length_m();
                let (sin, cos) = (libm::sin(angle), libm::cos(angle));
                let spoke = [arc.entry_m[0] - arc.centre_m[0], arc.entry_m[1] - arc.centre_m[1]];
                [
                    arc.centre_m[0] + cos * spoke[0] - sin * spoke[1],
                    arc.centre_m[1] + sin * spoke[0] + cos * spoke[1],
                ]
            }
            Self::Straight { from_m, to_m } => {
                let share = along_m / self.length_m();
                [
                    from_m[0] + share * (to_m[0] - from_m[0]),
                    from_m[1] + share * (to_m[1] - from_m[1]),
                ]
            }
        }
    }
}

fn pieces(arcs: &[Arc]) -> Vec<Piece<'_>> {
    let next = arcs.iter().cycle().skip(1);
    arcs.iter()
        .zip(next)
        .flat_map(|(arc, next)| {
            [
                Piece::Bend(arc),
                Piece::Straight {
                    from_m: arc.exit_m,
                    to_m: next.entry_m,
                },
            ]
        })
        .collect()
}

fn point_at(pieces: &[Piece<'_>], along_m: f64) -> [f64; 2] {
    let mut left_m = along_m;
    for piece in pieces {
        if left_m <= piece.length_m() {
            return piece.point(left_m);
        }
        left_m -= piece.length_m();
    }
    // Rounding can carry the last control point past the end, which is the beginning.
    pieces[0].point(0.0)
}
