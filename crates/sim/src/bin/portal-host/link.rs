//! Makes believe to join: takes a second, does not find `Nowhere`, and is refused by every network for `wrong-password`.

use std::net::Ipv4Addr;
use std::time::Duration;

use device::link::JoinFailure;
use device::portal::{Outcome, Server, Submitted};
use device::settings::Password;
use device::time::Instant;

const JOINING: Duration = Duration::from_millis(1500);
const ASKING_THE_SERVER: Duration = Duration::from_millis(1500);
/// Of a device that has no station interface here.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 178, 40);

pub(crate) struct Link {
    address: Ipv4Addr,
    due: Vec<(Instant, Outcome)>,
}

impl Link {
    pub(crate) fn new(station: Option<Ipv4Addr>) -> Self {
        Self {
            address: station.unwrap_or(ADDRESS),
            due: Vec::new(),
        }
    }

    pub(crate) fn join(&mut self, submitted: Submitted, now: Instant) {
        let Submitted { ssid, password, .. } = submitted;
        let joined = now + JOINING;
        let address = self.address;
        let failed = |why| {
            let ssid = ssid.clone();
            vec![(joined, Outcome::Failed { ssid, why })]
        };
        let reached = |server| Outcome::Joined {
            ssid: ssid.clone(),
            address,
            server,
        };
        self.due = if ssid.as_bytes() == b"Nowhere" {
            failed(JoinFailure::NotFound)
        } else if password == Password::new(b"wrong-password").ok() {
            failed(JoinFailure::WrongPassword)
        } else {
            vec![
                (joined + ASKING_THE_SERVER, reached(Server::Reached)),
                (joined, reached(Server::Waiting)),
            ]
        };
    }

    /// What came of it by now, the next in time.
    pub(crate) fn turn(&mut self, now: Instant) -> Option<Outcome> {
        let (at, _) = self.due.last()?;
        if *at > now {
            return None;
        }
        self.due.pop().map(|(_, outcome)| outcome)
    }
}
