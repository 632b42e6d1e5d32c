//! Wrong tokens and keys are bounded by the address that they come from, before anybody looks them up.
//!
//! The machine's own address is not: behind a proxy that the server was not told of (`--trusted-proxy`) everybody has it,
//! and one guesser would hold up every device that has not been heard since the start.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::error::ApiError;
use super::keyed::PathKey;
use super::origin::Origin;

/// Around every request that presents a token or has a key in its path.
pub(super) async fn bounded(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let origin = request.extensions().get::<Origin>().copied();
    let (Some(origin), Some(presented)) = (
        origin.filter(|origin| !origin.ip.is_loopback()),
        presented(&request),
    ) else {
        return next.run(request).await;
    };
    if let Err(too_many) = app.auth_failures.may_try(origin.ip, presented) {
        return ApiError::too_many(too_many.retry_after_s)
            .closing()
            .into_response();
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        app.auth_failures.failed(origin.ip);
    }
    response
}

/// The key in the path counts, whatever else is presented, as in `identity`.
fn presented(request: &Request) -> Option<&str> {
    if let Some(key) = request.extensions().get::<PathKey>() {
        return Some(key.expose());
    }
    let value = request.headers().get(header::AUTHORIZATION)?;
    let text = value.to_str().unwrap_or_default();
    Some(text.split_once(' ').map_or(text, |(_, token)| token).trim())
}
