//! A server that simulated devices are sent to, as it is seen from outside of them.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;

const TIMEOUT: Duration = Duration::from_secs(30);
/// A device knows the newest key and the one before.
const KEYS_MAX: usize = 2;

pub(in crate::commands) struct Server {
    pub(super) url: String,
    pub(in crate::commands) address: SocketAddr,
    pub(in crate::commands) host: String,
    /// Path with the ingest key.
    pub(in crate::commands) base: String,
    pub(in crate::commands) keys: Vec<String>,
    pub(super) agent: ureq::Agent,
}

#[derive(Deserialize)]
struct WellKnown {
    keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    public_key: String,
}

impl Server {
    /// Finds it, and fetches the keys that its receipts are signed with.
    pub(in crate::commands) fn reach(url: &str, key: &str) -> anyhow::Result<Self> {
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
        let agent = agent();
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
}

/// Asks anew each time: a connection that was kept belongs to a server that may be dead by now.
pub(super) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .max_idle_connections(0)
        .build()
        .new_agent()
}
