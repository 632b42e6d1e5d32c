//! One heartbeat: what a device says of one session, parsed once.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::value::{Moment, moment, seconds};
use crate::crash::Crash;

/// Ids on stickers and UUIDs.
const DEVICE_CHARS_MAX: usize = 64;
/// A word.
const STATUS_CHARS_MAX: usize = 32;
/// 128 bits in hexadecimal.
const EPOCH_CHARS_MAX: usize = 32;
/// What goes into the log of a `msg_id`.
const MSG_ID_CHARS_MAX: usize = 64;

/// The identity of a session within its device: `b:<boot epoch>:<boot number>` where the device counts its boots,
/// else `s:<session start as an instant>`. It never changes, whatever is learned about the session later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(String);

impl SessionKey {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it was written to a row.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    fn of_start(start: Timestamp) -> Self {
        Self(format!("s:{start}"))
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a session began, as far as its device knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A session that is known by its boot and has no time yet.
    Unknown,
    /// By a clock that was not set; only sessions without a boot number have it, because there the start is the identity.
    Unset,
    /// `revision` counts how often the device has set the start anew.
    At { at: Timestamp, revision: i64 },
}

/// What a device says of one of its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// The device by a name of its own.
    pub device: Option<String>,
    pub key: SessionKey,
    pub start: Start,
    /// As said: may be absurd.
    pub run_s: i64,
    /// By the device's clock.
    pub last_update: Option<Timestamp>,
    pub status: Option<String>,
    /// For the log only.
    pub msg_id: Option<String>,
    /// What it says of a crash before.
    pub crash: Option<Box<Crash>>,
}

/// Why one heartbeat cannot be stored. The sender keeps it and shows it; sending the same again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHeartbeat {
    #[error("A heartbeat is a JSON object: {{\"session_start\", \"run_seconds\", …}}.")]
    NotAnObject,
    #[error("`run_seconds` is missing or no number; send how long the session has run, in seconds.")]
    RunSeconds,
    #[error(
        "`session_start` cannot be read; send RFC 3339 with an offset (2026-11-20T12:00:00Z) or Unix seconds, \
         or null with `boot_epoch` and `boot_number` while the time is not known."
    )]
    SessionStart,
    #[error(
        "Nothing says which session this is; send `session_start`, or `boot_epoch` with `boot_number` \
         while the time is not known."
    )]
    NoIdentity,
    #[error(
        "`boot_epoch` is 1 to 32 letters and digits or a whole number, `boot_number` a whole number from 0; \
         send both or neither."
    )]
    Boot,
    #[error("The device's name is a text of 1 to 64 characters without control characters.")]
    DeviceName,
}

impl BadHeartbeat {
    /// For programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnObject => "not_an_object",
            Self::RunSeconds => "bad_run_seconds",
            Self::SessionStart => "bad_session_start",
            Self::NoIdentity => "no_identity",
            Self::Boot => "bad_boot",
            Self::DeviceName => "bad_device_name",
        }
    }
}

impl Heartbeat {
    /// Members that are not known are left alone; an unreadable `last_update` or an odd `status` loses no hours.
    pub fn parse(value: &Value) -> Result<Self, BadHeartbeat> {
        let members = value.as_object().ok_or(BadHeartbeat::NotAnObject)?;
        let run_s = seconds(members.get("run_seconds")).ok_or(BadHeartbeat::RunSeconds)?;
        let (key, start) = identity(members)?;
        let last_update = match moment(members.get("last_update")) {
            Moment::At(at) => Some(at),
            Moment::Unknown | Moment::Unset(_) | Moment::Unreadable => None,
        };
        Ok(Self {
            device: device(members)?,
            key,
            start,
            run_s,
            last_update,
            status: short_text(members.get("status"), STATUS_CHARS_MAX),
            msg_id: short_text(members.get("msg_id"), MSG_ID_CHARS_MAX),
            // One that cannot be read loses no hours either.
            crash: Crash::in_members(members).ok().flatten().map(Box::new),
        })
    }
}

fn identity(members: &Map<String, Value>) -> Result<(SessionKey, Start), BadHeartbeat> {
    let said = moment(members.get("session_start"));
    let boot = match boot(members)? {
        Some(boot) => boot,
        None => {
            return match said {
                Moment::At(at) => Ok((SessionKey::of_start(at), Start::At { at, revision: 0 })),
                Moment::Unset(at) => Ok((SessionKey::of_start(at), Start::Unset)),
                Moment::Unknown => Err(BadHeartbeat::NoIdentity),
                Moment::Unreadable => Err(BadHeartbeat::SessionStart),
            };
        }
    };
    let start = match said {
        Moment::At(at) => Start::At {
            at,
            revision: seconds(members.get("start_revision")).unwrap_or(0),
        },
        Moment::Unknown | Moment::Unset(_) => Start::Unknown,
        Moment::Unreadable => return Err(BadHeartbeat::SessionStart),
    };
    Ok((boot, start))
}

fn boot(members: &Map<String, Value>) -> Result<Option<SessionKey>, BadHeartbeat> {
    let (epoch, number) = match (present(members, "boot_epoch"), present(members, "boot_number")) {
        (None, None) => return Ok(None),
        (Some(epoch), Some(number)) => (epoch, number),
        (Some(_), None) | (None, Some(_)) => return Err(BadHeartbeat::Boot),
    };
    let epoch = match epoch {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_u64().ok_or(BadHeartbeat::Boot)?.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(BadHeartbeat::Boot),
    };
    let plain = epoch.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let number = number.as_u64().filter(|_| plain).ok_or(BadHeartbeat::Boot)?;
    if epoch.is_empty() || epoch.len() > EPOCH_CHARS_MAX {
        return Err(BadHeartbeat::Boot);
    }
    Ok(Some(SessionKey(format!("b:{epoch}:{number}"))))
}

fn present<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members.get(name).filter(|value| !value.is_null())
}

fn device(members: &Map<String, Value>) -> Result<Option<String>, BadHeartbeat> {
    let Some(said) = DEVICE_MEMBERS.into_iter().find_map(|name| present(members, name)) else {
        return Ok(None);
    };
    device_name(said).map(Some).ok_or(BadHeartbeat::DeviceName)
}

/// What a device calls itself by: three documents, three names for one thing, the first that says something counts.
pub const DEVICE_MEMBERS: [&str; 3] = ["device_uuid", "device_id", "device_uid"];

/// A device's own name for itself, if it can be one.
#[must_use]
pub fn device_name(value: &Value) -> Option<String> {
    let name = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let fits = (1..=DEVICE_CHARS_MAX).contains(&name.chars().count());
    (fits && !name.chars().any(char::is_control)).then_some(name)
}

/// Any JSON as a short text; null and what is absent are none.
fn short_text(value: Option<&Value>, chars_max: usize) -> Option<String> {
    let text = match value? {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    };
    let plain = text.chars().filter(|c| !c.is_control());
    let cut: String = plain.take(chars_max).collect();
    (!cut.is_empty()).then_some(cut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_older_client_is_known_by_the_instant_its_session_began() {
        let said = json!({"device_uuid": "AC-17", "session_start": "2026-11-20T13:00:00+01:00", "run_seconds": 60,
            "last_update": "2026-11-20T12:01:00Z", "status": "running", "msg_id": "AC-17-60"});
        let heard = Heartbeat::parse(&said).unwrap();
        assert_eq!(heard.key.as_str(), "s:2026-11-20T12:00:00Z");
        assert_eq!(heard.device.as_deref(), Some("AC-17"));
        assert_eq!((heard.run_s, heard.status.as_deref()), (60, Some("running")));
        let elsewhere = json!({"session_start": 1_795_176_000, "run_seconds": 120, "msg_id": "AC-17-120"});
        assert_eq!(Heartbeat::parse(&elsewhere).unwrap().key, heard.key);
    }

    #[test]
    fn a_boot_is_the_identity_with_and_without_time() {
        let untimed =
            json!({"boot_epoch": "9f3a", "boot_number": 7, "run_seconds": 60, "session_start": null});
        let timed = json!({"boot_epoch": "9f3a", "boot_number": 7, "run_seconds": 90,
            "session_start": "2026-11-20T12:00:00Z", "start_revision": 1});
        let (untimed, timed) = (
            Heartbeat::parse(&untimed).unwrap(),
            Heartbeat::parse(&timed).unwrap(),
        );
        assert_eq!(untimed.key.as_str(), "b:9f3a:7");
        assert_eq!(timed.key, untimed.key);
        assert_eq!(untimed.start, Start::Unknown);
        assert!(matches!(timed.start, Start::At { revision: 1, .. }));
        let by_number = json!({"boot_epoch": 7, "boot_number": 7, "session_start": "1970-01-01T00:00:03Z", "run_seconds": 1});
        assert_eq!(
            Heartbeat::parse(&by_number).unwrap().start,
            Start::Unknown,
            "a clock that is not set"
        );
    }

    #[test]
    fn any_message_id_is_taken_and_none_is_an_identity() {
        let mut keys = Vec::new();
        for msg_id in [
            json!("a"),
            json!(7),
            json!({"deep": [1]}),
            json!(null),
            json!("x".repeat(9000)),
        ] {
            let said = json!({"session_start": "2026-11-20T12:00:00Z", "run_seconds": 1, "msg_id": msg_id});
            let heard = Heartbeat::parse(&said).unwrap();
            assert!(heard.msg_id.is_none_or(|text| text.chars().count() <= 64));
            keys.push(heard.key);
        }
        keys.dedup();
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn what_cannot_be_stored_says_why() {
        for (said, why) in [
            (json!([]), BadHeartbeat::NotAnObject),
            (
                json!({"session_start": "2026-11-20T12:00:00Z"}),
                BadHeartbeat::RunSeconds,
            ),
            (
                json!({"session_start": "2026-11-20T12:00:00Z", "run_seconds": "60"}),
                BadHeartbeat::RunSeconds,
            ),
            (json!({"run_seconds": 1}), BadHeartbeat::NoIdentity),
            (
                json!({"run_seconds": 1, "session_start": "noon"}),
                BadHeartbeat::SessionStart,
            ),
            (json!({"run_seconds": 1, "boot_number": 1}), BadHeartbeat::Boot),
            (
                json!({"run_seconds": 1, "boot_epoch": "a:b", "boot_number": 1}),
                BadHeartbeat::Boot,
            ),
            (
                json!({"run_seconds": 1, "boot_epoch": "", "boot_number": 1}),
                BadHeartbeat::Boot,
            ),
            (
                json!({"run_seconds": 1, "boot_epoch": "a", "boot_number": -1}),
                BadHeartbeat::Boot,
            ),
            (
                json!({"run_seconds": 1, "session_start": 1_795_176_000, "device_id": "a\u{0}b"}),
                BadHeartbeat::DeviceName,
            ),
        ] {
            assert_eq!(Heartbeat::parse(&said), Err(why), "{said}");
        }
    }
}
