//! Requests and the answers that they must get, held against the model of the server and against the server itself.
//!
//! A trace is a JSON file in `crates/sim/traces`: a claim and the steps that show it. A divergence that is found live becomes
//! one more. What a step does not say of an answer has to be absent: the headers of [`SAID_OR_ABSENT`] are compared in every one.
//!
//! ```json
//! {"exchange": {"by": "logger", "method": "PATCH", "path": "${u}", "headers": {"upload-offset": "0"}, "body": "hello",
//!               "answer": {"status": 204, "headers": {"upload-offset": "5", "upload-expires": "*"}}}}
//! ```
//!
//! `"*"` is any value; `keep` names a header, or a pointer into the JSON, for later steps as `${name}`; `location` is kept from `/api/` on.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use wire::receipt::{FIELDPOST_RECEIPT, PublicKey, SignedReceipt};
use wire::upload::{
    FIELDPOST_RECORDING, OFFSET_CONTENT_TYPE, TUS_RESUMABLE, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_METADATA,
    UPLOAD_OFFSET, VERSION, key, write_pair,
};

use crate::http::{HttpReply, HttpRequest};
use crate::server::sha256;

/// Headers that every answer has exactly where its step says so.
const SAID_OR_ABSENT: [&str; 8] = [
    UPLOAD_OFFSET,
    UPLOAD_LENGTH,
    UPLOAD_EXPIRES,
    FIELDPOST_RECORDING,
    "location",
    "retry-after",
    "etag",
    "tus-version",
];

/// A server that a trace is held against.
pub trait Subject {
    /// The answer, or `None` for a request that was broken off.
    fn ask(&mut self, request: &HttpRequest) -> Option<HttpReply>;
    /// `Authorization` of one of the two devices of one team, `logger` and `stranger`.
    fn token(&self, who: &str) -> String;
    fn device(&self, who: &str) -> [u8; 16];
    fn keys(&mut self) -> Vec<PublicKey>;
    fn let_days_pass(&mut self, days: u32);
    fn restart(&mut self);
    /// The disk loses the bytes of a recording.
    fn lose(&mut self, bytes: &[u8]);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    pub claim: String,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Exchange(Box<Exchange>),
    Days(u32),
    Restart,
    /// Of the recording with these bytes.
    Lose(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    /// `logger`, `stranger`, `nobody` or `mistaken`.
    #[serde(default = "logger")]
    by: String,
    method: String,
    path: String,
    /// `null` leaves out one that would be there.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    /// Pairs of `Upload-Metadata`; `sha256_of` gives the digest of its value.
    #[serde(default)]
    about: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// The connection breaks after so many bytes of the body.
    cut_after: Option<usize>,
    answer: Answer,
}

fn logger() -> String {
    "logger".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// `null` where none comes.
    status: Option<u16>,
    /// Of the error.
    code: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A receipt is there, verifies, and is for these.
    receipt: Option<ReceiptFor>,
    /// Pointers and what stands there.
    #[serde(default)]
    json: BTreeMap<String, Value>,
    #[serde(default)]
    keep: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptFor {
    #[serde(default = "logger")]
    of: String,
    name: String,
    bytes: String,
}

/// All of them, by file name.
pub fn all() -> Result<Vec<(String, Trace)>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    let mut traces = Vec::new();
    for file in std::fs::read_dir(&folder).map_err(|error| failed(&error))? {
        let path = file.map_err(|error| failed(&error))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        let trace = serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
        traces.push((name, trace));
    }
    traces.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(traces)
}

/// What the first step that goes otherwise says.
pub fn run(trace: &Trace, subject: &mut dyn Subject) -> Result<(), String> {
    let mut kept = BTreeMap::new();
    for (at, step) in trace.steps.iter().enumerate() {
        match step {
            Step::Exchange(exchange) => exchange
                .run(subject, &mut kept)
                .map_err(|why| format!("step {}, {} {}: {why}", at + 1, exchange.method, exchange.path))?,
            Step::Days(days) => subject.let_days_pass(*days),
            Step::Restart => subject.restart(),
            Step::Lose(bytes) => subject.lose(bytes.as_bytes()),
        }
    }
    Ok(())
}

type Kept = BTreeMap<String, String>;

impl Exchange {
    fn run(&self, subject: &mut dyn Subject, kept: &mut Kept) -> Result<(), String> {
        let request = self.request(subject, kept);
        let reply = subject.ask(&request);
        match (self.answer.status, reply) {
            (None, None) => Ok(()),
            (Some(_), Some(reply)) => {
                let said = String::from_utf8_lossy(&reply.body).into_owned();
                self.compare(&request, &reply, subject, kept)
                    .map_err(|why| format!("{why} ({} {said})", reply.status))?;
                self.keep(&reply, kept)
            }
            (expected, reply) => Err(format!(
                "expected {expected:?}, got {:?}",
                reply.map(|reply| reply.status)
            )),
        }
    }

    fn request(&self, subject: &dyn Subject, kept: &Kept) -> HttpRequest {
        let body = filled(&self.body, kept).into_bytes();
        let mut headers = BTreeMap::from([("content-length".to_owned(), body.len().to_string())]);
        let path = filled(&self.path, kept);
        if path.starts_with("/api/v1/uploads") {
            headers.insert(TUS_RESUMABLE.to_owned(), VERSION.to_owned());
        }
        if self.method == "PATCH" {
            headers.insert("content-type".to_owned(), OFFSET_CONTENT_TYPE.to_owned());
        }
        match self.by.as_str() {
            "nobody" => {}
            "mistaken" => {
                headers.insert("authorization".to_owned(), "Bearer fpd_wrong".to_owned());
            }
            who => {
                headers.insert("authorization".to_owned(), subject.token(who));
            }
        }
        if !self.about.is_empty() {
            headers.insert(UPLOAD_METADATA.to_owned(), self.metadata());
        }
        for (name, value) in &self.headers {
            match value {
                Some(value) => headers.insert(name.clone(), filled(value, kept)),
                None => headers.remove(name),
            };
        }
        let sent = self.cut_after.unwrap_or(body.len()).min(body.len());
        HttpRequest {
            method: self.method.clone(),
            path,
            headers: headers.into_iter().collect(),
            body: body[..sent].to_vec(),
        }
    }

    fn metadata(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.about {
            let is_first = text.is_empty();
            // Writing into a string never fails.
            let _ = if name == "sha256_of" {
                write_pair(
                    &mut text,
                    is_first,
                    key::SHA256,
                    hex(&sha256(value.as_bytes())).as_bytes(),
                )
            } else {
                write_pair(&mut text, is_first, name, value.as_bytes())
            };
        }
        text
    }

    fn compare(
        &self,
        request: &HttpRequest,
        reply: &HttpReply,
        subject: &mut dyn Subject,
        kept: &Kept,
    ) -> Result<(), String> {
        let answer = &self.answer;
        same("status", &answer.status, &Some(reply.status))?;
        let json: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        if let Some(code) = &answer.code {
            same("code", &Some(code.as_str()), &json["error"]["code"].as_str())?;
        }
        let is_upload = request.path.starts_with("/api/v1/uploads");
        let version = is_upload.then_some(VERSION);
        same(TUS_RESUMABLE, &version, &reply.header(TUS_RESUMABLE))?;
        for name in SAID_OR_ABSENT {
            if !answer.headers.contains_key(name) && reply.header(name).is_some() {
                return Err(format!("{name} is there: {:?}", reply.header(name)));
            }
        }
        for (name, expected) in &answer.headers {
            let found = reply.header(name).ok_or_else(|| format!("{name} is absent"))?;
            if expected != "*" {
                let found = if name == "location" {
                    from_api(found)
                } else {
                    found
                };
                same(name, &filled(expected, kept).as_str(), &found)?;
            }
        }
        for (pointer, expected) in &answer.json {
            same(pointer, &Some(expected), &json.pointer(pointer))?;
        }
        match (&answer.receipt, reply.header(FIELDPOST_RECEIPT)) {
            (None, None) => Ok(()),
            (Some(expected), Some(text)) => expected.check(text, subject),
            (Some(_), None) => Err("no receipt".to_owned()),
            (None, Some(_)) => Err("a receipt".to_owned()),
        }
    }

    fn keep(&self, reply: &HttpReply, kept: &mut Kept) -> Result<(), String> {
        let json: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
        for (name, from) in &self.answer.keep {
            let value = match from.as_str() {
                pointer if pointer.starts_with('/') => json.pointer(pointer).and_then(Value::as_str),
                "location" => reply.header("location").map(from_api),
                header => reply.header(header),
            };
            let value = value.ok_or_else(|| format!("nothing to keep as {name}: {from} is absent"))?;
            kept.insert(name.clone(), value.to_owned());
        }
        Ok(())
    }
}

impl ReceiptFor {
    fn check(&self, text: &str, subject: &mut dyn Subject) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| format!("receipt: {error}");
        let signed = SignedReceipt::from_text(text).map_err(|error| failed(&error))?;
        let stored = signed
            .verify(&subject.keys())
            .map_err(|error| failed(&error))?
            .stored;
        let size_bytes = u64::try_from(self.bytes.len()).map_err(|error| failed(&error))?;
        stored
            .check_bytes(size_bytes, &sha256(self.bytes.as_bytes()))
            .map_err(|error| failed(&error))?;
        same("name in the receipt", &self.name.as_str(), &stored.name)?;
        same(
            "device in the receipt",
            &Some(subject.device(&self.of)),
            &stored.device,
        )
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected:?}, found {found:?}"))
    }
}

fn from_api(address: &str) -> &str {
    address.find("/api/").map_or(address, |at| &address[at..])
}

/// With what was kept in place of `${name}`.
fn filled(text: &str, kept: &Kept) -> String {
    let mut text = text.to_owned();
    for (name, value) in kept {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    text
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
