//! A camera's still: a raw JPEG, under the name that comes with it or the moment it arrived.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;

use super::{Arriving, UploadAnswer, UploadParams, bytes_in, name, raw};
use crate::http::App;
use crate::http::body::{FileBytes, Params, essence};
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::fleet::Caller;
use crate::http::identity::Sender;
use crate::ingest::Kind;
use crate::pictures::RECEIVED_NAME_PREFIX;

/// Stores a picture. Two shots in one second are two pictures; the same shot sent twice is one. A name may come as `?filename=`,
/// `X-Filename` or Content-Disposition; a time in it is taken for the camera's where the picture itself has none.
#[utoipa::path(post, path = "/upload", operation_id = "upload_picture", tag = "upload", params(UploadParams),
    request_body(content = FileBytes, content_type = "image/jpeg"),
    responses(
        (status = 200, body = UploadAnswer, description = "Durable.",
            headers(("Fieldpost-Receipt" = String, description = "The picture's receipt."))),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 411, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody, description = "Not `image/jpeg`."),
        (status = 422, body = ErrorBody, description = "A fleet key, and no device named."), (status = 429, body = ErrorBody), (status = 507, body = ErrorBody)))]
pub async fn upload(
    State(app): State<Arc<App>>,
    sender: Sender,
    Params(params): Params<UploadParams>,
    request: Request,
) -> ApiResult<Response> {
    let (head, body) = request.into_parts();
    let length = bytes_in::stated_length(&head.headers)?;
    if essence(&head.headers).as_deref() != Some("image/jpeg") {
        let message =
            "This address takes pictures: send the JPEG as the body, with `Content-Type: image/jpeg`.";
        return Err(ApiError::unsupported_media(message).closing());
    }
    let given = name::beside_body(params.filename.as_deref(), &head.headers);
    drop(head);
    // No colons: the name should work on every file system it is saved to.
    let received = || {
        let now = app.store.now().strftime("%Y-%m-%dT%H-%M-%S%.3fZ.jpg");
        format!("{RECEIVED_NAME_PREFIX}{now}")
    };
    let arriving = Arriving {
        app: &app,
        caller: Caller::Known(sender),
        length,
        body,
    };
    raw::receive(
        arriving,
        sender,
        Some(given.unwrap_or_else(received)),
        Kind::Picture,
    )
    .await
}
