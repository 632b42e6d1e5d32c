//! Where a request comes from and whether others could read it on its way: from the socket, or from what a trusted
//! proxy says of it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::error::ApiError;
use super::keyed::PathKey;
use crate::network::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The sender's address, and whether the connection to whoever speaks to the sender is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) ip: IpAddr,
    pub(super) encrypted: bool,
}

impl Origin {
    /// What the headers say counts only as far as each address before it is a trusted proxy's.
    pub(super) fn of(socket: IpAddr, encrypted: bool, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.contains(ip));
        let socket = socket.to_canonical();
        if !is_trusted(socket) {
            return Self {
                ip: socket,
                encrypted,
            };
        }
        let mut ip = socket;
        // The last one was written by the proxy nearest to us.
        for said in listed(headers, &FORWARDED_FOR).rev() {
            let Ok(said) = said.parse::<IpAddr>() else { break };
            ip = said.to_canonical();
            if !is_trusted(ip) {
                break;
            }
        }
        let scheme = listed(headers, &FORWARDED_PROTO).next_back();
        Self {
            ip,
            encrypted: scheme.map_or(encrypted, |scheme| scheme.eq_ignore_ascii_case("https")),
        }
    }
}

/// The entries of a header that may be there several times, each with several entries.
fn listed<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl DoubleEndedIterator<Item = &'h str> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    lines
        .into_iter()
        .flat_map(|line| line.split(',').map(str::trim).collect::<Vec<_>>())
}

/// What becomes of a request that anybody on its way could read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// The server is meant to be reached by plain HTTP, or its operator allows it.
    Taken,
    /// What changes something is refused. Behind a proxy that ends TLS and is not trusted every request looks plain, so
    /// reading goes on.
    ChangesRefused,
    /// The server ends TLS itself and is spoken to without: pages are sent to the right place.
    Redirected,
}

/// Ingest is never redirected: a small client would follow by a GET, or not at all, and lose what it sent.
pub(super) async fn encrypted_only(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let encrypted = request
        .extensions()
        .get::<Origin>()
        .is_some_and(|origin| origin.encrypted);
    if encrypted || app.plain == Plain::Taken {
        return next.run(request).await;
    }
    if !request.method().is_safe() {
        return ApiError::forbidden(
            "plain_http",
            format!(
                "This server takes data over HTTPS only: send to {} under the same path. If a proxy in front of it ends TLS, name the proxy's \
                 address with --trusted-proxy.",
                app.public_url
            ),
        )
        .closing()
        .into_response();
    }
    if app.plain == Plain::ChangesRefused {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let key = request.extensions().get::<PathKey>();
    let prefix = key.map(PathKey::prefix).unwrap_or_default();
    match HeaderValue::from_str(&format!("{}{prefix}{path}", app.public_url)) {
        Ok(place) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, place)]).into_response(),
        Err(error) => ApiError::internal(&error).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(socket: &str, headers: &[(&'static str, &'static str)]) -> (String, bool) {
        let trusted: Vec<Network> = ["127.0.0.1", "10.0.0.0/8"]
            .map(|text| text.parse().unwrap())
            .into();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let origin = Origin::of(socket.parse().unwrap(), false, &map, &trusted);
        (origin.ip.to_string(), origin.encrypted)
    }

    #[test]
    fn a_stranger_says_nothing_about_itself() {
        let said = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")];
        assert_eq!(origin("192.0.2.1", &said), ("192.0.2.1".to_owned(), false));
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_what_the_sender_wrote_before_it_is_not() {
        let said = [
            ("x-forwarded-for", "6.6.6.6, 198.51.100.7"),
            ("x-forwarded-for", "10.1.2.3"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-proto", "https"),
        ];
        assert_eq!(
            origin("::ffff:127.0.0.1", &said),
            ("198.51.100.7".to_owned(), true)
        );
        assert_eq!(
            origin("127.0.0.1", &[("x-forwarded-for", "rubbish")]),
            ("127.0.0.1".to_owned(), false)
        );
    }
}
