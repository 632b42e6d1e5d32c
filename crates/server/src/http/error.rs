//! The one error envelope of the API: `{"error": {"code", "message", "line"?}}` with the status that fits.
//!
//! Below this edge errors are enums whose variants somebody acts on; here each becomes a code for programs and one or
//! two sentences for people that say what was wrong and what would be right. Causes that are ours, not the caller's,
//! are logged here once and answered without detail.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::quota::OverQuota;

/// Body of every answer under `/api` and of `/upload` that is not 2xx.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct ErrorBody {
    pub error: ErrorDetail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetail {
    /// Stable snake-case word for programs.
    pub code: String,
    /// What was wrong and what would be right.
    pub message: String,
    /// Line of the file the error is about, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// With `quota_exceeded`: what the team has stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<u64>,
    /// With `quota_exceeded`: what it may store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
}

/// A refusal on its way to the caller.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    line: Option<u64>,
    over_quota: Option<OverQuota>,
    retry_after_s: Option<u64>,
    /// The request's body was not read to its end, so the connection cannot carry another request.
    close: bool,
}

pub(super) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            line: None,
            over_quota: None,
            retry_after_s: None,
            close: false,
        }
    }

    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub fn unprocessable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Nobody is signed in. Sign in, or send a device token as `Authorization: Bearer <token>`.",
        )
    }

    /// Wrong and revoked look the same.
    pub fn bad_ingest_key() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "bad_ingest_key",
            "The ingest key in the address is not one, or was revoked. Ask a member of the team for a new one.",
        )
    }

    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// What does not exist and what belongs to somebody else look the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no such {what}."),
        )
    }

    pub fn length_required() -> Self {
        Self::new(
            StatusCode::LENGTH_REQUIRED,
            "length_required",
            "The request has neither a Content-Length nor `Transfer-Encoding: chunked`; send one of them.",
        )
    }

    pub fn too_large(limit_bytes: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("The body is larger than the {limit_bytes} bytes this server accepts."),
        )
    }

    /// The limit is that of a recording, however much longer the encoding may make the body.
    pub fn recording_too_large(max_bytes: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("This is larger than the {max_bytes} bytes that a recording may have on this server."),
        )
    }

    pub fn unsupported_media(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
    }

    pub fn too_many(retry_after_s: u64) -> Self {
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            format!("Too many attempts. Try again in {retry_after_s} s."),
        );
        error.retry_after_s = Some(retry_after_s);
        error
    }

    pub fn storage_full() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "storage_full",
            "The server's disk is full, so nothing was changed. Try again once its operator has freed some space.",
        )
    }

    pub fn no_room_for_file() -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "storage_full",
            "The server's disk is full; this file was not stored. Keep it and send it again later.",
        )
    }

    pub fn over_quota(over: OverQuota) -> Self {
        let OverQuota {
            used_bytes,
            quota_bytes,
        } = over;
        let mut error = Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "quota_exceeded",
            format!(
                "The team has stored {used_bytes} of the {quota_bytes} bytes that it may, and this file does not fit; it was not \
                 stored. Keep it, and send it again once the server's operator has given more."
            ),
        );
        error.over_quota = Some(over);
        error
    }

    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// A failure of ours: logged here with its cause, answered without it.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        let causes: Vec<String> = std::iter::successors(Some(cause), |error| error.source())
            .map(ToString::to_string)
            .collect();
        tracing::error!(cause = causes.join(": "), "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server failed on this request; its log says why. Sending the same again is safe.",
        )
    }

    /// Says when trying again may help.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Names the line of the file that the error is about, if it is known.
    pub fn at_line(mut self, line: Option<u64>) -> Self {
        self.line = line;
        self
    }

    /// Ends the connection after the answer, for bodies that are refused before they were read.
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    pub fn detail(&self) -> ErrorDetail {
        ErrorDetail {
            code: self.code.to_owned(),
            message: self.message.clone(),
            line: self.line,
            used_bytes: self.over_quota.map(|over| over.used_bytes),
            quota_bytes: self.over_quota.map(|over| over.quota_bytes),
        }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: self.detail() };
        self.respond_with(Json(body))
    }
}

impl ApiError {
    /// The refusal's status and headers with a body that says more than the envelope.
    pub fn respond_with(&self, body: impl IntoResponse) -> Response {
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
