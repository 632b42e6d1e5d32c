//! `{"filename", "content"}`: unescaped on the way to disk, the name known at the latest at the end.

use axum::response::Response;
use bytes::Bytes;
use serde_json::Value;

use super::bytes_in::BytesIn;
use super::json_body::{JsonBody, JsonBodyError};
use super::{Arriving, respond};
use crate::http::error::{ApiError, ApiResult};
use crate::http::fleet::Caller;
use crate::ingest::{self, Kind, Upload};

/// The longest a byte of content gets in JSON: `\u0000`.
const ESCAPED_BYTES_MAX: u64 = 6;
/// Stands in until the document has said the name; never stored, since a document without one is refused.
const NAME_UNKNOWN: &str = "unnamed";

pub(super) async fn receive(arriving: Arriving<'_>) -> ApiResult<Response> {
    // A device of a fleet says which it is at the latest at the end, like the name.
    let sender = match arriving.caller {
        Caller::Known(sender) => sender.for_ingest(),
        Caller::Fleet(fleet) => ingest::Sender {
            tenant: fleet.tenant,
            device: None,
            user: None,
        },
    };
    let upload = Upload {
        sender,
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
    let said = document.device().map(Value::from);
    incoming.name(&document.finish()?)?;
    let sender = arriving.caller.named_by(arriving.app, said.as_ref()).await?;
    incoming.sent_by(sender.for_ingest());
    let file_name = incoming.file_name().to_owned();
    let receipt = incoming.finish().await?;
    respond(arriving.app, sender, &receipt, file_name).await
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
