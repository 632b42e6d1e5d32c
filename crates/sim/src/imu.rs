//! An inertial sensor fixed to the vehicle: x forward, y left, z up.

use crate::drive::Drive;
use crate::random::normal;
use crate::seeded::SeededRng;
use crate::vehicle::VehicleKind;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Imu {
    pub rate_hz: f64,
    pub acc_sigma_g: f64,
    pub gyro_sigma_dps: f64,
    pub acc_bias_g: [f64; 3],
    pub gyro_bias_dps: [f64; 3],
}

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImuSample {
    /// Drive time.
    pub time_s: f64,
    /// Specific force, gravity included: at rest `[0, 0, 1]`.
    pub acc_g: [f64; 3],
    /// Right-handed about each axis: a turn to the left is positive about z.
    pub gyro_dps: [f64; 3],
}

/// Half the span over which the roll rate is taken from the lean.
const ROLL_STEP_S: f64 = 0.005;

impl Imu {
    pub fn perfect(rate_hz: f64) -> Self {
        Self {
            rate_hz,
            acc_sigma_g: 0.0,
            gyro_sigma_dps: 0.0,
            acc_bias_g: [0.0; 3],
            gyro_bias_dps: [0.0; 3],
        }
    }

    /// A consumer chip at 100 Hz in a vehicle with an engine.
    pub fn believable() -> Self {
        Self {
            rate_hz: 100.0,
            acc_sigma_g: 0.035,
            gyro_sigma_dps: 0.6,
            acc_bias_g: [0.008, -0.012, 0.015],
            gyro_bias_dps: [0.25, -0.4, 0.15],
        }
    }

    /// Every reading of the drive, made as it is asked for: an hour is 360 000 of them.
    pub fn samples<'a>(
        &'a self,
        drive: &'a Drive,
        rng: &'a mut SeededRng,
    ) -> impl Iterator<Item = ImuSample> + 'a {
        let count = libm::floor(drive.duration_s() * self.rate_hz) as u64;
        (0..=count).map(move |i| self.sample(drive, i as f64 / self.rate_hz, rng))
    }

    fn sample(&self, drive: &Drive, time_s: f64, rng: &mut SeededRng) -> ImuSample {
        let (acc_g, gyro_dps) = felt(drive, time_s);
        ImuSample {
            time_s,
            acc_g: [0, 1, 2].map(|k| acc_g[k] + self.acc_bias_g[k] + self.acc_sigma_g * normal(rng)),
            gyro_dps: [0, 1, 2]
                .map(|k| gyro_dps[k] + self.gyro_bias_dps[k] + self.gyro_sigma_dps * normal(rng)),
        }
    }
}

/// Specific force and turning rate in the vehicle's own axes, which lean with a motorcycle: in a steady corner it feels
/// no side force, only more weight.
fn felt(drive: &Drive, time_s: f64) -> ([f64; 3], [f64; 3]) {
    let state = drive.state_at(time_s);
    let lean_rad = state.lean_deg.to_radians();
    let (sin, cos) = (libm::sin(lean_rad), libm::cos(lean_rad));
    let side_g = state.lateral_g * cos - sin;
    let weight_g = state.lateral_g * sin + cos;
    let yaw_dps = state.yaw_rate_dps;
    (
        [state.longitudinal_g, side_g, weight_g],
        [roll_dps(drive, time_s), -yaw_dps * sin, yaw_dps * cos],
    )
}

/// About the forward axis, where leaning to the left is negative.
fn roll_dps(drive: &Drive, time_s: f64) -> f64 {
    match drive.vehicle().kind {
        VehicleKind::Motorcycle => {
            let later_deg = drive.state_at(time_s + ROLL_STEP_S).lean_deg;
            let earlier_deg = drive.state_at(time_s - ROLL_STEP_S).lean_deg;
            -(later_deg - earlier_deg) / (2.0 * ROLL_STEP_S)
        }
        // These stay upright.
        VehicleKind::Car | VehicleKind::Kart => 0.0,
    }
}
