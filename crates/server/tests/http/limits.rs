//! What a team may store, how often a sender may ask, and how often an address may guess.

use std::io::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use server::store::accounts::Role;
use sha2::{Digest, Sha256};

use crate::support::{OWNER, Reply, Site, read_reply};

const QUOTA: u64 = 1000;

struct Full {
    site: Site,
    token: String,
    cookie: String,
}

/// A team with 600 of its 1 000 bytes used.
fn nearly_full() -> Full {
    let site = Site::with(|config| config.team_quota_bytes = Some(QUOTA));
    site.add_user(OWNER, Role::Owner);
    let (_, token) = site.add_device(OWNER, "Logger");
    let cookie = site.sign_in(OWNER);
    site.upload(("authorization", &token), "first.csv", &[b'a'; 600]);
    Full { site, token, cookie }
}

impl Full {
    fn stored_bytes(&self) -> u64 {
        let team = self.site.get("/api/v1/team", &[("cookie", &self.cookie)]).json();
        assert_eq!(team["quota_bytes"], QUOTA);
        team["stored_bytes"].as_u64().unwrap()
    }

    fn tus(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let all = [
            &[("tus-resumable", "1.0.0"), ("authorization", self.token.as_str())],
            headers,
        ]
        .concat();
        self.site.send(method, path, &all, body)
    }

    fn begin(&self, name: &str, size: usize, sha256: Option<&[u8]>) -> Reply {
        let mut about = format!("filename {}", STANDARD.encode(name));
        if let Some(bytes) = sha256 {
            let digest = hex(&Sha256::digest(bytes));
            about += &format!(",sha256 {}", STANDARD.encode(digest));
        }
        let headers = [("upload-length", size.to_string()), ("upload-metadata", about)];
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.tus("POST", "/api/v1/uploads", &headers, b"")
    }

    fn files_in(&self, folder: &str) -> usize {
        let mut open = vec![self.site.folder.path().join(folder)];
        let mut files = 0;
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                match entry.file_type().unwrap().is_dir() {
                    true => open.push(entry.path()),
                    false => files += 1,
                }
            }
        }
        files
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn assert_over_quota(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.error_code().as_str()),
        (507, "quota_exceeded"),
        "{}",
        reply.text()
    );
    let error = &reply.json()["error"];
    assert_eq!(
        (&error["used_bytes"], &error["quota_bytes"]),
        (&json!(600), &json!(QUOTA))
    );
}

#[test]
fn what_does_not_fit_is_refused_before_its_bytes_come_and_leaves_nothing() {
    let full = nearly_full();
    assert_eq!(full.stored_bytes(), 600);
    let mut stream = full.site.connect();
    let head = format!(
        "POST /api/upload?filename=b.csv HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Length: 401\r\n\r\n",
        full.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    assert_over_quota(&read_reply(&mut stream));
    assert_over_quota(&full.begin("b.csv", 401, Some(&[b'b'; 401])));
    assert_over_quota(&full.begin("b.csv", 401, None));

    // Of unknown length: as soon as it is passed.
    let mut stream = full.site.connect();
    let head = format!(
        "POST /api/upload?filename=b.csv HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        full.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..4 {
        stream
            .write_all(format!("c8\r\n{}\r\n", "b".repeat(200)).as_bytes())
            .unwrap();
    }
    assert_over_quota(&read_reply(&mut stream));
    let deferred = [("upload-defer-length", "1"), ("upload-metadata", "filename Yg==")];
    let begun = full.tus("POST", "/api/v1/uploads", &deferred, b"");
    let path = format!(
        "/api/v1/uploads/{}",
        begun.header("location").unwrap().rsplit('/').next().unwrap()
    );
    let piece = [
        ("upload-offset", "0"),
        ("content-type", "application/offset+octet-stream"),
    ];
    assert_over_quota(&full.tus("PATCH", &path, &piece, &[b'b'; 700]));
    assert_eq!(full.tus("DELETE", &path, &[], b"").status, 204);

    assert_eq!(full.stored_bytes(), 600);
    assert_eq!(full.files_in("raw"), 1);
    let sessions = full
        .site
        .get("/api/v1/sessions", &[("cookie", &full.cookie)])
        .json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    full.site
        .upload(("authorization", &full.token), "b.csv", &[b'b'; 400]);
    assert_eq!(full.stored_bytes(), QUOTA, "the last byte is the team's");
}

#[test]
fn a_stored_recording_answers_its_old_receipt_though_nothing_fits_any_more() {
    let mut full = nearly_full();
    let first = full
        .site
        .upload(("authorization", &full.token), "first.csv", &[b'a'; 600]);
    assert_eq!(first["duplicate"], true);
    let again = full.begin("first.csv", 600, Some(&[b'a'; 600]));
    assert_eq!(again.status, 201, "{}", again.text());
    assert_eq!(
        again.header("fieldpost-recording"),
        first["recording_id"].as_str()
    );
    // Without a digest the bytes have to come before it is known.
    let begun = full.begin("first.csv", 600, None);
    assert_eq!(begun.status, 201, "{}", begun.text());
    let path = format!(
        "/api/v1/uploads/{}",
        begun.header("location").unwrap().rsplit('/').next().unwrap()
    );
    let piece = [
        ("upload-offset", "0"),
        ("content-type", "application/offset+octet-stream"),
    ];
    let sent = full.tus("PATCH", &path, &piece, &[b'a'; 600]);
    assert_eq!(sent.header("fieldpost-recording"), first["recording_id"].as_str());
    // Other bytes of the same length are told at the end.
    let reply = full.site.send(
        "POST",
        "/api/upload?filename=other.csv",
        &[("authorization", &full.token)],
        &[b'x'; 600],
    );
    assert_over_quota(&reply);
    assert_eq!((full.stored_bytes(), full.files_in("raw")), (600, 1));
    full.site.stop();
    full.site.start();
    assert_eq!(full.stored_bytes(), 600);
}

#[test]
fn a_sender_that_asks_too_often_is_told_when_to_come_back_and_others_are_not() {
    let site = Site::with(|config| config.ingest_per_device_rate = 1);
    site.add_user(OWNER, Role::Owner);
    let (_, flood) = site.add_device(OWNER, "Flood");
    let (_, calm) = site.add_device(OWNER, "Calm");
    let ping = |token: &str| site.post_json("/api/device/ping", &[("authorization", token)], "{}");
    let refused = (0..200)
        .map(|_| ping(&flood))
        .find(|reply| reply.status != 200)
        .expect("a refusal within 200 requests");
    assert_eq!(
        (refused.status, refused.error_code().as_str()),
        (429, "too_many_requests")
    );
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(ping(&calm).status, 200);
    let reading = site.get("/api/v1/sessions", &[("authorization", &flood)]);
    assert_eq!(reading.status, 200, "reading is no ingest");
}

/// A sender that is not the machine itself, as the proxy before the server says.
const ELSEWHERE: (&str, &str) = ("x-forwarded-for", "203.0.113.7");

fn behind_a_proxy() -> Site {
    let site = Site::with(|config| config.trusted_proxy = vec!["127.0.0.1".parse().unwrap()]);
    site.add_user(OWNER, Role::Owner);
    site
}

#[test]
fn wrong_tokens_from_one_address_are_bounded_and_the_right_ones_beside_them_work_on() {
    let site = behind_a_proxy();
    let (_, known) = site.add_device(OWNER, "Known");
    let (_, fresh) = site.add_device(OWNER, "Fresh");
    let ping = |token: &str| site.post_json("/api/device/ping", &[("authorization", token), ELSEWHERE], "{}");
    assert_eq!(ping(&known).status, 200);
    let guess = |n: usize| ping(&format!("Bearer guess-{n}"));
    let stopped = (0..10_000)
        .find(|n| guess(*n).status == 429)
        .expect("guessing is stopped");
    assert_eq!(stopped, 3001, "the one that is one too many is still looked at");
    assert_eq!(ping(&known).status, 200, "a token that has worked");
    assert_eq!(ping(&fresh).status, 429, "one that has not has to wait");
    let own = site.post_json("/api/device/ping", &[("authorization", fresh.as_str())], "{}");
    assert_eq!(own.status, 200, "the machine's own address may be anybody's");
    assert_eq!(site.get("/healthz", &[]).status, 200);
    site.sign_in(OWNER);
    site.advance(Duration::from_secs(1));
    assert_eq!(ping(&fresh).status, 200, "it waited");
}

#[test]
fn keys_and_links_are_guessed_no_faster_and_those_that_work_go_on_beside_a_guesser() {
    let site = behind_a_proxy();
    let owner = site.sign_in(OWNER);
    let made = |path: &str, body: &str| site.post_json(path, &[("cookie", &owner)], body).json();
    let key = made("/api/v1/ingest-keys", r#"{"fleet":true}"#)["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let session = site.upload(("cookie", &owner), "a.csv", b"1,2\r\n")["session_id"].clone();
    let shares = format!("/api/v1/sessions/{}/shares", session.as_str().unwrap());
    let share = made(&shares, "{}")["token"].as_str().unwrap().to_owned();
    let ping = |key: &str| {
        let path = format!("/i/{key}/api/device/ping");
        site.post_json(&path, &[ELSEWHERE], r#"{"device_uid":"a"}"#)
    };
    let shared = |token: &str| {
        let bearer = format!("Bearer {token}");
        site.get("/api/v1/shared", &[("authorization", &bearer), ELSEWHERE])
    };
    assert_eq!((ping(&key).status, shared(&share).status), (200, 200));

    let stopped = (0..10_000).find(|n| ping(&format!("guess-{n}")).status == 429);
    assert_eq!(stopped, Some(3001));
    assert_eq!(
        shared("fps_guess").status,
        429,
        "the same bound for everything that is presented"
    );
    assert_eq!((ping(&key).status, shared(&share).status), (200, 200));
}

#[test]
fn names_that_a_fleet_makes_up_are_bounded_by_its_team() {
    let site = Site::with(|config| config.ingest_per_device_rate = 1);
    site.add_user(OWNER, Role::Owner);
    let owner = site.sign_in(OWNER);
    let made = site.post_json("/api/v1/ingest-keys", &[("cookie", &owner)], r#"{"fleet":true}"#);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let ping = |name: &str| site.post_json(&format!("/i/{key}/api/device/ping?device={name}"), &[], "{}");
    assert_eq!(ping("known").status, 200);
    let refused = (0..100)
        .map(|n| ping(&format!("new-{n}")))
        .find(|reply| reply.status != 200)
        .unwrap();
    assert_eq!(
        (refused.status, refused.error_code().as_str()),
        (429, "too_many_requests")
    );
    assert_eq!(
        ping("known").status,
        200,
        "a device that is known is counted by itself"
    );
}

/// Both fit when they begin; the second is whole when the first has taken the room.
#[test]
fn an_upload_that_lost_its_room_is_not_stored_by_a_restart() {
    let mut full = nearly_full();
    let paths = ["b.csv", "c.csv"].map(|name| {
        let begun = full.begin(name, 300, None);
        let location = begun.header("location").unwrap().to_owned();
        location[location.find("/api/").unwrap()..].to_owned()
    });
    let piece = [
        ("upload-offset", "0"),
        ("content-type", "application/offset+octet-stream"),
    ];
    assert_eq!(full.tus("PATCH", &paths[0], &piece, &[b'b'; 300]).status, 204);
    let refused = full.tus("PATCH", &paths[1], &piece, &[b'c'; 300]);
    assert_eq!(
        (refused.status, refused.error_code().as_str()),
        (507, "quota_exceeded")
    );
    full.site.stop();
    full.site.start();
    assert_eq!(full.stored_bytes(), 900);
    let after = full.tus("HEAD", &paths[1], &[], b"");
    assert!(after.header("fieldpost-recording").is_none());
}
