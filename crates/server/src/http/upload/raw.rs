//! The file itself as the body.

use axum::response::Response;

use super::bytes_in::BytesIn;
use super::{Arriving, respond};
use crate::http::App;
use crate::http::error::{ApiError, ApiResult};
use crate::http::identity::Sender;
use crate::ingest::{Incoming, Kind, Upload};
use crate::store::recordings;

/// What every JPEG begins with: its start-of-image marker (ITU-T T.81, B.1.1.3).
const JPEG_BEGINNING: &[u8] = &[0xFF, 0xD8];

pub(super) async fn receive(
    arriving: Arriving<'_>,
    sender: Sender,
    name: Option<String>,
    kind: Kind,
) -> ApiResult<Response> {
    let name = name.ok_or_else(|| {
        ApiError::bad_request(
            "filename_missing",
            "A raw body needs a name: ?filename=, an X-Filename header, or Content-Disposition.",
        )
        .closing()
    })?;
    let upload = Upload {
        sender: sender.for_ingest(),
        file_name: name,
        kind,
        size_bytes: arriving.length,
    };
    // What comes before and after the bytes is in boxes: a slow upload does not keep room for it.
    let mut incoming = Box::pin(arriving.app.ingest.begin(upload)).await?;
    let max_bytes = arriving.app.upload_max_bytes;
    let mut bytes = BytesIn::new(arriving.body, max_bytes, ApiError::recording_too_large(max_bytes));
    let mut beginning = match kind {
        Kind::Picture => JPEG_BEGINNING,
        Kind::Drive => &[],
    };
    while let Some(piece) = bytes.next().await? {
        let (now, later) = beginning.split_at(beginning.len().min(piece.len()));
        if !piece.starts_with(now) {
            return Err(not_a_jpeg());
        }
        beginning = later;
        incoming.write(piece).await?;
    }
    if !beginning.is_empty() {
        return Err(not_a_jpeg());
    }
    Box::pin(finish(arriving.app, sender, incoming, kind)).await
}

async fn finish(app: &App, sender: Sender, incoming: Incoming, kind: Kind) -> ApiResult<Response> {
    let sent_name = incoming.file_name().to_owned();
    let receipt = incoming.finish().await?;
    let file_name = match kind {
        // Its name may be ours, so a repeated one has that of the first time.
        Kind::Picture if receipt.placed.duplicate => {
            let stored = recordings::find(&app.store, sender.tenant, receipt.placed.recording).await?;
            stored.map_or(sent_name, |stored| stored.file_name)
        }
        Kind::Picture | Kind::Drive => sent_name,
    };
    respond(app, sender, &receipt, file_name).await
}

fn not_a_jpeg() -> ApiError {
    ApiError::unsupported_media("The body is no JPEG: it does not begin with the bytes FF D8.").closing()
}
