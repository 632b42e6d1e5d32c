//! What a server does wrong, on demand.

use wire::receipt::{FIELDPOST_RECEIPT, SignedReceipt, Stored};
use wire::upload::{Metadata, TUS_RESUMABLE, UPLOAD_METADATA, UPLOAD_OFFSET, VERSION, key};

use super::uploads::{State, Upload};
use super::{Served, Server, StoredRecording, id_of, key_of, refusal, sha256};
use crate::http::{HttpReply, HttpRequest};

/// One request goes wrong in this way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answered without being looked at, with `Retry-After` if there is one.
    Status(u16, Option<u32>),
    /// Neither taken nor answered.
    Silent,
    /// Done, durable, and then the process dies before it answers.
    LostReply,
    /// The process dies with so many bytes of the body on the disk.
    DiesInBody(usize),
    /// Done, and answered with another offset.
    Offset(OffsetLie),
    /// Done, and answered with another receipt.
    Receipt(Forgery),
    /// Not done, and answered as if it were, with a receipt for something else.
    Unstored(Forgery),
    /// Every piece is at another offset: one byte further than this one.
    AlwaysFurther,
    /// No piece is taken, and whoever asks hears of so many bytes more each time.
    Creeps(u64),
    /// The upload that it is about is unknown (404) or has ended (410).
    Forgotten(u16),
    /// Sent elsewhere.
    Redirect,
    /// A network's sign-in page, with 200.
    SignInPage,
    /// Done, and answered with a megabyte of text behind it.
    HugeBody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetLie {
    PastTheEnd,
    AtTheEnd,
    Zero,
    /// One more than was stored.
    OneMore,
    OneLess,
    Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    OtherBytes,
    OtherSize,
    OtherDevice,
    NoDevice,
    OtherName,
    /// By a key that the device does not know.
    OtherServer,
    /// The right one with one bit changed.
    Altered,
    NoText,
    Missing,
}

impl Forgery {
    pub const ALL: [Self; 9] = [
        Self::OtherBytes,
        Self::OtherSize,
        Self::OtherDevice,
        Self::NoDevice,
        Self::OtherName,
        Self::OtherServer,
        Self::Altered,
        Self::NoText,
        Self::Missing,
    ];
}

impl OffsetLie {
    pub const ALL: [Self; 6] = [
        Self::PastTheEnd,
        Self::AtTheEnd,
        Self::Zero,
        Self::OneMore,
        Self::OneLess,
        Self::Missing,
    ];
}

/// A refusal for no reason of the server's own.
pub(super) fn as_told(status: u16) -> HttpReply {
    refusal(status, "as_told").with(TUS_RESUMABLE, &VERSION)
}

impl Server {
    pub(super) fn serve_badly(&mut self, fault: &Fault, request: &HttpRequest, now_us: i64) -> Served {
        match fault {
            Fault::Status(status, retry_after_s) => {
                self.befell("status");
                let reply = as_told(*status);
                Served::Reply(match retry_after_s {
                    Some(seconds) => reply.with("retry-after", &seconds),
                    None => reply,
                })
            }
            Fault::Silent => {
                self.befell("silent");
                Served::Silent
            }
            Fault::LostReply => {
                self.befell("lost reply");
                self.route(request, now_us);
                Served::Broken
            }
            Fault::DiesInBody(bytes) => {
                if *bytes < request.body.len() {
                    self.befell("dies in body");
                }
                let mut cut = request.clone();
                cut.body.truncate(*bytes);
                self.route(&cut, now_us);
                Served::Broken
            }
            Fault::Offset(lie) => self.reworded("lying offset", request, now_us, |server, reply| {
                server.lie(*lie, request, reply);
            }),
            Fault::AlwaysFurther => self.further(request, now_us),
            Fault::Creeps(bytes) => self.creep(*bytes, request, now_us),
            Fault::Receipt(forgery) => self.reworded("forged receipt", request, now_us, |server, reply| {
                server.forge(*forgery, reply);
            }),
            Fault::Unstored(forgery) => self.sign_unstored(*forgery, request, now_us),
            Fault::Forgotten(status) => {
                let id = request.path.rsplit('/').next().and_then(id_of);
                if id.is_some_and(|id| self.uploads.contains_key(&id)) {
                    self.befell("forgotten upload");
                }
                match (id.and_then(|id| self.uploads.get_mut(&id)), status) {
                    (Some(upload), 410) => upload.state = State::Gone,
                    (Some(_), _) => {
                        self.uploads.retain(|known, _| Some(*known) != id);
                    }
                    (None, _) => {}
                }
                self.answer(request, now_us)
            }
            Fault::Redirect => {
                self.befell("redirect");
                Served::Reply(HttpReply::of(302).with("location", &"http://elsewhere/api/v1/uploads/1"))
            }
            Fault::SignInPage => {
                self.befell("sign-in page");
                let mut reply = HttpReply::of(200).with("content-type", &"text/html");
                reply.body = b"<html>Sign in to use this network".to_vec();
                Served::Reply(reply)
            }
            Fault::HugeBody => self.reworded("huge body", request, now_us, |_, reply| {
                reply.body.resize(1 << 20, b'x');
            }),
        }
    }

    /// The first of the waiting faults that can change what comes of this request.
    pub(super) fn take_waiting(&mut self, request: &HttpRequest) -> Option<Fault> {
        let id = request.path.rsplit('/').next().and_then(id_of);
        let left_bytes = id.and_then(|id| self.uploads.get(&id)).map(Upload::left_bytes);
        let body_bytes = request.body.len();
        let at = self.waiting.iter().position(|fault| match fault {
            Fault::Receipt(_) | Fault::Unstored(_) => {
                body_bytes > 0 && left_bytes == u64::try_from(body_bytes).ok()
            }
            Fault::DiesInBody(bytes) => left_bytes.is_some() && *bytes < body_bytes,
            Fault::Offset(_) | Fault::AlwaysFurther | Fault::Creeps(_) | Fault::Forgotten(_) => {
                left_bytes.is_some()
            }
            Fault::Status(..)
            | Fault::Silent
            | Fault::LostReply
            | Fault::Redirect
            | Fault::SignInPage
            | Fault::HugeBody => true,
        })?;
        Some(self.waiting.remove(at))
    }

    /// A recording that is not wanted is known by its name when it is begun, and by its upload later.
    pub(super) fn poison_in(&self, request: &HttpRequest) -> Option<u16> {
        if self.poisoned.is_empty() {
            return None;
        }
        let mut room = [0; 64];
        let announced = request
            .header(UPLOAD_METADATA)
            .and_then(|text| Metadata::parse(text).ok()?.get(key::FILENAME)?.decode(&mut room))
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let id = request.path.rsplit('/').next().and_then(id_of);
        let name = announced.or_else(|| Some(self.uploads.get(&id?)?.name.clone()))?;
        self.poisoned.get(&name).copied()
    }

    fn reworded(
        &mut self,
        kind: &'static str,
        request: &HttpRequest,
        now_us: i64,
        reword: impl FnOnce(&Self, &mut HttpReply),
    ) -> Served {
        let mut served = self.answer(request, now_us);
        if let Served::Reply(reply) = &mut served {
            let before = reply.clone();
            reword(self, reply);
            if *reply != before {
                self.befell(kind);
            }
        }
        served
    }

    fn further(&mut self, request: &HttpRequest, now_us: i64) -> Served {
        let offset = request
            .header(UPLOAD_OFFSET)
            .and_then(|text| text.parse::<u64>().ok());
        match offset {
            Some(offset) => {
                self.befell("offset always further");
                Served::Reply(
                    refusal(409, "another_offset")
                        .with(TUS_RESUMABLE, &VERSION)
                        .with(UPLOAD_OFFSET, &(offset + 1)),
                )
            }
            None => self.answer(request, now_us),
        }
    }

    fn creep(&mut self, bytes: u64, request: &HttpRequest, now_us: i64) -> Served {
        if request.method == "PATCH" {
            self.befell("creeping offset");
            return Served::Reply(as_told(500));
        }
        self.crept_bytes += bytes;
        let said = self.crept_bytes;
        self.reworded("creeping offset", request, now_us, |_, reply| {
            for (name, value) in &mut reply.headers {
                if name == UPLOAD_OFFSET {
                    *value = said.to_string();
                }
            }
        })
    }

    fn lie(&self, lie: OffsetLie, request: &HttpRequest, reply: &mut HttpReply) {
        let truth = reply
            .header(UPLOAD_OFFSET)
            .and_then(|text| text.parse::<u64>().ok());
        let id = reply
            .header("location")
            .unwrap_or(&request.path)
            .rsplit('/')
            .next()
            .and_then(id_of);
        let size_bytes = id
            .and_then(|id| self.uploads.get(&id))
            .map_or(0, |upload| upload.size_bytes());
        let Some(truth) = truth else {
            return;
        };
        reply.headers.retain(|(name, _)| name != UPLOAD_OFFSET);
        let said = match lie {
            OffsetLie::PastTheEnd => size_bytes + 1,
            OffsetLie::AtTheEnd => size_bytes,
            OffsetLie::Zero => 0,
            OffsetLie::OneMore => truth + 1,
            OffsetLie::OneLess => truth.saturating_sub(1),
            OffsetLie::Missing => return,
        };
        reply.headers.push((UPLOAD_OFFSET.to_owned(), said.to_string()));
    }

    /// Whoever believes it lets go of bytes that nobody has. Of a creation nothing but the bytes is left out.
    fn sign_unstored(&mut self, forgery: Forgery, request: &HttpRequest, now_us: i64) -> Served {
        let answered = match request.method.as_str() {
            "PATCH" => None,
            _ => match self.answer(request, now_us) {
                Served::Reply(reply) => Some(reply),
                other @ (Served::Broken | Served::Silent) => return other,
            },
        };
        let about = answered.as_ref().and_then(|reply| reply.header("location"));
        let id = about.unwrap_or(&request.path).rsplit('/').next().and_then(id_of);
        let open = id
            .and_then(|id| self.uploads.get(&id))
            .filter(|upload| upload.left_bytes() > 0);
        let Some(mut reply) = open.and_then(|upload| self.as_if_stored(upload, now_us)) else {
            return answered.map_or_else(|| self.answer(request, now_us), Served::Reply);
        };
        if let Some(answered) = answered {
            reply.status = answered.status;
            let location = answered
                .headers
                .into_iter()
                .filter(|(name, _)| name == "location");
            reply.headers.extend(location);
        }
        self.forge(forgery, &mut reply);
        self.befell("receipt of what is not stored");
        Served::Reply(reply)
    }

    fn as_if_stored(&self, upload: &Upload, now_us: i64) -> Option<HttpReply> {
        let stored = StoredRecording {
            device: upload.device,
            name: upload.name.clone(),
            sha256: upload.sha256?,
            bytes: None,
            size_bytes: upload.size_bytes(),
            stored_at_us: now_us,
        };
        let reply = HttpReply::of(204)
            .with(TUS_RESUMABLE, &VERSION)
            .with(UPLOAD_OFFSET, &upload.size_bytes())
            .with(FIELDPOST_RECEIPT, &self.sign(&stored).ok()?);
        Some(reply)
    }

    fn forge(&self, forgery: Forgery, reply: &mut HttpReply) {
        let Some(text) = reply.header(FIELDPOST_RECEIPT).map(str::to_owned) else {
            return;
        };
        let name = FIELDPOST_RECEIPT.to_ascii_lowercase();
        reply.headers.retain(|(known, _)| *known != name);
        reply.body.clear();
        if let Some(forged) = self.forged(forgery, &text) {
            reply.headers.push((name, forged));
        }
    }

    fn forged(&self, forgery: Forgery, text: &str) -> Option<String> {
        let signed = SignedReceipt::from_text(text).ok()?;
        let truth = wire::receipt::parse(signed.as_bytes()).ok()?.stored;
        let changed = match forgery {
            Forgery::OtherBytes => Stored {
                sha256: sha256(b"other bytes"),
                ..truth
            },
            Forgery::OtherSize => Stored {
                size_bytes: truth.size_bytes + 1,
                ..truth
            },
            Forgery::OtherDevice => Stored {
                device: Some([0xD0; 16]),
                ..truth
            },
            Forgery::NoDevice => Stored {
                device: None,
                ..truth
            },
            Forgery::OtherName => Stored {
                name: "sess_999999.csv",
                ..truth
            },
            Forgery::OtherServer => {
                return Some(SignedReceipt::sign(&truth, &key_of(0xBAD)).ok()?.to_string());
            }
            Forgery::Altered => {
                let mut bytes = signed.as_bytes().to_vec();
                *bytes.last_mut()? ^= 1;
                return Some(SignedReceipt::from_bytes(&bytes).ok()?.to_string());
            }
            Forgery::NoText => return Some("stored, believe me".to_owned()),
            Forgery::Missing => return None,
        };
        Some(SignedReceipt::sign(&changed, &self.key).ok()?.to_string())
    }
}
