//! The payloads: the same first 48 bytes, and then each its own way. All little-endian.

use crate::model::Fix;

use crate::formats::cells::is_place;
use crate::formats::channels::narrow;
use crate::formats::date::midnight_utc_ms;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    NavPvt,
    RaceBox,
}

impl Kind {
    /// NAV-PVT has 84 bytes in the oldest protocol and 92 today; both RaceBox messages have 80.
    pub(super) fn of(class: u8, id: u8, length: usize) -> Option<Self> {
        match (class, id) {
            (0x01, 0x07) if (84..=92).contains(&length) => Some(Self::NavPvt),
            (0xFF, 0x01 | 0x21) if length == 80 => Some(Self::RaceBox),
            _ => None,
        }
    }
}

/// One navigation solution.
pub(super) struct Solution {
    pub(super) of_week_s: f64,
    utc_ms: f64,
    has_fix: bool,
    satellites: u8,
    lon_deg: f64,
    lat_deg: f64,
    alt_m: f64,
    accuracy_m: f64,
    speed_mps: f64,
    heading_deg: f64,
    pub(super) speed_accuracy_mps: f64,
    pub(super) pdop: f64,
    /// Acceleration in g and rotation in degrees a second, x y z.
    pub(super) inertial: Option<[f64; 6]>,
}

impl Solution {
    /// Reads a payload; nothing if it is shorter than its kind.
    pub(super) fn read(kind: Kind, payload: &[u8]) -> Option<Self> {
        let bytes = Bytes(payload);
        let is_racebox = kind == Kind::RaceBox;
        let [speed, heading, speed_accuracy, pdop] = match kind {
            Kind::NavPvt => [60, 64, 68, 76],
            Kind::RaceBox => [48, 52, 56, 64],
        };
        // 2D and 3D fixes, with or without dead reckoning; RaceBox says in another place that its position is void.
        let flagged = matches!(bytes.u8(20)?, 2..=4) && bytes.u8(21)? & 1 == 1;
        let inertial = match kind {
            Kind::NavPvt => None,
            Kind::RaceBox => Some(bytes.inertial()?),
        };
        Some(Self {
            of_week_s: f64::from(bytes.u32(0)?) / 1000.0,
            utc_ms: bytes.utc_ms()?,
            has_fix: flagged && !(is_racebox && bytes.u8(66)? & 1 == 1),
            satellites: bytes.u8(23)?,
            lon_deg: f64::from(bytes.i32(24)?) * 1e-7,
            lat_deg: f64::from(bytes.i32(28)?) * 1e-7,
            alt_m: f64::from(bytes.i32(36)?) / 1000.0,
            accuracy_m: f64::from(bytes.u32(40)?) / 1000.0,
            speed_mps: f64::from(bytes.i32(speed)?) / 1000.0,
            heading_deg: f64::from(bytes.i32(heading)?) * 1e-5,
            speed_accuracy_mps: f64::from(bytes.u32(speed_accuracy)?) / 1000.0,
            pdop: f64::from(bytes.u16(pdop)?) / 100.0,
            inertial,
        })
    }

    /// The fix, if the receiver vouches for it.
    pub(super) fn fix(&self, clock_s: f64) -> Option<Fix> {
        (self.has_fix && is_place(self.lat_deg, self.lon_deg)).then(|| Fix {
            clock_s,
            utc_ms: self.utc_ms,
            lat_deg: self.lat_deg,
            lon_deg: self.lon_deg,
            alt_m: narrow(self.alt_m),
            speed_mps: narrow(self.speed_mps),
            heading_deg: narrow(self.heading_deg),
            accuracy_m: narrow(self.accuracy_m),
            satellites: f32::from(self.satellites),
        })
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..)?.first_chunk::<N>().copied()
    }

    fn u8(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn i16(&self, at: usize) -> Option<f64> {
        self.array(at).map(|bytes| f64::from(i16::from_le_bytes(bytes)))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn i32(&self, at: usize) -> Option<i32> {
        self.array(at).map(i32::from_le_bytes)
    }

    /// Date and time, where the receiver calls both valid; nanoseconds may be negative, as seconds are rounded.
    fn utc_ms(&self) -> Option<f64> {
        let year = i16::try_from(self.u16(4)?).unwrap_or(0);
        let [month, day, hour, minute, second, valid] = self.array(6)?;
        let nanos = f64::from(self.i32(16)?);
        if valid & 0b11 != 0b11 {
            return Some(f64::NAN);
        }
        let [month, day] = [month, day].map(|part| i8::try_from(part).unwrap_or(0));
        let midnight = midnight_utc_ms(year, month, day).unwrap_or(f64::NAN);
        let of_day_s = f64::from(hour) * 3600.0 + f64::from(minute) * 60.0 + f64::from(second);
        Some(midnight + of_day_s * 1000.0 + nanos / 1e6)
    }

    fn inertial(&self) -> Option<[f64; 6]> {
        let [acc_x, acc_y, acc_z] = [self.i16(68)?, self.i16(70)?, self.i16(72)?].map(|milli| milli / 1000.0);
        let [gyro_x, gyro_y, gyro_z] =
            [self.i16(74)?, self.i16(76)?, self.i16(78)?].map(|centi| centi / 100.0);
        Some([acc_x, acc_y, acc_z, gyro_x, gyro_y, gyro_z])
    }
}

const WEEK_S: f64 = 604_800.0;

/// Unrolls the time of week over the end of a GPS week (Saturday to Sunday, 18 s before midnight UTC).
#[derive(Default)]
pub(super) struct WeekClock {
    last_s: Option<f64>,
    weeks: f64,
}

impl WeekClock {
    pub(super) fn unroll(&mut self, of_week_s: f64) -> f64 {
        if self.last_s.is_some_and(|last| last - of_week_s > WEEK_S / 2.0) {
            self.weeks += 1.0;
        }
        self.last_s = Some(of_week_s);
        of_week_s + self.weeks * WEEK_S
    }
}
