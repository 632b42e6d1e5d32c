//! A GPS receiver looking at a drive: rate, rounding, noise, drift, dropouts, late arrival.

use rand::RngExt;

use crate::drive::Drive;
use crate::random::{Drift, normal};
use crate::seeded::SeededRng;

/// What a receiver does to the truth. [`Gps::perfect`] only samples and rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Gps {
    pub rate_hz: f64,
    /// White noise of each horizontal axis.
    pub noise_sigma_m: f64,
    /// Slow drift of each horizontal axis, with a time constant of a minute.
    pub drift_sigma_m: f64,
    /// White noise of the Doppler speed.
    pub speed_sigma_mps: f64,
    /// Decimals of a degree; `None` leaves full precision.
    pub decimals: Option<u32>,
    /// Time from the fix to its arrival at the logger, at least.
    pub latency_ms: f64,
    /// And at most this much more, evenly spread.
    pub jitter_ms: f64,
    /// Spans of drive time in which nothing arrives.
    pub dropouts_s: Vec<(f64, f64)>,
}

/// One fix as the receiver reports it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpsFix {
    /// Drive time of the fix; a whole number of milliseconds, as receivers align their epochs.
    pub time_s: f64,
    /// Drive time at which the logger hears of it.
    pub arrival_s: f64,
    pub lat_deg: f64,
    pub lon_deg: f64,
    pub alt_m: f64,
    pub speed_mps: f64,
    pub heading_deg: f64,
    pub satellites: u8,
}

const DRIFT_TAU_S: f64 = 60.0;
/// Vertical error of a receiver is about twice its horizontal one.
const VERTICAL_FACTOR: f64 = 2.0;

impl Gps {
    /// Seven decimals, no noise, instant arrival.
    pub fn perfect(rate_hz: f64) -> Self {
        Self {
            rate_hz,
            noise_sigma_m: 0.0,
            drift_sigma_m: 0.0,
            speed_sigma_mps: 0.0,
            decimals: Some(7),
            latency_ms: 0.0,
            jitter_ms: 0.0,
            dropouts_s: Vec::new(),
        }
    }

    /// Like [`Gps::perfect`] with white noise on the position.
    pub fn noisy(rate_hz: f64, noise_sigma_m: f64) -> Self {
        Self {
            noise_sigma_m,
            ..Self::perfect(rate_hz)
        }
    }

    /// A common 10 Hz module under an open sky: consecutive fixes agree to centimetres, the whole line wanders.
    pub fn believable() -> Self {
        Self {
            rate_hz: 10.0,
            noise_sigma_m: 0.06,
            drift_sigma_m: 0.8,
            speed_sigma_mps: 0.05,
            decimals: Some(7),
            latency_ms: 45.0,
            jitter_ms: 25.0,
            dropouts_s: Vec::new(),
        }
    }

    /// Every fix of the drive, in time order.
    pub fn sample(&self, drive: &Drive, rng: &mut SeededRng) -> Vec<GpsFix> {
        let mut drift = [(); 2].map(|()| Drift::new(self.drift_sigma_m, DRIFT_TAU_S, rng));
        let count = libm::floor(drive.duration_s() * self.rate_hz) as u64;
        let mut fixes = Vec::new();
        for i in 0..=count {
            let time_s = libm::round(i as f64 / self.rate_hz * 1_000.0) / 1_000.0;
            // Drawn for lost fixes too: a dropout must not change the noise of the fixes around it.
            let wander_m = [0, 1].map(|axis| drift[axis].step(1.0 / self.rate_hz, rng));
            let white = [(); 4].map(|()| normal(rng));
            let late_s = (self.latency_ms + self.jitter_ms * rng.random::<f64>()) / 1_000.0;
            if self
                .dropouts_s
                .iter()
                .any(|&(from_s, to_s)| (from_s..to_s).contains(&time_s))
            {
                continue;
            }
            let truth = drive.state_at(time_s);
            let seen_m = [0, 1].map(|k| truth.position_m[k] + wander_m[k] + self.noise_sigma_m * white[k]);
            let [lat_deg, lon_deg] = drive
                .track()
                .plane()
                .to_degrees(seen_m)
                .map(|degrees| self.rounded(degrees));
            fixes.push(GpsFix {
                time_s,
                arrival_s: time_s + late_s,
                lat_deg,
                lon_deg,
                alt_m: truth.altitude_m + VERTICAL_FACTOR * self.noise_sigma_m * white[2],
                speed_mps: (truth.speed_mps + self.speed_sigma_mps * white[3]).max(0.0),
                heading_deg: truth.heading_deg,
                satellites: 11 + (i / 200 % 4) as u8,
            });
        }
        fixes
    }

    fn rounded(&self, degrees: f64) -> f64 {
        match self.decimals {
            Some(decimals) => {
                let scale = libm::pow(10.0, f64::from(decimals));
                libm::round(degrees * scale) / scale
            }
            None => degrees,
        }
    }
}
