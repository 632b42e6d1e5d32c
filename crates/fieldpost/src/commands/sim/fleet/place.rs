//! The server that a fleet is sent to, as seen from outside the devices.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use sim::fleet::{Held, Report};

use super::summary::Summary;

const TIMEOUT: Duration = Duration::from_secs(30);
/// A restart takes longer.
const PULSE: Duration = Duration::from_millis(50);
/// As many as the server answers for at once.
const CONFIRM_MAX: usize = 25;
/// A device knows the newest key and the one before.
const KEYS_MAX: usize = 2;

pub(super) struct Server {
    url: String,
    pub(super) address: SocketAddr,
    pub(super) host: String,
    /// Path with the key.
    pub(super) base: String,
    pub(super) keys: Vec<String>,
    agent: ureq::Agent,
}

#[derive(Deserialize)]
struct WellKnown {
    keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    public_key: String,
}

#[derive(Deserialize)]
struct Confirmed {
    items: Vec<ConfirmedItem>,
}

#[derive(Deserialize)]
struct ConfirmedItem {
    held: bool,
    reason: Option<String>,
}

impl Server {
    /// Finds it, and fetches the keys that its receipts are signed with.
    pub(super) fn reach(url: &str, key: &str) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/');
        let uri: ureq::http::Uri = url.parse().context("--server is no URL")?;
        ensure!(
            uri.scheme_str() == Some("http"),
            "simulated devices speak plain HTTP; give --server as http://HOST:PORT"
        );
        let host = uri.host().context("--server has no host")?;
        let port = uri.port_u16().unwrap_or(80);
        let addresses = (host.trim_matches(['[', ']']), port).to_socket_addrs();
        let address = addresses.ok().and_then(|mut found| found.next());
        let address = address.with_context(|| format!("{host} is not found"))?;
        let agent = agent(TIMEOUT);
        let known: WellKnown = (agent.get(format!("{url}/.well-known/fieldpost")).call())
            .context("the server cannot be reached")?
            .body_mut()
            .read_json()
            .context("this is no Fieldpost server: it publishes no keys")?;
        let keys = known.keys.into_iter().map(|key| key.public_key);
        Ok(Self {
            address,
            host: uri.authority().map(ToString::to_string).unwrap_or_default(),
            base: format!("{}/i/{key}", uri.path().trim_end_matches('/')),
            keys: keys.take(KEYS_MAX).collect(),
            agent,
            url: url.to_owned(),
        })
    }

    /// Asks the server, by receipt, whether it still has every recording.
    pub(super) fn check(&self, reports: &[Report], summary: &mut Summary) -> anyhow::Result<()> {
        for report in reports {
            let with_receipt = report.held.iter().filter(|held| held.receipt.is_some());
            let with_receipt: Vec<&Held> = with_receipt.collect();
            for held in report.held.iter().filter(|held| held.receipt.is_none()) {
                let what = format!("{}: {} ({}) has no receipt", held.device, held.name, held.state);
                summary.violations.push(what);
            }
            for part in with_receipt.chunks(CONFIRM_MAX) {
                for (held, found) in part.iter().zip(self.confirm(&report.device, part)?) {
                    if found.held {
                        summary.checks.on_the_server += 1;
                    } else {
                        let why = found.reason.unwrap_or_default();
                        let what = format!("{}: the server does not hold {}: {why}", held.device, held.name);
                        summary.violations.push(what);
                    }
                }
            }
        }
        Ok(())
    }

    fn confirm(&self, device: &str, held: &[&Held]) -> anyhow::Result<Vec<ConfirmedItem>> {
        let items = held
            .iter()
            .map(|held| serde_json::json!({ "receipt": held.receipt }));
        let asked = serde_json::json!({ "items": items.collect::<Vec<_>>() });
        let url = format!("http://{}{}/api/v1/receipts/confirm", self.host, self.base);
        let mut answer = self.agent.post(url).header("x-device", device).send_json(asked)?;
        if !answer.status().is_success() {
            bail!(
                "the server was asked for {} recordings and answered {}",
                held.len(),
                answer.status()
            );
        }
        let confirmed: Confirmed = answer.body_mut().read_json()?;
        ensure!(
            confirmed.items.len() == held.len(),
            "the server answered for others than were asked for"
        );
        Ok(confirmed.items)
    }
}

fn agent(timeout: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .max_idle_connections(0)
        .build()
        .new_agent()
}

/// Counts how often the server goes and comes back.
pub(super) struct Pulse {
    stop: Sender<()>,
    thread: JoinHandle<u32>,
}

impl Pulse {
    pub(super) fn feel(server: &Server) -> Self {
        let (stop, stopped) = channel();
        let (url, agent) = (format!("{}/readyz", server.url), agent(TIMEOUT));
        let thread = std::thread::spawn(move || {
            let (mut is_there, mut returns) = (true, 0);
            while stopped.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
                // Only a refused connection is a server that is gone: a slow answer is one.
                let answers = agent.get(&url).call().is_ok();
                if answers && !is_there {
                    returns += 1;
                }
                is_there = answers;
            }
            returns
        });
        Self { stop, thread }
    }

    pub(super) fn stop(self) -> u32 {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}
