//! A camera's stills, from the socket to the thumbnail.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{OWNER, Reply, Site, read_reply};

const WHOLE: &[u8] = include_bytes!("../pictures/baseline_420.jpg");
const TINY: &[u8] = include_bytes!("../pictures/tiny.jpg");

struct Camera {
    site: Site,
    id: String,
    token: String,
}

impl Camera {
    fn new() -> Self {
        let site = Site::owned();
        let (id, token) = site.add_device(OWNER, "gate camera");
        Self { site, id, token }
    }

    fn shoot(&self, path: &str, bytes: &[u8]) -> Value {
        let headers = [
            ("authorization", self.token.as_str()),
            ("content-type", "image/jpeg"),
        ];
        let reply = self.site.send("POST", path, &headers, bytes);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    fn get(&self, path: &str) -> Reply {
        self.site.get(path, &[("authorization", &self.token)])
    }

    /// The picture once it was looked at.
    fn looked_at(&self, answer: &Value) -> Value {
        let id = answer["recording_id"].as_str().unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            let picture = self.get(&format!("/api/v1/pictures/{id}")).json();
            if picture["state"] != "waiting" {
                return picture;
            }
            std::thread::yield_now();
        }
        panic!("the picture was never looked at");
    }
}

#[test]
fn a_camera_sketch_posts_a_picture_and_its_thumbnails_are_there() {
    let camera = Camera::new();
    let mut socket = camera.site.connect();
    // As HTTPClient of the Arduino core writes it, in pieces of a TCP segment.
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: 192.168.1.10\r\nUser-Agent: ESP32HTTPClient\r\nConnection: keep-alive\r\n\
         Accept-Encoding: identity;q=1,chunked;q=0.1,*;q=0\r\nAuthorization: {}\r\nContent-Type: image/jpeg\r\n\
         Content-Length: {}\r\n\r\n",
        camera.token,
        WHOLE.len()
    );
    socket.write_all(head.as_bytes()).unwrap();
    for piece in WHOLE.chunks(1_436) {
        socket.write_all(piece).unwrap();
    }
    let reply = read_reply(&mut socket);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(answer["session_id"], Value::Null);

    let picture = camera.looked_at(&answer);
    assert_eq!(picture["state"], "good");
    assert_eq!(
        (&picture["width_px"], &picture["height_px"]),
        (&203.into(), &149.into())
    );
    assert_eq!(picture["device"]["name"], "gate camera");
    assert_eq!(picture["captured"]["source"], "received");
    assert_eq!(picture["reason"], Value::Null);
    let raw = camera.get(picture["raw"].as_str().unwrap());
    assert_eq!(raw.body, WHOLE, "the original is as it came");

    let small = camera.get(picture["thumbnails"]["small"].as_str().unwrap());
    assert_eq!(small.status, 200);
    assert_eq!(small.header("content-type"), Some("image/jpeg"));
    assert_eq!(small.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        small.header("cache-control"),
        Some("private, max-age=31536000, immutable")
    );
    assert!(small.body.starts_with(&[0xFF, 0xD8]) && small.body.ends_with(&[0xFF, 0xD9]));
    let tag = small.header("etag").unwrap().to_owned();
    let address = picture["thumbnails"]["small"].as_str().unwrap();
    let again = camera.site.get(
        address,
        &[("authorization", &camera.token), ("if-none-match", &tag)],
    );
    assert_eq!((again.status, again.body.len()), (304, 0));
    let (unversioned, _) = address.split_once('?').unwrap();
    assert_eq!(
        camera.get(unversioned).header("cache-control"),
        Some("private, no-cache")
    );
    assert_eq!(camera.get(&unversioned.replace("small", "huge")).status, 404);
}

#[test]
fn a_cut_picture_is_kept_and_never_shown_as_good() {
    let camera = Camera::new();
    let cut = camera.looked_at(&camera.shoot("/upload", &WHOLE[..WHOLE.len() / 2]));
    let good = camera.looked_at(&camera.shoot("/upload", WHOLE));
    assert_eq!(cut["state"], "quarantined");
    assert_eq!(cut["reason"]["code"], "truncated");
    assert!(
        cut["reason"]["message"]
            .as_str()
            .unwrap()
            .contains("3061 bytes came")
    );
    assert_eq!(cut["thumbnails"], Value::Null);
    assert_eq!(cut["width_px"], 203, "the headers were there");
    let id = cut["id"].as_str().unwrap();
    let thumbnail = camera.get(&format!("/api/v1/pictures/{id}/thumbnail/small"));
    assert_eq!(
        (thumbnail.status, thumbnail.error_code().as_str()),
        (409, "quarantined")
    );
    assert_eq!(
        camera.get(cut["raw"].as_str().unwrap()).body,
        &WHOLE[..WHOLE.len() / 2]
    );

    let ids = |path: &str| -> Vec<String> {
        let list = camera.get(path).json();
        let pictures = list["pictures"].as_array().unwrap().iter();
        pictures
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let good = good["id"].as_str().unwrap();
    assert_eq!(ids("/api/v1/pictures?state=good"), [good]);
    assert_eq!(ids("/api/v1/pictures?state=quarantined"), [id]);
    assert_eq!(ids("/api/v1/pictures").len(), 2);
    assert_eq!(camera.get("/api/v1/pictures?state=fine").status, 400);
}

#[test]
fn two_shots_in_a_second_are_two_and_one_sent_twice_is_one() {
    let camera = Camera::new();
    let (first, second) = (camera.shoot("/upload", WHOLE), camera.shoot("/upload", TINY));
    let again = camera.shoot("/upload", WHOLE);
    assert_ne!(first["recording_id"], second["recording_id"]);
    assert_eq!(first["recording_id"], again["recording_id"]);
    assert_eq!(again["duplicate"], true);
    let list = camera.get("/api/v1/pictures").json();
    assert_eq!(list["pictures"].as_array().unwrap().len(), 2);
}

#[test]
fn a_list_is_in_the_order_of_taking_page_by_page_and_by_device() {
    let camera = Camera::new();
    // With a time in EXIF, with one in the name that says its zone, with one that does not, and with none.
    let tiny = camera.looked_at(&camera.shoot("/upload?filename=20200101_000000.jpg", TINY));
    assert_eq!(tiny["captured"]["source"], "exif", "{tiny}");
    let named = |bytes: &[u8], name: &str| {
        let answer = camera.shoot(&format!("/upload?filename={name}"), bytes);
        camera.looked_at(&answer)
    };
    let padded = |zeros: usize| [WHOLE, &vec![0; zeros]].concat();
    let utc = named(&padded(1), "2026-11-19T10-00-00Z.jpg");
    assert_eq!(utc["captured"]["at"], "2026-11-19T10:00:00Z");
    let zoneless = named(&padded(2), "IMG_20261118_100000.jpg");
    assert_eq!(zoneless["captured"]["at"], Value::Null);
    assert_eq!(zoneless["captured"]["local"], "2026-11-18T10:00:00");
    let none = named(&padded(3), "capture.jpg");
    assert_eq!(none["captured"]["source"], "received");

    let mut seen = Vec::new();
    let mut path = "/api/v1/pictures?limit=1".to_owned();
    loop {
        let page = camera.get(&path).json();
        seen.push(page["pictures"][0]["id"].clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/pictures?limit=1&cursor={next}");
    }
    // The tiny one was taken on the morning of the day on which all were received.
    let expected = [&none, &tiny, &utc, &zoneless].map(|picture| picture["id"].clone());
    assert_eq!(seen, expected);
    assert_eq!(camera.get("/api/v1/pictures?cursor=nonsense").status, 400);

    let cookie = camera.site.sign_in(OWNER);
    let (other, other_token) = camera.site.add_device(OWNER, "other camera");
    let count = |path: String, header: (&str, &str)| {
        let reply = camera.site.get(&path, &[header]);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["pictures"].as_array().unwrap().len()
    };
    let mine = format!("/api/v1/pictures?device={}", camera.id);
    let others = format!("/api/v1/pictures?device={other}");
    assert_eq!(count(mine.clone(), ("cookie", &cookie)), 4);
    assert_eq!(count(others, ("cookie", &cookie)), 0);
    assert_eq!(
        count("/api/v1/pictures".to_owned(), ("authorization", &other_token)),
        0
    );
    let reply = camera.site.get(&mine, &[("authorization", &other_token)]);
    assert_eq!(reply.status, 404, "a device sees its own only");
}

#[test]
fn another_team_and_another_device_see_no_picture() {
    let camera = Camera::new();
    let picture = camera.looked_at(&camera.shoot("/upload", WHOLE));
    let stranger = "stranger@example.org";
    camera
        .site
        .add_user(stranger, server::store::accounts::Role::Owner);
    let cookie = camera.site.sign_in(stranger);
    let (_, sibling) = camera.site.add_device(OWNER, "sibling");
    let id = picture["id"].as_str().unwrap();
    for path in [
        format!("/api/v1/pictures/{id}"),
        format!("/api/v1/pictures/{id}/thumbnail/large"),
    ] {
        assert_eq!(
            camera.site.get(&path, &[("cookie", &cookie)]).status,
            404,
            "{path}"
        );
        assert_eq!(
            camera.site.get(&path, &[("authorization", &sibling)]).status,
            404,
            "{path}"
        );
        assert_eq!(camera.get(&path).status, 200, "{path}");
    }
    let list = camera.site.get("/api/v1/pictures", &[("cookie", &cookie)]).json();
    assert_eq!(list["pictures"].as_array().unwrap().len(), 0);
}
