//! `multipart/form-data` read as it arrives: parts with their names, and the bytes of each piece by piece.
//!
//! Promises: what comes out does not depend on how the body was cut into pieces; no more of a body is taken than the next
//! part or piece of one needs, and at most 64 KiB of it without one coming out. What the parts are for is the caller's.

use std::future::poll_fn;

use axum::http::header;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use multer::{Field, Multipart};

use super::name::{self, Disposition};
use super::paced::{Pace, Paced, PacedError};
use crate::http::error::ApiError;

/// Why a form does not go on.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// The body's own refusal, with the status that it has.
    #[error("the body was refused")]
    Body(ApiError),
    #[error("the body ended before the form did")]
    Incomplete,
    #[error("the headers of a part, or what comes before the first, are larger than 64 KiB")]
    NoProgress,
    /// The parser would take its first bytes, and with them parts that follow, for headers.
    #[error("a part has no headers")]
    NoHeaders,
    #[error(transparent)]
    Malformed(multer::Error),
}

/// What separates the parts, as a `Content-Type` says it.
#[must_use]
pub fn boundary(content_type: &str) -> Option<String> {
    multer::parse_boundary(content_type).ok()
}

/// A form on its way in.
pub struct Form {
    parts: Multipart<'static>,
    pace: Pace,
}

impl Form {
    #[must_use]
    pub fn new(body: BoxStream<'static, Result<Bytes, ApiError>>, boundary: String) -> Self {
        let pace = Pace::default();
        Self {
            parts: Multipart::new(Paced::new(body, pace.clone()), boundary),
            pace,
        }
    }

    /// The next part; `None` at the form's proper end. The one before is read to its end first, or passed over: what is left of it is
    /// looked at without anything coming out, and 64 KiB of that end the form.
    pub async fn next(&mut self) -> Result<Option<Part<'_>>, FormError> {
        let (parts, pace) = (&mut self.parts, &self.pace);
        let Some(field) = poll_fn(|cx| pace.poll(cx, |cx| parts.poll_next_field(cx))).await? else {
            return Ok(None);
        };
        if field.headers().is_empty() {
            return Err(FormError::NoHeaders);
        }
        let header = field.headers().get(header::CONTENT_DISPOSITION);
        let disposition = header.map(|value| name::of_part(&String::from_utf8_lossy(value.as_bytes())));
        Ok(Some(Part {
            field,
            pace,
            disposition: disposition.unwrap_or_default(),
        }))
    }
}

/// One part. It is a file if it has a file name, else a field.
pub struct Part<'f> {
    field: Field<'static>,
    pace: &'f Pace,
    disposition: Disposition,
}

impl Part<'_> {
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.disposition.name.as_deref()
    }

    /// What a file may be called is for `ingest` to say.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        self.disposition.file_name.as_deref()
    }

    /// A value that a form has beside its files: it has a name, and says to be text if it says anything.
    #[must_use]
    pub fn is_plain_field(&self) -> bool {
        let media_type = self.field.headers().get(header::CONTENT_TYPE);
        let is_text = media_type.is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
        self.name().is_some() && is_text
    }

    /// The next bytes, one at least; `None` at the part's end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, FormError> {
        let (field, pace) = (&mut self.field, self.pace);
        loop {
            let piece = poll_fn(|cx| pace.poll(cx, |cx| field.poll_next_unpin(cx))).await;
            match piece.transpose()? {
                // The parser gives one for a part without a byte.
                Some(piece) if piece.is_empty() => {}
                piece => return Ok(piece),
            }
        }
    }

    /// Its beginning as text, at most so many bytes; it is read to its end all the same.
    pub async fn text(&mut self, bytes_max: usize) -> Result<String, FormError> {
        let mut text = Vec::new();
        while let Some(piece) = self.piece().await? {
            let room = bytes_max - text.len();
            text.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Reads past what is left of it; says how many bytes those were.
    pub async fn pass_over(&mut self) -> Result<usize, FormError> {
        let mut passed = 0;
        while let Some(piece) = self.piece().await? {
            passed += piece.len();
        }
        Ok(passed)
    }
}

impl From<multer::Error> for FormError {
    fn from(error: multer::Error) -> Self {
        use multer::Error;
        if matches!(error, Error::IncompleteStream | Error::IncompleteFieldData { .. }) {
            return Self::Incomplete;
        }
        let Error::StreamReadFailed(source) = error else {
            return Self::Malformed(error);
        };
        match source.downcast::<PacedError>().map(|paced| *paced) {
            Ok(PacedError::Refused(error)) => Self::Body(error),
            Ok(PacedError::NoProgress) => Self::NoProgress,
            Err(source) => Self::Malformed(Error::StreamReadFailed(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream;

    use super::*;

    const PIECE: usize = 16 * 1024;

    /// A body in pieces, and how much of it was taken.
    fn form(pieces: impl IntoIterator<Item = Vec<u8>>) -> (Form, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = taken.clone();
        let pieces: Vec<Vec<u8>> = pieces.into_iter().collect();
        let body = stream::iter(pieces).map(move |piece| {
            counted.fetch_add(piece.len(), Ordering::Relaxed);
            Ok(Bytes::from(piece))
        });
        (Form::new(body.boxed(), "B".to_owned()), taken)
    }

    fn large(head: &str) -> Vec<Vec<u8>> {
        let mut pieces = vec![head.as_bytes().to_vec()];
        pieces.extend(vec![vec![b'x'; PIECE]; 1000]);
        pieces.push(b"\r\n--B--\r\n".to_vec());
        pieces
    }

    #[tokio::test]
    async fn a_large_file_is_held_a_piece_or_two_at_a_time() {
        let head = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n";
        let (mut form, taken) = form(large(head));
        let mut part = form.next().await.unwrap().unwrap();
        assert_eq!((part.name(), part.file_name()), (Some("f"), Some("a")));
        let mut total = 0;
        while let Some(piece) = part.piece().await.unwrap() {
            assert!(piece.len() <= 2 * PIECE);
            total += piece.len();
            assert!(taken.load(Ordering::Relaxed) - total <= 2 * PIECE);
        }
        assert_eq!(total, 1000 * PIECE);
        drop(part);
        assert!(form.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn headers_without_end_are_refused() {
        let (mut form, taken) = form(large("--B\r\nContent-Disposition: "));
        assert!(matches!(form.next().await.err(), Some(FormError::NoProgress)));
        assert!(taken.load(Ordering::Relaxed) <= 6 * PIECE);
    }

    #[tokio::test]
    async fn many_small_parts_are_not_read_ahead_of() {
        let part = "--B\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx\r\n";
        let (mut form, taken) = form(vec![part.repeat(PIECE / part.len()).into_bytes(); 64]);
        let mut read = 0;
        while let Ok(Some(mut field)) = form.next().await {
            field.pass_over().await.ok();
            read += part.len();
            let ahead = taken.load(Ordering::Relaxed).saturating_sub(read);
            assert!(ahead <= 2 * PIECE, "{ahead} bytes ahead");
        }
        assert_eq!(read, 64 * (PIECE / part.len()) * part.len());
    }

    #[tokio::test]
    async fn a_part_without_headers_does_not_swallow_the_next() {
        let next =
            "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nbytes\r\n--B--\r\n";
        let (mut form, _) = form([format!("--B\r\n\r\nx\r\n{next}").into_bytes()]);
        assert!(matches!(form.next().await.err(), Some(FormError::NoHeaders)));
    }

    #[tokio::test]
    async fn a_name_in_quotes_is_no_parameter() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"a; filename=b\"\r\n\r\nx\r\n--B--\r\n";
        let (mut form, _) = form([body.as_bytes().to_vec()]);
        let part = form.next().await.unwrap().unwrap();
        assert_eq!((part.name(), part.file_name()), (Some("a; filename=b"), None));
    }

    #[tokio::test]
    async fn a_part_that_was_left_is_read_past_and_a_text_has_a_bound() {
        let disposition = "Content-Disposition: form-data; name=\"f\"\r\n\r\n";
        let body = format!("--B\r\n{disposition}long\r\n--B\r\n{disposition}long\r\n--B--\r\n");
        let (mut form, _) = form(body.bytes().map(|byte| vec![byte]));
        drop(form.next().await.unwrap());
        let mut second = form.next().await.unwrap().unwrap();
        assert_eq!(second.text(3).await.unwrap(), "lon");
        drop(second);
        assert!(form.next().await.unwrap().is_none());
    }
}
