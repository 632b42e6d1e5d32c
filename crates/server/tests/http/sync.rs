//! A page that watches a device's sending.

use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::recording::circle;
use crate::support::{OWNER, Site, read_reply};

/// An open event stream.
struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    fn open(site: &Site, device: &str, who: (&str, &str), more: &str) -> Self {
        let mut socket = site.connect();
        let head = format!(
            "GET /api/v1/devices/{device}/sync HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{}: {}\r\n{more}\r\n",
            who.0, who.1
        );
        socket.write_all(head.as_bytes()).unwrap();
        Self {
            socket,
            text: String::new(),
        }
    }

    /// Reads on until the events say so; the socket's time-out ends a wait in vain.
    fn until(&mut self, wanted: impl Fn(&[(String, Value)]) -> bool) -> Vec<(String, Value)> {
        loop {
            let events = self.events();
            if wanted(&events) {
                return events;
            }
            assert!(self.read() > 0, "the stream ended: {}", self.text);
        }
    }

    fn read(&mut self) -> usize {
        let mut piece = [0; 4096];
        let count = self.socket.read(&mut piece).unwrap();
        self.text += &String::from_utf8_lossy(&piece[..count]);
        count
    }

    fn events(&self) -> Vec<(String, Value)> {
        let mut events = Vec::new();
        let mut name = "";
        for line in self.text.lines() {
            if let Some(said) = line.strip_prefix("event: ") {
                name = said;
            }
            let data = line.strip_prefix("data: ").map(serde_json::from_str);
            if let Some(Ok(data)) = data {
                events.push((name.to_owned(), data));
            }
        }
        events
    }
}

fn received(events: &[(String, Value)]) -> Vec<u64> {
    let progress = events.iter().filter(|(name, _)| name == "progress");
    progress
        .map(|(_, data)| data["received_bytes"].as_u64().unwrap())
        .collect()
}

fn has(events: &[(String, Value)], wanted: &str) -> bool {
    events.iter().any(|(name, _)| name == wanted)
}

#[test]
fn a_page_sees_an_upload_grow_its_recording_stored_and_its_laps_found() {
    let mut site = Site::owned();
    let (device, token) = site.add_device(OWNER, "Logger");
    let cookie = site.sign_in(OWNER);
    let bytes = circle();
    let (half, size) = (bytes.len() / 2, bytes.len().to_string());
    let about = format!("filename {}", STANDARD.encode("lap.csv"));
    let tus = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        let all = [
            &[("tus-resumable", "1.0.0"), ("authorization", token.as_str())],
            headers,
        ]
        .concat();
        site.send(method, path, &all, body)
    };
    let mut stream = Stream::open(&site, &device, ("Cookie", &cookie), "");
    stream.until(|events| received(events) == [0]);
    let begun = tus(
        "POST",
        "/api/v1/uploads",
        &[("upload-length", &size), ("upload-metadata", &about)],
        b"",
    );
    let path = format!(
        "/api/v1/uploads/{}",
        begun.header("location").unwrap().rsplit('/').next().unwrap()
    );
    let patch = |offset: usize, piece: &[u8]| {
        let offset = offset.to_string();
        let headers = [
            ("upload-offset", offset.as_str()),
            ("content-type", "application/offset+octet-stream"),
        ];
        assert_eq!(tus("PATCH", &path, &headers, piece).status, 204);
    };
    patch(0, &bytes[..half]);
    let events = stream.until(|events| received(events).last() == Some(&(half as u64)));
    let upload = events.last().unwrap().1["uploads"][0].clone();
    assert_eq!(
        (&upload["file_name"], &upload["size_bytes"]),
        (&json!("lap.csv"), &json!(bytes.len()))
    );
    let looked = site
        .get(&format!("/api/v1/devices/{device}/sync"), &[("cookie", &cookie)])
        .json();
    assert_eq!(
        (&looked["received_bytes"], &looked["size_bytes"]),
        (&json!(half), &json!(bytes.len()))
    );

    patch(half, &bytes[half..]);
    let events = stream.until(|events| has(events, "analysed"));
    let all = received(&events);
    assert!(all.is_sorted(), "only forward: {all:?}");
    assert_eq!(all.last(), Some(&(bytes.len() as u64)));
    let found = |wanted: &str| events.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    assert_eq!(found("stored")["file_name"], "lap.csv");
    let analysed = found("analysed");
    assert_eq!(analysed["status"], "ready", "{analysed}");
    let session = site.get(
        &format!("/api/v1/sessions/{}", analysed["session_id"].as_str().unwrap()),
        &[("cookie", &cookie)],
    );
    assert_eq!(
        analysed["best_ms"],
        session.json()["session"]
            .get("best_ms")
            .unwrap_or(&session.json()["best_ms"])
            .clone()
    );

    // A page whose stream broke misses nothing.
    let id = stream
        .text
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    let mut back = Stream::open(
        &site,
        &device,
        ("Cookie", &cookie),
        &format!("Last-Event-ID: {id}\r\n"),
    );
    back.until(|events| has(events, "analysed"));

    // The server stops: the streams end by themselves, in good order.
    let stopping = site.stopping();
    while stream.read() > 0 {}
    assert!(
        stream.text.ends_with("0\r\n\r\n"),
        "{:?}",
        &stream.text[stream.text.len() - 40..]
    );
    site.wait(stopping).unwrap();
}

#[test]
fn a_stream_is_the_teams_own_and_a_person_has_eight() {
    let site = Site::owned();
    let (device, token) = site.add_device(OWNER, "Logger");
    let (_, other) = site.add_device(OWNER, "Other");
    let cookie = site.sign_in(OWNER);
    let mut streams: Vec<Stream> = (0..8)
        .map(|_| Stream::open(&site, &device, ("Cookie", &cookie), ""))
        .collect();
    for stream in &mut streams {
        stream.until(|events| !events.is_empty());
    }
    let mut ninth = Stream::open(&site, &device, ("Cookie", &cookie), "");
    let refused = read_reply(&mut ninth.socket);
    assert_eq!(
        (refused.status, refused.error_code().as_str()),
        (429, "too_many_streams")
    );
    let mut own = Stream::open(&site, &device, ("Authorization", &token), "");
    own.until(|events| !events.is_empty());
    let mut neighbours = Stream::open(&site, &device, ("Authorization", &other), "");
    assert_eq!(read_reply(&mut neighbours.socket).status, 404);
    let stranger = Stream::open(&site, &device, ("Authorization", "Bearer none"), "");
    assert_eq!(read_reply(&mut { stranger.socket }).status, 401);
}
