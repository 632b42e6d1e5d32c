//! Time and fresh ids, given to everything at construction so that tests own both.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

/// What time it is. Whatever is decided by time asks here.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// Time since a moment that stays the same while the server runs; it never goes back, whoever sets the machine's clock.
    fn steady(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }
}

/// The steady time of a [`Clock`] as the rate limits take it.
#[derive(Clone)]
pub struct Steady(pub Arc<dyn Clock>);

impl governor::clock::Clock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.steady()
    }
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock at which no time goes by.
#[cfg(test)]
pub(crate) fn stopped() -> Steady {
    struct Stopped;
    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn steady(&self) -> Duration {
            Duration::ZERO
        }
    }
    Steady(Arc::new(Stopped))
}

/// The end of time instead of an overflow.
#[must_use]
pub fn after(now: Timestamp, pause: SignedDuration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

/// Gives out version 7 UUIDs: they sort by the moment of their making, which keeps new rows at the end of an index.
///
/// Not for secrets: tokens and links come from the operating system's generator (`rand::rngs::SysRng`).
#[derive(Debug)]
pub struct Ids {
    random: Mutex<StdRng>,
}

impl Ids {
    /// The same seed gives the same ids at the same times.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            random: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    /// Seeded from the operating system.
    #[must_use]
    pub fn from_system() -> Self {
        Self {
            random: Mutex::new(rand::make_rng()),
        }
    }

    /// A fresh id made at `now`.
    pub fn next(&self, now: Timestamp) -> Uuid {
        let mut bytes = [0_u8; 10];
        // A poisoned lock means that another thread panicked while drawing; the generator is still usable.
        self.random
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}
