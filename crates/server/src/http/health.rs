//! Whether the process lives, and whether it can do its work.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ApiResult, ErrorBody};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    pub status: &'static str,
}

/// One block of a file system.
const PROBE_BYTES: usize = 4096;

const OK: Health = Health { status: "ok" };

/// The process lives. Public.
#[utoipa::path(get, path = "/healthz", operation_id = "live", tag = "health", security(()), responses((status = 200, body = Health)))]
pub(super) async fn live() -> Json<Health> {
    Json(OK)
}

/// The database answers and takes changes, and the data folder takes files. Public.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, body = ErrorBody)))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> ApiResult<Json<Health>> {
    app.store
        .probe_reading()
        .await
        .map_err(|error| not_ready("the database does not answer", &error))?;
    app.store
        .probe_writing()
        .await
        .map_err(|error| not_ready("the database takes no changes", &error))?;
    let (objects, name) = (app.objects.clone(), app.store.new_id());
    let staged = tokio::task::spawn_blocking(move || {
        let mut file = objects.stage(name)?;
        // A full disk still takes names; only bytes show that it is full.
        file.append(&[0; PROBE_BYTES])?;
        file.finish().map(drop)
    })
    .await;
    staged
        .map_err(|error| not_ready("the server is shutting down", &error))?
        .map_err(|error| not_ready("the data folder takes no files", &error))?;
    Ok(Json(OK))
}

fn not_ready(what: &str, error: &dyn std::error::Error) -> ApiError {
    tracing::warn!(%error, "not ready: {what}");
    ApiError::unavailable("not_ready", format!("Not ready: {what}; the log says why."))
}
