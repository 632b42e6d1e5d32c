//! A sender that knows tus 1.0.0: begins an upload, asks where it stands, sends a piece.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::http::Response;
use ureq::{Body, RequestBuilder};

use super::client::{Client, Trouble, Who, header};
use crate::hash::sha256_hex;

/// What is sent. Whoever sends the same four values again is answered with the same upload.
pub(super) struct File<'f> {
    pub(super) name: &'f str,
    /// The device whose recording it is: a member says so, a device need not.
    pub(super) device: &'f str,
    /// `drive` or `picture`.
    pub(super) kind: &'f str,
    pub(super) bytes: &'f [u8],
}

/// What the server says of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) offset: usize,
    /// Once the last byte is stored.
    pub(super) stored: Option<Stored>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) recording_id: String,
    pub(super) receipt: String,
}

pub(super) struct Tus<'c> {
    client: &'c Client,
    who: &'c Who,
}

impl<'c> Tus<'c> {
    pub(super) fn new(client: &'c Client, who: &'c Who) -> Self {
        Self { client, who }
    }

    /// Begins or finds the upload of a file; gives its address too.
    pub(super) fn begin(&self, file: &File<'_>) -> Result<(String, Standing), Trouble> {
        let post = self
            .client
            .agent
            .post(format!("{}/api/v1/uploads", self.client.base));
        let response = self
            .spoken(post)
            .header("upload-length", file.bytes.len().to_string())
            .header("upload-metadata", metadata(file))
            .send_empty();
        let response = answered(response, 201)?;
        let place = said(&response, "location")?;
        Ok((place, standing(&response)?))
    }

    pub(super) fn head(&self, place: &str) -> Result<Standing, Trouble> {
        let head = self.spoken(self.client.agent.head(place));
        standing(&answered(head.call(), 200)?)
    }

    pub(super) fn patch(&self, place: &str, offset: usize, piece: &[u8]) -> Result<Standing, Trouble> {
        let patch = self.spoken(self.client.agent.patch(place));
        let response = patch
            .header("upload-offset", offset.to_string())
            .content_type(wire::upload::OFFSET_CONTENT_TYPE)
            .send(piece);
        standing(&answered(response, 204)?)
    }

    fn spoken<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        request
            .header(self.who.header, &self.who.value)
            .header("tus-resumable", "1.0.0")
    }
}

/// What is announced of a file.
pub(super) fn metadata(file: &File<'_>) -> String {
    format!(
        "filename {},device {},kind {},sha256 {}",
        STANDARD.encode(file.name),
        STANDARD.encode(file.device),
        STANDARD.encode(file.kind),
        STANDARD.encode(sha256_hex(file.bytes)),
    )
}

fn answered(response: Result<Response<Body>, ureq::Error>, wanted: u16) -> Result<Response<Body>, Trouble> {
    let Ok(mut response) = response else {
        return Err(Trouble::BrokenOff);
    };
    let status = response.status().as_u16();
    if status == wanted {
        return Ok(response);
    }
    let text = response.body_mut().read_to_string();
    Err(Trouble::Refused {
        status,
        text: text.unwrap_or_default(),
    })
}

fn standing(response: &Response<Body>) -> Result<Standing, Trouble> {
    let offset = said(response, "upload-offset")?;
    let stored = match response.headers().get("fieldpost-recording") {
        None => None,
        Some(_) => Some(Stored {
            recording_id: said(response, "fieldpost-recording")?,
            receipt: said(response, "fieldpost-receipt")?,
        }),
    };
    Ok(Standing {
        offset: offset.parse().map_err(|_| odd(response, "a bad offset"))?,
        stored,
    })
}

fn said(response: &Response<Body>, name: &str) -> Result<String, Trouble> {
    header(response, name).map_err(|error| odd(response, &error.to_string()))
}

fn odd(response: &Response<Body>, what: &str) -> Trouble {
    Trouble::Refused {
        status: response.status().as_u16(),
        text: what.to_owned(),
    }
}
