//! HTTP/1.1 for a few phones: one request at a time on a connection, heads and forms of bounded size.
//!
//! ```text
//!             bytes                whole head              GET            ┌─► page, part by part ─┐
//! listener ─► Connection::receive ─► head::parse ─► routes ├──────────────┼─► List… ─► rows ──────┼─► next request, or close
//!                                                          │              └─► Find ─► Read… ──────┘
//!                                                          └ POST /save ─► body ─► Site ─► 303 /result
//! ```

mod answer;
mod connection;
mod head;
mod range;
mod routes;

pub use connection::{BUFFER_BYTES, Connection, Input, LIST_MAX, Output, Side};
pub use head::{FORM_BYTES_MAX, HEAD_BYTES_MAX};

/// The answers that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    PartialContent,
    Found,
    SeeOther,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    LengthRequired,
    BodyTooLarge,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    Misdirected,
    UnprocessableContent,
    TooManyRequests,
    HeadTooLarge,
    NotImplemented,
    VersionNotSupported,
}

impl Status {
    const fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::PartialContent => "206 Partial Content",
            Self::Found => "302 Found",
            Self::SeeOther => "303 See Other",
            Self::BadRequest => "400 Bad Request",
            Self::Unauthorized => "401 Unauthorized",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::RequestTimeout => "408 Request Timeout",
            Self::Conflict => "409 Conflict",
            Self::LengthRequired => "411 Length Required",
            Self::BodyTooLarge => "413 Content Too Large",
            Self::UnsupportedMediaType => "415 Unsupported Media Type",
            Self::RangeNotSatisfiable => "416 Range Not Satisfiable",
            Self::Misdirected => "421 Misdirected Request",
            Self::UnprocessableContent => "422 Unprocessable Content",
            Self::TooManyRequests => "429 Too Many Requests",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::NotImplemented => "501 Not Implemented",
            Self::VersionNotSupported => "505 HTTP Version Not Supported",
        }
    }
}

#[cfg(test)]
mod tests;
