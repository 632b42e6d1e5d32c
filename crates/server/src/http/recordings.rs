//! The bytes of a recording as they were sent, whole or in part.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::App;
use super::body::FileBytes;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::Reader;
use crate::store::recordings::{self, Kind, Recording};
use crate::store::{RecordingId, TenantId};

/// What one download holds of a file at a time.
const PIECE_BYTES: usize = 32 * 1024;
/// RFC 8187 `attr-char`.
const NAME_PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// The stored bytes. The entity tag is their SHA-256; one range at a time is served.
#[utoipa::path(get, path = "/api/v1/recordings/{id}/raw", operation_id = "raw_recording", tag = "recordings",
    params(("id" = String, Path, description = "Recording id"),
        ("Range" = Option<String>, Header, description = "`bytes=from-to`, `bytes=from-` or `bytes=-last`")),
    responses((status = 200, content((FileBytes = "application/octet-stream"), (FileBytes = "image/jpeg"))),
        (status = 206, content((FileBytes = "application/octet-stream"), (FileBytes = "image/jpeg"))),
        (status = 304, description = "`If-None-Match` names these bytes."), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 410, body = ErrorBody, description = "The disk lost the bytes."),
        (status = 416, body = ErrorBody)))]
pub(super) async fn raw(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(id): Path<String>,
    request: HeaderMap,
) -> ApiResult<Response> {
    let recording = visible(&app, reader, &id).await?;
    let headers = headers_of(&recording)?;
    if request.get(header::IF_NONE_MATCH) == headers.get(header::ETAG) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let range = wanted(&request, &headers, recording.size_bytes)?;
    still_held(&app, reader.tenant, &recording).await?;
    let path = app.objects.raw_path(reader.tenant, recording.sha256);
    let mut file = File::open(path)
        .await
        .map_err(|error| ApiError::internal(&error))?;
    file.seek(SeekFrom::Start(range.first))
        .await
        .map_err(|error| ApiError::internal(&error))?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(range.length), PIECE_BYTES));
    let size = [(header::CONTENT_LENGTH, HeaderValue::from(range.length))];
    if !range.partial {
        return Ok((headers, size, body).into_response());
    }
    let place = [(
        header::CONTENT_RANGE,
        content_range(&range, recording.size_bytes)?,
    )];
    Ok((StatusCode::PARTIAL_CONTENT, headers, size, place, body).into_response())
}

/// A recording that the reader may see; any other looks as if it were not there.
pub(super) async fn visible(app: &App, reader: Reader, id: &str) -> ApiResult<Recording> {
    let missing = || ApiError::not_found("recording");
    let id: RecordingId = id.parse().map_err(|_| missing())?;
    let recording = recordings::find(&app.store, reader.tenant, id)
        .await?
        .ok_or_else(missing)?;
    if reader.only_device.is_some() && reader.only_device != recording.device {
        return Err(missing());
    }
    Ok(recording)
}

/// The disk may have lost the bytes since a receipt was given for them, and then nobody is told that they are here.
pub(super) async fn still_held(app: &App, tenant: TenantId, recording: &Recording) -> ApiResult<()> {
    let (objects, digest, size_bytes) = (app.objects.clone(), recording.sha256, recording.size_bytes);
    let looking = tokio::task::spawn_blocking(move || objects.holds(tenant, digest, size_bytes));
    let held = looking
        .await
        .map_err(|error| ApiError::internal(&error))?
        .map_err(|error| ApiError::internal(&error))?;
    if held {
        return Ok(());
    }
    tracing::error!(recording = %recording.id, sha256 = %digest, "the bytes of a recording are not on the disk");
    Err(ApiError::new(
        StatusCode::GONE,
        "bytes_missing",
        "The server's disk lost the bytes of this recording. Send it again from wherever it still is, or put the data \
         folder back from a backup.",
    ))
}

/// Whatever was uploaded is handed out as a file to keep, never as a page of ours.
fn headers_of(recording: &Recording) -> ApiResult<HeaderMap> {
    let text = |text: String| HeaderValue::from_str(&text).map_err(|error| ApiError::internal(&error));
    let media_type = match recording.kind {
        Kind::Drive => "application/octet-stream",
        Kind::Picture => "image/jpeg",
    };
    let name = utf8_percent_encode(&recording.file_name, &NAME_PLAIN);
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::ETAG, text(format!("\"{}\"", recording.sha256))?),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_DISPOSITION,
            text(format!("attachment; filename*=UTF-8''{name}"))?,
        ),
        // Immutable, but only for who may see it.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        ),
    ];
    Ok(headers.into_iter().collect())
}

/// A piece of the file.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    length: u64,
    partial: bool,
}

/// What the request asks for. A range of other bytes (`If-Range` names another tag), several ranges or another unit
/// give the whole file, as RFC 9110 allows.
fn wanted(request: &HeaderMap, headers: &HeaderMap, size_bytes: u64) -> ApiResult<Range> {
    let whole = Range {
        first: 0,
        length: size_bytes,
        partial: false,
    };
    let same = request
        .get(header::IF_RANGE)
        .is_none_or(|tag| headers.get(header::ETAG) == Some(tag));
    let text = request
        .get(header::RANGE)
        .filter(|_| same)
        .and_then(|value| value.to_str().ok());
    let Some((from, to)) = text
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|text| text.split_once('-'))
    else {
        return Ok(whole);
    };
    let last_byte = size_bytes.saturating_sub(1);
    let (first, last) = match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) => (first, last.min(last_byte)),
        (Ok(first), Err(_)) if to.trim().is_empty() => (first, last_byte),
        (Err(_), Ok(tail)) if from.trim().is_empty() && tail > 0 => {
            (size_bytes.saturating_sub(tail), last_byte)
        }
        _ => return Ok(whole),
    };
    if first > last || first >= size_bytes {
        return Err(ApiError::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "bad_range",
            format!("The recording has {size_bytes} bytes; the range lies outside."),
        ));
    }
    Ok(Range {
        first,
        length: last - first + 1,
        partial: true,
    })
}

fn content_range(range: &Range, size_bytes: u64) -> ApiResult<HeaderValue> {
    let last = range.first + range.length - 1;
    HeaderValue::from_str(&format!("bytes {}-{last}/{size_bytes}", range.first))
        .map_err(|error| ApiError::internal(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(range: &'static str) -> ApiResult<Range> {
        let request = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
        wanted(&request, &HeaderMap::new(), 100)
    }

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let part = |first, length| Range {
            first,
            length,
            partial: true,
        };
        assert_eq!(ask("bytes=0-9").unwrap(), part(0, 10));
        assert_eq!(ask("bytes=90-").unwrap(), part(90, 10));
        assert_eq!(ask("bytes=-5").unwrap(), part(95, 5));
        assert_eq!(ask("bytes=50-500").unwrap(), part(50, 50));
        assert_eq!(ask("bytes=-500").unwrap(), part(0, 100));
        for whole in ["bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=-"] {
            assert_eq!(
                ask(whole).unwrap(),
                Range {
                    first: 0,
                    length: 100,
                    partial: false
                },
                "{whole}"
            );
        }
        assert!(ask("bytes=100-").is_err());
        assert!(ask("bytes=9-3").is_err());
    }
}
