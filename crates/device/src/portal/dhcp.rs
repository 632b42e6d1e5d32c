//! Addresses for those who join the device's own network.
//!
//! ```text
//! DISCOVER ─► OFFER (nothing is kept)        REQUEST for a free address ─► ACK, leased to this MAC
//! RELEASE  ─► the lease ends                 REQUEST for any other      ─► NAK, ask again
//! DECLINE  ─► the address rests a while      INFORM                     ─► ACK without a lease
//! ```
//!
//! Which address a client gets follows from its MAC: a hash says where to begin, and the next that is free is taken. So nothing is stored, and after
//! a restart everybody has the address of before. One that a client asks for by itself is granted where it is free, which covers those few whose
//! hashes collide.
//!
//! There is no option 114: it names an API that must be reached by HTTPS with a valid certificate, and phones that believe it find none.
//!
//! The packet code is ours because `edge-dhcp` 0.8 turns away clients that exist: it takes a pad byte for an option with a length, refuses a host
//! name that is not UTF-8, and panics on a list of addresses whose length is no multiple of four.

use core::net::Ipv4Addr;
use core::time::Duration;

use heapless::Vec;

use super::ADDRESS;
use crate::time::Instant;

/// A chip's access point takes ten at most; the rest is for those who left without a word.
pub const LEASES_MAX: usize = 16;
/// Long enough to fill in a form, short enough that a crowd passing by does not fill the table.
pub const LEASE: Duration = Duration::from_secs(15 * 60);
/// Addresses that somebody said are taken, and how long that is believed.
const AVOIDED_MAX: usize = 8;
const AVOIDED_FOR: Duration = Duration::from_secs(10 * 60);
/// The last byte of the addresses that are given out.
const FIRST_HOST: u8 = 10;
const LAST_HOST: u8 = 249;
/// What old BOOTP relays and clients insist on.
pub const REPLY_BYTES: usize = 300;
/// Ethernet's, less the headers of IP and UDP.
const PACKET_BYTES_MAX: usize = 1472;

const OPTIONS_AT: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];

type Mac = [u8; 6];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lease {
    mac: Mac,
    host: u8,
    until: Instant,
}

/// Gives out addresses of the device's own network.
#[derive(Debug, Default)]
pub struct Server {
    leases: Vec<Lease, LEASES_MAX>,
    avoided: Vec<(u8, Instant), AVOIDED_MAX>,
}

/// To be sent from port 67 to port 68.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub bytes: [u8; REPLY_BYTES],
    /// The broadcast address where the client has no address yet.
    pub to: Ipv4Addr,
}

impl Server {
    pub const fn new() -> Self {
        Self {
            leases: Vec::new(),
            avoided: Vec::new(),
        }
    }

    /// What is to be answered to a packet that came to port 67. Needs no ticks: leases run out when somebody wants their place.
    pub fn handle(&mut self, packet: &[u8], now: Instant) -> Option<Reply> {
        let request = Request::parse(packet)?;
        if request.server.is_some_and(|server| server != ADDRESS) {
            return None;
        }
        match request.kind {
            kind::DISCOVER => {
                let host = self.choose(request.mac, request.wanted.and_then(host), now)?;
                Some(request.reply(kind::OFFER, Some(address(host))))
            }
            kind::REQUEST => Some(match self.lease(&request, now) {
                Some(host) => request.reply(kind::ACK, Some(address(host))),
                None => request.reply(kind::NAK, None),
            }),
            kind::INFORM if !request.has.is_unspecified() => Some(request.reply(kind::ACK, None)),
            kind::RELEASE => {
                let held = host(request.has);
                self.leases
                    .retain(|lease| lease.mac != request.mac || Some(lease.host) != held);
                None
            }
            kind::DECLINE => {
                self.decline(&request, now);
                None
            }
            _ => None,
        }
    }

    /// The address that a client would get now.
    fn choose(&self, mac: Mac, wanted: Option<u8>, now: Instant) -> Option<u8> {
        let held = self.leases.iter().find(|lease| lease.mac == mac);
        if held.is_none() && !self.has_room(now) {
            return None;
        }
        let held = held.map(|lease| lease.host);
        let begin = hash(&mac);
        let hosts = u32::from(LAST_HOST - FIRST_HOST) + 1;
        let probed = (0..hosts).map(|step| {
            // Below 240, so it fits.
            FIRST_HOST + u8::try_from(begin.wrapping_add(step) % hosts).unwrap_or(0)
        });
        held.into_iter()
            .chain(wanted)
            .chain(probed)
            .find(|&host| self.is_free(host, mac, now))
    }

    fn lease(&mut self, request: &Request, now: Instant) -> Option<u8> {
        let wanted = request.wanted.unwrap_or(request.has);
        let wanted = host(wanted).filter(|&host| self.is_free(host, request.mac, now))?;
        self.leases
            .retain(|lease| lease.mac != request.mac && lease.host != wanted);
        if self.leases.is_full() {
            self.leases.retain(|lease| lease.until > now);
        }
        let lease = Lease {
            mac: request.mac,
            host: wanted,
            until: now + LEASE,
        };
        self.leases.push(lease).ok()?;
        Some(wanted)
    }

    fn decline(&mut self, request: &Request, now: Instant) {
        let Some(declined) = request.wanted.and_then(host) else {
            return;
        };
        let before = self.leases.len();
        self.leases
            .retain(|lease| lease.mac != request.mac || lease.host != declined);
        // Only who was given an address may say that it is taken.
        if self.leases.len() == before {
            return;
        }
        if self.avoided.is_full() {
            self.avoided.remove(0);
        }
        let _ = self.avoided.push((declined, now + AVOIDED_FOR));
    }

    fn has_room(&self, now: Instant) -> bool {
        !self.leases.is_full() || self.leases.iter().any(|lease| lease.until <= now)
    }

    fn is_free(&self, host: u8, mac: Mac, now: Instant) -> bool {
        let leased = self
            .leases
            .iter()
            .any(|lease| lease.host == host && lease.mac != mac && lease.until > now);
        let avoided = self
            .avoided
            .iter()
            .any(|&(avoided, until)| avoided == host && until > now);
        !leased && !avoided
    }
}

/// The last byte of an address that is ours to give.
fn host(address: Ipv4Addr) -> Option<u8> {
    let [a, b, c, host] = address.octets();
    let ours = ADDRESS.octets();
    ([a, b, c] == ours[..3] && (FIRST_HOST..=LAST_HOST).contains(&host)).then_some(host)
}

fn address(host: u8) -> Ipv4Addr {
    let [a, b, c, _] = ADDRESS.octets();
    Ipv4Addr::new(a, b, c, host)
}

/// FNV-1a: makers count their MACs up, so neighbours must land apart.
fn hash(mac: &Mac) -> u32 {
    mac.iter().fold(0x811C_9DC5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Values of option 53.
mod kind {
    pub(super) const DISCOVER: u8 = 1;
    pub(super) const OFFER: u8 = 2;
    pub(super) const REQUEST: u8 = 3;
    pub(super) const DECLINE: u8 = 4;
    pub(super) const ACK: u8 = 5;
    pub(super) const NAK: u8 = 6;
    pub(super) const RELEASE: u8 = 7;
    pub(super) const INFORM: u8 = 8;
}

mod option {
    pub(super) const PAD: u8 = 0;
    pub(super) const SUBNET_MASK: u8 = 1;
    pub(super) const ROUTER: u8 = 3;
    pub(super) const DNS: u8 = 6;
    pub(super) const REQUESTED_ADDRESS: u8 = 50;
    pub(super) const LEASE_TIME: u8 = 51;
    pub(super) const MESSAGE_TYPE: u8 = 53;
    pub(super) const SERVER: u8 = 54;
    pub(super) const END: u8 = 255;
}

/// What is read of a client's packet.
struct Request {
    kind: u8,
    transaction: [u8; 4],
    flags: [u8; 2],
    /// The address that the client has and can be reached at.
    has: Ipv4Addr,
    mac: Mac,
    wanted: Option<Ipv4Addr>,
    server: Option<Ipv4Addr>,
}

impl Request {
    /// Nothing where it is no request of an Ethernet or Wi-Fi client, or came through a relay.
    fn parse(packet: &[u8]) -> Option<Self> {
        let head: &[u8; OPTIONS_AT] = packet.first_chunk()?;
        const REQUEST_OF_ETHERNET: [u8; 3] = [1, 1, 6];
        if packet.len() > PACKET_BYTES_MAX
            || head[..3] != REQUEST_OF_ETHERNET
            || head[24..28] != [0; 4]
            || head[236..] != COOKIE
        {
            return None;
        }
        let mut request = Self {
            kind: 0,
            transaction: [head[4], head[5], head[6], head[7]],
            flags: [head[10], head[11]],
            has: Ipv4Addr::new(head[12], head[13], head[14], head[15]),
            mac: [head[28], head[29], head[30], head[31], head[32], head[33]],
            wanted: None,
            server: None,
        };
        let mut rest = &packet[OPTIONS_AT..];
        while let Some((&code, after)) = rest.split_first() {
            rest = after;
            if code == option::PAD {
                continue;
            }
            if code == option::END {
                break;
            }
            let (&length, after) = rest.split_first()?;
            let (value, after) = after.split_at_checked(usize::from(length))?;
            rest = after;
            match code {
                option::MESSAGE_TYPE => request.kind = *value.first()?,
                option::REQUESTED_ADDRESS => request.wanted = Some(four(value)?),
                option::SERVER => request.server = Some(four(value)?),
                _ => {}
            }
        }
        // A group address is nobody's, and zeros are a client that does not know itself.
        let is_somebody = request.mac != [0; 6] && request.mac[0] & 1 == 0;
        is_somebody.then_some(request)
    }

    fn reply(&self, kind: u8, given: Option<Ipv4Addr>) -> Reply {
        let mut bytes = [0; REPLY_BYTES];
        let answers_address = kind != kind::NAK;
        bytes[..3].copy_from_slice(&[2, 1, 6]);
        bytes[4..8].copy_from_slice(&self.transaction);
        bytes[10..12].copy_from_slice(&self.flags);
        if kind == kind::ACK {
            bytes[12..16].copy_from_slice(&self.has.octets());
        }
        if let Some(given) = given {
            bytes[16..20].copy_from_slice(&given.octets());
        }
        bytes[28..34].copy_from_slice(&self.mac);
        bytes[236..240].copy_from_slice(&COOKIE);
        let mut end = OPTIONS_AT;
        let mut put = |code: u8, value: &[u8]| {
            bytes[end] = code;
            bytes[end + 1] = u8::try_from(value.len()).unwrap_or(0);
            bytes[end + 2..end + 2 + value.len()].copy_from_slice(value);
            end += 2 + value.len();
        };
        put(option::MESSAGE_TYPE, &[kind]);
        put(option::SERVER, &ADDRESS.octets());
        if answers_address {
            if given.is_some() {
                let seconds = u32::try_from(LEASE.as_secs()).unwrap_or(u32::MAX);
                put(option::LEASE_TIME, &seconds.to_be_bytes());
            }
            put(option::SUBNET_MASK, &[255, 255, 255, 0]);
            put(option::ROUTER, &ADDRESS.octets());
            put(option::DNS, &ADDRESS.octets());
        }
        bytes[end] = option::END;
        let to = if self.has.is_unspecified() || !answers_address {
            Ipv4Addr::BROADCAST
        } else {
            self.has
        };
        Reply { bytes, to }
    }
}

fn four(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

#[cfg(test)]
mod tests;
