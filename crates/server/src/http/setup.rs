//! The first owner: made once, by whoever holds the link that was printed at start.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::{Peer, signed_in_cookie};
use super::me::Me;
use crate::auth::secret::{Password, Token};
use crate::store::accounts::{self, Email, Role};
use crate::store::accounts_entry;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SetupState {
    /// True until the first owner exists.
    pub needed: bool,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct SetupRequest {
    /// From the link `/setup#<token>` that the server printed at start; works once, for an hour.
    #[schema(value_type = String)]
    pub token: Token,
    pub email: String,
    /// At least 8 characters.
    #[schema(value_type = String, format = "password")]
    pub password: Password,
}

/// Whether the server still waits for its first owner. Public.
#[utoipa::path(get, path = "/api/v1/setup", operation_id = "setup_state", tag = "accounts", security(()), responses((status = 200, body = SetupState)))]
pub(super) async fn show(State(app): State<Arc<App>>) -> ApiResult<Json<SetupState>> {
    let needed = accounts::setup_needed(&app.store).await?;
    Ok(Json(SetupState { needed }))
}

/// Makes the first owner and signs them in. Public; needs the one-time setup token.
#[utoipa::path(post, path = "/api/v1/setup", operation_id = "set_up", tag = "accounts", security(()), request_body = SetupRequest,
    responses(
        (status = 200, body = Me, description = "The owner exists and is signed in by the cookie that was set."),
        (status = 403, body = ErrorBody, description = "`link_invalid`: used, older than an hour, or never existed."),
        (status = 422, body = ErrorBody, description = "`bad_email` or `bad_password`."),
        (status = 429, body = ErrorBody)))]
pub(super) async fn complete(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    Body(request): Body<SetupRequest>,
) -> ApiResult<impl IntoResponse> {
    app.login_limits.attempt(ip)?;
    let email: Email = request.email.parse()?;
    let link = request.token.digest();
    if !accounts_entry::setup_link_is_open(&app.store, &link).await? {
        return Err(accounts::AccountError::LinkInvalid.into());
    }
    let phc = app.passwords.hash(request.password).await?;
    let cookie = Token::generate();
    accounts_entry::complete_setup(&app.store, link, email.clone(), phc, cookie.digest()).await?;
    let me = Me {
        email: email.as_str().to_owned(),
        role: Role::Owner,
    };
    Ok(([(header::SET_COOKIE, signed_in_cookie(&app, &cookie)?)], Json(me)))
}

impl From<crate::auth::limits::TooMany> for ApiError {
    fn from(refusal: crate::auth::limits::TooMany) -> Self {
        Self::too_many(refusal.retry_after_s)
    }
}
