//! One round: an upload whose answer is lost, the one who comes back, and what both were told.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use wire::receipt::PublicKey;

use super::super::client::{Client, Trouble, Who, text};
use super::super::receipts::{self, Sent};
use super::super::server::{Device, Server};
use super::super::tus::{File, Standing, Stored, Tus};
use super::doomed::Doomed;
use super::plan::{Moment, Plan, Road, Sender};
use crate::hash::sha256_hex;

/// Longer than storing takes on a busy machine; bytes that are not held by then never are.
const STORED_WAIT: Duration = Duration::from_secs(30);
/// Attempts to send the rest while the lost request is still at it.
const ATTEMPTS_MAX: u32 = 20;

/// What came of one round.
pub(super) struct Round {
    pub(super) stored_before_cut: bool,
    /// The answer had come as far as the proxy, and its receipt is the retry's.
    pub(super) receipt_compared: bool,
    pub(super) sent_again: bool,
    pub(super) recording_id: String,
}

/// How a connection ended.
struct Cut {
    stored_before: bool,
    /// The receipt in the answer that nobody heard.
    lost_receipt: Option<String>,
}

/// A server with its people, and a sender for each of them.
pub(super) struct Soak {
    addr: String,
    client: Client,
    /// Asks whether bytes are held, as quickly as it can be told.
    asking: Client,
    keys: Vec<PublicKey>,
    by_device: Who,
    by_phone: Who,
    cookie: String,
    device: Device,
}

impl Soak {
    pub(super) fn new(server: &Server, device: Device) -> Result<Self> {
        let client = Client::new(server.base());
        let cookie = client.sign_in()?;
        Ok(Self {
            addr: server.addr(),
            asking: Client::on_one_connection(server.base()),
            keys: client.keys()?,
            by_device: Who::device(&device.token),
            by_phone: Who::person(&cookie),
            cookie,
            device,
            client,
        })
    }

    /// Every recording that a person sees.
    pub(super) fn listed(&self) -> Result<BTreeSet<String>> {
        let sessions = self.client.sessions(&self.cookie)?;
        let ids: Vec<String> = sessions.into_iter().map(|session| session.recording_id).collect();
        let distinct: BTreeSet<String> = ids.iter().cloned().collect();
        ensure!(distinct.len() == ids.len(), "a recording is listed twice");
        Ok(distinct)
    }

    pub(super) fn round(&self, plan: &Plan) -> Result<Round> {
        let (cut, stored, sent_again) = match plan.turn.road {
            Road::Tus => self.over_tus(plan)?,
            Road::Plain => self.plainly(plan)?,
        };
        let Plan {
            turn, name, bytes, ..
        } = plan;
        let names_device = turn.road == Road::Tus || turn.loses == Sender::Device;
        let device = names_device.then_some(self.device.id.as_str());
        receipts::verify(&self.keys, &stored.receipt, &Sent::new(device, name, bytes))?;
        if let Some(lost) = &cut.lost_receipt {
            ensure!(
                *lost == stored.receipt,
                "{name}: lost {lost}, got {}",
                stored.receipt
            );
        }
        ensure!(
            !(cut.stored_before && sent_again),
            "{name} was stored and asked for again"
        );
        Ok(Round {
            stored_before_cut: cut.stored_before,
            receipt_compared: cut.lost_receipt.is_some(),
            sent_again,
            recording_id: stored.recording_id,
        })
    }

    fn who(&self, sender: Sender) -> &Who {
        match sender {
            Sender::Device => &self.by_device,
            Sender::Phone => &self.by_phone,
        }
    }

    fn over_tus(&self, plan: &Plan) -> Result<(Cut, Stored, bool)> {
        let Plan {
            turn, name, bytes, ..
        } = plan;
        let (first, then) = (self.who(turn.loses), self.who(turn.returns));
        let file = File {
            name,
            device: &self.device.id,
            kind: "drive",
            bytes,
        };
        let (place, begun) = Tus::new(&self.client, first).begin(&file)?;
        ensure!(begun.offset == 0, "{name} is not new");
        let path = self.path(&place)?;
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nHost: {}\r\n{}: {}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
             Content-Type: application/offset+octet-stream\r\nContent-Length: {}\r\n\r\n",
            self.addr,
            first.header,
            first.value,
            bytes.len()
        );
        let cut = self.lose(&head, plan)?;
        let tus = Tus::new(&self.client, then);
        let (again, at) = tus.begin(&file)?;
        ensure!(again == place, "{name} is begun twice");
        let sent_again = at.stored.is_none();
        let stored = send_rest(&tus, &place, &file, at)?;
        // The one whose answer was lost asks as well.
        let (_, once_more) = Tus::new(&self.client, first).begin(&file)?;
        ensure!(
            once_more.stored.as_ref() == Some(&stored),
            "{name} got two receipts"
        );
        Ok((cut, stored, sent_again))
    }

    fn plainly(&self, plan: &Plan) -> Result<(Cut, Stored, bool)> {
        let Plan {
            turn, name, bytes, ..
        } = plan;
        let who = self.who(turn.loses);
        let head = format!(
            "POST /api/upload?filename={name} HTTP/1.1\r\nHost: {}\r\n{}: {}\r\nContent-Type: text/csv\r\n\
             Content-Length: {}\r\n\r\n",
            self.addr,
            who.header,
            who.value,
            bytes.len()
        );
        let cut = self.lose(&head, plan)?;
        let (stored, duplicate) = self.upload(who, name, bytes)?;
        let (once_more, _) = self.upload(who, name, bytes)?;
        ensure!(once_more == stored, "{name} got two receipts");
        Ok((cut, stored, !duplicate))
    }

    fn upload(&self, who: &Who, name: &str, bytes: &[u8]) -> Result<(Stored, bool)> {
        let url = format!("{}/api/upload?filename={name}", self.client.base);
        let post = self.client.agent.post(url).header(who.header, &who.value);
        let answer: Value = post
            .content_type("text/csv")
            .send(bytes)?
            .body_mut()
            .read_json()?;
        let stored = Stored {
            recording_id: text(&answer, "recording_id")?,
            receipt: text(&answer, "receipt")?,
        };
        Ok((stored, answer["duplicate"] == true))
    }

    /// Delivers a request whole and cuts the connection before its answer is heard.
    fn lose(&self, head: &str, plan: &Plan) -> Result<Cut> {
        let mut doomed = Doomed::deliver(&self.addr, &[head.as_bytes(), &plan.bytes].concat())?;
        let digest = sha256_hex(&plan.bytes);
        let held = || self.asking.holds(&self.cookie, &digest);
        let held_before = match plan.moment {
            Moment::Any(time) => {
                std::thread::sleep(time);
                held()?
            }
            Moment::Stored(time) => {
                until(held).with_context(|| format!("{} is not stored", plan.name))?;
                std::thread::sleep(time);
                true
            }
            Moment::AnswerBegins => {
                doomed.until_answer_begins()?;
                held()?
            }
        };
        let answer = doomed.cut()?;
        let answered = answer.starts_with(b"HTTP/1.1 2");
        // It may have been stored, and answered, between the question and the cut.
        let stored_before = held_before || (answered && held()?);
        ensure!(
            stored_before || !answered,
            "a success was answered for bytes that are not held"
        );
        Ok(Cut {
            stored_before,
            lost_receipt: receipt_in(&answer),
        })
    }

    fn path<'p>(&self, place: &'p str) -> Result<&'p str> {
        place
            .strip_prefix(&self.client.base)
            .context("the upload is on another server")
    }
}

/// Asks without a pause, so that the moment is not missed.
fn until(held: impl Fn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !held()? {
        ensure!(begun.elapsed() < STORED_WAIT, "not after {STORED_WAIT:?}");
    }
    Ok(())
}

/// Sends what is missing; an attempt that is still under way may get in between.
fn send_rest(tus: &Tus<'_>, place: &str, file: &File<'_>, mut at: Standing) -> Result<Stored> {
    for _ in 0..ATTEMPTS_MAX {
        if let Some(stored) = at.stored {
            return Ok(stored);
        }
        let next = match tus.patch(place, at.offset, &file.bytes[at.offset..]) {
            // The lost request was read only now: the upload is as it left it.
            Err(Trouble::Refused {
                status: 409 | 413 | 423,
                ..
            }) => tus.head(place)?,
            answered => answered?,
        };
        ensure!(
            next.offset >= at.offset,
            "the offset went back from {} to {}",
            at.offset,
            next.offset
        );
        at = next;
    }
    bail!("the rest was not taken in {ATTEMPTS_MAX} attempts")
}

/// The header of an answer that nobody heard, as far as it came.
fn receipt_in(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let (head, _) = text.split_once("\r\n\r\n")?;
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wire::receipt::FIELDPOST_RECEIPT)
            .then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_from_a_whole_head_only() {
        let answer = b"HTTP/1.1 204 No Content\r\nfieldpost-receipt: RlBS\r\n\r\n";
        assert_eq!(receipt_in(answer).as_deref(), Some("RlBS"));
        assert_eq!(receipt_in(&answer[..answer.len() - 3]), None);
        assert_eq!(receipt_in(b"HTTP/1.1 500 X\r\na: b\r\n\r\n"), None);
    }
}
