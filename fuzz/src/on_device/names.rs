//! Addresses and names in the device's own network, and its name in others'.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use device::portal::{ADDRESS, dhcp, dns, mdns};
use device::time::Instant;

use super::bytes::Bytes;

const RELEASE: u8 = 7;
const DECLINE: u8 = 4;
const ACK: u8 = 5;

/// An address that was given to somebody is nobody else's until its time is over or it was given back.
pub fn dhcp(data: &[u8]) {
    let mut server = dhcp::Server::new();
    let mut given: BTreeMap<[u8; 6], (Ipv4Addr, Instant)> = BTreeMap::new();
    let (mut now, mut input) = (Instant::BOOT, Bytes(data));
    while !input.is_empty() {
        now = now + Duration::from_secs(u64::from(input.u8()));
        let is_marked = input.u8() & 1 != 0;
        let count = usize::from(input.u16());
        let mut packet = input.take(count).to_vec();
        if is_marked && packet.len() >= 240 {
            packet[..3].copy_from_slice(&[1, 1, 6]);
            packet[24..28].fill(0);
            packet[236..240].copy_from_slice(&[99, 130, 83, 99]);
        }
        let reply = server.handle(&packet, now);
        let mac = packet.get(28..34).and_then(|mac| <[u8; 6]>::try_from(mac).ok());
        let Some(mac) = mac else {
            assert_eq!(reply, None, "to nobody");
            continue;
        };
        let Some(reply) = reply else {
            if option(&packet, 53).is_some_and(|kind| [RELEASE, DECLINE].contains(&kind[0])) {
                given.remove(&mac);
            }
            continue;
        };
        assert_eq!((reply.bytes[0], &reply.bytes[28..34]), (2, &mac[..]));
        let [a, b, c, d] = [16, 17, 18, 19].map(|at| reply.bytes[at]);
        let address = Ipv4Addr::new(a, b, c, d);
        if address.is_unspecified() {
            continue;
        }
        assert_eq!([a, b, c], ADDRESS.octets()[..3]);
        assert!((10..=249).contains(&d), "{address} is not ours to give");
        let others = given
            .iter()
            .any(|(whose, (held, until))| *whose != mac && *held == address && *until > now);
        assert!(!others, "{address} is somebody else's");
        if option(&reply.bytes, 53) == Some(&[ACK]) {
            given.insert(mac, (address, now + dhcp::LEASE));
        }
        let held = given.values().filter(|(_, until)| *until > now).count();
        assert!(held <= dhcp::LEASES_MAX, "{held} leases");
    }
}

/// The last of a kind, as the server reads it.
fn option(packet: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = packet.get(240..)?;
    let mut found = None;
    while let Some((&code, after)) = rest.split_first() {
        rest = after;
        if code == 0 {
            continue;
        }
        if code == 255 {
            break;
        }
        let (&length, after) = rest.split_first()?;
        let (value, after) = after.split_at_checked(usize::from(length))?;
        rest = after;
        if code == wanted {
            found = Some(value);
        }
    }
    found.filter(|value| !value.is_empty())
}

/// The first byte says which of the two protocols the rest is.
pub fn dns(data: &[u8]) {
    let mut input = Bytes(data);
    if input.u8() & 1 == 0 {
        every_name(input.0);
    } else {
        our_name(input);
    }
}

/// An answer is the question and one record at most: nobody is made to shout at others.
fn every_name(query: &[u8]) {
    let mut into = [0; dns::MESSAGE_BYTES_MAX];
    if let Some(length) = dns::answer(query, &mut into) {
        assert!(length <= query.len() + 16);
        assert_eq!(into[..2], query[..2]);
        assert_ne!(into[2] & 0x80, 0, "an answer says that it is one");
        assert_eq!(
            dns::answer(&into[..length], &mut [0; dns::MESSAGE_BYTES_MAX]),
            None
        );
    }
}

/// Whatever others say, it keeps a name that can be said, and waits between what it says to all.
fn our_name(mut input: Bytes<'_>) {
    let address = Ipv4Addr::new(192, 168, 1, 20);
    let mut responder = mdns::Responder::new("datalogger-7f3a", address, Instant::BOOT);
    let mut now = Instant::BOOT;
    let mut into = [0; mdns::MESSAGE_BYTES_MAX];
    while !input.is_empty() {
        now = now + Duration::from_millis(u64::from(input.u8()) * 10);
        let mut said = 0;
        while let Some(length) = responder.poll(now, &mut into) {
            assert!(length <= into.len());
            said += 1;
            assert!(said <= 2, "more than one thing at a moment");
        }
        let port = if input.u8() & 1 == 0 { 5353 } else { 40_000 };
        let from = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 9), port);
        let count = usize::from(input.u16()) % 1_600;
        let packet = input.take(count);
        if let Some((length, to)) = responder.handle(packet, from, now, &mut into) {
            assert!(length <= into.len());
            assert!(to == from || to == mdns::GROUP);
            assert!(responder.is_ours(), "it answers for a name that is not its own");
        }
        let label = responder.label();
        assert!(
            label.starts_with("datalogger-7f3a") && label.len() <= mdns::LABEL_BYTES_MAX + 4,
            "{label}"
        );
    }
}
