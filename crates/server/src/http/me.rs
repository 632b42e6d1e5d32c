//! Who is signed in, and for which of their teams.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::{Peer, Person, SignedIn};
use crate::auth::secret::Password;
use crate::store::accounts::{self, Email, Role};
use crate::store::{TenantId, accounts_entry, teams as store_teams};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Me {
    pub email: String,
    /// In the team that this sign-in acts for.
    pub role: Role,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MyTeams {
    /// In the order they were joined, 50 at most.
    pub teams: Vec<MyTeam>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MyTeam {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// Whether this sign-in acts for it.
    pub acting: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ActFor {
    pub team_id: String,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct PasswordChange {
    #[schema(value_type = String, format = "password")]
    pub current: Password,
    /// At least 8 characters.
    #[schema(value_type = String, format = "password")]
    pub new: Password,
}

/// The signed-in person.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "me", tag = "accounts", security(("cookie" = [])),
    responses((status = 200, body = Me), (status = 401, body = ErrorBody)))]
pub(super) async fn show(Person(member): Person) -> Json<Me> {
    Json(Me {
        email: member.email,
        role: member.role,
    })
}

/// The teams of the signed-in person.
#[utoipa::path(get, path = "/api/v1/me/teams", operation_id = "my_teams", tag = "accounts", security(("cookie" = [])),
    responses((status = 200, body = MyTeams), (status = 401, body = ErrorBody)))]
pub(super) async fn teams(State(app): State<Arc<App>>, Person(member): Person) -> ApiResult<Json<MyTeams>> {
    let found = store_teams::of_user(&app.store, member.user).await?;
    let teams = found.into_iter().map(|team| MyTeam {
        acting: team.id == member.tenant,
        id: team.id.to_string(),
        name: team.name,
        role: team.role,
    });
    Ok(Json(MyTeams {
        teams: teams.collect(),
    }))
}

/// Lets this sign-in act for another team of its person.
#[utoipa::path(post, path = "/api/v1/me/team", operation_id = "act_for_team", tag = "accounts", security(("cookie" = [])), request_body = ActFor,
    responses((status = 200, body = Me), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn act_for(
    State(app): State<Arc<App>>,
    signed_in: SignedIn,
    Body(request): Body<ActFor>,
) -> ApiResult<Json<Me>> {
    let missing = || ApiError::not_found("team of yours");
    let team: TenantId = request.team_id.parse().map_err(|_| missing())?;
    store_teams::act_for(&app.store, signed_in.cookie.clone(), signed_in.member.user, team).await?;
    let member = accounts_entry::signed_in(&app.store, &signed_in.cookie).await?;
    Ok(show(Person(member.ok_or_else(ApiError::unauthorized)?)).await)
}

/// Sets a new password. This sign-in stays, all others of the person end; tokens for scripts stay.
#[utoipa::path(post, path = "/api/v1/me/password", operation_id = "change_password", tag = "accounts", security(("cookie" = [])), request_body = PasswordChange,
    responses((status = 204), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "`wrong_password`: the current one is another."),
        (status = 422, body = ErrorBody, description = "`bad_password`."), (status = 429, body = ErrorBody)))]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    SignedIn { member, cookie }: SignedIn,
    Peer(ip): Peer,
    Body(request): Body<PasswordChange>,
) -> ApiResult<StatusCode> {
    app.login_limits.attempt_as(ip, &member.email)?;
    let email: Email = member.email.parse()?;
    let (known, stored) = accounts::credentials(&app.store, &email).await?.unzip();
    let fits = app.passwords.verify(request.current, stored.flatten()).await?;
    if !fits || known != Some(member.user) {
        return Err(ApiError::forbidden(
            "wrong_password",
            "That is not the current password; nothing was changed. `fieldpost user reset` on the server sets one without it.",
        ));
    }
    let phc = app.passwords.hash(request.new).await?;
    accounts_entry::change_password(&app.store, member.user, phc, cookie).await?;
    Ok(StatusCode::NO_CONTENT)
}
