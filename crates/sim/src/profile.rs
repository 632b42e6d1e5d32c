//! The fastest speed along a line that grip, power and brakes allow.

use crate::line::Line;
use crate::track::{Track, norm};
use crate::vehicle::{G_MPS2, Vehicle};

/// Grid steps per unit of `u`.
const STEPS_PER_U: f64 = 8.0;

/// What the driver makes of the vehicle at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Share of grip, power and brakes that is used.
    pub(crate) effort: f64,
    /// A rule, not physics: the pit lane.
    pub(crate) speed_limit_mps: f64,
}

/// Speed over `u` on an even grid.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    first_u: f64,
    speed_mps: Vec<f64>,
}

/// How the vehicle is found at an end of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    Standing,
    Rolling,
}

impl Profile {
    /// Limits by curvature first, then what can be reached by accelerating (forward), then what can be left again by
    /// braking (backward).
    pub(crate) fn new(
        (track, line, vehicle): (&Track, &Line, &Vehicle),
        (from_u, to_u): (f64, f64),
        ends: Ends,
        pace: impl Fn(f64) -> Pace,
    ) -> Self {
        let count = libm::ceil((to_u - from_u) * STEPS_PER_U) as usize + 1;
        let points: Vec<Point> = (0..count)
            .map(|i| {
                let u = from_u + i as f64 / STEPS_PER_U;
                let at = line.at(track, u);
                let pace = pace(u);
                let curvature = libm::fabs(at.curvature_per_m()).max(1e-6);
                let grip_mps2 = pace.effort * vehicle.lateral_g * G_MPS2;
                Point {
                    curvature,
                    step_m: norm(at.d1) / STEPS_PER_U,
                    effort: pace.effort,
                    limit_mps: libm::sqrt(grip_mps2 / curvature).min(pace.speed_limit_mps),
                }
            })
            .collect();
        let mut speed_mps: Vec<f64> = points.iter().map(|p| p.limit_mps).collect();
        if ends == Ends::Standing {
            speed_mps[0] = 0.0;
            speed_mps[count - 1] = 0.0;
        }
        for i in 1..count {
            let (point, v) = (&points[i - 1], speed_mps[i - 1]);
            let reach2 = v * v + 2.0 * point.drive_mps2(vehicle, v) * point.step_m;
            speed_mps[i] = speed_mps[i].min(libm::sqrt(reach2.max(0.0)));
        }
        for i in (1..count).rev() {
            let (point, v) = (&points[i], speed_mps[i]);
            let reach2 = v * v + 2.0 * point.brake_mps2(vehicle, v) * point.step_m;
            speed_mps[i - 1] = speed_mps[i - 1].min(libm::sqrt(reach2));
        }
        Self {
            first_u: from_u,
            speed_mps,
        }
    }

    /// Speed at `u`, within the profile.
    pub(crate) fn speed_mps(&self, u: f64) -> f64 {
        let x = (u - self.first_u) * STEPS_PER_U;
        let cell = (libm::floor(x).max(0.0) as usize).min(self.speed_mps.len() - 2);
        let share = x - cell as f64;
        self.speed_mps[cell] + share * (self.speed_mps[cell + 1] - self.speed_mps[cell])
    }

    pub(crate) fn grid(&self) -> impl Iterator<Item = (f64, f64)> {
        (0..)
            .zip(&self.speed_mps)
            .map(|(i, &v)| (self.first_u + f64::from(i) / STEPS_PER_U, v))
    }

    /// The same grid with other speeds, each from its `u` and what it was.
    pub(crate) fn mapped(&self, speed_mps: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            first_u: self.first_u,
            speed_mps: self.grid().map(|(u, v)| speed_mps(u, v)).collect(),
        }
    }
}

struct Point {
    curvature: f64,
    step_m: f64,
    effort: f64,
    limit_mps: f64,
}

impl Point {
    /// Share of grip that cornering leaves, by the friction circle.
    fn spare(&self, vehicle: &Vehicle, v: f64) -> f64 {
        let used = v * v * self.curvature / (self.effort * vehicle.lateral_g * G_MPS2);
        libm::sqrt((1.0 - used * used).max(0.0))
    }

    fn drive_mps2(&self, vehicle: &Vehicle, v: f64) -> f64 {
        let grip = self.spare(vehicle, v) * vehicle.traction_g * G_MPS2;
        let engine = vehicle.power_w / (vehicle.mass_kg * v.max(1.0));
        self.effort * grip.min(engine) - resistance_mps2(vehicle, v)
    }

    fn brake_mps2(&self, vehicle: &Vehicle, v: f64) -> f64 {
        self.effort * self.spare(vehicle, v) * vehicle.braking_g * G_MPS2 + resistance_mps2(vehicle, v)
    }
}

fn resistance_mps2(vehicle: &Vehicle, v: f64) -> f64 {
    vehicle.drag_n_per_mps2 * v * v / vehicle.mass_kg + vehicle.rolling_g * G_MPS2
}
