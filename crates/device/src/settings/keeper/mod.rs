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

mod io;
mod server;

use core::time::Duration;

use heapless::Deque;
pub use io::{Command, Input, Output, Refusal};
use server::{FIRST_PAUSE, Verdict, Waiting};

use super::{
    BadConfigure, CommandId, CommandKind, Configured, LoadError, Progress, SETTINGS_BYTES_MAX, Settings,
    Unseal, Via, configure, configure_by_form,
};
use crate::link::NetworkKey;
use crate::portal::Submitted;
use crate::time::Instant;

/// A change gives four at most, and each command one.
const OUTPUTS_MAX: usize = 4 + super::COMMANDS_MAX;

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
    /// `saved` is what flash holds, `None` for nothing. `seal_key` is the public key that boxes are
    /// sealed for. What is damaged begins anew and is said; what is newer is kept, and nothing can be changed.
    pub fn new(saved: Option<&[u8]>, unseal: U, seal_key: Option<[u8; 65]>) -> (Self, Result<(), LoadError>) {
        let (settings, loaded) = match saved.map(Settings::decode) {
            Some(Ok(settings)) => (settings, Ok(())),
            Some(Err(error)) => (Settings::default(), Err(error)),
            None => (Settings::default(), Ok(())),
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
        match (pending.join, pending.sync) {
            // It looks for that network by itself, and for longer than one that is only to be joined.
            (with, Some(true)) => self.say(Output::Sync(with)),
            (join, sync) => {
                if let Some(key) = join {
                    self.say(Output::Join(key));
                }
                if sync.is_some() {
                    self.say(Output::StopSync);
                }
            }
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

    fn say(&mut self, output: Output) {
        // One change is polled before the next is made; what is more than it can give is said by nobody.
        let _ = self.outputs.push_back(output);
    }
}
