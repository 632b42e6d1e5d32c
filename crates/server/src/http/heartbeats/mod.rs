//! Heartbeats come in: one or an array, each with its own result, answered once all that is said to be stored is durable.
//!
//! Which device a heartbeat is about is decided here: a device speaks for itself, whatever name it gives; a member of the
//! team, and the holder of a fleet key, send heartbeats of devices that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::device::body;
use super::error::{ApiError, ApiResult, ErrorBody, ErrorDetail};
use super::fleet::Caller;
use crate::store::fleet::Named;
use crate::store::uptime::{Heard, Kept};
use crate::store::{DeviceId, TenantId, crashes, devices_state};
use crate::uptime::{BadBody, BadHeartbeat, Batch, Heartbeat, parse};

/// 1 000 heartbeats of 512 bytes.
const BODY_BYTES_MAX: usize = 512 * 1024;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeartbeatsAnswer {
    /// Whether everything was stored.
    pub success: bool,
    /// In the order in which they were sent.
    pub results: Vec<HeartbeatResult>,
    /// What the device should be: when it is another one than the device is, `GET /api/v1/device/desired` says what is new.
    /// Left out for people who carry heartbeats, and for an array by a fleet key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_version: Option<i64>,
}

/// What became of one heartbeat.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeartbeatResult {
    /// Durable, whether it is counted or not. A sender keeps what is not stored.
    pub stored: bool,
    /// `b:<boot epoch>:<boot number>` or `s:<session start>`.
    pub session: Option<String>,
    /// The longest run of the session that is believed, in seconds: what is up to it need not be sent again.
    pub run_seconds: Option<i64>,
    /// This run is within the hours. False for suspect ones and while the session's start is not known.
    pub counted: bool,
    /// Why this run is stored and not counted: `negative`, `over_thirty_days`, `longer_than_possible`, `clock_unset`.
    pub suspect: Option<&'static str>,
    pub error: Option<ErrorDetail>,
}

/// One heartbeat of an uptime logger, for the API document; `docs/formats/heartbeat.md` has all of it.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body in the OpenAPI document")]
pub(crate) struct HeartbeatBody {
    pub run_seconds: f64,
    pub session_start: Option<TextOrNumber>,
    pub boot_epoch: Option<TextOrNumber>,
    pub boot_number: Option<u64>,
    pub start_revision: Option<u64>,
    pub last_update: Option<TextOrNumber>,
    pub status: Option<String>,
    pub device_uuid: Option<String>,
    /// Of the boot before: `{reason, firmware?, uptime_s?, boot?, detail?}`.
    #[schema(value_type = Option<Object>)]
    pub crash: Option<serde_json::Value>,
}

/// A moment is RFC 3339, Unix seconds or Unix milliseconds.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the body in the OpenAPI document")]
pub(crate) enum TextOrNumber {
    Text(String),
    Number(f64),
}

/// The one or many that a body is.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the body in the OpenAPI document")]
pub(crate) enum HeartbeatsBody {
    One(HeartbeatBody),
    Many(Vec<HeartbeatBody>),
}

/// Stores heartbeats of uptime loggers; the address that existing ones know. The same as `/api/v1/heartbeats`.
#[utoipa::path(post, path = "/functions/v1/ingest", operation_id = "ingest_heartbeats", tag = "uptime",
    request_body(content = HeartbeatsBody, content_type = "application/json"),
    responses((status = 200, body = HeartbeatsAnswer, description = "What is said to be stored is durable."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 408, body = ErrorBody), (status = 411, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody), (status = 422, body = ErrorBody, description = "A single heartbeat that cannot be stored."),
        (status = 507, body = ErrorBody)))]
pub(crate) async fn ingest(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<HeartbeatsAnswer>> {
    store(&app, caller, request).await.map(Json)
}

/// Stores heartbeats: one object, or an array of at most 1 000 in which each has its own result. Sending them again or in
/// another order changes nothing.
#[utoipa::path(post, path = "/api/v1/heartbeats", operation_id = "send_heartbeats", tag = "uptime",
    request_body(content = HeartbeatsBody, content_type = "application/json"),
    responses((status = 200, body = HeartbeatsAnswer, description = "What is said to be stored is durable."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 408, body = ErrorBody), (status = 411, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 415, body = ErrorBody), (status = 422, body = ErrorBody, description = "A single heartbeat that cannot be stored."),
        (status = 507, body = ErrorBody)))]
pub(crate) async fn send(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> ApiResult<Json<HeartbeatsAnswer>> {
    store(&app, caller, request).await.map(Json)
}

async fn store(app: &App, caller: Caller, request: Request) -> ApiResult<HeartbeatsAnswer> {
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let (items, alone) = match parse(&bytes).map_err(|error| refused(&error))? {
        Batch::One(item) => (vec![item], true),
        Batch::Many(items) => (items, false),
    };
    let about = About::find(app, caller, &items).await?;
    let mut heard = Vec::with_capacity(items.len());
    let mut aliases = BTreeSet::new();
    let mut said = Vec::new();
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        let ready = item
            .map_err(ApiError::from)
            .and_then(|item| about.device(&item).map(|device| (device, item)));
        let (device, mut heartbeat) = match ready {
            Ok(ready) => ready,
            Err(refusal) if alone => return Err(refusal),
            Err(refusal) => {
                results.push(Err(refusal));
                continue;
            }
        };
        tracing::debug!(%device, session = %heartbeat.key, run_s = heartbeat.run_s, msg_id = heartbeat.msg_id, "heartbeat");
        aliases.extend(about.alias(&heartbeat));
        said.extend(heartbeat.crash.take().map(|crash| (device, *crash)));
        results.push(Ok(heartbeat.run_s));
        heard.push(Heard { device, heartbeat });
    }
    // A device of a fleet that sends one at a time is told what it should be; an array may be of several.
    let only = heard
        .first()
        .filter(|_| alone && about.is_of_fleet())
        .map(|one| one.device);
    let kept = match heard.is_empty() {
        true => Vec::new(),
        false => app.intake.take(about.tenant(), heard, aliases).await?,
    };
    if !said.is_empty() {
        crashes::keep(&app.store, about.tenant(), said).await?;
    }
    let desired_version = match about.only_device().or(only) {
        Some(device) => Some(app.desired_versions.current(about.tenant(), device).await?),
        None => None,
    };
    Ok(answer(results, kept, desired_version))
}

fn refused(error: &BadBody) -> ApiError {
    match error {
        BadBody::NotJson(_) => ApiError::bad_request("malformed_json", error.to_string()),
        BadBody::TooMany(_) => ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_heartbeats",
            error.to_string(),
        ),
    }
}

impl From<BadHeartbeat> for ApiError {
    fn from(error: BadHeartbeat) -> Self {
        Self::unprocessable(error.code(), error.to_string())
    }
}

/// Which device heartbeats are about.
enum About {
    /// The sender itself.
    Itself(TenantId, DeviceId),
    /// Those that a member names, as far as the team has them.
    Named(TenantId, BTreeMap<String, DeviceId>),
    /// Those that the holder of a fleet key names.
    Fleet(TenantId, Named),
}

impl About {
    async fn find(app: &App, caller: Caller, items: &[Result<Heartbeat, BadHeartbeat>]) -> ApiResult<Self> {
        let names: BTreeSet<&String> = items
            .iter()
            .flatten()
            .filter_map(|item| item.device.as_ref())
            .collect();
        match caller {
            Caller::Fleet(fleet) => {
                let found = fleet.devices(app, names.into_iter().cloned().collect()).await?;
                Ok(Self::Fleet(fleet.tenant, found))
            }
            Caller::Known(sender) => match sender.device {
                Some(device) => Ok(Self::Itself(sender.tenant, device)),
                None => {
                    let known = devices_state::named(&app.store, sender.tenant, &names).await?;
                    Ok(Self::Named(sender.tenant, known))
                }
            },
        }
    }

    fn tenant(&self) -> TenantId {
        match self {
            Self::Itself(tenant, _) | Self::Named(tenant, _) | Self::Fleet(tenant, _) => *tenant,
        }
    }

    /// The device that speaks for itself.
    fn only_device(&self) -> Option<DeviceId> {
        match self {
            Self::Itself(_, device) => Some(*device),
            Self::Named(..) | Self::Fleet(..) => None,
        }
    }

    fn is_of_fleet(&self) -> bool {
        matches!(self, Self::Fleet(..))
    }

    fn device(&self, heartbeat: &Heartbeat) -> Result<DeviceId, ApiError> {
        if let Self::Itself(_, device) = self {
            return Ok(*device);
        }
        let name = heartbeat.device.as_ref().ok_or_else(|| {
            ApiError::unprocessable(
                "device_not_named",
                "Say which device this is of: `device_uuid` with its id or a name it was heard by.",
            )
        })?;
        let known = match self {
            Self::Itself(_, device) => Some(*device),
            Self::Named(_, known) => known.get(name).copied(),
            Self::Fleet(_, found) => found.get(name).copied().transpose()?,
        };
        known.ok_or_else(|| {
            ApiError::unprocessable(
                "unknown_device",
                format!("This team has no device with the id or the name `{name}`."),
            )
        })
    }

    /// The name that a device gives itself, if it is not its id.
    fn alias(&self, heartbeat: &Heartbeat) -> Option<(String, DeviceId)> {
        let (Self::Itself(_, device), Some(name)) = (self, &heartbeat.device) else {
            return None;
        };
        (!name.eq_ignore_ascii_case(&device.to_string())).then(|| (name.clone(), *device))
    }
}

/// `results` are runs of stored heartbeats, which `kept` is about in the same order, and refusals.
fn answer(
    results: Vec<Result<i64, ApiError>>,
    kept: Vec<Kept>,
    desired_version: Option<i64>,
) -> HeartbeatsAnswer {
    let success = results.iter().all(Result::is_ok);
    let mut kept = kept.into_iter();
    let result = |result: Result<i64, ApiError>| match result {
        Ok(run_s) => kept.next().map(|kept| stored(run_s, &kept)),
        Err(refusal) => Some(HeartbeatResult {
            stored: false,
            session: None,
            run_seconds: None,
            counted: false,
            suspect: None,
            error: Some(refusal.detail()),
        }),
    };
    HeartbeatsAnswer {
        success,
        results: results.into_iter().filter_map(result).collect(),
        desired_version,
    }
}

fn stored(run_s: i64, kept: &Kept) -> HeartbeatResult {
    let standing = kept.standing;
    let believed = (0..=standing.run_s).contains(&run_s);
    HeartbeatResult {
        stored: true,
        session: Some(kept.session.to_string()),
        run_seconds: Some(standing.run_s),
        counted: believed && standing.placed.is_some(),
        suspect: standing
            .suspect
            .filter(|_| !believed)
            .map(|suspect| suspect.reason.as_str()),
        error: None,
    }
}
