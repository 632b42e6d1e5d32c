//! A breadcrumb: what a device says of its last crash, in the `crash` member of a ping or a heartbeat.

use serde_json::{Map, Value};

const REASON_CHARS_MAX: usize = 64;
const BOOT_CHARS_MAX: usize = 64;
const FIRMWARE_CHARS_MAX: usize = 64;
/// A panic message with its place, or a few return addresses.
const DETAIL_BYTES_MAX: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// `panic`, `watchdog`, `brownout`, …
    pub reason: String,
    /// Which boot ended so; empty where it is not said. The same reason of one boot is one crash.
    pub boot: String,
    pub firmware: Option<String>,
    /// How long that boot had run.
    pub uptime_s: Option<i64>,
    /// At most 1 KiB; the rest is cut.
    pub detail: Option<String>,
}

/// Why a breadcrumb is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "`crash` is an object with a `reason` of 1 to 64 characters: {{\"reason\", \"firmware\", \"uptime_s\", \"boot\", \"detail\"}}"
)]
pub struct NoCrash;

impl Crash {
    /// What the members of a ping or heartbeat say; `None` where they say nothing of a crash.
    pub fn in_members(members: &Map<String, Value>) -> Result<Option<Self>, NoCrash> {
        match members.get("crash") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(said)) => Self::parse(said).map(Some),
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => Err(NoCrash),
        }
    }

    fn parse(said: &Map<String, Value>) -> Result<Self, NoCrash> {
        let text = |name, chars_max| text(said.get(name)?, chars_max);
        let uptime = said
            .get("uptime_s")
            .and_then(Value::as_f64)
            .filter(|s| (0.0..1e12).contains(s));
        #[allow(clippy::cast_possible_truncation, reason = "bounded on the line above")]
        let uptime_s = uptime.map(|s| s as i64);
        Ok(Self {
            reason: text("reason", REASON_CHARS_MAX).ok_or(NoCrash)?,
            boot: text("boot", BOOT_CHARS_MAX).unwrap_or_default(),
            firmware: text("firmware", FIRMWARE_CHARS_MAX),
            uptime_s,
            detail: said.get("detail").and_then(Value::as_str).and_then(detail),
        })
    }
}

/// A text or number on one line, cut.
fn text(value: &Value, chars_max: usize) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let cut: String = text.chars().filter(|c| !c.is_control()).take(chars_max).collect();
    (!cut.is_empty()).then_some(cut)
}

/// Several lines; PostgreSQL takes no NUL.
fn detail(text: &str) -> Option<String> {
    let clean: String = text.chars().filter(|&c| !c.is_control() || c == '\n').collect();
    let cut = &clean[..clean.floor_char_boundary(DETAIL_BYTES_MAX)];
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn crash(said: &Value) -> Result<Option<Crash>, NoCrash> {
        Crash::in_members(json!({ "crash": said }).as_object().unwrap())
    }

    #[test]
    fn a_breadcrumb_needs_a_reason_and_everything_else_is_cut_to_its_bound() {
        let long = "é".repeat(600);
        let said = json!({"reason": "panic\u{0}", "boot": 41, "uptime_s": 12.9, "firmware": "f".repeat(99), "detail": long});
        let crash_said = crash(&said).unwrap().unwrap();
        assert_eq!(
            (crash_said.reason.as_str(), crash_said.boot.as_str()),
            ("panic", "41")
        );
        assert_eq!(crash_said.uptime_s, Some(12));
        assert_eq!(crash_said.firmware.unwrap().len(), 64);
        assert_eq!(crash_said.detail.unwrap().len(), 1024);
        assert_eq!(crash(&json!(null)), Ok(None));
        for bad in [
            json!({}),
            json!("panic"),
            json!({"reason": ""}),
            json!({"reason": [1]}),
        ] {
            assert_eq!(crash(&bad), Err(NoCrash), "{bad}");
        }
    }
}
