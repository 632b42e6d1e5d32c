use std::fmt::Display;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body;
use super::sender::Itself;
use crate::auth::secret::reads_like_a_secret;
use crate::crash::Crash;
use crate::desired::{BadWish, SealKey};
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::fleet::Caller;
use crate::store::crashes;
use crate::store::devices_state::{self, Ping};
use crate::uptime::{DEVICE_MEMBERS, device_name};

/// Some forty values with their names.
const PING_BYTES_MAX: usize = 4096;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PingAnswer {
    /// Always true.
    pub success: bool,
    /// The server's clock, for devices without one: RFC 3339.
    pub server_time: String,
    /// What the device should be: when it is another one than the device is, `GET /api/v1/device/desired` says what is new.
    pub desired_version: i64,
    /// What was not understood and why; left out where there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Ignored>,
}

/// A member of a ping that means something here and could not be read. Everything else was kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ignored {
    pub member: &'static str,
    pub message: String,
}

/// What a device says of itself every few seconds (`vbatt_sense`, `storage_sd_free`, …): any JSON object of at most 4 KiB,
/// kept as its last known state. A `device_uid` other than its id becomes an alias of it; a `crash` is kept as a breadcrumb;
/// `seal_key` is the key that networks are sealed for.
#[utoipa::path(post, path = "/api/device/ping", operation_id = "ping", tag = "device",
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, body = PingAnswer, description = "Kept."), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 408, body = ErrorBody),
        (status = 411, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 507, body = ErrorBody)))]
pub(crate) async fn ping(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<PingAnswer>> {
    if let Caller::Known(sender) = caller {
        Itself::of(sender)?;
    }
    let bytes = body::read(request, PING_BYTES_MAX).await?;
    let said: Value = serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        ApiError::bad_request(
            "malformed_json",
            format!("The body is not valid JSON at {place}."),
        )
    })?;
    let Value::Object(mut state) = said else {
        let message = "A ping is a JSON object: {\"device_uid\", \"vbatt_sense\", …}.";
        return Err(ApiError::unprocessable("not_an_object", message));
    };
    let itself = Itself::of(caller.named_by(&app, own_name(&state)).await?)?;
    let Itself { tenant, device } = itself;
    let mut ignored = Vec::new();
    let crash = Crash::in_members(&state);
    let crash = understood(crash, "crash", &mut ignored).flatten();
    let seal_key = seal_key(&state).transpose();
    without_secrets(&mut state);
    let ping = Ping {
        aliases: alias(&state, &itself).into_iter().collect(),
        seal_key: understood(seal_key, "seal_key", &mut ignored).flatten(),
        state: Value::Object(state).to_string(),
    };
    devices_state::keep_ping(&app.store, tenant, device, ping).await?;
    if let Some(crash) = crash {
        crashes::keep(&app.store, tenant, vec![(device, crash)]).await?;
    }
    Ok(Json(PingAnswer {
        success: true,
        server_time: app.store.now().to_string(),
        desired_version: app.desired_versions.current(tenant, device).await?,
        ignored,
    }))
}

/// What a device lets slip is neither kept nor shown.
fn without_secrets(state: &mut Map<String, Value>) {
    for (name, value) in state {
        if reads_like_a_secret(name, value.as_str()) {
            *value = Value::from("***");
        } else {
            within(value);
        }
    }
}

fn within(value: &mut Value) {
    match value {
        Value::Object(members) => without_secrets(members),
        Value::Array(items) => items.iter_mut().for_each(within),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A ping is taken whatever is odd about a member of it; the device is told.
fn understood<T, E: Display>(
    read: Result<T, E>,
    member: &'static str,
    ignored: &mut Vec<Ignored>,
) -> Option<T> {
    read.map_err(|error| {
        let message = error.to_string();
        ignored.push(Ignored { member, message });
    })
    .ok()
}

fn seal_key(state: &Map<String, Value>) -> Option<Result<SealKey, BadWish>> {
    match state.get("seal_key")? {
        Value::Null => None,
        Value::String(text) => Some(SealKey::parse(text)),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(Err(BadWish::SealKey)),
    }
}

fn own_name(state: &Map<String, Value>) -> Option<&Value> {
    DEVICE_MEMBERS
        .into_iter()
        .find_map(|name| state.get(name).filter(|said| !said.is_null()))
}

fn alias(state: &Map<String, Value>, itself: &Itself) -> Option<(String, crate::store::DeviceId)> {
    let name = device_name(own_name(state)?)?;
    (!name.eq_ignore_ascii_case(&itself.device.to_string())).then_some((name, itself.device))
}
