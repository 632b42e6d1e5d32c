//! Who owns the settings in force.
//!
//! ```text
//!              a change, a copy of all            Saved
//!  Settled ───────────────────────────► Saving ─────────► Settled: Changed, then Run, Sync, Join …
//!     ▲                                    │ SaveFailed
//!     └──────────── as it was, Refused ────┘
//!
//!  wanted ≠ applied ──► GET desired ──► applied or refused ──► POST ack ──► commands that ended are forgotten
//! ```
//!
//! Promises: what is not saved is not in force; what is in force is one version, whole; a command is saved as noted before it begins and begins once; what
//! was made of a version is told until the server has heard it. A version that was refused is fetched again only when it is another one, or after a start.

use core::fmt;
use core::time::Duration;

use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use heapless::{Deque, String, Vec};

use super::desired::{BadDesired, DesiredReader};
use super::{
    BadConfigure, CommandId, CommandKind, Configured, LoadError, Noted, Progress, SETTINGS_BYTES_MAX,
    Settings, Unseal, Via, configure, configure_by_form,
};
use crate::clock::UnixMs;
use crate::exchange::{ANSWER_BYTES_MAX, Body, Method, Path, Request, Response, Value};
use crate::json::Quoted;
use crate::link::NetworkKey;
use crate::portal::{CLAIM_CHARS_MAX, Submitted};
use crate::setup_code::SetupCode;
use crate::time::Instant;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Of what is wrong with a version.
const ERROR_BYTES_MAX: usize = 160;
/// A change gives four at most, and each command one.
const OUTPUTS_MAX: usize = 8 + super::COMMANDS_MAX;

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    Tick,
    Online,
    Offline,
    /// A heartbeat's or ping's answer says what the device should be.
    Wanted(u32),
    Configure {
        json: &'a [u8],
        via: Via,
    },
    /// A network was joined.
    Joined(NetworkKey),
    /// The form of the device's own page.
    Form(&'a Submitted),
    /// A command came to its end.
    Ended {
        id: CommandId,
        done: bool,
    },
    /// What [`Output::Save`] asked for is in flash.
    Saved,
    SaveFailed,
    /// To what [`Output::Send`] asked for.
    Answer(&'a Response<'a>),
    NoAnswer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write what [`Keeper::encode`] gives in place of what was there, then say [`Input::Saved`].
    Save,
    /// Carry out [`Keeper::request`].
    Send,
    /// Other settings are in force.
    Changed,
    /// To be joined first.
    Join(NetworkKey),
    /// To be given to the server, which answers with a token.
    Claim(String<CLAIM_CHARS_MAX>),
    /// Offload what is sealed, or stop.
    Sync(bool),
    /// A phone said the time.
    Time(UnixMs),
    Run(Command),
    Refused(Refusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    pub id: CommandId,
    pub kind: CommandKind,
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Configure(BadConfigure),
    Desired(u32, BadDesired),
    /// The change before it is still being saved.
    Busy,
    /// Flash did not take it.
    NotSaved,
    /// What is saved is of a newer firmware and is not overwritten.
    Locked(LoadError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configure(error) => error.fmt(f),
            Self::Desired(version, error) => write!(f, "version {version}: {error}"),
            Self::Busy => f.write_str("the change before is still being saved; try again"),
            Self::NotSaved => f.write_str("the settings could not be saved"),
            Self::Locked(error) => error.fmt(f),
        }
    }
}

/// What is told to the server of a version.
#[derive(Debug, Clone)]
struct Verdict {
    version: u32,
    error: Option<String<ERROR_BYTES_MAX>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Waiting {
    Fetch,
    /// With the ends of these commands; what ends meanwhile is told the next time.
    Ack {
        told: Vec<CommandId, { super::COMMANDS_MAX }>,
    },
}

/// A change that is being saved.
#[derive(Debug)]
struct Pending {
    settings: Settings,
    join: Option<NetworkKey>,
    sync: Option<bool>,
    of_server: bool,
}

/// See the module.
pub struct Keeper<U> {
    settings: Settings,
    pending: Option<Pending>,
    locked: Option<LoadError>,
    /// Flash holds what is in force.
    is_saved: bool,
    unseal: U,
    seal_key: Option<[u8; 65]>,
    online: bool,
    wanted: Option<u32>,
    refused: Option<u32>,
    verdict: Option<Verdict>,
    waiting: Option<Waiting>,
    sending: bool,
    not_before: Instant,
    pause: Duration,
    outputs: Deque<Output, OUTPUTS_MAX>,
}

impl<U: Unseal> Keeper<U> {
    /// `saved` is what flash holds, `None` for nothing; `code` a fresh setup code for a device that has none. `seal_key` is the public key that boxes are
    /// sealed for. What is damaged begins anew and is said; what is newer is kept, and nothing can be changed.
    pub fn new(
        saved: Option<&[u8]>,
        code: SetupCode,
        unseal: U,
        seal_key: Option<[u8; 65]>,
    ) -> (Self, Result<(), LoadError>) {
        let (settings, loaded) = match saved.map(|bytes| Settings::decode(bytes, &code)) {
            Some(Ok(settings)) => (settings, Ok(())),
            Some(Err(error)) => (Settings::new(code), Err(error)),
            None => (Settings::new(code), Ok(())),
        };
        let mut keeper = Self {
            settings,
            pending: None,
            locked: loaded.err().filter(|error| matches!(error, LoadError::Newer(_))),
            is_saved: saved.is_some() && loaded.is_ok(),
            unseal,
            seal_key,
            online: false,
            wanted: None,
            refused: None,
            verdict: None,
            waiting: None,
            sending: false,
            not_before: Instant::BOOT,
            pause: FIRST_PAUSE,
            outputs: Deque::new(),
        };
        keeper.after_start();
        // A setup code has to be the same at the next start.
        if !keeper.is_saved && keeper.locked.is_none() {
            let settings = keeper.settings.clone();
            keeper.save(settings, None, None, false);
        }
        (keeper, loaded)
    }

    /// A restart that was noted has happened; whatever else was noted was cut off. Both are told, neither begins again.
    fn after_start(&mut self) {
        for command in &mut self.settings.commands {
            if command.progress == Progress::Noted {
                command.progress = match command.kind {
                    CommandKind::Restart => Progress::Done,
                    CommandKind::Sync
                    | CommandKind::Identify
                    | CommandKind::SendLogs
                    | CommandKind::Unknown => Progress::Failed,
                };
            }
        }
        // Whether the server heard it before the start is not known; hearing it twice changes nothing.
        if self.settings.desired_version > 0 {
            self.verdict = Some(Verdict {
                version: self.settings.desired_version,
                error: None,
            });
        }
    }

    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is to be saved, and its length. The settings in force where nothing is.
    pub fn encode(&self, out: &mut [u8; SETTINGS_BYTES_MAX]) -> usize {
        self.pending
            .as_ref()
            .map_or(&self.settings, |pending| &pending.settings)
            .encode(out)
    }

    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Tick => {}
            Input::Online => {
                self.online = true;
                self.not_before = now;
                self.pause = FIRST_PAUSE;
            }
            Input::Offline => {
                self.online = false;
                self.waiting = None;
                self.sending = false;
            }
            Input::Wanted(version) => self.wanted = Some(version),
            Input::Configure { json, via } => self.configure(json, via),
            Input::Joined(key) => self.joined(key),
            Input::Form(form) => self.form(form),
            Input::Ended { id, done } => self.ended(id, done),
            Input::Saved => self.saved(),
            Input::SaveFailed => self.save_failed(),
            Input::Answer(response) => self.answered(response, now),
            Input::NoAnswer => self.try_later(None, now),
        }
        self.send_next(now);
    }

    pub fn poll(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        core::mem::take(&mut self.sending).then_some(Output::Send)
    }

    /// When there is something to send again; moved by every call to [`Self::handle`].
    pub fn next_deadline(&self) -> Option<Instant> {
        (self.online && self.waiting.is_none() && self.pending.is_none() && self.to_send().is_some())
            .then_some(self.not_before)
    }

    /// What [`Output::Send`] means, until it is answered.
    pub fn request(&self) -> Option<Request<'_>> {
        let request = match self.waiting.as_ref()? {
            Waiting::Fetch => Request::new(Method::Get, Path::of("/api/v1/device/desired")),
            Waiting::Ack { .. } => Request::new(Method::Post, Path::of("/api/v1/device/desired/ack"))
                .header("content-type", Value::Text("application/json"))
                .body(Body::Written(self)),
        };
        Some(request)
    }

    fn configure(&mut self, json: &[u8], via: Via) {
        let configured = configure(&self.settings, json, via);
        self.take(configured);
    }

    fn form(&mut self, form: &Submitted) {
        let configured = configure_by_form(&self.settings, form);
        if self.take(configured)
            && let Some(claim) = &form.claim
        {
            self.say(Output::Claim(claim.clone()));
        }
    }

    /// Says whether it was taken.
    fn take(&mut self, configured: Result<Configured, BadConfigure>) -> bool {
        let refusal = self.closed();
        match (refusal, configured) {
            (Some(refusal), _) => self.say(Output::Refused(refusal)),
            (None, Err(error)) => self.say(Output::Refused(Refusal::Configure(error))),
            (None, Ok(configured)) => {
                if let Some(time) = configured.time {
                    self.say(Output::Time(time));
                }
                self.save(configured.settings, configured.join, configured.sync, false);
                return true;
            }
        }
        false
    }

    fn closed(&self) -> Option<Refusal> {
        match (self.locked, &self.pending) {
            (Some(error), _) => Some(Refusal::Locked(error)),
            (None, Some(_)) => Some(Refusal::Busy),
            (None, None) => None,
        }
    }

    fn joined(&mut self, key: NetworkKey) {
        // An order that is not noted is noted the next time.
        if self.closed().is_some() {
            return;
        }
        let mut settings = self.settings.clone();
        if settings.networks.joined(key) {
            self.save(settings, None, None, false);
        }
    }

    fn ended(&mut self, id: CommandId, done: bool) {
        let progress = if done { Progress::Done } else { Progress::Failed };
        let pending = self.pending.as_mut().map(|pending| &mut pending.settings);
        for settings in [Some(&mut self.settings), pending].into_iter().flatten() {
            for command in settings.commands.iter_mut().filter(|command| command.id == id) {
                command.progress = progress;
            }
        }
        self.tell_version();
    }

    /// Puts what is in force to the server again.
    fn tell_version(&mut self) {
        let version = self.settings.desired_version;
        if self.verdict.is_none() && version > 0 {
            self.verdict = Some(Verdict { version, error: None });
        }
    }

    fn save(&mut self, settings: Settings, join: Option<NetworkKey>, sync: Option<bool>, of_server: bool) {
        let pending = Pending {
            settings,
            join,
            sync,
            of_server,
        };
        let is_new = pending.settings != self.settings || !self.is_saved;
        self.pending = Some(pending);
        if is_new {
            self.say(Output::Save);
        } else {
            // Nothing is new but what to do.
            self.saved();
        }
    }

    fn saved(&mut self) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        self.is_saved = true;
        let before = core::mem::replace(&mut self.settings, pending.settings);
        if before != self.settings {
            self.say(Output::Changed);
        }
        if let Some(key) = pending.join {
            self.say(Output::Join(key));
        }
        if let Some(sync) = pending.sync {
            self.say(Output::Sync(sync));
        }
        if pending.of_server {
            self.verdict = Some(Verdict {
                version: self.settings.desired_version,
                error: None,
            });
            self.refused = None;
            self.run_new(&before);
        }
    }

    fn run_new(&mut self, before: &Settings) {
        for index in 0..self.settings.commands.len() {
            let Some(command) = self.settings.commands.get_mut(index) else {
                return;
            };
            let (id, kind) = (command.id, command.kind);
            if before.commands.iter().any(|known| known.id == id) {
                continue;
            }
            if kind == CommandKind::Unknown {
                command.progress = Progress::Failed;
            } else {
                self.say(Output::Run(Command { id, kind }));
            }
        }
    }

    fn save_failed(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.say(Output::Refused(Refusal::NotSaved));
            if pending.of_server {
                self.refuse(pending.settings.desired_version, &Refusal::NotSaved);
            }
        }
    }

    fn refuse(&mut self, version: u32, why: &dyn fmt::Display) {
        self.refused = Some(version);
        self.verdict = Some(Verdict {
            version,
            error: Some(cut(why)),
        });
    }

    fn ended_commands(&self) -> impl Iterator<Item = &Noted> {
        let commands = self.settings.commands.iter();
        commands.filter(|command| command.progress != Progress::Noted)
    }

    fn to_send(&self) -> Option<Waiting> {
        if self.verdict.is_some() {
            let told = self.ended_commands().map(|command| command.id).collect();
            return Some(Waiting::Ack { told });
        }
        let wanted = self.wanted?;
        let new = wanted != self.settings.desired_version && self.refused != Some(wanted);
        (new && self.locked.is_none()).then_some(Waiting::Fetch)
    }

    fn send_next(&mut self, now: Instant) {
        if !self.online || self.waiting.is_some() || self.pending.is_some() || now < self.not_before {
            return;
        }
        self.waiting = self.to_send();
        self.sending = self.waiting.is_some();
    }

    fn answered(&mut self, response: &Response<'_>, now: Instant) {
        match (self.waiting.as_ref(), response.status) {
            (Some(Waiting::Fetch), 200) => {
                self.went_well();
                self.apply(response.body);
            }
            (Some(Waiting::Ack { told }), 200..=299) => {
                // The server gives them out no more.
                self.settings
                    .commands
                    .retain(|command| !told.contains(&command.id));
                self.went_well();
                self.verdict = None;
                if self.ended_commands().next().is_some() {
                    self.tell_version();
                }
            }
            // What the server cannot read of ours will not get better.
            (Some(Waiting::Ack { .. }), 400 | 404..=407 | 409..=422) => {
                self.went_well();
                self.verdict = None;
            }
            (Some(_) | None, _) => self.try_later(response.retry_after_s, now),
        }
    }

    fn went_well(&mut self) {
        self.waiting = None;
        self.pause = FIRST_PAUSE;
    }

    fn apply(&mut self, body: &[u8]) {
        // The version that was asked for, until the document says its own.
        let asked = self.wanted.unwrap_or(0);
        let mut reader = DesiredReader::new(&self.settings, &mut self.unseal);
        let applied = reader.feed(body).and_then(|()| reader.finish());
        let cut = body.len() >= ANSWER_BYTES_MAX;
        match applied.map_err(|error| if cut { BadDesired::TooLong } else { error }) {
            Ok(settings) => {
                self.wanted = Some(settings.desired_version);
                self.save(settings, None, None, true);
            }
            Err(error) => {
                self.refuse(asked, &error);
                self.say(Output::Refused(Refusal::Desired(asked, error)));
            }
        }
    }

    fn try_later(&mut self, after_s: Option<u32>, now: Instant) {
        if self.waiting.take().is_none() {
            return;
        }
        let asked_for = Duration::from_secs(u64::from(after_s.unwrap_or(0)));
        self.not_before = now + self.pause.max(asked_for);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn say(&mut self, output: Output) {
        // One change is polled before the next is made; what is more than it can give is said by nobody.
        let _ = self.outputs.push_back(output);
    }
}

fn cut(why: &dyn fmt::Display) -> String<ERROR_BYTES_MAX> {
    struct Cut(String<ERROR_BYTES_MAX>);
    impl fmt::Write for Cut {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for character in text.chars() {
                self.0.push(character).map_err(|_| fmt::Error)?;
            }
            Ok(())
        }
    }
    let mut cut = Cut(String::new());
    // What is over the bound is cut.
    let _ = fmt::Write::write_fmt(&mut cut, format_args!("{why}"));
    cut.0
}

/// The body of an acknowledgement.
impl<U> fmt::Display for Keeper<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, error) = match &self.verdict {
            Some(verdict) => (verdict.version, verdict.error.as_deref()),
            None => (self.settings.desired_version, None),
        };
        write!(f, "{{\"version\":{version},\"applied\":{}", error.is_none())?;
        if let Some(error) = error {
            write!(f, ",\"error\":{}", Quoted(error))?;
        }
        f.write_str(",\"commands\":[")?;
        let told = match &self.waiting {
            Some(Waiting::Ack { told }) => told.as_slice(),
            Some(Waiting::Fetch) | None => &[],
        };
        let ended = self
            .settings
            .commands
            .iter()
            .filter(|command| told.contains(&command.id));
        for (index, command) in ended.enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let done = command.progress == Progress::Done;
            write!(f, "{comma}{{\"id\":\"{}\",\"done\":{done}}}", command.id)?;
        }
        f.write_str("]")?;
        if let Some(key) = &self.seal_key {
            write!(
                f,
                ",\"seal_key\":\"{}\"",
                Base64Display::new(key, &URL_SAFE_NO_PAD)
            )?;
        }
        f.write_str("}")
    }
}
