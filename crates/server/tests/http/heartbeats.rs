//! Uptime loggers and what comes of what they send, as small clients send it.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use server::store::accounts::Role;

use crate::logger::{Logger, logger};
use crate::support::{OWNER, Reply, read_reply};

const INGEST: &str = "/functions/v1/ingest";
const HEARTBEATS: &str = "/api/v1/heartbeats";
/// What an existing logger sends; the test's clock stands at noon.
const BEAT: &str = r#"{"device_uuid":"AC-17","session_start":"2026-11-20T10:00:00Z","run_seconds":3600,"last_update":"2026-11-20T11:00:00Z","status":"running","msg_id":"AC-17-3600"}"#;

impl Logger {
    fn send(&self, path: &str, body: &str) -> Reply {
        self.site.post_json(path, &[("authorization", &self.token)], body)
    }

    fn get(&self, path: &str) -> Value {
        let reply = self.site.get(path, &[("cookie", &self.cookie)]);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    fn uptime(&self, query: &str) -> Value {
        self.get(&format!("/api/v1/devices/{}/uptime{query}", self.id))
    }

    fn device(&self) -> Value {
        self.get(&format!("/api/v1/devices/{}", self.id))
    }
}

fn assert_stored(reply: &Reply) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["success"], true, "{}", reply.text());
}

#[test]
fn the_shapes_that_small_clients_send_are_taken() {
    let logger = logger();
    let (token, length) = (&logger.token, BEAT.len());
    for request in [
        format!("POST {INGEST} HTTP/1.0\r\nAuthorization: {token}\r\nContent-Length: {length}\r\n\r\n{BEAT}"),
        format!(
            "POST {INGEST} HTTP/1.1\r\nhOsT: x\r\naUTHORIZATION: {token}\r\ncOnTeNt-LeNgTh: {length}\r\n\
             CONTENT-TYPE: application/json\r\nCONNECTION: Close\r\n\r\n{BEAT}"
        ),
        format!(
            "POST {HEARTBEATS} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{BEAT}"
        ),
    ] {
        assert_stored(&logger.site.exchange(request.as_bytes()));
    }
    for path in [INGEST, HEARTBEATS, "/api/device/ping"] {
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n");
        let reply = logger.site.exchange(request.as_bytes());
        assert_eq!(
            (reply.status, reply.error_code().as_str()),
            (411, "length_required"),
            "{path}"
        );
    }
    let uptime = logger.uptime("");
    assert_eq!(
        (&uptime["hours"], &uptime["sessions_total"]),
        (&json!(1.0), &json!(1))
    );
}

#[test]
fn an_array_in_chunks_of_200_bytes_has_a_result_for_each() {
    let logger = logger();
    let beats: Vec<String> = (1..=60)
        .map(|minute| BEAT.replace("3600", &(minute * 60).to_string()))
        .collect();
    let body = format!("[{}]", beats.join(","));
    let mut stream = logger.site.connect();
    let head = format!(
        "POST {INGEST} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        logger.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    for piece in body.as_bytes().chunks(200) {
        stream
            .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
            .unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let reply = read_reply(&mut stream);
    assert_stored(&reply);
    let results = reply.json()["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 60);
    for result in results {
        assert_eq!(result["session"], "s:2026-11-20T10:00:00Z");
        assert_eq!(
            (&result["run_seconds"], &result["counted"]),
            (&json!(3600), &json!(true))
        );
    }
    assert_eq!(logger.uptime("")["counted_s"], 3600.0);
}

#[test]
fn a_bad_item_does_not_spoil_the_others_and_a_bad_one_alone_is_refused() {
    let logger = logger();
    let reply = logger.send(HEARTBEATS, &format!("[{BEAT},{{\"run_seconds\":1}},7]"));
    assert_eq!(reply.status, 200);
    let answer = reply.json();
    assert_eq!(answer["success"], false);
    assert_eq!(answer["results"][0]["stored"], true);
    assert_eq!(answer["results"][1]["stored"], false);
    assert_eq!(answer["results"][1]["error"]["code"], "no_identity");
    assert_eq!(answer["results"][2]["error"]["code"], "not_an_object");
    for (body, status, code) in [
        (r#"{"run_seconds":1}"#.to_owned(), 422, "no_identity"),
        ("{".to_owned(), 400, "malformed_json"),
        (
            format!("[{}]", vec!["{}"; 1001].join(",")),
            413,
            "too_many_heartbeats",
        ),
        (format!("[\"{}\"]", "x".repeat(520 * 1024)), 413, "too_large"),
    ] {
        let reply = logger.send(HEARTBEATS, &body);
        assert_eq!((reply.status, reply.error_code().as_str()), (status, code));
    }
    assert_eq!(
        logger.send(HEARTBEATS, "[]").json(),
        json!({"success": true, "results": [], "desired_version": 0})
    );
}

#[test]
fn absurd_runs_are_shown_overlaps_are_marked_and_pages_go_on() {
    let logger = logger();
    let boot = |number: u32, start: Value, run_s: i64| json!({"boot_epoch": "e", "boot_number": number, "session_start": start, "run_seconds": run_s});
    let beats = json!([
        boot(1, json!("2026-11-19T10:00:00Z"), 3600),
        boot(2, json!("2026-11-19T10:30:00Z"), 3600),
        boot(3, json!("2026-11-20T08:00:00Z"), 600),
        boot(3, json!("2026-11-20T08:00:00Z"), 4_294_967_295),
        boot(4, json!(null), 120),
    ]);
    let answer = logger.send(HEARTBEATS, &beats.to_string()).json();
    assert_eq!(answer["results"][3]["suspect"], "over_thirty_days");
    assert_eq!(
        (&answer["results"][3]["stored"], &answer["results"][3]["counted"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&answer["results"][4]["counted"], &answer["results"][4]["suspect"]),
        (&json!(false), &json!(null))
    );

    let first = logger.uptime("?limit=2");
    assert_eq!(first["counted_s"], 5400.0 + 600.0);
    assert_eq!(first["claimed_s"], 7200.0 + 600.0);
    assert_eq!(first["unplaced_s"], 120.0);
    assert_eq!(
        (&first["sessions_total"], &first["sessions_suspect"]),
        (&json!(4), &json!(1))
    );
    let next = first["next"].as_str().unwrap();
    let second = logger.uptime(&format!("?limit=2&cursor={next}"));
    assert_eq!(second["next"], Value::Null);
    let listed = [&first["sessions"], &second["sessions"]]
        .map(|page| page.as_array().unwrap().clone())
        .concat();
    let column = |name: &str| {
        listed
            .iter()
            .map(|session| session[name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(column("session"), ["b:e:4", "b:e:3", "b:e:2", "b:e:1"]);
    assert_eq!(column("overlaps"), [false, false, true, true]);
    assert_eq!(column("run_seconds"), [120, 600, 3600, 3600]);
    assert_eq!(listed[0]["started_at"], Value::Null);
    assert_eq!(
        listed[1]["suspect"],
        json!({"run_seconds": 4_294_967_295_u32, "reason": "over_thirty_days"})
    );

    // The time comes: the hours move to their place.
    logger.send(
        HEARTBEATS,
        &boot(4, json!("2026-11-20T09:00:00Z"), 60).to_string(),
    );
    let timed = logger.uptime("");
    assert_eq!(
        (&timed["counted_s"], &timed["unplaced_s"]),
        (&json!(6120.0), &json!(0.0))
    );
    assert_eq!(timed["sessions_total"], 4);
    assert_eq!(
        logger
            .site
            .get(
                &format!("/api/v1/devices/{}/uptime?cursor=x", logger.id),
                &[("cookie", &logger.cookie)]
            )
            .status,
        400
    );
}

#[test]
fn a_member_carries_heartbeats_for_devices_of_the_team() {
    let logger = logger();
    let as_member = |beat: &str| {
        logger
            .site
            .post_json(HEARTBEATS, &[("cookie", &logger.cookie)], beat)
    };
    assert_eq!(
        as_member(BEAT).error_code(),
        "unknown_device",
        "nobody was heard by that name yet"
    );
    assert_stored(&logger.send(INGEST, BEAT));
    assert_eq!(logger.device()["aliases"], json!(["AC-17"]));
    assert_stored(&as_member(&BEAT.replace("3600", "5400")));
    let by_id = BEAT
        .replace("AC-17\",", &format!("{}\",", logger.id))
        .replace("3600", "6000");
    assert_stored(&as_member(&by_id));
    assert_eq!(logger.uptime("")["counted_s"], 6000.0);
    assert_eq!(
        as_member(r#"{"session_start":"2026-11-20T10:00:00Z","run_seconds":1}"#).error_code(),
        "device_not_named"
    );

    logger.site.add_user("viewer@example.org", Role::Viewer);
    let viewer = logger.site.sign_in("viewer@example.org");
    logger.site.add_user("other@example.org", Role::Owner);
    let stranger = logger.site.sign_in("other@example.org");
    let theirs = logger
        .site
        .post_json(HEARTBEATS, &[("cookie", &stranger)], &by_id);
    assert_eq!(
        (theirs.status, theirs.error_code().as_str()),
        (422, "unknown_device")
    );
    let refused = logger.site.post_json(HEARTBEATS, &[("cookie", &viewer)], &by_id);
    assert_eq!(refused.status, 403);
}

#[test]
fn a_device_is_online_for_60_s_by_the_servers_clock_and_data_is_told_apart() {
    let logger = logger();
    let before = logger.device()["device"].clone();
    assert_eq!(
        (&before["online"], &before["last_seen_at"]),
        (&json!(false), &Value::Null)
    );
    assert_stored(&logger.send(INGEST, BEAT));
    logger.site.advance(Duration::from_secs(10));
    // Heard, with nothing new.
    assert_stored(&logger.send(INGEST, BEAT));
    logger.site.advance(Duration::from_secs(60));
    let device = logger.device()["device"].clone();
    assert_eq!(device["online"], true);
    assert_eq!(device["last_seen_at"], "2026-11-20T12:00:10Z");
    assert_eq!(device["last_data_at"], "2026-11-20T12:00:00Z");
    logger.site.advance(Duration::from_secs(1));
    assert_eq!(logger.device()["device"]["online"], false);
    let listed = logger.get("/api/v1/devices");
    assert_eq!(listed["devices"][0]["name"], "Logger");
    assert_eq!(listed["devices"][0]["uptime_s"], 3600.0);
    logger
        .site
        .upload(("authorization", &logger.token), "a.csv", b"1,2\r\n");
    assert_eq!(logger.device()["device"]["last_data_at"], "2026-11-20T12:01:11Z");
}

#[test]
fn a_secret_that_a_ping_lets_slip_is_not_kept() {
    let logger = logger();
    let ping = r#"{"wifi_password":"hunter2","net":{"psk":"hunter2"},"nets":[[{"pass":"hunter2","ssid":"Pit"}]],"bypass":true}"#;
    assert_eq!(logger.send("/api/device/ping", ping).status, 200);
    let kept = logger.get(&format!("/api/v1/devices/{}", logger.id)).to_string();
    assert!(!kept.contains("hunter2"), "{kept}");
    assert!(
        kept.contains("Pit") && kept.contains(r#""bypass":true"#),
        "{kept}"
    );
}

#[test]
fn a_ping_is_kept_as_the_last_known_state() {
    let logger = logger();
    let ping = r#"{"device_uid":"uid-9","vbatt_sense":3.71,"storage_sd_free":123456789012,"odd":null}"#;
    let reply = logger.send("/api/device/ping", ping);
    assert_stored(&reply);
    assert_eq!(reply.json()["server_time"], "2026-11-20T12:00:00Z");
    let kept = logger.device();
    assert_eq!(kept["state"], serde_json::from_str::<Value>(ping).unwrap());
    assert_eq!(
        (&kept["state_at"], &kept["aliases"]),
        (&json!("2026-11-20T12:00:00Z"), &json!(["uid-9"]))
    );
    assert_eq!(kept["device"]["last_data_at"], Value::Null, "a ping is no data");
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(5000));
    for (body, status, code) in [
        (long.as_str(), 413, "too_large"),
        ("[]", 422, "not_an_object"),
        ("{", 400, "malformed_json"),
    ] {
        let reply = logger.send("/api/device/ping", body);
        assert_eq!((reply.status, reply.error_code().as_str()), (status, code));
    }
    assert_eq!(logger.device()["state"]["vbatt_sense"], 3.71);
    let person = logger
        .site
        .post_json("/api/device/ping", &[("cookie", &logger.cookie)], ping);
    assert_eq!(
        (person.status, person.error_code().as_str()),
        (403, "devices_only")
    );
}

#[test]
fn devices_are_listed_by_name_page_by_page_and_a_device_sees_itself() {
    let logger = logger();
    for name in ["Camera", "Apron", "Zebra"] {
        logger.site.add_device(OWNER, name);
    }
    let mut names = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = logger.get(&format!("/api/v1/devices{query}"));
        names.extend(
            page["devices"]
                .as_array()
                .unwrap()
                .iter()
                .map(|device| device["name"].clone()),
        );
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["Apron", "Camera", "Logger", "Zebra"]);
    // The device that the first page ended with is called otherwise before the next one is asked for.
    let first = logger.get("/api/v1/devices?limit=1");
    let path = format!("/api/v1/devices/{}", first["devices"][0]["id"].as_str().unwrap());
    let headers = [
        ("cookie", logger.cookie.as_str()),
        ("content-type", "application/json"),
    ];
    let renamed = logger
        .site
        .send("PATCH", &path, &headers, br#"{"name":"Zenith"}"#);
    assert_eq!(renamed.status, 204, "{}", renamed.text());
    let next = first["next"].as_str().unwrap();
    let second = logger.get(&format!("/api/v1/devices?limit=2&cursor={next}"));
    assert_eq!(
        (&second["devices"][0]["name"], &second["devices"][1]["name"]),
        (&json!("Camera"), &json!("Logger"))
    );
    let own = logger
        .site
        .get("/api/v1/devices", &[("authorization", &logger.token)])
        .json();
    assert_eq!(own["devices"].as_array().unwrap().len(), 1);
    assert_eq!(own["devices"][0]["id"], logger.id.as_str());
}

#[test]
fn what_was_seen_outlives_a_restart() {
    let mut logger = logger();
    assert_stored(&logger.send(INGEST, BEAT));
    // The row is written behind the answer; once the server has stopped it is there.
    logger.site.stop();
    logger.site.start();
    logger.cookie = logger.site.sign_in(OWNER);
    assert_eq!(logger.device()["device"]["last_seen_at"], "2026-11-20T12:00:00Z");
    assert_eq!(logger.uptime("")["counted_s"], 3600.0);
}
