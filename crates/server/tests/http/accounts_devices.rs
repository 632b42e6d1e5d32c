//! Devices by their people: added, claimed by a code, renamed, given new tokens, revoked, given away; and the log of it.

use std::time::Duration;

use serde_json::{Value, json};
use server::store::accounts::Role;

use crate::support::{OWNER, Reply, Site};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn post(site: &Site, cookie: &str, path: &str, body: &Value) -> Reply {
    site.post_json(path, &[("cookie", cookie)], &body.to_string())
}

fn claim(site: &Site, code: &str) -> Reply {
    site.post_json("/api/v1/devices/claim", &[], &json!({ "code": code }).to_string())
}

fn bearer(reply: &Reply) -> String {
    format!("Bearer {}", reply.json()["token"].as_str().unwrap())
}

fn sends(site: &Site, bearer: &str, name: &str) -> u16 {
    let path = format!("/api/upload?filename={name}");
    site.send("POST", &path, &[("authorization", bearer)], b"1,2\r\n")
        .status
}

fn actions(site: &Site, cookie: &str) -> Vec<String> {
    let log = site.get("/api/v1/audit", &[("cookie", cookie)]).json();
    let entries = log["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| {
            let word = |key: &str| entry[key].as_str().unwrap().to_owned();
            format!("{} {}", word("actor"), word("action"))
        })
        .collect()
}

#[test]
fn a_member_mints_a_device_whose_token_works() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let added = post(&site, &cookie, "/api/v1/devices", &json!({ "name": " Kart 7 " }));
    assert_eq!(added.status, 201, "{}", added.text());
    assert_eq!(added.json()["name"], "Kart 7");
    let keys_url = added.json()["keys_url"].as_str().unwrap().to_owned();
    assert_eq!(keys_url, format!("http://{}/.well-known/fieldpost", site.addr()));
    assert_eq!(sends(&site, &bearer(&added), "a.csv"), 200);
    let list = site.get("/api/v1/sessions", &[("cookie", &cookie)]).json();
    assert_eq!(list["sessions"][0]["device"]["id"], added.json()["device_uuid"]);
    assert_eq!(actions(&site, &cookie), ["owner@example.org device.added"]);

    let nameless = post(&site, &cookie, "/api/v1/devices", &json!({ "name": " \t" }));
    assert_eq!(
        (nameless.status, nameless.error_code().as_str()),
        (422, "bad_name")
    );
}

#[test]
fn a_code_makes_one_device_once_within_a_quarter_of_an_hour() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let fresh = || {
        let made = post(
            &site,
            &cookie,
            "/api/v1/devices/claim-codes",
            &json!({ "name": "Kart 8" }),
        );
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["code"].as_str().unwrap().to_owned()
    };
    let code = fresh();
    let claimed = claim(&site, &code.to_lowercase().replace('-', ""));
    assert_eq!(claimed.status, 201, "{}", claimed.text());
    assert_eq!(claimed.json()["name"], "Kart 8");
    assert_eq!(sends(&site, &bearer(&claimed), "a.csv"), 200);
    let again = claim(&site, &code);
    assert_eq!((again.status, again.error_code().as_str()), (403, "code_invalid"));

    let (late, in_time) = (fresh(), fresh());
    site.advance(14 * MINUTE);
    assert_eq!(claim(&site, &in_time).status, 201);
    site.advance(MINUTE);
    assert_eq!(claim(&site, &late).status, 403);
    assert_eq!(
        actions(&site, &cookie)[..2],
        ["claim code device.added", "owner@example.org claim_code.made"]
    );
}

#[test]
fn guessing_codes_is_slowed_down() {
    let site = Site::owned();
    let replies: Vec<u16> = (0..40)
        .map(|n| claim(&site, &format!("AAAAA-AAA{n}")).status)
        .collect();
    assert_eq!(replies[0], 403);
    assert_eq!(replies.last(), Some(&429));
}

#[test]
fn codes_that_wait_are_bounded() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let make = || {
        post(
            &site,
            &cookie,
            "/api/v1/devices/claim-codes",
            &json!({ "name": "Kart" }),
        )
    };
    for _ in 0..50 {
        assert_eq!(make().status, 201);
    }
    assert_eq!((make().status, make().error_code().as_str()), (409, "too_many"));
    site.advance(15 * MINUTE);
    assert_eq!(make().status, 201);
}

#[test]
fn a_new_token_ends_the_old_one_and_revoking_ends_all() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let (id, first) = site.add_device(OWNER, "Logger");
    let path = format!("/api/v1/devices/{id}");
    assert_eq!(sends(&site, &first, "a.csv"), 200);

    let renewed = post(&site, &cookie, &format!("{path}/token"), &json!({}));
    assert_eq!(renewed.status, 201, "{}", renewed.text());
    assert_eq!(sends(&site, &first, "b.csv"), 401);
    assert_eq!(sends(&site, &bearer(&renewed), "b.csv"), 200);

    let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let renamed = site.send("PATCH", &path, &headers, br#"{"name":"Kart 9"}"#);
    assert_eq!(renamed.status, 204, "{}", renamed.text());
    let sessions = || site.get("/api/v1/sessions", &headers[..1]).json()["sessions"].clone();
    assert_eq!(sessions()[0]["device"]["name"], "Kart 9");

    assert_eq!(site.send("DELETE", &path, &headers[..1], b"").status, 204);
    assert_eq!(sends(&site, &bearer(&renewed), "c.csv"), 401);
    assert_eq!(sessions().as_array().unwrap().len(), 2, "its recordings stay");
    for (method, at, body) in [
        ("DELETE", path.clone(), ""),
        ("PATCH", path.clone(), r#"{"name":"x"}"#),
        ("POST", format!("{path}/token"), ""),
    ] {
        assert_eq!(
            site.send(method, &at, &headers, body.as_bytes()).status,
            404,
            "{method}"
        );
    }
    assert_eq!(
        actions(&site, &cookie),
        [
            "owner@example.org device.revoked",
            "owner@example.org device.renamed",
            "owner@example.org device.token_renewed",
            "operator device.added",
        ]
    );
}

#[test]
fn a_viewer_changes_no_device_and_only_owners_read_the_log() {
    let site = Site::owned();
    let (id, _) = site.add_device(OWNER, "Logger");
    for (email, role) in [
        ("viewer@example.org", Role::Viewer),
        ("crew@example.org", Role::Member),
    ] {
        site.add_user(email, role);
    }
    let (viewer, crew) = (
        site.sign_in("viewer@example.org"),
        site.sign_in("crew@example.org"),
    );
    for (method, path) in [
        ("POST", "/api/v1/devices".to_owned()),
        ("POST", "/api/v1/devices/claim-codes".to_owned()),
        ("POST", format!("/api/v1/devices/{id}/token")),
        ("PATCH", format!("/api/v1/devices/{id}")),
        ("DELETE", format!("/api/v1/devices/{id}")),
    ] {
        let headers = [("cookie", viewer.as_str()), ("content-type", "application/json")];
        let reply = site.send(method, &path, &headers, br#"{"name":"x"}"#);
        assert_eq!(
            (reply.status, reply.error_code().as_str()),
            (403, "read_only"),
            "{method} {path}"
        );
    }
    for cookie in [&viewer, &crew] {
        let reply = site.get("/api/v1/audit", &[("cookie", cookie)]);
        assert_eq!((reply.status, reply.error_code().as_str()), (403, "owners_only"));
    }
}

#[test]
fn the_log_is_paged_and_forgets_after_four_hundred_days() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let add = |name: &str| post(&site, &cookie, "/api/v1/devices", &json!({ "name": name }));
    for n in 0..5 {
        assert_eq!(add(&format!("Logger {n}")).status, 201);
    }
    let page = |query: &str| {
        site.get(&format!("/api/v1/audit?{query}"), &[("cookie", &cookie)])
            .json()
    };
    let names = |page: &Value| -> Vec<String> {
        let entries = page["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["detail"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = page("limit=2");
    assert_eq!(names(&first), ["Logger 4", "Logger 3"]);
    let last = page(&format!("limit=3&before={}", first["next"]));
    assert_eq!(names(&last), ["Logger 2", "Logger 1", "Logger 0"]);
    assert_eq!(last["next"], Value::Null);

    site.advance(401 * DAY);
    let cookie = site.sign_in(OWNER);
    let added = post(&site, &cookie, "/api/v1/devices", &json!({ "name": "Later" }));
    assert_eq!(added.status, 201);
    let log = site.get("/api/v1/audit", &[("cookie", &cookie)]).json();
    assert_eq!(names(&log), ["Later"]);
}
