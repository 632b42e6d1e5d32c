use serde_json::{Map, Value};

use super::BadWish;
use crate::auth::secret::reads_like_a_secret;

/// A page of settings; what a small device can hold in one piece.
const BYTES_MAX: usize = 8192;
const NAME_CHARS_MAX: usize = 64;
/// A flat JSON object of texts, numbers and booleans. The device knows what they mean, nobody here does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings(Map<String, Value>);

impl Settings {
    pub fn parse(said: Map<String, Value>) -> Result<Self, BadWish> {
        for (name, value) in &said {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
            if !(1..=NAME_CHARS_MAX).contains(&name.len()) || !name.bytes().all(plain) {
                return Err(BadWish::SettingName(name.chars().take(NAME_CHARS_MAX).collect()));
            }
            if reads_like_a_secret(name, value.as_str()) {
                return Err(BadWish::SecretSetting(name.clone()));
            }
            match value {
                Value::String(_) | Value::Number(_) | Value::Bool(_) => {}
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return Err(BadWish::SettingValue(name.clone()));
                }
            }
        }
        let settings = Self(said);
        match settings.to_json().len() {
            bytes if bytes > BYTES_MAX => Err(BadWish::SettingsTooLong(bytes)),
            _ => Ok(settings),
        }
    }

    #[must_use]
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> Result<Settings, BadWish> {
        Settings::parse(value.as_object().unwrap().clone())
    }

    #[test]
    fn settings_are_flat_named_plainly_and_no_secrets() {
        assert!(parse(&json!({"rate_hz": 10, "led": true, "unit": "km/h", "gain": 0.5})).is_ok());
        for (said, code) in [
            (json!({"": 1}), "bad_setting"),
            (json!({"a b": 1}), "bad_setting"),
            (json!({"a": null}), "bad_setting"),
            (json!({"a": [1]}), "bad_setting"),
            (json!({"a": {"b": 1}}), "bad_setting"),
            (json!({"wifi_Password": "x"}), "secret_setting"),
            (json!({"psk": "x"}), "secret_setting"),
            (json!({"ssid_pwd": "x"}), "secret_setting"),
            (json!({"api.key": "x"}), "secret_setting"),
            (
                json!({"upload": "https://user:hunter2@example.org/"}),
                "secret_setting",
            ),
            (json!({"a": "x".repeat(8200)}), "settings_too_long"),
        ] {
            assert_eq!(parse(&said).unwrap_err().code(), code, "{said}");
        }
        let just = json!({"a": "x".repeat(BYTES_MAX - r#"{"a":""}"#.len())});
        assert!(parse(&just).is_ok(), "the bound itself is taken");
    }
}
