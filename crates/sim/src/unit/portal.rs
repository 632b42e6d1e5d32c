//! The device's own page, and somebody who opens it.

use std::net::Ipv4Addr;

use device::controller::Input;
use device::link::Seen;
use device::portal::http::{self, Connection, Side};
use device::portal::{Identity, Site};
use device::setup_code::SetupCode;

use super::Unit;
use super::uplink::Uplink;

/// What a network gives the device, in every world.
const STATION: Ipv4Addr = Ipv4Addr::new(192, 168, 7, 33);
const PHONE: Ipv4Addr = Ipv4Addr::new(4, 3, 2, 20);

impl<L: Uplink> Unit<L> {
    pub(super) fn open_portal(&mut self, is_open: bool) {
        self.note("portal", || if is_open { "opens" } else { "closes" }.to_owned());
        let seed = self.seed;
        if let Some(running) = &mut self.running {
            running.is_portal_open = is_open;
            running.site.get_or_insert_with(|| site(seed));
        }
    }

    pub(super) fn show_networks(&mut self, seen: &[Seen]) {
        if let Some(site) = self.running.as_mut().and_then(|running| running.site.as_mut()) {
            site.set_networks(seen);
        }
    }

    /// What the page answers to a request; nothing while it is closed. A form in it is taken.
    pub fn browse(&mut self, request: &str) -> Option<String> {
        let now = self.now;
        let running = self.running.as_mut().filter(|running| running.is_portal_open)?;
        let at = running.device_time(now);
        let is_joined = self.around.radio.connected_to().is_some();
        let site = running.site.as_mut()?;
        running.controller.tell_site(site, is_joined.then_some(STATION));
        let mut connection = Connection::new(Side::AccessPoint, PHONE, at);
        let answer = answer(&mut connection, site, request.as_bytes(), at);
        let form = site.poll();
        if let Some(form) = form {
            self.tell(Input::Form(&form));
        }
        Some(answer)
    }
}

fn answer(
    connection: &mut Connection,
    site: &mut Site,
    request: &[u8],
    now: device::time::Instant,
) -> String {
    let taken = connection.receive(request, site, now);
    debug_assert_eq!(taken, request.len(), "one request, one answer");
    let mut answer = Vec::new();
    while let Some(http::Output::Send(bytes)) = connection.poll(site) {
        answer.extend_from_slice(bytes);
        let sent = bytes.len();
        connection.handle(http::Input::Sent(sent), now);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn text<const N: usize>(text: &str) -> heapless::String<N> {
    heapless::String::try_from(text).unwrap_or_default()
}

fn site(seed: u64) -> Site {
    let identity = Identity {
        name: text("RS-Core 51A0"),
        access_point: text("Datalogger-51A0"),
        label: text("datalogger-51a0"),
        firmware: text("0.1.0"),
    };
    let mut secret = [0x5e; 32];
    secret[..8].copy_from_slice(&seed.to_le_bytes());
    let code = SetupCode::parse("3333333333333333").unwrap_or_else(|| unreachable!("it is one"));
    Site::new(identity, code, secret)
}
