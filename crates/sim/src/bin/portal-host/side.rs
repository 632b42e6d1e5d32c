//! The sockets of one interface.

use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};

use device::portal::http::Side;
use device::portal::mdns::{self, Responder};
use device::portal::{ADDRESS, ADDRESS_OF_OLD, Site, dhcp, dns};
use device::time::Instant;
use socket2::{Domain, Protocol, Socket, Type};

use crate::shelf::Shelf;
use crate::visitor::{Turn, Visitor};

/// What a chip has the memory for.
const CONNECTIONS_MAX: usize = 3;
const DHCP_CLIENT_PORT: u16 = 68;
const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) address: Ipv4Addr,
}

/// Only where everybody's way is through us.
struct OwnNetwork {
    addresses: dhcp::Server,
    dhcp: UdpSocket,
    /// One for each address: an answer must come from the one that was asked.
    dns: [UdpSocket; 2],
}

pub(crate) struct Serving {
    side: Side,
    own: Option<OwnNetwork>,
    mdns: UdpSocket,
    responder: Responder,
    http: TcpListener,
    visitors: Vec<Visitor>,
}

impl Serving {
    pub(crate) fn open(interface: &Interface, label: &str, now: Instant) -> Result<Self> {
        let own = match interface.side {
            Side::Station => None,
            Side::AccessPoint => Some(OwnNetwork {
                addresses: dhcp::Server::new(),
                dhcp: udp(interface, ANY, 67)?,
                dns: [udp(interface, ADDRESS, 53)?, udp(interface, ADDRESS_OF_OLD, 53)?],
            }),
        };
        let mdns = udp(interface, ANY, mdns::GROUP.port())?;
        mdns.join_multicast_v4(mdns::GROUP.ip(), &interface.address)?;
        socket2::SockRef::from(&mdns).set_multicast_if_v4(&interface.address)?;
        // RFC 6762, section 11: so that nobody takes what came through a router.
        mdns.set_multicast_ttl_v4(255)?;
        mdns.set_ttl(255)?;
        let http = socket(interface, Type::STREAM, Protocol::TCP, SocketAddrV4::new(ANY, 80))?;
        http.listen(16)?;
        Ok(Self {
            side: interface.side,
            own,
            mdns,
            responder: Responder::new(label, interface.address, now),
            http: http.into(),
            visitors: Vec::new(),
        })
    }

    /// Does what there is to do; whether there was anything.
    pub(crate) fn turn(&mut self, site: &mut Site, shelf: &Shelf, now: Instant) -> Result<bool> {
        let mut moved = self.names(now)?;
        if let Some(own) = &mut self.own {
            moved |= own.turn(now)?;
        }
        if self.side == Side::Station && self.responder.is_ours() {
            site.set_label(self.responder.label());
        }
        self.visitors.retain_mut(|visitor| {
            let turn = visitor.turn(site, shelf, now);
            moved |= turn == Turn::Moved;
            turn != Turn::Gone
        });
        Ok(moved | self.welcome(now)?)
    }

    fn names(&mut self, now: Instant) -> Result<bool> {
        let mut out = [0; mdns::MESSAGE_BYTES_MAX];
        let mut moved = false;
        if let Some(length) = self.responder.poll(now, &mut out) {
            self.mdns.send_to(&out[..length], mdns::GROUP)?;
            moved = true;
        }
        let mut packet = [0; 2048];
        while let Some((length, from)) = received(&self.mdns, &mut packet)? {
            moved = true;
            let answer = self.responder.handle(&packet[..length], from, now, &mut out);
            if let Some((length, to)) = answer {
                self.mdns.send_to(&out[..length], to)?;
            }
        }
        Ok(moved)
    }

    fn welcome(&mut self, now: Instant) -> Result<bool> {
        if self.visitors.len() == CONNECTIONS_MAX && !self.visitors.iter().any(Visitor::is_idle) {
            return Ok(false);
        }
        let (stream, from) = match self.http.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.visitors.len() == CONNECTIONS_MAX {
            let idle = self.visitors.iter().position(Visitor::is_idle);
            self.visitors.remove(idle.unwrap_or(0));
        }
        stream.set_nonblocking(true)?;
        let IpAddr::V4(peer) = from.ip() else {
            return Ok(true);
        };
        self.visitors.push(Visitor::new(stream, self.side, peer, now));
        Ok(true)
    }
}

impl OwnNetwork {
    fn turn(&mut self, now: Instant) -> Result<bool> {
        let mut moved = false;
        let mut packet = [0; 2048];
        while let Some((length, _)) = received(&self.dhcp, &mut packet)? {
            moved = true;
            if let Some(reply) = self.addresses.handle(&packet[..length], now) {
                self.dhcp.send_to(&reply.bytes, (reply.to, DHCP_CLIENT_PORT))?;
            }
        }
        for socket in &self.dns {
            while let Some((length, from)) = received(socket, &mut packet)? {
                moved = true;
                let mut answer = [0; dns::MESSAGE_BYTES_MAX];
                if let Some(length) = dns::answer(&packet[..length], &mut answer) {
                    socket.send_to(&answer[..length], from)?;
                }
            }
        }
        Ok(moved)
    }
}

fn udp(interface: &Interface, address: Ipv4Addr, port: u16) -> Result<UdpSocket> {
    let socket = socket(
        interface,
        Type::DGRAM,
        Protocol::UDP,
        SocketAddrV4::new(address, port),
    )?;
    socket.set_broadcast(true)?;
    Ok(socket.into())
}

/// Hears one interface only.
fn socket(interface: &Interface, kind: Type, protocol: Protocol, at: SocketAddrV4) -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, kind, Some(protocol))?;
    socket.set_reuse_address(true)?;
    socket.bind_device(Some(interface.name.as_bytes()))?;
    socket.set_nonblocking(true)?;
    let bound = socket.bind(&at.into());
    bound.map_err(|error| Error::new(error.kind(), format!("{at} of {}: {error}", interface.name)))?;
    Ok(socket)
}

fn received(socket: &UdpSocket, into: &mut [u8]) -> Result<Option<(usize, SocketAddrV4)>> {
    match socket.recv_from(into) {
        Ok((length, SocketAddr::V4(from))) => Ok(Some((length, from))),
        Ok((_, SocketAddr::V6(_))) => Ok(None),
        // An answer that nobody took any more comes back as an error of the next call.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
