//! The body of `POST /api/upload` as a form, and the headers that its names and its boundary stand in.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use server::http::upload::form::{Form, FormError, boundary};
use server::http::upload::name::of_disposition;
use server::ingest::plain_name;

/// The server may take so much of a body while nothing comes out of it, and the piece that is one too many.
const WITHOUT_PROGRESS_BYTES_MAX: usize = 64 * 1024;
const PIECE_BYTES: usize = 16 * 1024;
/// Longer inputs are not read byte by byte: each byte has the parser look at all that it holds.
const BYTEWISE_MAX: usize = 2048;
/// Of a field's text.
const TEXT_BYTES_MAX: usize = 32;

/// The first byte says how the body is cut, the second where filler goes in, the first line is the `Content-Type`, or the
/// boundary is `B`. What comes out depends on no cut, nothing is read ahead, and written again it is the same form.
pub fn multipart(data: &[u8]) {
    let [cut, filler, rest @ ..] = data else { return };
    let (content_type, body) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) if end > 0 => (String::from_utf8_lossy(&rest[..end]), &rest[end + 1..]),
        Some(_) | None => ("multipart/form-data; boundary=B".into(), rest),
    };
    obeys(of_disposition(&content_type).as_deref());
    obeys(of_disposition(&String::from_utf8_lossy(body)).as_deref());
    let Some(boundary) = boundary(&content_type) else {
        return;
    };
    let whole = read(&boundary, vec![body.to_vec()]);
    let sizes = [usize::from(cut >> 4) + 1, usize::from(cut & 15) * 16 + 1];
    let pieces = read(&boundary, cut_up(body, sizes));
    assert_eq!(whole.form, pieces.form, "the form depends on the cut");
    if body.len() <= BYTEWISE_MAX {
        let bytes = read(&boundary, cut_up(body, [1, 1]));
        assert_eq!(whole.form, bytes.form, "the form depends on the cut");
        // A byte at a time shows how much of the body each event needs.
        for (needed, taken) in bytes.taken_at.iter().zip(&pieces.taken_at) {
            assert!(*taken < needed + sizes[0].max(sizes[1]), "the body is read ahead");
        }
    }
    for part in &whole.form.parts {
        obeys(part.file_name.as_deref());
    }
    if whole.form.end == End::Proper {
        let again = read(&boundary, vec![written(&boundary, &whole.form.parts)]);
        assert_eq!(whole.form, again.form, "written again it reads otherwise");
        texts_agree(&boundary, &whole.form.parts, cut_up(body, sizes));
    }
    let at = body.len() * usize::from(*filler) / 256;
    let (before, after) = body.split_at(at);
    let mut filled = vec![before.to_vec()];
    filled.extend(vec![vec![*filler; PIECE_BYTES]; 6]);
    filled.push(after.to_vec());
    read(&boundary, filled);
}

#[derive(Debug, PartialEq, Eq)]
struct Read {
    parts: Vec<Seen>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    name: Option<String>,
    file_name: Option<String>,
    /// `None` where the body ended within: how much of such a part comes out does depend on the cut.
    bytes: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Proper,
    /// Which error, and its words.
    Error(std::mem::Discriminant<FormError>, String),
}

/// A form that was read, and how much of its body was taken when each part began and ended.
struct Reading {
    form: Read,
    taken_at: Vec<usize>,
}

fn read(boundary: &str, pieces: Vec<Vec<u8>>) -> Reading {
    let taken = Arc::new(AtomicUsize::new(0));
    let at_progress = Arc::new(AtomicUsize::new(0));
    let mut form = counting(boundary, pieces, taken.clone(), at_progress.clone());
    let progress = || {
        let taken = taken.load(Relaxed);
        at_progress.store(taken, Relaxed);
        taken
    };
    let (mut parts, mut taken_at) = (Vec::new(), Vec::new());
    let reading = async {
        while let Some(mut part) = form.next().await? {
            taken_at.push(progress());
            parts.push(Seen {
                name: part.name().map(str::to_owned),
                file_name: part.file_name().map(str::to_owned),
                bytes: None,
            });
            let mut bytes = Vec::new();
            while let Some(piece) = part.piece().await? {
                progress();
                bytes.extend_from_slice(&piece);
            }
            taken_at.push(progress());
            if let Some(seen) = parts.last_mut() {
                seen.bytes = Some(bytes);
            }
        }
        Ok(())
    };
    let end = match reading
        .now_or_never()
        .expect("the parser waits for what is there")
    {
        Ok(()) => End::Proper,
        Err(error) => End::Error(std::mem::discriminant(&error), FormError::to_string(&error)),
    };
    Reading {
        form: Read { parts, end },
        taken_at,
    }
}

/// A form whose body says how much of it was taken, and fails when that is too much at once.
fn counting(
    boundary: &str,
    pieces: Vec<Vec<u8>>,
    taken: Arc<AtomicUsize>,
    at_progress: Arc<AtomicUsize>,
) -> Form {
    let body = stream::iter(pieces).map(move |piece| {
        let waiting = taken.load(Relaxed) - at_progress.load(Relaxed);
        assert!(waiting <= WITHOUT_PROGRESS_BYTES_MAX, "{waiting} bytes are held");
        taken.fetch_add(piece.len(), Relaxed);
        Ok(Bytes::from(piece))
    });
    Form::new(body.boxed(), boundary.to_owned())
}

/// Pieces of these two sizes in turn.
fn cut_up(mut body: &[u8], sizes: [usize; 2]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for size in sizes.into_iter().cycle() {
        if body.is_empty() {
            break;
        }
        let (piece, rest) = body.split_at(size.min(body.len()));
        pieces.push(piece.to_vec());
        body = rest;
    }
    pieces
}

/// A name is taken or not; one that is taken is a plain label.
fn obeys(name: Option<&str>) {
    let Some(Ok(plain)) = name.map(plain_name) else {
        return;
    };
    assert!(!plain.is_empty() && !plain.contains(['/', '\\']) && !plain.chars().any(char::is_control));
    assert_eq!(plain_name(plain).ok(), Some(plain));
}

/// The same form by a writer that knows only RFC 7578.
fn written(boundary: &str, parts: &[Seen]) -> Vec<u8> {
    let mut form = Vec::new();
    for part in parts {
        let mut disposition = String::from("form-data");
        if let Some(name) = &part.name {
            disposition += &quoted("name", name);
        }
        if let Some(name) = &part.file_name {
            disposition += &match name.chars().any(|c| c.is_control() && c != '\t') {
                true => percent_encoded(name),
                false => quoted("filename", name),
            };
        }
        form.extend(format!("--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n").bytes());
        form.extend(part.bytes.iter().flatten());
        form.extend(b"\r\n");
    }
    form.extend(format!("--{boundary}--\r\n").bytes());
    form
}

fn quoted(parameter: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("; {parameter}=\"{value}\"")
}

fn percent_encoded(name: &str) -> String {
    name.bytes()
        .fold("; filename*=UTF-8''".to_owned(), |mut text, byte| {
            let _ = write!(text, "%{byte:02X}");
            text
        })
}

/// A field's text is the beginning of its bytes.
fn texts_agree(boundary: &str, parts: &[Seen], pieces: Vec<Vec<u8>>) {
    let mut form = counting(boundary, pieces, Arc::default(), Arc::default());
    let reading = async {
        for seen in parts {
            let mut part = form.next().await?.expect("the part is there again");
            let text = part.text(TEXT_BYTES_MAX).await?;
            let bytes = seen.bytes.as_deref().unwrap_or_default();
            let beginning = &bytes[..bytes.len().min(TEXT_BYTES_MAX)];
            assert_eq!(text, String::from_utf8_lossy(beginning));
        }
        Ok::<_, FormError>(())
    };
    assert!(matches!(reading.now_or_never(), Some(Ok(()))));
}
