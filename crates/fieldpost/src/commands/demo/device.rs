//! Sends files as loggers in the field do, request for request.

use std::io;

use anyhow::{Context, bail};

use server::auth::secret::Token;

use super::fleet::{Recorded, Shape};

/// A form's boundary; no row of a recording begins with two hyphens.
const BOUNDARY: &str = "----fieldpostLoggerBoundary7d9f";
const ANSWER_BYTES_MAX: u64 = 256 * 1024;

/// A device with its token and the address of its server.
pub(super) struct Sender {
    agent: ureq::Agent,
    server: String,
    token: Token,
    shape: Shape,
}

/// Tells a refusal by its status, as firmware does, not by an error.
pub(super) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .new_agent()
}

impl Sender {
    pub(super) fn new(server: &str, token: Token, shape: Shape) -> Self {
        Self {
            agent: agent(),
            server: server.to_owned(),
            token,
            shape,
        }
    }

    /// Sends everything: one request for a form, otherwise one for each file as soon as it is there.
    pub(super) fn send(&self, mut files: impl Iterator<Item = io::Result<Recorded>>) -> anyhow::Result<()> {
        match self.shape {
            Shape::Multipart => {
                let files: Vec<Recorded> = files.collect::<Result<_, _>>()?;
                let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
                accepted(self.post(&content_type).send(&form(&files)[..]))
            }
            Shape::Raw => files.try_for_each(|file| self.send_raw(&file?)),
            Shape::Json => files.try_for_each(|file| self.send_json(&file?)),
        }
    }

    fn send_raw(&self, file: &Recorded) -> anyhow::Result<()> {
        let request = self.post("text/csv").header("X-Filename", &file.file_name);
        accepted(request.send(&file.bytes[..]))
    }

    fn send_json(&self, file: &Recorded) -> anyhow::Result<()> {
        let content = std::str::from_utf8(&file.bytes).context("our recordings are text")?;
        let body = serde_json::json!({ "filename": file.file_name, "content": content }).to_string();
        accepted(self.post("application/json").send(body))
    }

    fn post(&self, content_type: &str) -> ureq::RequestBuilder<ureq::typestate::WithBody> {
        self.agent
            .post(format!("{}/api/upload", self.server))
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .header("content-type", content_type)
    }
}

fn form(files: &[Recorded]) -> Vec<u8> {
    let mut body = Vec::new();
    for file in files {
        body.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
                 Content-Type: text/csv\r\n\r\n",
                file.file_name
            )
            .as_bytes(),
        );
        body.extend_from_slice(&file.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// A logger looks at the status and keeps its file unless it is 2xx.
fn accepted(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> anyhow::Result<()> {
    let mut answer = answer.context("the demo's own server cannot be reached")?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status();
    let text = answer
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_string()?;
    bail!("the server refused a recording of the demo: {status} {text}")
}
