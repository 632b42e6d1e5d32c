//! Invitations into a team: made by owners, accepted by whoever holds the link and the invited account.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::body::Body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::{Owner, Peer, presented_cookie, signed_in_cookie};
use super::me::Me;
use crate::auth::secret::{Password, Token};
use crate::store::accounts::{self, Email, Role};
use crate::store::accounts_entry;
use crate::store::invitations::{self, Invitation, Joining, Opened};

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct InvitationRequest {
    pub email: String,
    pub role: Role,
}

/// An invitation with its link, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FreshInvitation {
    #[serde(flatten)]
    pub invitation: InvitationDetail,
    /// `…/invitation#<token>`, to be sent to the invited address.
    pub link: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvitationDetail {
    pub id: String,
    pub email: String,
    pub role: Role,
    /// RFC 3339 in UTC.
    pub expires_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvitationList {
    /// Those that wait, oldest first, 100 at most.
    pub invitations: Vec<InvitationDetail>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct InvitationToken {
    /// From the link `/invitation#<token>`.
    #[schema(value_type = String)]
    pub token: Token,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct AcceptRequest {
    /// From the link `/invitation#<token>`; works once, for 7 days.
    #[schema(value_type = String)]
    pub token: Token,
    /// Of the invited address's account, or for a new one; not needed by who is signed in as that address.
    #[schema(value_type = Option<String>, format = "password")]
    pub password: Option<Password>,
}

/// What whoever holds the link may know.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InvitationView {
    pub team_name: String,
    pub email: String,
    pub role: Role,
    /// E-mail address of the owner who made it.
    pub invited_by: String,
    /// Whether the address has an account, whose password is then asked for; otherwise a new one is chosen.
    pub has_account: bool,
}

/// The team's invitations that wait. For owners.
#[utoipa::path(get, path = "/api/v1/team/invitations", operation_id = "list_invitations", tag = "teams", security(("cookie" = [])),
    responses((status = 200, body = InvitationList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "`owners_only`.")))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Owner(member): Owner,
) -> ApiResult<Json<InvitationList>> {
    let waiting = invitations::waiting(&app.store, member.tenant).await?;
    let invitations = waiting.into_iter().map(InvitationDetail::from).collect();
    Ok(Json(InvitationList { invitations }))
}

/// Invites an e-mail address; an earlier invitation of it stops working. For owners.
#[utoipa::path(post, path = "/api/v1/team/invitations", operation_id = "invite", tag = "teams", security(("cookie" = [])), request_body = InvitationRequest,
    responses((status = 201, body = FreshInvitation), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "`owners_only`."),
        (status = 409, body = ErrorBody, description = "`already_member`, or `too_many`: 100 wait."),
        (status = 422, body = ErrorBody, description = "`bad_email`.")))]
pub(super) async fn invite(
    State(app): State<Arc<App>>,
    Owner(member): Owner,
    Body(request): Body<InvitationRequest>,
) -> ApiResult<(StatusCode, Json<FreshInvitation>)> {
    let email: Email = request.email.parse()?;
    let token = Token::generate();
    let invitation = invitations::add(&app.store, &member, email, request.role, token.digest()).await?;
    let fresh = FreshInvitation {
        invitation: invitation.into(),
        link: format!("{}/invitation#{}", app.public_url, token.expose()),
    };
    Ok((StatusCode::CREATED, Json(fresh)))
}

/// Takes an invitation back. For owners.
#[utoipa::path(delete, path = "/api/v1/team/invitations/{id}", operation_id = "withdraw_invitation", tag = "teams", security(("cookie" = [])),
    params(("id" = String, Path, description = "Invitation id")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody, description = "`owners_only`."), (status = 404, body = ErrorBody)))]
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    Owner(member): Owner,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let id = id.parse().map_err(|_| ApiError::not_found("invitation"))?;
    invitations::withdraw(&app.store, &member, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a link invites to. Public; needs the link's token.
#[utoipa::path(post, path = "/api/v1/invitations/look", operation_id = "look_at_invitation", tag = "teams", security(()), request_body = InvitationToken,
    responses((status = 200, body = InvitationView), (status = 403, body = ErrorBody, description = "`invitation_invalid`."), (status = 429, body = ErrorBody)))]
pub(super) async fn look(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    Body(request): Body<InvitationToken>,
) -> ApiResult<Json<InvitationView>> {
    app.login_limits.attempt(ip)?;
    let opened = invitations::open(&app.store, &request.token.digest()).await?;
    Ok(Json(InvitationView {
        team_name: opened.team_name,
        email: opened.email,
        role: opened.role,
        invited_by: opened.invited_by,
        has_account: opened.user.is_some(),
    }))
}

/// Joins the team and signs in. Public; needs the link's token, and the invited account: by its cookie, by its password, or
/// made here.
#[utoipa::path(post, path = "/api/v1/invitations/accept", operation_id = "accept_invitation", tag = "teams", security(()), request_body = AcceptRequest,
    responses((status = 200, body = Me, description = "Signed in by the cookie that was set, acting for the team."),
        (status = 401, body = ErrorBody, description = "`wrong_login`: the address has an account; sign in as it, or send its password."),
        (status = 403, body = ErrorBody, description = "`invitation_invalid`: used, withdrawn, older than 7 days, or never existed."),
        (status = 409, body = ErrorBody, description = "`already_member`, or `too_many`."),
        (status = 422, body = ErrorBody, description = "`bad_password`, or `password_needed` for a new account."),
        (status = 429, body = ErrorBody)))]
pub(super) async fn accept(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    headers: HeaderMap,
    Body(request): Body<AcceptRequest>,
) -> ApiResult<impl IntoResponse> {
    app.login_limits.attempt(ip)?;
    let token = request.token.digest();
    let opened = invitations::open(&app.store, &token).await?;
    app.login_limits.attempt_as(ip, &opened.email)?;
    let joining = prove(&app, &headers, &opened, request.password).await?;
    let cookie = Token::generate();
    let member = invitations::accept(&app.store, token, joining, cookie.digest()).await?;
    let me = Me {
        email: member.email,
        role: member.role,
    };
    Ok(([(header::SET_COOKIE, signed_in_cookie(&app, &cookie)?)], Json(me)))
}

/// Whether who asks is the invited address: signed in as it, knowing its password, or the first to have one.
async fn prove(
    app: &App,
    headers: &HeaderMap,
    opened: &Opened,
    password: Option<Password>,
) -> ApiResult<Joining> {
    let Some(user) = opened.user else {
        let password = password.ok_or_else(|| {
            ApiError::unprocessable("password_needed", "Choose a `password` for the new account.")
        })?;
        return Ok(Joining::New(app.passwords.hash(password).await?));
    };
    if let Some(cookie) = presented_cookie(headers, app) {
        let member = accounts_entry::signed_in(&app.store, &cookie.digest()).await?;
        if member.is_some_and(|member| member.user == user) {
            return Ok(Joining::Account(user));
        }
    }
    let refused = || {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong_login",
            "This address has an account already: sign in as it, or send its password.",
        )
    };
    let password = password.ok_or_else(refused)?;
    let email: Email = opened.email.parse()?;
    let (known, stored) = accounts::credentials(&app.store, &email).await?.unzip();
    let fits = app.passwords.verify(password, stored.flatten()).await?;
    if fits && known == Some(user) {
        Ok(Joining::Account(user))
    } else {
        Err(refused())
    }
}

impl From<Invitation> for InvitationDetail {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email,
            role: invitation.role,
            expires_at: invitation.expires_at.to_string(),
        }
    }
}
