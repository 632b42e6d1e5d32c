//! The server's wish: the JSON of `GET /api/v1/device/desired` (`docs/devices.md`), read as it arrives.
//!
//! It is laid over a copy of the settings while it is read; [`DesiredReader::finish`] gives the copy out when the document is whole and all of it was good. What is
//! not said stays. Settings that this firmware does not know are left alone: one of a newer server must not keep a device from its networks.
//! A network that is to be added comes sealed and is opened on the way, one box in memory at a time.

use core::fmt;

use heapless::Vec;

use super::network::{BadNetwork, named};
use super::sealed::{BadSealed, SEALED_BYTES_MAX, SEALED_TEXT_BYTES_MAX, Sealed, Unseal};
use super::{BadSetting, CommandId, CommandKind, Noted, Progress, Settings};
use crate::json::{JsonError, Path, Reader, Token};
use crate::link::Ssid;
use crate::track::{BadTrack, TrackReader};

/// Why nothing of a desired state was applied; told to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadDesired {
    Json(JsonError),
    /// More than is kept of an answer.
    TooLong,
    /// No `version`, or none that is a whole number up to 4294967295.
    Version,
    Setting(BadSetting),
    Track(BadTrack),
    Network(BadNetwork),
    Sealed(Ssid, BadSealed),
    /// The box of this network does not open.
    CannotOpen(Ssid),
    /// Its name or box is missing.
    NetworkIncomplete,
}

impl fmt::Display for BadDesired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::TooLong => f.write_str(
                "the desired state is longer than this device can take; ask for fewer networks at once",
            ),
            Self::Version => f.write_str("the desired state has no version that can be one"),
            Self::Setting(error) => error.fmt(f),
            Self::Track(error) => error.fmt(f),
            Self::Network(error) => error.fmt(f),
            Self::Sealed(ssid, error) => write!(f, "{ssid:?}: {error}"),
            Self::CannotOpen(ssid) => write!(
                f,
                "the password of {ssid:?} does not open with this device's key; seal it anew"
            ),
            Self::NetworkIncomplete => f.write_str("a network to add has an `ssid` and is `sealed`"),
        }
    }
}

/// See the module.
pub struct DesiredReader<'u, U> {
    json: Reader<SEALED_TEXT_BYTES_MAX>,
    applying: Applying<'u, U>,
}

struct Applying<'u, U> {
    settings: Settings,
    unseal: &'u mut U,
    version: Option<u32>,
    track: TrackReader,
    ssid: Option<Ssid>,
    sealed: Option<Vec<u8, SEALED_BYTES_MAX>>,
    command: Option<CommandId>,
    kind: CommandKind,
    bad: Option<BadDesired>,
}

impl<'u, U: Unseal> DesiredReader<'u, U> {
    /// Over these settings, which stay as they are.
    pub fn new(settings: &Settings, unseal: &'u mut U) -> Self {
        Self {
            json: Reader::new(),
            applying: Applying {
                settings: settings.clone(),
                unseal,
                version: None,
                track: TrackReader::default(),
                ssid: None,
                sealed: None,
                command: None,
                kind: CommandKind::Unknown,
                bad: None,
            },
        }
    }

    /// The next bytes, however many.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), BadDesired> {
        let Self { json, applying } = self;
        json.feed(bytes, &mut |path, token| applying.take(path, token))
            .map_err(BadDesired::Json)
    }

    /// The settings that follow. The new commands among them are noted and have not begun.
    pub fn finish(mut self) -> Result<Settings, BadDesired> {
        let Self { json, applying } = &mut self;
        json.finish(&mut |path, token| applying.take(path, token))
            .map_err(BadDesired::Json)?;
        let Applying {
            mut settings,
            version,
            track,
            bad,
            ..
        } = self.applying;
        if let Some(bad) = bad {
            return Err(bad);
        }
        settings.desired_version = version.ok_or(BadDesired::Version)?;
        if let Some(track) = track.finish().map_err(BadDesired::Track)? {
            settings.track = track;
        }
        Ok(settings)
    }
}

impl<U: Unseal> Applying<'_, U> {
    fn take(&mut self, path: &Path, token: Token<'_>) {
        if self.bad.is_none() {
            self.bad = self.member(path, token).err();
        }
    }

    fn member(&mut self, path: &Path, token: Token<'_>) -> Result<(), BadDesired> {
        match path.name_at(0) {
            Some("version") if path.is("version") => self.version = Some(version(token)?),
            Some("settings") => {
                if let Some(name) = path.member_of("settings") {
                    self.settings.set(name, token).map_err(BadDesired::Setting)?;
                }
            }
            Some("track") => self.track.take("track", path, token),
            Some("networks") => self.network(path, token)?,
            Some("commands") => self.command(path, token),
            Some(_) | None => {}
        }
        Ok(())
    }

    fn network(&mut self, path: &Path, token: Token<'_>) -> Result<(), BadDesired> {
        if path.is("networks/add/#/ssid") {
            let Token::Text(text) = token else {
                return Err(BadDesired::Network(BadNetwork::Ssid));
            };
            self.ssid = Some(named(text.as_bytes()).map_err(BadDesired::Network)?);
        } else if path.is("networks/add/#/sealed") {
            self.sealed = token.text().and_then(sealed_bytes);
        } else if path.is("networks/add/#") && token == Token::End {
            return self.add_network();
        } else if path.is("networks/forget/#")
            && let Token::Text(text) = token
            && let Ok(ssid) = named(text.as_bytes())
        {
            self.settings.networks.forget(&ssid);
        }
        Ok(())
    }

    fn add_network(&mut self) -> Result<(), BadDesired> {
        let (Some(ssid), Some(sealed)) = (self.ssid.take(), self.sealed.take()) else {
            return Err(BadDesired::NetworkIncomplete);
        };
        let opened = match Sealed::parse(&sealed) {
            Ok(sealed) => sealed.password(&ssid, self.unseal),
            Err(error) => return Err(BadDesired::Sealed(ssid, error)),
        };
        match opened {
            Ok(password) => self.settings.networks.add(ssid, password),
            Err(_) => return Err(BadDesired::CannotOpen(ssid)),
        }
        Ok(())
    }

    /// What is wrong with one command is its own matter: the server gives it out until somebody ends it.
    fn command(&mut self, path: &Path, token: Token<'_>) {
        if path.is("commands/#/id") {
            self.command = token.text().and_then(CommandId::parse);
        } else if path.is("commands/#/kind") {
            self.kind = token.text().map_or(CommandKind::Unknown, CommandKind::parse);
        } else if path.is("commands/#") && token == Token::End {
            let kind = core::mem::replace(&mut self.kind, CommandKind::Unknown);
            let Some(id) = self.command.take() else {
                return;
            };
            if self.settings.commands.iter().all(|known| known.id != id) {
                // What does not fit is given out again.
                let _ = self.settings.commands.push(Noted {
                    id,
                    kind,
                    progress: Progress::Noted,
                });
            }
        }
    }
}

fn version(token: Token<'_>) -> Result<u32, BadDesired> {
    let version = token.number().and_then(|text| text.parse().ok());
    version.ok_or(BadDesired::Version)
}

/// Undecodable ones are an empty box, whose length is then wrong.
fn sealed_bytes(text: &str) -> Option<Vec<u8, SEALED_BYTES_MAX>> {
    let mut buffer = [0; SEALED_BYTES_MAX];
    let bytes = Sealed::decode_text(text, &mut buffer).unwrap_or_default();
    Vec::from_slice(bytes).ok()
}

impl CommandKind {
    fn parse(text: &str) -> Self {
        match text {
            "sync" => Self::Sync,
            "restart" => Self::Restart,
            "identify" => Self::Identify,
            "send_logs" => Self::SendLogs,
            _ => Self::Unknown,
        }
    }
}

impl CommandId {
    /// 32 hexadecimal digits and the hyphens between them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0u8; 16];
        let mut digits = 0;
        for (index, character) in text.char_indices() {
            if matches!((index, character), (8 | 13 | 18 | 23, '-')) {
                continue;
            }
            let digit = u8::try_from(character.to_digit(16)?).ok()?;
            let byte = id.get_mut(digits / 2)?;
            *byte = (*byte << 4) | digit;
            digits += 1;
        }
        (digits == 32).then_some(Self(id))
    }
}

/// With hyphens, as the server writes them.
impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let hyphen = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{hyphen}{byte:02x}")?;
        }
        Ok(())
    }
}
