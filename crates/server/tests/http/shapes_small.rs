//! What existing clients send, byte for byte: pictures, heartbeats, pings.

use serde_json::json;

use crate::shapes::{assert_stored, bench, sha256};
use crate::support::OWNER;

const SHOT: &[u8] = include_bytes!("../pictures/tiny.jpg");
/// The next frame of the same second: something behind the end of the image makes it other bytes.
const NEXT_SHOT: &[u8] = &{
    let mut bytes = [0; SHOT.len() + 1];
    let mut at = 0;
    while at < SHOT.len() {
        bytes[at] = SHOT[at];
        at += 1;
    }
    bytes
};

#[test]
fn two_shots_of_one_second_are_two_pictures() {
    let (site, ways) = bench();
    let head = "POST {BASE}/upload HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Type: image/jpeg\r\nContent-Length: {LEN}\r\n\r\n";
    let cookie = site.sign_in(OWNER);
    for (before, way) in ways.iter().enumerate() {
        for shot in [SHOT, NEXT_SHOT] {
            let reply = site.exchange(&way.request(head, shot));
            assert_eq!(reply.status, 200, "{}", reply.text());
            let answer = reply.json();
            let name = answer["filename"].as_str().unwrap().to_owned();
            assert_stored(&site, &way.id, &answer, &name, shot);
        }
        let again = site.exchange(&way.request(head, SHOT)).json();
        assert_eq!(again["duplicate"], true, "the same shot is one picture");
        let listed = site.get("/api/v1/pictures", &[("cookie", &cookie)]).json();
        assert_eq!(listed["pictures"].as_array().unwrap().len(), 2 * (before + 1));
    }
    assert_ne!(sha256(SHOT), sha256(NEXT_SHOT));
}

#[test]
fn heartbeats_count_once_in_whatever_order() {
    let (site, ways) = bench();
    let cookie = site.sign_in(OWNER);
    let head = "POST {BASE}/functions/v1/ingest HTTP/1.1\r\nHost: x\r\napikey: of-another-service\r\n{AUTH}\
                Content-Type: application/json\r\nContent-Length: {LEN}\r\n\r\n";
    for (name, way) in ["AC-17", "AC-18"].iter().zip(&ways) {
        for run in [120, 60, 120] {
            let body = json!({ "device_uuid": name, "session_start": "2026-11-20T11:00:00Z", "run_seconds": run,
                "last_update": "2026-11-20T11:02:00Z", "status": "running", "msg_id": format!("{name}-{run}") });
            let reply = site.exchange(&way.request(head, body.to_string().as_bytes()));
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(reply.json()["results"][0]["stored"], true);
        }
        let path = format!("/api/v1/devices/{}/uptime", way.id);
        let uptime = site.get(&path, &[("cookie", &cookie)]).json();
        assert_eq!(
            (&uptime["counted_s"], &uptime["sessions_total"]),
            (&json!(120.0), &json!(1))
        );
    }
}

#[test]
fn a_ping_is_kept_as_the_last_state_and_the_track_is_told() {
    let (site, ways) = bench();
    let cookie = site.sign_in(OWNER);
    for (head, way) in [
        "POST {BASE}/api/device/ping HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Type: application/json\r\nContent-Length: {LEN}\r\n\r\n",
        "POST {BASE}/api/device/ping HTTP/1.0\r\n{AUTH}cOnTeNt-lEnGtH: {LEN}\r\n\r\n",
    ]
    .into_iter()
    .flat_map(|head| ways.iter().map(move |way| (head, way)))
    {
        let body = br#"{"device_uid":"RS-7","vbatt_sense":3.91,"storage_sd_free":7340032}"#;
        let reply = site.exchange(&way.request(head, body));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let path = format!("/api/v1/devices/{}", way.id);
        let shown = site.get(&path, &[("cookie", &cookie)]).json();
        assert_eq!(shown["state"]["vbatt_sense"], 3.91);
        assert_eq!(shown["device"]["online"], true);
        let asked = "GET {BASE}/api/device/active_track HTTP/1.1\r\nHost: x\r\n{AUTH}Connection: close\r\n\r\n";
        let track = site.exchange(&way.request(asked, b""));
        assert_eq!((track.status, &track.json()["success"]), (200, &json!(true)));
    }
}
