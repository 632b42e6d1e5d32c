//! A drive round a track as the sensors of a device see it, at a moment of the world.

use std::time::Duration;

use device::recorder::{ImuCounts, ImuScale};
use device::time::Instant;

use crate::drive::Drive;
use crate::gps::{Gps, GpsFix};
use crate::imu::{Imu, ImuSample};
use crate::seeded::seeded;

/// See the module. Before it begins and after it ended the vehicle stands where it then is.
#[derive(Debug)]
pub struct Course {
    began: Instant,
    fixes: Vec<GpsFix>,
    samples: Vec<ImuSample>,
}

const FIXES_HZ: f64 = 10.0;
const SAMPLES_HZ: f64 = 100.0;

impl Course {
    /// The drive begins at that moment; another seed, other noise.
    pub fn new(drive: &Drive, began: Instant, seed: u64) -> Self {
        let mut rng = seeded(seed);
        // A fix that does not come cannot be stood in for by one in the same place.
        let gps = Gps {
            rate_hz: FIXES_HZ,
            dropouts_s: Vec::new(),
            ..Gps::believable()
        };
        Self {
            began,
            fixes: gps.sample(drive, &mut rng),
            samples: Imu::believable().samples(drive, &mut rng).collect(),
        }
    }

    pub fn ends(&self) -> Instant {
        let last_s = self.fixes.last().map_or(0.0, |fix| fix.time_s);
        self.began + Duration::from_secs_f64(last_s.max(0.0))
    }

    fn driven_s(&self, now: Instant) -> f64 {
        now.since(self.began).as_secs_f64()
    }

    /// Its time is the world's.
    pub(super) fn fix(&self, now: Instant) -> Option<GpsFix> {
        let place = (self.driven_s(now) * FIXES_HZ) as usize;
        let fix = self.fixes.get(place).or(self.fixes.last())?;
        let time_s = now.as_millis() as f64 / 1_000.0;
        Some(GpsFix {
            time_s,
            arrival_s: time_s,
            ..*fix
        })
    }

    pub(super) fn counts(&self, now: Instant) -> Option<ImuCounts> {
        let place = (self.driven_s(now) * SAMPLES_HZ) as usize;
        let sample = self.samples.get(place).or(self.samples.last())?;
        let scale = ImuScale::BMI;
        Some(ImuCounts {
            acc: sample.acc_g.map(|g| count(g * f64::from(scale.per_g))),
            gyro: sample
                .gyro_dps
                .map(|dps| count(dps * f64::from(scale.per_10_dps) / 10.0)),
        })
    }
}

/// A sensor's register holds its ends where more is felt.
fn count(value: f64) -> i16 {
    libm::round(value).clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Session, Vehicle, eschenried};

    #[test]
    fn a_standing_sensor_feels_its_weight_and_a_driven_one_is_where_the_drive_is() {
        let session = Session {
            timed_laps: 2,
            ..Session::default()
        };
        let drive = session.drive(&eschenried().unwrap(), &Vehicle::kart(), &mut seeded(1));
        let course = Course::new(&drive, Instant::from_secs(100), 2);
        let standing = course.counts(Instant::BOOT).unwrap();
        assert!((standing.acc[2] - 8192).abs() < 2000, "{standing:?}");
        for at_s in [0_u64, 30, 70] {
            let fix = course.fix(Instant::from_secs(100 + at_s)).unwrap();
            let truth = drive.state_at(at_s as f64);
            assert!((fix.lat_deg - truth.position_deg[0]).abs() < 1e-4);
            assert!((fix.speed_mps - truth.speed_mps).abs() < 0.5);
            assert_eq!(fix.time_s, (100 + at_s) as f64);
        }
        let span_s = course.ends().since(Instant::from_secs(100)).as_secs_f64();
        assert!((span_s - drive.duration_s()).abs() < 0.2);
    }
}
