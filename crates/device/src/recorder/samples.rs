//! What the sensors gave and the card has not yet taken.
//!
//! ```text
//! IMU FIFO ─► imu ring ─┐
//!                       ├─► oldest() ─► rows
//! receiver ─► gps ring ─┘
//! ```
//!
//! Whoever reads the sensors never waits: what does not fit is counted, and the count comes out as a `LOSS` row at its place.

use heapless::Deque;
use wire::recording::Gps;

/// 2.5 s at 100 Hz: a card may stall for 500 ms, an erase of flash for 400 ms, and a block waits for up to 500 ms.
pub const IMU_QUEUED_MAX: usize = 256;
/// 2.4 s at 10 Hz.
pub const GPS_QUEUED_MAX: usize = 24;

/// As the sensor's registers hold it, in x, y, z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImuCounts {
    pub acc: [i16; 3],
    pub gyro: [i16; 3],
}

/// What one count is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImuScale {
    /// Counts for 1 g.
    pub per_g: u16,
    /// Counts for 10 °/s.
    pub per_10_dps: u16,
}

impl ImuScale {
    /// BMI323, BMI270 and BMI160 at ±4 g and ±2000 °/s.
    pub const BMI: Self = Self {
        per_g: 8192,
        per_10_dps: 164,
    };

    /// In the units of a row's cells, rounded to the nearest.
    pub fn cells(self, counts: ImuCounts) -> wire::recording::Imu {
        wire::recording::Imu {
            acc_e4_g: counts.acc.map(|count| scaled(count, 10_000, self.per_g)),
            gyro_e2_dps: counts.gyro.map(|count| scaled(count, 1_000, self.per_10_dps)),
        }
    }
}

/// `count × unit / per`, rounded half away from zero.
fn scaled(count: i16, unit: i32, per: u16) -> i32 {
    let per = i32::from(per.max(1));
    let product = i32::from(count) * unit;
    (product + product.signum() * (per / 2)) / per
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImuSample {
    pub tick_ms: u32,
    pub counts: ImuCounts,
}

/// A new fix of the receiver: one per epoch, never the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpsSample {
    pub tick_ms: u32,
    pub gps: Gps,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Imu,
    Gps,
}

impl Stream {
    /// As `LOSS` rows call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imu => "imu",
            Self::Gps => "gps",
        }
    }
}

/// Samples that there was no room for, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    pub stream: Stream,
    pub count: u32,
    pub from_tick_ms: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    Imu(ImuSample),
    Gps(GpsSample),
    Lost(Lost),
}

/// One stream's ring, and what it had no room for.
#[derive(Debug)]
struct Ring<T, const N: usize> {
    queue: Deque<T, N>,
    lost: Option<Lost>,
    /// How many of the queue were there before the loss: the loss comes out after these.
    before_loss: usize,
}

impl<T, const N: usize> Ring<T, N> {
    const fn new() -> Self {
        Self {
            queue: Deque::new(),
            lost: None,
            before_loss: 0,
        }
    }

    /// A gap is closed only when it was told: until then everything that comes is part of it.
    fn push(&mut self, stream: Stream, tick_ms: u32, sample: T) {
        if let Some(lost) = &mut self.lost {
            lost.count = lost.count.saturating_add(1);
        } else if self.queue.push_back(sample).is_err() {
            self.before_loss = self.queue.len();
            self.lost = Some(Lost {
                stream,
                count: 1,
                from_tick_ms: tick_ms,
            });
        }
    }

    fn pop(&mut self) -> Option<T> {
        let sample = self.queue.pop_front();
        if sample.is_some() {
            self.before_loss = self.before_loss.saturating_sub(1);
        }
        sample
    }

    fn take_loss(&mut self) -> Option<Lost> {
        self.lost.take_if(|_| self.before_loss == 0)
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.lost = None;
        self.before_loss = 0;
    }
}

/// Both streams. Put in from where the sensors are read, taken out by whoever writes.
#[derive(Debug)]
pub struct Samples {
    imu: Ring<ImuSample, IMU_QUEUED_MAX>,
    gps: Ring<GpsSample, GPS_QUEUED_MAX>,
}

impl Default for Samples {
    fn default() -> Self {
        Self::new()
    }
}

impl Samples {
    pub const fn new() -> Self {
        Self {
            imu: Ring::new(),
            gps: Ring::new(),
        }
    }

    pub fn imu(&mut self, sample: ImuSample) {
        self.imu.push(Stream::Imu, sample.tick_ms, sample);
    }

    pub fn gps(&mut self, sample: GpsSample) {
        self.gps.push(Stream::Gps, sample.tick_ms, sample);
    }

    /// Forgets what came before a recording begins.
    pub fn clear(&mut self) {
        self.imu.clear();
        self.gps.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.imu.queue.is_empty()
            && self.gps.queue.is_empty()
            && self.imu.lost.is_none()
            && self.gps.lost.is_none()
    }

    /// The oldest of what waits; a loss right after the last sample before it.
    pub fn oldest(&mut self) -> Option<Sample> {
        let lost = self.imu.take_loss().or_else(|| self.gps.take_loss());
        if let Some(lost) = lost {
            return Some(Sample::Lost(lost));
        }
        let imu_first = match (self.imu.queue.front(), self.gps.queue.front()) {
            (Some(imu), Some(gps)) => !is_later(imu.tick_ms, gps.tick_ms),
            (imu, _) => imu.is_some(),
        };
        if imu_first {
            self.imu.pop().map(Sample::Imu)
        } else {
            self.gps.pop().map(Sample::Gps)
        }
    }
}

/// Of two ticks that lie within 24 days of each other; ticks wrap.
pub(super) fn is_later(one: u32, other: u32) -> bool {
    let ahead = one.wrapping_sub(other);
    ahead != 0 && ahead <= u32::MAX / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: ImuCounts = ImuCounts {
        acc: [0; 3],
        gyro: [0; 3],
    };

    fn imu(tick_ms: u32) -> ImuSample {
        ImuSample {
            tick_ms,
            counts: COUNTS,
        }
    }

    fn gps(tick_ms: u32) -> GpsSample {
        let gps = Gps {
            lat_e7_deg: 0,
            lon_e7_deg: 0,
            alt_cm: 0,
            speed_e2_kmh: 0,
            satellites: 9,
            vbat_mv: None,
            epoch_ms: None,
        };
        GpsSample { tick_ms, gps }
    }

    #[test]
    fn both_streams_come_out_in_the_order_of_their_ticks_also_when_these_wrap() {
        let mut samples = Samples::new();
        for tick_ms in [u32::MAX - 5, 5, 15] {
            samples.imu(imu(tick_ms));
        }
        samples.gps(gps(u32::MAX));
        samples.gps(gps(9));
        let mut ticks = heapless::Vec::<u32, 8>::new();
        while let Some(sample) = samples.oldest() {
            let tick_ms = match sample {
                Sample::Imu(imu) => imu.tick_ms,
                Sample::Gps(gps) => gps.tick_ms,
                Sample::Lost(lost) => panic!("{lost:?}"),
            };
            ticks.push(tick_ms).unwrap();
        }
        assert_eq!(ticks, [u32::MAX - 5, u32::MAX, 5, 9, 15]);
    }

    #[test]
    fn what_does_not_fit_is_counted_at_its_place_and_recording_goes_on() {
        let mut samples = Samples::new();
        let all = u32::try_from(IMU_QUEUED_MAX).unwrap();
        for tick_ms in 0..all + 7 {
            samples.imu(imu(tick_ms));
        }
        for tick_ms in 0..all {
            assert_eq!(samples.oldest(), Some(Sample::Imu(imu(tick_ms))));
        }
        // Room again, but the gap was not told yet: it grows rather than be hidden.
        samples.imu(imu(all + 7));
        let lost = Lost {
            stream: Stream::Imu,
            count: 8,
            from_tick_ms: all,
        };
        assert_eq!(samples.oldest(), Some(Sample::Lost(lost)));
        samples.imu(imu(all + 8));
        assert_eq!(samples.oldest(), Some(Sample::Imu(imu(all + 8))));
        assert_eq!(samples.oldest(), None);
        assert!(samples.is_empty());
    }

    #[test]
    fn counts_become_cells_rounded_to_the_nearest() {
        let counts = ImuCounts {
            acc: [8192, -8192, 1],
            gyro: [164, -1, i16::MIN],
        };
        let cells = ImuScale::BMI.cells(counts);
        // One count is 1.2207e-4 g and 0.060976 °/s.
        assert_eq!(cells.acc_e4_g, [10_000, -10_000, 1]);
        assert_eq!(cells.gyro_e2_dps, [1_000, -6, -199_805]);
    }
}
