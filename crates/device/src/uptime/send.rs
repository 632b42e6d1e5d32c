//! Telling the server, oldest first, and believing only what it says of each session.

use core::fmt;
use core::time::Duration;

use super::heartbeat::{Answer, Body};
use super::session::Status;
use super::{BATCH_MAX, Held, Uptime};
use crate::exchange::{self, Method, Path, Request, Response, Value};
use crate::time::Instant;

pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// What the server does not want now it will hardly want in a minute; the others go on meanwhile.
const REFUSED_PAUSE: Duration = Duration::from_hours(1);

impl Uptime {
    /// What [`Output::Send`] means, until it is answered.
    pub fn request(&self) -> Option<Request<'_>> {
        let request = Request::new(Method::Post, Path::of("/api/v1/heartbeats"))
            .header("content-type", Value::Text("application/json"))
            .body(exchange::Body::Written(self));
        (!self.sent.is_empty()).then_some(request)
    }

    pub(super) fn untold(&self) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(|held| !held.session.is_told())
    }

    pub(super) fn send_next(&mut self, now: Instant) {
        if !self.online || !self.sent.is_empty() || now < self.not_before {
            return;
        }
        let due = self.untold().filter(|held| now >= held.not_before());
        let batch = due.take(self.batch_max).map(|held| (held.slot, held.session));
        self.sent = batch.collect();
        self.sending = !self.sent.is_empty();
        let untold_loss = self.loss.sessions != self.loss.told;
        // One breadcrumb a heartbeat.
        self.sent_crumb = self.sending && self.crumb.is_some();
        self.sent_loss = Some(self.loss).filter(|_| self.sending && untold_loss && !self.sent_crumb);
    }

    pub(super) fn forget_sent(&mut self) {
        self.sent.clear();
        self.sent_loss = None;
        self.sent_crumb = false;
        self.sending = false;
    }

    pub(super) fn answered(&mut self, response: &Response<'_>, now: Instant) {
        match response.status {
            200 => self.heard(&Answer::read(response.body), now),
            status => {
                self.unauthorized = matches!(status, 401 | 403);
                // Too much at once, or one among them that spoils it: fewer of them.
                if matches!(status, 400 | 413 | 422) {
                    self.batch_max = (self.batch_max / 2).max(1);
                }
                self.try_later(response.retry_after_s, now);
            }
        }
    }

    fn heard(&mut self, answer: &Answer, now: Instant) {
        self.wanted = answer.desired_version.or(self.wanted);
        let sent = core::mem::take(&mut self.sent);
        let mut said_something = false;
        for ((slot, session), stored) in sent.iter().zip(&answer.stored) {
            let Some(held) = self.held.iter_mut().find(|held| held.slot == *slot) else {
                continue;
            };
            match stored {
                Some(true) => held.session.acknowledged(session),
                Some(false) => held.wait_until(now + REFUSED_PAUSE),
                None => continue,
            }
            said_something = true;
        }
        for held in &self.held {
            if held.session.status == Status::Closed && held.session.is_told() {
                self.to_erase |= 1 << held.slot;
            }
        }
        self.held
            .retain(|held| held.session.status == Status::Open || !held.session.is_told());
        if !said_something {
            // An answer that says nothing of what was sent is none.
            self.sent = sent;
            self.try_later(None, now);
            return;
        }
        if core::mem::take(&mut self.sent_crumb) {
            self.crumb = None;
            self.crumb_told = true;
        }
        if let Some(loss) = self.sent_loss.take() {
            self.loss.told = loss.sessions;
            self.save_loss = true;
        }
        self.pause = FIRST_PAUSE;
        self.batch_max = (self.batch_max * 2).min(BATCH_MAX);
    }

    pub(super) fn try_later(&mut self, after_s: Option<u32>, now: Instant) {
        if self.sent.is_empty() {
            return;
        }
        self.forget_sent();
        let asked_for = Duration::from_secs(u64::from(after_s.unwrap_or(0)));
        self.not_before = now + self.pause.max(asked_for) + self.spread();
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// Up to a quarter more, by the number that this device drew once: a fleet does not come back in one second.
    fn spread(&self) -> Duration {
        let share = self.boot.epoch % 256;
        self.pause / 4 * share / 256
    }
}

/// The body of a heartbeat.
impl fmt::Display for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = Body {
            sessions: &self.sent,
            crumb: self.crumb.as_ref().filter(|_| self.sent_crumb),
            loss: self.sent_loss,
        };
        body.fmt(f)
    }
}
