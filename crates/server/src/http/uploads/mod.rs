//! tus 1.0.0 at `/api/v1/uploads`: recordings that arrive in pieces. One module a verb.
//!
//! `docs/formats/upload.md` lists every rule of the protocol with its test. What an upload is and when it is done is
//! [`crate::uploads`]' business; here are headers and status codes. A request's work goes on to its end when its
//! connection breaks, so that what arrived is kept.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod head;
mod headers;
pub(super) mod options;
pub(super) mod patch;
mod receive;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use wire::upload::{METHOD_OVERRIDE, STATUS_CHECKSUM_MISMATCH, TUS_RESUMABLE, TUS_VERSION, VERSION};

use super::App;
use super::error::{ApiError, ApiResult};
use super::fleet::Caller;
use crate::store::UploadId;
use crate::uploads::{Asker, OPEN_MAX, UploadError};

const COLLECTION: &str = "/api/v1/uploads";

/// Around every request to an upload, whatever becomes of it: the method that a header names is the one that counts, and
/// every answer says which version is spoken.
pub(super) async fn speak(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_upload = path
        .strip_prefix(COLLECTION)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !is_upload {
        return next.run(request).await;
    }
    if let Some(named) = request.headers_mut().remove(METHOD_OVERRIDE) {
        match Method::from_bytes(named.as_bytes()) {
            Ok(method) => *request.method_mut() = method,
            Err(_) => return spoken(bad_method().into_response()),
        }
    }
    spoken(next.run(request).await)
}

fn spoken(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    response
}

fn bad_method() -> ApiError {
    ApiError::bad_request(
        "bad_method",
        "X-HTTP-Method-Override is not a method; send PATCH, HEAD or DELETE.",
    )
    .closing()
}

/// Who asks, in the version that is spoken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaker(Caller);

impl FromRequestParts<Arc<App>> for Speaker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let caller = Caller::from_request_parts(parts, app)
            .await
            .map_err(IntoResponse::into_response)?;
        if parts
            .headers
            .get(TUS_RESUMABLE)
            .is_some_and(|version| version == VERSION)
        {
            return Ok(Self(caller));
        }
        let refusal = ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            "unsupported_version",
            "Only version 1.0.0 of tus is spoken here; send `Tus-Resumable: 1.0.0`.",
        );
        let version = [(
            HeaderName::from_static(TUS_VERSION),
            HeaderValue::from_static(VERSION),
        )];
        Err((version, refusal.closing()).into_response())
    }
}

impl Speaker {
    /// Devices know of their own uploads only. One of a fleet that goes on with an upload is the one that began it.
    async fn asker(self, app: &App, id: UploadId) -> ApiResult<Asker> {
        let sender = match self.0 {
            Caller::Known(sender) => sender,
            Caller::Fleet(fleet) => fleet.device_of(app, id).await?,
        };
        Ok(Asker {
            tenant: sender.tenant,
            only_device: sender.device,
        })
    }
}

/// An id in a path; what cannot be one is not there.
fn upload_id(text: &str) -> ApiResult<UploadId> {
    text.parse().map_err(|_| ApiError::not_found("upload").closing())
}

fn status(code: u16) -> StatusCode {
    // Every three-digit number is a status.
    StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        let text = error.to_string();
        let refusal = match error {
            UploadError::NotFound => Self::not_found("upload"),
            UploadError::Gone => Self::new(StatusCode::GONE, "upload_gone", text),
            UploadError::Busy => Self::new(StatusCode::LOCKED, "upload_busy", text),
            UploadError::TooMany => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_uploads",
                format!(
                    "This team has {OPEN_MAX} unfinished uploads; finish or delete some, then try again."
                ),
            ),
            UploadError::ChecksumMismatch => {
                Self::new(status(STATUS_CHECKSUM_MISMATCH), "checksum_mismatch", text)
            }
            UploadError::WrongDigest { .. } => {
                Self::new(status(STATUS_CHECKSUM_MISMATCH), "wrong_digest", text)
            }
            UploadError::LengthIsSet { .. } => Self::bad_request("length_is_set", text),
            UploadError::LengthTooShort { .. } => Self::bad_request("length_too_short", text),
            UploadError::NotAPart => Self::bad_request("not_a_part", text),
            UploadError::PartUnfinished => Self::bad_request("part_unfinished", text),
            UploadError::UnknownDevice(_) => Self::unprocessable("unknown_device", text),
            UploadError::Ingest(error) => error.into(),
        };
        refusal.closing()
    }
}
