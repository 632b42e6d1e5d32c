//! Headers of uploads, read and written.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use wire::receipt::SignedReceipt;
use wire::upload::{self as tus, HeaderError};

use super::super::App;
use super::super::error::{ApiError, ApiResult};
use super::super::keyed::PathKey;
use super::super::origin::Origin;
use super::super::receipts::receipt_header;
use super::super::recordings::still_held;
use super::COLLECTION;
use crate::receipts::Signable;
use crate::store::{RecordingId, UploadId, recordings};
use crate::uploads::{Role, Standing, UploadRow};

impl From<HeaderError> for ApiError {
    fn from(error: HeaderError) -> Self {
        Self::bad_request("bad_header", format!("{error}.")).closing()
    }
}

/// A header's text; one that is there and is not text is refused.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &'static str) -> ApiResult<Option<&'h str>> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| {
        ApiError::bad_request(
            "bad_header",
            format!("{name} has characters other than visible ASCII."),
        )
        .closing()
    })?;
    Ok(Some(text))
}

pub(super) fn size(headers: &HeaderMap, name: &'static str) -> ApiResult<Option<u64>> {
    Ok(text(headers, name)?.map(tus::parse_size).transpose()?)
}

pub(super) fn checksum(headers: &HeaderMap) -> ApiResult<Option<tus::Checksum>> {
    Ok(text(headers, tus::UPLOAD_CHECKSUM)?
        .map(tus::Checksum::parse)
        .transpose()?)
}

/// Whether the body is a piece of an upload.
pub(super) fn is_piece(headers: &HeaderMap) -> bool {
    super::super::body::essence(headers).is_some_and(|essence| essence == tus::OFFSET_CONTENT_TYPE)
}

pub(super) fn not_a_piece() -> ApiError {
    ApiError::unsupported_media("Send the bytes with `Content-Type: application/offset+octet-stream`.")
        .closing()
}

/// Headers of an answer.
#[derive(Default)]
pub(super) struct Said(HeaderMap);

impl Said {
    pub(super) fn number(mut self, name: &'static str, number: u64) -> Self {
        self.0.insert(name, HeaderValue::from(number));
        self
    }

    /// Text that came from a header, so it can stand in one again.
    pub(super) fn text(mut self, name: &'static str, text: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(text) {
            self.0.insert(HeaderName::from_static(name), value);
        }
        self
    }

    fn expires(self, at: Timestamp) -> Self {
        match DateTimePrinter::new().timestamp_to_rfc9110_string(&at) {
            Ok(date) => self.text(tus::UPLOAD_EXPIRES, &date),
            // Years beyond 9999 cannot be said.
            Err(_) => self,
        }
    }

    /// How far an upload is and when it ends, or what it has become, with the receipt.
    pub(super) async fn of(app: &App, standing: &Standing) -> ApiResult<Self> {
        let said = Self::default();
        match standing {
            Standing::Open(open) => Ok(said
                .number(tus::UPLOAD_OFFSET, open.offset_bytes())
                .expires(open.expires_at())),
            Standing::Complete(row, recording) => {
                let mut said = said
                    .number(tus::UPLOAD_OFFSET, row.size_bytes.unwrap_or(0))
                    .text(tus::FIELDPOST_RECORDING, &recording.to_string());
                let (name, value) = receipt_header(&receipt(app, row, *recording).await?)?;
                said.0.insert(name, value);
                Ok(said)
            }
        }
    }

    /// What was said of an upload when it was begun.
    pub(super) fn announced(mut self, row: &UploadRow) -> Self {
        self = match row.size_bytes {
            Some(size) => self.number(tus::UPLOAD_LENGTH, size),
            None => self.number(tus::UPLOAD_DEFER_LENGTH, 1),
        };
        if !row.metadata.is_empty() {
            self = self.text(tus::UPLOAD_METADATA, &row.metadata);
        }
        match (row.role, &row.concat) {
            (Role::Partial | Role::Final, Some(concat)) => self.text(tus::UPLOAD_CONCAT, concat),
            (Role::Whole | Role::Partial | Role::Final, _) => self,
        }
    }

    pub(super) fn location(mut self, base: &str, id: UploadId) -> Self {
        let place = format!("{base}{COLLECTION}/{id}");
        if let Ok(value) = HeaderValue::from_str(&place) {
            self.0.insert(header::LOCATION, value);
        }
        self
    }

    pub(super) fn headers(self) -> HeaderMap {
        self.0
    }
}

/// What the sender puts before a path: scheme and host as the operator says, or, unsaid, as the request has it, and the
/// ingest key that it came with.
pub(super) fn base(app: &App, request: &Parts, origin: Option<Origin>) -> String {
    let key = request.extensions.get::<PathKey>();
    let prefix = key.map(PathKey::prefix).unwrap_or_default();
    let host = request
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let place = match host {
        Some(host) if !app.public_url_is_given => {
            let encrypted = origin.is_some_and(|origin| origin.encrypted);
            format!("{}://{host}", if encrypted { "https" } else { "http" })
        }
        Some(_) | None => app.public_url.to_string(),
    };
    format!("{place}{prefix}")
}

/// Names the device and the name under which the device has the file, since that is what it compares. A person who named no
/// device gets the recording's.
async fn receipt(app: &App, row: &UploadRow, recording: RecordingId) -> ApiResult<SignedReceipt> {
    let stored = recordings::find(&app.store, row.tenant, recording).await?;
    let stored = stored.ok_or_else(|| ApiError::not_found("recording"))?;
    still_held(app, row.tenant, &stored).await?;
    let mut signable = Signable::of(row.tenant, &stored);
    if row.device.is_some() {
        signable.device = row.device;
        signable.file_name = &row.file_name;
    }
    Ok(app.receipts.sign(&signable).await?)
}
