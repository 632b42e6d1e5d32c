use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::SessionSummary;
use crate::http::App;
use crate::http::body::Params;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::Reader;
use crate::store::sessions::{self, Cursor};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Sessions in one answer: 50 without it, 200 at most.
    pub limit: Option<u32>,
    /// `next` of the answer before.
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    pub sessions: Vec<SessionSummary>,
    /// Give it as `cursor` for the next older ones; `null` at the end.
    pub next: Option<String>,
}

/// The team's sessions, newest first; with a device's token, those of that device.
#[utoipa::path(get, path = "/api/v1/sessions", operation_id = "list_sessions", tag = "sessions", params(ListParams),
    responses((status = 200, body = SessionList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    reader: Reader,
    Params(params): Params<ListParams>,
) -> ApiResult<Json<SessionList>> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let after = params.cursor.as_deref().map(str::parse::<Cursor>).transpose();
    let after = after.map_err(|error| ApiError::bad_request("bad_cursor", error.to_string()))?;
    let (rows, next) = sessions::list(&app.store, reader.tenant, reader.only_device, after, limit).await?;
    let sessions = rows.into_iter().map(SessionSummary::from).collect();
    Ok(Json(SessionList {
        sessions,
        next: next.map(|cursor| cursor.to_string()),
    }))
}
