//! Ingest keys by their people: made for a device or for a fleet, listed, ended; and devices of a fleet adopted.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::devices_admin::{DeviceName, device_id};
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::Editor;
use crate::auth::secret::Token;
use crate::store::audit::Actor;
use crate::store::fleet;
use crate::store::ingest_keys::{self, For, IngestKey};

/// Whose the key is to be: with nothing said, a new device's.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct IngestKeyRequest {
    /// For the team: whoever sends with it says which device it is, and unknown ones appear unassigned.
    #[serde(default)]
    pub fleet: bool,
    /// For a device of the team.
    pub device_id: Option<String>,
    /// For a new device of this name, 1 to 100 characters.
    pub name: Option<String>,
}

impl IngestKeyRequest {
    fn whose(self) -> ApiResult<For> {
        match (self.fleet, self.device_id, self.name) {
            (true, None, None) => Ok(For::Team),
            (false, Some(id), None) => Ok(For::Device(device_id(&id)?)),
            (false, None, name) => Ok(For::NewDevice(name)),
            (true, _, _) | (false, Some(_), Some(_)) => Err(ApiError::unprocessable(
                "one_owner",
                "A key is for the fleet, for a device that is there, or for a new one: send `fleet`, `device_id` or `name`.",
            )),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IngestKeyDetail {
    pub id: String,
    /// It is the team's, not one device's.
    pub fleet: bool,
    /// `null`: a fleet key.
    pub device_id: Option<String>,
    pub device_name: Option<String>,
    /// RFC 3339 in UTC.
    pub created_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshIngestKey {
    #[serde(flatten)]
    pub detail: IngestKeyDetail,
    /// `fpi_…`; shown this once.
    pub key: String,
    /// The address that the device is given in place of the server's: it ends in `/i/<key>`.
    pub base_url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IngestKeyList {
    /// Oldest first, 1 000 at most.
    pub keys: Vec<IngestKeyDetail>,
}

/// The team's ingest keys, without secrets.
#[utoipa::path(get, path = "/api/v1/ingest-keys", operation_id = "list_ingest_keys", tag = "devices", security(("cookie" = []), ("person" = [])),
    responses((status = 200, body = IngestKeyList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
) -> ApiResult<Json<IngestKeyList>> {
    let found = ingest_keys::list(&app.store, member.tenant).await?;
    let keys = found.into_iter().map(IngestKeyDetail::from).collect();
    Ok(Json(IngestKeyList { keys }))
}

/// Makes a key that stands in a path, for clients that cannot send headers, and shows it, this once.
#[utoipa::path(post, path = "/api/v1/ingest-keys", operation_id = "make_ingest_key", tag = "devices", security(("cookie" = []), ("person" = [])), request_body = IngestKeyRequest,
    responses((status = 201, body = FreshIngestKey), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No such device."),
        (status = 409, body = ErrorBody, description = "`too_many`: there are 1 000 in the team, or 10 of the device."),
        (status = 422, body = ErrorBody, description = "`bad_name` or `one_owner`.")))]
pub(super) async fn make(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Body(request): Body<IngestKeyRequest>,
) -> ApiResult<(StatusCode, Json<FreshIngestKey>)> {
    let key = Token::generate_ingest();
    let by = Actor::Person(member.email.clone());
    let made = ingest_keys::add(&app.store, &member, by, request.whose()?, key.digest()).await?;
    let fresh = FreshIngestKey {
        detail: made.into(),
        base_url: format!("{}/i/{}", app.public_url, key.expose()),
        key: key.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(fresh)))
}

/// Ends a key; its device stays.
#[utoipa::path(delete, path = "/api/v1/ingest-keys/{id}", operation_id = "revoke_ingest_key", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Id of the key, not the key")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = id.parse().map_err(|_| ApiError::not_found("ingest key"))?;
    ingest_keys::revoke(&app.store, &member, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an unassigned device in under a name; its own name goes on meaning it.
#[utoipa::path(post, path = "/api/v1/devices/{id}/adopt", operation_id = "adopt_device", tag = "devices", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Device id")), request_body = DeviceName,
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody, description = "`bad_name`.")))]
pub(super) async fn adopt(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
    Body(request): Body<DeviceName>,
) -> ApiResult<StatusCode> {
    fleet::adopt(&app.store, &member, device_id(&id)?, &request.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<IngestKey> for IngestKeyDetail {
    fn from(key: IngestKey) -> Self {
        Self {
            id: key.id.to_string(),
            fleet: key.device_id.is_none(),
            device_id: key.device_id.map(|device| device.to_string()),
            device_name: key.device_name,
            created_at: key.created_at.to_string(),
        }
    }
}
