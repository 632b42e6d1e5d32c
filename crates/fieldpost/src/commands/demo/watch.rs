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
    link: String,
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
    pub(super) fn new(server: String, link: String) -> Self {
        Self {
            agent: agent(),
            server,
            link,
        }
    }

    /// Waits until `expected` sessions are analysed; a session that failed is an error of the demo.
    pub(super) fn until_analysed(&self, expected: usize) -> anyhow::Result<Sessions> {
        let cookie = self.sign_in()?;
        let began = Instant::now();
        loop {
            let sessions = self.sessions(&cookie)?;
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

    fn sign_in(&self) -> anyhow::Result<String> {
        let (_, token) = self
            .link
            .split_once('#')
            .context("a sign-in link carries its token after #")?;
        let answer = self
            .agent
            .post(format!("{}/api/v1/session-cookie/link", self.server))
            .header("origin", &self.server)
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
        Ok(cookie.split(';').next().unwrap_or(cookie).to_owned())
    }

    fn sessions(&self, cookie: &str) -> anyhow::Result<Sessions> {
        let mut answer = self
            .agent
            .get(format!("{}/api/v1/sessions?limit=100", self.server))
            .header("cookie", cookie)
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
