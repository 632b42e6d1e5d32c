//! What people want the device to be: networks, server, keys, rates, track.
//!
//! ```text
//!  CONFIGURE (phone, form) ─┐                               ┌─► Save: one blob, then Changed, Run, Sync …
//!  desired state (server) ──┼─► a copy is changed, checked ─┤
//!  joined a network ────────┘                               └─► Refused, with a reason; nothing was changed
//! ```
//!
//! * [`Settings`] are the values; every type in them can hold good ones only.
//! * [`Settings::encode`] makes one blob of at most [`SETTINGS_BYTES_MAX`] bytes with a version and a checksum. Track, commands and the applied version are in the same
//!   blob: a cut leaves all of a change or nothing of it.
//! * [`configure()`] and [`desired::DesiredReader`] change a copy and give it out only when all of it was good.
//! * [`Keeper`] owns the settings in force, saves before it believes, fetches what the server wants and tells it what became of it.
//!
//! It does not open sealed passwords itself: [`Unseal`] is the seam to the device's key.

mod configure;
pub mod desired;
mod encoding;
mod keeper;
mod network;
mod sealed;
mod secret;
mod url;

use core::fmt;

pub use configure::{BadConfigure, CONFIGURE_BYTES_MAX, Configured, Via, configure, configure_by_form};
pub use encoding::{LoadError, SETTINGS_BYTES_MAX};
use heapless::Vec;
pub use keeper::{Command, Input, Keeper, Output, Refusal};
pub(crate) use network::named;
pub use network::{BadNetwork, Network, Networks, Password};
pub use sealed::{BadSealed, CannotOpen, PASSWORD_BYTES_MAX, Sealed, Unseal};
pub use secret::Secret;
pub use url::{Address, BadUrl, INGEST_KEY_BYTES_MAX, ServerUrl, URL_BYTES_MAX};
use wire::receipt::{PublicKey, TrustedKeys};

use crate::json::Token;
use crate::track::Track;

/// `fpd_` and 43 characters today.
pub const TOKEN_BYTES_MAX: usize = 80;
/// Commands that are known and not yet told the end of; the server gives out the rest later.
pub const COMMANDS_MAX: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    #[default]
    Race,
    Uptime,
    Camera,
}

/// What happens to a recording that a server has signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterReceipt {
    /// It stays until room is needed.
    #[default]
    Archive,
    Delete,
}

/// The server's public keys, checked when they came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerKeys {
    newest: [u8; 32],
    previous: Option<[u8; 32]>,
}

impl ServerKeys {
    pub fn new(keys: &TrustedKeys) -> Self {
        Self {
            newest: *keys.newest().as_bytes(),
            previous: keys.previous().map(|key| *key.as_bytes()),
        }
    }

    /// For checking receipts; costs two decompressions of a point, some milliseconds on a chip. `None` only for a blob that was made elsewhere.
    pub fn trusted(&self) -> Option<TrustedKeys> {
        let key = |bytes| PublicKey::from_bytes(bytes).ok();
        let previous = match self.previous {
            Some(bytes) => Some(key(bytes)?),
            None => None,
        };
        Some(TrustedKeys::new(key(self.newest)?, previous))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    Sync,
    Restart,
    Identify,
    SendLogs,
    /// Of a newer server; told as not done.
    Unknown,
}

/// How far a command got. It is noted before it begins, so that none begins twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Noted,
    Done,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    pub id: CommandId,
    pub kind: CommandKind,
    pub progress: Progress,
}

/// A UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandId(pub [u8; 16]);

/// See the module. Whoever reads it holds a good one; whoever changes it goes through the [`Keeper`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub networks: Networks,
    pub server: Option<ServerUrl>,
    pub ingest_key: Option<Secret<INGEST_KEY_BYTES_MAX>>,
    pub token: Option<Secret<TOKEN_BYTES_MAX>>,
    pub server_keys: Option<ServerKeys>,
    /// Opens links over Bluetooth for members of the team.
    pub link_key: Option<LinkKey>,
    pub profile: Profile,
    pub after_receipt: AfterReceipt,
    pub auto_sync: bool,
    /// 25 to 400.
    pub imu_hz: u16,
    /// 1 to 25.
    pub gps_hz: u8,
    /// 10 s to a day.
    pub picture_every_s: u32,
    pub track: Option<Track>,
    /// The desired state that this is; 0 for none.
    pub desired_version: u32,
    pub commands: Vec<Noted, COMMANDS_MAX>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkKey(pub [u8; 32]);

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A setting that has no such value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSetting(pub &'static str);

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = match self.0 {
            "profile" => "`race`, `uptime` or `camera`",
            "after_receipt" => "`archive` or `delete`",
            "auto_sync" => "true or false",
            "imu_hz" => "a whole number, 25 to 400",
            "rate_hz" => "a whole number, 1 to 25",
            _ => "a whole number of seconds, 10 to 86400",
        };
        write!(f, "`{}` is {range}", self.0)
    }
}

/// Of a device that was never set up.
impl Default for Settings {
    fn default() -> Self {
        Self {
            networks: Networks::default(),
            server: None,
            ingest_key: None,
            token: None,
            server_keys: None,
            link_key: None,
            profile: Profile::default(),
            after_receipt: AfterReceipt::default(),
            auto_sync: true,
            imu_hz: 100,
            gps_hz: 10,
            picture_every_s: 600,
            track: None,
            desired_version: 0,
            commands: Vec::new(),
        }
    }
}

impl Settings {
    /// Takes one of the plain settings by its name; `false` for a name that is not one of them.
    fn set(&mut self, name: &str, value: Token<'_>) -> Result<bool, BadSetting> {
        match (name, value) {
            ("profile", Token::Text("race")) => self.profile = Profile::Race,
            ("profile", Token::Text("uptime")) => self.profile = Profile::Uptime,
            ("profile", Token::Text("camera")) => self.profile = Profile::Camera,
            ("after_receipt", Token::Text("archive")) => self.after_receipt = AfterReceipt::Archive,
            ("after_receipt", Token::Text("delete")) => self.after_receipt = AfterReceipt::Delete,
            ("auto_sync", Token::Bool(on)) => self.auto_sync = on,
            ("imu_hz", value) => self.imu_hz = within(value, 25..=400).ok_or(BadSetting("imu_hz"))?,
            ("rate_hz", value) => self.gps_hz = within(value, 1..=25).ok_or(BadSetting("rate_hz"))?,
            ("picture_every_s", value) => {
                self.picture_every_s = within(value, 10..=86_400).ok_or(BadSetting("picture_every_s"))?;
            }
            ("profile", _) => return Err(BadSetting("profile")),
            ("after_receipt", _) => return Err(BadSetting("after_receipt")),
            ("auto_sync", _) => return Err(BadSetting("auto_sync")),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A whole number, however it is written: some servers write `10.0`.
fn within<T: PartialOrd + core::str::FromStr>(
    value: Token<'_>,
    range: core::ops::RangeInclusive<T>,
) -> Option<T> {
    let Token::Number(text) = value else {
        return None;
    };
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok().filter(|value| range.contains(value))
}
