//! The file itself as the body.

use axum::Json;
use axum::response::{IntoResponse, Response};

use super::bytes_in::BytesIn;
use super::{Arriving, UploadAnswer};
use crate::http::error::{ApiError, ApiResult};
use crate::ingest::{Kind, Upload};

pub(super) async fn receive(arriving: Arriving<'_>, name: Option<String>, kind: Kind) -> ApiResult<Response> {
    let name = name.ok_or_else(|| {
        ApiError::bad_request(
            "filename_missing",
            "A raw body needs a name: ?filename=, an X-Filename header, or Content-Disposition.",
        )
        .closing()
    })?;
    let upload = Upload {
        sender: arriving.sender.for_ingest(),
        file_name: name,
        kind,
        size_bytes: arriving.length,
    };
    let mut incoming = arriving.app.ingest.begin(upload).await?;
    let mut bytes = BytesIn::new(arriving.body, arriving.app.upload_max_bytes);
    while let Some(piece) = bytes.next().await? {
        incoming.write(piece).await?;
    }
    let file_name = incoming.file_name().to_owned();
    let receipt = incoming.finish().await?;
    Ok(Json(UploadAnswer::of(&receipt, file_name)).into_response())
}
