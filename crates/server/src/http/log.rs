//! What the log says of a request: a span around all it does, and one line when it is answered.
//!
//! Method, path, status and time; never the query, a header or a body, which can hold what is secret. Paths that hold a
//! key or the token of a link are cut before it, whether such a route exists or not, and what could be one is masked wherever
//! it stands.

use std::borrow::Cow;
use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::keyed::PathKey;

/// First segments of paths that go on with something secret.
const BEFORE_A_SECRET: [&str; 3] = ["i", "link", "setup"];
/// Names of our pages' files are shorter; keys and tokens are longer.
const PLAIN_CHARS_MAX: usize = 32;
const MASK: &str = "***";

/// Runs a request in its span. What changes something is a line at the default level; what only reads is not worth one
/// to an operator.
pub(super) async fn request(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = match request.extensions().get::<PathKey>() {
        Some(_) => Cow::Borrowed("/i/***"),
        None => loggable(request.uri().path()),
    };
    let span = tracing::info_span!("request", id = id_in(request.headers()), %method, %path);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| {
        if method.is_safe() {
            tracing::debug!(status, duration_ms, "answered");
        } else {
            tracing::info!(status, duration_ms, "answered");
        }
    });
    response
}

fn id_in(headers: &HeaderMap) -> &str {
    headers
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or("")
}

fn loggable(path: &str) -> Cow<'_, str> {
    let is_cut = |segment: &str| {
        BEFORE_A_SECRET
            .iter()
            .any(|known| segment.eq_ignore_ascii_case(known))
    };
    let mut segments = path.trim_start_matches('/').split('/').peekable();
    let mut shown = String::with_capacity(path.len());
    while let Some(segment) = segments.next() {
        shown.push('/');
        shown.push_str(if could_be_a_secret(segment) { MASK } else { segment });
        if is_cut(segment) && segments.peek().is_some() {
            shown.push('/');
            shown.push_str(MASK);
            break;
        }
    }
    if shown == path {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(shown)
    }
}

/// A mistyped address has its key anywhere: only ids are long in ours, and nothing is escaped.
fn could_be_a_secret(segment: &str) -> bool {
    let is_odd = segment.contains(['%', ';', ':', '@']);
    is_odd || (segment.len() > PLAIN_CHARS_MAX && Uuid::try_parse(segment).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_before_what_is_secret() {
        for (path, logged) in [
            ("/i/KEY/upload", "/i/***"),
            ("//i/KEY", "/i/***"),
            ("/link/TOKEN", "/link/***"),
            ("/setup/TOKEN/", "/setup/***"),
            ("/setup", "/setup"),
            ("/api/v1/setup", "/api/v1/setup"),
            ("/images/a.png", "/images/a.png"),
            ("/", "/"),
            ("/prefix/i/KEY/api/upload", "/prefix/i/***"),
            ("/x/../I/KEY", "/x/../I/***"),
            ("/i%2fKEY/api/upload", "/***/api/upload"),
            ("/%69/KEY-of-any-length", "/***/KEY-of-any-length"),
            ("/i;KEY", "/***"),
            (
                "/api/upload/fpi_8fPq3mYw0dZ1xJ7bT5uK2rN6vC4hL9sE",
                "/api/upload/***",
            ),
            (
                "/api/v1/sessions/01a1f8d3-ea00-738a-b4d5-c4b3ce8e7cf4/laps",
                "/api/v1/sessions/01a1f8d3-ea00-738a-b4d5-c4b3ce8e7cf4/laps",
            ),
        ] {
            assert_eq!(loggable(path), logged);
        }
    }
}
