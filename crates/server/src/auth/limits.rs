//! How often somebody may guess: per address of the caller, and per e-mail address, whoever asks.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

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
/// Keys that are remembered before those at rest are dropped: some 100 bytes each.
const KEYS_MAX: usize = 10_000;

pub struct LoginLimits {
    by_ip: DefaultKeyedRateLimiter<IpAddr>,
    by_email: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Default for LoginLimits {
    fn default() -> Self {
        let quota = |refill, burst| {
            Quota::with_period(refill)
                .unwrap_or(Quota::per_minute(burst))
                .allow_burst(burst)
        };
        Self {
            by_ip: RateLimiter::keyed(quota(PER_IP_REFILL, PER_IP_BURST)),
            by_email: RateLimiter::keyed(quota(PER_EMAIL_REFILL, PER_EMAIL_BURST)),
            clock: DefaultClock::default(),
        }
    }
}

/// Too many attempts; try again after this many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    pub retry_after_s: u64,
}

impl LoginLimits {
    /// Counts one attempt from an address that names nobody (a one-time link).
    pub fn attempt(&self, ip: IpAddr) -> Result<(), TooMany> {
        if self.by_ip.len() > KEYS_MAX {
            self.by_ip.retain_recent();
        }
        self.by_ip
            .check_key(&ip)
            .map_err(|not_until| self.too_many(&not_until))
    }

    /// Counts one attempt to sign in as `email`.
    pub fn attempt_as(&self, ip: IpAddr, email: &str) -> Result<(), TooMany> {
        self.attempt(ip)?;
        if self.by_email.len() > KEYS_MAX {
            self.by_email.retain_recent();
        }
        self.by_email
            .check_key(&email.to_owned())
            .map_err(|not_until| self.too_many(&not_until))
    }

    fn too_many(&self, not_until: &governor::NotUntil<governor::clock::QuantaInstant>) -> TooMany {
        let wait = not_until.wait_time_from(self.clock.now());
        TooMany {
            retry_after_s: wait.as_secs() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_one_account_from_many_addresses_is_stopped() {
        let limits = LoginLimits::default();
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
        let limits = LoginLimits::default();
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
}
