//! Signing in by password or one-time link, and out again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::{Peer, presented_cookie, signed_in_cookie, signed_out_cookie};
use super::me::Me;
use crate::auth::secret::{Password, Token, TokenDigest};
use crate::store::accounts::{self, Email};
use crate::store::accounts_entry;

#[derive(Deserialize, ToSchema)]
pub(super) struct LoginRequest {
    pub email: String,
    #[schema(value_type = String, format = "password")]
    pub password: Password,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct LinkRequest {
    /// From a one-time link `/link#<token>`; works once, for an hour.
    #[schema(value_type = String)]
    pub token: Token,
}

/// Signs in by e-mail address and password. Public.
#[utoipa::path(post, path = "/api/v1/session-cookie/login", operation_id = "sign_in", tag = "accounts", security(()), request_body = LoginRequest,
    responses(
        (status = 200, body = Me, description = "Signed in by the cookie that was set."),
        (status = 401, body = ErrorBody, description = "`wrong_login`: address or password is wrong; which, is not said."),
        (status = 429, body = ErrorBody, description = "Too many attempts; `Retry-After` says when.")))]
pub(super) async fn login(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    Body(request): Body<LoginRequest>,
) -> ApiResult<impl IntoResponse> {
    let email: Email = request.email.parse()?;
    app.login_limits.attempt_as(ip, email.as_str())?;
    let (user, stored) = accounts::credentials(&app.store, &email).await?.unzip();
    let fits = app.passwords.verify(request.password, stored.flatten()).await?;
    let user = user.filter(|_| fits).ok_or_else(wrong_login)?;
    let cookie = Token::generate();
    accounts_entry::sign_in(&app.store, user, cookie.digest()).await?;
    answer(&app, &cookie).await
}

/// Signs in by a one-time link. Public.
#[utoipa::path(post, path = "/api/v1/session-cookie/link", operation_id = "sign_in_by_link", tag = "accounts", security(()), request_body = LinkRequest,
    responses(
        (status = 200, body = Me, description = "Signed in by the cookie that was set."),
        (status = 403, body = ErrorBody, description = "`link_invalid`: used, older than an hour, or never existed."),
        (status = 429, body = ErrorBody)))]
pub(super) async fn link(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    Body(request): Body<LinkRequest>,
) -> ApiResult<impl IntoResponse> {
    app.login_limits.attempt(ip)?;
    let cookie = Token::generate();
    accounts_entry::sign_in_by_link(&app.store, request.token.digest(), cookie.digest()).await?;
    answer(&app, &cookie).await
}

/// Signs out: the cookie stops working everywhere. Harmless without one.
#[utoipa::path(post, path = "/api/v1/session-cookie/logout", operation_id = "sign_out", tag = "accounts", security(()),
    responses((status = 204, description = "Nobody is signed in by this cookie any more.")))]
pub(super) async fn logout(State(app): State<Arc<App>>, headers: HeaderMap) -> ApiResult<impl IntoResponse> {
    if let Some(cookie) = presented_cookie(&headers, &app) {
        accounts_entry::sign_out(&app.store, cookie.digest()).await?;
    }
    Ok((
        StatusCode::NO_CONTENT,
        [(header::SET_COOKIE, signed_out_cookie(&app)?)],
    ))
}

async fn answer(app: &App, cookie: &Token) -> ApiResult<impl IntoResponse + use<>> {
    let digest: TokenDigest = cookie.digest();
    let member = accounts_entry::signed_in(&app.store, &digest)
        .await?
        .ok_or_else(ApiError::unauthorized)?;
    let me = Me {
        email: member.email,
        role: member.role,
    };
    Ok(([(header::SET_COOKIE, signed_in_cookie(app, cookie)?)], Json(me)))
}

fn wrong_login() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "wrong_login",
        "The e-mail address or the password is wrong. `fieldpost user reset` on the server sets a new password.",
    )
}
