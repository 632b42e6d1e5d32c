//! Looks at the demo's sessions as a page does: signs in by a link, then asks.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::device::agent;

/// A page polls no faster.
const POLL: Duration = Duration::from_millis(100);
/// Longer than the analysis takes on the slowest machine that would run a demo.
const PATIENCE: Duration = Duration::from_secs(120);
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

pub(super) struct Watch {
    agent: ureq::Agent,
    server: String,
    cookie: String,
}

/// A page of the session list, as far as the demo cares.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Sessions {
    pub(super) sessions: Vec<Session>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Session {
    id: String,
    file_name: String,
    status: String,
    vehicle: Option<String>,
    laps_timed: Option<u64>,
    best_ms: Option<f64>,
}

impl Watch {
    /// `link` is a sign-in link, used up by this.
    pub(super) fn sign_in(server: String, link: &str) -> anyhow::Result<Self> {
        let agent = agent();
        let (_, token) = link
            .split_once('#')
            .context("a sign-in link carries its token after #")?;
        let answer = agent
            .post(format!("{server}/api/v1/session-cookie/link"))
            .header("origin", &server)
            .send_json(serde_json::json!({ "token": token }))?;
        ensure!(
            answer.status().is_success(),
            "signing in by link was refused: {}",
            answer.status()
        );
        let cookie = answer
            .headers()
            .get("set-cookie")
            .context("signing in set no cookie")?
            .to_str()?;
        let cookie = cookie.split(';').next().unwrap_or(cookie).to_owned();
        Ok(Self {
            agent,
            server,
            cookie,
        })
    }

    /// Gives a device of a fleet that sent something the name that people know it by.
    pub(super) fn adopt(&self, device: &str, name: &str) -> anyhow::Result<()> {
        let answer = self
            .agent
            .post(format!("{}/api/v1/devices/{device}/adopt", self.server))
            .header("origin", &self.server)
            .header("cookie", &self.cookie)
            .send_json(serde_json::json!({ "name": name }))?;
        ensure!(
            answer.status().is_success(),
            "adopting {name} was refused: {}",
            answer.status()
        );
        Ok(())
    }

    /// Waits until `expected` sessions are analysed; a session that failed is an error of the demo.
    pub(super) fn until_analysed(&self, expected: usize) -> anyhow::Result<Sessions> {
        let began = Instant::now();
        loop {
            let sessions = self.sessions()?;
            let count = |status: &str| {
                sessions
                    .sessions
                    .iter()
                    .filter(|session| session.status == status)
                    .count()
            };
            ensure!(
                count("failed") == 0,
                "a session of the demo could not be analysed: {sessions:?}"
            );
            if count("ready") == expected {
                return Ok(sessions);
            }
            if began.elapsed() > PATIENCE {
                bail!(
                    "the demo's sessions are not analysed after {} s: {sessions:?}",
                    PATIENCE.as_secs()
                );
            }
            std::thread::sleep(POLL);
        }
    }

    fn sessions(&self) -> anyhow::Result<Sessions> {
        let mut answer = self
            .agent
            .get(format!("{}/api/v1/sessions?limit=100", self.server))
            .header("cookie", &self.cookie)
            .call()?;
        ensure!(
            answer.status().is_success(),
            "the session list was refused: {}",
            answer.status()
        );
        let text = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_string()?;
        serde_json::from_str(&text).context("the session list cannot be read")
    }
}
