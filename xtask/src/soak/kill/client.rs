//! What a device and a signed-in person ask the server over HTTP.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

use crate::hash::sha256_hex;

pub(crate) const EMAIL: &str = "owner@example.org";
pub(crate) const PASSWORD: &str = "correct-horse-battery-staple";

/// The three bodies that `POST /api/upload` takes.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Raw,
    Json,
    Multipart,
}

/// How an upload ended, as the device sees it.
pub(crate) enum Answer {
    Stored {
        recording_id: String,
    },
    /// The server was up and said no.
    Refused(String),
    /// The connection failed: stored or not, nothing was promised.
    BrokenOff,
}

/// The part of a session's summary that the soak looks at.
pub(crate) struct Session {
    pub(crate) recording_id: String,
    pub(crate) status: String,
}

pub(crate) struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            // A kept connection belongs to a server that is dead by now.
            .max_idle_connections(0)
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

    pub(crate) fn upload(&self, token: &str, name: &str, bytes: &[u8], shape: Shape) -> Answer {
        let post = |url: String| {
            self.agent
                .post(&url)
                .header("authorization", format!("Bearer {token}"))
        };
        let url = format!("{}/api/upload", self.base);
        let sent = match shape {
            Shape::Raw => post(format!("{url}?filename={name}"))
                .content_type("text/csv")
                .send(bytes),
            Shape::Json => {
                let content = String::from_utf8_lossy(bytes);
                post(url).send_json(json!({ "filename": name, "content": content }))
            }
            Shape::Multipart => {
                let (boundary, body) = multipart(name, bytes);
                post(url)
                    .content_type(format!("multipart/form-data; boundary={boundary}"))
                    .send(&body[..])
            }
        };
        let Ok(mut response) = sent else {
            return Answer::BrokenOff;
        };
        let status = response.status();
        // A success counts only once the device has read it: a kill in between leaves it unanswered.
        let Ok(text) = response.body_mut().read_to_string() else {
            return Answer::BrokenOff;
        };
        if !status.is_success() {
            return Answer::Refused(format!("{status} {text}"));
        }
        match recording_id(&text) {
            Some(recording_id) => Answer::Stored { recording_id },
            None => Answer::Refused(format!("{status} without a recording id: {text}")),
        }
    }

    /// Downloads a recording and hashes what came.
    pub(crate) fn raw_sha256(&self, cookie: &str, recording_id: &str) -> Result<String> {
        let mut response = self.get(cookie, &format!("/api/v1/recordings/{recording_id}/raw"))?;
        Ok(sha256_hex(&response.body_mut().read_to_vec()?))
    }

    /// The hash that the server believes a recording has.
    pub(crate) fn raw_etag(&self, cookie: &str, recording_id: &str) -> Result<String> {
        let url = format!("{}/api/v1/recordings/{recording_id}/raw", self.base);
        let response = self.agent.head(&url).header("cookie", cookie).call()?;
        if !response.status().is_success() {
            bail!("HEAD {url} was answered with {}", response.status());
        }
        let etag = response
            .headers()
            .get("etag")
            .context("a recording has an ETag")?
            .to_str()?;
        Ok(etag.trim_matches('"').to_owned())
    }

    /// All sessions, page by page.
    pub(crate) fn sessions(&self, cookie: &str) -> Result<Vec<Session>> {
        let mut sessions = Vec::new();
        let mut path = "/api/v1/sessions?limit=100".to_owned();
        loop {
            let page: Value = self.get(cookie, &path)?.body_mut().read_json()?;
            for session in page["sessions"].as_array().context("a page has sessions")? {
                let text = |key: &str| {
                    session[key]
                        .as_str()
                        .map(str::to_owned)
                        .with_context(|| format!("a session has {key}: {session}"))
                };
                sessions.push(Session {
                    recording_id: text("recording_id")?,
                    status: text("status")?,
                });
            }
            let Some(next) = page["next"].as_str() else {
                return Ok(sessions);
            };
            path = format!("/api/v1/sessions?limit=100&cursor={next}");
        }
    }

    fn get(&self, cookie: &str, path: &str) -> Result<Response<ureq::Body>> {
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

/// One file as a browser or the sync firmware sends it; the boundary cannot occur in a CSV of numbers.
fn multipart(name: &str, bytes: &[u8]) -> (&'static str, Vec<u8>) {
    const BOUNDARY: &str = "fieldpost-soak-boundary";
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/csv\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    (BOUNDARY, body)
}

/// From the answer for one file, or from the only entry of the answer for several.
fn recording_id(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let id = answer
        .get("recording_id")
        .or_else(|| answer.pointer("/files/0/recording_id"))?;
    Some(id.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_an_upload_answer_are_read() {
        assert_eq!(
            recording_id(r#"{"success":true,"recording_id":"a"}"#).as_deref(),
            Some("a")
        );
        assert_eq!(
            recording_id(r#"{"success":true,"files":[{"recording_id":"b"}]}"#).as_deref(),
            Some("b")
        );
        assert_eq!(recording_id(r#"{"success":true}"#), None);
    }
}
