//! The receipt of a recording, and whether what was signed for is still there.

use serde_json::{Value, json};
use wire::receipt::{FIELDPOST_RECEIPT, SignedReceipt, VerifyError};

use super::uploads::digest;
use super::{Server, id_of, id_text, is_json, not_found, refusal};
use crate::http::{HttpReply, HttpRequest};

const CONFIRM_MAX: usize = 25;

impl Server {
    pub(super) fn receipt_of(&self, device: [u8; 16], id: &str) -> HttpReply {
        let stored = id_of(id).and_then(|id| self.recordings.get(&id));
        let Some(stored) = stored.filter(|stored| stored.device == device) else {
            return not_found();
        };
        if stored.bytes.is_none() {
            return refusal(410, "bytes_missing");
        }
        let receipt = match self.sign(stored) {
            Ok(signed) => signed.to_string(),
            Err(refused) => return refused,
        };
        let answer = json!({
            "receipt": receipt,
            "recording_id": id,
            "filename": stored.name,
            "size_bytes": stored.size_bytes,
        });
        HttpReply::of(200).with(FIELDPOST_RECEIPT, &receipt).json(&answer)
    }

    pub(super) fn confirm(&mut self, device: [u8; 16], request: &HttpRequest) -> HttpReply {
        if !is_json(request) {
            return refusal(415, "unsupported_media_type");
        }
        let Ok(asked) = serde_json::from_slice::<Value>(&request.body) else {
            return refusal(400, "malformed_json");
        };
        let Some(items) = asked["items"].as_array() else {
            return refusal(422, "wrong_shape");
        };
        if !(1..=CONFIRM_MAX).contains(&items.len()) {
            return refusal(422, "wrong_count");
        }
        self.questions += 1;
        let mut answers = Vec::new();
        for item in items {
            match self.look_for(device, item) {
                Ok(reason) => answers.push(json!({ "held": reason.is_none(), "reason": reason })),
                Err(refused) => return refused,
            }
        }
        HttpReply::of(200).json(&json!({ "storage_epoch": id_text(self.epoch), "items": answers }))
    }

    /// Why it is not held; `None` when it is.
    fn look_for(&mut self, device: [u8; 16], item: &Value) -> Result<Option<&'static str>, HttpReply> {
        let wanted = match (item["receipt"].as_str(), item["sha256"].as_str()) {
            (Some(text), None) => match self.signed_for(device, text) {
                Ok(digest) => digest,
                Err(reason) => return Ok(Some(reason)),
            },
            (None, Some(text)) => digest(text).ok_or_else(|| refusal(422, "bad_digest"))?,
            (_, _) => return Err(refusal(422, "wrong_shape")),
        };
        let mut found = self
            .recordings
            .values()
            .filter(|stored| stored.sha256 == wanted)
            .peekable();
        if found.peek().is_none() {
            self.denied.insert(wanted);
            return Ok(Some("no_recording"));
        }
        let is_there = found.any(|stored| stored.bytes.is_some());
        if is_there {
            self.confirmed.insert(wanted);
        } else {
            self.denied.insert(wanted);
        }
        Ok((!is_there).then_some("bytes_missing"))
    }

    fn signed_for(&self, device: [u8; 16], text: &str) -> Result<[u8; 32], &'static str> {
        let signed = SignedReceipt::from_text(text).map_err(|_| "malformed")?;
        let receipt = signed.verify(&[self.public_key()]).map_err(|error| match error {
            VerifyError::Malformed(_) => "malformed",
            VerifyError::UnknownKey(_) | VerifyError::NotNewest(_) => "unknown_key",
            VerifyError::BadSignature => "bad_signature",
        })?;
        if receipt.stored.tenant != self.tenant || receipt.stored.device != Some(device) {
            return Err("no_recording");
        }
        Ok(receipt.stored.sha256)
    }
}
