//! Heartbeats: the longest run of each session, and an answer for each of them.

use serde_json::{Value, json};

use super::{Server, refusal};
use crate::http::{HttpReply, HttpRequest};

/// One boot of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub run_seconds: i64,
    /// As it was sent last.
    pub started: Option<String>,
    pub status: Option<String>,
}

impl Server {
    /// What is known of a device's boots, by `b:<boot epoch>:<boot number>` or `s:<session start>`.
    pub fn sessions(&self, device: [u8; 16]) -> impl Iterator<Item = (&str, &Session)> {
        let of_device = self
            .sessions
            .iter()
            .filter(move |((whose, _), _)| *whose == device);
        of_device.map(|((_, key), session)| (key.as_str(), session))
    }

    /// What this device said of restarts that nobody wanted: reason and boot.
    pub fn crashes(&self, device: [u8; 16]) -> impl Iterator<Item = &str> {
        let of_device = self.crashes.iter().filter(move |(whose, _)| *whose == device);
        of_device.map(|(_, crash)| crash.as_str())
    }

    pub(super) fn heartbeats(&mut self, device: [u8; 16], request: &HttpRequest) -> HttpReply {
        let Ok(said) = serde_json::from_slice::<Value>(&request.body) else {
            return refusal(400, "malformed_json");
        };
        let (items, is_alone) = match said {
            Value::Array(items) => (items, false),
            one @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                (vec![one], true)
            }
        };
        let mut results = Vec::new();
        for item in &items {
            match self.heartbeat(device, item) {
                Ok(result) => results.push(result),
                Err(code) if is_alone => return refusal(422, code),
                Err(code) => results.push(json!({
                    "stored": false, "session": null, "run_seconds": null, "counted": false, "suspect": null,
                    "error": { "code": code, "message": "as the model says" },
                })),
            }
        }
        let success = results.iter().all(|result| result["stored"] == true);
        let version = self.desired.get(&device).map_or(0, |(version, _)| *version);
        HttpReply::of(200)
            .json(&json!({ "success": success, "results": results, "desired_version": version }))
    }

    fn heartbeat(&mut self, device: [u8; 16], item: &Value) -> Result<Value, &'static str> {
        if !item.is_object() {
            return Err("not_an_object");
        }
        let run_seconds = item["run_seconds"].as_i64().ok_or("bad_run_seconds")?;
        let epoch = match &item["boot_epoch"] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let key = match (
            epoch,
            item["boot_number"].as_u64(),
            item["session_start"].as_str(),
        ) {
            (Some(epoch), Some(number), _) => format!("b:{epoch}:{number}"),
            (Some(_), None, _) | (None, Some(_), _) => return Err("bad_boot"),
            (None, None, Some(start)) => format!("s:{start}"),
            (None, None, None) => return Err("no_identity"),
        };
        if let Some(reason) = item["crash"]["reason"].as_str() {
            let crash = (device, format!("{reason} {}", item["crash"]["boot"]));
            if !self.crashes.contains(&crash) {
                self.crashes.push(crash);
            }
        }
        let text = |name: &str| item[name].as_str().map(str::to_owned);
        let session = self.sessions.entry((device, key.clone())).or_insert(Session {
            run_seconds: 0,
            started: None,
            status: None,
        });
        session.run_seconds = session.run_seconds.max(run_seconds);
        let started = match &item["session_start"] {
            Value::Number(number) => Some(number.to_string()),
            other
            @ (Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                other.as_str().map(str::to_owned)
            }
        };
        session.started = started.or(session.started.take());
        session.status = text("status").or(session.status.take());
        Ok(json!({
            "stored": true, "session": key, "run_seconds": session.run_seconds,
            "counted": session.started.is_some(), "suspect": null, "error": null,
        }))
    }
}
