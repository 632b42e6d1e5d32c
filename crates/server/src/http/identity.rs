//! Who is asking: read from the ingest key in the path, the cookie or the bearer token, once, as an extractor.
//!
//! A handler that takes a [`Person`], [`Editor`] or [`Sender`] cannot be reached by anybody else; a handler that takes
//! none of them is public and says so in its OpenAPI entry.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use uuid::Uuid;

use super::App;
use super::error::ApiError;
use super::fleet::{self, Caller, Fleet};
use super::keyed::PathKey;
use super::origin::Origin;
use crate::auth::secret::{Token, TokenDigest};
use crate::store::accounts::{Member, Role};
use crate::store::accounts_devices::DeviceIdentity;
use crate::store::accounts_entry::{self, SIGN_IN_LIFE};
use crate::store::ingest_keys::{self, Holder};
use crate::store::shares::{self, Shared};
use crate::store::{DeviceId, SessionId, TenantId, UserId, api_tokens};

const COOKIE: &str = "fieldpost";
/// The prefix makes browsers insist on Secure, Path=/ and no Domain, so that no neighbour can plant one.
const COOKIE_HTTPS: &str = "__Host-fieldpost";

/// The address of the sender, as the accept loop found it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub IpAddr);

impl FromRequestParts<Arc<App>> for Peer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Self::Rejection> {
        // Only a router without our accept loop leaves it out; then everybody shares one limit.
        Ok(parts
            .extensions
            .get::<Origin>()
            .map_or(Self(IpAddr::from([0, 0, 0, 0])), |origin| Self(origin.ip)))
    }
}

/// A person of any role, by their cookie or a token of theirs.
#[derive(Debug)]
pub(super) struct Person(pub Member);

impl FromRequestParts<Arc<App>> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        // With a key in the path nobody is a person, whatever cookie is beside it.
        if parts.extensions.get::<PathKey>().is_some() {
            return Err(ApiError::unauthorized());
        }
        match bearer(&parts.headers)?.filter(Token::is_personal) {
            Some(token) => {
                let member = api_tokens::member_of_token(&app.store, &token.digest()).await?;
                if member.is_some() {
                    app.auth_failures.worked(token.expose());
                }
                member.map(Self).ok_or_else(ApiError::unauthorized)
            }
            None => Ok(Self(SignedIn::from_request_parts(parts, app).await?.member)),
        }
    }
}

/// A person signed in by cookie, for what concerns their own sign-in.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub member: Member,
    pub cookie: TokenDigest,
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let cookie = presented_cookie(&parts.headers, app).ok_or_else(ApiError::unauthorized)?;
        let cookie = cookie.digest();
        let member = accounts_entry::signed_in(&app.store, &cookie).await?;
        let member = member.ok_or_else(ApiError::unauthorized)?;
        Ok(Self { member, cookie })
    }
}

/// A signed-in person who may change things.
#[derive(Debug)]
pub(super) struct Editor(pub Member);

impl FromRequestParts<Arc<App>> for Editor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let Person(member) = Person::from_request_parts(parts, app).await?;
        may_write(&member)?;
        Ok(Self(member))
    }
}

/// A signed-in owner of the team they act for.
#[derive(Debug)]
pub(super) struct Owner(pub Member);

impl FromRequestParts<Arc<App>> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let Person(member) = Person::from_request_parts(parts, app).await?;
        Self::check(&member)?;
        Ok(Self(member))
    }
}

impl Owner {
    pub(super) fn check(member: &Member) -> Result<(), ApiError> {
        match member.role {
            Role::Owner => Ok(()),
            Role::Member | Role::Viewer => Err(ApiError::forbidden(
                "owners_only",
                "This is for owners of the team; ask one of them.",
            )),
        }
    }
}

/// Who may read a team's sessions: its people all of them, a device its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    pub tenant: TenantId,
    pub only_device: Option<DeviceId>,
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        if let Some(identity) = device(parts, app).await? {
            return Ok(Self {
                tenant: identity.tenant,
                only_device: Some(identity.device),
            });
        }
        let Person(member) = Person::from_request_parts(parts, app).await?;
        Ok(Self {
            tenant: member.tenant,
            only_device: None,
        })
    }
}

/// Who may read a session: a [`Reader`], or whoever holds a link to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SessionReader {
    pub tenant: TenantId,
    pub only_device: Option<DeviceId>,
    pub only_session: Option<SessionId>,
}

impl SessionReader {
    pub(super) fn of_team(tenant: TenantId) -> Self {
        Self {
            tenant,
            only_device: None,
            only_session: None,
        }
    }
}

impl FromRequestParts<Arc<App>> for SessionReader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        if bearer(&parts.headers)?.is_some_and(|token| token.is_share()) {
            let ShareHolder(shared) = ShareHolder::from_request_parts(parts, app).await?;
            return Ok(Self {
                only_session: Some(shared.session),
                ..Self::of_team(shared.tenant)
            });
        }
        let reader = Reader::from_request_parts(parts, app).await?;
        Ok(Self {
            only_device: reader.only_device,
            ..Self::of_team(reader.tenant)
        })
    }
}

/// Whoever holds a link to a session.
#[derive(Debug)]
pub(super) struct ShareHolder(pub Shared);

impl FromRequestParts<Arc<App>> for ShareHolder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let token = bearer(&parts.headers)?.ok_or_else(ApiError::unauthorized)?;
        let shared = shares::open(&app.store, &token.digest()).await?;
        let shared = shared.ok_or_else(ApiError::unauthorized)?;
        app.auth_failures.worked(token.expose());
        Ok(Self(shared))
    }
}

/// Who sends a recording: a device by its token, or a signed-in person who may change things.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    pub tenant: TenantId,
    pub device: Option<DeviceId>,
    pub user: Option<UserId>,
}

impl FromRequestParts<Arc<App>> for Sender {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        // A refused sender's body is not read, so the connection ends with the answer.
        Self::caller(parts, app)
            .await
            .and_then(Caller::named)
            .map_err(ApiError::closing)
    }
}

impl Sender {
    /// A device that came by itself.
    pub(super) fn device(identity: DeviceIdentity) -> Self {
        Self {
            tenant: identity.tenant,
            device: Some(identity.device),
            user: None,
        }
    }

    pub(super) async fn caller(parts: &mut Parts, app: &Arc<App>) -> Result<Caller, ApiError> {
        match presented(parts, app).await? {
            Some(Presented::Device(identity)) => {
                ask(app, identity.device.0)?;
                Ok(Caller::Known(Self::device(identity)))
            }
            // Counted when it was named, or will be.
            Some(Presented::OfFleet(identity)) => Ok(Caller::Known(Self::device(identity))),
            Some(Presented::Fleet(fleet)) => Ok(Caller::Fleet(fleet)),
            None => {
                let Editor(member) = Editor::from_request_parts(parts, app).await?;
                ask(app, member.user.0)?;
                Ok(Caller::Known(Self {
                    tenant: member.tenant,
                    device: None,
                    user: Some(member.user),
                }))
            }
        }
    }
}

/// Counts one request of whoever this is.
pub(super) fn ask(app: &App, who: Uuid) -> Result<(), ApiError> {
    let asked = app.ingest_rate.ask(who);
    asked.map_err(|too_many| ApiError::too_many(too_many.retry_after_s))
}

/// What a device presents.
enum Presented {
    Device(DeviceIdentity),
    /// A fleet key, with the device beside it.
    OfFleet(DeviceIdentity),
    /// A fleet key, and nothing beside the body says which device.
    Fleet(Fleet),
}

/// The device that asks, where nothing but the head of a request can say which.
async fn device(parts: &Parts, app: &App) -> Result<Option<DeviceIdentity>, ApiError> {
    match presented(parts, app).await? {
        Some(Presented::Device(identity) | Presented::OfFleet(identity)) => Ok(Some(identity)),
        Some(Presented::Fleet(_)) => Err(fleet::not_named()),
        None => Ok(None),
    }
}

/// The key in the path, or else the device's token; one that is presented and wrong is refused, whatever is beside it.
async fn presented(parts: &Parts, app: &App) -> Result<Option<Presented>, ApiError> {
    if let Some(key) = parts.extensions.get::<PathKey>() {
        return by_key(key, parts, app).await.map(Some);
    }
    let Some(token) = bearer(&parts.headers)?.filter(|token| !token.is_personal()) else {
        return Ok(None);
    };
    let identity = app.device_tokens.device(token.digest()).await?;
    let identity = identity.ok_or_else(ApiError::unauthorized)?;
    app.auth_failures.worked(token.expose());
    app.seen.heard(identity.tenant, identity.device, app.store.now());
    Ok(Some(Presented::Device(identity)))
}

async fn by_key(key: &PathKey, parts: &Parts, app: &App) -> Result<Presented, ApiError> {
    let holder = ingest_keys::holder(&app.store, &key.digest()).await?;
    let holder = holder.ok_or_else(ApiError::bad_ingest_key)?;
    app.auth_failures.worked(key.expose());
    match holder {
        Holder::Device(identity) => {
            app.seen.heard(identity.tenant, identity.device, app.store.now());
            Ok(Presented::Device(identity))
        }
        Holder::Fleet(tenant) => {
            let fleet = Fleet { tenant };
            let named = fleet.device_in_head(app, parts).await?;
            Ok(named.map_or(Presented::Fleet(fleet), Presented::OfFleet))
        }
    }
}

/// The bearer token that is presented; another scheme is refused.
fn bearer(headers: &HeaderMap) -> Result<Option<Token>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::unauthorized());
    }
    Ok(Some(Token::presented(token.trim())))
}

fn may_write(member: &Member) -> Result<(), ApiError> {
    match member.role {
        Role::Owner | Role::Member => Ok(()),
        Role::Viewer => Err(ApiError::forbidden(
            "read_only",
            "A viewer reads only; ask an owner of the team for the role of a member.",
        )),
    }
}

/// The sign-in cookie that came with a request.
pub(super) fn presented_cookie(headers: &HeaderMap, app: &App) -> Option<Token> {
    let name = cookie_name(app);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| Token::presented(cookie.value()))
}

/// `Set-Cookie` for a fresh sign-in.
pub(super) fn signed_in_cookie(app: &App, token: &Token) -> Result<HeaderValue, ApiError> {
    let life_s = i64::try_from(SIGN_IN_LIFE.as_secs()).unwrap_or(i64::MAX);
    set_cookie(app, token.expose(), life_s)
}

/// `Set-Cookie` that takes the cookie away.
pub(super) fn signed_out_cookie(app: &App) -> Result<HeaderValue, ApiError> {
    set_cookie(app, "", 0)
}

fn set_cookie(app: &App, value: &str, life_s: i64) -> Result<HeaderValue, ApiError> {
    let cookie = Cookie::build((cookie_name(app), value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.public_url.is_https())
        .max_age(cookie::time::Duration::seconds(life_s));
    HeaderValue::from_str(&cookie.to_string()).map_err(|error| ApiError::internal(&error))
}

fn cookie_name(app: &App) -> &'static str {
    if app.public_url.is_https() {
        COOKIE_HTTPS
    } else {
        COOKIE
    }
}
