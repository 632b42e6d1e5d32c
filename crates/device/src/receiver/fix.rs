//! NAV-PVT as a fix in the units of a recording.

use wire::recording::Gps;

use crate::clock::Civil;

/// One solution of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fix {
    /// Position, speed and, where the receiver is sure of it, time. The supply's voltage is not its business.
    pub gps: Gps,
    /// The receiver vouches for the position.
    pub is_valid: bool,
    /// Estimated error of the position, one sigma.
    pub accuracy_mm: u32,
    /// Milliseconds of the week, by which one solution is known from the next.
    pub itow_ms: u32,
}

pub(super) const NAV_PVT_BYTES: usize = 92;

/// `valid`: date, time, and no doubt about leap seconds or weeks.
const TIME_RESOLVED: u8 = 0b0000_0111;
/// `flags`: within the receiver's own limits.
const FIX_OK: u8 = 0b0000_0001;
/// `flags3`: longitude, latitude and heights are not to be used.
const INVALID_POSITION: u8 = 0b0000_0001;

/// Fields of the payload by their place, as u-blox's interface description numbers them.
struct Fields<'p>(&'p [u8; NAV_PVT_BYTES]);

impl Fields<'_> {
    fn u1(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }

    fn four(&self, at: usize) -> [u8; 4] {
        let bytes = self.0.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().unwrap_or_default()
    }

    fn u4(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.four(at))
    }

    fn i4(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.four(at))
    }

    fn u2(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.u1(at), self.u1(at + 1)])
    }

    fn epoch_ms(&self) -> Option<i64> {
        if self.u1(11) & TIME_RESOLVED != TIME_RESOLVED {
            return None;
        }
        let second = Civil {
            year: self.u2(4),
            month: self.u1(6),
            day: self.u1(7),
            hour: self.u1(8),
            minute: self.u1(9),
            second: self.u1(10),
        };
        // From −1 s to 1 s around the second; to the nearest millisecond.
        let part_ms = (i64::from(self.i4(16)) + 500_000).div_euclid(1_000_000);
        Some(second.unix()?.0 + part_ms)
    }
}

/// Reads the payload of a NAV-PVT.
pub(super) fn read(payload: &[u8; NAV_PVT_BYTES]) -> Fix {
    let fields = Fields(payload);
    let dimensions_known = matches!(fields.u1(20), 2..=4);
    let is_valid = dimensions_known && fields.u1(21) & FIX_OK != 0 && fields.u1(78) & INVALID_POSITION == 0;
    Fix {
        gps: Gps {
            lat_e7_deg: fields.i4(28),
            lon_e7_deg: fields.i4(24),
            alt_cm: rounded(fields.i4(36), 10),
            // mm/s: × 3600 / 1 000 000 km/h, in hundredths.
            speed_e2_kmh: rounded(fields.i4(60).clamp(-1_000_000, 1_000_000) * 36, 100),
            satellites: fields.u1(23),
            vbat_mv: None,
            epoch_ms: fields.epoch_ms(),
        },
        is_valid,
        accuracy_mm: fields.u4(40),
        itow_ms: fields.u4(0),
    }
}

/// Divides, half away from zero.
fn rounded(value: i32, by: i32) -> i32 {
    value.saturating_add(value.signum() * (by / 2)) / by
}
