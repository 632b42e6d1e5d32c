//! A Fieldpost server seen from a shell: sends one file, tries again while that may help, checks what was stored.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use server::auth::secret::Token;
use sha2::{Digest, Sha256};

/// First try and three more, 1 + 2 + 4 s apart: a server that restarts is back by then, and a person still watches.
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// A server may ask for more patience than that, but not for all night.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Storing a large file durably takes its time after the last byte was sent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

const ANSWER_BYTES_MAX: u64 = 256 * 1024;

/// A server and the right to send to it.
pub(crate) struct Remote {
    agent: ureq::Agent,
    server: String,
    token: Token,
}

/// What the server says it stored.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Stored {
    pub(crate) recording_id: String,
    pub(crate) session_id: String,
    pub(crate) sha256: String,
    pub(crate) size_bytes: u64,
    pub(crate) duplicate: bool,
}

/// Why a file is not on the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error("it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error("it is no file; name the files in it, as in FOLDER/*")]
    NoFile,
    #[error("the server refused it ({status} {code}): {message}")]
    Refused {
        status: u16,
        code: String,
        message: String,
    },
    #[error(
        "the server did not take it after {ATTEMPTS} tries, the last said: {cause}; check the address and the connection, then run the same command again"
    )]
    Unreachable { cause: String },
    #[error("no connection can be made: {0}; --server needs a base URL such as https://laps.example.org")]
    NoConnection(String),
    #[error("the server's answer makes no sense ({0}); is --server the address of a Fieldpost server?")]
    NotFieldpost(String),
    #[error("the server stored other bytes ({stored}) than were read ({read}); send it again")]
    Altered { stored: String, read: String },
}

/// One try's failure.
enum Failure {
    /// Another try may succeed, not before this long if the server said so.
    Passing {
        cause: String,
        wait: Option<Duration>,
    },
    Final(UploadError),
}

#[derive(Deserialize)]
struct ErrorEnvelope {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    code: String,
    message: String,
}

impl Remote {
    /// `server` is a base URL as `https://laps.example.org`.
    pub(crate) fn new(server: &str, token: Token) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("fieldpost/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_per_write(Some(STALL_TIMEOUT))
            .build();
        Self {
            agent: config.new_agent(),
            server: server.trim_end_matches('/').to_owned(),
            token,
        }
    }

    /// Streams the file as a raw body under its own name. `sent` hears how many of its bytes are on the way, from zero
    /// again with each try.
    pub(crate) fn upload(&self, path: &Path, sent: &mut dyn FnMut(u64)) -> Result<Stored, UploadError> {
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            match self.try_upload(path, sent) {
                Ok(stored) => return Ok(stored),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { cause, .. }) if attempt == ATTEMPTS => {
                    return Err(UploadError::Unreachable { cause });
                }
                Err(Failure::Passing { cause, wait: asked }) => {
                    let pause = asked.unwrap_or(wait).min(RETRY_AFTER_MAX);
                    tracing::warn!(file = %path.display(), attempt, ?pause, "will try again: {cause}");
                    std::thread::sleep(pause);
                    attempt += 1;
                    wait *= 2;
                }
            }
        }
    }

    fn try_upload(&self, path: &Path, sent: &mut dyn FnMut(u64)) -> Result<Stored, Failure> {
        let unreadable = |error| Failure::Final(UploadError::Unreadable(error));
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Failure::Final(UploadError::NoFile));
        }
        let size_bytes = metadata.len();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        // A file that grows meanwhile is sent as long as it was.
        let mut body = Watched {
            inner: file.take(size_bytes),
            hasher: Sha256::new(),
            bytes: 0,
            sent,
        };
        let answer = self
            .agent
            .post(format!("{}/api/upload", self.server))
            .query("filename", &name)
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .header("content-type", "application/octet-stream")
            .header("content-length", size_bytes)
            // What the server refuses it says before the file goes; half-way it would be a broken pipe.
            .header("expect", "100-continue")
            .send(ureq::SendBody::from_reader(&mut body))
            .map_err(from_transport)?;
        let read = hex::encode(body.hasher.finalize());
        let stored = read_answer(answer)?;
        if stored.sha256 != read {
            return Err(Failure::Final(UploadError::Altered {
                stored: stored.sha256,
                read,
            }));
        }
        Ok(stored)
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library adds errors; one we do not know is not worth a retry"
)]
fn from_transport(error: ureq::Error) -> Failure {
    match error {
        // Connections come and go.
        ureq::Error::Io(_)
        | ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Protocol(_) => Failure::Passing {
            cause: error.to_string(),
            wait: None,
        },
        other => Failure::Final(UploadError::NoConnection(other.to_string())),
    }
}

fn read_answer(mut answer: ureq::http::Response<ureq::Body>) -> Result<Stored, Failure> {
    let status = answer.status().as_u16();
    let retry_after = answer
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let text = answer
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_string()
        .map_err(|error| Failure::Passing {
            cause: error.to_string(),
            wait: None,
        })?;
    if answer.status().is_success() {
        return serde_json::from_str(&text)
            .map_err(|error| Failure::Final(UploadError::NotFieldpost(format!("{status}, {error}"))));
    }
    let (code, message) = match serde_json::from_str::<ErrorEnvelope>(&text) {
        Ok(envelope) => (envelope.error.code, envelope.error.message),
        Err(_) if is_passing(status) => (
            "unknown".to_owned(),
            "something before the server answered".to_owned(),
        ),
        Err(_) => {
            return Err(Failure::Final(UploadError::NotFieldpost(format!(
                "status {status}"
            ))));
        }
    };
    if is_passing(status) {
        return Err(Failure::Passing {
            cause: format!("{status} {code}: {message}"),
            wait: retry_after,
        });
    }
    Err(Failure::Final(UploadError::Refused {
        status,
        code,
        message,
    }))
}

/// Too many requests, a bad minute, a proxy without its server. A full disk (507) does not pass by itself.
fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

/// A file being sent: hashed and counted on the way.
struct Watched<'s> {
    inner: io::Take<File>,
    hasher: Sha256,
    bytes: u64,
    sent: &'s mut dyn FnMut(u64),
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        self.bytes += length as u64;
        (self.sent)(self.bytes);
        Ok(length)
    }
}
