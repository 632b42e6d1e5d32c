//! Claim codes: short words that a person types into a device, which exchanges one for its token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::devices_admin::{DeviceKey, DeviceName};
use super::error::{ApiResult, ErrorBody};
use super::identity::{Editor, Peer};
use crate::auth::secret::{ClaimCode, Token};
use crate::store::claims;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshCode {
    /// Ten characters in two groups, shown this once. Case and dashes do not matter when it is typed.
    #[schema(example = "7QK2M-X4ZPA")]
    pub code: String,
    /// RFC 3339 in UTC.
    pub expires_at: String,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct ClaimRequest {
    #[schema(value_type = String)]
    pub code: ClaimCode,
}

/// Makes a code with which one device may come in, once, within 15 minutes.
#[utoipa::path(post, path = "/api/v1/devices/claim-codes", operation_id = "make_claim_code", tag = "devices", security(("cookie" = []), ("person" = [])), request_body = DeviceName,
    responses((status = 201, body = FreshCode), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`too_many`: 50 codes of the team wait."),
        (status = 422, body = ErrorBody, description = "`bad_name`.")))]
pub(super) async fn make(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Body(request): Body<DeviceName>,
) -> ApiResult<(StatusCode, Json<FreshCode>)> {
    let code = ClaimCode::generate();
    let expires_at = claims::add(&app.store, &member, &request.name, code.digest()).await?;
    let fresh = FreshCode {
        code: code.expose(),
        expires_at: expires_at.to_string(),
    };
    Ok((StatusCode::CREATED, Json(fresh)))
}

/// Exchanges a claim code for a device's id and token. Public; whoever has the code is the device.
#[utoipa::path(post, path = "/api/v1/devices/claim", operation_id = "claim_device", tag = "devices", security(()), request_body = ClaimRequest,
    responses((status = 201, body = DeviceKey),
        (status = 403, body = ErrorBody, description = "`code_invalid`: used, older than 15 minutes, or never existed."),
        (status = 429, body = ErrorBody, description = "Too many attempts; `Retry-After` says when.")))]
pub(super) async fn claim(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    Body(request): Body<ClaimRequest>,
) -> ApiResult<(StatusCode, Json<DeviceKey>)> {
    app.login_limits.attempt(ip)?;
    let token = Token::generate();
    let (device, name) = claims::exchange(&app.store, request.code.digest(), token.digest()).await?;
    Ok((
        StatusCode::CREATED,
        Json(DeviceKey::new(&app, device, name, &token)),
    ))
}
