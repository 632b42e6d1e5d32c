//! What is spoken here: for everybody, signed in or not.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use wire::upload::{
    ChecksumAlgorithm, EXTENSIONS, TUS_CHECKSUM_ALGORITHM, TUS_EXTENSION, TUS_MAX_SIZE, TUS_VERSION, VERSION,
};

use super::super::App;
use super::headers::Said;

/// Versions, extensions and limits of resumable uploads. Public.
#[utoipa::path(options, path = "/api/v1/uploads", operation_id = "upload_options", tag = "uploads", security(()),
    responses((status = 200, description = "In headers: Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm.")))]
pub(in crate::http) async fn collection(State(app): State<Arc<App>>) -> Response {
    options(&app)
}

/// The same at the address of an upload. Public.
#[utoipa::path(options, path = "/api/v1/uploads/{id}", operation_id = "one_upload_options", tag = "uploads", security(()),
    params(("id" = String, Path, description = "Upload id")),
    responses((status = 200, description = "In headers: Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm.")))]
pub(in crate::http) async fn one(State(app): State<Arc<App>>) -> Response {
    options(&app)
}

fn options(app: &App) -> Response {
    let said = Said::default()
        .text(TUS_VERSION, VERSION)
        .text(TUS_EXTENSION, EXTENSIONS)
        .text(TUS_CHECKSUM_ALGORITHM, ChecksumAlgorithm::LIST)
        .number(TUS_MAX_SIZE, app.uploads.recording_bytes_max());
    (StatusCode::OK, said.headers()).into_response()
}
