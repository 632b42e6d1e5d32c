//! What a phone or the portal's form writes: the JSON of CONFIGURE.
//!
//! | member | also as | meaning |
//! |---|---|---|
//! | `ssid`, `pass` | `password` | adds or updates that network and joins it; an empty `pass` is an open one, none is the password that is known |
//! | `url` | `api_url`, `target_url` | the server ([`Address`]); `"confirm_private": true` where it is private and meant |
//! | `token`, `ingest_key` | | how the device shows who it is |
//! | `server_keys` | | the server's public keys, base64url, one text or an array of two, the newest first |
//! | `link_key` | | 32 bytes as base64url |
//! | `time` | | Unix seconds, or milliseconds from 10¹¹ on |
//! | `sync` | | true: offload what is sealed; false: stop |
//! | `profile`, `after_receipt`, `auto_sync`, `imu_hz`, `rate_hz`, `picture_every_s` | | as in a desired state |
//!
//! Everything else is left alone. In clear only `ssid`, `pass`, `url`, its confirmation and `sync` are taken: a secret that came in clear is none, and what is not
//! secret but came from a stranger is not a wish.

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use heapless::Vec;
use wire::receipt::{PublicKey, TrustedKeys};

use super::network::{BadNetwork, Password, named};
use super::url::{Address, BadUrl};
use super::{BadSetting, LinkKey, Secret, ServerKeys, Settings};
use crate::clock::UnixMs;
use crate::json::{JsonError, Path, Reader, Token};
use crate::link::NetworkKey;
use crate::link::Ssid;
use crate::portal::Submitted;

/// What the sealed form holds, and the clear one in a queued write of Bluetooth.
pub const CONFIGURE_BYTES_MAX: usize = 512;
const TEXT_BYTES_MAX: usize = 200;
/// As seconds they would lie in the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// How it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// In clear, within the window that the button opened.
    Clear,
    /// From somebody who knows the setup code or the link key.
    Sealed,
}

/// Why nothing of it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadConfigure {
    TooLong,
    Json(JsonError),
    NotAnObject,
    /// A member that may come sealed only.
    InClear(&'static str),
    /// A member whose value cannot be.
    Member(&'static str),
    /// A password without its network.
    NoSsid,
    Network(BadNetwork),
    Url(BadUrl),
    Setting(BadSetting),
}

impl fmt::Display for BadConfigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "at most {CONFIGURE_BYTES_MAX} bytes are taken at once"),
            Self::Json(error) => error.fmt(f),
            Self::NotAnObject => f.write_str("this is a JSON object: {\"ssid\", \"pass\", \"url\", …}"),
            Self::InClear(member) => write!(f, "`{member}` is taken over a sealed link only"),
            Self::Member(member) => write!(f, "`{member}` has a value that it cannot have"),
            Self::NoSsid => f.write_str("`pass` says nothing without its `ssid`"),
            Self::Network(error) => error.fmt(f),
            Self::Url(error) => error.fmt(f),
            Self::Setting(error) => error.fmt(f),
        }
    }
}

/// All of it was good: the settings that follow, and what to do beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    pub settings: Settings,
    /// To be joined first.
    pub join: Option<NetworkKey>,
    pub sync: Option<bool>,
    /// For the clock.
    pub time: Option<UnixMs>,
}

/// Reads what came and lays it over `settings`, which stay as they are.
pub fn configure(settings: &Settings, json: &[u8], via: Via) -> Result<Configured, BadConfigure> {
    if json.len() > CONFIGURE_BYTES_MAX {
        return Err(BadConfigure::TooLong);
    }
    let mut said = Said::new(settings.clone(), via);
    let mut bad = None;
    let mut take = |path: &Path, token: Token<'_>| {
        if bad.is_none() {
            bad = said.take(path, token).err();
        }
    };
    let mut reader = Reader::<TEXT_BYTES_MAX>::new();
    reader
        .feed(json, &mut take)
        .and_then(|()| reader.finish(&mut take))
        .map_err(BadConfigure::Json)?;
    match bad {
        Some(bad) => Err(bad),
        None => said.whole(settings),
    }
}

/// Takes what a person typed on the device's own page, behind the setup code. They see the address that they type, so a private one is meant.
pub fn configure_by_form(settings: &Settings, form: &Submitted) -> Result<Configured, BadConfigure> {
    let mut said = Said::new(settings.clone(), Via::Sealed);
    said.ssid = Some(form.ssid.clone());
    said.password.clone_from(&form.password);
    said.address.clone_from(&form.server);
    said.confirmed = true;
    said.whole(settings)
}

struct Said {
    via: Via,
    settings: Settings,
    ssid: Option<Ssid>,
    password: Option<Password>,
    address: Option<Address>,
    ingest_key: bool,
    token: bool,
    confirmed: bool,
    keys: Vec<PublicKey, 2>,
    sync: Option<bool>,
    time: Option<UnixMs>,
}

impl Said {
    fn new(settings: Settings, via: Via) -> Self {
        Self {
            via,
            settings,
            ssid: None,
            password: None,
            address: None,
            ingest_key: false,
            token: false,
            confirmed: false,
            keys: Vec::new(),
            sync: None,
            time: None,
        }
    }

    fn take(&mut self, path: &Path, value: Token<'_>) -> Result<(), BadConfigure> {
        if path.is("") {
            return if matches!(value, Token::BeginObject | Token::End) {
                Ok(())
            } else {
                Err(BadConfigure::NotAnObject)
            };
        }
        if path.is("server_keys") || path.is("server_keys/#") {
            return self.server_key(value);
        }
        let Some(name) = path.member_of("") else {
            return Ok(());
        };
        match (name, value) {
            ("ssid", Token::Text(text)) => {
                self.ssid = Some(named(text.as_bytes()).map_err(BadConfigure::Network)?);
            }
            ("ssid", _) => return Err(BadConfigure::Network(BadNetwork::Ssid)),
            ("pass" | "password", Token::Text(text)) => {
                self.password = Some(Password::new(text.as_bytes()).map_err(BadConfigure::Network)?);
            }
            ("pass" | "password", Token::Null) => self.password = Some(Password::Open),
            ("pass" | "password", _) => return Err(BadConfigure::Network(BadNetwork::Password)),
            ("url" | "api_url" | "target_url", Token::Text(text)) => {
                self.address = Some(Address::parse(text).map_err(BadConfigure::Url)?);
            }
            ("url" | "api_url" | "target_url", Token::TooLong) => {
                return Err(BadConfigure::Url(BadUrl::TooLong));
            }
            ("url" | "api_url" | "target_url", _) => return Err(BadConfigure::Member("url")),
            ("confirm_private", Token::Bool(yes)) => self.confirmed = yes,
            ("confirm_private", _) => return Err(BadConfigure::Member("confirm_private")),
            ("sync", Token::Bool(sync)) => self.sync = Some(sync),
            ("sync", _) => return Err(BadConfigure::Member("sync")),
            (name, value) => return self.sealed_member(name, value),
        }
        Ok(())
    }

    fn sealed_member(&mut self, name: &str, value: Token<'_>) -> Result<(), BadConfigure> {
        let known = |known: &'static str| match self.via {
            Via::Clear => Err(BadConfigure::InClear(known)),
            Via::Sealed => Ok(known),
        };
        match name {
            "token" => {
                let name = known("token")?;
                self.settings.token = Some(secret(value).ok_or(BadConfigure::Member(name))?);
                self.token = true;
            }
            "ingest_key" => {
                let name = known("ingest_key")?;
                self.settings.ingest_key = Some(secret(value).ok_or(BadConfigure::Member(name))?);
                self.ingest_key = true;
            }
            "link_key" => {
                let name = known("link_key")?;
                self.settings.link_key = Some(link_key(value).ok_or(BadConfigure::Member(name))?);
            }
            "time" => {
                let name = known("time")?;
                self.time = Some(moment(value).ok_or(BadConfigure::Member(name))?);
            }
            // What the page of an access point or a stranger says in clear is no wish of the owner.
            _ if self.via == Via::Clear => {}
            name => {
                self.settings.set(name, value).map_err(BadConfigure::Setting)?;
            }
        }
        Ok(())
    }

    fn server_key(&mut self, value: Token<'_>) -> Result<(), BadConfigure> {
        if self.via == Via::Clear {
            return Err(BadConfigure::InClear("server_keys"));
        }
        if matches!(value, Token::BeginArray | Token::End) {
            return Ok(());
        }
        let key = value.text().and_then(|text| PublicKey::from_text(text).ok());
        key.and_then(|key| self.keys.push(key).ok())
            .ok_or(BadConfigure::Member("server_keys"))
    }

    fn whole(mut self, before: &Settings) -> Result<Configured, BadConfigure> {
        match (&self.ssid, self.password) {
            (Some(ssid), Some(password)) => self.settings.networks.add(ssid.clone(), password),
            // Phones remember names and the device passwords, so a later sync says the name alone.
            (Some(ssid), None) if before.networks.find(ssid).is_some() => {}
            (Some(ssid), None) => self.settings.networks.add(ssid.clone(), Password::Open),
            (None, Some(_)) => return Err(BadConfigure::NoSsid),
            (None, None) => {}
        }
        if let Some(address) = self.address {
            if address.is_private && !self.confirmed && before.server.as_ref() != Some(&address.url) {
                return Err(BadConfigure::Url(BadUrl::Private));
            }
            self.settings.server = Some(address.url);
            if let Some(key) = address.ingest_key {
                self.settings.ingest_key = Some(key);
                self.ingest_key = true;
            }
        }
        if let Some((newest, previous)) = self.keys.split_first() {
            self.settings.server_keys = Some(ServerKeys::new(&TrustedKeys::new(
                *newest,
                previous.first().copied(),
            )));
        }
        // Another claim: its versions and commands are another server's or another team's.
        let claimed_anew = (self.token && self.settings.token != before.token)
            || (self.ingest_key && self.settings.ingest_key != before.ingest_key);
        if claimed_anew {
            self.settings.desired_version = 0;
            self.settings.commands.clear();
        }
        let known = self
            .ssid
            .as_ref()
            .and_then(|ssid| self.settings.networks.find(ssid));
        let join = known.map(|network| network.key);
        Ok(Configured {
            settings: self.settings,
            join,
            sync: self.sync,
            time: self.time,
        })
    }
}

fn secret<const N: usize>(value: Token<'_>) -> Option<Secret<N>> {
    value.text().filter(|text| !text.is_empty()).and_then(Secret::new)
}

fn link_key(value: Token<'_>) -> Option<LinkKey> {
    let mut buffer = [0; 36];
    let count = URL_SAFE_NO_PAD.decode_slice(value.text()?, &mut buffer).ok()?;
    Some(LinkKey(buffer.get(..count)?.try_into().ok()?))
}

fn moment(value: Token<'_>) -> Option<UnixMs> {
    let number: i64 = value.number()?.split('.').next()?.parse().ok()?;
    let ms = if number.abs() < MILLISECONDS_FROM {
        number * 1000
    } else {
        number
    };
    Some(UnixMs(ms)).filter(|utc| utc.is_plausible())
}
