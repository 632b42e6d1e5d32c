//! Where the device is and how fast it moves, and what its sensors say of it.

use std::sync::Arc;

use device::recorder::{ImuCounts, ImuSample};
use device::time::Instant;

use super::course::Course;
use crate::gps::GpsFix;
use crate::ublox::{Spoken, Ublox};

/// Stretches of movement, in world time; between them it stands in the paddock, with satellites in sight.
#[derive(Debug, Clone, Default)]
pub struct Ride {
    pub moving: Vec<(Instant, Instant)>,
    /// Round and round, instead of straight on.
    pub is_oval: bool,
    /// Where it is in place of that, if it is driven somewhere.
    course: Option<Arc<Course>>,
    ublox: Ublox,
}

const SPEED_MPS: f64 = 25.0;
/// Half the oval's axes, in degrees of latitude and longitude: 170 m by 210 m.
const OVAL_DEG: (f64, f64) = (0.0015, 0.003);
/// The middle of the oval; its rightmost point is where a ride begins.
pub const OVAL_MIDDLE_DEG: (f64, f64) = (51.5, -1.25);
const ROUND_S: f64 = 41.7;
/// So much slower is each round than the one before.
const TIRES: f64 = 0.01;

impl Ride {
    pub fn new(moving: Vec<(Instant, Instant)>) -> Self {
        Self {
            moving,
            is_oval: false,
            course: None,
            ublox: Ublox::powered_on(),
        }
    }

    /// Round a track.
    pub fn along(course: Course) -> Self {
        Self {
            course: Some(Arc::new(course)),
            ..Self::new(Vec::new())
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

    fn place_deg(&self, now: Instant, time_s: f64) -> (f64, f64) {
        let (lat, lon) = OVAL_MIDDLE_DEG;
        if !self.is_oval {
            return (lat + time_s * 1e-6, lon);
        }
        let began = self.moving.iter().rev().find(|(from, _)| *from <= now);
        let driven_s = began.map_or(0.0, |(from, to)| {
            now.min(*to).since(*from).as_millis() as f64 / 1_000.0
        });
        let rounds = driven_s / ROUND_S;
        let angle = core::f64::consts::TAU * rounds / (1.0 + TIRES * rounds);
        (
            lat + OVAL_DEG.0 * libm::sin(angle),
            lon + OVAL_DEG.1 * libm::cos(angle),
        )
    }

    /// The receiver's line at this moment, as it sounds at the listener's speed.
    pub(super) fn line(&self, now: Instant, began_utc_ms: i64, baud: u32, is_blind: bool) -> Vec<u8> {
        let time_s = now.as_millis() as f64 / 1_000.0;
        let (lat_deg, lon_deg) = self.place_deg(now, time_s);
        let driven = self.course.as_ref().and_then(|course| course.fix(now));
        let fix = driven.unwrap_or(GpsFix {
            time_s,
            arrival_s: time_s,
            lat_deg,
            lon_deg,
            alt_m: 120.0,
            speed_mps: if self.is_moving(now) { SPEED_MPS } else { 0.1 },
            heading_deg: 0.0,
            satellites: 12,
        });
        let spoken = Spoken {
            fix: &fix,
            started_utc_ms: began_utc_ms,
            is_valid: !is_blind,
            has_time: !is_blind,
        };
        self.ublox.say(&spoken, baud)
    }

    /// An inertial sample, different from the one before.
    pub(super) fn imu(&self, now: Instant, tick_ms: u32, draw: u64) -> ImuSample {
        let wave = |step: u64| ((draw.wrapping_mul(step) >> 3) % 8_000) as i16 - 4_000;
        let driven = self.course.as_ref().and_then(|course| course.counts(now));
        let counts = driven.unwrap_or(ImuCounts {
            acc: [wave(977), wave(1_409), wave(2_221)],
            gyro: [wave(3_001), wave(4_099), wave(5_003)],
        });
        ImuSample { tick_ms, counts }
    }
}
