//! Progress along the track as a closed formula of time.

use crate::line::Line;
use crate::profile::Profile;
use crate::spline;
use crate::track::{Track, norm};

/// Spacing of the coefficients: with the averaging below, brakes and throttle come on over about a third of a second.
const STEP_S: f64 = 0.1;

/// Coefficients before time 0 and after the end that the spline and the averaging reach for.
const MARGIN: usize = spline::REACH + 2;

/// `u` over time: a spline whose coefficients are the integrated profile, averaged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Motion {
    coefficients_u: Vec<f64>,
    duration_s: f64,
}

impl Motion {
    /// Drives `profile` along `line`; stands still for `parked_s` before and after (0 for a rolling start, which then
    /// begins and ends a moment inside the profile).
    pub(crate) fn new(track: &Track, line: &Line, profile: &Profile, parked_s: f64) -> Self {
        let moving = even_in_time(&clocked(track, line, profile));
        let parked = libm::round(parked_s / STEP_S) as usize;
        let padding = if parked == 0 { 0 } else { parked + MARGIN };
        let mut raw = Vec::with_capacity(moving.len() + 2 * padding);
        raw.extend(std::iter::repeat_n(moving[0], padding));
        raw.extend_from_slice(&moving);
        raw.extend(std::iter::repeat_n(moving[moving.len() - 1], padding));
        let duration_s = (raw.len() - 1 - 2 * MARGIN) as f64 * STEP_S;
        Self {
            coefficients_u: averaged(&raw),
            duration_s,
        }
    }

    pub(crate) fn duration_s(&self) -> f64 {
        self.duration_s
    }

    /// `u` and its first two derivatives by time.
    pub(crate) fn at(&self, time_s: f64) -> [f64; 3] {
        let last = self.coefficients_u.len() as i64 - 1;
        let x = time_s.clamp(0.0, self.duration_s) / STEP_S + MARGIN as f64;
        let [u, d1, d2, _] = spline::at(x, |i| self.coefficients_u[i.clamp(0, last) as usize]);
        [u, d1 / STEP_S, d2 / (STEP_S * STEP_S)]
    }
}

/// A grid point of the profile with the time it is reached.
#[derive(Clone, Copy)]
struct Clocked {
    time_s: f64,
    u: f64,
    speed_mps: f64,
}

/// Integrates with even acceleration within a step, which also leaves a standstill.
fn clocked(track: &Track, line: &Line, profile: &Profile) -> Vec<Clocked> {
    let mut out: Vec<Clocked> = Vec::new();
    for (u, speed_mps) in profile.grid() {
        let time_s = out.last().map_or(0.0, |before| {
            let middle = (before.u + u) / 2.0;
            let step_m = norm(line.at(track, middle).d1) * (u - before.u);
            before.time_s + 2.0 * step_m / (before.speed_mps + speed_mps)
        });
        out.push(Clocked { time_s, u, speed_mps });
    }
    out
}

/// `u` at every `STEP_S`.
fn even_in_time(clocked: &[Clocked]) -> Vec<f64> {
    let mut out = Vec::new();
    let mut time_s = 0.0;
    for pair in clocked.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let takes_s = to.time_s - from.time_s;
        while time_s < to.time_s {
            let share = (time_s - from.time_s) / takes_s;
            let gain = from.speed_mps * share + (to.speed_mps - from.speed_mps) * share * share / 2.0;
            out.push(from.u + (to.u - from.u) * gain / ((from.speed_mps + to.speed_mps) / 2.0));
            time_s = out.len() as f64 * STEP_S;
        }
    }
    out
}

/// Binomial weights over five neighbours; the ends are held.
fn averaged(raw: &[f64]) -> Vec<f64> {
    let last = raw.len() as i64 - 1;
    let at = |i: i64| raw[i.clamp(0, last) as usize];
    (0..=last)
        .map(|i| (at(i - 2) + 4.0 * at(i - 1) + 6.0 * at(i) + 4.0 * at(i + 1) + at(i + 2)) / 16.0)
        .collect()
}
