use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::DeviceSummary;
use crate::http::App;
use crate::http::body::Params;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::Reader;
use crate::store::devices_state_read::{self, DeviceCursor};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DevicesParams {
    /// Devices in one answer: 50 without it, 200 at most.
    pub limit: Option<u32>,
    /// `next` of the answer before.
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceList {
    pub devices: Vec<DeviceSummary>,
    /// Give it as `cursor` for the next ones; `null` at the end.
    pub next: Option<String>,
}

/// The team's devices by name; with a device's token, itself.
#[utoipa::path(get, path = "/api/v1/devices", operation_id = "list_devices", tag = "devices", params(DevicesParams),
    responses((status = 200, body = DeviceList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    reader: Reader,
    Params(params): Params<DevicesParams>,
) -> ApiResult<Json<DeviceList>> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let after = params
        .cursor
        .as_deref()
        .map(str::parse::<DeviceCursor>)
        .transpose();
    let after = after.map_err(|_| {
        ApiError::bad_request(
            "bad_cursor",
            "That is no cursor; give `next` of the answer before, or none.",
        )
    })?;
    let (devices, next) =
        devices_state_read::list(&app.store, reader.tenant, reader.only_device, after, limit).await?;
    let now = app.store.now();
    Ok(Json(DeviceList {
        devices: devices
            .into_iter()
            .map(|device| DeviceSummary::of(device, &app, now))
            .collect(),
        next: next.map(|cursor| cursor.to_string()),
    }))
}
