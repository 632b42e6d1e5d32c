use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use telemetry::model::DeclaredLap;
use telemetry::report::Lap;
use utoipa::ToSchema;

use super::{report, visible};
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::SessionReader;

/// The part of a report that a lap table needs, passed on as it is stored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LapTable {
    /// Computed from the positions.
    #[schema(value_type = Vec<Lap>)]
    pub laps: Box<RawValue>,
    /// As the file itself declares them.
    #[schema(value_type = Vec<DeclaredLap>)]
    pub declared_laps: Box<RawValue>,
    pub best_ms: Option<f64>,
    pub rolling_best_ms: Option<f64>,
    pub theoretical_best_ms: Option<f64>,
    pub achievable_best_ms: Option<f64>,
    pub consistency_ms: Option<f64>,
}

/// The lap table of an analysed session.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/laps", operation_id = "session_laps", tag = "sessions",
    params(("id" = String, Path, description = "Session id")),
    responses((status = 200, body = LapTable), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`not_ready` or `analysis_failed`.")))]
pub(crate) async fn laps(
    State(app): State<Arc<App>>,
    reader: SessionReader,
    Path(id): Path<String>,
) -> ApiResult<Json<LapTable>> {
    let session = visible(&app, reader, &id).await?;
    let report = report(&app, reader, &session).await?;
    serde_json::from_str(&report)
        .map(Json)
        .map_err(|error| ApiError::internal(&error))
}
