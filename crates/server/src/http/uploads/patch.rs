//! The next piece of an upload.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use wire::upload::{UPLOAD_LENGTH, UPLOAD_OFFSET};

use super::super::App;
use super::super::body::FileBytes;
use super::super::error::{ApiError, ApiResult, ErrorBody};
use super::super::upload::bytes_in::stated_length;
use super::headers::{self, Said};
use super::receive::{Piece, past_the_end, receive};
use super::{Speaker, upload_id};
use crate::store::UploadId;
use crate::uploads::{Asker, Role, Standing, Uploads};

/// Takes the bytes that follow the offset. They are durable when the answer comes; when the connection breaks, what arrived
/// is kept, unless a checksum was to prove all of it.
#[utoipa::path(patch, path = "/api/v1/uploads/{id}", operation_id = "send_piece", tag = "uploads",
    params(("id" = String, Path, description = "Upload id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = u64, Header, description = "Where the piece begins: the upload's offset"),
        ("Upload-Length" = Option<u64>, Header, description = "The length of an upload that was begun without"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1`, `sha256` or `crc32`, a space, the piece's digest in Base64")),
    request_body(content = FileBytes, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "Durable. Upload-Offset, Upload-Expires; Fieldpost-Recording with the last byte."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Another offset; Upload-Offset says which."), (status = 410, body = ErrorBody),
        (status = 411, body = ErrorBody), (status = 412, body = ErrorBody),
        (status = 413, body = ErrorBody, description = "Longer than what is missing; nothing was stored."), (status = 415, body = ErrorBody),
        (status = 423, body = ErrorBody), (status = 460, body = ErrorBody, description = "Another checksum; nothing was stored."),
        (status = 507, body = ErrorBody)))]
pub(in crate::http) async fn patch(
    State(app): State<Arc<App>>,
    speaker: Speaker,
    Path(id): Path<String>,
    request: Request,
) -> ApiResult<Response> {
    let id = upload_id(&id)?;
    let (head, body) = request.into_parts();
    if !headers::is_piece(&head.headers) {
        return Err(headers::not_a_piece());
    }
    let offset_bytes = headers::size(&head.headers, UPLOAD_OFFSET)?.ok_or_else(no_offset)?;
    let size_bytes = headers::size(&head.headers, UPLOAD_LENGTH)?;
    let piece = Piece {
        length: stated_length(&head.headers)?,
        checksum: headers::checksum(&head.headers)?,
        body,
    };
    // It lies in a buffer of the connection, which would be kept with it for as long as the body takes.
    drop(head);
    let uploads = app.uploads.clone();
    let asked = Asked {
        asker: speaker.asker(&app, id).await?,
        id,
        offset_bytes,
        size_bytes,
    };
    let patching = app
        .uploads
        .to_the_end(async move { go_on(&uploads, asked, piece).await });
    match patching.await.map_err(|error| ApiError::internal(&error))?? {
        Outcome::At(standing) => {
            let said = Said::of(&app, &standing).await?;
            Ok((StatusCode::NO_CONTENT, said.headers()).into_response())
        }
        Outcome::Elsewhere(now_at) => Ok(another_offset(now_at)),
    }
}

enum Outcome {
    At(Box<Standing>),
    /// The piece does not begin where the upload is.
    Elsewhere(u64),
}

struct Asked {
    asker: Asker,
    id: UploadId,
    offset_bytes: u64,
    size_bytes: Option<u64>,
}

async fn go_on(uploads: &Arc<Uploads>, asked: Asked, piece: Piece) -> ApiResult<Outcome> {
    // What comes before and after the bytes is in boxes, here and below: a slow upload does not keep room for it.
    let standing = Box::pin(uploads.find(asked.asker, asked.id)).await?;
    let (role, now_at) = match &standing {
        Standing::Complete(row, _) => (row.role, row.size_bytes.unwrap_or(0)),
        Standing::Open(open) => (open.row.role, open.offset_bytes()),
    };
    if role == Role::Final {
        let message = "This upload is put together of parts; nothing can be added to it.";
        return Err(ApiError::forbidden("final_upload", message).closing());
    }
    if asked.offset_bytes != now_at {
        return Ok(Outcome::Elsewhere(now_at));
    }
    let standing = match standing {
        Standing::Open(open) => {
            let open = match asked.size_bytes {
                Some(size_bytes) => Box::pin(uploads.set_length(open, size_bytes)).await?,
                None => open,
            };
            receive(uploads, open, piece).await?
        }
        // The last answer was lost. Without bytes there is nothing wrong with asking again.
        Standing::Complete(..) if piece.length == Some(0) => standing,
        Standing::Complete(..) => return Err(past_the_end(0)),
    };
    Ok(Outcome::At(Box::new(standing)))
}

fn no_offset() -> ApiError {
    let message = "Send Upload-Offset: where the piece begins, which is the offset that the upload has.";
    ApiError::bad_request("offset_missing", message).closing()
}

fn another_offset(now_at: u64) -> Response {
    let refusal = ApiError::conflict(
        "another_offset",
        format!("The upload is at byte {now_at}; send what follows it."),
    );
    let offset = [(HeaderName::from_static(UPLOAD_OFFSET), HeaderValue::from(now_at))];
    (offset, refusal.closing()).into_response()
}
