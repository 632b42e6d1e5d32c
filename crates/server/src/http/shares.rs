//! Links that show one session to whoever holds them.

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
use super::identity::{Editor, Person, SessionReader, ShareHolder};
use super::sessions::visible;
use crate::auth::secret::Token;
use crate::clock::after;
use crate::store::shares::{self, Share};

const DAYS_DEFAULT: u32 = 30;
const DAYS_MAX: u32 = 365;

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ShareRequest {
    /// 1 to 365; 30 without it.
    pub expires_in_days: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShareDetail {
    pub id: String,
    /// RFC 3339 in UTC.
    pub created_at: String,
    /// RFC 3339 in UTC.
    pub expires_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshShare {
    #[serde(flatten)]
    pub share: ShareDetail,
    /// `fps_…`, for `Authorization: Bearer <token>`; shown this once.
    pub token: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShareList {
    /// Those that work, oldest first, 50 at most.
    pub shares: Vec<ShareDetail>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SharedSession {
    pub session_id: String,
    /// RFC 3339 in UTC.
    pub expires_at: String,
}

/// Shares a session: whoever has the token that is shown here, this once, reads it, its laps and its channels.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/shares", operation_id = "share_session", tag = "sessions", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Session id")), request_body = ShareRequest,
    responses((status = 201, body = FreshShare), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`too_many`: 50 links to it work."),
        (status = 422, body = ErrorBody, description = "`bad_expiry`.")))]
pub(super) async fn share(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
    Body(request): Body<ShareRequest>,
) -> ApiResult<(StatusCode, Json<FreshShare>)> {
    let session = visible(&app, SessionReader::of_team(member.tenant), &id).await?;
    let days = request.expires_in_days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        let message = format!("`expires_in_days` is 1 to {DAYS_MAX}.");
        return Err(ApiError::unprocessable("bad_expiry", message));
    }
    let expires_at = after(app.store.now(), SignedDuration::from_hours(24 * i64::from(days)));
    let token = Token::generate_share();
    let made = shares::add(&app.store, &member, session.id, expires_at, token.digest()).await?;
    let fresh = FreshShare {
        share: made.into(),
        token: token.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(fresh)))
}

/// The links to a session that work.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/shares", operation_id = "list_shares", tag = "sessions", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Session id")),
    responses((status = 200, body = ShareList), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Person(member): Person,
    Path(id): Path<String>,
) -> ApiResult<Json<ShareList>> {
    let session = visible(&app, SessionReader::of_team(member.tenant), &id).await?;
    let found = shares::list(&app.store, member.tenant, session.id).await?;
    let shares = found.into_iter().map(ShareDetail::from).collect();
    Ok(Json(ShareList { shares }))
}

/// Ends a link at once.
#[utoipa::path(delete, path = "/api/v1/shares/{id}", operation_id = "revoke_share", tag = "sessions", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Share id")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = id.parse().map_err(|_| ApiError::not_found("share"))?;
    shares::revoke(&app.store, &member, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which session the share token of this request opens.
#[utoipa::path(get, path = "/api/v1/shared", operation_id = "shared_session", tag = "sessions", security(("share" = [])),
    responses((status = 200, body = SharedSession), (status = 401, body = ErrorBody)))]
pub(super) async fn shared(ShareHolder(shared): ShareHolder) -> Json<SharedSession> {
    Json(SharedSession {
        session_id: shared.session.to_string(),
        expires_at: shared.expires_at.to_string(),
    })
}

impl From<Share> for ShareDetail {
    fn from(share: Share) -> Self {
        Self {
            id: share.id.to_string(),
            created_at: share.created_at.to_string(),
            expires_at: share.expires_at.to_string(),
        }
    }
}
