//! `{"filename", "content"}`: unescaped on the way to disk, the name known at the latest at the end.

use axum::response::Response;
use bytes::Bytes;

use super::bytes_in::BytesIn;
use super::json_body::{JsonBody, JsonBodyError};
use super::{Arriving, respond};
use crate::http::error::{ApiError, ApiResult};
use crate::ingest::{Kind, Upload};

/// The longest a byte of content gets in JSON: `\u0000`.
const ESCAPED_BYTES_MAX: u64 = 6;
/// Stands in until the document has said the name; never stored, since a document without one is refused.
const NAME_UNKNOWN: &str = "unnamed";

pub(super) async fn receive(arriving: Arriving<'_>) -> ApiResult<Response> {
    let upload = Upload {
        sender: arriving.sender.for_ingest(),
        file_name: NAME_UNKNOWN.to_owned(),
        kind: Kind::Drive,
        size_bytes: None,
    };
    let limit_bytes = arriving.app.upload_max_bytes.saturating_mul(ESCAPED_BYTES_MAX);
    let too_large = ApiError::recording_too_large(arriving.app.upload_max_bytes);
    if arriving.length.is_some_and(|length| length > limit_bytes) {
        return Err(too_large.closing());
    }
    let mut incoming = arriving.app.ingest.begin(upload).await?;
    let mut bytes = BytesIn::new(arriving.body, limit_bytes, too_large);
    let mut document = JsonBody::new();
    while let Some(piece) = bytes.next().await? {
        let mut content = Vec::with_capacity(piece.len());
        document.push(&piece, &mut content)?;
        if !content.is_empty() {
            incoming.write(Bytes::from(content)).await?;
        }
    }
    incoming.name(&document.finish()?)?;
    let file_name = incoming.file_name().to_owned();
    let receipt = incoming.finish().await?;
    respond(arriving.app, arriving.sender, &receipt, file_name).await
}

impl From<JsonBodyError> for ApiError {
    fn from(error: JsonBodyError) -> Self {
        let code = match error {
            JsonBodyError::Truncated => "incomplete_body",
            JsonBodyError::Missing { .. }
            | JsonBodyError::NotAString { .. }
            | JsonBodyError::Twice { .. } => "wrong_shape",
            JsonBodyError::FilenameTooLong => "bad_filename",
            JsonBodyError::Syntax { .. } | JsonBodyError::NotText { .. } => "malformed_json",
        };
        ApiError::bad_request(code, format!("{error}.")).closing()
    }
}
