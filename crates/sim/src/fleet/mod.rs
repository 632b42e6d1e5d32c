//! Many live devices at once: each a [`Unit`] in a thread, its time tied to ours by a factor, against a server that runs.
//!
//! ```text
//! Setup ─► member (thread) ─► News ─┐
//!      └─► member (thread) ─► News ─┴─► whoever watches: one line a happening, counts, a report of each at its end
//! ```
//!
//! A member has a rough time and then a good one. In the rough time rides begin and power, network and exchanges fail as its
//! [`Plan`] says; from then on nothing goes wrong any more, and everything that it recorded must be delivered. What it holds, what left its
//! card and which receipts it was given is in its [`Report`], so that others can look for it on the server.
//!
//! Nothing here is deterministic but the plans.

mod forecast;
mod member;
mod plan;
mod report;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use device::time::Instant;
pub use plan::{Act, Faults, Plan};
use rand::RngExt;
pub use report::{Deed, Figures, Held, News, Report, Said, Standing};

use crate::seeded::seeded;
use crate::unit::Ride;

/// What waits to be read by whoever watches; members wait while it is full.
const NEWS_MAX: usize = 4096;
/// More than a fleet has devices.
const PLACES: u64 = 1 << 32;
/// A device is a few calls deep.
const STACK_BYTES: usize = 1 << 22;

/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Race,
    /// Counts its hours; it records nothing.
    Uptime,
    Camera,
}

/// One device and what it goes through.
#[derive(Debug, Clone)]
pub struct Role {
    pub kind: Kind,
    /// Its UUID is drawn from it.
    pub seed: u64,
    pub plan: Plan,
    pub ride: Ride,
    /// What has a receipt goes as soon as the server confirms it, not only when room is needed.
    pub deletes: bool,
}

impl Role {
    /// Another one for each seed and place; `rough` is in device time.
    pub fn draw(seed: u64, place: u32, kind: Kind, faults: Faults, rough: Duration) -> Self {
        let mut rng = seeded(seed.wrapping_mul(PLACES).wrapping_add(u64::from(place)));
        let plan = Plan::draw(rng.random(), kind, faults, rough);
        Self {
            kind,
            seed: rng.random(),
            ride: Ride::new(plan.rides.clone()),
            plan,
            deletes: rng.random(),
        }
    }
}

/// Where the server is, and how the devices get on with it.
#[derive(Debug, Clone)]
pub struct Setup {
    pub address: SocketAddr,
    /// As `Host` says it.
    pub host: String,
    /// Path before every request's, with the ingest key: `/i/fpi_…`.
    pub base: String,
    /// The server's public keys as text, the newest first.
    pub server_keys: Vec<String>,
    pub roles: Vec<Role>,
    /// What befalls exchanges in the rough time.
    pub faults: Faults,
    /// How much faster than ours the devices' time goes.
    pub speed: f64,
    /// Our time: who has not delivered everything so long after its rough time never will.
    pub patience: Duration,
    /// Unix time at which the devices' world begins.
    pub began_utc_ms: i64,
}

/// Everybody who was started.
pub struct Fleet {
    pub news: Receiver<News>,
    threads: Vec<JoinHandle<()>>,
}

impl Fleet {
    /// Starts a thread for each device. [`Fleet::news`] ends when the last of them has reported.
    pub fn launch(setup: Setup) -> std::io::Result<Self> {
        let (sender, news) = sync_channel(NEWS_MAX);
        let setup = Arc::new(setup);
        let threads = (setup.roles.iter().enumerate())
            .map(|(index, role)| {
                let (role, sender, setup) = (role.clone(), sender.clone(), Arc::clone(&setup));
                thread::Builder::new()
                    .name(format!("device-{index}"))
                    .stack_size(STACK_BYTES)
                    .spawn(move || member::live(&setup, role, index, &sender))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { news, threads })
    }

    /// Waits for all of them; how many fell over.
    pub fn join(self) -> usize {
        drop(self.news);
        let ended = self.threads.into_iter().map(JoinHandle::join);
        ended.filter(Result::is_err).count()
    }
}
