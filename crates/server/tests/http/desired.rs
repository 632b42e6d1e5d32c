//! What people want of a device, and what the device makes of it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use server::store::accounts::Role;

use crate::logger::{Logger, logger};
use crate::recording::circle;
use crate::support::{OWNER, Reply};

const DESIRED: &str = "/api/v1/device/desired";
const ACK: &str = "/api/v1/device/desired/ack";
const VIEWER: &str = "viewer@example.org";
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Logger {
    /// As the device.
    fn fetch(&self, path: &str) -> Reply {
        self.site.get(path, &[("authorization", &self.token)])
    }

    fn desired(&self) -> Value {
        let reply = self.fetch(DESIRED);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    fn put(&self, body: &Value) -> Reply {
        self.put_as(&[("cookie", &self.cookie)], body)
    }

    fn put_as(&self, who: &[(&str, &str)], body: &Value) -> Reply {
        let headers = [&[("content-type", "application/json")], who].concat();
        self.site.send(
            "PUT",
            &self.path("/desired"),
            &headers,
            body.to_string().as_bytes(),
        )
    }

    fn command(&self, kind: &str) -> Reply {
        let body = json!({ "kind": kind }).to_string();
        self.site
            .post_json(&self.path("/commands"), &[("cookie", &self.cookie)], &body)
    }
}

#[test]
fn a_device_fetches_what_people_want_says_what_came_of_it_and_learns_of_news_by_its_heartbeats() {
    let logger = logger();
    let nothing = json!({"version": 0, "settings": {}, "track": null, "networks": {"add": [], "forget": []}, "commands": []});
    assert_eq!(logger.desired(), nothing);
    let beat = json!({"session_start": "2026-11-20T10:00:00Z", "run_seconds": 60});
    assert_eq!(logger.say("/api/v1/heartbeats", &beat)["desired_version"], 0);

    let put = logger.put(&json!({"settings": {"rate_hz": 10, "led": "dark"}}));
    assert_eq!((put.status, put.header("etag")), (200, Some("\"1\"")));
    assert_eq!(logger.say("/functions/v1/ingest", &beat)["desired_version"], 1);
    assert_eq!(logger.say("/api/device/ping", &json!({}))["desired_version"], 1);

    let first = logger.fetch(DESIRED);
    assert_eq!(first.json()["settings"], json!({"rate_hz": 10, "led": "dark"}));
    let tag = first.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"'), "strong: {tag}");
    let ask = |tag: &str| {
        let headers = [("authorization", logger.token.as_str()), ("if-none-match", tag)];
        logger.site.get(DESIRED, &headers)
    };
    let known = ask(&tag);
    assert_eq!(
        (known.status, known.header("etag"), known.body.len()),
        (304, Some(tag.as_str()), 0)
    );
    assert_eq!(ask("\"another\", \"one\"").status, 200);

    let acked = json!({"version": 1, "applied": true});
    for _ in 0..2 {
        assert_eq!(
            logger.say(ACK, &acked),
            json!({"version": 1, "applied_version": 1})
        );
    }
    let shown = logger.read("/desired");
    assert_eq!(
        (&shown["applied_version"], &shown["applied_at"]),
        (&json!(1), &json!("2026-11-20T12:00:00Z"))
    );
    assert_eq!(
        ask(&tag).status,
        304,
        "what a device says of itself is no news to it"
    );

    logger.put(&json!({"settings": {"rate_hz": 25}}));
    assert_eq!(ask(&tag).status, 200);
    logger.say(
        ACK,
        &json!({"version": 2, "applied": false, "error": "25 Hz is too fast"}),
    );
    logger.say(ACK, &acked);
    let shown = logger.read("/desired");
    assert_eq!(shown["applied_version"], 1, "an older word does not go back");
    assert_eq!(
        shown["failed"],
        json!({"version": 2, "at": "2026-11-20T12:00:00Z", "error": "25 Hz is too fast"})
    );
    assert_eq!(
        logger.say(ACK, &json!({"version": 99, "applied": true})),
        json!({"version": 2, "applied_version": 1})
    );
}

#[test]
fn fetching_counts_as_being_heard_and_online_ends_by_the_servers_clock() {
    let logger = logger();
    let online = || logger.read("")["device"]["online"].clone();
    assert_eq!(online(), false);
    logger.fetch(DESIRED);
    assert_eq!(online(), true);
    logger.site.advance(Duration::from_secs(60));
    assert_eq!(online(), true);
    logger.site.advance(Duration::from_secs(1));
    assert_eq!(online(), false);
    logger.fetch("/api/device/active_track");
    assert_eq!(online(), true);
}

#[test]
fn of_two_changes_made_at_once_the_second_is_refused() {
    let logger = logger();
    let tag = logger
        .site
        .get(&logger.path("/desired"), &[("cookie", &logger.cookie)])
        .header("etag")
        .unwrap()
        .to_owned();
    let change = |led: &str| {
        let who = [("cookie", logger.cookie.as_str()), ("if-match", tag.as_str())];
        logger.put_as(&who, &json!({"settings": {"led": led}}))
    };
    // A command makes a new version, and no change of what was read.
    assert_eq!(logger.command("identify").status, 201);
    assert_eq!(change("dark").status, 200);
    let late = change("bright");
    assert_eq!(
        (late.status, late.error_code().as_str()),
        (412, "changed_meanwhile")
    );
    assert_eq!(logger.desired()["settings"]["led"], "dark");
    assert_eq!(
        logger.put(&json!({"settings": {}})).status,
        200,
        "without If-Match as before"
    );
}

#[test]
fn a_command_is_given_out_until_it_ends_and_ends_once() {
    let logger = logger();
    let made = logger.command("sync");
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(
        (&made.json()["state"], &made.json()["made_by"]),
        (&json!("queued"), &json!(OWNER))
    );
    let id = made.json()["id"].clone();
    for _ in 0..2 {
        let desired = logger.desired();
        assert_eq!(
            (&desired["version"], &desired["commands"][0]["id"]),
            (&json!(1), &id)
        );
    }
    let ack = |done: bool, detail: &str| json!({"version": 1, "applied": true, "commands": [{"id": id, "done": done, "detail": detail}, {"id": "no id", "done": true}]});
    logger.say(ACK, &ack(false, "no network"));
    logger.say(ACK, &ack(true, "a late copy of an older word"));
    assert_eq!(logger.desired()["commands"], json!([]));
    let ended = &logger.read("/desired")["commands"][0];
    assert_eq!(
        (&ended["state"], &ended["detail"]),
        (&json!("failed"), &json!("no network"))
    );

    // Commands of one moment have no order among them.
    logger.site.advance(Duration::from_secs(1));
    let unknown = logger.command("self_destruct");
    assert_eq!(
        (unknown.status, unknown.error_code().as_str()),
        (422, "unknown_command")
    );
    assert!(unknown.text().contains("send_logs"), "says what there is");
    for _ in 0..16 {
        assert_eq!(logger.command("identify").status, 201);
    }
    let full = logger.command("identify");
    assert_eq!(
        (full.status, full.error_code().as_str()),
        (409, "too_many_commands")
    );
    logger.site.advance(DAY);
    assert_eq!(logger.desired()["commands"], json!([]), "expired");
    let shown = logger.read("/desired")["commands"].clone();
    assert_eq!(shown[16]["state"], "expired");
    for _ in 0..16 {
        assert_eq!(logger.command("restart").status, 201);
    }
    logger.site.advance(DAY);
    assert_eq!(logger.command("restart").status, 201);
    assert_eq!(
        logger.read("/desired")["commands"].as_array().unwrap().len(),
        33,
        "32 that ended are kept"
    );
}

#[test]
fn a_sealed_password_goes_to_the_device_and_to_nobody_else() {
    let mut logger = logger();
    let sealed: Vec<u8> = [&[1_u8][..], &[0xFE; 140]].concat();
    let add = |sealed: &str| json!({"settings": {}, "networks": {"add": [{"ssid": "Paddock", "sealed": sealed}], "forget": ["Old"]}});
    let put = logger.put(&add(&STANDARD.encode(&sealed)));
    assert_eq!(put.status, 200, "{}", put.text());
    let shown = json!({"add": [{"ssid": "Paddock", "password_set": true}], "forget": ["Old"]});
    assert_eq!(put.json()["networks"], shown);
    assert_eq!(logger.read("/desired")["networks"], shown);
    let kept = logger.put(&json!({"settings": {}, "networks": {"add": [{"ssid": "Paddock"}]}}));
    assert_eq!(kept.status, 200, "{}", kept.text());
    assert_eq!(
        logger.desired()["networks"],
        json!({"add": [{"ssid": "Paddock", "sealed": URL_SAFE_NO_PAD.encode(&sealed)}], "forget": []})
    );
    for (body, code) in [
        (add("not Base64!"), "bad_sealed"),
        (add(&STANDARD.encode([2; 100])), "bad_sealed"),
        (add(&STANDARD.encode([1; 513])), "bad_sealed"),
        (
            json!({"settings": {}, "networks": {"add": [{"ssid": "Elsewhere"}]}}),
            "not_sealed",
        ),
        (
            json!({"settings": {"wifi_password": "hunter2hunter2"}}),
            "secret_setting",
        ),
    ] {
        let refused = logger.put(&body);
        assert_eq!((refused.status, refused.error_code().as_str()), (422, code));
    }
    let mut key = [7; 65];
    key[0] = 4;
    let key = URL_SAFE_NO_PAD.encode(key);
    let ping = logger.say(
        "/api/device/ping",
        &json!({"vbatt_sense": 3.7, "seal_key": key, "crash": "oops"}),
    );
    assert_eq!(ping["ignored"][0]["member"], "crash", "{ping}");
    assert_eq!(
        (&logger.read("")["seal_key"], &logger.read("/desired")["seal_key"]),
        (&json!(key), &json!(key))
    );
    logger.site.stop();
    logger.site.start();
    assert_eq!(
        logger.desired()["networks"]["add"][0]["ssid"],
        "Paddock",
        "rows outlive a restart"
    );
}

#[test]
fn a_track_is_one_of_the_teams_or_two_points_that_can_be() {
    let logger = logger();
    let active = || logger.fetch("/api/device/active_track").json();
    assert_eq!(
        active(),
        json!({"success": true, "track": null, "desired_version": 0})
    );
    let inline = json!({"name": "Home", "gate": [[54.886, -2.271], [54.886, -2.2705]], "splits": [[[54.887, -2.271], [54.887, -2.2705]]]});
    assert_eq!(logger.put(&json!({"settings": {}, "track": inline})).status, 200);
    let track = active()["track"].clone();
    assert_eq!(
        (&track["name"], &track["gate"], &track["id"]),
        (&json!("Home"), &inline["gate"], &Value::Null)
    );
    assert_eq!(track["splits"], inline["splits"]);

    let sent = logger
        .site
        .upload(("authorization", &logger.token), "a.csv", &circle());
    logger
        .site
        .analysed(("cookie", &logger.cookie), sent["session_id"].as_str().unwrap());
    let tracks = logger
        .site
        .get("/api/v1/tracks", &[("cookie", &logger.cookie)])
        .json();
    let learned = tracks["tracks"][0].clone();
    assert_eq!(
        logger
            .put(&json!({"settings": {}, "track": {"id": learned["id"]}}))
            .status,
        200
    );
    assert_eq!(active()["track"], learned);
    assert_eq!(logger.desired()["track"], learned);

    for (track, code) in [
        (json!({"gate": [[91, 0], [54, 0]]}), "bad_coordinates"),
        (json!({"gate": [[54.886, -2.271], [54.886, -2.271]]}), "bad_track"),
        (json!({"gate": [[54.886, -2.271], [55.886, -2.271]]}), "bad_track"),
        (
            json!({"id": "0198", "gate": [[54.886, -2.271], [54.886, -2.2705]]}),
            "bad_track",
        ),
        (json!({}), "bad_track"),
        (json!({"id": logger.id}), "unknown_track"),
    ] {
        let refused = logger.put(&json!({"settings": {}, "track": track}));
        assert_eq!(
            (refused.status, refused.error_code().as_str()),
            (422, code),
            "{track}"
        );
    }
    assert_eq!(active()["track"], learned, "a refused change changes nothing");
}

#[test]
fn viewers_read_members_write_and_it_stands_in_the_audit_log() {
    let logger = logger();
    logger
        .site
        .try_add_user(VIEWER, Role::Viewer, Some(OWNER))
        .unwrap();
    let viewer = logger.site.sign_in(VIEWER);
    let who = [("cookie", viewer.as_str())];
    assert_eq!(logger.site.get(&logger.path("/desired"), &who).status, 200);
    assert_eq!(
        logger.put_as(&who, &json!({"settings": {}})).error_code(),
        "read_only"
    );
    let command = logger
        .site
        .post_json(&logger.path("/commands"), &who, r#"{"kind":"restart"}"#);
    assert_eq!(command.error_code(), "read_only");
    let own = logger.put_as(&[("authorization", &logger.token)], &json!({"settings": {}}));
    assert_eq!(own.status, 401, "a device does not tell itself");
    assert_eq!(logger.site.get(DESIRED, &who).error_code(), "read_only");
    let as_owner = logger.site.get(DESIRED, &[("cookie", &logger.cookie)]);
    assert_eq!(
        (as_owner.status, as_owner.error_code().as_str()),
        (403, "devices_only")
    );

    logger.put(&json!({"settings": {"led": "dark"}}));
    logger.command("restart");
    let log = logger
        .site
        .get("/api/v1/audit", &[("cookie", &logger.cookie)])
        .json();
    let entries = log["entries"].as_array().unwrap();
    let noted =
        |action: &str| entries.iter().find(|entry| entry["action"] == action).unwrap()["detail"].clone();
    assert_eq!(noted("device.desired_changed"), "version 1");
    assert_eq!(noted("device.commanded"), "restart");
}

#[test]
fn a_device_that_goes_to_another_team_takes_nothing_of_it_along_and_sees_that_there_is_news() {
    let logger = logger();
    logger.put(&json!({"settings": {"led": "dark"}, "networks": {"add": [{"ssid": "Paddock", "sealed": STANDARD.encode([1; 40])}]}}));
    logger.command("restart");
    logger.site.add_user("other@example.org", Role::Owner);
    let other = logger.site.sign_in("other@example.org");
    let team = logger.site.get("/api/v1/team", &[("cookie", &other)]).json()["id"].clone();
    let body = json!({"email": OWNER, "role": "owner"}).to_string();
    let link = logger
        .site
        .post_json("/api/v1/team/invitations", &[("cookie", &other)], &body)
        .json()["link"]
        .as_str()
        .unwrap()
        .to_owned();
    // The team that was joined first is the one that a sign-in acts for.
    logger.site.advance(Duration::from_secs(1));
    let token = link.split_once('#').unwrap().1;
    let accepted = logger.site.post_json(
        "/api/v1/invitations/accept",
        &[("cookie", &logger.cookie)],
        &json!({ "token": token }).to_string(),
    );
    assert!(accepted.status < 300, "{}", accepted.text());
    let cookie = logger.site.sign_in(OWNER);
    let body = json!({ "team_id": team }).to_string();
    let moved = logger
        .site
        .post_json(&logger.path("/transfer"), &[("cookie", &cookie)], &body);
    assert_eq!(moved.status, 204, "{}", moved.text());
    let desired = logger.desired();
    assert_eq!(desired["version"], 3, "above what the device had seen");
    assert_eq!(
        (
            &desired["settings"],
            &desired["networks"]["add"],
            &desired["commands"]
        ),
        (&json!({}), &json!([]), &json!([]))
    );
}
