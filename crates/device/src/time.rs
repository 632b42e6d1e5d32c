//! Moments and spans on the device's own monotonic clock.

use core::ops::{Add, Sub};
use core::time::Duration;

/// Time since the device was started, in microseconds. It never goes back and says nothing of the date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The moment of the start.
    pub const BOOT: Self = Self(0);

    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    pub const fn as_micros(self) -> u64 {
        self.0
    }

    pub const fn as_millis(self) -> u64 {
        self.0 / 1000
    }

    /// What recordings write as `tick_ms`: wraps after 49 days.
    pub const fn tick_ms(self) -> u32 {
        // The low 32 bits are meant.
        (self.as_millis() & 0xFFFF_FFFF) as u32
    }

    /// Nothing where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// The end of time instead of an overflow.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

/// The beginning of time instead of an underflow.
impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

/// The earlier of two deadlines, where `None` is never.
pub fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_wrap_where_recordings_say_so() {
        let wrapped = Instant::from_millis(1 << 32) + Duration::from_millis(7);
        assert_eq!(wrapped.tick_ms(), 7);
        assert_eq!(Instant::from_micros(1999).tick_ms(), 1);
    }

    #[test]
    fn never_is_later_than_everything() {
        let soon = Some(Instant::from_secs(1));
        assert_eq!(earliest(soon, None), soon);
        assert_eq!(earliest(Some(Instant::from_secs(2)), soon), soon);
        assert_eq!(earliest(None, None), None);
    }
}
