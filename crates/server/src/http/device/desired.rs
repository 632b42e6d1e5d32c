//! What a device should be, as it asks for it, and what it says became of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::body;
use super::sender::Itself;
use crate::desired::{Course, Networks, SealKey};
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::store::desired::{self, Ack};
use crate::store::desired_commands::{self, Command, Ended};

/// 32 commands with their details.
const ACK_BYTES_MAX: usize = 32 * 1024;
/// More than can be queued.
const ACK_COMMANDS_MAX: usize = 32;
/// A sentence or two.
const WORDS_CHARS_MAX: usize = 500;

/// What the device should be. It applies all of it or nothing, and says which by `POST /api/v1/device/desired/ack`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceDesired {
    /// 0 while nothing was ever wanted. Another one than the device is at: there is something new.
    pub version: i64,
    /// Flat; names and meaning are the device's own.
    #[schema(value_type = Object)]
    pub settings: Box<RawValue>,
    pub track: Option<Course>,
    pub networks: Networks,
    /// Those that wait, oldest first. They are given out until they are acknowledged or expire: a device notes the id of
    /// what it begins, and does none twice.
    pub commands: Vec<CommandForDevice>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandForDevice {
    pub id: String,
    /// `sync`, `restart`, `identify`, `send_logs`; acknowledge one that is not known with `done` false.
    pub kind: &'static str,
    /// RFC 3339.
    pub expires_at: String,
}

impl From<Command> for CommandForDevice {
    fn from(command: Command) -> Self {
        Self {
            id: command.id.to_string(),
            kind: command.kind.as_str(),
            expires_at: command.expires_at.to_string(),
        }
    }
}

/// What the device that asks should be. With `If-None-Match` and the `ETag` of the answer before, 304 while nothing has
/// changed.
#[utoipa::path(get, path = "/api/v1/device/desired", operation_id = "device_desired", tag = "device",
    params(("If-None-Match" = Option<String>, Header, description = "`ETag` of the answer before")),
    responses((status = 200, body = DeviceDesired, headers(("ETag" = String, description = "Changes with the answer."))),
        (status = 304, description = "Nothing has changed."), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "`devices_only`.")))]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    itself: Itself,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let Itself { tenant, device } = itself;
    let desired = desired::find(&app.store, tenant, device).await?;
    let commands = desired_commands::list(&app.store, tenant, device, false).await?;
    let track = desired.track.as_deref().map(serde_json::from_str).transpose();
    let answer = DeviceDesired {
        version: desired.version,
        settings: RawValue::from_string(desired.settings).map_err(|error| ApiError::internal(&error))?,
        track: track.map_err(|error| ApiError::internal(&error))?,
        networks: desired.networks,
        commands: commands.into_iter().map(CommandForDevice::from).collect(),
    };
    let text = serde_json::to_vec(&answer).map_err(|error| ApiError::internal(&error))?;
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&text)[..16]));
    let about = [
        (
            header::ETAG,
            HeaderValue::from_str(&tag).map_err(|error| ApiError::internal(&error))?,
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        ),
    ];
    if names(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok((about, [json], text).into_response())
}

/// Whether `If-None-Match` names this tag (RFC 9110, 13.1.2: weakly compared).
fn names(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH);
    lists
        .iter()
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == "*" || one == tag)
}

/// What became of a version and of commands.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AckRequest {
    /// The version this is about.
    pub version: i64,
    /// Whether the device is now what that version says.
    pub applied: bool,
    /// Why not, in a sentence; 500 characters are kept.
    pub error: Option<String>,
    /// 32 at most.
    pub commands: Option<Vec<CommandEnded>>,
    /// The device's P-256 public key for sealed networks: 65 bytes, uncompressed, as base64url.
    pub seal_key: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CommandEnded {
    pub id: String,
    pub done: bool,
    /// 500 characters are kept.
    pub detail: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AckAnswer {
    /// The version that the device should be now.
    pub version: i64,
    /// The newest that it said it is.
    pub applied_version: i64,
}

/// Says what became of a version and of commands. Saying it again, or of an older version or of a command that ended or is
/// not known, changes nothing.
#[utoipa::path(post, path = "/api/v1/device/desired/ack", operation_id = "ack_desired", tag = "device", request_body = AckRequest,
    responses((status = 200, body = AckAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "`devices_only`."), (status = 411, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "`wrong_shape`, `too_many_commands`, `bad_seal_key`."), (status = 507, body = ErrorBody)))]
pub(crate) async fn ack(
    State(app): State<Arc<App>>,
    itself: Itself,
    request: Request,
) -> ApiResult<Json<AckAnswer>> {
    let bytes = body::read(request, ACK_BYTES_MAX).await?;
    let said: AckRequest = serde_json::from_slice(&bytes).map_err(|error| misread(&error))?;
    let ack = understood(said)?;
    let desired = desired::ack(&app.store, itself.tenant, itself.device, ack).await?;
    Ok(Json(AckAnswer {
        version: desired.version,
        applied_version: desired.applied_version,
    }))
}

fn misread(error: &serde_json::Error) -> ApiError {
    let place = format!("line {} column {}", error.line(), error.column());
    if error.is_data() {
        let message = format!(
            "An acknowledgement is {{\"version\", \"applied\", \"error\"?, \"commands\": [{{\"id\", \"done\", \"detail\"?}}]}}; \
             this one is not, at {place}."
        );
        return ApiError::unprocessable("wrong_shape", message);
    }
    ApiError::bad_request(
        "malformed_json",
        format!("The body is not valid JSON at {place}."),
    )
}

fn understood(said: AckRequest) -> ApiResult<Ack> {
    let commands = said.commands.unwrap_or_default();
    if commands.len() > ACK_COMMANDS_MAX {
        let message = format!(
            "At most {ACK_COMMANDS_MAX} commands are taken at once; send the others in another request."
        );
        return Err(ApiError::unprocessable("too_many_commands", message));
    }
    let seal_key = said.seal_key.as_deref().map(SealKey::parse).transpose()?;
    let refused =
        (!said.applied).then(|| words(said.error.as_deref()).unwrap_or_else(|| "no reason given".to_owned()));
    // An id that is none was never given out.
    let ended = commands.into_iter().filter_map(|command| {
        Some(Ended {
            id: command.id.parse().ok()?,
            done: command.done,
            detail: words(command.detail.as_deref()),
        })
    });
    Ok(Ack {
        version: said.version,
        refused,
        commands: ended.collect(),
        seal_key,
    })
}

/// What a device writes, cut, as PostgreSQL can keep it.
fn words(text: Option<&str>) -> Option<String> {
    let plain = text?.chars().filter(|c| !c.is_control());
    let cut: String = plain.take(WORDS_CHARS_MAX).collect();
    (!cut.is_empty()).then_some(cut)
}
