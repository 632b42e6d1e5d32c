use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::value::RawValue;
use telemetry::report::Report;
use utoipa::ToSchema;

use super::{SessionSummary, visible};
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::SessionReader;
use crate::store::sessions;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionDetail {
    #[serde(flatten)]
    pub session: SessionSummary,
    /// What the analysis found, word for word; `null` until the status is `ready`.
    #[schema(value_type = Option<Report>)]
    pub report: Option<Box<RawValue>>,
}

/// One session with the report of its analysis.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", operation_id = "show_session", tag = "sessions",
    params(("id" = String, Path, description = "Session id")),
    responses((status = 200, body = SessionDetail), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    reader: SessionReader,
    Path(id): Path<String>,
) -> ApiResult<Json<SessionDetail>> {
    let session = visible(&app, reader, &id).await?;
    let report = sessions::report(&app.store, reader.tenant, session.id).await?;
    let report = report
        .map(RawValue::from_string)
        .transpose()
        .map_err(|error| ApiError::internal(&error))?;
    Ok(Json(SessionDetail {
        session: session.into(),
        report,
    }))
}
