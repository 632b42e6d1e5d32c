//! Settings as bytes.
//!
//! ```text
//! version (1) ‖ length of the fields (2) ‖ fields ‖ CRC-32 of all before it (4)
//! a field:    tag (1) ‖ length (2) ‖ value
//! ```
//!
//! | tag | value |
//! |---|---|
//! | 1 | a network: SSID and password, each behind its length, kind (0 open, 1 passphrase, 2 key); from version 2 on `last_success` (4) and the key (1) |
//! | 2, 3, 4 | server, ingest key, token: text |
//! | 5 | server keys: 32 or 64 bytes, the newest first |
//! | 6 | link key (32) |
//! | 7 | profile, after_receipt, auto_sync (1 each), imu_hz (2), gps_hz (1), picture_every_s (4) |
//! | 8 | desired version (4) |
//! | 9 | track, from version 2 on |
//! | 10 | a command: id (16), kind, progress; from version 2 on |
//!
//! A field that is absent has the value of a device that was never set up. In version 1 networks have no count: they stand in the order in which they were
//! last joined, the newest first. A blob of a later version is refused and left where it is: an older firmware that was put back must not
//! take a device's networks away.

use core::fmt;

use super::network::{Network, Password, named};
use super::{
    Address, AfterReceipt, CommandId, CommandKind, LinkKey, Noted, Profile, Progress, Secret, ServerKeys,
    Settings,
};
use crate::bytes::{OutOfRoom, Put, Take};
use crate::link::{NETWORKS_MAX, NetworkKey};
use crate::track::{TRACK_BYTES_MAX, Track};

const VERSION: u8 = 2;
const OLDEST: u8 = 1;

const FIELD: usize = 3;
const NETWORK_BYTES_MAX: usize = FIELD + 1 + 32 + 1 + 63 + 1 + 4 + 1;
/// Everything at its largest.
const FIELDS_BYTES_MAX: usize = NETWORKS_MAX * NETWORK_BYTES_MAX
    + (FIELD + super::URL_BYTES_MAX)
    + (FIELD + super::INGEST_KEY_BYTES_MAX)
    + (FIELD + super::TOKEN_BYTES_MAX)
    + (FIELD + 64)
    + (FIELD + 32)
    + (FIELD + 10)
    + (FIELD + 4)
    + (FIELD + TRACK_BYTES_MAX)
    + super::COMMANDS_MAX * (FIELD + 18);
const HEAD: usize = 3;
const CRC: usize = 4;

/// Half a page of flash.
pub const SETTINGS_BYTES_MAX: usize = 2048;
const _: () = assert!(HEAD + FIELDS_BYTES_MAX + CRC <= SETTINGS_BYTES_MAX);

/// Why saved settings cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadError {
    /// Made by a newer firmware; they stay as they are.
    Newer(u8),
    /// The checksum is wrong, or what it covers is none of our making.
    Damaged,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer(version) => write!(
                f,
                "the settings are of version {version}, this firmware knows {VERSION}; update it, or reset the device"
            ),
            Self::Damaged => f.write_str("the settings are damaged; set the device up again"),
        }
    }
}

impl From<OutOfRoom> for LoadError {
    fn from(_: OutOfRoom) -> Self {
        Self::Damaged
    }
}

impl Settings {
    /// Writes them to the beginning of `out` and gives their length.
    pub fn encode(&self, out: &mut [u8; SETTINGS_BYTES_MAX]) -> usize {
        let fields_to = {
            let mut put = Put::into(out.get_mut(HEAD..SETTINGS_BYTES_MAX - CRC).unwrap_or_default());
            // It fits, by the assertion above.
            let _ = fields(self, &mut put);
            HEAD + put.written().len()
        };
        let length = u16::try_from(fields_to - HEAD).unwrap_or(0);
        out[0] = VERSION;
        out[1..HEAD].copy_from_slice(&length.to_be_bytes());
        let crc = crc32fast::hash(&out[..fields_to]);
        out[fields_to..fields_to + CRC].copy_from_slice(&crc.to_be_bytes());
        fields_to + CRC
    }

    /// Reads what this or an earlier firmware wrote; bytes behind it are left alone.
    pub fn decode(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut take = Take(bytes);
        let version = take.u8()?;
        let length = usize::from(take.u16()?);
        let fields = take.bytes(length)?;
        let crc = take.u32()?;
        if crc32fast::hash(bytes.get(..HEAD + length).unwrap_or_default()) != crc {
            return Err(LoadError::Damaged);
        }
        match version {
            0 => Err(LoadError::Damaged),
            OLDEST..=VERSION => decoded(version, Take(fields)).ok_or(LoadError::Damaged),
            newer => Err(LoadError::Newer(newer)),
        }
    }
}

fn fields(settings: &Settings, put: &mut Put<'_>) -> Result<(), OutOfRoom> {
    for network in settings.networks.iter() {
        field(put, 1, |put| network_bytes(network, put))?;
    }
    if let Some(server) = &settings.server {
        field(put, 2, |put| put.bytes(server.as_str().as_bytes()))?;
    }
    if let Some(key) = &settings.ingest_key {
        field(put, 3, |put| put.bytes(key.expose().as_bytes()))?;
    }
    if let Some(token) = &settings.token {
        field(put, 4, |put| put.bytes(token.expose().as_bytes()))?;
    }
    if let Some(keys) = &settings.server_keys {
        field(put, 5, |put| {
            put.bytes(&keys.newest)?;
            put.bytes(keys.previous.as_ref().map_or(&[], <[u8; 32]>::as_slice))
        })?;
    }
    if let Some(key) = &settings.link_key {
        field(put, 6, |put| put.bytes(&key.0))?;
    }
    field(put, 7, |put| {
        put.u8(match settings.profile {
            Profile::Race => 0,
            Profile::Uptime => 1,
            Profile::Camera => 2,
        })?;
        put.u8(match settings.after_receipt {
            AfterReceipt::Archive => 0,
            AfterReceipt::Delete => 1,
        })?;
        put.u8(u8::from(settings.auto_sync))?;
        put.u16(settings.imu_hz)?;
        put.u8(settings.gps_hz)?;
        put.u32(settings.picture_every_s)
    })?;
    field(put, 8, |put| put.u32(settings.desired_version))?;
    if let Some(track) = &settings.track {
        field(put, 9, |put| track.encode(put))?;
    }
    for command in &settings.commands {
        field(put, 10, |put| command_bytes(command, put))?;
    }
    Ok(())
}

fn field(
    put: &mut Put<'_>,
    tag: u8,
    value: impl FnOnce(&mut Put<'_>) -> Result<(), OutOfRoom>,
) -> Result<(), OutOfRoom> {
    let mut buffer = [0; TRACK_BYTES_MAX];
    let mut inner = Put::into(&mut buffer);
    value(&mut inner)?;
    put.u8(tag)?;
    put.u16(u16::try_from(inner.written().len()).map_err(|_| OutOfRoom)?)?;
    put.bytes(inner.written())
}

fn network_bytes(network: &Network, put: &mut Put<'_>) -> Result<(), OutOfRoom> {
    put.short(network.ssid.as_bytes())?;
    let (kind, password): (u8, &[u8]) = match &network.password {
        Password::Open => (0, &[]),
        Password::Passphrase(text) => (1, text),
        Password::Key(key) => (2, key),
    };
    put.short(password)?;
    put.u8(kind)?;
    put.u32(network.last_success)?;
    put.u8(network.key.0)
}

fn command_bytes(command: &Noted, put: &mut Put<'_>) -> Result<(), OutOfRoom> {
    put.bytes(&command.id.0)?;
    put.u8(match command.kind {
        CommandKind::Unknown => 0,
        CommandKind::Sync => 1,
        CommandKind::Restart => 2,
        CommandKind::Identify => 3,
        CommandKind::SendLogs => 4,
    })?;
    put.u8(match command.progress {
        Progress::Noted => 0,
        Progress::Done => 1,
        Progress::Failed => 2,
    })
}

fn decoded(version: u8, mut take: Take<'_>) -> Option<Settings> {
    let mut settings = Settings::default();
    // Version 1: the first was joined last.
    let mut rank = u32::try_from(NETWORKS_MAX).ok()?;
    while !take.is_empty() {
        let tag = take.u8().ok()?;
        let length = usize::from(take.u16().ok()?);
        let mut value = Take(take.bytes(length).ok()?);
        match tag {
            1 => {
                let network = network(version, &mut value, rank)?;
                if !settings.networks.push(network) {
                    return None;
                }
                rank = rank.saturating_sub(1);
            }
            2 => settings.server = Some(server(rest(&mut value)?)?),
            3 => settings.ingest_key = Some(Secret::new(rest(&mut value)?)?),
            4 => settings.token = Some(Secret::new(rest(&mut value)?)?),
            5 => {
                let newest = value.array().ok()?;
                let previous = if value.is_empty() {
                    None
                } else {
                    Some(value.array().ok()?)
                };
                settings.server_keys = Some(ServerKeys { newest, previous });
            }
            6 => settings.link_key = Some(LinkKey(value.array().ok()?)),
            7 => plain(&mut settings, &mut value)?,
            8 => settings.desired_version = value.u32().ok()?,
            9 if version >= 2 => settings.track = Some(Track::decode(&mut value)?),
            10 if version >= 2 => settings.commands.push(command(&mut value)?).ok()?,
            // Nothing that this version has.
            _ => return None,
        }
        if !value.is_empty() {
            return None;
        }
    }
    Some(settings)
}

fn rest<'b>(value: &mut Take<'b>) -> Option<&'b str> {
    core::str::from_utf8(core::mem::take(&mut value.0)).ok()
}

/// Read as if somebody had typed it, so that nothing comes in this way that could not come in the other.
fn server(text: &str) -> Option<super::ServerUrl> {
    let address = Address::parse(text).ok()?;
    (address.url.as_str() == text).then_some(address.url)
}

fn network(version: u8, value: &mut Take<'_>, rank: u32) -> Option<Network> {
    let ssid = named(value.short().ok()?).ok()?;
    let password = value.short().ok()?;
    let password = match value.u8().ok()? {
        0 if password.is_empty() => Password::Open,
        1 => match Password::new(password).ok()? {
            text @ Password::Passphrase(_) => text,
            Password::Open | Password::Key(_) => return None,
        },
        2 => Password::Key(password.try_into().ok()?),
        _ => return None,
    };
    let (last_success, key) = match version {
        1 => (rank, u8::try_from(rank).ok()?),
        _ => (value.u32().ok()?, value.u8().ok()?),
    };
    Some(Network {
        key: NetworkKey(key),
        ssid,
        password,
        last_success,
    })
}

fn plain(settings: &mut Settings, value: &mut Take<'_>) -> Option<()> {
    settings.profile = match value.u8().ok()? {
        0 => Profile::Race,
        1 => Profile::Uptime,
        2 => Profile::Camera,
        _ => return None,
    };
    settings.after_receipt = match value.u8().ok()? {
        0 => AfterReceipt::Archive,
        1 => AfterReceipt::Delete,
        _ => return None,
    };
    settings.auto_sync = match value.u8().ok()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    settings.imu_hz = value.u16().ok()?;
    settings.gps_hz = value.u8().ok()?;
    settings.picture_every_s = value.u32().ok()?;
    let in_range = (25..=400).contains(&settings.imu_hz)
        && (1..=25).contains(&settings.gps_hz)
        && (10..=86_400).contains(&settings.picture_every_s);
    in_range.then_some(())
}

fn command(value: &mut Take<'_>) -> Option<Noted> {
    Some(Noted {
        id: CommandId(value.array().ok()?),
        kind: match value.u8().ok()? {
            0 => CommandKind::Unknown,
            1 => CommandKind::Sync,
            2 => CommandKind::Restart,
            3 => CommandKind::Identify,
            4 => CommandKind::SendLogs,
            _ => return None,
        },
        progress: match value.u8().ok()? {
            0 => Progress::Noted,
            1 => Progress::Done,
            2 => Progress::Failed,
            _ => return None,
        },
    })
}
