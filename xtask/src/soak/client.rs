//! What a signed-in person asks the server over HTTP, and who it is that asks.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::http::Response;
use ureq::{Agent, Body};
use wire::receipt::PublicKey;

use crate::hash::sha256_hex;

pub(crate) const EMAIL: &str = "owner@example.org";
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";

/// How a sender says who it is: a header's name and value.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) header: &'static str,
    pub(crate) value: String,
}

impl Who {
    pub(crate) fn device(token: &str) -> Self {
        Self {
            header: "authorization",
            value: format!("Bearer {token}"),
        }
    }

    pub(crate) fn person(cookie: &str) -> Self {
        Self {
            header: "cookie",
            value: cookie.to_owned(),
        }
    }
}

/// Why a request has no answer that counts.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The connection failed: stored or not, nothing was promised.
    BrokenOff,
    /// The server was up and said no.
    Refused { status: u16, text: String },
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BrokenOff => f.write_str("the connection broke"),
            Self::Refused { status, text } => write!(f, "the server answered {status}: {text}"),
        }
    }
}

impl std::error::Error for Trouble {}

/// The part of a session's summary that soaks look at.
pub(crate) struct Session {
    pub(crate) recording_id: String,
    pub(crate) status: String,
}

pub(crate) struct Client {
    pub(super) agent: Agent,
    pub(super) base: String,
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        // A kept connection belongs to a server that may be dead by now.
        Self::keeping(0, base)
    }

    /// Keeps its connection, for one question after the other to a server that is not killed meanwhile.
    pub(super) fn on_one_connection(base: String) -> Self {
        Self::keeping(1, base)
    }

    fn keeping(connections: usize, base: String) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(60)))
            .http_status_as_error(false)
            .max_idle_connections(connections)
            .build();
        Self {
            agent: config.into(),
            base,
        }
    }

    /// Signs in with the password; answers the cookie to send back.
    pub(crate) fn sign_in(&self) -> Result<String> {
        let url = format!("{}/api/v1/session-cookie/login", self.base);
        let response = self
            .agent
            .post(&url)
            .send_json(json!({ "email": EMAIL, "password": PASSWORD }))?;
        if !response.status().is_success() {
            bail!("sign-in was answered with {}", response.status());
        }
        let cookie = response
            .headers()
            .get("set-cookie")
            .context("sign-in sets a cookie")?
            .to_str()?;
        Ok(cookie.split(';').next().unwrap_or_default().to_owned())
    }

    /// The keys that receipts are to be checked with.
    pub(crate) fn keys(&self) -> Result<Vec<PublicKey>> {
        let url = format!("{}/.well-known/fieldpost", self.base);
        let known: Value = self.agent.get(url).call()?.body_mut().read_json()?;
        let keys = known["keys"].as_array().context("no keys are published")?;
        keys.iter()
            .map(|key| {
                let text = key["public_key"].as_str().context("a key without its text")?;
                PublicKey::from_text(text).map_err(anyhow::Error::from)
            })
            .collect()
    }

    /// Whether the server holds these bytes now. Asking changes nothing.
    pub(crate) fn holds(&self, cookie: &str, sha256: &str) -> Result<bool> {
        let mut response = self
            .agent
            .post(format!("{}/api/v1/receipts/confirm", self.base))
            .header("cookie", cookie)
            .send_json(json!({ "items": [{ "sha256": sha256 }] }))?;
        let text = response.body_mut().read_to_string()?;
        let answer: Value = serde_json::from_str(&text).with_context(|| format!("confirm said {text}"))?;
        answer
            .pointer("/items/0/held")
            .and_then(Value::as_bool)
            .with_context(|| format!("confirm said {text}"))
    }

    /// Downloads a recording and hashes what came.
    pub(crate) fn raw_sha256(&self, cookie: &str, recording_id: &str) -> Result<String> {
        let mut response = self.get(cookie, &format!("/api/v1/recordings/{recording_id}/raw"))?;
        let bytes = response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(sha256_hex(&bytes))
    }

    /// The hash that the server believes a recording has.
    pub(crate) fn raw_etag(&self, cookie: &str, recording_id: &str) -> Result<String> {
        let url = format!("{}/api/v1/recordings/{recording_id}/raw", self.base);
        let response = self.agent.head(&url).header("cookie", cookie).call()?;
        if !response.status().is_success() {
            bail!("HEAD {url} was answered with {}", response.status());
        }
        Ok(header(&response, "etag")?.trim_matches('"').to_owned())
    }

    /// All sessions.
    pub(crate) fn sessions(&self, cookie: &str) -> Result<Vec<Session>> {
        let sessions = self.pages(cookie, "/api/v1/sessions?limit=100", "sessions")?;
        sessions
            .iter()
            .map(|session| {
                Ok(Session {
                    recording_id: text(session, "recording_id")?,
                    status: text(session, "status")?,
                })
            })
            .collect()
    }

    /// A list, page by page; `path` has a parameter already.
    pub(crate) fn pages(&self, cookie: &str, path: &str, list: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut page_path = path.to_owned();
        loop {
            let mut page: Value = self.json(cookie, &page_path)?;
            let items = page[list].as_array_mut();
            all.append(items.with_context(|| format!("{path} has no {list}"))?);
            let Some(next) = page["next"].as_str() else {
                return Ok(all);
            };
            page_path = format!("{path}&cursor={next}");
        }
    }

    pub(crate) fn json(&self, cookie: &str, path: &str) -> Result<Value> {
        Ok(self.get(cookie, path)?.body_mut().read_json()?)
    }

    fn get(&self, cookie: &str, path: &str) -> Result<Response<Body>> {
        let response = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("cookie", cookie)
            .call()?;
        if !response.status().is_success() {
            bail!("{path} was answered with {}", response.status());
        }
        Ok(response)
    }
}

/// A text member of a JSON object.
pub(crate) fn text(object: &Value, key: &str) -> Result<String> {
    let text = object[key].as_str().map(str::to_owned);
    text.with_context(|| format!("no {key} in {object}"))
}

pub(crate) fn header(response: &Response<Body>, name: &str) -> Result<String> {
    let value = response.headers().get(name);
    let value = value.with_context(|| format!("no {name} with status {}", response.status()))?;
    Ok(value.to_str()?.to_owned())
}
