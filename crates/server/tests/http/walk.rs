//! Every route of the API's document, called as nobody and as people and devices of another team.
//!
//! A route is found in the document that the running server gives out, so none can be forgotten: one whose path names a
//! thing that the table below has no id for fails the walk, and so does one that a stranger's call does not end in a
//! refusal. Each id is proved to be real by its owner's own call, after the strangers'.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::auth::admin;
use server::store::accounts::Role;

use crate::recording::circle;
use crate::support::{OWNER, Reply, Site};

const MEMBER: &str = "member@example.org";
const STRANGER: &str = "stranger@example.org";
const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
/// In the name of the recording, so that it is found in whatever an answer holds.
const MARK: &str = "only-for-our-eyes";

/// What anybody may call, signed in or not. A route that joins this list does so in sight.
const PUBLIC: [&str; 19] = [
    "GET /.well-known/fieldpost",
    "GET /api/v1/openapi.json",
    "GET /api/v1/setup",
    "GET /api/v1/sso/callback",
    "GET /api/v1/sso/start",
    "GET /api/v1/ways-in",
    "GET /healthz",
    "GET /readyz",
    "OPTIONS /api/v1/uploads",
    "OPTIONS /api/v1/uploads/{id}",
    "POST /api/v1/devices/claim",
    "POST /api/v1/invitations/accept",
    "POST /api/v1/invitations/look",
    "POST /api/v1/password/forgot",
    "POST /api/v1/password/reset",
    "POST /api/v1/session-cookie/link",
    "POST /api/v1/session-cookie/login",
    "POST /api/v1/session-cookie/logout",
    "POST /api/v1/setup",
];

/// One method of one path in the document.
struct Route {
    method: String,
    path: String,
    public: bool,
}

impl Route {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn is_about_a_thing(&self) -> bool {
        self.path.contains('{')
    }
}

/// A team with one of everything that a path can name.
struct Team {
    tenant: String,
    cookie: String,
    session: String,
    recording: String,
    picture: String,
    upload: String,
    device: String,
    /// Somebody else than the owner.
    member: String,
    invitation: String,
    share: String,
    /// What the share shows its session by.
    share_bearer: String,
    token: String,
    ingest_key: String,
    bearer: String,
}

impl Team {
    fn of_owner(site: &Site) -> Self {
        let (device, bearer) = site.add_device(OWNER, &format!("Logger {MARK}"));
        let uploaded = site.upload(("authorization", &bearer), &format!("{MARK}.csv"), &circle());
        let users = site.wait(admin::list_users(site.running().store())).unwrap();
        let session = uploaded["session_id"].as_str().unwrap().to_owned();
        let begun = site.send(
            "POST",
            "/api/v1/uploads",
            &[
                ("authorization", &bearer),
                ("tus-resumable", "1.0.0"),
                ("upload-length", "2"),
                ("upload-metadata", "filename YQ=="),
            ],
            b"",
        );
        let location = begun.header("location").unwrap();
        let cookie = site.sign_in(OWNER);
        let body = json!({ "email": format!("{MARK}@example.org"), "role": "viewer" }).to_string();
        let invited = site.post_json("/api/v1/team/invitations", &[("cookie", &cookie)], &body);
        let post = |path: &str, body: Value| {
            let made = site.post_json(path, &[("cookie", &cookie)], &body.to_string());
            assert_eq!(made.status, 201, "{}", made.text());
            made.json()
        };
        let share = post(&format!("/api/v1/sessions/{session}/shares"), json!({}));
        let token = post("/api/v1/me/tokens", json!({ "name": MARK, "access": "write" }));
        let ingest_key = post("/api/v1/ingest-keys", json!({ "fleet": true }));
        let member = site.try_add_user(MEMBER, Role::Member, Some(OWNER)).unwrap();
        assert_eq!(site.analysed(("cookie", &cookie), &session)["status"], "ready");
        Self {
            tenant: users
                .iter()
                .find(|user| user.email == OWNER)
                .unwrap()
                .tenant_id
                .to_string(),
            cookie,
            session,
            recording: uploaded["recording_id"].as_str().unwrap().to_owned(),
            picture: good_picture(site, &bearer),
            upload: location.rsplit('/').next().unwrap().to_owned(),
            device,
            member: member.to_string(),
            share: share["id"].as_str().unwrap().to_owned(),
            share_bearer: format!("Bearer {}", share["token"].as_str().unwrap()),
            token: token["id"].as_str().unwrap().to_owned(),
            ingest_key: ingest_key["id"].as_str().unwrap().to_owned(),
            invitation: invited.json()["id"].as_str().unwrap().to_owned(),
            bearer,
        }
    }

    /// What the `{…}` at the end of such a beginning of a path stands for.
    fn id_at(&self, beginning: &str) -> Option<&str> {
        match beginning {
            "/api/v1/sessions/{id}" => Some(&self.session),
            "/api/v1/recordings/{id}" => Some(&self.recording),
            "/api/v1/devices/{id}" => Some(&self.device),
            "/api/v1/shares/{id}" => Some(&self.share),
            "/api/v1/me/tokens/{id}" => Some(&self.token),
            "/api/v1/ingest-keys/{id}" => Some(&self.ingest_key),
            "/api/v1/team/people/{user_id}" => Some(&self.member),
            "/api/v1/team/invitations/{id}" => Some(&self.invitation),
            "/api/v1/pictures/{id}" => Some(&self.picture),
            "/api/v1/pictures/{id}/thumbnail/{size}" => Some("small"),
            "/api/v1/uploads/{id}" => Some(&self.upload),
            _ => None,
        }
    }

    /// The route's address with this team's ids in it.
    fn address(&self, route: &Route) -> String {
        let mut beginning = String::new();
        let mut address = String::new();
        for segment in route.path.split('/').skip(1) {
            beginning += &format!("/{segment}");
            let filled = if segment.starts_with('{') {
                self.id_at(&beginning)
                    .unwrap_or_else(|| panic!("{}: say in the table what {beginning} names", route.name()))
            } else {
                segment
            };
            address += &format!("/{filled}");
        }
        address + query_of(&route.name())
    }

    /// What no stranger's answer may hold.
    fn secrets(&self) -> [&str; 15] {
        [
            &self.tenant,
            OWNER,
            MEMBER,
            &self.member,
            &self.invitation,
            &self.share,
            &self.token,
            &self.ingest_key,
            MARK,
            &self.session,
            &self.recording,
            &self.picture,
            &self.upload,
            &self.device,
            self.bearer.strip_prefix("Bearer ").unwrap(),
        ]
    }
}

/// The id of a picture that the device sent, once its thumbnails are there.
fn good_picture(site: &Site, bearer: &str) -> String {
    let headers = [("authorization", bearer), ("content-type", "image/jpeg")];
    let still = include_bytes!("../pictures/tiny.jpg");
    let sent = site
        .send("POST", &format!("/upload?filename={MARK}.jpg"), &headers, still)
        .json();
    let id = sent["recording_id"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_secs(60);
    while site
        .get(&format!("/api/v1/pictures/{id}"), &[("authorization", bearer)])
        .json()["state"]
        != "good"
    {
        assert!(Instant::now() < deadline, "the picture was never looked at");
    }
    id
}

/// What a route cannot be asked without.
fn query_of(route: &str) -> &'static str {
    match route {
        "GET /api/v1/sessions/{id}/channels/data" => "?names=gps.speed_mps",
        "POST /api/upload" | "POST /upload" => "?filename=theirs.csv",
        _ => "",
    }
}

/// A body that gets past the reading of it, so that what refuses is the check of who asks.
fn body_of(route: &str, team: &Team) -> Value {
    match route {
        "POST /api/v1/session-cookie/login" => json!({ "email": OWNER, "password": "a wrong one" }),
        "POST /api/v1/devices"
        | "POST /api/v1/devices/claim-codes"
        | "PATCH /api/v1/devices/{id}"
        | "POST /api/v1/devices/{id}/adopt" => {
            json!({ "name": "Changed" })
        }
        "POST /api/v1/me/tokens" => json!({ "name": "Theirs", "access": "write" }),
        "PATCH /api/v1/team" => json!({ "name": "Changed" }),
        "PATCH /api/v1/team/people/{user_id}" => json!({ "role": "viewer" }),
        "POST /api/v1/team/invitations" => json!({ "email": "new@example.org", "role": "viewer" }),
        "POST /api/v1/invitations/accept" | "POST /api/v1/invitations/look" => json!({ "token": "none" }),
        "POST /api/v1/me/password" => json!({ "current": "a wrong one", "new": "long enough" }),
        "POST /api/v1/me/team" => json!({ "team_id": team.tenant }),
        "POST /api/v1/devices/claim" => json!({ "code": "00000-00000" }),
        "PUT /api/v1/devices/{id}/desired" => json!({ "settings": {} }),
        "POST /api/v1/devices/{id}/commands" => json!({ "kind": "identify" }),
        "POST /api/v1/device/desired/ack" => json!({ "version": 0, "applied": true }),
        "POST /api/v1/devices/{id}/transfer" => json!({ "team_id": team.tenant }),
        _ => json!({}),
    }
}

fn routes(site: &Site) -> Vec<Route> {
    let document = site.get("/api/v1/openapi.json", &[]).json();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                public: operation["security"] == json!([{}]),
            });
        }
    }
    routes
}

fn call(site: &Site, route: &Route, team: &Team, who: &[(&str, &str)]) -> Reply {
    let (address, body) = (team.address(route), body_of(&route.name(), team).to_string());
    if route.method == "GET" {
        return site.get(&address, who);
    }
    let uploading: &[_] = &[
        ("content-type", "application/offset+octet-stream"),
        ("tus-resumable", "1.0.0"),
        ("upload-offset", "0"),
    ];
    let shape = if route.path.starts_with("/api/v1/uploads") {
        uploading
    } else {
        &[("content-type", "application/json")]
    };
    let headers = [shape, who].concat();
    site.send(&route.method, &address, &headers, body.as_bytes())
}

fn assert_silent(reply: &Reply, team: &Team, what: &str) {
    let text = reply.text();
    for secret in team.secrets() {
        assert!(!text.contains(secret), "{what} gives away {secret}: {text}");
    }
}

#[test]
fn nobody_is_refused_on_every_route_that_is_not_declared_public() {
    let site = Site::owned();
    let team = Team::of_owner(&site);
    let mut public = Vec::new();
    for route in routes(&site) {
        let name = route.name();
        if route.public {
            let reply = call(&site, &route, &team, &[]);
            assert!(reply.status < 500, "{name}: {}", reply.status);
            assert_silent(&reply, &team, &name);
            public.push(name);
            continue;
        }
        for who in [
            &[][..],
            &[("authorization", "Bearer nonsense")],
            &[("authorization", "Basic bm9uc2Vuc2U6")],
            &[("cookie", "fieldpost=nonsense")],
        ] {
            let reply = call(&site, &route, &team, who);
            assert_eq!(reply.status, 401, "{name} as {who:?}");
            if route.method != "HEAD" {
                assert_eq!(reply.error_code(), "unauthorized", "{name} as {who:?}");
            }
        }
    }
    public.sort();
    assert_eq!(public, PUBLIC);
}

#[test]
fn no_other_method_of_a_route_lets_anybody_in() {
    let site = Site::owned();
    let team = Team::of_owner(&site);
    let documented = routes(&site);
    let knows = |method: &str, path: &str| {
        let answers = |route: &Route| route.method == method || (route.method == "GET" && method == "HEAD");
        documented
            .iter()
            .any(|route| route.path == path && route.public && answers(route))
    };
    for route in &documented {
        for method in METHODS {
            if knows(method, &route.path) {
                continue;
            }
            let reply = site.send(method, &team.address(route), &[], b"");
            assert!(
                (400..500).contains(&reply.status),
                "{method} {}: {}",
                route.path,
                reply.status
            );
        }
    }
}

/// Everything that the team can read, before and after strangers were here.
fn all_that_is_read(site: &Site, team: &Team, routes: &[Route]) -> Vec<(String, String)> {
    let read = routes
        .iter()
        .filter(|route| route.method == "GET" && !route.public);
    read.map(|route| {
        let reply = call(site, route, team, &[("cookie", &team.cookie)]);
        (route.name(), reply.text())
    })
    .collect()
}

#[test]
fn another_teams_people_and_devices_neither_see_nor_change_anything() {
    let site = Site::owned();
    let team = Team::of_owner(&site);
    site.add_user(STRANGER, Role::Owner);
    let stranger = site.sign_in(STRANGER);
    let (_, device) = site.add_device(STRANGER, "Stray");
    let body = json!({ "name": "Script", "access": "write" }).to_string();
    let made = site
        .post_json("/api/v1/me/tokens", &[("cookie", &stranger)], &body)
        .json();
    let token = format!("Bearer {}", made["token"].as_str().unwrap());
    let routes = routes(&site);
    let before = all_that_is_read(&site, &team, &routes);

    for route in routes.iter().filter(|route| !route.public) {
        let name = route.name();
        let as_person = call(&site, route, &team, &[("cookie", &stranger)]);
        let as_device = call(&site, route, &team, &[("authorization", &device)]);
        let as_token = call(&site, route, &team, &[("authorization", &token)]);
        for reply in [&as_person, &as_device, &as_token] {
            assert!(reply.status < 500, "{name}: {}", reply.status);
            assert_silent(reply, &team, &name);
        }
        if route.is_about_a_thing() {
            // A thing that is somebody else's and one that is not there look the same.
            assert_eq!(as_person.status, 404, "{name}: {}", as_person.text());
            for reply in [&as_device, &as_token] {
                assert!(
                    matches!(reply.status, 401 | 403 | 404),
                    "{name}: {}",
                    reply.status
                );
            }
        }
    }

    assert_eq!(all_that_is_read(&site, &team, &routes), before);
    let me = site.get("/api/v1/me", &[("cookie", &stranger)]);
    assert_eq!(me.status, 200, "the strangers' sign-in held all the way");
    assert_the_ids_are_real(&site, &team, routes);
}

/// The team's own calls find what the strangers' did not; what takes things away comes last.
fn assert_the_ids_are_real(site: &Site, team: &Team, mut routes: Vec<Route>) {
    routes.retain(Route::is_about_a_thing);
    routes.sort_by_key(|route| METHODS.iter().position(|method| *method == route.method));
    assert!(routes.len() >= 5);
    for route in routes {
        let reply = call(site, &route, team, &[("cookie", &team.cookie)]);
        assert!(
            !matches!(reply.status, 401 | 403..=405 | 500..),
            "{}: {} {}",
            route.name(),
            reply.status,
            reply.text()
        );
    }
}

#[test]
fn a_share_link_opens_its_session_and_nothing_else() {
    let site = Site::owned();
    let team = Team::of_owner(&site);
    let who = [("authorization", team.share_bearer.as_str())];
    let mut open = Vec::new();
    for route in routes(&site).iter().filter(|route| !route.public) {
        let reply = call(&site, route, &team, &who);
        if reply.status < 300 {
            open.push(route.name());
        } else {
            assert!(
                matches!(reply.status, 401 | 403 | 404),
                "{}: {}",
                route.name(),
                reply.status
            );
        }
    }
    open.sort();
    assert_eq!(
        open,
        [
            "GET /api/v1/sessions/{id}",
            "GET /api/v1/sessions/{id}/channels",
            "GET /api/v1/sessions/{id}/channels/data",
            "GET /api/v1/sessions/{id}/laps",
            "GET /api/v1/shared",
        ]
    );
}
