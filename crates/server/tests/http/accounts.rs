use std::time::Duration;

use server::auth::admin;
use server::auth::secret::Password;
use server::store::accounts::Role;

use crate::support::{OWNER, PASSWORD, Site};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

fn set_up(site: &Site, token: &str) -> crate::support::Reply {
    let body = serde_json::json!({ "token": token, "email": "Owner@Example.org ", "password": PASSWORD });
    site.post_json("/api/v1/setup", &[], &body.to_string())
}

#[test]
fn the_setup_link_makes_the_owner_once() {
    let mut site = Site::fresh();
    assert_eq!(site.get("/api/v1/setup", &[]).json()["needed"], true);
    let token = site.setup_token();
    let reply = set_up(&site, &token);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(
        reply.json(),
        serde_json::json!({ "email": OWNER, "role": "owner" })
    );
    let me = site.get("/api/v1/me", &[("cookie", &reply.cookie())]);
    assert_eq!(me.json()["email"], OWNER);

    let again = set_up(&site, &token);
    assert_eq!((again.status, again.error_code().as_str()), (403, "link_invalid"));
    assert_eq!(site.get("/api/v1/setup", &[]).json()["needed"], false);
    site.stop();
    site.start();
    assert_eq!(site.running().setup_link, None);
}

#[test]
fn the_setup_link_lives_an_hour_and_ends_with_the_next_start() {
    let mut site = Site::fresh();
    let old = site.setup_token();
    site.advance(HOUR);
    assert_eq!(set_up(&site, &old).status, 403);
    site.stop();
    site.start();
    let fresh = site.setup_token();
    site.stop();
    site.start();
    assert_eq!(
        set_up(&site, &fresh).status,
        403,
        "a later start has made a newer one"
    );
    site.advance(HOUR - MINUTE);
    assert_eq!(set_up(&site, &site.setup_token()).status, 200);
}

#[test]
fn a_setup_link_is_worth_nothing_once_there_is_an_owner() {
    let site = Site::fresh();
    let token = site.setup_token();
    site.add_user("first@example.org", Role::Owner);
    assert_eq!(set_up(&site, &token).status, 403);
}

#[test]
fn whose_team_a_new_user_joins_can_be_said() {
    let site = Site::owned();
    site.add_user("rival@example.org", Role::Owner);
    let unsaid = site.try_add_user("crew@example.org", Role::Member, None);
    assert!(unsaid.unwrap_err().to_string().contains("--team-of"));
    let nobody = site.try_add_user("crew@example.org", Role::Member, Some("nobody@example.org"));
    assert!(nobody.unwrap_err().to_string().contains("nobody@example.org"));
    for (email, role) in [
        ("crew@example.org", Role::Member),
        ("guest@example.org", Role::Viewer),
        ("second@example.org", Role::Owner),
    ] {
        site.try_add_user(email, role, Some(OWNER)).unwrap();
    }
    let users = site.wait(admin::list_users(site.running().store())).unwrap();
    let team_of = |email: &str| users.iter().find(|user| user.email == email).unwrap().tenant_id;
    for email in ["crew@example.org", "guest@example.org", "second@example.org"] {
        assert_eq!(team_of(email), team_of(OWNER), "{email}");
    }
    assert_ne!(team_of("rival@example.org"), team_of(OWNER));
}

#[test]
fn only_digests_are_stored() {
    let site = Site::fresh();
    let setup = site.setup_token();
    site.add_user(OWNER, Role::Owner);
    let cookie = site.sign_in(OWNER);
    let (_, bearer) = site.add_device(OWNER, "Logger");
    let session = site.upload(("cookie", &cookie), "a.csv", b"1,2\r\n")["session_id"].clone();
    let made = |path: &str, body: serde_json::Value, key: &str| {
        let reply = site.post_json(path, &[("cookie", &cookie)], &body.to_string());
        reply.json()[key].as_str().unwrap().to_owned()
    };
    let shares = format!("/api/v1/sessions/{}/shares", session.as_str().unwrap());
    let named = serde_json::json!({ "name": "Mine", "access": "read" });
    let invited = serde_json::json!({ "email": "crew@example.org", "role": "member" });
    let (token, share) = (
        made("/api/v1/me/tokens", named.clone(), "token"),
        made(&shares, serde_json::json!({}), "token"),
    );
    let code = made("/api/v1/devices/claim-codes", named.clone(), "code").replace('-', "");
    let device = made("/api/v1/devices", named, "token");
    let invitation = made("/api/v1/team/invitations", invited, "link");
    let secrets = [
        token.as_str(),
        &share,
        &code,
        &device,
        invitation.split_once('#').unwrap().1,
        setup.as_str(),
        PASSWORD,
        cookie.split_once('=').unwrap().1,
        bearer.strip_prefix("Bearer ").unwrap(),
    ];
    for entry in std::fs::read_dir(site.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in secrets {
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "a secret in clear in {}", path.display());
            }
        }
    }
}

#[test]
fn only_the_right_password_signs_in_and_the_cookie_is_kept_from_scripts() {
    let site = Site::owned();
    let attempt = |email: &str, password: &str| {
        let body = serde_json::json!({ "email": email, "password": password });
        site.post_json("/api/v1/session-cookie/login", &[], &body.to_string())
    };
    for (email, password) in [
        (OWNER, "wrong-password"),
        ("nobody@example.org", PASSWORD),
        (OWNER, ""),
    ] {
        let refused = attempt(email, password);
        assert_eq!(
            (refused.status, refused.error_code().as_str()),
            (401, "wrong_login")
        );
        assert_eq!(refused.header("set-cookie"), None);
    }
    let reply = attempt(" OWNER@example.org", PASSWORD);
    let cookie = reply.header("set-cookie").unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain http would lose it: {cookie}");
}

#[test]
fn behind_https_the_cookie_is_secure_and_bound_to_the_host() {
    let site = Site::with(|config| {
        config.public_url = Some("https://laps.example.org".parse().unwrap());
        // The proxy that ends TLS is left out here.
        config.allow_plain_ingest = true;
    });
    assert!(
        site.running()
            .setup_link
            .as_ref()
            .unwrap()
            .starts_with("https://laps.example.org/setup#")
    );
    let reply = set_up(&site, &site.setup_token());
    let cookie = reply.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-fieldpost=") && cookie.contains("Secure"),
        "{cookie}"
    );
    assert_eq!(site.get("/api/v1/me", &[("cookie", &reply.cookie())]).status, 200);
}

#[test]
fn guessing_is_slowed_down() {
    let site = Site::owned();
    let body = serde_json::json!({ "email": OWNER, "password": "guess-guess" }).to_string();
    let replies: Vec<_> = (0..10)
        .map(|_| site.post_json("/api/v1/session-cookie/login", &[], &body))
        .collect();
    assert_eq!(replies[0].status, 401);
    let last = replies.last().unwrap();
    assert_eq!(
        (last.status, last.error_code().as_str()),
        (429, "too_many_requests")
    );
    assert!(last.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
}

#[test]
fn sign_ins_outlive_a_restart_but_not_sixty_days_nor_a_new_password() {
    let mut site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let me = |site: &Site| site.get("/api/v1/me", &[("cookie", &cookie)]).status;
    site.stop();
    site.start();
    assert_eq!(me(&site), 200);
    site.advance(60 * 24 * HOUR);
    assert_eq!(me(&site), 401);

    let cookie = site.sign_in(OWNER);
    let reset = admin::reset_password(site.running().store(), OWNER, Password::new("another-password"));
    site.wait(reset).unwrap();
    assert_eq!(site.get("/api/v1/me", &[("cookie", &cookie)]).status, 401);
}

#[test]
fn a_new_password_needs_the_old_one_and_ends_the_other_sign_ins() {
    let site = Site::owned();
    let (here, elsewhere) = (site.sign_in(OWNER), site.sign_in(OWNER));
    let change = |current: &str, new: &str| {
        let body = serde_json::json!({ "current": current, "new": new }).to_string();
        site.post_json("/api/v1/me/password", &[("cookie", &here)], &body)
    };
    let signed_in = |cookie: &str| site.get("/api/v1/me", &[("cookie", cookie)]).status;
    let refused = change("not-the-password", "another-password");
    assert_eq!(
        (refused.status, refused.error_code().as_str()),
        (403, "wrong_password")
    );
    assert_eq!(change(PASSWORD, "short").error_code(), "bad_password");
    assert_eq!(signed_in(&elsewhere), 200);

    assert_eq!(change(PASSWORD, "another-password").status, 204);
    assert_eq!((signed_in(&here), signed_in(&elsewhere)), (200, 401));
    let sign_in = |password: &str| {
        let body = serde_json::json!({ "email": OWNER, "password": password }).to_string();
        site.post_json("/api/v1/session-cookie/login", &[], &body).status
    };
    assert_eq!((sign_in(PASSWORD), sign_in("another-password")), (401, 200));
}

#[test]
fn signing_out_ends_the_sign_in_on_the_server() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let reply = site.send(
        "POST",
        "/api/v1/session-cookie/logout",
        &[("cookie", &cookie)],
        b"",
    );
    assert_eq!(reply.status, 204);
    assert!(reply.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(site.get("/api/v1/me", &[("cookie", &cookie)]).status, 401);
    assert_eq!(
        site.send("POST", "/api/v1/session-cookie/logout", &[], b"")
            .status,
        204
    );
}

#[test]
fn a_sign_in_link_works_once_within_the_hour() {
    let site = Site::owned();
    let fresh = || {
        site.wait(site.running().sign_in_link(OWNER))
            .unwrap()
            .split_once("/link#")
            .unwrap()
            .1
            .to_owned()
    };
    let follow = |token: &str| {
        let body = serde_json::json!({ "token": token }).to_string();
        site.post_json("/api/v1/session-cookie/link", &[], &body)
    };
    let token = fresh();
    let reply = follow(&token);
    assert_eq!(
        site.get("/api/v1/me", &[("cookie", &reply.cookie())]).json()["email"],
        OWNER
    );
    assert_eq!(
        (follow(&token).status, follow(&token).error_code().as_str()),
        (403, "link_invalid")
    );
    let late = fresh();
    site.advance(HOUR);
    assert_eq!(follow(&late).status, 403);
}

#[test]
fn requests_from_other_sites_change_nothing() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let own = format!("http://{}", site.addr());
    let upload = |extra: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie.as_str())], extra].concat();
        site.send("POST", "/api/upload?filename=a.csv", &headers, b"1,2")
    };
    for foreign in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
    ] {
        let refused = upload(foreign);
        assert_eq!(
            (refused.status, refused.error_code().as_str()),
            (403, "cross_site"),
            "{foreign:?}"
        );
    }
    assert_eq!(
        site.get("/api/v1/sessions", &[("cookie", &cookie)]).json()["sessions"],
        serde_json::json!([])
    );
    for own in [
        &[("origin", own.as_str())][..],
        &[("sec-fetch-site", "same-origin"), ("origin", own.as_str())],
    ] {
        assert_eq!(upload(own).status, 200, "{own:?}");
    }
}
