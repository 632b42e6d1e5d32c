//! An upload begins.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wire::upload::{
    self as tus, Concat, Metadata, UPLOAD_CONCAT, UPLOAD_DEFER_LENGTH, UPLOAD_LENGTH, UPLOAD_METADATA, key,
};

use super::super::App;
use super::super::body::FileBytes;
use super::super::error::{ApiError, ApiResult, ErrorBody};
use super::super::identity::Sender;
use super::super::keyed::BEFORE_KEY;
use super::super::origin::Origin;
use super::headers::{self, Said};
use super::receive::{Piece, receive};
use super::{COLLECTION, Speaker};
use crate::ingest::{self, Kind};
use crate::store::UploadId;
use crate::uploads::{NewUpload, Part, Standing};

/// Begins an upload, with its first bytes in the body if one wants. With `filename`, `sha256` and, for somebody who carries a
/// device's file, `device` in `Upload-Metadata` a second creation answers the same upload, and one whose recording is
/// stored answers complete.
#[utoipa::path(post, path = "/api/v1/uploads", operation_id = "create_upload", tag = "uploads",
    params(("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = Option<u64>, Header, description = "Bytes of the whole"),
        ("Upload-Defer-Length" = Option<u64>, Header, description = "`1` when the length comes later"),
        ("Upload-Metadata" = Option<String>, Header, description = "`filename`, `sha256`, `device`, `kind`: keys and Base64 values"),
        ("Upload-Concat" = Option<String>, Header, description = "`partial`, or `final;` and the addresses of the parts"),
        ("Upload-Checksum" = Option<String>, Header, description = "Of the body")),
    request_body(content = Option<FileBytes>, content_type = "application/offset+octet-stream"),
    responses((status = 201, description = "Location, Upload-Offset, Upload-Expires; Fieldpost-Recording if it is complete."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 412, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "The team has no such device."), (status = 423, body = ErrorBody),
        (status = 429, body = ErrorBody), (status = 460, body = ErrorBody), (status = 507, body = ErrorBody)))]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    Speaker(caller): Speaker,
    origin: Option<Extension<Origin>>,
    request: Request,
) -> ApiResult<Response> {
    let (head, body) = request.into_parts();
    let new = announced(caller.named()?, &head.headers)?;
    let piece = match length_of_body(&head.headers) {
        Some(0) => None,
        length if headers::is_piece(&head.headers) => Some(Piece {
            length,
            checksum: headers::checksum(&head.headers)?,
            body,
        }),
        Some(_) | None => return Err(headers::not_a_piece()),
    };
    if matches!(new.part, Part::Of(_)) && piece.is_some() {
        let message = "An upload that is put together of parts has no bytes of its own.";
        return Err(ApiError::bad_request("final_with_body", message).closing());
    }
    let uploads = app.uploads.clone();
    let creating = app.uploads.to_the_end(async move {
        match (uploads.create(new).await?, piece) {
            // One that was begun before may be further on; its offset says where to continue.
            (Standing::Open(open), Some(piece)) if open.offset_bytes() == 0 => {
                receive(&uploads, open, piece).await
            }
            (standing, _) => Ok(standing),
        }
    });
    let standing = creating.await.map_err(|error| ApiError::internal(&error))??;
    let id = match &standing {
        Standing::Open(open) => open.row.id,
        Standing::Complete(row, _) => row.id,
    };
    let origin = origin.map(|Extension(origin)| origin);
    let base = headers::base(&app, &head, origin);
    let said = Said::of(&app, &standing).await?.location(&base, id);
    Ok((StatusCode::CREATED, said.headers()).into_response())
}

/// 0 for a request that says of no body; `None` for one of unknown length.
fn length_of_body(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let length = headers.get(header::CONTENT_LENGTH);
    Some(
        length
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .unwrap_or(0),
    )
}

fn announced(sender: Sender, headers: &HeaderMap) -> ApiResult<NewUpload> {
    let concat = headers::text(headers, UPLOAD_CONCAT)?;
    let part = match concat.map(Concat::parse).transpose()? {
        None => Part::Whole,
        Some(Concat::Partial) => Part::Partial,
        Some(Concat::Final(urls)) => Part::Of(urls.iter().map(id_in).collect::<ApiResult<_>>()?),
    };
    let size_bytes = length(&part, headers)?;
    let metadata = headers::text(headers, UPLOAD_METADATA)?.unwrap_or_default();
    let about = About {
        metadata: Metadata::parse(metadata)?,
    };
    let device = match sender.device {
        Some(device) => Some(device),
        None => about.parsed(key::DEVICE, "the id of a device")?,
    };
    let file_name = match (about.text(key::FILENAME)?, about.text(key::NAME)?) {
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) if part == Part::Partial => String::new(),
        (None, None) => return Err(no_name()),
    };
    let kind = match about.text(key::KIND)?.as_deref() {
        None | Some("drive") => Kind::Drive,
        Some("picture") => Kind::Picture,
        Some(_) => return Err(bad_metadata(key::KIND, "`drive` or `picture`")),
    };
    Ok(NewUpload {
        sender: ingest::Sender {
            tenant: sender.tenant,
            device,
            user: sender.user,
        },
        part,
        kind,
        file_name,
        metadata: metadata.to_owned(),
        concat: concat.map(without_keys),
        size_bytes,
        sha256: about.parsed(key::SHA256, "64 hexadecimal digits")?,
    })
}

/// The announced length; a final upload has that of its parts.
fn length(part: &Part, headers: &HeaderMap) -> ApiResult<Option<u64>> {
    let size_bytes = headers::size(headers, UPLOAD_LENGTH)?;
    let deferred = headers::text(headers, UPLOAD_DEFER_LENGTH)?;
    deferred.map(tus::parse_defer_length).transpose()?;
    match (part, size_bytes, deferred) {
        (Part::Of(_), None, None) | (Part::Whole | Part::Partial, Some(_), None) => Ok(size_bytes),
        (Part::Whole | Part::Partial, None, Some(_)) => Ok(None),
        (Part::Of(_), _, _) => Err(bad_length(
            "An upload that is put together of parts has their length; send none.",
        )),
        (Part::Whole | Part::Partial, Some(_), Some(_)) => {
            Err(bad_length("Send Upload-Length or Upload-Defer-Length, not both."))
        }
        (Part::Whole | Part::Partial, None, None) => Err(bad_length(
            "Send Upload-Length, or `Upload-Defer-Length: 1` if it is not known yet.",
        )),
    }
}

/// What is kept of `Upload-Concat`: ingest keys in its addresses are not.
fn without_keys(concat: &str) -> String {
    let kept = |address: &str| match address.rsplit_once(COLLECTION) {
        Some((before, id)) => {
            let (place, _) = before.rsplit_once(BEFORE_KEY).unwrap_or((before, ""));
            format!("{place}{COLLECTION}{id}")
        }
        None => address.to_owned(),
    };
    concat.split(' ').map(kept).collect::<Vec<_>>().join(" ")
}

/// The upload that an address of ours means, absolute or from the root.
fn id_in(url: &str) -> ApiResult<UploadId> {
    let id = url
        .rsplit_once('/')
        .filter(|(before, _)| before.ends_with(COLLECTION))
        .and_then(|(_, id)| id.parse().ok());
    id.ok_or_else(|| {
        let message = "Upload-Concat names an address that is not one of an upload here.";
        ApiError::bad_request("not_a_part", message).closing()
    })
}

struct About<'t> {
    metadata: Metadata<'t>,
}

impl About<'_> {
    fn text(&self, key: &'static str) -> ApiResult<Option<String>> {
        let Some(value) = self.metadata.get(key) else {
            return Ok(None);
        };
        let mut room = [0; tus::METADATA_BYTES_MAX];
        let bytes = value.decode(&mut room).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| bad_metadata(key, "UTF-8 text"))?;
        Ok(Some(text.to_owned()))
    }

    fn parsed<T: std::str::FromStr>(&self, key: &'static str, wanted: &str) -> ApiResult<Option<T>> {
        let text = self.text(key)?;
        text.map(|text| text.parse().map_err(|_| bad_metadata(key, wanted)))
            .transpose()
    }
}

fn bad_metadata(key: &str, wanted: &str) -> ApiError {
    ApiError::bad_request(
        "bad_metadata",
        format!("`{key}` in Upload-Metadata has to be {wanted}."),
    )
    .closing()
}

fn bad_length(message: &str) -> ApiError {
    ApiError::bad_request("bad_length", message).closing()
}

fn no_name() -> ApiError {
    let message = "Send the file's name as `filename` in Upload-Metadata, in Base64.";
    ApiError::bad_request("filename_missing", message).closing()
}
