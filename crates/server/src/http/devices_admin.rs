//! What people do to their team's devices: add, rename, give a new token, revoke, give to another team.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::{Editor, Owner};
use crate::auth::secret::Token;
use crate::store::accounts_devices;
use crate::store::audit::Actor;
use crate::store::{DeviceId, TenantId};

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct DeviceName {
    /// 1 to 100 characters.
    pub name: String,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct DeviceTransfer {
    /// The team that gets the device.
    pub team_id: String,
}

/// What a device needs to send. The token is shown this once; only its digest is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceKey {
    pub device_uuid: String,
    pub name: String,
    /// For `Authorization: Bearer <token>`.
    pub token: String,
    /// Where the server tells its public keys, with which receipts are checked.
    pub keys_url: String,
}

impl DeviceKey {
    pub(super) fn new(app: &App, device: DeviceId, name: String, token: &Token) -> Self {
        Self {
            device_uuid: device.to_string(),
            name,
            token: token.expose().to_owned(),
            keys_url: format!("{}/.well-known/fieldpost", app.public_url),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshToken {
    /// For `Authorization: Bearer <token>`; shown this once.
    pub token: String,
}

/// Adds a device to the team and shows its token, this once: for a phone that hands it on.
#[utoipa::path(post, path = "/api/v1/devices", operation_id = "add_device", tag = "devices", security(("cookie" = []), ("person" = [])), request_body = DeviceName,
    responses((status = 201, body = DeviceKey), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "`bad_name`.")))]
pub(super) async fn add(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Body(request): Body<DeviceName>,
) -> ApiResult<(StatusCode, Json<DeviceKey>)> {
    let token = Token::generate();
    let by = Actor::Person(member.email.clone());
    let device =
        accounts_devices::add_device(&app.store, &member, by, &request.name, None, token.digest()).await?;
    let name = request.name.trim().to_owned();
    Ok((
        StatusCode::CREATED,
        Json(DeviceKey::new(&app, device, name, &token)),
    ))
}

/// Gives a device another name.
#[utoipa::path(patch, path = "/api/v1/devices/{id}", operation_id = "rename_device", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Device id")), request_body = DeviceName,
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "`bad_name`.")))]
pub(super) async fn rename(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
    Body(request): Body<DeviceName>,
) -> ApiResult<StatusCode> {
    accounts_devices::rename(&app.store, &member, device_id(&id)?, &request.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a device: its tokens and ingest keys stop working at once, what it recorded stays.
#[utoipa::path(delete, path = "/api/v1/devices/{id}", operation_id = "revoke_device", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Device id")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    accounts_devices::revoke(&app.store, &member, device_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a device a new token, shown this once; the tokens and ingest keys before stop working.
#[utoipa::path(post, path = "/api/v1/devices/{id}/token", operation_id = "renew_device_token", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Device id")),
    responses((status = 201, body = FreshToken), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn renew_token(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
) -> ApiResult<(StatusCode, Json<FreshToken>)> {
    let token = Token::generate();
    accounts_devices::renew_token(&app.store, &member, device_id(&id)?, token.digest()).await?;
    let token = token.expose().to_owned();
    Ok((StatusCode::CREATED, Json(FreshToken { token })))
}

/// Gives a device with its tokens and ingest keys to another team. For whoever owns both; what it recorded so far stays with the old one.
#[utoipa::path(post, path = "/api/v1/devices/{id}/transfer", operation_id = "transfer_device", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Device id")), request_body = DeviceTransfer,
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "`owners_only`."),
        (status = 404, body = ErrorBody, description = "No such device here, or the caller does not own both teams.")))]
pub(super) async fn transfer(
    State(app): State<Arc<App>>,
    Owner(member): Owner,
    Path(id): Path<String>,
    Body(request): Body<DeviceTransfer>,
) -> ApiResult<StatusCode> {
    let to: TenantId = request
        .team_id
        .parse()
        .map_err(|_| ApiError::not_found("team that you own"))?;
    accounts_devices::transfer(&app.store, &member, device_id(&id)?, to).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn device_id(text: &str) -> ApiResult<DeviceId> {
    text.parse().map_err(|_| ApiError::not_found("device"))
}
