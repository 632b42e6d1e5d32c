//! Who may read recordings: HTTP Digest with SHA-256 (RFC 7616, `qop=auth`), the password being the setup code.
//!
//! ```text
//! no or strange credentials, a number used twice or too old ─► 401 with a new nonce (`stale` where only the nonce was wrong)
//! a wrong answer to a good nonce ─► 401, one try less         no try left for this minute ─► 429, unread
//! ```
//!
//! The user name may be anything. The code counts as people type it: with or without hyphens, in capitals or not. A nonce signs
//! itself, so asking for many of them takes no memory; one is remembered from its first right answer on, with the request numbers that
//! were used. Where there are too many to remember, the oldest is forgotten, and it and all before it are no good any more.

use core::fmt::Write;
use core::net::Ipv4Addr;
use core::time::Duration;

use heapless::{String, Vec};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::setup_code::SetupCode;
use crate::time::Instant;

pub const REALM: &str = "fieldpost";
/// Browsers ask again by themselves; a captured answer is worth nothing after it.
pub const NONCE_LIFE: Duration = Duration::from_secs(5 * 60);
/// Phones and laptops that read at the same time.
const NONCES_MAX: usize = 8;
/// How far requests of one nonce may overtake each other.
const WINDOW: u32 = 64;
/// Wrong answers a minute, for each of so many addresses; while all places are taken nobody else may try.
pub const TRIES_MAX: u8 = 10;
const PEERS_MAX: usize = 8;
pub const TRIES_SPAN: Duration = Duration::from_secs(60);

const SEAL_CHARS: usize = 32;
const HASH_CHARS: usize = 64;
/// Number and moment, then the seal over both.
const NONCE_CHARS: usize = 8 + 16 + SEAL_CHARS;
pub(super) type Nonce = String<NONCE_CHARS>;

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Unauthorized {
        nonce: Nonce,
        /// Only the nonce was at fault: a browser asks nobody and tries again.
        stale: bool,
    },
    TooManyTries {
        retry_after: Duration,
    },
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    number: u32,
    highest: u32,
    /// Which of the [`WINDOW`] numbers up to the highest were used; bit 0 is the highest.
    used: u64,
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    peer: Ipv4Addr,
    wrong: u8,
    until: Instant,
}

/// Checks credentials.
pub(super) struct Guard {
    code: SetupCode,
    secret: [u8; 32],
    /// Of the next nonce; 0 is none's.
    next_number: u32,
    /// Nonces up to this one count no more.
    forgotten: u32,
    seen: Vec<Seen, NONCES_MAX>,
    tries: Vec<Tries, PEERS_MAX>,
}

impl Guard {
    /// `secret` is random, drawn at each start.
    pub(super) const fn new(code: SetupCode, secret: [u8; 32]) -> Self {
        Self {
            code,
            secret,
            next_number: 1,
            forgotten: 0,
            seen: Vec::new(),
            tries: Vec::new(),
        }
    }

    /// Whether a request may go on. `method` and `target` are those of its first line.
    pub(super) fn check(
        &mut self,
        authorization: Option<&str>,
        method: &str,
        target: &str,
        peer: Ipv4Addr,
        now: Instant,
    ) -> Result<(), Refusal> {
        let credentials = authorization.and_then(Credentials::parse);
        let Some(credentials) = credentials.filter(|given| given.uri == target) else {
            return Err(self.challenge(false, now));
        };
        if let Some(retry_after) = self.pause(peer, now) {
            return Err(Refusal::TooManyTries { retry_after });
        }
        let Some(number) = self.number_of(credentials.nonce, now) else {
            return Err(self.challenge(true, now));
        };
        if !self.is_right(&credentials, method) {
            self.count_wrong(peer, now);
            return Err(self.challenge(false, now));
        }
        if !self.use_up(number, credentials.count) {
            return Err(self.challenge(true, now));
        }
        Ok(())
    }

    fn challenge(&mut self, stale: bool, now: Instant) -> Refusal {
        let number = self.next_number;
        self.next_number = self.next_number.saturating_add(1);
        let nonce = self.nonce(number, now);
        Refusal::Unauthorized { nonce, stale }
    }

    fn nonce(&self, number: u32, at: Instant) -> Nonce {
        let mut nonce = Nonce::new();
        // Its capacity is the sum of these.
        let _ = write!(nonce, "{number:08x}{:016x}", at.as_micros());
        let seal = Sha256::new()
            .chain_update(self.secret)
            .chain_update(nonce.as_bytes())
            .finalize();
        for byte in &seal[..SEAL_CHARS / 2] {
            let _ = write!(nonce, "{byte:02x}");
        }
        nonce
    }

    /// The number of a nonce that is ours and still counts.
    fn number_of(&self, nonce: &str, now: Instant) -> Option<u32> {
        let number = u32::from_str_radix(nonce.get(..8)?, 16).ok()?;
        let at = Instant::from_micros(u64::from_str_radix(nonce.get(8..24)?, 16).ok()?);
        let ours = self.nonce(number, at);
        let is_ours = bool::from(ours.as_bytes().ct_eq(nonce.as_bytes()));
        let counts = number > self.forgotten && at <= now && now.since(at) < NONCE_LIFE;
        (is_ours && counts).then_some(number)
    }

    fn is_right(&self, given: &Credentials<'_>, method: &str) -> bool {
        let grouped = self.code.grouped();
        let mut right = Choice::from(0);
        for code in [self.code.as_str(), &grouped] {
            right |= answer(given, method, code.bytes())
                .as_bytes()
                .ct_eq(given.response.as_bytes());
            let small = code.bytes().map(|byte| byte.to_ascii_lowercase());
            right |= answer(given, method, small)
                .as_bytes()
                .ct_eq(given.response.as_bytes());
        }
        bool::from(right)
    }

    /// Whether this is the first use of a nonce's request number.
    fn use_up(&mut self, number: u32, count: u32) -> bool {
        if let Some(seen) = self.seen.iter_mut().find(|seen| seen.number == number) {
            return seen.use_up(count);
        }
        if self.seen.is_full() {
            let oldest = self.seen.iter().enumerate().min_by_key(|(_, seen)| seen.number);
            if let Some((place, oldest)) = oldest.map(|(place, seen)| (place, seen.number)) {
                self.seen.swap_remove(place);
                self.forgotten = self.forgotten.max(oldest);
            }
        }
        let first = Seen {
            number,
            highest: count,
            used: 1,
        };
        number > self.forgotten && self.seen.push(first).is_ok()
    }

    /// How long this peer has to wait, if it has.
    fn pause(&mut self, peer: Ipv4Addr, now: Instant) -> Option<Duration> {
        self.tries.retain(|tries| tries.until > now);
        match self.tries.iter().find(|tries| tries.peer == peer) {
            Some(tries) => (tries.wrong >= TRIES_MAX).then(|| tries.until.since(now)),
            None if self.tries.is_full() => Some(TRIES_SPAN),
            None => None,
        }
    }

    fn count_wrong(&mut self, peer: Ipv4Addr, now: Instant) {
        if let Some(tries) = self.tries.iter_mut().find(|tries| tries.peer == peer) {
            tries.wrong = tries.wrong.saturating_add(1);
            return;
        }
        // Where there is no place, the pause came first.
        let _ = self.tries.push(Tries {
            peer,
            wrong: 1,
            until: now + TRIES_SPAN,
        });
    }
}

impl Seen {
    fn use_up(&mut self, count: u32) -> bool {
        if count > self.highest {
            let ahead = count - self.highest;
            self.used = self.used.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        let bit = 1_u64.checked_shl(behind).unwrap_or(0);
        let is_new = behind < WINDOW && self.used & bit == 0;
        self.used |= bit;
        is_new
    }
}

struct Credentials<'a> {
    username: &'a str,
    realm: &'a str,
    nonce: &'a str,
    uri: &'a str,
    response: &'a str,
    cnonce: &'a str,
    /// As text, for that is what is hashed, and as a number.
    nc: &'a str,
    count: u32,
}

impl<'a> Credentials<'a> {
    /// Nothing where it is another scheme, or lacks what RFC 7616 asks for.
    fn parse(header: &'a str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let get = |name: &str| {
            let mut found = Parameters(rest).filter(|(key, _)| key.eq_ignore_ascii_case(name));
            let (_, value) = found.next()?;
            found.next().is_none().then_some(value)
        };
        let is_ours = get("realm")? == REALM
            && get("algorithm")?.eq_ignore_ascii_case("SHA-256")
            && get("qop")? == "auth";
        let nc = get("nc")?;
        let is_count = nc.len() == 8 && nc.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_ours || !is_count {
            return None;
        }
        Some(Self {
            username: get("username")?,
            realm: REALM,
            nonce: get("nonce")?,
            uri: get("uri")?,
            response: get("response")?,
            cnonce: get("cnonce")?,
            nc,
            count: u32::from_str_radix(nc, 16).ok()?,
        })
    }
}

/// `name=value` and `name="value"`, by commas. A value with a backslash ends it: nothing that we answer needs one.
struct Parameters<'a>(&'a str);

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.trim_start_matches([' ', '\t', ',']);
        self.0 = "";
        let (name, rest) = rest.split_once('=')?;
        let (value, rest) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        if value.contains('\\') {
            return None;
        }
        self.0 = rest;
        Some((name.trim(), value.trim()))
    }
}

/// The right answer: RFC 7616, section 3.4.1.
fn answer(given: &Credentials<'_>, method: &str, code: impl Iterator<Item = u8>) -> String<HASH_CHARS> {
    let mut who = Sha256::new();
    for part in [given.username, ":", given.realm, ":"] {
        who.update(part);
    }
    for byte in code {
        who.update([byte]);
    }
    let what = Sha256::new()
        .chain_update(method)
        .chain_update(":")
        .chain_update(given.uri);
    let mut all = Sha256::new();
    all.update(hex(who));
    for part in [":", given.nonce, ":", given.nc, ":", given.cnonce, ":auth:"] {
        all.update(part);
    }
    all.update(hex(what));
    hex(all)
}

fn hex(hash: Sha256) -> String<HASH_CHARS> {
    let mut text = String::new();
    for byte in hash.finalize() {
        // Two characters for each of 32 bytes.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
