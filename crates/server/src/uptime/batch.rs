//! A body of heartbeats: one object, or an array in which each item has its own result.

use serde_json::Value;

use super::{BadHeartbeat, Heartbeat};

/// Heartbeats in one array: eight hours of one device's minutes, twice.
pub const BATCH_MAX: usize = 1000;

/// What one request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch {
    One(Result<Heartbeat, BadHeartbeat>),
    /// In the order of the array.
    Many(Vec<Result<Heartbeat, BadHeartbeat>>),
}

/// Why nothing of a body can be stored.
#[derive(Debug, thiserror::Error)]
pub enum BadBody {
    #[error("The body is not valid JSON at line {} column {}.", .0.line(), .0.column())]
    NotJson(serde_json::Error),
    #[error(
        "An array of at most {BATCH_MAX} heartbeats is taken; this one has {0}. Send it in several requests."
    )]
    TooMany(usize),
}

/// One bad item of an array does not spoil the others.
pub fn parse(body: &[u8]) -> Result<Batch, BadBody> {
    match serde_json::from_slice(body).map_err(BadBody::NotJson)? {
        Value::Array(items) if items.len() > BATCH_MAX => Err(BadBody::TooMany(items.len())),
        Value::Array(items) => Ok(Batch::Many(items.iter().map(Heartbeat::parse).collect())),
        one @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Ok(Batch::One(Heartbeat::parse(&one)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_of_an_array_has_its_own_result() {
        let body = br#"[{"session_start":"2026-11-20T12:00:00Z","run_seconds":60},7,{"run_seconds":1}]"#;
        let Batch::Many(items) = parse(body).unwrap() else {
            panic!("an array is many")
        };
        assert!(items[0].is_ok());
        assert_eq!(items[1], Err(BadHeartbeat::NotAnObject));
        assert_eq!(items[2], Err(BadHeartbeat::NoIdentity));
    }

    #[test]
    fn arrays_are_bounded_and_bodies_are_json() {
        let many = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert!(parse(many(BATCH_MAX).as_bytes()).is_ok());
        assert!(matches!(
            parse(many(BATCH_MAX + 1).as_bytes()),
            Err(BadBody::TooMany(1001))
        ));
        assert!(matches!(parse(b"{"), Err(BadBody::NotJson(_))));
        let deep = "[".repeat(100_000);
        assert!(matches!(parse(deep.as_bytes()), Err(BadBody::NotJson(_))));
        assert!(matches!(parse(b"[]").unwrap(), Batch::Many(items) if items.is_empty()));
    }
}
