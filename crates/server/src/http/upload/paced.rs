//! Keeps the multipart parser's memory bounded.
//!
//! `multer` takes from its stream whatever is ready before it looks at any of it, so a sender that is faster than the
//! disk fills memory with the whole body, and headers or a preamble without end are gathered in the same way. This
//! stream gives a piece only once the parser can do nothing without it, and it refuses to go on when too much went by
//! without a part or a piece of one coming out at the other end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::BoxStream;

use crate::http::error::ApiError;

/// Part headers are a few hundred bytes; a piece of a body is one read of the connection (16 KiB) and what was left
/// of the one before.
const WITHOUT_PROGRESS_BYTES_MAX: usize = 64 * 1024;

/// What the parser and its input know of each other.
#[derive(Clone, Default)]
pub(super) struct Pace(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// The parser has seen all that it was given and nothing came of it.
    hungry: AtomicBool,
    /// What went in since something last came out.
    waiting_bytes: AtomicUsize,
}

impl Pace {
    /// Asks the parser until something comes out of it, with the next piece of the body whenever it needs one.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut parser: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        loop {
            if let Poll::Ready(out) = parser(cx) {
                self.0.hungry.store(false, Ordering::Relaxed);
                self.0.waiting_bytes.store(0, Ordering::Relaxed);
                return Poll::Ready(out);
            }
            // Hungry still: the body had nothing ready, and wakes whoever waits when it has.
            if self.0.hungry.swap(true, Ordering::Relaxed) {
                return Poll::Pending;
            }
        }
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
    pace: Pace,
}

impl Paced {
    pub(super) fn new(inner: BoxStream<'static, Result<Bytes, ApiError>>, pace: Pace) -> Self {
        Self { inner, pace }
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, PacedError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.pace.0.hungry.load(Ordering::Relaxed) {
            // Whoever asks the parser asks again at once, see `Pace::poll`.
            return Poll::Pending;
        }
        let piece = match ready!(self.inner.as_mut().poll_next(cx)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(PacedError::Refused(error)))),
            Some(Ok(piece)) => piece,
        };
        let shared = &self.pace.0;
        shared.hungry.store(false, Ordering::Relaxed);
        let waiting = shared.waiting_bytes.fetch_add(piece.len(), Ordering::Relaxed) + piece.len();
        if waiting > WITHOUT_PROGRESS_BYTES_MAX {
            return Poll::Ready(Some(Err(PacedError::NoProgress)));
        }
        Poll::Ready(Some(Ok(piece)))
    }
}
