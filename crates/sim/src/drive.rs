//! One drive: where the vehicle is at any time, and when it passed any line.

use crate::line::Line;
use crate::motion::Motion;
use crate::track::{Track, dot, norm, unit_left};
use crate::vehicle::{G_MPS2, Vehicle, VehicleKind};

/// A line on the ground, its ends named as seen in the direction of travel; `[latitude, longitude]` in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    pub left_deg: [f64; 2],
    pub right_deg: [f64; 2],
}

/// The vehicle at one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// Latitude and longitude.
    pub position_deg: [f64; 2],
    /// East and north of the track's origin.
    pub position_m: [f64; 2],
    pub altitude_m: f64,
    pub speed_mps: f64,
    /// Clockwise from north, 0–360; where it last pointed while standing.
    pub heading_deg: f64,
    /// Positive towards the left of the vehicle.
    pub lateral_g: f64,
    /// Positive when gaining speed.
    pub longitudinal_g: f64,
    /// Turning rate, positive to the left.
    pub yaw_rate_dps: f64,
    /// From upright, positive to the left; 0 for all but motorcycles.
    pub lean_deg: f64,
    /// Laps since the start line, fractional, negative before it.
    pub laps: f64,
}

/// A finished drive; time 0 is its beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Drive {
    track: Track,
    vehicle: Vehicle,
    line: Line,
    motion: Motion,
}

/// Spacing of the search for sign changes: 2 m at the speed of the fastest vehicle, less than the smallest gate.
const SEARCH_STEP_S: f64 = 0.02;

/// Below this the heading is the line's, not the velocity's.
const STANDING_MPS: f64 = 0.05;

impl Drive {
    pub(crate) fn new(track: Track, vehicle: Vehicle, line: Line, motion: Motion) -> Self {
        Self {
            track,
            vehicle,
            line,
            motion,
        }
    }

    pub fn track(&self) -> &Track {
        &self.track
    }

    pub fn vehicle(&self) -> &Vehicle {
        &self.vehicle
    }

    pub fn duration_s(&self) -> f64 {
        self.motion.duration_s()
    }

    /// The vehicle `time_s` after the beginning; before it and after the end it is where it began and ended.
    pub fn state_at(&self, time_s: f64) -> State {
        let [u, u1, u2] = self.motion.at(time_s);
        let point = self.line.at(&self.track, u);
        let velocity = point.d1.map(|d| d * u1);
        let acceleration = [0, 1].map(|k| point.d2[k] * u1 * u1 + point.d1[k] * u2);
        let speed_mps = norm(velocity);
        let forward = point.d1.map(|d| d / norm(point.d1));
        let lateral_mps2 = dot(acceleration, unit_left(forward));
        let yaw_rate_rps = if speed_mps > STANDING_MPS {
            lateral_mps2 / speed_mps
        } else {
            0.0
        };
        State {
            position_deg: self.track.plane().to_degrees(point.at),
            position_m: point.at,
            altitude_m: self.track.altitude_m_at(u),
            speed_mps,
            heading_deg: heading_deg(forward),
            lateral_g: lateral_mps2 / G_MPS2,
            longitudinal_g: dot(acceleration, forward) / G_MPS2,
            yaw_rate_dps: yaw_rate_rps.to_degrees(),
            lean_deg: match self.vehicle.kind {
                VehicleKind::Motorcycle => libm::atan(lateral_mps2 / G_MPS2).to_degrees(),
                VehicleKind::Car | VehicleKind::Kart => 0.0,
            },
            laps: (u - self.track.gate_u()) / self.track.period(),
        }
    }

    /// Every moment at which the vehicle passed between the gate's ends in its direction, in seconds, ascending,
    /// each solved to the resolution of `f64`.
    pub fn crossings(&self, gate: &Gate) -> Vec<f64> {
        let gate = GateLine::new(self, gate);
        let steps = libm::ceil(self.duration_s() / SEARCH_STEP_S) as u64;
        let mut out = Vec::new();
        let mut before = gate.signed_distance_m(self, 0.0);
        for step in 1..=steps {
            let time_s = (step as f64 * SEARCH_STEP_S).min(self.duration_s());
            let now = gate.signed_distance_m(self, time_s);
            if before < 0.0 && now >= 0.0 {
                let crossed_s = gate.solve(self, (step - 1) as f64 * SEARCH_STEP_S, time_s);
                if gate.is_between_ends(self, crossed_s) {
                    out.push(crossed_s);
                }
            }
            before = now;
        }
        out
    }

    /// Times from each crossing of the track's own start line to the next, in seconds: the true laps.
    pub fn lap_times_s(&self) -> Vec<f64> {
        let crossings = self.crossings(&self.track.gate());
        crossings.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    fn position_m(&self, time_s: f64) -> [f64; 2] {
        self.line.at(&self.track, self.motion.at(time_s)[0]).at
    }
}

fn heading_deg(forward: [f64; 2]) -> f64 {
    let degrees = libm::atan2(forward[0], forward[1]).to_degrees();
    if degrees < 0.0 { degrees + 360.0 } else { degrees }
}

/// A gate in metres.
struct GateLine {
    left: [f64; 2],
    along: [f64; 2],
    ahead: [f64; 2],
    width_m: f64,
}

impl GateLine {
    fn new(drive: &Drive, gate: &Gate) -> Self {
        let left = drive.track.plane().to_metres(gate.left_deg);
        let right = drive.track.plane().to_metres(gate.right_deg);
        let span = [right[0] - left[0], right[1] - left[1]];
        let width_m = norm(span);
        let along = span.map(|d| d / width_m);
        Self {
            left,
            along,
            ahead: unit_left(along),
            width_m,
        }
    }

    /// Positive once the line is passed.
    fn signed_distance_m(&self, drive: &Drive, time_s: f64) -> f64 {
        dot(self.left_to_vehicle(drive, time_s), self.ahead)
    }

    fn is_between_ends(&self, drive: &Drive, time_s: f64) -> bool {
        (0.0..=self.width_m).contains(&dot(self.left_to_vehicle(drive, time_s), self.along))
    }

    fn left_to_vehicle(&self, drive: &Drive, time_s: f64) -> [f64; 2] {
        let at = drive.position_m(time_s);
        [at[0] - self.left[0], at[1] - self.left[1]]
    }

    /// Bisection between a moment before and one after, until no number lies between.
    fn solve(&self, drive: &Drive, mut before_s: f64, mut after_s: f64) -> f64 {
        loop {
            let middle_s = before_s + (after_s - before_s) / 2.0;
            if middle_s <= before_s || middle_s >= after_s {
                return after_s;
            }
            if self.signed_distance_m(drive, middle_s) < 0.0 {
                before_s = middle_s;
            } else {
                after_s = middle_s;
            }
        }
    }
}
