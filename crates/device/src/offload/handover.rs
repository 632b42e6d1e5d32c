//! One recording on its way to its receipt.
//!
//! ```text
//!            ┌────────────────────── gone (404, 410, 460), at most RESTARTS_MAX times ───────────┐
//!            ▼                                                                                   │
//!  Create ── 201 ──► Send ── 204 ──► Send … ── 204, all of it, receipt ──► proven                │
//!    ▲        │      ▲  └─ 409 ──► where the server is ─┐   │                                    │
//!    │        │      └──────────── Ask (HEAD) ◄─────────┴───┴─ no answer, busy, failing ─────────┤
//!    │        └─ all of it is there ─► receipt ──► proven                                        │
//!    └───────── none given: GET the recording's, begin again; then pass it over ◄────────────────┘
//! ```
//!
//! Nothing that a server says of offsets is believed for more than where to send from; only [`prove`] ends a handover well. So a
//! lie costs time, and that is bounded: an answer without progress is followed by a pause once there were a few of them, and
//! after [`FRUITLESS_MAX`] in a row the recording is passed over until the next round.

use heapless::String;
use wire::upload::{
    OFFSET_CONTENT_TYPE, TUS_RESUMABLE, UPLOAD_LENGTH, UPLOAD_METADATA, UPLOAD_OFFSET, VERSION,
};

use super::proof::prove;
use super::{Candidate, Surroundings, Trouble, Unwanted};
use crate::exchange::{Body, Method, NoAnswer, Path, Request, Response, Value};
use crate::outbox::Proof;

/// One TLS session and one commit of the server for each: less costs round trips, more is lost with a connection.
pub const BODY_BYTES_MAX: u32 = 512 * 1024;
/// What is sent after answers without progress: enough to see whether there is some.
const PROBE_BYTES: u32 = 16 * 1024;
/// A probe that arrives is progress, also where it ends at a sector.
const PROGRESS_BYTES_MIN: u32 = PROBE_BYTES / 2;
/// Bodies end where a sector of the card does, so that after a resume at any byte the card is read in whole ones again.
const SECTOR_BYTES: u32 = 512;
/// The server's are UUIDs of 36 characters.
const ID_BYTES_MAX: usize = 48;
const UPLOADS: &str = "/api/v1/uploads";
const ONE_UPLOAD: &str = "/api/v1/uploads/";
const ONE_RECORDING: &str = "/api/v1/recordings/";
const RECEIPT: &str = "/receipt";

/// A creation, a resume and a conflict make two; a third without progress is worth a pause.
const FRUITLESS_FREE: u8 = 2;
/// A server that is ill for a minute is waited for; a recording that it cannot take lets others past.
const FRUITLESS_MAX: u8 = 8;
/// One expired upload is usual. A server that forgets thrice forgets always.
const RESTARTS_MAX: u8 = 3;
/// A proxy may have one bad moment or two.
const REFUSALS_MAX: u8 = 3;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The next request, at once.
    Go,
    /// The same after a while.
    Pause(Trouble, Option<u32>),
    /// Something else: this one again in a later round.
    PassOver(Trouble),
    Proven(Proof),
    SetAside(Unwanted),
    /// Nothing will get through.
    Stop(Trouble),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    Ask,
    Send { bytes: u32 },
    FetchReceipt,
}

#[derive(Debug, Clone)]
pub(super) struct Handover {
    pub(super) candidate: Candidate,
    step: Step,
    upload: Id,
    recording: Id,
    /// Where the server says it is.
    offset: u32,
    /// The furthest it ever said.
    reached: u32,
    fruitless: u8,
    restarts: u8,
    refusals: u8,
    missing_receipts: u8,
    bodies: u16,
}

impl Handover {
    pub(super) const fn new(candidate: Candidate) -> Self {
        Self {
            candidate,
            step: Step::Create,
            upload: Id::NONE,
            recording: Id::NONE,
            offset: 0,
            reached: 0,
            fruitless: 0,
            restarts: 0,
            refusals: 0,
            missing_receipts: 0,
            bodies: 0,
        }
    }

    /// What the server says it has.
    pub(super) const fn offset(&self) -> u32 {
        self.offset
    }

    /// The last answer brought it further than it ever was.
    pub(super) const fn gets_on(&self) -> bool {
        self.fruitless == 0 && self.offset > 0
    }

    pub(super) fn is_begun(&self) -> bool {
        !self.upload.0.is_empty()
    }

    pub(super) fn request(&self) -> Request<'_> {
        let one = Path::with(ONE_UPLOAD, &self.upload.0, "");
        let of_tus = |method, path| Request::new(method, path).header(TUS_RESUMABLE, Value::Text(VERSION));
        match self.step {
            Step::Create => of_tus(Method::Post, Path::of(UPLOADS))
                .header(UPLOAD_LENGTH, Value::Number(u64::from(self.candidate.size_bytes)))
                .header(UPLOAD_METADATA, Value::Written(&self.candidate)),
            Step::Ask => of_tus(Method::Head, one),
            Step::Send { bytes } => of_tus(Method::Patch, one)
                .header(UPLOAD_OFFSET, Value::Number(u64::from(self.offset)))
                .header("content-type", Value::Text(OFFSET_CONTENT_TYPE))
                .body(Body::Recording {
                    number: self.candidate.number,
                    offset: self.offset,
                    bytes,
                }),
            Step::FetchReceipt => {
                Request::new(Method::Get, Path::with(ONE_RECORDING, &self.recording.0, RECEIPT))
            }
        }
    }

    pub(super) fn unanswered(&mut self, why: NoAnswer) -> Next {
        self.step_back();
        match why {
            NoAnswer::Card => Next::PassOver(Trouble::Card),
            // The network is away for every recording alike.
            NoAnswer::Dns | NoAnswer::Connect | NoAnswer::Tls => Next::Pause(why.into(), None),
            NoAnswer::Broken | NoAnswer::Timeout => self.pause(why.into(), None),
        }
    }

    pub(super) fn answered(&mut self, response: &Response<'_>, surroundings: &Surroundings<'_>) -> Next {
        match response.status {
            200 | 201 | 204 => self.accepted(response, surroundings),
            401 | 403 => Next::Stop(Trouble::Unauthorized),
            404 | 410 if self.step != Step::Create => self.begin_again(Trouble::Server(response.status)),
            409 if self.step != Step::Create => self.elsewhere(response.upload_offset),
            413 | 415 | 422 => self.refused(Unwanted::Status(response.status)),
            // All bytes came, and they are not those of the digest; the server has dropped them.
            460 => self.refused(Unwanted::OtherBytes),
            507 => self.pause(Trouble::ServerFull, response.retry_after_s),
            status => self.pause(Trouble::Server(status), response.retry_after_s),
        }
    }

    fn accepted(&mut self, response: &Response<'_>, surroundings: &Surroundings<'_>) -> Next {
        if let Some(id) = response.recording.and_then(Id::of) {
            self.recording = id;
        }
        let in_body = || {
            (self.step == Step::FetchReceipt)
                .then(|| receipt_in(response.body))
                .flatten()
        };
        if let Some(text) = response.receipt.or_else(in_body) {
            return match prove(text, &self.candidate, surroundings) {
                Ok(proof) => Next::Proven(proof),
                Err(_) => Next::PassOver(Trouble::Receipt),
            };
        }
        match self.step {
            Step::Create => match response.location.and_then(Id::of) {
                Some(id) => {
                    self.upload = id;
                    match response.upload_offset {
                        Some(offset) => self.moved_to(Some(offset), response.status),
                        None => {
                            self.step = Step::Ask;
                            Next::Go
                        }
                    }
                }
                None => self.pause(Trouble::Server(response.status), None),
            },
            Step::Ask => self.moved_to(response.upload_offset, response.status),
            Step::Send { bytes } => self.sent(bytes, response),
            Step::FetchReceipt => self.no_receipt(),
        }
    }

    /// A body was taken, as the server says.
    fn sent(&mut self, bytes: u32, response: &Response<'_>) -> Next {
        let end = u64::from(self.offset) + u64::from(bytes);
        if response.upload_offset == Some(end) {
            return self.moved_to(Some(end), response.status);
        }
        // Less than was sent, or more, or nothing: asked for, and not at once.
        self.pause(Trouble::Server(response.status), None)
    }

    /// The server names an offset: that is where to go on from. It says so after a pause, after a creation, or for a body that
    /// it took, so going further is worth trust.
    fn moved_to(&mut self, offset: Option<u64>, status: u16) -> Next {
        match self.place(offset) {
            Some(offset) if self.is_worth_it(offset) => {
                self.reached = offset;
                self.fruitless = 0;
                self.go_on(status)
            }
            Some(_) => self.fruitlessly(status),
            None => self.nowhere(status),
        }
    }

    /// A few bytes a body would cost more than they bring, and who makes them up could go on for ever.
    fn is_worth_it(&self, offset: u32) -> bool {
        let is_end = offset == self.candidate.size_bytes && offset > self.reached;
        is_end || offset.saturating_sub(self.reached) >= PROGRESS_BYTES_MIN
    }

    /// Somebody else has sent in the meantime, or the server makes it up: told as often as it likes, it would keep a device
    /// sending for ever.
    fn elsewhere(&mut self, offset: Option<u64>) -> Next {
        match self.place(offset) {
            Some(offset) => {
                self.reached = self.reached.max(offset);
                self.fruitlessly(409)
            }
            None => self.nowhere(409),
        }
    }

    /// An offset within the recording.
    fn place(&mut self, offset: Option<u64>) -> Option<u32> {
        let offset = u32::try_from(offset?).ok()?;
        if offset > self.candidate.size_bytes {
            return None;
        }
        self.offset = offset;
        Some(offset)
    }

    /// No offset, or one past the end: only a fresh creation can tell.
    fn nowhere(&mut self, status: u16) -> Next {
        self.upload = Id::NONE;
        self.pause(Trouble::Server(status), None)
    }

    fn fruitlessly(&mut self, status: u16) -> Next {
        self.fruitless = self.fruitless.saturating_add(1);
        match (self.go_on(status), self.fruitless) {
            (Next::Go, FRUITLESS_MAX..) => Next::PassOver(Trouble::Server(status)),
            (Next::Go, fruitless) if fruitless > FRUITLESS_FREE => Next::Pause(Trouble::Server(status), None),
            (next, _) => next,
        }
    }

    fn go_on(&mut self, status: u16) -> Next {
        if self.offset == self.candidate.size_bytes {
            return self.no_receipt();
        }
        self.bodies = self.bodies.saturating_add(1);
        if self.bodies > bodies_max(self.candidate.size_bytes) {
            return Next::PassOver(Trouble::Server(status));
        }
        let most = if self.fruitless < FRUITLESS_FREE {
            BODY_BYTES_MAX
        } else {
            PROBE_BYTES
        };
        self.step = Step::Send {
            bytes: body_bytes(self.offset, self.candidate.size_bytes, most),
        };
        Next::Go
    }

    /// Everything is there, as the server says, and nothing proves it.
    fn no_receipt(&mut self) -> Next {
        self.missing_receipts = self.missing_receipts.saturating_add(1);
        self.step = match self.missing_receipts {
            1 if self.recording.is_some() => Step::FetchReceipt,
            1 | 2 => Step::Create,
            _ => return Next::PassOver(Trouble::Receipt),
        };
        Next::Go
    }

    fn begin_again(&mut self, trouble: Trouble) -> Next {
        self.upload = Id::NONE;
        self.offset = 0;
        self.reached = 0;
        self.step = Step::Create;
        self.restarts = self.restarts.saturating_add(1);
        match self.restarts {
            1 => Next::Go,
            RESTARTS_MAX.. => Next::PassOver(trouble),
            _ => Next::Pause(trouble, None),
        }
    }

    fn refused(&mut self, why: Unwanted) -> Next {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals >= REFUSALS_MAX {
            return Next::SetAside(why);
        }
        self.upload = Id::NONE;
        self.reached = 0;
        self.step = Step::Create;
        Next::Pause(Trouble::Refused, None)
    }

    /// After a pause the server is asked where it is.
    fn pause(&mut self, trouble: Trouble, retry_after_s: Option<u32>) -> Next {
        self.step_back();
        self.fruitless = self.fruitless.saturating_add(1);
        if self.fruitless >= FRUITLESS_MAX {
            Next::PassOver(trouble)
        } else {
            Next::Pause(trouble, retry_after_s)
        }
    }

    fn step_back(&mut self) {
        self.step = if self.is_begun() { Step::Ask } else { Step::Create };
    }
}

fn body_bytes(offset: u32, size_bytes: u32, most: u32) -> u32 {
    let end = offset.saturating_add(most);
    let whole = end - end % SECTOR_BYTES;
    whole.min(size_bytes).saturating_sub(offset)
}

/// `GET …/receipt` says it in JSON too, for those whose proxy lets no header of ours through.
fn receipt_in(body: &[u8]) -> Option<&str> {
    #[derive(serde::Deserialize)]
    struct Said<'b> {
        receipt: &'b str,
    }
    let (said, _) = serde_json_core::from_slice::<Said<'_>>(body).ok()?;
    Some(said.receipt)
}

/// Each one twice, and a few for a radio that breaks: whoever makes a device send more than that in one round keeps it busy.
fn bodies_max(size_bytes: u32) -> u16 {
    const SPARE: u16 = 16;
    let whole = u16::try_from(size_bytes.div_ceil(BODY_BYTES_MAX)).unwrap_or(u16::MAX);
    whole.saturating_mul(2).saturating_add(SPARE)
}

/// An id that stands at the end of an address or in a header.
#[derive(Debug, Clone)]
struct Id(String<ID_BYTES_MAX>);

impl Id {
    const NONE: Self = Self(String::new());

    /// What follows the last slash. A server cannot send a device elsewhere by what it calls a place: nothing but
    /// letters, digits, `-` and `_` is an id.
    fn of(text: &str) -> Option<Self> {
        let (_, id) = text.rsplit_once('/').unwrap_or(("", text));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || !id.bytes().all(plain) {
            return None;
        }
        String::try_from(id).ok().map(Self)
    }

    fn is_some(&self) -> bool {
        !self.0.is_empty()
    }
}
