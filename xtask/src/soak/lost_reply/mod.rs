//! The connection goes after the last byte of an upload was delivered and before its answer was heard, at random moments,
//! by device and phone in turn, over both roads. Whoever comes back gets the receipt that was lost, byte for byte, and there is one
//! recording.
//!
//! That the bytes were stored before the connection went is not assumed: the server is asked by another request just before
//! the cut. A run in which that was so less than half of the time proves too little, and fails.

mod doomed;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use wire::receipt::PublicKey;

use self::doomed::{Doomed, Moment};
use super::client::{Client, Trouble, Who, text};
use super::receipts::{self, Sent};
use super::server::{Build, Device, Server};
use super::tus::{File, Standing, Stored, Tus};
use crate::hash::sha256_hex;
use crate::process::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 1000)]
    rounds: u32,
    /// The same seed gives the same files and the same moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            rounds: 1000,
            seed: 1,
        }
    }
}

impl Args {
    pub(crate) fn short() -> Self {
        Self { rounds: 20, seed: 1 }
    }
}

/// From "the request is hardly read" to "the answer is long written".
const CUT_AFTER_US: std::ops::Range<u64> = 0..20_000;
/// How often the cut waits for the first byte of the answer; else it comes at a random moment.
const ANSWERED_SHARE: f64 = 0.5;
/// Smaller and larger than any one buffer on the way.
const SIZE_BYTES: std::ops::Range<usize> = 1..60_000;
/// Attempts to send the rest while the lost request is still at it.
const ATTEMPTS_MAX: u32 = 20;

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mut server = Server::fresh(root, "lost-reply", Build::Debug)?;
    let device = server.add_people()?;
    server.start()?;
    let client = Client::new(server.base());
    let cookie = client.sign_in()?;
    let soak = Soak {
        addr: server.addr(),
        keys: client.keys()?,
        by_device: Who::device(&device.token),
        by_phone: Who::person(&cookie),
        cookie,
        device,
        client,
    };
    let mut random = ChaCha8Rng::seed_from_u64(args.seed);
    let (mut figures, mut recordings) = (Figures::default(), BTreeSet::new());
    let begun = Instant::now();
    for round in 0..args.rounds {
        let at_round = || format!("round {round}, seed {}", args.seed);
        let done = soak.round(round, &mut random).with_context(at_round)?;
        figures.count(&done);
        ensure!(
            recordings.insert(done.recording_id),
            "round {round}: a recording of an earlier round was answered"
        );
    }
    let sessions = soak.client.sessions(&soak.cookie)?;
    let listed: BTreeSet<String> = sessions.into_iter().map(|session| session.recording_id).collect();
    ensure!(
        listed == recordings,
        "{} recordings are listed after {} rounds",
        listed.len(),
        args.rounds
    );
    say(format_args!(
        "lost reply: {} rounds in {:.0} s ({} over tus, {} over /api/upload); stored when the connection was cut: {}, \
         not yet: {};\n{} lost receipts were seen on the way and the retry got the same bytes; {} retries sent bytes again; \
         {} recordings, every receipt verifies",
        args.rounds,
        begun.elapsed().as_secs_f64(),
        figures.tus,
        args.rounds - figures.tus,
        figures.stored_before_cut,
        args.rounds - figures.stored_before_cut,
        figures.receipts_compared,
        figures.sent_again,
        listed.len(),
    ));
    ensure!(
        figures.stored_before_cut * 2 >= args.rounds,
        "in fewer than half of the rounds the bytes were stored when the connection was cut: nothing much was proved"
    );
    server.discard()
}

#[derive(Default)]
struct Figures {
    tus: u32,
    stored_before_cut: u32,
    /// The answer had come as far as the proxy, with a receipt in it.
    receipts_compared: u32,
    sent_again: u32,
}

impl Figures {
    fn count(&mut self, round: &Round) {
        self.tus += u32::from(round.over_tus);
        self.stored_before_cut += u32::from(round.stored_before_cut);
        self.receipts_compared += u32::from(round.receipt_compared);
        self.sent_again += u32::from(round.sent_again);
    }
}

/// What came of one round.
struct Round {
    over_tus: bool,
    stored_before_cut: bool,
    receipt_compared: bool,
    sent_again: bool,
    recording_id: String,
}

/// How a connection ended.
struct Cut {
    stored_before: bool,
    /// The receipt in the answer that nobody heard.
    lost_receipt: Option<String>,
}

struct Soak {
    addr: String,
    client: Client,
    keys: Vec<PublicKey>,
    by_device: Who,
    by_phone: Who,
    cookie: String,
    device: Device,
}

impl Soak {
    fn round(&self, round: u32, random: &mut ChaCha8Rng) -> Result<Round> {
        let mut bytes = vec![0; random.random_range(SIZE_BYTES)];
        random.fill(&mut bytes[..]);
        let name = format!("round_{round}.csv");
        let moment = if random.random_bool(ANSWERED_SHARE) {
            Moment::AnswerBegins
        } else {
            Moment::After(Duration::from_micros(random.random_range(CUT_AFTER_US)))
        };
        let over_tus = round % 4 != 3;
        // Each of the two loses an answer and each comes back, in all four pairs; a plain upload has no way to name another's device.
        let first_is_device = (round / 4).is_multiple_of(2);
        let then_is_device = if over_tus {
            round.is_multiple_of(4) != first_is_device
        } else {
            first_is_device
        };
        let (first, then) = (self.who(first_is_device), self.who(then_is_device));
        let (cut, stored, sent_again) = if over_tus {
            self.over_tus(&name, &bytes, moment, first, then)?
        } else {
            self.plainly(&name, &bytes, moment, first)?
        };
        let device = (over_tus || first_is_device).then_some(self.device.id.as_str());
        receipts::verify(&self.keys, &stored.receipt, &Sent::new(device, &name, &bytes))?;
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
            over_tus,
            stored_before_cut: cut.stored_before,
            receipt_compared: cut.lost_receipt.is_some(),
            sent_again,
            recording_id: stored.recording_id,
        })
    }

    fn who(&self, is_device: bool) -> &Who {
        if is_device {
            &self.by_device
        } else {
            &self.by_phone
        }
    }

    fn over_tus(
        &self,
        name: &str,
        bytes: &[u8],
        moment: Moment,
        first: &Who,
        then: &Who,
    ) -> Result<(Cut, Stored, bool)> {
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
        let cut = self.lose(&head, bytes, moment)?;
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

    fn plainly(&self, name: &str, bytes: &[u8], moment: Moment, who: &Who) -> Result<(Cut, Stored, bool)> {
        let head = format!(
            "POST /api/upload?filename={name} HTTP/1.1\r\nHost: {}\r\n{}: {}\r\nContent-Type: text/csv\r\n\
             Content-Length: {}\r\n\r\n",
            self.addr,
            who.header,
            who.value,
            bytes.len()
        );
        let cut = self.lose(&head, bytes, moment)?;
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
    fn lose(&self, head: &str, bytes: &[u8], moment: Moment) -> Result<Cut> {
        let mut doomed = Doomed::deliver(&self.addr, &[head.as_bytes(), bytes].concat())?;
        doomed.wait(moment)?;
        let held = || self.client.holds(&self.cookie, &sha256_hex(bytes));
        let held_before = held()?;
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
