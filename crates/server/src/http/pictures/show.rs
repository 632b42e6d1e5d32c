use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};

use super::{PictureSummary, visible};
use crate::http::App;
use crate::http::error::{ApiResult, ErrorBody};
use crate::http::identity::Reader;

/// One picture.
#[utoipa::path(get, path = "/api/v1/pictures/{id}", operation_id = "show_picture", tag = "pictures",
    params(("id" = String, Path, description = "Picture id")),
    responses((status = 200, body = PictureSummary), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(id): Path<String>,
) -> ApiResult<Json<PictureSummary>> {
    Ok(Json(visible(&app, reader, &id).await?.into()))
}
