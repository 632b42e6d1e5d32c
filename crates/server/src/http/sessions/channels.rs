use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use telemetry::report::ChannelInfo;
use utoipa::ToSchema;

use super::{report, visible};
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::SessionReader;

/// The part of a report that lists channels, passed on as it is stored.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ChannelList {
    #[schema(value_type = Vec<ChannelInfo>)]
    pub channels: Box<RawValue>,
}

/// The channels of an analysed session with unit, rate and provenance.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/channels", operation_id = "session_channels", tag = "sessions",
    params(("id" = String, Path, description = "Session id")),
    responses((status = 200, body = ChannelList), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`not_ready` or `analysis_failed`.")))]
pub(crate) async fn channels(
    State(app): State<Arc<App>>,
    reader: SessionReader,
    Path(id): Path<String>,
) -> ApiResult<Json<ChannelList>> {
    let session = visible(&app, reader, &id).await?;
    let report = report(&app, reader, &session).await?;
    serde_json::from_str(&report)
        .map(Json)
        .map_err(|error| ApiError::internal(&error))
}
