//! The team that is acted for: its name and its people.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::{Owner, Person, SignedIn};
use crate::store::accounts::Role;
use crate::store::{UserId, quota, teams};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TeamDetail {
    pub id: String,
    pub name: String,
    /// In the order they joined, 200 at most.
    pub people: Vec<TeamPerson>,
    /// Bytes of all recordings.
    pub stored_bytes: u64,
    /// What it may store; `null` for as much as there is room.
    pub quota_bytes: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TeamPerson {
    pub user_id: String,
    pub email: String,
    pub role: Role,
    /// RFC 3339 in UTC.
    pub joined_at: String,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct TeamName {
    /// 1 to 100 characters.
    pub name: String,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewRole {
    pub role: Role,
}

/// The team with its people.
#[utoipa::path(get, path = "/api/v1/team", operation_id = "show_team", tag = "teams", security(("cookie" = []), ("person" = [])),
    responses((status = 200, body = TeamDetail), (status = 401, body = ErrorBody)))]
pub(super) async fn show(State(app): State<Arc<App>>, Person(member): Person) -> ApiResult<Json<TeamDetail>> {
    let name = teams::name(&app.store, member.tenant).await?;
    let people = teams::people(&app.store, member.tenant).await?;
    let people = people.into_iter().map(|person| TeamPerson {
        user_id: person.user.to_string(),
        email: person.email,
        role: person.role,
        joined_at: person.joined_at.to_string(),
    });
    Ok(Json(TeamDetail {
        id: member.tenant.to_string(),
        name,
        people: people.collect(),
        stored_bytes: quota::stored_bytes(&app.store, member.tenant).await?,
        quota_bytes: app.quota.bytes(),
    }))
}

/// Gives the team another name. For owners.
#[utoipa::path(patch, path = "/api/v1/team", operation_id = "rename_team", tag = "teams", security(("cookie" = [])), request_body = TeamName,
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "`owners_only`."),
        (status = 422, body = ErrorBody, description = "`bad_name`.")))]
pub(super) async fn rename(
    State(app): State<Arc<App>>,
    Owner(member): Owner,
    Body(request): Body<TeamName>,
) -> ApiResult<StatusCode> {
    teams::rename(&app.store, &member, &request.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives somebody of the team another role. For owners; the last of them stays one.
#[utoipa::path(patch, path = "/api/v1/team/people/{user_id}", operation_id = "change_role", tag = "teams", security(("cookie" = [])),
    params(("user_id" = String, Path, description = "User id")), request_body = NewRole,
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "`owners_only`."),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "`last_owner`.")))]
pub(super) async fn change_role(
    State(app): State<Arc<App>>,
    Owner(member): Owner,
    Path(id): Path<String>,
    Body(request): Body<NewRole>,
) -> ApiResult<StatusCode> {
    teams::change_role(&app.store, &member, user_id(&id)?, request.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody out of the team: owners anybody, everybody themselves. The last owner stays.
#[utoipa::path(delete, path = "/api/v1/team/people/{user_id}", operation_id = "remove_person", tag = "teams", security(("cookie" = [])),
    params(("user_id" = String, Path, description = "User id")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "`owners_only`."),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody, description = "`last_owner`.")))]
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    SignedIn { member, .. }: SignedIn,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let whom = user_id(&id)?;
    if whom != member.user {
        Owner::check(&member)?;
    }
    teams::remove(&app.store, &member, whom).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn user_id(text: &str) -> ApiResult<UserId> {
    text.parse()
        .map_err(|_| ApiError::not_found("member of this team"))
}
