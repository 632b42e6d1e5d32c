//! An upload ends before it is complete, or is not asked for any more.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::super::App;
use super::super::error::{ApiError, ApiResult, ErrorBody};
use super::{Speaker, upload_id};
use crate::uploads::Standing;

/// Ends an upload and removes its bytes. A recording that it has become stays.
#[utoipa::path(delete, path = "/api/v1/uploads/{id}", operation_id = "delete_upload", tag = "uploads",
    params(("id" = String, Path, description = "Upload id")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 410, body = ErrorBody), (status = 412, body = ErrorBody), (status = 423, body = ErrorBody)))]
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    speaker: Speaker,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = upload_id(&id)?;
    let asker = speaker.asker(&app, id).await?;
    let uploads = app.uploads.clone();
    let deleting = app.uploads.to_the_end(async move {
        match uploads.find(asker, id).await? {
            Standing::Open(open) => uploads.remove(open).await,
            Standing::Complete(row, _) => uploads.let_go(&row).await,
        }
    });
    deleting.await.map_err(|error| ApiError::internal(&error))??;
    Ok(StatusCode::NO_CONTENT)
}
