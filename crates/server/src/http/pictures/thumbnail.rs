use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::fs::File;
use tokio_util::io::ReaderStream;
use utoipa::IntoParams;

use super::visible;
use crate::http::App;
use crate::http::body::{FileBytes, Params};
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::Reader;
use crate::pictures::Size;
use crate::store::pictures::{Picture, State as PictureState};

/// What one answer holds of a file at a time.
const PIECE_BYTES: usize = 32 * 1024;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ThumbnailParams {
    /// As the picture's `thumbnails` give it: then the answer may be kept for good.
    pub v: Option<u32>,
}

/// A thumbnail as JPEG. Only good pictures have one. What is at an address with its `v` never changes.
#[utoipa::path(get, path = "/api/v1/pictures/{id}/thumbnail/{size}", operation_id = "picture_thumbnail", tag = "pictures",
    params(("id" = String, Path, description = "Picture id"), ("size" = String, Path, description = "`small` or `large`"), ThumbnailParams),
    responses((status = 200, body = FileBytes, content_type = "image/jpeg"),
        (status = 304, description = "`If-None-Match` names this thumbnail."), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "Not looked at yet, or quarantined.")))]
pub(crate) async fn thumbnail(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path((id, size)): Path<(String, String)>,
    Params(params): Params<ThumbnailParams>,
    request: HeaderMap,
) -> ApiResult<Response> {
    let picture = visible(&app, reader, &id).await?;
    let size = match size.as_str() {
        "small" => Size::Small,
        "large" => Size::Large,
        _ => return Err(ApiError::not_found("thumbnail; there are `small` and `large`")),
    };
    require_good(&picture)?;
    let headers = headers_of(&picture, size, params.v)?;
    if request.get(header::IF_NONE_MATCH) == headers.get(header::ETAG) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let folder = app.objects.derived_path(reader.tenant, picture.id);
    let internal = |error| ApiError::internal(&error);
    let file = File::open(folder.join(size.file_name()))
        .await
        .map_err(internal)?;
    let length = file.metadata().await.map_err(internal)?.len();
    let body = Body::from_stream(ReaderStream::with_capacity(file, PIECE_BYTES));
    let length = [(header::CONTENT_LENGTH, HeaderValue::from(length))];
    Ok((headers, length, body).into_response())
}

fn require_good(picture: &Picture) -> ApiResult<()> {
    match &picture.state {
        PictureState::Good => Ok(()),
        PictureState::Waiting => Err(ApiError::conflict(
            "not_ready",
            "This picture was not looked at yet; ask again in a second.",
        )),
        PictureState::Quarantined(reason) => Err(ApiError::conflict(
            "quarantined",
            format!(
                "This picture is not whole and has no thumbnail: {}",
                reason.message
            ),
        )),
    }
}

fn headers_of(picture: &Picture, size: Size, asked_version: Option<u32>) -> ApiResult<HeaderMap> {
    let tag = format!(
        "\"{}-{}-{}\"",
        picture.sha256,
        picture.found.version,
        size.side_px()
    );
    let tag = HeaderValue::from_str(&tag).map_err(|error| ApiError::internal(&error))?;
    // Only for who may see it.
    let cache = if asked_version == Some(picture.found.version) {
        "private, max-age=31536000, immutable"
    } else {
        "private, no-cache"
    };
    Ok(HeaderMap::from_iter([
        (header::ETAG, tag),
        (header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
    ]))
}
