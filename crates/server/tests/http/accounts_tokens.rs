//! What a person hands on: tokens for their scripts, and links to one session.

use std::time::Duration;

use serde_json::{Value, json};
use server::store::accounts::Role;

use crate::support::{OWNER, Reply, Site};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const CREW: &str = "crew@example.org";

fn make(site: &Site, cookie: &str, body: &Value) -> Reply {
    site.post_json("/api/v1/me/tokens", &[("cookie", cookie)], &body.to_string())
}

fn bearer(reply: &Reply) -> String {
    assert_eq!(reply.status, 201, "{}", reply.text());
    format!("Bearer {}", reply.json()["token"].as_str().unwrap())
}

fn uploads(site: &Site, bearer: &str) -> u16 {
    let path = "/api/upload?filename=script.csv";
    site.send("POST", path, &[("authorization", bearer)], b"1,2\r\n")
        .status
}

fn reads(site: &Site, bearer: &str) -> u16 {
    site.get("/api/v1/sessions", &[("authorization", bearer)]).status
}

#[test]
fn a_token_does_what_it_was_made_for_and_no_more() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let read = make(&site, &cookie, &json!({ "name": "Backup", "access": "read" }));
    let write = make(&site, &cookie, &json!({ "name": "Import", "access": "write" }));
    assert!(write.json()["token"].as_str().unwrap().starts_with("fpp_"));
    let (read, write) = (bearer(&read), bearer(&write));
    assert_eq!((reads(&site, &read), uploads(&site, &read)), (200, 403));
    assert_eq!((reads(&site, &write), uploads(&site, &write)), (200, 200));
    // Whoever finds a token does not get hold of the account or the team with it.
    let who = [("authorization", write.as_str())];
    assert_eq!(site.get("/api/v1/audit", &who).error_code(), "owners_only");
    for (method, path) in [
        ("GET", "/api/v1/me/tokens"),
        ("POST", "/api/v1/me/tokens"),
        ("POST", "/api/v1/me/team"),
    ] {
        assert_eq!(
            site.send(method, path, &who, b"{}").status,
            401,
            "{method} {path}"
        );
    }
    let wrong = [
        ("authorization", "Bearer fpp_nonsense"),
        ("cookie", cookie.as_str()),
    ];
    assert_eq!(
        site.get("/api/v1/me", &wrong).status,
        401,
        "whatever cookie is beside it"
    );
}

#[test]
fn a_token_ends_by_its_time_by_hand_and_with_the_membership() {
    let site = Site::owned();
    site.try_add_user(CREW, Role::Member, Some(OWNER)).unwrap();
    let (owner, crew) = (site.sign_in(OWNER), site.sign_in(CREW));
    let timed = make(
        &site,
        &crew,
        &json!({ "name": "A", "access": "read", "expires_in_days": 1 }),
    );
    let by_hand = make(&site, &crew, &json!({ "name": "B", "access": "read" }));
    let lasting = make(&site, &crew, &json!({ "name": "C", "access": "write" }));
    for days in [0, 3651] {
        let body = json!({ "name": "D", "access": "read", "expires_in_days": days });
        assert_eq!(make(&site, &crew, &body).error_code(), "bad_expiry");
    }

    let path = format!("/api/v1/me/tokens/{}", by_hand.json()["id"].as_str().unwrap());
    assert_eq!(
        site.send("DELETE", &path, &[("cookie", &owner)], b"").status,
        404,
        "not theirs"
    );
    assert_eq!(reads(&site, &bearer(&by_hand)), 200);
    assert_eq!(site.send("DELETE", &path, &[("cookie", &crew)], b"").status, 204);
    assert_eq!(reads(&site, &bearer(&by_hand)), 401);

    assert_eq!(reads(&site, &bearer(&timed)), 200);
    site.advance(DAY);
    assert_eq!(reads(&site, &bearer(&timed)), 401);

    let team = site.get("/api/v1/team", &[("cookie", &owner)]).json();
    let people = team["people"].as_array().unwrap();
    let crew_id = people.iter().find(|person| person["email"] == CREW).unwrap()["user_id"].clone();
    let person = format!("/api/v1/team/people/{}", crew_id.as_str().unwrap());
    let headers = [("cookie", owner.as_str()), ("content-type", "application/json")];
    assert_eq!(uploads(&site, &bearer(&lasting)), 200);
    assert_eq!(
        site.send("PATCH", &person, &headers, br#"{"role":"viewer"}"#)
            .status,
        204
    );
    assert_eq!(
        uploads(&site, &bearer(&lasting)),
        403,
        "no more than its person may"
    );
    assert_eq!(site.send("DELETE", &person, &headers, b"").status, 204);
    assert_eq!(reads(&site, &bearer(&lasting)), 401);
}

#[test]
fn the_last_use_of_a_token_is_known_to_an_hour() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let token = bearer(&make(
        &site,
        &cookie,
        &json!({ "name": "Script", "access": "read" }),
    ));
    let last_used = || {
        let list = site.get("/api/v1/me/tokens", &[("cookie", &cookie)]).json();
        list["tokens"][0]["last_used_at"].clone()
    };
    assert_eq!(last_used(), Value::Null);
    assert_eq!(reads(&site, &token), 200);
    assert_eq!(last_used(), "2026-11-20T12:00:00Z");
    site.advance(HOUR / 2);
    assert_eq!(reads(&site, &token), 200);
    assert_eq!(last_used(), "2026-11-20T12:00:00Z");
    site.advance(HOUR / 2);
    assert_eq!(reads(&site, &token), 200);
    assert_eq!(last_used(), "2026-11-20T13:00:00Z");
}

#[test]
fn a_link_shows_its_session_until_it_ends() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let upload = |name: &str, bytes: &[u8]| {
        let uploaded = site.upload(("cookie", &cookie), name, bytes);
        uploaded["session_id"].as_str().unwrap().to_owned()
    };
    let (shown, hidden) = (upload("a.csv", b"1,2\r\n"), upload("b.csv", b"3,4\r\n"));
    let path = format!("/api/v1/sessions/{shown}/shares");
    let share = |body: Value| site.post_json(&path, &[("cookie", &cookie)], &body.to_string());
    let first = share(json!({ "expires_in_days": 1 }));
    let second = share(json!({}));
    assert_eq!(
        share(json!({ "expires_in_days": 366 })).error_code(),
        "bad_expiry"
    );

    let get = |path: &str, share: &Reply| site.get(path, &[("authorization", &bearer(share))]);
    let (own, other) = (
        format!("/api/v1/sessions/{shown}"),
        format!("/api/v1/sessions/{hidden}"),
    );
    assert_eq!(get("/api/v1/shared", &first).json()["session_id"], shown.as_str());
    assert_eq!(get(&own, &first).json()["file_name"], "a.csv");
    assert_eq!(get(&other, &first).status, 404);
    let laps = get(&format!("{own}/laps"), &first);
    assert!(
        matches!(laps.error_code().as_str(), "not_ready" | "analysis_failed"),
        "{}",
        laps.text()
    );

    site.advance(DAY);
    assert_eq!(get(&own, &first).status, 401);
    assert_eq!(get(&own, &second).status, 200);
    let list = site.get(&path, &[("cookie", &cookie)]).json();
    assert_eq!(list["shares"].as_array().unwrap().len(), 1);
    let end = format!("/api/v1/shares/{}", list["shares"][0]["id"].as_str().unwrap());
    assert_eq!(site.send("DELETE", &end, &[("cookie", &cookie)], b"").status, 204);
    assert_eq!(get(&own, &second).status, 401);
    let log = site.get("/api/v1/audit", &[("cookie", &cookie)]).json();
    assert_eq!(log["entries"][0]["action"], "share.revoked");
    assert_eq!(log["entries"][0]["subject"], shown.as_str());
}
