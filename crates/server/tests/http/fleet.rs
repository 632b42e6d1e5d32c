//! Devices of a fleet key: named by each request in its own way, unassigned until somebody adopts them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use server::store::fleet::UNASSIGNED_MAX;
use server::store::ingest_keys::For;

use crate::shapes::{assert_durable, assert_stored, sha256};
use crate::support::{OWNER, Reply, Site};

const SHOT: &[u8] = include_bytes!("../pictures/tiny.jpg");

struct Fleet {
    site: Site,
    cookie: String,
    base: String,
}

impl Fleet {
    fn new() -> Self {
        let site = Site::owned();
        let cookie = site.sign_in(OWNER);
        let (_, device, base) = site.add_ingest_key(OWNER, For::Team);
        assert_eq!(device, None);
        Self { site, cookie, base }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.site
            .send(method, &format!("{}{path}", self.base), headers, body)
    }

    fn raw(&self, device: &str, name: &str, body: &[u8]) -> Reply {
        let path = format!("/api/upload?filename={name}&device={device}");
        self.send("POST", &path, &[], body)
    }

    fn get(&self, path: &str) -> Value {
        self.site.get(path, &[("cookie", &self.cookie)]).json()
    }

    fn as_owner(&self, method: &str, path: &str, body: &Value) -> Reply {
        let headers = [
            ("cookie", self.cookie.as_str()),
            ("content-type", "application/json"),
        ];
        self.site
            .send(method, path, &headers, body.to_string().as_bytes())
    }

    /// The id of the device that the team lists under a name.
    fn id_of(&self, name: &str) -> String {
        let list = self.get("/api/v1/devices?limit=200");
        let devices = list["devices"].as_array().unwrap();
        let found: Vec<_> = devices.iter().filter(|device| device["name"] == name).collect();
        assert_eq!(found.len(), 1, "{name}: {list}");
        found[0]["id"].as_str().unwrap().to_owned()
    }
}

fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, reply.error_code())
}

fn form(fields: &[(&str, &str)], file: &str) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body + &format!(
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{file}\"\r\n\r\n1,2\r\n--b--\r\n"
    )
}

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=b");
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn two_devices_with_equal_file_names_stay_two_recordings() {
    let fleet = Fleet::new();
    for (device, bytes) in [
        ("kart-7", b"1,2\r\n"),
        ("kart-8", b"3,4\r\n"),
        ("kart-9", b"3,4\r\n"),
    ] {
        let reply = fleet.raw(device, "LOG_1.csv", bytes);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["version"], 1);
        assert_stored(
            &fleet.site,
            &fleet.id_of(device),
            &reply.json(),
            "LOG_1.csv",
            bytes,
        );
    }
    let again = fleet.raw("kart-7", "LOG_1.csv", b"1,2\r\n").json();
    assert_eq!(again["duplicate"], true);
    assert_eq!(
        fleet.get("/api/v1/sessions")["sessions"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn each_shape_names_its_device_in_its_own_way() {
    let fleet = Fleet::new();
    let (id, other) = (
        "0198c1f2-7d3e-7abc-9def-0123456789ab",
        "0198C1F2-7D3E-7ABC-9DEF-0123456789AC",
    );
    let json_upload = format!(r#"{{"filename":"j.csv","content":"1,2","device_id":"{id}"}}"#);
    let beat =
        json!({ "device_uid": id, "session_start": "2026-11-20T11:00:00Z", "run_seconds": 60 }).to_string();
    let ping = json!({ "device_uid": id, "vbatt_sense": 3.9 }).to_string();
    let by_id = format!("/api/upload?filename=q.csv&device={id}");
    for (path, headers, body) in [
        ("/api/upload", &[JSON][..], json_upload.as_bytes()),
        (by_id.as_str(), &[], b"1,2"),
        ("/api/upload?filename=x.csv", &[("x-device", id)], b"1,2"),
        (
            "/api/upload",
            &[FORM],
            form(&[("note", "hello"), ("device", id)], "f.csv").as_bytes(),
        ),
        (
            "/upload",
            &[("content-type", "image/jpeg"), ("X-Device", id)],
            SHOT,
        ),
        ("/functions/v1/ingest", &[JSON], beat.as_bytes()),
        ("/api/device/ping", &[JSON], ping.as_bytes()),
    ] {
        let reply = fleet.send("POST", path, headers, body);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    }
    let listed = fleet.get("/api/v1/devices");
    let devices = listed["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 1, "{listed}");
    assert_eq!(
        (&devices[0]["id"], &devices[0]["unassigned"]),
        (&json!(id), &json!(true))
    );
    let shown = fleet.get(&format!("/api/v1/devices/{id}"));
    assert_eq!(shown["state"]["vbatt_sense"], 3.9);
    assert_eq!(
        fleet.get(&format!("/api/v1/devices/{id}/uptime"))["counted_s"],
        60.0
    );
    assert_eq!(
        fleet.get("/api/v1/pictures")["pictures"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(fleet.raw(other, "u.csv", b"1").status, 200);
    assert_eq!(
        fleet.raw(&other.to_lowercase(), "u.csv", b"1").json()["duplicate"],
        true
    );
}

#[test]
fn an_upload_in_pieces_says_its_device_once() {
    let fleet = Fleet::new();
    let about = |device: &str| format!("filename YQ==,device {}", STANDARD.encode(device));
    let tus = ("Tus-Resumable", "1.0.0");
    let headers = [tus, ("Upload-Length", "7"), ("Upload-Metadata", &about("kart-7"))];
    let created = fleet.send("POST", "/api/v1/uploads", &headers, b"");
    assert_eq!(created.status, 201, "{}", created.text());
    let (_, id) = created.header("location").unwrap().rsplit_once('/').unwrap();
    let path = format!("/api/v1/uploads/{id}");
    let piece = ("Content-Type", "application/offset+octet-stream");
    assert_eq!(
        fleet
            .send("PATCH", &path, &[tus, piece, ("Upload-Offset", "0")], b"1,2")
            .status,
        204
    );
    assert_eq!(
        fleet.send("HEAD", &path, &[tus], b"").header("upload-offset"),
        Some("3")
    );
    // Who says to be another device does not see it.
    let stranger = fleet.send("HEAD", &path, &[tus, ("X-Device", "kart-8")], b"");
    assert_eq!(stranger.status, 404);
    let done = fleet.send("PATCH", &path, &[tus, piece, ("Upload-Offset", "3")], b",3\r\n");
    assert_eq!(done.status, 204, "{}", done.text());
    let device = fleet.id_of("kart-7");
    assert_durable(
        &fleet.site,
        &device,
        done.header("fieldpost-receipt").unwrap(),
        "a",
        b"1,2,3\r\n",
    );

    // A member's upload is no device's.
    let headers = [
        ("cookie", fleet.cookie.as_str()),
        tus,
        ("Upload-Length", "6"),
        ("Upload-Metadata", "filename YQ=="),
    ];
    let members = fleet.site.send("POST", "/api/v1/uploads", &headers, b"");
    let (_, id) = members.header("location").unwrap().rsplit_once('/').unwrap();
    assert_eq!(
        fleet
            .send("HEAD", &format!("/api/v1/uploads/{id}"), &[tus], b"")
            .status,
        404
    );
}

#[test]
fn a_request_that_names_no_device_is_refused_and_leaves_nothing() {
    let fleet = Fleet::new();
    let tus = [
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Length", "3"),
        ("Upload-Metadata", "filename YQ=="),
    ];
    let beat = br#"{"session_start":"2026-11-20T11:00:00Z","run_seconds":60}"#;
    for (path, headers, body) in [
        (
            "/api/upload",
            &[JSON][..],
            br#"{"filename":"a.csv","content":"1,2"}"#.as_slice(),
        ),
        (
            "/api/upload",
            &[JSON],
            br#"{"filename":"a.csv","device_uuid":null,"content":"1,2"}"#,
        ),
        ("/api/upload?filename=a.csv", &[], b"1,2"),
        (
            "/api/upload",
            &[FORM],
            form(&[("note", "kart-7")], "a.csv").as_bytes(),
        ),
        ("/upload", &[("content-type", "image/jpeg")], SHOT),
        ("/functions/v1/ingest", &[JSON], beat),
        ("/api/device/ping", &[JSON], br#"{"vbatt_sense":3.9}"#),
        ("/api/v1/uploads", &tus, b""),
        ("/api/v1/receipts/confirm", &[JSON], br#"{"items":[]}"#),
    ] {
        let reply = fleet.send("POST", path, headers, body);
        assert_eq!(refused(&reply), (422, "device_not_named".to_owned()), "{path}");
    }
    for name in ["%20", &"x".repeat(65), "a%00b"] {
        assert_eq!(
            refused(&fleet.raw(name, "a.csv", b"1,2")),
            (422, "bad_device_name".to_owned()),
            "{name}"
        );
    }
    let long = format!(
        r#"{{"filename":"a.csv","content":"1,2","device_uuid":"{}"}}"#,
        "x".repeat(10_000)
    );
    assert_eq!(
        fleet
            .send("POST", "/api/upload", &[JSON], long.as_bytes())
            .error_code(),
        "bad_device_name"
    );
    assert_eq!(fleet.get("/api/v1/devices")["devices"], json!([]));
    assert_eq!(fleet.get("/api/v1/sessions")["sessions"], json!([]));
}

#[test]
fn each_heartbeat_of_an_array_is_of_the_device_that_it_names() {
    let fleet = Fleet::new();
    let beat = |device: Value| json!({ "device_uuid": device, "session_start": "2026-11-20T11:00:00Z", "run_seconds": 60 });
    let body = json!([
        beat(json!("AC-17")),
        beat(Value::Null),
        beat(json!(42)),
        beat(json!("AC-17"))
    ]);
    let reply = fleet.send("POST", "/api/v1/heartbeats", &[JSON], body.to_string().as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    let stored: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["stored"])
        .collect();
    assert_eq!(stored, [true, false, true, true]);
    assert_eq!(answer["results"][1]["error"]["code"], "device_not_named");
    for name in ["AC-17", "42"] {
        let path = format!("/api/v1/devices/{}/uptime", fleet.id_of(name));
        assert_eq!(fleet.get(&path)["counted_s"], 60.0);
    }
}

#[test]
fn an_adopted_device_keeps_its_own_name_and_gets_another() {
    let fleet = Fleet::new();
    fleet.raw("e4:5f:01:aa", "a.csv", b"1,2");
    let id = fleet.id_of("e4:5f:01:aa");
    let path = format!("/api/v1/devices/{id}/adopt");
    assert_eq!(
        fleet
            .as_owner("POST", &path, &json!({ "name": " " }))
            .error_code(),
        "bad_name"
    );
    for _ in 0..2 {
        assert_eq!(
            fleet.as_owner("POST", &path, &json!({ "name": "Kart 7" })).status,
            204
        );
    }
    assert_eq!(fleet.id_of("Kart 7"), id);
    let shown = fleet.get(&format!("/api/v1/devices/{id}"));
    assert_eq!(shown["device"]["unassigned"], false);
    assert_eq!(shown["aliases"], json!(["e4:5f:01:aa"]));
    let again = fleet.raw("e4:5f:01:aa", "a.csv", b"1,2");
    assert_eq!(again.json()["duplicate"], true, "its own name means it as before");
    let log = fleet.get("/api/v1/audit");
    let said: Vec<String> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            format!(
                "{} {}",
                entry["actor"].as_str().unwrap(),
                entry["action"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            "owner@example.org device.renamed",
            "owner@example.org device.adopted",
            "fleet key device.added",
            "operator ingest_key.made"
        ]
    );
}

#[test]
fn a_revoked_device_is_refused_by_its_name_and_not_made_again() {
    let fleet = Fleet::new();
    let tus = ("Tus-Resumable", "1.0.0");
    let about = format!("filename YQ==,device {}", STANDARD.encode("kart-7"));
    let headers = [tus, ("Upload-Length", "6"), ("Upload-Metadata", &about)];
    let created = fleet.send("POST", "/api/v1/uploads", &headers, b"");
    let (_, upload) = created.header("location").unwrap().rsplit_once('/').unwrap();
    let id = fleet.id_of("kart-7");
    assert_eq!(
        fleet
            .as_owner("DELETE", &format!("/api/v1/devices/{id}"), &json!({}))
            .status,
        204
    );
    let wanted = (403, "device_revoked".to_owned());
    for name in ["kart-7", id.as_str()] {
        assert_eq!(refused(&fleet.raw(name, "a.csv", b"1,2")), wanted);
    }
    let beat = json!({ "device_uuid": "kart-7", "session_start": "2026-11-20T11:00:00Z", "run_seconds": 60 });
    let sent = |body: &Value| fleet.send("POST", "/api/v1/heartbeats", &[JSON], body.to_string().as_bytes());
    assert_eq!(refused(&sent(&beat)), wanted);
    assert_eq!(
        sent(&json!([beat])).json()["results"][0]["error"]["code"],
        "device_revoked"
    );
    let piece = [
        tus,
        ("Content-Type", "application/offset+octet-stream"),
        ("Upload-Offset", "0"),
    ];
    let patched = fleet.send("PATCH", &format!("/api/v1/uploads/{upload}"), &piece, b"1,2");
    assert_eq!(refused(&patched), wanted);
    assert_eq!(
        fleet.get("/api/v1/devices")["devices"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn devices_that_wait_for_adoption_are_bounded() {
    let fleet = Fleet::new();
    let beats: Vec<Value> = (0..UNASSIGNED_MAX)
        .map(|n| json!({ "device_uuid": format!("d{n}"), "session_start": "2026-11-20T11:00:00Z", "run_seconds": 1 }))
        .collect();
    let reply = fleet.send(
        "POST",
        "/api/v1/heartbeats",
        &[JSON],
        json!(beats).to_string().as_bytes(),
    );
    assert_eq!((reply.status, &reply.json()["success"]), (200, &json!(true)));
    let reply = fleet.raw("one-more", "a.csv", b"1,2");
    assert_eq!(refused(&reply), (429, "too_many_devices".to_owned()));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(
        fleet.raw("d7", "a.csv", b"1,2").status,
        200,
        "those that are there go on"
    );
    let path = format!("/api/v1/devices/{}/adopt", fleet.id_of("d1"));
    assert_eq!(
        fleet.as_owner("POST", &path, &json!({ "name": "d1" })).status,
        204
    );
    assert_eq!(fleet.raw("one-more", "a.csv", b"1,2").status, 200);
}

#[test]
fn a_team_knows_nothing_of_another_teams_devices() {
    let fleet = Fleet::new();
    let (device, _) = fleet.site.add_device(OWNER, "Ours");
    let stranger = "stranger@example.org";
    fleet
        .site
        .add_user(stranger, server::store::accounts::Role::Owner);
    let (_, _, base) = fleet.site.add_ingest_key(stranger, For::Team);
    let path = format!("{base}/api/upload?filename=a.csv&device={device}");
    let reply = fleet.site.send("POST", &path, &[], b"1,2");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(fleet.get("/api/v1/sessions")["sessions"], json!([]));
    let theirs = fleet.site.sign_in(stranger);
    let list = fleet.site.get("/api/v1/devices", &[("cookie", &theirs)]).json();
    assert_eq!(list["devices"].as_array().unwrap().len(), 1);
    assert_ne!(list["devices"][0]["id"], device.as_str());
    let again = fleet.site.send("POST", &path, &[], b"1,2").json();
    assert_eq!(
        (&again["duplicate"], &again["sha256"]),
        (&json!(true), &json!(sha256(b"1,2")))
    );
}
