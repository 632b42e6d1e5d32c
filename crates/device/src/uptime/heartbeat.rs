//! Sessions as the server is told them, and its answer (`docs/formats/heartbeat.md`).

use core::fmt;

use heapless::Vec;

use super::session::Session;
use super::{BATCH_MAX, Loss};
use crate::breadcrumb::Breadcrumb;
use crate::json::{Path, Quoted, Reader, Token};

/// The longest text of an answer that counts is `session`, and nobody asks for it.
const TEXT_BYTES_MAX: usize = 32;

/// The body: an array, so that each session has its own result.
pub(super) struct Body<'s> {
    pub(super) sessions: &'s [(u8, Session)],
    /// These go with the first.
    pub(super) crumb: Option<&'s Breadcrumb>,
    pub(super) loss: Option<Loss>,
}

impl fmt::Display for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, (_, session)) in self.sessions.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(
                f,
                "{comma}{{\"boot_epoch\":\"{:08x}\",\"boot_number\":{},\"session_start\":",
                session.boot.epoch,
                session.number()
            )?;
            match session.start() {
                Some(start) => write!(f, "{},\"start_revision\":{}", start.0, session.start_revision)?,
                None => f.write_str("null")?,
            }
            write!(f, ",\"run_seconds\":{}", session.run_s)?;
            if let Some(at) = session.last_update() {
                write!(f, ",\"last_update\":{}", at.0)?;
            }
            write!(f, ",\"status\":\"{}\"", session.status.name())?;
            if let Some(crumb) = self.crumb.filter(|_| index == 0) {
                write!(
                    f,
                    ",\"crash\":{{\"reason\":\"{}\",\"boot\":{},\"uptime_s\":{},\"detail\":{}}}",
                    crumb.cause.word(),
                    crumb.boot,
                    crumb.uptime_s,
                    Quoted(&crumb.detail)
                )?;
            }
            if let Some(loss) = self.loss.filter(|_| index == 0) {
                // The server keeps one of a reason and boot: each loss is another.
                write!(
                    f,
                    ",\"crash\":{{\"reason\":\"uptime_lost\",\"boot\":\"{}+{}\",\"detail\":\"{} sessions, {} s\"}}",
                    session.boot, loss.sessions, loss.sessions, loss.run_s
                )?;
            }
            f.write_str("}")?;
        }
        f.write_str("]")
    }
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Answer {
    /// Of each item in its order, as far as the answer goes; `None` where nothing is said.
    pub(super) stored: Vec<Option<bool>, BATCH_MAX>,
    pub(super) desired_version: Option<u32>,
}

impl Answer {
    /// Of an answer that was cut, or is no JSON from somewhere on, counts what was whole before.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut answer = Self::default();
        let mut take = |path: &Path, token: Token<'_>| match (path.name_at(0), token) {
            (Some("results"), Token::Bool(stored)) if path.is("results/#/stored") => {
                let index = path.items().next().unwrap_or(usize::MAX);
                if index < BATCH_MAX {
                    // Shorter than the bound, by the line before.
                    let _ = answer.stored.resize(answer.stored.len().max(index + 1), None);
                }
                if let Some(slot) = answer.stored.get_mut(index) {
                    *slot = Some(stored);
                }
            }
            (Some("desired_version"), Token::Number(text)) if path.is("desired_version") => {
                answer.desired_version = text.parse().ok();
            }
            _ => {}
        };
        let mut reader = Reader::<TEXT_BYTES_MAX>::new();
        // How it ends does not matter: what is said of an item is said.
        let _ = reader.feed(body, &mut take);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_has_its_own_result_also_in_an_answer_that_was_cut() {
        let body =
            br#"{"success":false,"results":[{"stored":true,"session":"b:1:1"},{"session":null,"stored":false,
            "error":{"code":"bad_boot","stored":true}},{"stored":nul"#;
        let answer = Answer::read(body);
        assert_eq!(answer.stored, [Some(true), Some(false)]);
        assert_eq!(answer.desired_version, None);
        let whole = Answer::read(br#"{"results":[],"desired_version":7,"stored":true}"#);
        assert_eq!((whole.stored.len(), whole.desired_version), (0, Some(7)));
        assert_eq!(Answer::read(b"<html>"), Answer::default());
    }
}
