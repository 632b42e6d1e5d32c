//! A new password by a link that was mailed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::secret::{Password, Token};
use crate::http::App;
use crate::http::body::Body;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::{Peer, signed_in_cookie};
use crate::http::me::Me;
use crate::store::accounts::{AccountError, Email};
use crate::store::{accounts_entry, ways_in};

/// When a queue of links is worked off, roughly.
const BUSY_S: u64 = 60;

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ForgotRequest {
    pub email: String,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ResetRequest {
    /// From the link `/reset#<token>` that was mailed; works once, for an hour.
    #[schema(value_type = String)]
    pub token: Token,
    /// At least 8 characters.
    #[schema(value_type = String, format = "password")]
    pub password: Password,
}

/// Mails a link for a new password, if there is such an account; the answer is the same if there is none. Public.
#[utoipa::path(post, path = "/api/v1/password/forgot", operation_id = "forgot_password", tag = "accounts", security(()), request_body = ForgotRequest,
    responses(
        (status = 202, description = "If the address has an account, a mail is on its way."),
        (status = 409, body = ErrorBody, description = "`no_mail`: this server sends no mail."),
        (status = 422, body = ErrorBody, description = "`bad_email`."),
        (status = 429, body = ErrorBody, description = "Too many attempts; `Retry-After` says when.")))]
pub(in crate::http) async fn forgot(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    Body(request): Body<ForgotRequest>,
) -> ApiResult<StatusCode> {
    let email: Email = request.email.parse()?;
    let forgotten = app.forgotten.as_ref().ok_or_else(|| {
        ApiError::conflict(
            "no_mail",
            "This server sends no mail. `fieldpost user reset` on the server sets a new password.",
        )
    })?;
    app.login_limits.attempt_as(ip, email.as_str())?;
    forgotten.wish(email).map_err(|_| ApiError::too_many(BUSY_S))?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets a new password by a link that was mailed, ends every sign-in, and signs in. Public; needs the link's token.
#[utoipa::path(post, path = "/api/v1/password/reset", operation_id = "reset_password", tag = "accounts", security(()), request_body = ResetRequest,
    responses(
        (status = 200, body = Me, description = "Signed in by the cookie that was set."),
        (status = 403, body = ErrorBody, description = "`link_invalid`: used, older than an hour, or never existed."),
        (status = 422, body = ErrorBody, description = "`bad_password`."),
        (status = 429, body = ErrorBody)))]
pub(in crate::http) async fn reset(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    Body(request): Body<ResetRequest>,
) -> ApiResult<impl IntoResponse> {
    app.login_limits.attempt(ip)?;
    let link = request.token.digest();
    if !ways_in::reset_is_open(&app.store, &link).await? {
        return Err(AccountError::LinkInvalid.into());
    }
    let phc = app.passwords.hash(request.password).await?;
    let cookie = Token::generate();
    ways_in::set_password(&app.store, link, phc, cookie.digest()).await?;
    let member = accounts_entry::signed_in(&app.store, &cookie.digest())
        .await?
        .ok_or_else(ApiError::unauthorized)?;
    let me = Me {
        email: member.email,
        role: member.role,
    };
    Ok(([(header::SET_COOKIE, signed_in_cookie(&app, &cookie)?)], Json(me)))
}
