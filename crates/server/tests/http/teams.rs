//! Teams: invited, joined, left, given roles in, and acted for in turn.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use server::store::accounts::Role;
use server::store::ingest_keys::For;

use crate::support::{OWNER, PASSWORD, Reply, Site};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const CREW: &str = "crew@example.org";
const RIVAL: &str = "rival@example.org";
const OCTETS: (&str, &str) = ("content-type", "application/offset+octet-stream");

fn call(site: &Site, cookie: &str, method: &str, path: &str, body: &Value) -> Reply {
    let headers = [("cookie", cookie), ("content-type", "application/json")];
    site.send(method, path, &headers, body.to_string().as_bytes())
}

/// Invites and gives the token of the link.
fn invite(site: &Site, cookie: &str, email: &str, role: &str) -> String {
    // Who joins later is later in the list.
    site.advance(Duration::from_secs(1));
    let body = json!({ "email": email, "role": role });
    let invited = call(site, cookie, "POST", "/api/v1/team/invitations", &body);
    assert_eq!(invited.status, 201, "{}", invited.text());
    let link = invited.json()["link"].as_str().unwrap().to_owned();
    link.split_once("/invitation#").unwrap().1.to_owned()
}

/// An upload in pieces that the holder of a fleet key begins for a device; gives its path under the key.
fn begin_for(site: &Site, key: &str, device: &str) -> String {
    let about = format!("filename YQ==,device {}", STANDARD.encode(device));
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("upload-length", "6"),
        ("upload-metadata", &about),
    ];
    let begun = site.send("POST", &format!("{key}/api/v1/uploads"), &headers, b"");
    assert_eq!(begun.status, 201, "{}", begun.text());
    let (_, id) = begun.header("location").unwrap().rsplit_once('/').unwrap();
    format!("{key}/api/v1/uploads/{id}")
}

fn accept(site: &Site, token: &str, password: Option<&str>, headers: &[(&str, &str)]) -> Reply {
    let body = json!({ "token": token, "password": password }).to_string();
    site.post_json("/api/v1/invitations/accept", headers, &body)
}

fn people(site: &Site, cookie: &str) -> Vec<(String, String)> {
    let team = site.get("/api/v1/team", &[("cookie", cookie)]).json();
    let people = team["people"].as_array().unwrap();
    people
        .iter()
        .map(|person| {
            let word = |key: &str| person[key].as_str().unwrap().to_owned();
            (word("email"), word("role"))
        })
        .collect()
}

fn user_id(site: &Site, cookie: &str, email: &str) -> String {
    let team = site.get("/api/v1/team", &[("cookie", cookie)]).json();
    let people = team["people"].as_array().unwrap();
    let person = people.iter().find(|person| person["email"] == email).unwrap();
    person["user_id"].as_str().unwrap().to_owned()
}

fn my_teams(site: &Site, cookie: &str) -> Vec<(String, bool)> {
    let mine = site.get("/api/v1/me/teams", &[("cookie", cookie)]).json();
    let teams = mine["teams"].as_array().unwrap();
    teams
        .iter()
        .map(|team| {
            (
                team["id"].as_str().unwrap().to_owned(),
                team["acting"].as_bool().unwrap(),
            )
        })
        .collect()
}

fn refusal(reply: &Reply) -> (u16, String) {
    (reply.status, reply.error_code())
}

#[test]
fn an_invitation_makes_an_account_in_the_team_once_within_seven_days() {
    let site = Site::owned();
    let owner = site.sign_in(OWNER);
    let token = invite(&site, &owner, " Crew@Example.org", "member");
    let look = || {
        let body = json!({ "token": token }).to_string();
        site.post_json("/api/v1/invitations/look", &[], &body)
    };
    assert_eq!(
        look().json(),
        json!({ "team_name": OWNER, "email": CREW, "role": "member", "invited_by": OWNER, "has_account": false })
    );
    assert_eq!(
        refusal(&accept(&site, &token, None, &[])),
        (422, "password_needed".into())
    );
    assert_eq!(
        refusal(&accept(&site, &token, Some("short"), &[])),
        (422, "bad_password".into())
    );

    let joined = accept(&site, &token, Some(PASSWORD), &[]);
    assert_eq!(joined.status, 200, "{}", joined.text());
    let crew = joined.cookie();
    let me = site.get("/api/v1/me", &[("cookie", &crew)]).json();
    assert_eq!(me, json!({ "email": CREW, "role": "member" }));
    assert_eq!(
        people(&site, &crew),
        [(OWNER.into(), "owner".into()), (CREW.into(), "member".into())]
    );
    assert_eq!(
        refusal(&accept(&site, &token, Some(PASSWORD), &[])),
        (403, "invitation_invalid".into())
    );
    assert_eq!(look().status, 403);
    site.sign_in(CREW);

    let again = json!({ "email": CREW, "role": "owner" });
    let again = call(&site, &owner, "POST", "/api/v1/team/invitations", &again);
    assert_eq!(refusal(&again), (409, "already_member".into()));
    let late = invite(&site, &owner, "late@example.org", "viewer");
    site.advance(7 * DAY);
    assert_eq!(accept(&site, &late, Some(PASSWORD), &[]).status, 403);
}

#[test]
fn an_invitation_is_replaced_and_withdrawn() {
    let site = Site::owned();
    let owner = site.sign_in(OWNER);
    let first = invite(&site, &owner, CREW, "member");
    let second = invite(&site, &owner, CREW, "viewer");
    assert_eq!(accept(&site, &first, Some(PASSWORD), &[]).status, 403);
    let list = site.get("/api/v1/team/invitations", &[("cookie", &owner)]).json();
    assert_eq!(list["invitations"].as_array().unwrap().len(), 1);
    let id = list["invitations"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/team/invitations/{id}");
    assert_eq!(call(&site, &owner, "DELETE", &path, &json!({})).status, 204);
    assert_eq!(call(&site, &owner, "DELETE", &path, &json!({})).status, 404);
    assert_eq!(accept(&site, &second, Some(PASSWORD), &[]).status, 403);
}

#[test]
fn an_account_joins_another_team_only_by_its_cookie_or_password() {
    let site = Site::owned();
    site.add_user(RIVAL, Role::Owner);
    let (owner, rival) = (site.sign_in(OWNER), site.sign_in(RIVAL));
    let token = invite(&site, &owner, RIVAL, "viewer");
    for (password, headers) in [
        (None, &[][..]),
        (Some("not-the-password"), &[]),
        (None, &[("cookie", owner.as_str())]),
    ] {
        let refused = accept(&site, &token, password, headers);
        assert_eq!(
            refusal(&refused),
            (401, "wrong_login".into()),
            "{password:?} {headers:?}"
        );
    }
    let joined = accept(&site, &token, None, &[("cookie", &rival)]);
    assert_eq!(joined.status, 200, "{}", joined.text());
    assert_eq!(joined.json(), json!({ "email": RIVAL, "role": "viewer" }));
    let other = invite(&site, &rival, OWNER, "member");
    assert_eq!(accept(&site, &other, Some(PASSWORD), &[]).status, 200);
}

#[test]
fn a_sign_in_acts_for_one_team_at_a_time() {
    let mut site = Site::owned();
    site.add_user(RIVAL, Role::Owner);
    let (owner, rival) = (site.sign_in(OWNER), site.sign_in(RIVAL));
    site.upload(("cookie", &owner), "of-the-owner.csv", b"1,2\r\n");
    site.upload(("cookie", &rival), "of-the-rival.csv", b"1,2\r\n");
    let token = invite(&site, &owner, RIVAL, "viewer");
    let both = accept(&site, &token, Some(PASSWORD), &[]).cookie();
    let file = |site: &Site, cookie: &str| {
        let list = site.get("/api/v1/sessions", &[("cookie", cookie)]).json();
        list["sessions"][0]["file_name"].as_str().unwrap().to_owned()
    };
    assert_eq!(file(&site, &both), "of-the-owner.csv");
    assert_eq!(
        file(&site, &rival),
        "of-the-rival.csv",
        "another sign-in acts as before"
    );

    let teams = my_teams(&site, &both);
    assert_eq!(teams.iter().map(|team| team.1).collect::<Vec<_>>(), [false, true]);
    let own = json!({ "team_id": teams[0].0 });
    let acting = call(&site, &both, "POST", "/api/v1/me/team", &own);
    assert_eq!(acting.json(), json!({ "email": RIVAL, "role": "owner" }));
    site.stop();
    site.start();
    assert_eq!(file(&site, &both), "of-the-rival.csv");
    let foreign = call(&site, &owner, "POST", "/api/v1/me/team", &own);
    assert_eq!(refusal(&foreign), (404, "not_found".into()));
}

#[test]
fn roles_change_at_once_and_the_last_owner_stays() {
    let site = Site::owned();
    site.add_user(CREW, Role::Member);
    let (owner, crew) = (site.sign_in(OWNER), site.sign_in(CREW));
    let path_of = |email: &str| format!("/api/v1/team/people/{}", user_id(&site, &owner, email));
    let (of_owner, of_crew) = (path_of(OWNER), path_of(CREW));
    let role = |role: &str| json!({ "role": role });

    for (method, path) in [
        ("PATCH", &of_crew),
        ("DELETE", &of_owner),
        ("PATCH", &"/api/v1/team".to_owned()),
    ] {
        let body = json!({ "role": "owner", "name": "Ours" });
        let refused = call(&site, &crew, method, path, &body);
        assert_eq!(refusal(&refused), (403, "owners_only".into()), "{method} {path}");
    }
    for (method, body) in [("PATCH", role("member")), ("DELETE", json!({}))] {
        let refused = call(&site, &owner, method, &of_owner, &body);
        assert_eq!(refusal(&refused), (409, "last_owner".into()), "{method}");
    }
    assert_eq!(call(&site, &owner, "PATCH", &of_crew, &role("owner")).status, 204);
    assert_eq!(
        call(&site, &crew, "PATCH", "/api/v1/team", &json!({ "name": "Ours" })).status,
        204
    );
    assert_eq!(my_teams(&site, &crew).len(), 1);
    assert_eq!(
        site.get("/api/v1/team", &[("cookie", &crew)]).json()["name"],
        "Ours"
    );

    assert_eq!(
        call(&site, &owner, "DELETE", &of_owner, &json!({})).status,
        204,
        "leaves"
    );
    assert_eq!(site.get("/api/v1/me", &[("cookie", &owner)]).status, 401);
    assert_eq!(people(&site, &crew), [(CREW.into(), "owner".into())]);
    let log = site.get("/api/v1/audit", &[("cookie", &crew)]).json();
    let actions: Vec<&str> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["member.removed", "team.renamed", "member.role_changed"]);
}

#[test]
fn a_device_goes_to_another_team_of_its_owner_and_leaves_its_recordings() {
    let site = Site::owned();
    site.add_user(RIVAL, Role::Owner);
    let (owner, rival) = (site.sign_in(OWNER), site.sign_in(RIVAL));
    let (device, bearer) = site.add_device(OWNER, "Logger");
    site.upload(("authorization", &bearer), "before.csv", b"1,2\r\n");
    let jpeg = [("authorization", bearer.as_str()), ("content-type", "image/jpeg")];
    let picture = include_bytes!("../pictures/tiny.jpg");
    assert_eq!(site.send("POST", "/upload", &jpeg, picture).status, 200);
    let there = my_teams(&site, &rival)[0].0.clone();
    let (_, _, key) = site.add_ingest_key(OWNER, For::Team);
    let (begun, tus) = (
        begin_for(&site, &key, &device),
        [("tus-resumable", "1.0.0"), ("upload-offset", "0"), OCTETS],
    );
    let path = format!("/api/v1/devices/{device}/transfer");
    let give = || call(&site, &owner, "POST", &path, &json!({ "team_id": there }));

    assert_eq!(give().status, 404, "a team that is not theirs");
    let token = invite(&site, &rival, OWNER, "member");
    assert_eq!(accept(&site, &token, None, &[("cookie", &owner)]).status, 200);
    assert_eq!(give().status, 404, "a team that they do not own");
    let promote = format!("/api/v1/team/people/{}", user_id(&site, &rival, OWNER));
    let promoted = call(&site, &rival, "PATCH", &promote, &json!({ "role": "owner" }));
    assert_eq!(promoted.status, 204);
    let given = give();
    assert_eq!(given.status, 204, "{}", given.text());
    let late = site.send("PATCH", &begun, &tus, b"1,2");
    assert_eq!(late.status, 403, "the old team's key speaks for it no more");

    site.upload(("authorization", &bearer), "after.csv", b"1,2\r\n");
    let sessions = |who| {
        let list = site.get("/api/v1/sessions", &[who]).json();
        let sessions = list["sessions"].as_array().unwrap().clone();
        sessions
            .iter()
            .map(|session| (session["file_name"].clone(), session["device"]["name"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sessions(("cookie", owner.as_str())),
        [(json!("before.csv"), Value::Null)]
    );
    assert_eq!(
        sessions(("cookie", rival.as_str())),
        [(json!("after.csv"), json!("Logger"))]
    );
    assert_eq!(
        sessions(("authorization", bearer.as_str())),
        [(json!("after.csv"), json!("Logger"))]
    );
    let pictures = site.get("/api/v1/pictures", &[("cookie", &owner)]).json();
    assert_eq!(
        pictures["pictures"][0]["device"]["name"],
        Value::Null,
        "{pictures}"
    );
    let newest = |cookie: &str| {
        let log = site.get("/api/v1/audit", &[("cookie", cookie)]).json();
        let entry = &log["entries"][0];
        (entry["action"].clone(), entry["detail"].clone())
    };
    assert_eq!(newest(&owner), (json!("device.moved_away"), json!("Logger")));
    assert_eq!(newest(&rival), (json!("device.moved_here"), json!("Logger")));
    assert_eq!(give().status, 404, "it is gone from here");
}
