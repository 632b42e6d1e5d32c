//! A model of our server: what a device sees of it, byte for byte in memory, on a clock that is told.
//!
//! ```text
//! HttpRequest ─► faults ─► who asks ─► uploads · receipts · heartbeats · desired ─► faults ─► HttpReply, or none
//! ```
//!
//! It is held to the real server by the traces in `crates/sim/traces`, which run against both. It knows devices with tokens and
//! nothing else: no people, no ingest keys, no parts (`Upload-Concat`), no `Upload-Defer-Length`, no `Upload-Checksum`, no limits of rate. A request for
//! what it does not know is answered with 501, so that no test takes it for the real thing.
//!
//! Whatever it says of bytes it can be asked about: [`Server::holds`] looks at the stored bytes themselves.

mod desired;
mod faults;
mod heartbeats;
mod receipts;
mod uploads;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use desired::Acknowledged;
pub use faults::{Fault, Forgery, OffsetLie};
pub use heartbeats::Session;
use serde_json::json;
use sha2::{Digest, Sha256};
use wire::receipt::{PublicKey, ServerKey, SignedReceipt, Stored};
use wire::upload::{TUS_RESUMABLE, TUS_VERSION, VERSION};

use crate::http::{HttpReply, HttpRequest};
use uploads::Upload;

const UPLOADS: &str = "/api/v1/uploads";
const KEPT_FOR_IDLE_US: i64 = 60 * 24 * 3600 * 1_000_000;

/// A recording that is stored for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecording {
    pub device: [u8; 16],
    pub name: String,
    pub sha256: [u8; 32],
    /// `None`: the disk lost them.
    pub bytes: Option<Vec<u8>>,
    pub size_bytes: u64,
    pub stored_at_us: i64,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    Reply(HttpReply),
    /// The connection broke without an answer.
    Broken,
    /// Nothing came back, nothing closed.
    Silent,
}

#[derive(Debug)]
pub struct Server {
    key: ServerKey,
    tenant: [u8; 16],
    epoch: u128,
    /// Tokens and whose they are.
    devices: BTreeMap<String, [u8; 16]>,
    uploads: BTreeMap<u128, Upload>,
    recordings: BTreeMap<u128, StoredRecording>,
    sessions: BTreeMap<([u8; 16], String), Session>,
    desired: BTreeMap<[u8; 16], (i64, String)>,
    acknowledged: Vec<([u8; 16], Acknowledged)>,
    /// Whose device restarted for which reason, once for each.
    crashes: Vec<([u8; 16], String)>,
    ids_given: u128,
    recording_bytes_max: u64,
    /// Of [`Fault::Creeps`].
    crept_bytes: u64,
    /// What befalls the next requests, one each.
    pub next: VecDeque<Option<Fault>>,
    /// Each befalls the first request that it can change.
    pub waiting: Vec<Fault>,
    /// What befalls every request.
    pub always: Option<Fault>,
    /// Names of recordings that it answers with this status.
    pub poisoned: BTreeMap<String, u16>,
    /// How often each kind of fault changed what a device was answered, or whether it was.
    pub befell: BTreeMap<&'static str, u64>,
    /// Digests that it said it holds, when it was asked whether they may go.
    pub confirmed: BTreeSet<[u8; 32]>,
    /// Digests that it said it does not hold, and was not given again since.
    pub denied: BTreeSet<[u8; 32]>,
    /// How often it was asked what it holds.
    pub questions: u64,
    /// How many requests came.
    pub requests: u64,
    /// How many bytes of bodies came.
    pub body_bytes: u64,
}

impl Server {
    pub fn new(seed: u64) -> Self {
        Self {
            key: key_of(seed),
            tenant: [0x7e; 16],
            epoch: 0xE0 + u128::from(seed),
            devices: BTreeMap::new(),
            uploads: BTreeMap::new(),
            recordings: BTreeMap::new(),
            sessions: BTreeMap::new(),
            desired: BTreeMap::new(),
            acknowledged: Vec::new(),
            crashes: Vec::new(),
            ids_given: u128::from(seed) << 64,
            recording_bytes_max: 64 << 20,
            crept_bytes: 0,
            next: VecDeque::new(),
            waiting: Vec::new(),
            always: None,
            poisoned: BTreeMap::new(),
            befell: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            denied: BTreeSet::new(),
            questions: 0,
            requests: 0,
            body_bytes: 0,
        }
    }

    #[must_use]
    pub fn with_recordings_up_to(mut self, bytes: u64) -> Self {
        self.recording_bytes_max = bytes;
        self
    }

    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    pub fn add_device(&mut self, token: &str, device: [u8; 16]) {
        self.devices.insert(token.to_owned(), device);
    }

    pub fn revoke(&mut self, token: &str) {
        self.devices.remove(token);
    }

    /// Whether exactly these bytes are stored for good.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        self.recordings
            .values()
            .any(|stored| stored.bytes.as_deref() == Some(bytes))
    }

    pub fn recordings(&self) -> impl Iterator<Item = &StoredRecording> {
        self.recordings.values()
    }

    /// The disk loses these bytes; the rows of what had them stay.
    pub fn lose(&mut self, bytes: &[u8]) {
        for stored in self.recordings.values_mut() {
            stored.bytes.take_if(|kept| kept == bytes);
        }
    }

    /// Somebody put an older state of the storage back.
    pub fn new_epoch(&mut self) {
        self.epoch += 1;
    }

    /// As [`Self::new_epoch`], of a time when nothing was there yet that was stored since then. Gives the digests that are gone.
    pub fn put_back(&mut self, to_us: i64) -> Vec<[u8; 32]> {
        self.new_epoch();
        let is_newer = |stored: &StoredRecording| stored.stored_at_us > to_us;
        let newer = self.recordings.values().filter(|stored| is_newer(stored));
        let gone = newer.map(|stored| stored.sha256).collect();
        self.recordings.retain(|_, stored| !is_newer(stored));
        let (recordings, uploads) = (&self.recordings, &mut self.uploads);
        uploads.retain(|_, upload| {
            upload
                .recording()
                .is_none_or(|recording| recordings.contains_key(&recording))
        });
        gone
    }

    pub fn epoch(&self) -> u128 {
        self.epoch
    }

    pub fn holds_digest(&self, sha256: [u8; 32]) -> bool {
        self.recordings
            .values()
            .any(|stored| stored.sha256 == sha256 && stored.bytes.is_some())
    }

    /// Uploads that are not complete are forgotten; says how many.
    pub fn forget_uploads(&mut self) -> usize {
        let before = self.uploads.len();
        self.uploads.retain(|_, upload| upload.is_complete());
        before - self.uploads.len()
    }

    /// Takes one request; `now_us` is Unix time.
    pub fn serve(&mut self, request: &HttpRequest, now_us: i64) -> Served {
        self.requests += 1;
        self.body_bytes += u64::try_from(request.body.len()).unwrap_or(u64::MAX);
        let fault = self.next.pop_front().unwrap_or_else(|| {
            let fault = self.always.clone();
            self.befell_times("outage", u64::from(fault.is_some()));
            fault
        });
        let fault = fault.or_else(|| self.take_waiting(request));
        match (fault, self.poison_in(request)) {
            (Some(fault), _) => self.serve_badly(&fault, request, now_us),
            (None, Some(status)) => {
                self.befell("poison file");
                Served::Reply(faults::as_told(status))
            }
            (None, None) => self.answer(request, now_us),
        }
    }

    fn answer(&mut self, request: &HttpRequest, now_us: i64) -> Served {
        let reply = self.route(request, now_us);
        // Whoever broke off does not hear what came of it.
        if request.is_whole() {
            Served::Reply(reply)
        } else {
            Served::Broken
        }
    }

    fn route(&mut self, request: &HttpRequest, now_us: i64) -> HttpReply {
        let path = request.path.split('?').next().unwrap_or_default();
        if let Some(rest) = path.strip_prefix(UPLOADS)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            let reply = self.uploads(request, rest.strip_prefix('/'), now_us);
            return reply.with(TUS_RESUMABLE, &VERSION);
        }
        let Some(device) = self.caller(request) else {
            self.befell("revoked token");
            return unauthorized();
        };
        let recording = path
            .strip_prefix("/api/v1/recordings/")
            .and_then(|rest| rest.strip_suffix("/receipt"));
        match (request.method.as_str(), path, recording) {
            ("POST", "/api/v1/receipts/confirm", _) => self.confirm(device, request),
            ("GET", _, Some(id)) => self.receipt_of(device, id),
            ("POST", "/functions/v1/ingest" | "/api/v1/heartbeats", _) => self.heartbeats(device, request),
            ("GET", "/api/v1/device/desired", _) => self.desired(device, request),
            ("POST", "/api/v1/device/desired/ack", _) => self.acknowledge(device, request),
            (_, _, _) => refusal(501, "not_modelled"),
        }
    }

    fn caller(&self, request: &HttpRequest) -> Option<[u8; 16]> {
        let (scheme, token) = request.header("authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        self.devices.get(token.trim()).copied()
    }

    fn befell(&mut self, kind: &'static str) {
        self.befell_times(kind, 1);
    }

    fn befell_times(&mut self, kind: &'static str, times: u64) {
        *self.befell.entry(kind).or_default() += times;
    }

    fn fresh_id(&mut self) -> u128 {
        self.ids_given += 1;
        self.ids_given
    }

    /// Fails for a name that no receipt can hold, and those are refused at the beginning.
    fn sign(&self, recording: &StoredRecording) -> Result<SignedReceipt, HttpReply> {
        let stored = Stored {
            tenant: self.tenant,
            device: Some(recording.device),
            name: &recording.name,
            size_bytes: recording.size_bytes,
            sha256: recording.sha256,
            stored_at_us: recording.stored_at_us,
        };
        SignedReceipt::sign(&stored, &self.key).map_err(|_| refusal(500, "internal"))
    }
}

/// A server's key; another seed, another server.
pub fn key_of(seed: u64) -> ServerKey {
    ServerKey::from_seed(&sha256(&seed.to_be_bytes()))
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// As UUIDs are written.
pub(crate) fn id_text(id: u128) -> String {
    let digits = format!("{id:032x}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

fn id_of(text: &str) -> Option<u128> {
    let digits: String = text.chars().filter(|digit| *digit != '-').collect();
    let is_id = text.len() == 36 && digits.len() == 32;
    is_id.then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

fn refusal(status: u16, code: &str) -> HttpReply {
    HttpReply::of(status).json(&json!({ "error": { "code": code, "message": "as the model says" } }))
}

fn unauthorized() -> HttpReply {
    refusal(401, "unauthorized").with("www-authenticate", &"Bearer")
}

fn other_version() -> HttpReply {
    refusal(412, "unsupported_version").with(TUS_VERSION, &VERSION)
}

fn not_found() -> HttpReply {
    refusal(404, "not_found")
}

fn is_json(request: &HttpRequest) -> bool {
    let kind = request.header("content-type").unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}
