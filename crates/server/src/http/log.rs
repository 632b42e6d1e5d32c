//! What the log says of a request: a span around all it does, and one line when it is answered.
//!
//! Method, path, status and time; never the query, a header or a body, which can hold what is secret. Paths that hold a
//! key or the token of a link are cut before it, whether such a route exists or not.

use std::borrow::Cow;
use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::keyed::PathKey;

/// First segments of paths that go on with something secret.
const BEFORE_A_SECRET: [&str; 3] = ["i", "link", "setup"];

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
    let inner = path.trim_start_matches('/');
    match inner.split_once('/') {
        Some((first, _)) if BEFORE_A_SECRET.contains(&first) => Cow::Owned(format!("/{first}/***")),
        Some(_) | None => Cow::Borrowed(path),
    }
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
        ] {
            assert_eq!(loggable(path), logged);
        }
    }
}
