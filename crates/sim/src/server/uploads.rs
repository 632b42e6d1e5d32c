//! tus, as far as a device speaks it.

use wire::receipt::{FIELDPOST_RECEIPT, NAME_BYTES_MAX};
use wire::upload::{
    self as tus, FIELDPOST_RECORDING, METADATA_BYTES_MAX, Metadata, OFFSET_CONTENT_TYPE, TUS_RESUMABLE,
    UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_METADATA, UPLOAD_OFFSET, VERSION, key,
};

use super::{
    KEPT_FOR_IDLE_US, Server, StoredRecording, UPLOADS, id_of, id_text, not_found, other_version, refusal,
    sha256, unauthorized,
};
use crate::http::{HttpReply, HttpRequest};

#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) device: [u8; 16],
    pub(super) name: String,
    is_picture: bool,
    size_bytes: u64,
    pub(super) sha256: Option<[u8; 32]>,
    metadata: String,
    pub(super) state: State,
    last_at_us: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Open(Vec<u8>),
    Complete(u128),
    Gone,
}

impl Upload {
    pub(super) const fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete(_))
    }

    pub(super) const fn recording(&self) -> Option<u128> {
        match self.state {
            State::Complete(recording) => Some(recording),
            State::Open(_) | State::Gone => None,
        }
    }

    pub(super) const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Bytes that are still to come.
    pub(super) fn left_bytes(&self) -> u64 {
        match &self.state {
            State::Open(bytes) => self.size_bytes - length_of(bytes),
            State::Complete(_) | State::Gone => 0,
        }
    }

    /// By what a second creation is known.
    fn is_the_same(&self, other: &Self) -> bool {
        let key = |upload: &Self| (upload.is_picture, upload.device, upload.size_bytes, upload.sha256);
        self.sha256.is_some()
            && self.state != State::Gone
            && key(self) == key(other)
            && self.name == other.name
    }
}

/// What is wrong with a request.
type Refused = HttpReply;

impl Server {
    pub(super) fn uploads(&mut self, request: &HttpRequest, id: Option<&str>, now_us: i64) -> HttpReply {
        let Some(device) = self.caller(request) else {
            self.befell("revoked token");
            return unauthorized();
        };
        if request.header(TUS_RESUMABLE) != Some(VERSION) {
            return other_version();
        }
        let said = match (request.method.as_str(), id) {
            ("POST", None) => self.create(device, request, now_us),
            ("HEAD", Some(id)) => self.head(device, id, now_us).map_err(bodiless),
            ("PATCH", Some(id)) => self.patch(device, id, request, now_us),
            ("DELETE", Some(id)) => self.delete(device, id, now_us),
            (_, _) => return refusal(501, "not_modelled"),
        };
        said.unwrap_or_else(|refused| refused)
    }

    fn create(&mut self, device: [u8; 16], request: &HttpRequest, now_us: i64) -> Result<HttpReply, Refused> {
        let new = announced(device, request, now_us)?;
        if request.length().unwrap_or(0) > 0 {
            return Err(match is_piece(request) {
                true => refusal(501, "not_modelled"),
                false => refusal(415, "unsupported_media_type"),
            });
        }
        if new.size_bytes > self.recording_bytes_max {
            return Err(refusal(413, "too_large"));
        }
        let id = self.begin(new, now_us)?;
        let location = format!("http://server{UPLOADS}/{}", id_text(id));
        Ok(self.standing(201, id)?.with("location", &location))
    }

    /// A new one, the one that was begun before, or the recording that is there already.
    fn begin(&mut self, new: Upload, now_us: i64) -> Result<u128, Refused> {
        let known = self.uploads.iter().find(|(_, upload)| upload.is_the_same(&new));
        let known = known.map(|(id, _)| *id);
        let stored = self.recordings.iter().find(|(_, stored)| {
            let is_this = stored.device == new.device && stored.name == new.name;
            is_this && stored.bytes.is_some() && Some(stored.sha256) == new.sha256
        });
        let stored = stored.map(|(id, _)| *id);
        if let Some(id) = known {
            let upload = &self.uploads[&id];
            match (&upload.state, stored) {
                (State::Open(_), Some(recording)) => self.become_recording(id, recording),
                (State::Open(_), None) => self.find(new.device, id, now_us)?,
                (State::Complete(_), Some(_)) => {}
                // The disk lost it: it is taken again.
                (State::Complete(_), None) => {
                    self.let_go(id);
                    return self.insert(new);
                }
                (State::Gone, _) => return Err(gone()),
            }
            return Ok(id);
        }
        let id = self.insert(new)?;
        if let Some(recording) = stored {
            self.become_recording(id, recording);
        }
        Ok(id)
    }

    fn insert(&mut self, new: Upload) -> Result<u128, Refused> {
        let (id, at_us) = (self.fresh_id(), new.last_at_us);
        self.uploads.insert(id, new);
        self.finish_if_whole(id, at_us)?;
        Ok(id)
    }

    fn head(&mut self, device: [u8; 16], id: &str, now_us: i64) -> Result<HttpReply, Refused> {
        let id = id_of(id).ok_or_else(not_found)?;
        self.find(device, id, now_us)?;
        let reply = self.standing(200, id)?;
        let upload = &self.uploads[&id];
        Ok(reply
            .with(UPLOAD_LENGTH, &upload.size_bytes)
            .with(UPLOAD_METADATA, &upload.metadata)
            .with("cache-control", &"no-store"))
    }

    fn patch(
        &mut self,
        device: [u8; 16],
        id: &str,
        request: &HttpRequest,
        now_us: i64,
    ) -> Result<HttpReply, Refused> {
        let id = id_of(id).ok_or_else(not_found)?;
        if !is_piece(request) {
            return Err(refusal(415, "unsupported_media_type"));
        }
        let offset = size(request, UPLOAD_OFFSET)?.ok_or_else(|| refusal(400, "offset_missing"))?;
        let length = request.length().ok_or_else(|| refusal(411, "length_required"))?;
        self.find(device, id, now_us)?;
        let upload = self.uploads.get_mut(&id).ok_or_else(not_found)?;
        let size_bytes = upload.size_bytes;
        let State::Open(bytes) = &mut upload.state else {
            return match (offset == size_bytes, length) {
                (false, _) => Err(elsewhere(size_bytes)),
                (true, 0) => self.standing(204, id),
                (true, _) => Err(refusal(413, "past_the_end")),
            };
        };
        let at = length_of(bytes);
        if offset != at {
            return Err(elsewhere(at));
        }
        if length > size_bytes - at {
            return Err(refusal(413, "past_the_end"));
        }
        bytes.extend_from_slice(&request.body);
        upload.last_at_us = now_us;
        self.finish_if_whole(id, now_us)?;
        if request.is_whole() {
            self.standing(204, id)
        } else {
            Err(refusal(400, "incomplete_body"))
        }
    }

    fn delete(&mut self, device: [u8; 16], id: &str, now_us: i64) -> Result<HttpReply, Refused> {
        let id = id_of(id).ok_or_else(not_found)?;
        self.find(device, id, now_us)?;
        self.let_go(id);
        Ok(HttpReply::of(204))
    }

    fn find(&mut self, device: [u8; 16], id: u128, now_us: i64) -> Result<(), Refused> {
        let upload = self.uploads.get_mut(&id).filter(|upload| upload.device == device);
        let upload = upload.ok_or_else(not_found)?;
        match &upload.state {
            State::Gone => Err(gone()),
            State::Open(_) if upload.last_at_us + KEPT_FOR_IDLE_US <= now_us => {
                self.let_go(id);
                Err(gone())
            }
            State::Open(_) | State::Complete(_) => Ok(()),
        }
    }

    fn let_go(&mut self, id: u128) {
        if let Some(upload) = self.uploads.get_mut(&id) {
            upload.state = State::Gone;
        }
    }

    fn become_recording(&mut self, id: u128, recording: u128) {
        if let Some(upload) = self.uploads.get_mut(&id) {
            upload.state = State::Complete(recording);
        }
    }

    fn finish_if_whole(&mut self, id: u128, now_us: i64) -> Result<(), Refused> {
        let Some(upload) = self.uploads.get(&id) else {
            return Ok(());
        };
        let State::Open(bytes) = &upload.state else {
            return Ok(());
        };
        if length_of(bytes) < upload.size_bytes {
            return Ok(());
        }
        let found = sha256(bytes);
        if upload.sha256.is_some_and(|announced| announced != found) {
            self.let_go(id);
            return Err(refusal(460, "wrong_digest"));
        }
        let recording = StoredRecording {
            device: upload.device,
            name: upload.name.clone(),
            sha256: found,
            bytes: Some(bytes.clone()),
            size_bytes: upload.size_bytes,
            stored_at_us: now_us,
        };
        let recording = self.store(recording);
        self.become_recording(id, recording);
        Ok(())
    }

    /// The same again is the one of the first time, with its bytes if the disk had lost them.
    fn store(&mut self, new: StoredRecording) -> u128 {
        self.denied.remove(&new.sha256);
        let known = self.recordings.iter_mut().find(|(_, stored)| {
            (stored.device, stored.sha256) == (new.device, new.sha256) && stored.name == new.name
        });
        if let Some((id, stored)) = known {
            stored.bytes = new.bytes;
            return *id;
        }
        let id = self.fresh_id();
        self.recordings.insert(id, new);
        id
    }

    /// How far an upload is, or what it has become, with the receipt.
    fn standing(&self, status: u16, id: u128) -> Result<HttpReply, Refused> {
        let upload = self.uploads.get(&id).ok_or_else(not_found)?;
        let reply = HttpReply::of(status);
        match &upload.state {
            State::Open(bytes) => Ok(reply
                .with(UPLOAD_OFFSET, &length_of(bytes))
                .with(UPLOAD_EXPIRES, &"Tue, 19 Jan 2038 03:14:07 GMT")),
            State::Complete(recording) => {
                let stored = self.recordings.get(recording).ok_or_else(not_found)?;
                if stored.bytes.is_none() {
                    return Err(refusal(410, "bytes_missing"));
                }
                Ok(reply
                    .with(UPLOAD_OFFSET, &upload.size_bytes)
                    .with(FIELDPOST_RECORDING, &id_text(*recording))
                    .with(FIELDPOST_RECEIPT, &self.sign(stored)?))
            }
            State::Gone => Err(gone()),
        }
    }
}

fn announced(device: [u8; 16], request: &HttpRequest, now_us: i64) -> Result<Upload, Refused> {
    if request.header(tus::UPLOAD_CONCAT).is_some() || request.header(tus::UPLOAD_DEFER_LENGTH).is_some() {
        return Err(refusal(501, "not_modelled"));
    }
    let size_bytes = size(request, UPLOAD_LENGTH)?.ok_or_else(|| refusal(400, "bad_length"))?;
    let text = request.header(UPLOAD_METADATA).unwrap_or_default();
    let metadata = Metadata::parse(text).map_err(|_| refusal(400, "bad_header"))?;
    let value = |key: &str| -> Result<Option<String>, Refused> {
        let Some(value) = metadata.get(key) else {
            return Ok(None);
        };
        let mut room = [0; METADATA_BYTES_MAX];
        let bytes = value.decode(&mut room).unwrap_or_default().to_vec();
        let text = String::from_utf8(bytes).map_err(|_| refusal(400, "bad_metadata"))?;
        Ok(Some(text))
    };
    let name = match value(key::FILENAME)? {
        Some(name) => name,
        None => value(key::NAME)?.ok_or_else(|| refusal(400, "filename_missing"))?,
    };
    let is_picture = match value(key::KIND)?.as_deref() {
        None | Some("drive") => false,
        Some("picture") => true,
        Some(_) => return Err(refusal(400, "bad_metadata")),
    };
    let sha256 = match value(key::SHA256)? {
        None => None,
        Some(text) => Some(digest(&text).ok_or_else(|| refusal(400, "bad_metadata"))?),
    };
    Ok(Upload {
        device,
        name: plain_name(&name)?,
        is_picture,
        size_bytes,
        sha256,
        metadata: text.to_owned(),
        state: State::Open(Vec::new()),
        last_at_us: now_us,
    })
}

fn plain_name(name: &str) -> Result<String, Refused> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).trim();
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
        .ok_or_else(|| refusal(400, "bad_filename"))
}

pub(super) fn digest(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

fn size(request: &HttpRequest, name: &str) -> Result<Option<u64>, Refused> {
    let Some(text) = request.header(name) else {
        return Ok(None);
    };
    let size = tus::parse_size(text).map_err(|_| refusal(400, "bad_header"))?;
    Ok(Some(size))
}

fn is_piece(request: &HttpRequest) -> bool {
    request.header("content-type") == Some(OFFSET_CONTENT_TYPE)
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn elsewhere(at: u64) -> Refused {
    refusal(409, "another_offset").with(UPLOAD_OFFSET, &at)
}

fn gone() -> Refused {
    refusal(410, "upload_gone")
}

/// An answer to HEAD has no body.
fn bodiless(mut refused: Refused) -> Refused {
    refused.body.clear();
    refused
}
