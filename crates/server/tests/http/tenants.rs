//! Who sees what: nobody without a sign-in, no team another team's rows, no device another device's.

use serde_json::{Value, json};
use server::auth::admin;
use server::store::accounts::Role;

use crate::support::{OWNER, Site};

const OTHER: &str = "other@example.org";

fn addresses(uploaded: &Value) -> Vec<String> {
    let session = uploaded["session_id"].as_str().unwrap();
    let recording = uploaded["recording_id"].as_str().unwrap();
    vec![
        format!("/api/v1/sessions/{session}"),
        format!("/api/v1/sessions/{session}/laps"),
        format!("/api/v1/sessions/{session}/channels"),
        format!("/api/v1/sessions/{session}/channels/data?names=gps.speed_mps"),
        format!("/api/v1/recordings/{recording}/raw"),
    ]
}

#[test]
fn another_team_sees_nothing() {
    let site = Site::owned();
    site.add_user(OTHER, Role::Owner);
    let (mine, theirs) = (site.sign_in(OWNER), site.sign_in(OTHER));
    let uploaded = site.upload(("cookie", &mine), "a.csv", b"1,2\r\n");
    for path in addresses(&uploaded) {
        let reply = site.get(&path, &[("cookie", &theirs)]);
        assert_eq!(
            (reply.status, reply.error_code().as_str()),
            (404, "not_found"),
            "{path}"
        );
    }
    let session = uploaded["session_id"].as_str().unwrap();
    let again = site.post_json(
        &format!("/api/v1/sessions/{session}/reanalyse"),
        &[("cookie", &theirs)],
        "{}",
    );
    assert_eq!(again.status, 404);
    assert_eq!(
        site.get("/api/v1/sessions", &[("cookie", &theirs)]).json()["sessions"],
        json!([])
    );
    // The same bytes under the same name are the other team's own recording.
    let own = site.upload(("cookie", &theirs), "a.csv", b"1,2\r\n");
    assert_eq!(own["duplicate"], false);
    assert_ne!(own["recording_id"], uploaded["recording_id"]);
}

#[test]
fn a_device_sees_its_own_recordings_and_its_people_see_all() {
    let site = Site::owned();
    let (_, first) = site.add_device(OWNER, "First");
    let (_, second) = site.add_device(OWNER, "Second");
    let uploaded = site.upload(("authorization", &first), "a.csv", b"1,2\r\n");
    let sessions = |who| {
        site.get("/api/v1/sessions", &[who]).json()["sessions"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(sessions(("authorization", first.as_str())), 1);
    assert_eq!(sessions(("authorization", second.as_str())), 0);
    for path in addresses(&uploaded) {
        assert_eq!(
            site.get(&path, &[("authorization", &second)]).status,
            404,
            "{path}"
        );
    }
    let cookie = site.sign_in(OWNER);
    let list = site.get("/api/v1/sessions", &[("cookie", &cookie)]).json();
    assert_eq!(list["sessions"][0]["device"]["name"], "First");
    let session = uploaded["session_id"].as_str().unwrap();
    let path = format!("/api/v1/sessions/{session}/reanalyse");
    assert_eq!(
        site.post_json(&path, &[("authorization", &first)], "{}").status,
        401,
        "people choose gates"
    );
}

#[test]
fn a_revoked_device_is_nobody() {
    let site = Site::owned();
    let (id, token) = site.add_device(OWNER, "Logger");
    site.upload(("authorization", &token), "a.csv", b"1,2\r\n");
    site.wait(admin::revoke_device(site.running().store(), id.parse().unwrap()))
        .unwrap();
    assert_eq!(
        site.send(
            "POST",
            "/api/upload?filename=b",
            &[("authorization", &token)],
            b"1"
        )
        .status,
        401
    );
    assert_eq!(
        site.get("/api/v1/sessions", &[("authorization", &token)]).status,
        401
    );
    let again = site.wait(admin::revoke_device(site.running().store(), id.parse().unwrap()));
    assert!(again.is_err());
}

#[test]
fn a_viewer_reads_and_does_not_write() {
    let site = Site::owned();
    site.add_user("viewer@example.org", Role::Viewer);
    let (owner, viewer) = (site.sign_in(OWNER), site.sign_in("viewer@example.org"));
    let uploaded = site.upload(("cookie", &owner), "a.csv", b"1,2\r\n");
    let session = uploaded["session_id"].as_str().unwrap();
    assert_eq!(
        site.get(&format!("/api/v1/sessions/{session}"), &[("cookie", &viewer)])
            .status,
        200
    );
    let refused = site.send("POST", "/api/upload?filename=b", &[("cookie", &viewer)], b"1");
    assert_eq!(
        (refused.status, refused.error_code().as_str()),
        (403, "read_only")
    );
    let path = format!("/api/v1/sessions/{session}/reanalyse");
    assert_eq!(site.post_json(&path, &[("cookie", &viewer)], "{}").status, 403);
}
