//! A person's own tokens for their scripts, in the team they act for. A token cannot make another one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::SignedIn;
use crate::auth::secret::Token;
use crate::clock::after;
use crate::store::api_tokens::{self, Access, ApiToken};

const DAYS_MAX: u32 = 3650;

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ApiTokenRequest {
    /// 1 to 100 characters.
    pub name: String,
    pub access: Access,
    /// 1 to 3 650; without it the token does not end by itself.
    pub expires_in_days: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApiTokenDetail {
    pub id: String,
    pub name: String,
    pub access: Access,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// RFC 3339 in UTC; `null`: does not end by itself.
    pub expires_at: Option<String>,
    /// RFC 3339 in UTC, to within an hour; `null`: never.
    pub last_used_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshApiToken {
    #[serde(flatten)]
    pub detail: ApiTokenDetail,
    /// `fpp_…`, for `Authorization: Bearer <token>`; shown this once.
    pub token: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApiTokenList {
    /// Oldest first, 50 at most.
    pub tokens: Vec<ApiTokenDetail>,
}

/// One's own tokens in the team that is acted for.
#[utoipa::path(get, path = "/api/v1/me/tokens", operation_id = "list_api_tokens", tag = "accounts", security(("cookie" = [])),
    responses((status = 200, body = ApiTokenList), (status = 401, body = ErrorBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn { member, .. }: SignedIn,
) -> ApiResult<Json<ApiTokenList>> {
    let found = api_tokens::list(&app.store, &member).await?;
    let tokens = found.into_iter().map(ApiTokenDetail::from).collect();
    Ok(Json(ApiTokenList { tokens }))
}

/// Makes a token for the team that is acted for and shows it, this once.
#[utoipa::path(post, path = "/api/v1/me/tokens", operation_id = "make_api_token", tag = "accounts", security(("cookie" = [])), request_body = ApiTokenRequest,
    responses((status = 201, body = FreshApiToken), (status = 401, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`too_many`: there are 50."),
        (status = 422, body = ErrorBody, description = "`bad_name` or `bad_expiry`.")))]
pub(super) async fn make(
    State(app): State<Arc<App>>,
    SignedIn { member, .. }: SignedIn,
    Body(request): Body<ApiTokenRequest>,
) -> ApiResult<(StatusCode, Json<FreshApiToken>)> {
    let days = request.expires_in_days;
    if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        return Err(ApiError::unprocessable(
            "bad_expiry",
            format!(
                "`expires_in_days` is 1 to {DAYS_MAX}; leave it out for a token that does not end by itself."
            ),
        ));
    }
    let now = app.store.now();
    let expires_at = days.map(|days| after(now, SignedDuration::from_hours(24 * i64::from(days))));
    let token = Token::generate_personal();
    let (name, access) = (&request.name, request.access);
    let made = api_tokens::add(&app.store, &member, name, access, expires_at, token.digest()).await?;
    let fresh = FreshApiToken {
        detail: made.into(),
        token: token.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(fresh)))
}

/// Ends one of one's own tokens.
#[utoipa::path(delete, path = "/api/v1/me/tokens/{id}", operation_id = "revoke_api_token", tag = "accounts", security(("cookie" = [])),
    params(("id" = String, Path, description = "Token id")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    SignedIn { member, .. }: SignedIn,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = id.parse().map_err(|_| ApiError::not_found("token"))?;
    api_tokens::revoke(&app.store, &member, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<ApiToken> for ApiTokenDetail {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name,
            access: token.access,
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|time| time.to_string()),
            last_used_at: token.last_used_at.map(|time| time.to_string()),
        }
    }
}
