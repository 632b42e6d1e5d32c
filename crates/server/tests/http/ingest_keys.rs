//! Ingest keys by their people: made, listed without secrets, ended; and what happens to them with their device.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use server::store::accounts::Role;
use server::store::ingest_keys::For;

use crate::support::{OWNER, Reply, Site};

fn ask(site: &Site, cookie: &str, method: &str, path: &str, body: &Value) -> Reply {
    let headers = [("cookie", cookie), ("content-type", "application/json")];
    site.send(method, path, &headers, body.to_string().as_bytes())
}

fn make(site: &Site, cookie: &str, body: &Value) -> Value {
    let made = ask(site, cookie, "POST", "/api/v1/ingest-keys", body);
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

fn listed(site: &Site, cookie: &str) -> Vec<Value> {
    let list = site.get("/api/v1/ingest-keys", &[("cookie", cookie)]);
    assert!(!list.text().contains("fpi_"), "{}", list.text());
    list.json()["keys"].as_array().unwrap().clone()
}

fn sends(site: &Site, key: &Value) -> u16 {
    let path = format!(
        "/i/{}/api/upload?filename=a.csv&device=kart-7",
        key["key"].as_str().unwrap()
    );
    site.send("POST", &path, &[], b"1,2\r\n").status
}

#[test]
fn a_key_is_for_a_new_device_one_that_is_there_or_the_fleet() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let (device, _) = site.add_device(OWNER, "Logger");
    let alone = make(&site, &cookie, &json!({}));
    let named = make(&site, &cookie, &json!({ "name": " Kart 7 " }));
    let of_device = make(&site, &cookie, &json!({ "device_id": device }));
    let fleet = make(&site, &cookie, &json!({ "fleet": true }));
    assert!(alone["key"].as_str().unwrap().starts_with("fpi_"));
    assert!(alone["device_name"].as_str().unwrap().starts_with("Device "));
    assert_eq!(
        (&named["device_name"], &named["fleet"]),
        (&json!("Kart 7"), &json!(false))
    );
    assert_eq!(of_device["device_id"], device.as_str());
    assert_eq!(
        (&fleet["device_id"], &fleet["fleet"]),
        (&Value::Null, &json!(true))
    );
    let base = format!("http://{}/i/{}", site.addr(), fleet["key"].as_str().unwrap());
    assert_eq!(fleet["base_url"], base.as_str());
    let keys = [&alone, &named, &of_device, &fleet];
    assert_eq!(keys.map(|key| sends(&site, key)), [200; 4]);
    let ids = |keys: &[Value]| -> BTreeSet<String> { keys.iter().map(|key| key["id"].to_string()).collect() };
    assert_eq!(ids(&listed(&site, &cookie)), ids(&keys.map(Value::clone)));

    let refuse = |body: Value| {
        let reply = ask(&site, &cookie, "POST", "/api/v1/ingest-keys", &body);
        (reply.status, reply.error_code())
    };
    assert_eq!(
        refuse(json!({ "fleet": true, "name": "x" })),
        (422, "one_owner".to_owned())
    );
    assert_eq!(
        refuse(json!({ "device_id": device, "name": "x" })),
        (422, "one_owner".to_owned())
    );
    assert_eq!(refuse(json!({ "name": "" })), (422, "bad_name".to_owned()));
    let missing = json!({ "device_id": "00000000-0000-7000-8000-000000000000" });
    assert_eq!(refuse(missing), (404, "not_found".to_owned()));
    for _ in 1..10 {
        make(&site, &cookie, &json!({ "device_id": device }));
    }
    assert_eq!(
        refuse(json!({ "device_id": device })),
        (409, "too_many".to_owned())
    );
}

#[test]
fn a_key_ends_alone_and_with_its_device() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let fleet = make(&site, &cookie, &json!({ "fleet": true }));
    let alone = make(&site, &cookie, &json!({}));
    let path = |key: &Value| format!("/api/v1/ingest-keys/{}", key["id"].as_str().unwrap());
    for (key, again) in [(&fleet, 404), (&alone, 404)] {
        assert_eq!(sends(&site, key), 200);
        assert_eq!(ask(&site, &cookie, "DELETE", &path(key), &json!({})).status, 204);
        assert_eq!(sends(&site, key), 401);
        assert_eq!(
            ask(&site, &cookie, "DELETE", &path(key), &json!({})).status,
            again
        );
    }
    let renewed = make(&site, &cookie, &json!({ "name": "Kart 8" }));
    let device = format!("/api/v1/devices/{}", renewed["device_id"].as_str().unwrap());
    let token = ask(&site, &cookie, "POST", &format!("{device}/token"), &json!({}));
    assert_eq!(
        (token.status, sends(&site, &renewed)),
        (201, 401),
        "a new token ends the keys too"
    );
    let last = make(&site, &cookie, &json!({ "device_id": renewed["device_id"] }));
    assert_eq!(sends(&site, &last), 200);
    assert_eq!(ask(&site, &cookie, "DELETE", &device, &json!({})).status, 204);
    assert_eq!(sends(&site, &last), 401);
    assert_eq!(listed(&site, &cookie), Vec::<Value>::new());
    let log = site.get("/api/v1/audit", &[("cookie", &cookie)]);
    assert!(!log.text().contains("fpi_"));
    let actions: Vec<Value> = log.json()["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].clone())
        .collect();
    let count = |action: &str| actions.iter().filter(|said| *said == action).count();
    assert_eq!((count("ingest_key.made"), count("ingest_key.revoked")), (4, 4));
}

#[test]
fn a_key_goes_with_its_device_to_another_team() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let key = make(&site, &cookie, &json!({ "name": "Kart 7" }));
    let fleet = make(&site, &cookie, &json!({ "fleet": true }));
    let id = key["device_id"].as_str().unwrap();
    let second = "second@example.org";
    site.add_user(second, Role::Owner);
    let theirs = site.sign_in(second);
    // One acts for the team that one joined first.
    site.advance(Duration::from_secs(1));
    let invite = json!({ "email": OWNER, "role": "owner" });
    let invited = ask(&site, &theirs, "POST", "/api/v1/team/invitations", &invite).json();
    let (_, token) = invited["link"].as_str().unwrap().rsplit_once('#').unwrap();
    let accept = ask(
        &site,
        &cookie,
        "POST",
        "/api/v1/invitations/accept",
        &json!({ "token": token }),
    );
    assert!(accept.status < 300, "{}", accept.text());
    let cookie = site.sign_in(OWNER);
    let teams = site.get("/api/v1/me/teams", &[("cookie", &theirs)]).json();
    let to = teams["teams"][0]["id"].clone();
    // The device has a name of its own in the old team.
    let ping = format!("/i/{}/api/device/ping", key["key"].as_str().unwrap());
    let said = json!({ "device_uid": "kart-7" }).to_string();
    assert_eq!(site.post_json(&ping, &[], &said).status, 200);
    let moved = ask(
        &site,
        &cookie,
        "POST",
        &format!("/api/v1/devices/{id}/transfer"),
        &json!({ "team_id": to }),
    );
    assert_eq!(moved.status, 204, "{}", moved.text());
    assert_eq!(sends(&site, &key), 200);
    assert_eq!(listed(&site, &theirs)[0]["id"], key["id"]);
    assert_eq!(listed(&site, &cookie)[0]["id"], fleet["id"]);
    let sessions = site.get("/api/v1/sessions", &[("cookie", &theirs)]).json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    // The fleet key stays with the old team, where that name is nobody's now.
    assert_eq!(sends(&site, &fleet), 200);
    let devices = site.get("/api/v1/devices", &[("cookie", &cookie)]).json();
    assert_eq!(
        (
            &devices["devices"][0]["name"],
            &devices["devices"][0]["unassigned"]
        ),
        (&json!("kart-7"), &json!(true))
    );
}

#[test]
fn a_viewer_neither_makes_nor_ends_keys() {
    let site = Site::owned();
    let viewer = "viewer@example.org";
    site.try_add_user(viewer, Role::Viewer, Some(OWNER)).unwrap();
    let cookie = site.sign_in(viewer);
    let (id, _, _) = site.add_ingest_key(OWNER, For::Team);
    for (method, path) in [
        ("POST", "/api/v1/ingest-keys".to_owned()),
        ("DELETE", format!("/api/v1/ingest-keys/{id}")),
        ("POST", format!("/api/v1/devices/{id}/adopt")),
    ] {
        let reply = ask(&site, &cookie, method, &path, &json!({ "name": "x" }));
        assert_eq!((reply.status, reply.error_code().as_str()), (403, "read_only"));
    }
}
