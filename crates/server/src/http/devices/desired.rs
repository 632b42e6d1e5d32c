//! What people want of a device: read, changed, and commands.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::visible;
use crate::desired::{BadWish, CommandKind, Course, CourseWish, NetworksWish, Settings, Wish};
use crate::http::App;
use crate::http::body::Body;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::{Editor, Person, Reader};
use crate::store::accounts::Member;
use crate::store::desired::{self, Desired};
use crate::store::desired_commands::{self, Command, State as CommandState};
use crate::store::{DeviceId, StoreError, TenantId, tracks};

/// 8 KiB of settings, ten boxes, a track of 16 splits, and what pretty printing adds.
const WISH_BYTES_MAX: usize = 48 * 1024;
/// A weekend's end is seldom further away.
const COMMAND_LIVES: Duration = Duration::from_secs(24 * 3600);
const COMMAND_LIVES_MAX_S: u64 = 7 * 24 * 3600;
const COMMAND_LIVES_MIN_S: u64 = 60;

/// What is wanted of a device, and how far it has followed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DesiredState {
    /// Rises with every change and every command; 0 while nothing was ever wanted.
    pub version: i64,
    #[schema(value_type = Object)]
    pub settings: Box<RawValue>,
    pub track: Option<Course>,
    pub networks: NetworksShown,
    /// Those that wait, and the newest of those that ended; oldest first.
    pub commands: Vec<DeviceCommand>,
    /// The newest version that the device says it is; 0 before it said so.
    pub applied_version: i64,
    /// RFC 3339.
    pub applied_at: Option<String>,
    /// A later version that it could not become, and why.
    pub failed: Option<DesiredFailed>,
    /// The P-256 public key that passwords of networks are sealed for: 65 bytes, uncompressed, as base64url; `null` until the
    /// device has said it.
    pub seal_key: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetworksShown {
    pub add: Vec<NetworkShown>,
    pub forget: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetworkShown {
    pub ssid: String,
    /// A sealed password is kept for it. It is never shown.
    pub password_set: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DesiredFailed {
    pub version: i64,
    /// RFC 3339.
    pub at: String,
    /// The device's own words.
    pub error: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceCommand {
    pub id: String,
    pub kind: CommandKind,
    /// `queued`, `done`, `failed` or `expired`.
    pub state: &'static str,
    /// E-mail address of who wanted it.
    pub made_by: String,
    /// RFC 3339.
    pub made_at: String,
    pub expires_at: String,
    pub ended_at: Option<String>,
    /// The device's own words.
    pub detail: Option<String>,
}

impl DeviceCommand {
    fn of(command: Command, now: jiff::Timestamp) -> Self {
        let expired = command.state == CommandState::Queued && command.expires_at <= now;
        Self {
            id: command.id.to_string(),
            kind: command.kind,
            state: if expired {
                "expired"
            } else {
                command.state.as_str()
            },
            made_by: command.made_by,
            made_at: command.made_at.to_string(),
            expires_at: command.expires_at.to_string(),
            ended_at: command.ended_at.map(|at| at.to_string()),
            detail: command.detail,
        }
    }
}

/// What is wanted, in place of all that was wanted before.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DesiredRequest {
    /// Flat: texts, numbers, booleans; 8 KiB at most, no secrets.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// `null` for none.
    pub track: Option<CourseWish>,
    pub networks: Option<NetworksWish>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CommandRequest {
    /// `sync`, `restart`, `identify` or `send_logs`.
    pub kind: String,
    /// 60 to 604 800; a day without it.
    pub expires_in_s: Option<u64>,
}

type Tagged<T> = ([(HeaderName, String); 1], Json<T>);

/// What is wanted of a device, and how far it has followed. `ETag` is for `If-Match` of a change.
#[utoipa::path(get, path = "/api/v1/devices/{id}/desired", operation_id = "show_desired", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Device id")),
    responses((status = 200, body = DesiredState, headers(("ETag" = String, description = "Changes with settings, track and networks."))),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Person(member): Person,
    Path(id): Path<String>,
) -> ApiResult<Tagged<DesiredState>> {
    let device = device_of(&app, &member, &id).await?;
    let desired = desired::find(&app.store, member.tenant, device).await?;
    shown(&app, member.tenant, device, desired).await
}

/// Says what is wanted of a device; the device learns of it with its next heartbeat.
#[utoipa::path(put, path = "/api/v1/devices/{id}/desired", operation_id = "change_desired", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Device id"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of what was read; another one by now: 412")),
    request_body = DesiredRequest,
    responses((status = 200, body = DesiredState), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 412, body = ErrorBody, description = "`changed_meanwhile`."),
        (status = 422, body = ErrorBody, description = "`bad_setting`, `secret_setting`, `settings_too_long`, `bad_track`, `unknown_track`, \
            `bad_coordinates`, `bad_network`, `bad_sealed`, `not_sealed`.")))]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(request): Body<DesiredRequest, WISH_BYTES_MAX>,
) -> ApiResult<Tagged<DesiredState>> {
    let device = device_of(&app, &member, &id).await?;
    let expected = expected(&headers)?;
    let wish = Wish {
        settings: Settings::parse(request.settings)?,
        track: match request.track {
            Some(track) => Some(course(&app, member.tenant, track).await?),
            None => None,
        },
        networks: request.networks.unwrap_or_default(),
    };
    let desired = desired::put(&app.store, &member, device, expected, wish).await?;
    app.desired_versions
        .changed(member.tenant, device, desired.version);
    shown(&app, member.tenant, device, desired).await
}

/// Tells a device to do something once; it learns of it with its next heartbeat.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands", operation_id = "command_device", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Device id")), request_body = CommandRequest,
    responses((status = 201, body = DeviceCommand), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`too_many_commands`."),
        (status = 422, body = ErrorBody, description = "`unknown_command`, `bad_expiry`.")))]
pub(crate) async fn command(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
    Body(request): Body<CommandRequest>,
) -> ApiResult<(StatusCode, Json<DeviceCommand>)> {
    let device = device_of(&app, &member, &id).await?;
    let kind = CommandKind::parse(&request.kind).ok_or_else(|| {
        let message = format!("There is no such command; there are {}.", CommandKind::NAMES);
        ApiError::unprocessable("unknown_command", message)
    })?;
    let lives = match request.expires_in_s {
        None => COMMAND_LIVES,
        Some(seconds @ COMMAND_LIVES_MIN_S..=COMMAND_LIVES_MAX_S) => Duration::from_secs(seconds),
        Some(_) => {
            let message =
                format!("A command waits for {COMMAND_LIVES_MIN_S} to {COMMAND_LIVES_MAX_S} seconds.");
            return Err(ApiError::unprocessable("bad_expiry", message));
        }
    };
    let (command, version) = desired_commands::queue(&app.store, &member, device, kind, lives).await?;
    app.desired_versions.changed(member.tenant, device, version);
    let shown = DeviceCommand::of(command, app.store.now());
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn device_of(app: &Arc<App>, member: &Member, id: &str) -> ApiResult<DeviceId> {
    let reader = Reader {
        tenant: member.tenant,
        only_device: None,
    };
    Ok(visible(app, reader, id).await?.device.id)
}

/// The version in `If-Match`; any will do where there is none, or `*`.
fn expected(headers: &HeaderMap) -> ApiResult<Option<i64>> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"')?.parse().ok());
    // A tag that was never given out is that of nothing there is.
    version.map(Some).ok_or_else(changed_meanwhile)
}

async fn course(app: &App, tenant: TenantId, wish: CourseWish) -> ApiResult<Course> {
    let Some(id) = wish.by_id()? else {
        return Ok(wish.by_lines()?);
    };
    let known = match id.parse() {
        Ok(track) => tracks::find(&app.store, tenant, track).await?,
        Err(_) => None,
    };
    Ok(known.ok_or_else(|| BadWish::UnknownTrack(id.to_owned()))?.into())
}

async fn shown(
    app: &App,
    tenant: TenantId,
    device: DeviceId,
    desired: Desired,
) -> ApiResult<Tagged<DesiredState>> {
    let commands = desired_commands::list(&app.store, tenant, device, true).await?;
    let (seal_key, now) = (
        desired::seal_key(&app.store, tenant, device).await?,
        app.store.now(),
    );
    let track = desired.track.as_deref().map(serde_json::from_str).transpose();
    let networks = desired.networks;
    let tag = [(header::ETAG, format!("\"{}\"", desired.put_version))];
    let state = DesiredState {
        version: desired.version,
        settings: RawValue::from_string(desired.settings).map_err(|error| ApiError::internal(&error))?,
        track: track.map_err(|error| ApiError::internal(&error))?,
        networks: NetworksShown {
            add: networks
                .add
                .into_iter()
                .map(|network| NetworkShown {
                    ssid: network.ssid,
                    password_set: true,
                })
                .collect(),
            forget: networks.forget,
        },
        commands: commands
            .into_iter()
            .map(|command| DeviceCommand::of(command, now))
            .collect(),
        applied_version: desired.applied_version,
        applied_at: desired.applied_at.map(|at| at.to_string()),
        failed: desired.failed.map(|failed| DesiredFailed {
            version: failed.version,
            at: failed.at.to_string(),
            error: failed.error,
        }),
        seal_key,
    };
    Ok((tag, Json(state)))
}

fn changed_meanwhile() -> ApiError {
    ApiError::new(
        StatusCode::PRECONDITION_FAILED,
        "changed_meanwhile",
        "Somebody else has changed this since it was read; read it again and change that.",
    )
}

impl From<BadWish> for ApiError {
    fn from(error: BadWish) -> Self {
        Self::unprocessable(error.code(), sentence(&error.to_string()))
    }
}

impl From<desired::DesiredError> for ApiError {
    fn from(error: desired::DesiredError) -> Self {
        match error {
            desired::DesiredError::NoSuchDevice => Self::not_found("device"),
            desired::DesiredError::Changed => changed_meanwhile(),
            desired::DesiredError::Bad(bad) => bad.into(),
            desired::DesiredError::TooManyCommands => {
                Self::conflict("too_many_commands", sentence(&error.to_string()))
            }
            desired::DesiredError::Store(error) => StoreError::into(error),
        }
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}
