//! One HTTP request and its answer, as the decisions see them.
//!
//! ```text
//! machine ── Output::Send ──► runner ── machine.request() ──► bytes on the connection
//! machine ◄─ Input::Answer(&Response) or Input::NoAnswer ──── bytes that came back
//! ```
//!
//! Neither is ever kept: a [`Request`] borrows from the machine that makes it, a [`Response`] from the buffer into which the
//! connection was read, so that both cost a few hundred bytes of stack and no static memory.
//!
//! Whoever runs the device carries a request out on one kept-alive connection to the server of the settings: it adds `Host`,
//! `Authorization` or, with an ingest key in the base path, `X-Device` with the device's UUID, `Content-Length`, and the settings' base path before
//! [`Path`], and streams bodies that lie on the card. It follows no redirect, and ends the connection after an answer that says so, or whose body is longer than what is kept of it.

use core::fmt::{self, Display, Write};

use heapless::Vec;
use wire::receipt::FIELDPOST_RECEIPT;
use wire::upload::{FIELDPOST_RECORDING, UPLOAD_OFFSET, parse_size};

use crate::outbox::Number;

/// A creation of an upload has five.
pub const HEADERS_MAX: usize = 8;
/// How much of an answer is kept: a confirmation or a desired state, whose parts are bounded.
pub const ANSWER_BYTES_MAX: usize = 1536;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Patch,
    Delete,
}

impl Method {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A path and query from `/api/…` on, written in up to three parts: the one in the middle is what a server or a machine puts there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<'m> {
    pub before: &'static str,
    pub id: &'m str,
    pub after: &'static str,
}

impl<'m> Path<'m> {
    pub const fn of(whole: &'static str) -> Self {
        Self::with(whole, "", "")
    }

    pub const fn with(before: &'static str, id: &'m str, after: &'static str) -> Self {
        Self { before, id, after }
    }
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.before)?;
        f.write_str(self.id)?;
        f.write_str(self.after)
    }
}

/// A header's value, written where it is sent.
#[derive(Clone, Copy)]
pub enum Value<'m> {
    Text(&'m str),
    Number(u64),
    /// Written twice where its length has to be known first, and the same each time.
    Written(&'m dyn Display),
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Written(value) => value.fmt(f),
        }
    }
}

#[derive(Clone, Copy)]
pub enum Body<'m> {
    Empty,
    /// Text that a machine writes, the same each time.
    Written(&'m dyn Display),
    /// Bytes of a recording, read from the card while they are sent.
    Recording {
        number: Number,
        offset: u32,
        bytes: u32,
    },
}

impl Body<'_> {
    /// `Content-Length`.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Written(text) => {
                let mut counted = Counted(0);
                // Counting never fails.
                let _ = write!(counted, "{text}");
                counted.0
            }
            Self::Recording { bytes, .. } => u64::from(*bytes),
        }
    }
}

struct Counted(u64);

impl Write for Counted {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self
            .0
            .saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

/// What to ask the server.
#[derive(Clone)]
pub struct Request<'m> {
    pub method: Method,
    pub path: Path<'m>,
    /// Names in lower case.
    pub headers: Vec<(&'static str, Value<'m>), HEADERS_MAX>,
    pub body: Body<'m>,
}

impl<'m> Request<'m> {
    pub const fn new(method: Method, path: Path<'m>) -> Self {
        Self {
            method,
            path,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    /// Adds a header; one more than [`HEADERS_MAX`] is left out, which no request of ours comes near.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: Value<'m>) -> Self {
        let _ = self.headers.push((name, value));
        self
    }

    #[must_use]
    pub const fn body(mut self, body: Body<'m>) -> Self {
        self.body = body;
        self
    }
}

/// What is read of an answer. A header that is absent or makes no sense is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Response<'a> {
    pub status: u16,
    pub upload_offset: Option<u64>,
    /// Only ever read for the id at its end: nothing is sent to an address that a server names.
    pub location: Option<&'a str>,
    pub retry_after_s: Option<u32>,
    pub etag: Option<&'a str>,
    /// `Fieldpost-Recording`.
    pub recording: Option<&'a str>,
    /// `Fieldpost-Receipt`, unchecked.
    pub receipt: Option<&'a str>,
    /// The first [`ANSWER_BYTES_MAX`] bytes at most.
    pub body: &'a [u8],
}

impl<'a> Response<'a> {
    pub fn of(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    /// Takes a header in, if it is one of those that count; `name` in any case.
    pub fn take(&mut self, name: &str, value: &'a str) {
        let value = value.trim_matches([' ', '\t']);
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is(UPLOAD_OFFSET) {
            self.upload_offset = parse_size(value).ok();
        } else if is("location") {
            self.location = Some(value);
        } else if is("retry-after") {
            // Seconds only: a date means nothing to a clock that may be wrong.
            self.retry_after_s = value.parse().ok();
        } else if is("etag") {
            self.etag = Some(value);
        } else if is(FIELDPOST_RECORDING) {
            self.recording = Some(value);
        } else if is(FIELDPOST_RECEIPT) {
            self.receipt = Some(value);
        }
    }
}

/// Why there is no answer. How much of the request arrived is unknown in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The name was not found.
    Dns,
    /// Nobody took the connection.
    Connect,
    /// The other side is not who it should be, or speaks no TLS.
    Tls,
    /// The connection broke, or what came is no HTTP.
    Broken,
    /// Nothing moved for too long.
    Timeout,
    /// The body could not be read from the card.
    Card,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_make_no_sense_are_not_there() {
        let mut response = Response::of(409);
        for (name, value) in [
            ("Upload-Offset", " 12 "),
            ("UPLOAD-OFFSET", "+13"),
            ("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"),
            ("fieldpost-receipt", "RlBS"),
            ("X-Other", "1"),
        ] {
            response.take(name, value);
        }
        let expected = Response {
            receipt: Some("RlBS"),
            ..Response::of(409)
        };
        assert_eq!(response, expected);
        response.take("upload-offset", "12");
        assert_eq!(response.upload_offset, Some(12));
    }

    #[test]
    fn the_length_of_a_written_body_is_that_of_what_is_written() {
        assert_eq!(Body::Written(&"naïve").bytes(), 6);
        assert_eq!(Body::Empty.bytes(), 0);
    }
}
