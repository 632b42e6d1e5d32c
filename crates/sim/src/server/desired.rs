//! What a device should be: a version and the whole answer, as a test sets it.

use super::{Server, sha256};
use crate::http::{HttpReply, HttpRequest};

/// While nothing was ever wanted.
const NOTHING: &str =
    r#"{"version":0,"settings":{},"track":null,"networks":{"add":[],"remove":[]},"commands":[]}"#;

impl Server {
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
