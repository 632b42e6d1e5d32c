//! Bodies of small clients: JSON whatever their content type says, with a length or chunked.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::http::error::{ApiError, ApiResult};

/// Radio that is gone this long is gone; the sender comes back and begins again.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The whole body, at most `bytes_max`.
pub(in crate::http) async fn read(request: Request, bytes_max: usize) -> ApiResult<Bytes> {
    let (head, mut body) = request.into_parts();
    let states = |name| head.headers.contains_key(name);
    if !states(header::CONTENT_LENGTH) && !states(header::TRANSFER_ENCODING) {
        return Err(ApiError::length_required().closing());
    }
    if states(header::CONTENT_ENCODING) {
        return Err(ApiError::unsupported_media("Send the body without Content-Encoding.").closing());
    }
    let mut bytes = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(SILENCE_MAX, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return Ok(bytes.freeze()),
            Ok(Some(Err(_))) => return Err(incomplete()),
            Err(_) => return Err(silent()),
        };
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > bytes_max {
            return Err(ApiError::too_large(bytes_max as u64).closing());
        }
        bytes.extend_from_slice(&piece);
    }
}

fn incomplete() -> ApiError {
    ApiError::bad_request(
        "incomplete_body",
        "The body ended before it was complete; nothing of it was stored. Send it again.",
    )
    .closing()
}

fn silent() -> ApiError {
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        "silent",
        "Nothing arrived for 60 s; nothing of the body was stored. Send it again.",
    )
    .closing()
}
