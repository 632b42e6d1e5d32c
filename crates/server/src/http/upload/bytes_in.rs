//! The bytes of a request's body, one piece at a time, within the limits.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::http::error::{ApiError, ApiResult};

/// Radio that is gone this long is gone; the sender will come back and begin again.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The length that a request states. A body without one that is not chunked either has no end and is refused.
pub(in crate::http) fn stated_length(headers: &HeaderMap) -> ApiResult<Option<u64>> {
    let length = headers.get(header::CONTENT_LENGTH);
    if length.is_none() && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(ApiError::length_required().closing());
    }
    Ok(length
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok()))
}

/// A body being read.
pub(in crate::http) struct BytesIn {
    stream: BodyDataStream,
    left_bytes: u64,
    too_large: ApiError,
}

impl BytesIn {
    /// At most `limit_bytes`; what comes after them is answered with `too_large`.
    pub(in crate::http) fn new(body: Body, limit_bytes: u64, too_large: ApiError) -> Self {
        Self {
            stream: body.into_data_stream(),
            left_bytes: limit_bytes,
            too_large: too_large.closing(),
        }
    }

    /// The next piece, at most one read of the connection; `None` at the body's proper end.
    pub(in crate::http) async fn next(&mut self) -> ApiResult<Option<Bytes>> {
        let piece = match tokio::time::timeout(SILENCE_MAX, self.stream.next()).await {
            Err(_) => return Err(silent()),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "body ended early");
                return Err(incomplete());
            }
            Ok(Some(Ok(piece))) => piece,
        };
        let size = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        match self.left_bytes.checked_sub(size) {
            Some(left) => self.left_bytes = left,
            None => return Err(self.too_large.clone()),
        }
        Ok(Some(piece))
    }

    /// The same as a stream that ends after the first refusal.
    pub(super) fn into_stream(self) -> BoxStream<'static, Result<Bytes, ApiError>> {
        stream::unfold(Some(self), |body| async move {
            let mut body = body?;
            match body.next().await {
                Ok(None) => None,
                Ok(Some(piece)) => Some((Ok(piece), Some(body))),
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

pub(super) fn incomplete() -> ApiError {
    ApiError::bad_request(
        "incomplete_body",
        "The body ended before it was complete; a file that did not arrive whole was not stored. Send it again.",
    )
    .closing()
}

fn silent() -> ApiError {
    ApiError::new(
        axum::http::StatusCode::REQUEST_TIMEOUT,
        "silent",
        "Nothing arrived for 60 s; a file that had not arrived whole by then was not stored. Send it again.",
    )
    .closing()
}
