//! Devices that send recordings and pictures: whole, and in pieces.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use ureq::http::Response;
use ureq::{Body, Error};

use super::super::client::Trouble;
use super::super::files;
use super::super::receipts::Sent;
use super::super::tus::{File, Standing, Stored, Tus};
use super::field::Field;

/// Several pieces a file, several buffers a piece.
const PIECE_BYTES: std::ops::Range<usize> = 4_000..120_000;
/// Once the server stays up an upload needs as many requests as it has pieces; this many mean that it does not get on.
const REQUESTS_AT_THE_END_MAX: u32 = 200;

/// The bodies that come in one request.
#[derive(Clone, Copy)]
enum Shape {
    Raw,
    Json,
    Multipart,
    Picture,
}

/// One device: a file after the other, in all shapes by turns, until the soak is over.
pub(super) fn send_whole(field: &Field<'_>, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for number in 0usize.. {
        let shape = [Shape::Raw, Shape::Json, Shape::Multipart, Shape::Picture][number % 4];
        let (bytes, ending) = match shape {
            Shape::Picture => (files::picture(&mut rng), "jpg"),
            Shape::Raw | Shape::Json | Shape::Multipart => (files::drive(&mut rng, files::SHORT), "csv"),
        };
        let name = format!("dev{seed}_{number}.{ending}");
        let entered = field.gate.enter();
        if entered.is_over() {
            return;
        }
        match upload(field, &name, &bytes, shape) {
            Ok(stored) => field
                .ledger
                .stored(Sent::new(Some(&field.device), &name, &bytes), stored),
            Err(trouble) => field.ledger.trouble(&trouble),
        }
    }
}

fn upload(field: &Field<'_>, name: &str, bytes: &[u8], shape: Shape) -> Result<Stored, Trouble> {
    let post = |path: &str| {
        let url = format!("{}{path}", field.client.base);
        let post = field.client.agent.post(url);
        post.header(field.who.header, &field.who.value)
    };
    answer(match shape {
        Shape::Raw => post(&format!("/api/upload?filename={name}"))
            .content_type("text/csv")
            .send(bytes),
        Shape::Json => {
            let content = String::from_utf8_lossy(bytes);
            post("/api/upload").send_json(json!({ "filename": name, "content": content }))
        }
        Shape::Multipart => {
            let (boundary, body) = multipart(name, bytes);
            post("/api/upload")
                .content_type(format!("multipart/form-data; boundary={boundary}"))
                .send(&body[..])
        }
        Shape::Picture => post(&format!("/upload?filename={name}"))
            .content_type("image/jpeg")
            .send(bytes),
    })
}

fn answer(response: Result<Response<Body>, Error>) -> Result<Stored, Trouble> {
    let mut response = response.map_err(|_| Trouble::BrokenOff)?;
    let status = response.status();
    // A success counts only once the device has read it: a kill in between leaves it unanswered.
    let text = response.body_mut().read_to_string();
    let text = text.map_err(|_| Trouble::BrokenOff)?;
    let stored = status.is_success().then(|| stored_in(&text)).flatten();
    stored.ok_or_else(|| Trouble::Refused {
        status: status.as_u16(),
        text,
    })
}

/// From the answer for one file, or from the only entry of the answer for several.
fn stored_in(answer: &str) -> Option<Stored> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let file = answer.pointer("/files/0").unwrap_or(&answer);
    Some(Stored {
        recording_id: file["recording_id"].as_str()?.to_owned(),
        receipt: file["receipt"].as_str()?.to_owned(),
    })
}

/// One file as a browser or the sync firmware sends it; the boundary cannot occur in a CSV of numbers.
fn multipart(name: &str, bytes: &[u8]) -> (&'static str, Vec<u8>) {
    const BOUNDARY: &str = "fieldpost-soak-boundary";
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: text/csv\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    (BOUNDARY, body)
}

/// One device that sends in pieces, drives and pictures by turns, and finishes what it began when the soak is over.
pub(super) fn send_in_pieces(field: &Field<'_>, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for number in 0u32.. {
        let (kind, ending, bytes) = if number % 4 == 3 {
            ("picture", "jpg", files::picture(&mut rng))
        } else {
            ("drive", "csv", files::drive(&mut rng, files::LONG))
        };
        let file = File {
            name: &format!("tus{seed}_{number}.{ending}"),
            device: &field.device,
            kind,
            bytes: &bytes,
        };
        if field.gate.enter().is_over() {
            return;
        }
        Sending::new(field, &file).finish(&mut rng);
    }
}

/// An upload and what was acknowledged of it.
struct Sending<'s> {
    field: &'s Field<'s>,
    file: &'s File<'s>,
    tus: Tus<'s>,
    /// Its address, once it was told.
    place: Option<String>,
    acknowledged: usize,
    /// The last request had no answer: ask where the upload is before anything else.
    in_doubt: bool,
}

impl<'s> Sending<'s> {
    fn new(field: &'s Field<'s>, file: &'s File<'s>) -> Self {
        Self {
            field,
            file,
            tus: Tus::new(field.client, &field.who),
            place: None,
            acknowledged: 0,
            in_doubt: true,
        }
    }

    fn finish(mut self, rng: &mut ChaCha8Rng) {
        let mut requests_at_the_end = 0;
        loop {
            let entered = self.field.gate.enter();
            requests_at_the_end += u32::from(entered.is_over());
            if requests_at_the_end > REQUESTS_AT_THE_END_MAX {
                self.field
                    .ledger
                    .wrong(format!("{} does not get on", self.file.name));
                return;
            }
            match self.request(rng) {
                Ok(standing) => {
                    if let Some(stored) = self.answered(standing) {
                        let sent = Sent::new(Some(self.file.device), self.file.name, self.file.bytes);
                        self.field.ledger.stored(sent, stored);
                        return;
                    }
                }
                Err(trouble) => {
                    self.in_doubt = true;
                    self.field.ledger.trouble(&trouble);
                }
            }
        }
    }

    fn request(&mut self, rng: &mut ChaCha8Rng) -> Result<Standing, Trouble> {
        let Some(place) = &self.place else {
            let (place, standing) = self.tus.begin(self.file)?;
            self.place = Some(place);
            return Ok(standing);
        };
        if self.in_doubt {
            let standing = self.tus.head(place)?;
            if standing.offset > 0 {
                self.field.ledger.resumed();
            }
            return Ok(standing);
        }
        let rest = &self.file.bytes[self.acknowledged..];
        let piece = &rest[..rest.len().min(rng.random_range(PIECE_BYTES))];
        let standing = self.tus.patch(place, self.acknowledged, piece)?;
        self.field.ledger.piece();
        if standing.offset != self.acknowledged + piece.len() {
            let name = self.file.name;
            self.field.ledger.wrong(format!(
                "{name}: {} bytes after byte {} were answered with the offset {}",
                piece.len(),
                self.acknowledged,
                standing.offset
            ));
        }
        Ok(standing)
    }

    /// An offset that was told holds for ever.
    fn answered(&mut self, standing: Standing) -> Option<Stored> {
        if standing.offset < self.acknowledged {
            self.field.ledger.wrong(format!(
                "{}: byte {} was acknowledged, and after a kill the upload is at {}",
                self.file.name, self.acknowledged, standing.offset
            ));
        }
        self.acknowledged = standing.offset;
        self.in_doubt = false;
        standing.stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_an_upload_answer_are_read() {
        let id = |answer| stored_in(answer).map(|stored| stored.recording_id);
        let one = r#"{"success":true,"recording_id":"a","receipt":"r"}"#;
        assert_eq!(id(one).as_deref(), Some("a"));
        let several = r#"{"success":true,"files":[{"recording_id":"b","receipt":"r"}]}"#;
        assert_eq!(id(several).as_deref(), Some("b"));
        assert_eq!(id(r#"{"success":true,"recording_id":"a"}"#), None);
    }
}
