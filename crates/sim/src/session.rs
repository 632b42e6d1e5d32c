//! What is driven: a session out of the pits and back, or laps that differ in exactly one known way.

use crate::drive::Drive;
use crate::line::Line;
use crate::motion::Motion;
use crate::profile::{Ends, Pace, Profile};
use crate::random::normal;
use crate::seeded::SeededRng;
use crate::track::{Track, norm};
use crate::vehicle::Vehicle;

/// A session out of the pits, some timed laps, and back in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Session {
    pub timed_laps: u32,
    /// Standing still before leaving and after coming back.
    pub parked_s: f64,
    /// Spread of the effort from lap to lap, as a share of grip.
    pub effort_sigma: f64,
    /// Spread of the line to the side.
    pub line_sigma_m: f64,
}

/// The driver's effort on the way out and in, as a share of that on a timed lap.
const OUT_LAP_EFFORT: f64 = 0.72;
const IN_LAP_EFFORT: f64 = 0.6;
/// Nobody drives at the whole limit.
const TIMED_EFFORT: f64 = 0.93;
const EFFORT_MAX: f64 = 1.0;
const EFFORTS_PER_LAP: f64 = 4.0;
const OFFSETS_PER_LAP: f64 = 12.0;
/// No rule but the road.
const UNLIMITED_MPS: f64 = 150.0;

impl Default for Session {
    fn default() -> Self {
        Self {
            timed_laps: 6,
            parked_s: 8.0,
            effort_sigma: 0.012,
            line_sigma_m: 0.6,
        }
    }
}

impl Session {
    /// Starts beside the track just after the start line, so the way out crosses nothing; ends beside it just before
    /// the line after `timed_laps` whole laps and an in lap: the start line is crossed `timed_laps + 1` times.
    pub fn drive(&self, track: &Track, vehicle: &Vehicle, rng: &mut SeededRng) -> Drive {
        let lane = PitLane::new(track, vehicle, self.timed_laps);
        let laps = f64::from(self.timed_laps) + 2.0;
        let side_limit_m = track.width_m / 2.0 - 1.0;
        let offsets = Wander::new(laps * OFFSETS_PER_LAP, || {
            (self.line_sigma_m * normal(rng)).clamp(-side_limit_m, side_limit_m)
        });
        let line = Line::new(lane.start_u, lane.stop_u, |u| {
            let share = lane.share(u);
            share * vehicle.pit_offset_m + (1.0 - share) * offsets.at(lane.laps(u) * OFFSETS_PER_LAP)
        });
        let efforts = Wander::new(laps * EFFORTS_PER_LAP, || self.effort_sigma * normal(rng));
        let pace = |u: f64| Pace {
            effort: (lane.effort(u) + efforts.at(lane.laps(u) * EFFORTS_PER_LAP)).min(EFFORT_MAX),
            speed_limit_mps: if lane.share(u) > 0.0 {
                vehicle.pit_speed_mps
            } else {
                UNLIMITED_MPS
            },
        };
        let span = (lane.start_u, lane.stop_u);
        let profile = Profile::new((track, &line, vehicle), span, Ends::Standing, pace);
        let motion = Motion::new(track, &line, &profile, self.parked_s);
        Drive::new(track.clone(), *vehicle, line, motion)
    }
}

/// Even steps of a random walk's values, joined by straight lines.
struct Wander {
    values: Vec<f64>,
}

impl Wander {
    fn new(span: f64, mut draw: impl FnMut() -> f64) -> Self {
        let count = libm::ceil(span) as usize + 2;
        Self {
            values: (0..count).map(|_| draw()).collect(),
        }
    }

    fn at(&self, x: f64) -> f64 {
        let cell = (libm::floor(x).max(0.0) as usize).min(self.values.len() - 2);
        self.values[cell] + (x - cell as f64) * (self.values[cell + 1] - self.values[cell])
    }
}

/// Where the pit lane leaves and joins, in `u`.
struct PitLane {
    gate_u: f64,
    period_u: f64,
    start_u: f64,
    stop_u: f64,
    blend_u: f64,
    timed_laps: f64,
}

impl PitLane {
    fn new(track: &Track, vehicle: &Vehicle, timed_laps: u32) -> Self {
        let blend_u = vehicle.pit_blend_m / track.spacing_m();
        let timed_laps = f64::from(timed_laps);
        Self {
            gate_u: track.gate_u(),
            period_u: track.period(),
            start_u: track.gate_u() + 0.25 * blend_u,
            stop_u: track.gate_u() + (timed_laps + 2.0) * track.period() - 0.5 * blend_u,
            blend_u,
            timed_laps,
        }
    }

    /// Laps since the gate that the vehicle started behind.
    fn laps(&self, u: f64) -> f64 {
        (u - self.gate_u) / self.period_u
    }

    /// How far over in the lane: 1 beside the track, 0 on it.
    fn share(&self, u: f64) -> f64 {
        let joined = 1.0 - (u - self.start_u - 0.25 * self.blend_u) / self.blend_u;
        let left = 1.0 - (self.stop_u - 0.25 * self.blend_u - u) / self.blend_u;
        joined.max(left).clamp(0.0, 1.0)
    }

    /// Changes over a tenth of a lap after the line.
    fn effort(&self, u: f64) -> f64 {
        let laps = self.laps(u);
        let blend = |from: f64, to: f64, x: f64| from + (to - from) * (x / 0.1).clamp(0.0, 1.0);
        let out = OUT_LAP_EFFORT * TIMED_EFFORT;
        if laps < self.timed_laps + 1.0 {
            // The driver is at full effort before the first timed lap begins.
            blend(out, TIMED_EFFORT, laps - 0.85)
        } else {
            blend(
                TIMED_EFFORT,
                IN_LAP_EFFORT * TIMED_EFFORT,
                laps - self.timed_laps - 1.0,
            )
        }
    }
}

/// What stays equal between a lap and the same lap on a longer line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// Position along the track over time: the lap times are equal and the delta is flat at zero.
    SameProgress,
    /// Speed over the ground at each position along the track: the longer line takes as much longer as it is longer.
    SameGroundSpeed,
}

/// A rolling recording of three laps on the centre line, the second moved sideways so that it is `extra_m` longer
/// than the first; the change of line straddles the start line, on the straight.
pub fn longer_line(track: &Track, vehicle: &Vehicle, extra_m: f64, pacing: Pacing) -> Drive {
    let lead_u = 0.2 * track.period();
    let span = (
        track.gate_u() - lead_u,
        track.gate_u() + 3.0 * track.period() + lead_u,
    );
    let line_at = |offset_m: f64| {
        Line::new(span.0, span.1, |u| {
            let lap = (u - track.gate_u()) / track.period();
            if (1.0..2.0).contains(&lap) { offset_m } else { 0.0 }
        })
    };
    let extra_at = |offset_m: f64| {
        let line = line_at(offset_m);
        lap_length_m(track, &line, 1.0) - lap_length_m(track, &line, 0.0)
    };
    // Moving a closed line sideways by o makes it 2πo longer or shorter, whatever its shape, depending on the way
    // round; what the change-over costs is quadratic and found by a few corrections.
    let outwards = if extra_at(1.0) > 0.0 { 1.0 } else { -1.0 };
    let mut offset_m = 0.0;
    for _ in 0..LENGTH_CORRECTIONS {
        offset_m += outwards * (extra_m - extra_at(offset_m)) / core::f64::consts::TAU;
    }
    let line = line_at(offset_m);
    let centre = line_at(0.0);
    let pace = |_: f64| Pace {
        effort: TIMED_EFFORT,
        speed_limit_mps: UNLIMITED_MPS,
    };
    // Every lap is driven at the speeds of the middle one on the centre line, which knows no beginning and no end.
    let base = Profile::new((track, &centre, vehicle), span, Ends::Rolling, pace);
    let middle_u = track.gate_u() + track.period();
    let periodic = |u: f64| base.speed_mps(middle_u + (u - middle_u).rem_euclid(track.period()));
    let profile = base.mapped(|u, _| {
        let stretch = match pacing {
            Pacing::SameGroundSpeed => 1.0,
            Pacing::SameProgress => norm(line.at(track, u).d1) / norm(centre.at(track, u).d1),
        };
        stretch * periodic(u)
    });
    let motion = Motion::new(track, &line, &profile, 0.0);
    Drive::new(track.clone(), *vehicle, line, motion)
}

/// Each one leaves a hundredth of the error of the one before.
const LENGTH_CORRECTIONS: usize = 6;

fn lap_length_m(track: &Track, line: &Line, lap: f64) -> f64 {
    let steps_per_u = 8.0;
    let steps = (track.period() * steps_per_u) as usize;
    let from_u = track.gate_u() + lap * track.period();
    let speed = |i: f64| norm(line.at(track, from_u + i / steps_per_u).d1);
    (0..steps)
        .map(|i| i as f64)
        .map(|i| speed(i) + 4.0 * speed(i + 0.5) + speed(i + 1.0))
        .sum::<f64>()
        / (6.0 * steps_per_u)
}
