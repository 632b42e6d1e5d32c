use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body;
use super::sender::Itself;
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::store::devices_state;
use crate::uptime::device_name;

/// Some forty values with their names.
const PING_BYTES_MAX: usize = 4096;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PingAnswer {
    /// Always true.
    pub success: bool,
    /// The server's clock, for devices without one: RFC 3339.
    pub server_time: String,
}

/// What a device says of itself every few seconds (`vbatt_sense`, `storage_sd_free`, …): any JSON object of at most 4 KiB,
/// kept as its last known state. A `device_uid` other than its id becomes an alias of it.
#[utoipa::path(post, path = "/api/device/ping", operation_id = "ping", tag = "device",
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = PingAnswer, description = "Kept."), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 408, body = ErrorBody),
        (status = 411, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 507, body = ErrorBody)))]
pub(crate) async fn ping(
    State(app): State<Arc<App>>,
    itself: Itself,
    request: Request,
) -> ApiResult<Json<PingAnswer>> {
    let bytes = body::read(request, PING_BYTES_MAX).await?;
    let said: Value = serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        ApiError::bad_request(
            "malformed_json",
            format!("The body is not valid JSON at {place}."),
        )
    })?;
    let Value::Object(state) = said else {
        let message = "A ping is a JSON object: {\"device_uid\", \"vbatt_sense\", …}.";
        return Err(ApiError::unprocessable("not_an_object", message));
    };
    let aliases = alias(&state, &itself).into_iter().collect();
    devices_state::keep_ping(
        &app.store,
        itself.tenant,
        itself.device,
        Value::Object(state).to_string(),
        aliases,
    )
    .await?;
    Ok(Json(PingAnswer {
        success: true,
        server_time: app.store.now().to_string(),
    }))
}

fn alias(state: &Map<String, Value>, itself: &Itself) -> Option<(String, crate::store::DeviceId)> {
    let names = ["device_uid", "device_uuid", "device_id"];
    let said = names.into_iter().find_map(|name| state.get(name))?;
    let name = device_name(said)?;
    (!name.eq_ignore_ascii_case(&itself.device.to_string())).then_some((name, itself.device))
}
