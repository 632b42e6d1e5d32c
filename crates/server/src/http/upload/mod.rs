//! Recordings come in: `POST /api/upload` in the three shapes that loggers, browsers and shells send, `POST /upload` for
//! a camera's pictures.
//!
//! Whatever the shape, bytes go from the connection through [`bytes_in`] to `ingest` piece by piece; no body is ever
//! held. A 2xx means that every file of the request is durable. One that answers otherwise may be sent again as it is:
//! what was stored already is recognised.

pub(super) mod bytes_in;
pub mod form;
mod json;
pub mod json_body;
mod multipart;
pub mod name;
mod paced;
pub mod picture;
mod raw;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Body};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wire::receipt::SignedReceipt;

use super::App;
use super::body::{FileBytes, Params, essence, is_json};
use super::error::{ApiError, ApiResult, ErrorBody, ErrorDetail};
use super::fleet::Caller;
use super::identity::Sender;
use super::receipts::receipt_header;
use crate::ingest::{self, IngestError, Receipt};

/// A stored file.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadAnswer {
    /// Always true; loggers look for it.
    pub success: bool,
    pub filename: String,
    pub recording_id: String,
    /// The session that shows what the analysis finds; `null` for a picture.
    pub session_id: Option<String>,
    /// Of the stored bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
    pub size_bytes: u64,
    /// From 1; greater when other bytes came under the same name before.
    pub version: i64,
    /// The same recording was stored before; the ids are those of that time.
    pub duplicate: bool,
    /// The server's signature over this, as base64url; also as the header `Fieldpost-Receipt` where one file is answered.
    pub receipt: String,
}

/// A file of a multipart body: stored, or refused with the reason.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FileAnswer {
    Stored(UploadAnswer),
    Refused(FileRefused),
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FileRefused {
    /// Always false.
    pub success: bool,
    pub filename: String,
    pub error: ErrorDetail,
}

/// The answer to a multipart body.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilesAnswer {
    /// Whether every file was stored.
    pub success: bool,
    pub files: Vec<FileAnswer>,
    /// The first refusal, for clients that look at one place only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}

/// What an upload answers, for the API document: one file, or those of a multipart body.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the answer in the OpenAPI document")]
pub enum UploadReply {
    One(UploadAnswer),
    Several(FilesAnswer),
}

/// The JSON shape, for the API document; the real one is read as a stream.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the body in the OpenAPI document")]
pub struct JsonUpload {
    pub filename: String,
    /// The file's whole text.
    pub content: String,
    /// With a fleet key: which device; `device_id` and `device_uid` do as well.
    pub device_uuid: Option<String>,
}

/// The multipart shape, for the API document.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes the body in the OpenAPI document")]
pub struct FormUpload {
    /// With a fleet key: which device, before the files; `device_uuid`, `device_id` and `device_uid` do as well.
    pub device: Option<String>,
    /// One or many, under any field name.
    pub file: Vec<FileBytes>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UploadParams {
    /// Name of a raw body; `X-Filename` and `Content-Disposition` do as well.
    pub filename: Option<String>,
    /// With a fleet key: which device, by its id or its own name; `X-Device` does as well.
    #[allow(dead_code, reason = "read with the key, before the parameters")]
    pub device: Option<String>,
}

/// Stores recordings: a raw body with its name beside it, `multipart/form-data` with files, or JSON with name and
/// content. The sender is a device by its bearer token or an ingest key in the path, or a signed-in person.
#[utoipa::path(post, path = "/api/upload", operation_id = "upload", tag = "upload", params(UploadParams),
    request_body(content((JsonUpload = "application/json"), (FormUpload = "multipart/form-data"), (FileBytes = "application/octet-stream"))),
    responses(
        (status = 200, body = UploadReply, description = "Durable. A multipart body answers `FilesAnswer`, a result for each file.",
            headers(("Fieldpost-Receipt" = String, description = "The receipt of a raw or JSON body's file."))),
        (status = 400, body = ErrorBody, description = "Malformed body, or no file name."),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 411, body = ErrorBody, description = "Neither a length nor chunked."),
        (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "A fleet key, and no device named."), (status = 429, body = ErrorBody),
        (status = 507, body = ErrorBody, description = "Disk full; keep the file.")))]
pub async fn upload(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<UploadParams>,
    request: Request,
) -> ApiResult<Response> {
    let (head, body) = request.into_parts();
    let length = bytes_in::stated_length(&head.headers)?;
    if head.headers.contains_key(header::CONTENT_ENCODING) {
        let message = "Send the file as it is, without Content-Encoding.";
        return Err(ApiError::unsupported_media(message).closing());
    }
    let arriving = Arriving {
        app: &app,
        caller,
        length,
        body,
    };
    let name = name::beside_body(params.filename.as_deref(), &head.headers);
    let (essence, is_json) = (essence(&head.headers), is_json(&head.headers));
    let boundary = multipart::boundary(&head.headers);
    // It lies in a buffer of the connection, which would be kept with it for as long as the body takes.
    drop(head);
    // Each in its own box: a slow upload holds room for the shape that it has, not for the largest.
    match essence.as_deref() {
        Some("multipart/form-data") => Box::pin(multipart::receive(arriving, boundary)).await,
        Some(other) if other.starts_with("multipart/") => Err(ApiError::unsupported_media(
            "Of the multipart types only multipart/form-data is read.",
        )
        .closing()),
        Some(_) if is_json => Box::pin(json::receive(arriving)).await,
        // Small firmware often leaves the type out; what has no name beside it can only have it inside.
        None if name.is_none() => Box::pin(json::receive(arriving)).await,
        Some(_) | None => {
            let sender = caller.named()?;
            Box::pin(raw::receive(arriving, sender, name, ingest::Kind::Drive)).await
        }
    }
}

/// One request's body and whose it is.
struct Arriving<'a> {
    app: &'a App,
    caller: Caller,
    /// As `Content-Length` states it.
    length: Option<u64>,
    body: Body,
}

impl Sender {
    fn for_ingest(self) -> ingest::Sender {
        ingest::Sender {
            tenant: self.tenant,
            device: self.device,
            user: self.user,
        }
    }
}

/// A stored file with its receipt, in the words of an answer.
async fn answer(
    app: &App,
    sender: Sender,
    stored: &Receipt,
    filename: String,
) -> ApiResult<(SignedReceipt, UploadAnswer)> {
    let signed = app
        .receipts
        .for_upload(sender.for_ingest(), &filename, stored)
        .await?;
    let answer = UploadAnswer::of(stored, filename, &signed);
    Ok((signed, answer))
}

/// The answer for a body that is one file.
async fn respond(app: &App, sender: Sender, stored: &Receipt, filename: String) -> ApiResult<Response> {
    let (signed, answer) = answer(app, sender, stored, filename).await?;
    Ok(([receipt_header(&signed)?], Json(answer)).into_response())
}

impl UploadAnswer {
    fn of(receipt: &Receipt, filename: String, signed: &SignedReceipt) -> Self {
        let placed = receipt.placed;
        Self {
            success: true,
            filename,
            recording_id: placed.recording.to_string(),
            session_id: placed.session.map(|session| session.to_string()),
            sha256: receipt.sha256.to_string(),
            size_bytes: receipt.size_bytes,
            version: placed.version,
            duplicate: placed.duplicate,
            receipt: signed.to_string(),
        }
    }
}

impl FilesAnswer {
    /// The answer with the status of the first refusal, or 200.
    fn respond(files: Vec<FileAnswer>, refusal: Option<&ApiError>) -> Response {
        let answer = Json(Self {
            success: refusal.is_none(),
            files,
            error: refusal.map(ApiError::detail),
        });
        match refusal {
            None => answer.into_response(),
            Some(refusal) => refusal.respond_with(answer),
        }
    }
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::TooLarge { max_bytes } => Self::recording_too_large(max_bytes).closing(),
            IngestError::Incomplete { .. } => {
                Self::bad_request("incomplete_body", error.to_string()).closing()
            }
            IngestError::BadName => Self::bad_request("bad_filename", error.to_string()).closing(),
            IngestError::DiskFull => Self::no_room_for_file().closing(),
            IngestError::OverQuota(over) => Self::over_quota(over).closing(),
            IngestError::Io(_) => Self::internal(&error).closing(),
            IngestError::Store(error) => Self::from(error).closing(),
        }
    }
}
