//! Requests and answers as values, and the device's own turned into them.

use std::fmt::{Display, Write};

use device::exchange::{ANSWER_BYTES_MAX, Body, Request, Response};
use device::outbox::Number;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// What arrived; where the connection broke, less than `content-length` says.
    pub body: Vec<u8>,
}

impl HttpRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        header_of(&self.headers, name)
    }

    /// As `content-length` states it.
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    pub fn is_whole(&self) -> bool {
        self.length()
            .is_none_or(|length| u64::try_from(self.body.len()) == Ok(length))
    }

    /// A device's request as it goes over the wire; `None` where the card cannot be read.
    pub fn of_device(
        request: &Request<'_>,
        token: &str,
        mut read: impl FnMut(Number, u32, u32) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let body = match request.body {
            Body::Empty => Vec::new(),
            Body::Written(text) => text.to_string().into_bytes(),
            Body::Recording {
                number,
                offset,
                bytes,
            } => read(number, offset, bytes)?,
        };
        let mut headers: Vec<(String, String)> = vec![
            ("host".to_owned(), "server".to_owned()),
            ("authorization".to_owned(), format!("Bearer {token}")),
            ("content-length".to_owned(), request.body.bytes().to_string()),
        ];
        for (name, value) in &request.headers {
            let mut text = String::new();
            write!(text, "{value}").ok()?;
            headers.push(((*name).to_owned(), text));
        }
        Some(Self {
            method: request.method.name().to_owned(),
            path: request.path.to_string(),
            headers,
            body,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl HttpReply {
    pub fn of(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &dyn Display) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_string()));
        self
    }

    #[must_use]
    pub fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = value.to_string().into_bytes();
        self.with("content-type", &"application/json")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header_of(&self.headers, name)
    }

    /// What a device reads of it.
    pub fn for_device(&self) -> Response<'_> {
        let mut response = Response::of(self.status);
        for (name, value) in &self.headers {
            response.take(name, value);
        }
        response.body = &self.body[..self.body.len().min(ANSWER_BYTES_MAX)];
        response
    }
}

fn header_of<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}
