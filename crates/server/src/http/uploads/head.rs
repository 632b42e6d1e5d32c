//! How far an upload is.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::App;
use super::super::error::{ApiError, ApiResult};
use super::headers::Said;
use super::{Speaker, upload_id};
use crate::uploads::Standing;

/// Offset, length and metadata of an upload, in headers. Whoever asks takes the upload over: a request that is still sending
/// to it ends, and the offset counts what it sent.
#[utoipa::path(head, path = "/api/v1/uploads/{id}", operation_id = "upload_offset", tag = "uploads",
    params(("id" = String, Path, description = "Upload id")),
    responses((status = 200, description = "Upload-Offset, Upload-Length or Upload-Defer-Length, Upload-Metadata, Upload-Expires."),
        (status = 401), (status = 403), (status = 404), (status = 410, description = "Deleted or expired: begin a new one."),
        (status = 412, description = "Another version of tus."), (status = 423, description = "Another request does not let go; try again.")))]
pub(in crate::http) async fn head(
    State(app): State<Arc<App>>,
    speaker: Speaker,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let id = upload_id(&id)?;
    let asker = speaker.asker(&app, id).await?;
    let uploads = app.uploads.clone();
    let finding = app
        .uploads
        .to_the_end(async move { uploads.find(asker, id).await });
    let standing = finding.await.map_err(|error| ApiError::internal(&error))??;
    let row = match &standing {
        Standing::Complete(row, _) => row,
        Standing::Open(open) => &open.row,
    };
    let said = Said::of(&app, &standing).await?.announced(row);
    Ok((StatusCode::OK, said.headers()).into_response())
}
