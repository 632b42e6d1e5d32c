//! Uniform B-splines of degree five, unit knot spacing.
//!
//! Degree five because the third derivative must be continuous: speed along a line is its first, the g that an IMU
//! sees its second, and a jump there would show as a kick that no vehicle makes. The coefficients are not
//! interpolated but averaged, which keeps straights exactly straight and a monotone sequence monotone.

/// Coefficients on either side that a value depends on.
pub(crate) const REACH: usize = 3;

const DEGREE: usize = 5;
const SUPPORT: usize = DEGREE + 1;

/// Value and first three derivatives at `x`, where coefficient `i` sits at `x = i`. `coefficient` is asked for
/// indices within [`REACH`] of `x`.
pub(crate) fn at(x: f64, coefficient: impl Fn(i64) -> f64) -> [f64; 4] {
    let cell = libm::floor(x);
    let t = x - cell;
    let first = cell as i64 - 2;
    let mut window = [0.0; SUPPORT];
    for (j, slot) in (0..).zip(window.iter_mut()) {
        *slot = coefficient(first + j);
    }
    let mut out = [0.0; 4];
    for (order, slot) in out.iter_mut().enumerate() {
        let degree = DEGREE - order;
        let weights = basis(degree, t);
        *slot = weights
            .iter()
            .zip(&window)
            .take(degree + 1)
            .map(|(w, c)| w * c)
            .sum();
        for j in 0..degree {
            window[j] = window[j + 1] - window[j];
        }
    }
    out
}

/// The `degree + 1` weights at `t` in a cell, by Cox and de Boor's recursion.
fn basis(degree: usize, t: f64) -> [f64; SUPPORT] {
    let mut weights = [0.0; SUPPORT];
    weights[0] = 1.0;
    for k in 1..=degree {
        let size = k as f64;
        for j in (0..=k).rev() {
            let at = j as f64;
            let from_left = if j > 0 {
                (t + size - at) / size * weights[j - 1]
            } else {
                0.0
            };
            let stays = if j < k {
                (1.0 - t + at) / size * weights[j]
            } else {
                0.0
            };
            weights[j] = from_left + stays;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_sequence_is_reproduced_exactly() {
        let [value, slope, bend, jerk] = at(7.3, |i| 2.0 * i as f64 + 1.0);
        assert!((value - 15.6).abs() < 1e-12);
        assert!((slope - 2.0).abs() < 1e-12);
        assert!(bend.abs() < 1e-12 && jerk.abs() < 1e-12);
    }

    #[test]
    fn derivatives_agree_with_differences_of_the_value() {
        let wavy = |i: i64| (i as f64 * 0.9).sin() * 5.0;
        let h = 1e-4;
        for x in [3.0, 3.37, 9.999, 12.5] {
            let d = at(x, wavy);
            let (below, above) = (at(x - h, wavy), at(x + h, wavy));
            for order in 0..3 {
                let difference = (above[order] - below[order]) / (2.0 * h);
                assert!((difference - d[order + 1]).abs() < 1e-6, "order {order} at {x}");
            }
        }
    }
}
