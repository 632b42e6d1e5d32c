//! What people want a device to be: settings, a track, networks. Pure: what was said is checked here, once; rows and HTTP
//! are others'.
//!
//! Network passwords are boxes that a page sealed for one device; nothing here can open them
//! (`docs/decisions/0020-sealed-networks.md`).

mod course;
mod networks;
mod settings;

pub use course::{Course, CourseWish};
pub use networks::{Network, NetworkWish, Networks, NetworksWish, SealKey};
use serde::{Deserialize, Serialize};
pub use settings::Settings;

/// Everything that people set at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    pub settings: Settings,
    pub track: Option<Course>,
    pub networks: NetworksWish,
}

/// What a device may be told to do once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandKind {
    /// Send what is recorded now.
    Sync,
    Restart,
    /// Blink, so that people see which one it is.
    Identify,
    SendLogs,
}

impl CommandKind {
    /// All of them, for a refusal that says what would be right.
    pub const NAMES: &str = "sync, restart, identify, send_logs";

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Restart => "restart",
            Self::Identify => "identify",
            Self::SendLogs => "send_logs",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Sync, Self::Restart, Self::Identify, Self::SendLogs]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// Why something cannot be wanted of a device.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadWish {
    #[error(
        "the setting `{0}` has a name that is none; names have 1 to 64 of a-z, A-Z, 0-9, `_`, `-` and `.`"
    )]
    SettingName(String),
    #[error("the setting `{0}` is no text, number or boolean; settings are flat: {{\"rate_hz\": 10}}")]
    SettingValue(String),
    #[error(
        "the setting `{0}` reads like a secret, and settings are kept in clear; network passwords go sealed under `networks`"
    )]
    SecretSetting(String),
    #[error("the settings have {0} bytes as JSON; 8 192 at most")]
    SettingsTooLong(usize),
    #[error("a track is either the `id` of one that the team has, or a `gate` of two points with a `name`")]
    TrackUnclear,
    #[error("the team has no track {0}")]
    UnknownTrack(String),
    #[error("the name of a track has 1 to 100 characters and no control characters")]
    TrackName,
    #[error(
        "{line}: [{latitude}, {longitude}] is no place; a point is [latitude, longitude] in degrees, -90 to 90 and -180 to 180"
    )]
    NoPlace {
        line: String,
        latitude: f64,
        longitude: f64,
    },
    #[error("{line} is {metres:.1} m long; the two ends of a line lie 1 to 1 000 m apart")]
    LineLength { line: String, metres: f64 },
    #[error("a track has 16 splits at most, these are {0}")]
    TooManySplits(usize),
    #[error("the name of a network has 1 to 32 bytes; this one has {0}")]
    Ssid(usize),
    #[error("at most 10 networks can be added and 10 forgotten")]
    TooManyNetworks,
    #[error("the network `{0}` is named twice")]
    NetworkTwice(String),
    #[error("the sealed password of `{0}` is not Base64")]
    SealedText(String),
    #[error("the sealed password of `{ssid}` has {bytes} bytes; 1 to 512 are taken")]
    SealedLength { ssid: String, bytes: usize },
    #[error("the sealed password of `{ssid}` begins with version {found}; version 1 is known")]
    SealedVersion { ssid: String, found: u8 },
    #[error("no sealed password is kept for `{0}`; send one with it")]
    NotSealed(String),
    #[error("a seal key is a P-256 public key: 65 bytes that begin with 4, as base64url")]
    SealKey,
}

impl BadWish {
    /// For programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SettingName(_) | Self::SettingValue(_) => "bad_setting",
            Self::SecretSetting(_) => "secret_setting",
            Self::SettingsTooLong(_) => "settings_too_long",
            Self::TrackUnclear | Self::TrackName | Self::TooManySplits(_) | Self::LineLength { .. } => {
                "bad_track"
            }
            Self::UnknownTrack(_) => "unknown_track",
            Self::NoPlace { .. } => "bad_coordinates",
            Self::Ssid(_) | Self::TooManyNetworks | Self::NetworkTwice(_) => "bad_network",
            Self::SealedText(_) | Self::SealedLength { .. } | Self::SealedVersion { .. } => "bad_sealed",
            Self::NotSealed(_) => "not_sealed",
            Self::SealKey => "bad_seal_key",
        }
    }
}
