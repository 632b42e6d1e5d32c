//! Ingest keys in the path: `/i/<key>/<rest>` is the request for `/<rest>` of whoever holds the key.
//!
//! The key is taken out of the path before a route is looked for and goes on beside the request, as a type that does not
//! print. It says who asks, whatever `Authorization` or cookie comes along: clients that are given such an address often
//! send a header of their own that means nothing here. It opens what devices need and nothing else.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use crate::auth::secret::{Token, TokenDigest};

pub(super) const BEFORE_KEY: &str = "/i/";
/// What is reached with a key: these addresses, and what is below those that end in a slash.
const FOR_KEYS: [&str; 8] = [
    "/api/device/",
    "/api/upload",
    "/api/v1/device/",
    "/api/v1/heartbeats",
    "/api/v1/receipts/confirm",
    "/api/v1/uploads",
    "/api/v1/uploads/",
    "/functions/v1/ingest",
];
const PICTURES: &str = "/upload";

/// The key that stood before the path of a request.
#[derive(Debug, Clone)]
pub(super) struct PathKey(Token);

impl PathKey {
    pub(super) fn digest(&self) -> TokenDigest {
        self.0.digest()
    }

    /// For those who compare it, never for the log.
    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What stood before the path, for addresses that go back to the one who sent it.
    pub(super) fn prefix(&self) -> String {
        format!("{BEFORE_KEY}{}", self.0.expose())
    }
}

/// Around every request: takes the key out of the path.
pub(super) async fn take(mut request: Request, next: Next) -> Response {
    if let Some((key, rest)) = split(request.uri()) {
        *request.uri_mut() = rest;
        request.extensions_mut().insert(PathKey(key));
    }
    next.run(request).await
}

/// The key, and the address without it. More slashes than one after it are those of a base address that ends in one.
fn split(uri: &Uri) -> Option<(Token, Uri)> {
    let behind = uri.path().strip_prefix(BEFORE_KEY)?;
    let (key, rest) = behind.split_once('/').unwrap_or((behind, ""));
    let rest = rest.trim_start_matches('/');
    let asked = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("/{rest}{asked}")).ok()?);
    Some((Token::presented(key), Uri::from_parts(parts).ok()?))
}

/// A key opens nothing but what devices need; nobody learns here whether it is a good one.
pub(super) async fn ingest_only(request: Request, next: Next) -> Response {
    let with_key = request.extensions().get::<PathKey>().is_some();
    if with_key && !is_for_keys(request.uri().path()) {
        return ApiError::not_found("address under an ingest key; it takes what devices send")
            .closing()
            .into_response();
    }
    next.run(request).await
}

fn is_for_keys(path: &str) -> bool {
    path == PICTURES
        || FOR_KEYS.into_iter().any(|known| {
            path.strip_prefix(known)
                .is_some_and(|rest| rest.is_empty() != known.ends_with('/'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(uri: &str) -> Option<(String, String)> {
        let (key, rest) = split(&uri.parse().unwrap())?;
        Some((key.expose().to_owned(), rest.to_string()))
    }

    #[test]
    fn the_key_is_taken_out_of_the_path_and_the_rest_stays() {
        for (uri, key, rest) in [
            (
                "/i/KEY/api/upload?filename=a%20b.csv",
                "KEY",
                "/api/upload?filename=a%20b.csv",
            ),
            ("/i/KEY//api/upload", "KEY", "/api/upload"),
            ("/i/KEY", "KEY", "/"),
            ("/i//api/upload", "", "/api/upload"),
            ("https://host/i/KEY/upload", "KEY", "https://host/upload"),
            ("/i/KEY/i/OTHER/upload", "KEY", "/i/OTHER/upload"),
        ] {
            assert_eq!(parted(uri), Some((key.to_owned(), rest.to_owned())), "{uri}");
        }
        for uri in ["/", "/i", "/images/a.png", "/api/upload", "//i/KEY/upload"] {
            assert_eq!(parted(uri), None, "{uri}");
        }
    }

    #[test]
    fn a_key_opens_what_devices_need_and_nothing_else() {
        for path in [
            "/upload",
            "/api/upload",
            "/api/device/ping",
            "/api/v1/uploads",
            "/api/v1/uploads/x",
        ] {
            assert!(is_for_keys(path), "{path}");
        }
        for path in [
            "/",
            "/uploads",
            "/api/uploads",
            "/api/device/",
            "/api/v1/devices",
            "/api/v1/receipts",
            "/api/v1/me",
            "/i/OTHER/upload",
        ] {
            assert!(!is_for_keys(path), "{path}");
        }
    }
}
