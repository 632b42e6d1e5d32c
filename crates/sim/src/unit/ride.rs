//! Where the device is and how fast it moves, and what its sensors say of it.

use device::recorder::{ImuCounts, ImuSample};
use device::time::Instant;

use crate::gps::GpsFix;
use crate::ublox::{Spoken, Ublox};

/// Stretches of movement, in world time; between them it stands in the paddock, with satellites in sight.
#[derive(Debug, Clone, Default)]
pub struct Ride {
    pub moving: Vec<(Instant, Instant)>,
    ublox: Ublox,
}

const SPEED_MPS: f64 = 25.0;

impl Ride {
    pub fn new(moving: Vec<(Instant, Instant)>) -> Self {
        Self {
            moving,
            ublox: Ublox::powered_on(),
        }
    }

    pub(super) fn power_cycle(&mut self) {
        self.ublox = Ublox::powered_on();
    }

    pub(super) fn hear(&mut self, bytes: &[u8], baud: u32) {
        self.ublox.hear(bytes, baud);
    }

    pub(super) fn period_ms(&self) -> u32 {
        self.ublox.period_ms()
    }

    fn is_moving(&self, now: Instant) -> bool {
        self.moving.iter().any(|(from, to)| (*from..*to).contains(&now))
    }

    /// The receiver's line at this moment, as it sounds at the listener's speed.
    pub(super) fn line(&self, now: Instant, began_utc_ms: i64, baud: u32, is_blind: bool) -> Vec<u8> {
        let time_s = now.as_millis() as f64 / 1_000.0;
        let fix = GpsFix {
            time_s,
            arrival_s: time_s,
            lat_deg: 51.5 + time_s * 1e-6,
            lon_deg: -1.25,
            alt_m: 120.0,
            speed_mps: if self.is_moving(now) { SPEED_MPS } else { 0.1 },
            heading_deg: 0.0,
            satellites: 12,
        };
        let spoken = Spoken {
            fix: &fix,
            started_utc_ms: began_utc_ms,
            is_valid: !is_blind,
            has_time: !is_blind,
        };
        self.ublox.say(&spoken, baud)
    }

    /// An inertial sample, different from the one before.
    pub(super) fn imu(&self, tick_ms: u32, draw: u64) -> ImuSample {
        let wave = |step: u64| ((draw.wrapping_mul(step) >> 3) % 8_000) as i16 - 4_000;
        ImuSample {
            tick_ms,
            counts: ImuCounts {
                acc: [wave(977), wave(1_409), wave(2_221)],
                gyro: [wave(3_001), wave(4_099), wave(5_003)],
            },
        }
    }
}
