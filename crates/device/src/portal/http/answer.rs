//! The heads of answers.

use core::fmt::{self, Write};

use super::Status;
use crate::outbox::{Entry, Kind};
use crate::portal::digest::{Nonce, REALM};
use crate::portal::page::{Notice, Page};

/// An answer whose body is a page, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) extra: Extra,
    pub(super) page: Option<Page>,
}

/// What else stands in the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Extra {
    None,
    Location(&'static str),
    Challenge { nonce: Nonce, stale: bool },
    RetryAfter { seconds: u64 },
    Allow,
    Size { bytes: u32 },
}

impl Answer {
    pub(super) const fn page(page: Page) -> Self {
        Self {
            status: Status::Ok,
            extra: Extra::None,
            page: Some(page),
        }
    }

    pub(super) const fn to(status: Status, location: &'static str) -> Self {
        Self {
            status,
            extra: Extra::Location(location),
            page: None,
        }
    }

    pub(super) const fn notice(status: Status, notice: Notice) -> Self {
        Self {
            status,
            extra: Extra::None,
            page: Some(Page::Notice(notice)),
        }
    }

    /// What a request gets that cannot be read.
    pub(super) const fn refusal(status: Status) -> Self {
        let notice = match status {
            Status::HeadTooLarge | Status::BodyTooLarge => Notice::TooMuch,
            Status::RequestTimeout => Notice::TooSlow,
            Status::MethodNotAllowed => Notice::OnlyRead,
            Status::Ok
            | Status::PartialContent
            | Status::Found
            | Status::SeeOther
            | Status::BadRequest
            | Status::Unauthorized
            | Status::Forbidden
            | Status::NotFound
            | Status::Conflict
            | Status::LengthRequired
            | Status::UnsupportedMediaType
            | Status::RangeNotSatisfiable
            | Status::Misdirected
            | Status::UnprocessableContent
            | Status::TooManyRequests
            | Status::NotImplemented
            | Status::VersionNotSupported => Notice::NotUnderstood,
        };
        let extra = if matches!(status, Status::MethodNotAllowed) {
            Extra::Allow
        } else {
            Extra::None
        };
        Self {
            status,
            extra,
            page: Some(Page::Notice(notice)),
        }
    }

    /// `in_chunks` where the other side knows them; else the body ends with the connection.
    pub(super) fn write(&self, keeps: bool, in_chunks: bool, out: &mut impl Write) -> fmt::Result {
        begin(self.status, keeps, out)?;
        match &self.extra {
            Extra::None => {}
            Extra::Location(to) => write!(out, "Location: {to}\r\n")?,
            Extra::Challenge { nonce, stale } => write!(
                out,
                "WWW-Authenticate: Digest realm=\"{REALM}\", qop=\"auth\", algorithm=SHA-256, nonce=\"{nonce}\", stale={stale}\r\n"
            )?,
            Extra::RetryAfter { seconds } => write!(out, "Retry-After: {seconds}\r\n")?,
            Extra::Allow => out.write_str("Allow: GET, HEAD\r\n")?,
            Extra::Size { bytes } => write!(out, "Content-Range: bytes */{bytes}\r\n")?,
        }
        out.write_str(match (self.page, in_chunks) {
            (None, _) => "Content-Length: 0\r\n\r\n",
            (Some(_), true) => "Content-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n",
            (Some(_), false) => "Content-Type: text/html; charset=utf-8\r\n\r\n",
        })
    }
}

/// The head of a recording, of which bytes `offset..end` follow.
pub(super) fn recording(
    entry: &Entry,
    offset: u32,
    end: u32,
    is_part: bool,
    keeps: bool,
    out: &mut impl Write,
) -> fmt::Result {
    let status = if is_part {
        Status::PartialContent
    } else {
        Status::Ok
    };
    begin(status, keeps, out)?;
    let media = match entry.kind {
        Kind::Session => "text/csv",
        Kind::Picture => "image/jpeg",
    };
    write!(
        out,
        "Content-Type: {media}\r\nContent-Disposition: attachment; filename=\"{}\"\r\nAccept-Ranges: bytes\r\nContent-Length: {}\r\n",
        entry.file_name(),
        end - offset
    )?;
    if is_part {
        // Not empty, so there is a last byte.
        write!(
            out,
            "Content-Range: bytes {offset}-{}/{}\r\n",
            end - 1,
            entry.size_bytes
        )?;
    }
    if let Some(sha256) = entry.sha256 {
        out.write_str("ETag: \"")?;
        for byte in sha256 {
            write!(out, "{byte:02x}")?;
        }
        out.write_str("\"\r\n")?;
    }
    out.write_str("\r\n")
}

fn begin(status: Status, keeps: bool, out: &mut impl Write) -> fmt::Result {
    write!(
        out,
        "HTTP/1.1 {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'\r\nConnection: {}\r\n",
        status.line(),
        if keeps { "keep-alive" } else { "close" }
    )
}
