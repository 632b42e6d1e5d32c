//! How often somebody may guess: per address of the caller, and per e-mail address, whoever asks.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use ipnet::IpNet;

use crate::clock::Steady;

const fn at_least_one(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

/// A clubhouse behind one address signs in together; a guesser does not get far with it.
const PER_IP_BURST: NonZeroU32 = at_least_one(30);
const PER_IP_REFILL: Duration = Duration::from_secs(2);
/// A person mistypes a few times; a guesser gets 12 a minute and no more however many addresses he has.
const PER_EMAIL_BURST: NonZeroU32 = at_least_one(8);
const PER_EMAIL_REFILL: Duration = Duration::from_secs(5);
/// What is counted falls into so many buckets, by a hash that nobody outside can foresee: no more memory than 6 MB whoever
/// asks, and one in 65 536 shares with somebody else.
type Bucket = u16;
/// Whoever has one address of IPv6 has 2^64 of them.
const IPV6_PREFIX: u8 = 64;

/// One token bucket for each key.
pub(super) type Buckets<K> = RateLimiter<K, DefaultKeyedStateStore<K>, Steady, NoOpMiddleware<Duration>>;

pub(super) fn buckets<K: Hash + Eq + Clone>(quota: Quota, clock: &Steady) -> Buckets<K> {
    RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock.clone())
}

pub struct LoginLimits {
    by_network: Buckets<Bucket>,
    by_email: Buckets<Bucket>,
    hasher: RandomState,
    clock: Steady,
}

impl LoginLimits {
    #[must_use]
    pub fn new(clock: Steady) -> Self {
        let quota = |refill, burst| {
            Quota::with_period(refill)
                .unwrap_or(Quota::per_minute(burst))
                .allow_burst(burst)
        };
        Self {
            by_network: buckets(quota(PER_IP_REFILL, PER_IP_BURST), &clock),
            by_email: buckets(quota(PER_EMAIL_REFILL, PER_EMAIL_BURST), &clock),
            hasher: RandomState::new(),
            clock,
        }
    }

    /// Counts one attempt from an address that names nobody (a one-time link).
    pub fn attempt(&self, ip: IpAddr) -> Result<(), TooMany> {
        self.by_network
            .check_key(&self.bucket(network(ip)))
            .map_err(|not_until| too_many(&not_until, &self.clock))
    }

    /// Counts one attempt to sign in as `email`.
    pub fn attempt_as(&self, ip: IpAddr, email: &str) -> Result<(), TooMany> {
        self.attempt(ip)?;
        self.by_email
            .check_key(&self.bucket(email))
            .map_err(|not_until| too_many(&not_until, &self.clock))
    }

    fn bucket(&self, of: impl Hash) -> Bucket {
        let [low, high, ..] = self.hasher.hash_one(of).to_le_bytes();
        Bucket::from_le_bytes([low, high])
    }
}

/// Too many attempts; try again after this many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    pub retry_after_s: u64,
}

pub(super) fn too_many(not_until: &NotUntil<Duration>, clock: &Steady) -> TooMany {
    TooMany {
        retry_after_s: not_until.wait_time_from(clock.now()).as_secs() + 1,
    }
}

/// What is counted as one: an address, or of IPv6 the network that one customer has.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(_) => IpNet::new(address, IPV6_PREFIX).map_or(address, |net| net.network()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::stopped;

    #[test]
    fn guessing_one_account_from_many_addresses_is_stopped() {
        let limits = LoginLimits::new(stopped());
        let refused = (0..40u8)
            .filter(|&n| limits.attempt_as(IpAddr::from([10, 0, 0, n]), "a@b.c").is_err())
            .count();
        assert!(refused >= 30, "{refused}");
        assert_eq!(
            limits.attempt_as(IpAddr::from([10, 0, 0, 99]), "other@b.c"),
            Ok(())
        );
    }

    #[test]
    fn guessing_many_accounts_from_one_address_is_stopped() {
        let limits = LoginLimits::new(stopped());
        let ip = IpAddr::from([10, 0, 0, 1]);
        let refused: Vec<TooMany> = (0..40)
            .filter_map(|n| limits.attempt_as(ip, &format!("{n}@b.c")).err())
            .collect();
        assert!(refused.len() >= 8, "{}", refused.len());
        assert!(
            refused
                .iter()
                .all(|refusal| (1..=3).contains(&refusal.retry_after_s)),
            "{refused:?}"
        );
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_guesser_and_memory_is_bounded() {
        let limits = LoginLimits::new(stopped());
        let of_one_network = |n: u32| IpAddr::from(((0x2001_0db8_u128 << 96) | u128::from(n)).to_be_bytes());
        let refused = (0..40)
            .filter(|&n| limits.attempt(of_one_network(n)).is_err())
            .count();
        assert!(refused >= 8, "{refused}");
        for n in 0..200_000_u32 {
            let _ = limits.attempt(IpAddr::from(n.to_be_bytes()));
        }
        assert!(limits.by_network.len() <= 65_536);
    }
}
