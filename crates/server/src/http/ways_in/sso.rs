//! Signing in by another service: away to it, and back.
//!
//! Both are addresses that a browser walks to, so what went wrong is told by the sign-in page, `/signin#sso=<code>`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use cookie::{Cookie, SameSite};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::auth::secret::Token;
use crate::auth::sso::{Flight, Sso};
use crate::http::App;
use crate::http::body::Params;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::{Peer, signed_in_cookie};
use crate::store::{accounts_entry, ways_in};

const COOKIE: &str = "fieldpost-sso";
const COOKIE_HTTPS: &str = "__Host-fieldpost-sso";
/// For signing in there, second factor included.
const FLIGHT_LIFE_S: i64 = 15 * 60;

/// What the other service adds to the address.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Back {
    pub state: Option<String>,
    pub code: Option<String>,
    /// Why it did not vouch.
    pub error: Option<String>,
}

/// Sends the browser to the other service. Public.
#[utoipa::path(get, path = "/api/v1/sso/start", operation_id = "sso_start", tag = "accounts", security(()),
    responses(
        (status = 303, description = "To the other service, or to `/signin#sso=unreachable`."),
        (status = 404, body = ErrorBody, description = "No other service is configured here."),
        (status = 429, body = ErrorBody)))]
pub(in crate::http) async fn start(State(app): State<Arc<App>>, Peer(ip): Peer) -> ApiResult<Response> {
    let sso = configured(&app)?;
    app.login_limits.attempt(ip)?;
    match sso.begin().await {
        Ok((url, flight)) => {
            let remembered = flight_cookie(&app, &flight.to_cookie(), FLIGHT_LIFE_S)?;
            Ok(to(&url, vec![remembered]))
        }
        Err(error) => {
            tracing::error!(%error, "nobody can sign in by the other service");
            Ok(to("/signin#sso=unreachable", Vec::new()))
        }
    }
}

/// Where the other service sends the browser back to. Public.
#[utoipa::path(get, path = "/api/v1/sso/callback", operation_id = "sso_callback", tag = "accounts", security(()), params(Back),
    responses(
        (status = 303, description = "Signed in and on to `/`, or to `/signin#sso=` with `denied`, `stale`, `unverified`, or `no_account`."),
        (status = 404, body = ErrorBody, description = "No other service is configured here."),
        (status = 429, body = ErrorBody)))]
pub(in crate::http) async fn callback(
    State(app): State<Arc<App>>,
    Peer(ip): Peer,
    headers: HeaderMap,
    Params(back): Params<Back>,
) -> ApiResult<Response> {
    let sso = configured(&app)?;
    app.login_limits.attempt(ip)?;
    let over = flight_cookie(&app, "", 0)?;
    match signed_in(&app, sso, &headers, back).await? {
        Ok(cookie) => Ok(to("/", vec![over, signed_in_cookie(&app, &cookie)?])),
        Err(why) => Ok(to(&format!("/signin#sso={why}"), vec![over])),
    }
}

/// The cookie of a fresh sign-in, or why there is none.
async fn signed_in(
    app: &App,
    sso: &Sso,
    headers: &HeaderMap,
    back: Back,
) -> ApiResult<Result<Token, &'static str>> {
    let flight = flight_in(headers, app)
        .filter(|flight| back.state.as_deref().is_some_and(|state| flight.expects(state)));
    let (flight, code) = match (flight, back.code, back.error) {
        (Some(_), _, Some(_)) => return Ok(Err("denied")),
        (Some(flight), Some(code), None) => (flight, code),
        (None, ..) | (_, None, None) => return Ok(Err("stale")),
    };
    let vouched = match sso.finish(flight, code).await {
        Ok(vouched) => vouched,
        Err(error) => {
            tracing::warn!(%error, "a sign-in by the other service did not verify");
            return Ok(Err("unverified"));
        }
    };
    let user = ways_in::vouched_for(&app.store, vouched.issuer, vouched.subject, vouched.verified).await?;
    let Some(user) = user else {
        return Ok(Err("no_account"));
    };
    let cookie = Token::generate();
    accounts_entry::sign_in(&app.store, user, cookie.digest()).await?;
    Ok(Ok(cookie))
}

fn configured(app: &App) -> ApiResult<&Sso> {
    app.sso
        .as_ref()
        .ok_or_else(|| ApiError::not_found("other service to sign in by; --oidc-issuer names one"))
}

fn cookie_name(app: &App) -> &'static str {
    if app.public_url.is_https() {
        COOKIE_HTTPS
    } else {
        COOKIE
    }
}

fn flight_cookie(app: &App, value: &str, life_s: i64) -> ApiResult<HeaderValue> {
    let cookie = Cookie::build((cookie_name(app), value))
        .path("/")
        .http_only(true)
        // The way back comes from another site.
        .same_site(SameSite::Lax)
        .secure(app.public_url.is_https())
        .max_age(cookie::time::Duration::seconds(life_s));
    HeaderValue::from_str(&cookie.to_string()).map_err(|error| ApiError::internal(&error))
}

fn flight_in(headers: &HeaderMap, app: &App) -> Option<Flight> {
    let name = cookie_name(app);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .and_then(|cookie| Flight::from_cookie(cookie.value()))
}

fn to(place: &str, cookies: Vec<HeaderValue>) -> Response {
    let cookies = cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie));
    let cookies: Vec<_> = cookies.collect();
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, place)],
        AppendHeaders(cookies),
    )
        .into_response()
}
