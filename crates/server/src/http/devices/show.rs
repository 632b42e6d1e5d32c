use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{DeviceSummary, visible};
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::Reader;
use crate::store::crashes::{self, HeardCrash};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceDetails {
    pub device: DeviceSummary,
    /// Other names that it gives itself.
    pub aliases: Vec<String>,
    /// What it said of itself last (`POST /api/device/ping`), as it said it.
    #[schema(value_type = Option<Object>)]
    pub state: Option<Box<RawValue>>,
    /// When it said so, by the server's clock; RFC 3339.
    pub state_at: Option<String>,
    /// The newest first, 20 at most.
    pub crashes: Vec<DeviceCrash>,
    /// The P-256 public key that passwords of networks are sealed for: 65 bytes, uncompressed, as base64url.
    pub seal_key: Option<String>,
}

/// What it said of a crash.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceCrash {
    /// By the server's clock; RFC 3339.
    pub heard_at: String,
    /// `panic`, `watchdog`, `brownout`, …
    pub reason: String,
    /// Which boot ended so.
    pub boot: Option<String>,
    pub firmware: Option<String>,
    /// How long that boot had run.
    pub uptime_s: Option<i64>,
    pub detail: Option<String>,
}

impl From<HeardCrash> for DeviceCrash {
    fn from(HeardCrash { heard_at, crash }: HeardCrash) -> Self {
        Self {
            heard_at: heard_at.to_string(),
            reason: crash.reason,
            boot: Some(crash.boot).filter(|boot| !boot.is_empty()),
            firmware: crash.firmware,
            uptime_s: crash.uptime_s,
            detail: crash.detail,
        }
    }
}

/// One device with its last known state.
#[utoipa::path(get, path = "/api/v1/devices/{id}", operation_id = "show_device", tag = "devices",
    params(("id" = String, Path, description = "Device id")),
    responses((status = 200, body = DeviceDetails), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(id): Path<String>,
) -> ApiResult<Json<DeviceDetails>> {
    let found = visible(&app, reader, &id).await?;
    let crashes = crashes::list(&app.store, reader.tenant, found.device.id).await?;
    let state = found.ping.map(RawValue::from_string).transpose();
    Ok(Json(DeviceDetails {
        device: DeviceSummary::of(found.device, &app, app.store.now()),
        aliases: found.aliases,
        state: state.map_err(|error| ApiError::internal(&error))?,
        state_at: found.ping_at.map(|at| at.to_string()),
        crashes: crashes.into_iter().map(DeviceCrash::from).collect(),
        seal_key: found.seal_key,
    }))
}
