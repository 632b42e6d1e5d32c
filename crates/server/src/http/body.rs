//! Small JSON bodies and queries with our error envelope instead of the framework's plain text.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;

use super::App;
use super::error::ApiError;

/// Passwords, links and gates: a few hundred bytes.
const BYTES_MAX: usize = 16 * 1024;
/// One packet's worth; who needs longer will not manage.
const TIME_MAX: Duration = Duration::from_secs(30);

/// A JSON body of at most 16 KiB, or as many bytes as are said.
pub(super) struct Body<T, const MAX: usize = BYTES_MAX>(pub T);

impl<T: DeserializeOwned, const MAX: usize> FromRequest<Arc<App>> for Body<T, MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(
                ApiError::unsupported_media("Send JSON, with `Content-Type: application/json`.").closing(),
            );
        }
        let bytes = read_small(request, MAX).await?;
        // The error names the place and what was expected there, never the values, which may be passwords.
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            match error.classify() {
                serde_json::error::Category::Data => ApiError::unprocessable(
                    "wrong_shape",
                    format!("The JSON does not have the members this call needs ({place}); see /api/v1/openapi.json."),
                ),
                serde_json::error::Category::Io
                | serde_json::error::Category::Syntax
                | serde_json::error::Category::Eof => {
                    ApiError::bad_request("malformed_json", format!("The body is not valid JSON at {place}."))
                }
            }
        })?;
        Ok(Self(value))
    }
}

async fn read_small(request: Request, bytes_max: usize) -> Result<Bytes, ApiError> {
    let reading = Limited::new(request.into_body(), bytes_max).collect();
    match tokio::time::timeout(TIME_MAX, reading).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(ApiError::too_large(bytes_max as u64).closing())
        }
        Ok(Err(_)) | Err(_) => {
            Err(ApiError::bad_request("incomplete_body", "The body ended before it was complete.").closing())
        }
    }
}

/// Whether the body says it is JSON; parameters such as a charset do not matter.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    essence(headers).is_some_and(|essence| essence == "application/json" || essence.ends_with("+json"))
}

/// The media type of the body in lower case, without its parameters.
pub(super) fn essence(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = text.split(';').next().unwrap_or(text).trim();
    Some(essence.to_ascii_lowercase())
}

/// A file's bytes, for the API document.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "describes bodies in the OpenAPI document")]
pub struct FileBytes(Bytes);

/// A query string.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        match Query::<T>::from_request_parts(parts, app).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::bad_request("bad_query", rejection.body_text())),
        }
    }
}
