//! The driven line: the centre line moved sideways by an offset that changes smoothly.

use crate::spline;
use crate::track::{Track, dot, norm};

/// Coefficients of the offset per unit of `u`: coarse enough that changing it costs no grip worth mentioning, fine
/// enough that a change made on a straight stays there.
const U_PER_COEFFICIENT: f64 = 2.0;

/// Offset to the left of the centre line, by `u`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    first_u: f64,
    offsets_m: Vec<f64>,
}

/// Position and its first two derivatives by `u`, `[east, north]` in metres.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinePoint {
    pub(crate) at: [f64; 2],
    pub(crate) d1: [f64; 2],
    pub(crate) d2: [f64; 2],
}

impl LinePoint {
    /// Signed, positive to the left.
    pub(crate) fn curvature_per_m(&self) -> f64 {
        let speed = norm(self.d1);
        (self.d1[0] * self.d2[1] - self.d1[1] * self.d2[0]) / (speed * speed * speed)
    }
}

impl Line {
    /// Samples `offset_m` over `from_u..to_u`; outside, the ends are held.
    pub(crate) fn new(from_u: f64, to_u: f64, offset_m: impl FnMut(f64) -> f64) -> Self {
        let count = libm::ceil((to_u - from_u) / U_PER_COEFFICIENT) as usize + 1;
        let at = |i: usize| from_u + i as f64 * U_PER_COEFFICIENT;
        Self {
            first_u: from_u,
            offsets_m: (0..count).map(at).map(offset_m).collect(),
        }
    }

    fn offset(&self, u: f64) -> [f64; 3] {
        let last = self.offsets_m.len() as i64 - 1;
        let [o, d1, d2, _] = spline::at((u - self.first_u) / U_PER_COEFFICIENT, |i| {
            self.offsets_m[i.clamp(0, last) as usize]
        });
        [
            o,
            d1 / U_PER_COEFFICIENT,
            d2 / (U_PER_COEFFICIENT * U_PER_COEFFICIENT),
        ]
    }

    /// With T and N the centre line's unit tangent and left normal, s′ its length per `u` and w = T′·N:
    /// P = C + oN, P′ = (s′ − ow)T + o′N, and once more.
    pub(crate) fn at(&self, track: &Track, u: f64) -> LinePoint {
        let curve = track.curve(u);
        let [o, o1, o2] = self.offset(u);
        let s1 = norm(curve.d1);
        let tangent = [curve.d1[0] / s1, curve.d1[1] / s1];
        let normal = [-tangent[1], tangent[0]];
        let s2 = dot(tangent, curve.d2);
        let w = dot(normal, curve.d2) / s1;
        let w1 = (dot(normal, curve.d3) - w * s2) / s1 - w * s2 / s1;
        let along = s1 - o * w;
        let along1 = s2 - o1 * w - o * w1;
        let combine = |t: f64, n: f64| [t * tangent[0] + n * normal[0], t * tangent[1] + n * normal[1]];
        let side = combine(0.0, o);
        LinePoint {
            at: [curve.at[0] + side[0], curve.at[1] + side[1]],
            d1: combine(along, o1),
            d2: combine(along1 - o1 * w, along * w + o2),
        }
    }
}
