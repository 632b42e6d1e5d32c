//! How often one sender may ask, and how often an address may present what opens nothing.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::Quota;
use governor::clock::Clock;
use uuid::Uuid;

use super::limits::{Buckets, TooMany, buckets, network, too_many};
use crate::clock::Steady;

/// A device that was away for two weeks sends its backlog at once: 24 000 requests at the default of 1 000 a second.
const BURST_S: u32 = 24;
/// Senders that are remembered before those at rest are dropped: some 100 bytes each.
const SENDERS_MAX: usize = 50_000;
/// Looking how many there are is not free; once in so many requests is enough.
const LOOK_EVERY: u32 = 1024;

/// Requests of each sender, by a token bucket.
pub struct IngestRate {
    senders: Option<Buckets<Uuid>>,
    asked: AtomicU32,
    clock: Steady,
}

impl IngestRate {
    /// 0 for no bound.
    #[must_use]
    pub fn per_second(rate: u32, clock: Steady) -> Self {
        let bound = |rate: NonZeroU32| {
            let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_S - 1));
            buckets(Quota::per_second(rate).allow_burst(burst), &clock)
        };
        Self {
            senders: NonZeroU32::new(rate).map(bound),
            asked: AtomicU32::new(0),
            clock,
        }
    }

    /// Counts one request of a sender.
    pub fn ask(&self, who: Uuid) -> Result<(), TooMany> {
        let Some(senders) = &self.senders else {
            return Ok(());
        };
        if self
            .asked
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(LOOK_EVERY)
            && senders.len() > SENDERS_MAX
        {
            senders.retain_recent();
        }
        senders
            .check_key(&who)
            .map_err(|not_until| too_many(&not_until, &self.clock))
    }
}

/// A club's devices behind one address whose tokens were all revoked, and a person who tries what is wrong; a guesser gets
/// ten guesses a second, at 256 bits. What is bounded is the work of looking them up.
const FAILURES_BURST: NonZeroU32 = match NonZeroU32::new(3000) {
    Some(burst) => burst,
    None => NonZeroU32::MIN,
};
const FAILURES_REFILL: Duration = Duration::from_millis(100);
/// Addresses that are remembered; beyond it, all further ones share one bucket.
const ADDRESSES_MAX: usize = 10_000;
/// Tokens that have worked, 8 bytes each. Beyond it they are learned anew.
const WORKED_MAX: usize = 50_000;

/// Wrong tokens and keys by address. A token that has worked since the start is looked at in any case, so that a guesser
/// does not lock out the devices behind the same address.
pub struct AuthFailures {
    by_address: Buckets<IpAddr>,
    refused_until: Mutex<HashMap<IpAddr, Duration>>,
    worked: Mutex<HashSet<u64>>,
    /// Keyed at random: the hash of a secret that is kept tells nothing of it.
    hasher: RandomState,
    clock: Steady,
}

impl AuthFailures {
    #[must_use]
    pub fn new(clock: Steady) -> Self {
        let quota = Quota::with_period(FAILURES_REFILL).unwrap_or(Quota::per_minute(FAILURES_BURST));
        Self {
            by_address: buckets(quota.allow_burst(FAILURES_BURST), &clock),
            refused_until: Mutex::default(),
            worked: Mutex::default(),
            hasher: RandomState::new(),
            clock,
        }
    }

    /// Whether what an address presents is looked at.
    pub fn may_try(&self, address: IpAddr, presented: &str) -> Result<(), TooMany> {
        let now = self.clock.now();
        let until = lock(&self.refused_until).get(&network(address)).copied();
        let Some(wait) = until.and_then(|until| until.checked_sub(now)) else {
            return Ok(());
        };
        if lock(&self.worked).contains(&self.hasher.hash_one(presented)) {
            return Ok(());
        }
        Err(TooMany {
            retry_after_s: wait.as_secs() + 1,
        })
    }

    /// What an address presented opened nothing.
    pub fn failed(&self, address: IpAddr) {
        if self.by_address.len() > ADDRESSES_MAX {
            self.by_address.retain_recent();
        }
        let address = match self.by_address.len() > ADDRESSES_MAX {
            true => IpAddr::from([0, 0, 0, 0]),
            false => network(address),
        };
        let Err(not_until) = self.by_address.check_key(&address) else {
            return;
        };
        let now = self.clock.now();
        let until = now + not_until.wait_time_from(now);
        let mut refused = lock(&self.refused_until);
        if refused.len() >= ADDRESSES_MAX {
            refused.retain(|_, until| *until > now);
        }
        if refused.len() < ADDRESSES_MAX {
            refused.insert(address, until);
        }
    }

    /// What was presented is somebody's.
    pub fn worked(&self, presented: &str) {
        let hash = self.hasher.hash_one(presented);
        let mut worked = lock(&self.worked);
        if worked.len() >= WORKED_MAX {
            worked.clear();
        }
        worked.insert(hash);
    }
}

/// Counters and sets: another thread's panic cannot have left them half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::stopped;

    #[test]
    fn one_senders_flood_is_not_anothers_and_zero_is_no_bound() {
        let rate = IngestRate::per_second(1, stopped());
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let taken = (0..100).filter(|_| rate.ask(one).is_ok()).count();
        assert_eq!(taken, 24);
        assert_eq!(rate.ask(one), Err(TooMany { retry_after_s: 2 }));
        assert_eq!(rate.ask(other), Ok(()));
        let unbound = IngestRate::per_second(0, stopped());
        assert!((0..5000).all(|_| unbound.ask(one).is_ok()));
    }

    #[test]
    fn guessing_from_one_address_is_stopped_and_what_has_worked_is_let_through() {
        let failures = AuthFailures::new(stopped());
        let guesser: IpAddr = "2001:db8::1".parse().unwrap();
        failures.worked("a real token");
        let tried = (0..10_000)
            .take_while(|n| {
                let may = failures.may_try(guesser, &n.to_string()).is_ok();
                failures.failed(guesser);
                may
            })
            .count();
        assert_eq!(tried, 3001, "the one that is one too many is still looked at");
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        assert!(failures.may_try(neighbour, "the same /64").is_err());
        assert_eq!(failures.may_try(neighbour, "a real token"), Ok(()));
        assert_eq!(failures.may_try("2001:db8:0:1::1".parse().unwrap(), "x"), Ok(()));
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_room_than_there_is() {
        let failures = AuthFailures::new(stopped());
        for n in 0..40_000_u32 {
            failures.failed(IpAddr::from(n.to_be_bytes()));
        }
        assert!(failures.by_address.len() <= ADDRESSES_MAX + 1);
        assert!(lock(&failures.refused_until).len() <= ADDRESSES_MAX);
    }
}
