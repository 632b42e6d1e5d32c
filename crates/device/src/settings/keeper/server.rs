//! Fetching what the server wants, and telling it what became of that.

use core::fmt;
use core::time::Duration;

use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use heapless::{String, Vec};

use super::super::desired::{BadDesired, DesiredReader};
use super::super::{COMMANDS_MAX, CommandId, Noted, Progress, Unseal};
use super::{Keeper, Output, Refusal};
use crate::exchange::{ANSWER_BYTES_MAX, Body, Method, Path, Request, Response, Value};
use crate::json::Quoted;
use crate::time::Instant;

pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Of what is wrong with a version.
const ERROR_BYTES_MAX: usize = 160;

/// What is told to the server of a version.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    pub(super) version: u32,
    pub(super) error: Option<String<ERROR_BYTES_MAX>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Waiting {
    Fetch,
    /// With the ends of these commands; what ends meanwhile is told the next time.
    Ack {
        told: Vec<CommandId, COMMANDS_MAX>,
    },
}

impl<U: Unseal> Keeper<U> {
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

    /// Puts what is in force to the server again.
    pub(super) fn tell_version(&mut self) {
        let version = self.settings.desired_version;
        if self.verdict.is_none() && version > 0 {
            self.verdict = Some(Verdict { version, error: None });
        }
    }

    pub(super) fn refuse(&mut self, version: u32, why: &dyn fmt::Display) {
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

    pub(super) fn to_send(&self) -> Option<Waiting> {
        if self.verdict.is_some() {
            let told = self.ended_commands().map(|command| command.id).collect();
            return Some(Waiting::Ack { told });
        }
        let wanted = self.wanted?;
        let new = wanted != self.settings.desired_version && self.refused != Some(wanted);
        (new && self.locked.is_none()).then_some(Waiting::Fetch)
    }

    pub(super) fn send_next(&mut self, now: Instant) {
        if !self.online || self.waiting.is_some() || self.pending.is_some() || now < self.not_before {
            return;
        }
        self.waiting = self.to_send();
        self.sending = self.waiting.is_some();
    }

    pub(super) fn answered(&mut self, response: &Response<'_>, now: Instant) {
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

    pub(super) fn try_later(&mut self, after_s: Option<u32>, now: Instant) {
        if self.waiting.take().is_none() {
            return;
        }
        let asked_for = Duration::from_secs(u64::from(after_s.unwrap_or(0)));
        self.not_before = now + self.pause.max(asked_for);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
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
