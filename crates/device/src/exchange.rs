//! One HTTP request and its answer, as the decisions see them.
//!
//! Whoever runs the device carries it out on one kept-alive connection to the server of the settings: it adds `Host`, `Authorization`,
//! `Content-Length` and the base path, and streams the bodies that lie on the card.

use heapless::{String, Vec};

use crate::outbox::Number;

/// Longest path and query, longest header value (an `Upload-Metadata` of ours), most headers.
pub const PATH_BYTES_MAX: usize = 128;
pub const VALUE_BYTES_MAX: usize = 384;
pub const HEADERS_MAX: usize = 8;
/// Bodies that are made in memory, and how much of an answer is kept.
pub const INLINE_BYTES_MAX: usize = 1536;

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

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Empty,
    Inline(Vec<u8, INLINE_BYTES_MAX>),
    /// Bytes of a recording, read from the card while they are sent.
    Recording {
        number: Number,
        offset: u32,
        bytes: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// From `/api/…` on, or an absolute address that the server gave.
    pub path: String<PATH_BYTES_MAX>,
    pub headers: Vec<(&'static str, String<VALUE_BYTES_MAX>), HEADERS_MAX>,
    pub body: Body,
}

/// What is read of an answer. A header that is absent or makes no sense is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub upload_offset: Option<u64>,
    pub location: Option<String<PATH_BYTES_MAX>>,
    pub retry_after_s: Option<u32>,
    pub etag: Option<String<80>>,
    /// The text of `Fieldpost-Receipt`, unchecked.
    pub receipt: Option<String<{ wire::receipt::RECEIPT_TEXT_BYTES_MAX }>>,
    /// The first [`INLINE_BYTES_MAX`] bytes.
    pub body: Vec<u8, INLINE_BYTES_MAX>,
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
}
