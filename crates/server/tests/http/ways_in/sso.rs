use serde_json::json;
use server::store::accounts::Role;

use super::provider::{CLIENT, Provider, parameter};
use crate::support::{OWNER, Reply, Site};

fn site_with(provider: &Provider) -> Site {
    let site = Site::with(|config| {
        config.sso.oidc_issuer = Some(provider.issuer.clone());
        config.sso.oidc_client_id = Some(CLIENT.to_owned());
        config.sso.oidc_name = "the club".to_owned();
    });
    site.add_user(OWNER, Role::Owner);
    site
}

/// Goes to the provider; gives where to, and the cookie that was set.
fn leave(site: &Site) -> (String, String) {
    let away = site.get("/api/v1/sso/start", &[]);
    assert_eq!(away.status, 303, "{}", away.text());
    (away.header("location").unwrap().to_owned(), away.cookie())
}

fn back(site: &Site, state: &str, cookie: &str) -> Reply {
    site.get(
        &format!("/api/v1/sso/callback?code=good&state={state}"),
        &[("cookie", cookie)],
    )
}

/// The cookie that a good end sets beside the one that it takes away.
fn signed_in_as(site: &Site, reply: &Reply) -> String {
    assert_eq!((reply.status, reply.header("location")), (303, Some("/")));
    let cookies = reply.headers("set-cookie");
    let own = cookies
        .iter()
        .find(|cookie| cookie.starts_with("fieldpost="))
        .unwrap();
    let cookie = own.split(';').next().unwrap();
    let me = site.get("/api/v1/me", &[("cookie", cookie)]).json();
    me["email"].as_str().unwrap().to_owned()
}

#[track_caller]
fn refused(reply: &Reply, why: &str) {
    let place = format!("/signin#sso={why}");
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some(place.as_str()))
    );
    assert!(
        reply
            .headers("set-cookie")
            .iter()
            .all(|cookie| !cookie.starts_with("fieldpost="))
    );
}

#[test]
fn whom_the_other_service_vouches_for_is_signed_in_and_stays_the_same_account() {
    let provider = Provider::start();
    let site = site_with(&provider);
    assert_eq!(site.get("/api/v1/ways-in", &[]).json()["sso"], "the club");
    let (away, cookie) = leave(&site);
    assert!(
        away.starts_with(&format!("{}/authorize?", provider.issuer)),
        "{away}"
    );
    assert_eq!(parameter(&away, "code_challenge_method"), "S256");
    provider.signs_in(&away, "subject-1", OWNER);
    assert_eq!(
        signed_in_as(&site, &back(&site, &parameter(&away, "state"), &cookie)),
        OWNER
    );

    // Whoever it is by now there, and whatever address they have, it is the same person here.
    let (away, cookie) = leave(&site);
    provider.signs_in(&away, "subject-1", "renamed@example.org");
    provider.claim("email_verified", json!(false));
    assert_eq!(
        signed_in_as(&site, &back(&site, &parameter(&away, "state"), &cookie)),
        OWNER
    );
}

#[test]
fn an_answer_that_does_not_fit_signs_nobody_in() {
    let provider = Provider::start();
    let site = site_with(&provider);
    let (away, cookie) = leave(&site);
    let state = parameter(&away, "state");
    provider.signs_in(&away, "subject-1", OWNER);
    refused(&back(&site, "another", &cookie), "stale");
    refused(&back(&site, &state, ""), "stale");
    let (_, of_another) = leave(&site);
    refused(&back(&site, &state, &of_another), "stale");
    let denied = format!("/api/v1/sso/callback?error=access_denied&state={state}");
    refused(&site.get(&denied, &[("cookie", &cookie)]), "denied");

    for (claim, value) in [
        ("nonce", json!("another")),
        ("aud", json!("another-client")),
        ("iss", json!("https://id.example.org")),
        ("exp", json!(1_000_000_000)),
    ] {
        provider.signs_in(&away, "subject-1", OWNER);
        provider.claim(claim, value);
        refused(&back(&site, &state, &cookie), "unverified");
    }
    provider.signs_in(&away, "subject-1", OWNER);
    provider.break_signature();
    refused(&back(&site, &state, &cookie), "unverified");
    let guessed = format!("/api/v1/sso/callback?code=guessed&state={state}");
    refused(&site.get(&guessed, &[("cookie", &cookie)]), "unverified");
}

#[test]
fn an_address_that_nobody_verified_or_has_here_is_no_account() {
    let provider = Provider::start();
    let site = site_with(&provider);
    let (away, cookie) = leave(&site);
    let state = parameter(&away, "state");
    provider.signs_in(&away, "subject-1", OWNER);
    provider.claim("email_verified", json!(false));
    refused(&back(&site, &state, &cookie), "no_account");
    provider.signs_in(&away, "subject-2", "stranger@example.org");
    refused(&back(&site, &state, &cookie), "no_account");
}

#[test]
fn a_service_that_is_away_or_none_keeps_nobody_from_signing_in_otherwise() {
    let site = Site::with(|config| {
        // Nothing listens on port 1.
        config.sso.oidc_issuer = Some("http://127.0.0.1:1".to_owned());
        config.sso.oidc_client_id = Some(CLIENT.to_owned());
    });
    site.add_user(OWNER, Role::Owner);
    refused(&site.get("/api/v1/sso/start", &[]), "unreachable");
    site.sign_in(OWNER);
    let without = Site::owned();
    assert_eq!(without.get("/api/v1/sso/start", &[]).error_code(), "not_found");
}
