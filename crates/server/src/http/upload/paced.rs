//! Keeps the multipart parser's memory bounded.
//!
//! `multer` takes from its stream whatever is ready before it looks at any of it, so a sender that is faster than the
//! disk fills memory with the whole body, and headers or a preamble without end are gathered in the same way. This
//! stream is never ready twice in a row, and it refuses to go on when too much went by without a part or a piece of
//! one coming out at the other end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;

use crate::http::error::ApiError;

/// Part headers are a few hundred bytes; a piece of a body is one read of the connection (16 KiB) and what was left
/// of the one before.
const WITHOUT_PROGRESS_BYTES_MAX: usize = 64 * 1024;

/// What went in since something last came out.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicUsize>);

impl Progress {
    /// Something came out of the parser.
    pub(super) fn made(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// Why the parser's input ended: the body's own refusal, or too much without progress.
#[derive(Debug, thiserror::Error)]
pub(super) enum PacedError {
    #[error("the body was refused")]
    Refused(ApiError),
    #[error("the headers of a part, or what comes before the first, are larger than 64 KiB")]
    NoProgress,
}

pub(super) struct Paced {
    inner: BoxStream<'static, Result<Bytes, ApiError>>,
    rested: bool,
    progress: Progress,
}

impl Paced {
    pub(super) fn new(inner: BoxStream<'static, Result<Bytes, ApiError>>, progress: Progress) -> Self {
        Self {
            inner,
            rested: true,
            progress,
        }
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, PacedError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !std::mem::replace(&mut self.rested, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = match std::task::ready!(self.inner.as_mut().poll_next(cx)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(PacedError::Refused(error)))),
            Some(Ok(piece)) => piece,
        };
        self.rested = false;
        let waiting = self.progress.0.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
        if waiting > WITHOUT_PROGRESS_BYTES_MAX {
            return Poll::Ready(Some(Err(PacedError::NoProgress)));
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use multer::Multipart;

    use super::*;

    const PIECE: usize = 16 * 1024;

    fn body(head: &'static str, pieces: usize) -> (Multipart<'static>, Progress) {
        let progress = Progress::default();
        let first = stream::iter([Ok(Bytes::from_static(head.as_bytes()))]);
        let rest = stream::iter((0..pieces).map(|_| Ok(Bytes::from(vec![b'x'; PIECE]))));
        let end = stream::iter([Ok(Bytes::from_static(b"\r\n--B--\r\n"))]);
        let paced = Paced::new(first.chain(rest).chain(end).boxed(), progress.clone());
        (Multipart::new(paced, "B"), progress)
    }

    #[tokio::test]
    async fn the_parser_holds_no_more_than_a_piece_or_two() {
        let head = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n";
        let (mut multipart, progress) = body(head, 1000);
        let mut field = multipart.next_field().await.unwrap().unwrap();
        progress.made();
        let mut largest = 0;
        let mut total = 0;
        while let Some(piece) = field.chunk().await.unwrap() {
            progress.made();
            largest = largest.max(piece.len());
            total += piece.len();
        }
        assert_eq!(total, 1000 * PIECE);
        assert!(largest <= 2 * PIECE, "{largest}");
    }

    #[tokio::test]
    async fn headers_without_end_are_refused() {
        let (mut multipart, _) = body("--B\r\nContent-Disposition: ", 1000);
        assert!(multipart.next_field().await.is_err());
    }
}
