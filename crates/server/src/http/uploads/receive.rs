//! The body of a request into an upload.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use wire::upload::Checksum;

use super::super::error::{ApiError, ApiResult};
use super::super::upload::bytes_in::BytesIn;
use crate::ingest::IngestError;
use crate::uploads::{Arriving, Open, Standing, UploadError, Uploads};

/// A body and what was said of it.
pub(super) struct Piece {
    pub body: Body,
    /// As `Content-Length` states it.
    pub length: Option<u64>,
    pub checksum: Option<Checksum>,
}

/// Takes a piece in and says where the upload stands then. Refuses one that is longer than what is missing, whole.
pub(super) async fn receive(uploads: &Arc<Uploads>, open: Open, piece: Piece) -> ApiResult<Standing> {
    let left_bytes = uploads.left_bytes(&open);
    let (left_bytes, refusal) = match Box::pin(uploads.room(&open, piece.length)).await? {
        None => (left_bytes, past_the_end(left_bytes)),
        Some(room) => {
            let left_bytes = room.left_bytes().saturating_sub(open.offset_bytes());
            (left_bytes, IngestError::OverQuota(room.refusal()).into())
        }
    };
    if piece.length.is_some_and(|length| length > left_bytes) {
        return Err(refusal);
    }
    let mut bytes = BytesIn::new(piece.body, left_bytes, refusal);
    let mut arriving = open.receive(uploads, piece.checksum);
    match take_in(&mut bytes, &mut arriving).await {
        Ok(()) => {
            let ending = async { uploads.finish_if_whole(arriving.end().await?).await };
            Ok(Box::pin(ending).await?)
        }
        Err(refusal) if refusal.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            arriving.forget().await?;
            Err(refusal)
        }
        Err(refusal) => {
            // Why it broke off says more than what became of the rest.
            Box::pin(keep(uploads, arriving)).await?;
            Err(refusal)
        }
    }
}

async fn keep(uploads: &Uploads, arriving: Arriving) -> Result<(), UploadError> {
    match arriving.keep().await {
        Ok(open) => {
            let offset_bytes = open.offset_bytes();
            tracing::debug!(offset_bytes, "kept what came before a request broke off");
            uploads.finish_if_whole(open).await?;
        }
        Err(error) => tracing::warn!(%error, "what came before a request broke off is lost"),
    }
    Ok(())
}

async fn take_in(bytes: &mut BytesIn, arriving: &mut Arriving) -> ApiResult<()> {
    loop {
        let piece = tokio::select! {
            biased;
            () = arriving.superseded() => return Err(taken_over()),
            piece = bytes.next() => piece?,
        };
        match piece {
            Some(piece) => arriving.write(piece).await?,
            None => return Ok(()),
        }
    }
}

fn taken_over() -> ApiError {
    let message = "Another request has taken this upload over; ask for the offset and go on from there.";
    ApiError::new(StatusCode::LOCKED, "taken_over", message).closing()
}

pub(super) fn past_the_end(left_bytes: u64) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "past_the_end",
        format!("The upload takes {left_bytes} bytes more and this piece is longer; none of it was stored."),
    )
    .closing()
}
