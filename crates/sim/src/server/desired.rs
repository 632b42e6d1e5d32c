//! What a device should be: a version and the whole answer, as a test sets it, and what the device said of it.

use serde_json::{Value, json};

use super::{Server, refusal, sha256};
use crate::http::{HttpReply, HttpRequest};

/// While nothing was ever wanted.
const NOTHING: &str =
    r#"{"version":0,"settings":{},"track":null,"networks":{"add":[],"forget":[]},"commands":[]}"#;

/// What a device said of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    pub version: i64,
    /// All of it, or nothing.
    pub applied: bool,
    pub error: Option<String>,
}

impl Server {
    /// All that this device said, in its order.
    pub fn acknowledged(&self, device: [u8; 16]) -> impl Iterator<Item = &Acknowledged> {
        let of_device = self
            .acknowledged
            .iter()
            .filter(move |(whose, _)| *whose == device);
        of_device.map(|(_, said)| said)
    }

    /// Commands are ended by whoever set them.
    pub(super) fn acknowledge(&mut self, device: [u8; 16], request: &HttpRequest) -> HttpReply {
        let Ok(said) = serde_json::from_slice::<Value>(&request.body) else {
            return refusal(400, "malformed_json");
        };
        let (Some(version), Some(applied)) = (said["version"].as_i64(), said["applied"].as_bool()) else {
            return refusal(422, "wrong_shape");
        };
        let error = said["error"].as_str().map(str::to_owned);
        let ack = Acknowledged {
            version,
            applied,
            error,
        };
        self.acknowledged.push((device, ack));
        let wanted = self.desired.get(&device).map_or(0, |(version, _)| *version);
        let applied = self
            .acknowledged(device)
            .filter(|said| said.applied && said.version <= wanted);
        let newest = applied.map(|said| said.version).max().unwrap_or(0);
        HttpReply::of(200).json(&json!({ "version": wanted, "applied_version": newest }))
    }

    /// `answer` is the JSON that the device gets, with this version in it.
    pub fn want(&mut self, device: [u8; 16], version: i64, answer: &str) {
        self.desired.insert(device, (version, answer.to_owned()));
    }

    pub(super) fn desired(&self, device: [u8; 16], request: &HttpRequest) -> HttpReply {
        let answer = self.desired.get(&device).map_or(NOTHING, |(_, answer)| answer);
        let [a, b, c, d, ..] = sha256(answer.as_bytes());
        let tag = format!("\"{:08x}\"", u32::from_be_bytes([a, b, c, d]));
        if request.header("if-none-match") == Some(tag.as_str()) {
            return HttpReply::of(304).with("etag", &tag);
        }
        let mut reply = HttpReply::of(200)
            .with("etag", &tag)
            .with("content-type", &"application/json");
        reply.body = answer.as_bytes().to_vec();
        reply
    }
}
