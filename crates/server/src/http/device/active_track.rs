use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::sender::Itself;
use crate::desired::Course;
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::store::desired;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveTrack {
    /// Always true.
    pub success: bool,
    /// `null` while nobody has set one.
    pub track: Option<Course>,
    /// The version that has it.
    pub desired_version: i64,
}

/// The track that people set for the device that asks; the address that existing loggers know. It is a part of what
/// `GET /api/v1/device/desired` answers.
#[utoipa::path(get, path = "/api/device/active_track", operation_id = "active_track", tag = "device",
    responses((status = 200, body = ActiveTrack), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "`devices_only`.")))]
pub(crate) async fn active_track(
    State(app): State<Arc<App>>,
    itself: Itself,
) -> ApiResult<Json<ActiveTrack>> {
    let desired = desired::find(&app.store, itself.tenant, itself.device).await?;
    let track = desired.track.as_deref().map(serde_json::from_str).transpose();
    Ok(Json(ActiveTrack {
        success: true,
        track: track.map_err(|error| ApiError::internal(&error))?,
        desired_version: desired.version,
    }))
}
