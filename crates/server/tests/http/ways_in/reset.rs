use server::store::accounts::Role;
use std::time::Duration;

use super::smtp::{Mail, MailServer};
use crate::support::{OWNER, PASSWORD, Reply, Site};

const NEW: &str = "another-paddock-18";

fn site_with(mail: &MailServer) -> Site {
    let site = Site::with(|config| {
        config.mail.smtp_url = Some(mail.url.parse().unwrap());
        config.mail.mail_from = Some("Fieldpost <laps@example.org>".parse().unwrap());
    });
    site.add_user(OWNER, Role::Owner);
    site
}

fn forgot(site: &Site, email: &str) -> Reply {
    let body = serde_json::json!({ "email": email }).to_string();
    site.post_json("/api/v1/password/forgot", &[], &body)
}

fn reset(site: &Site, token: &str, password: &str) -> Reply {
    let body = serde_json::json!({ "token": token, "password": password }).to_string();
    site.post_json("/api/v1/password/reset", &[], &body)
}

fn login(site: &Site, password: &str) -> u16 {
    let body = serde_json::json!({ "email": OWNER, "password": password }).to_string();
    site.post_json("/api/v1/session-cookie/login", &[], &body).status
}

/// What comes after `/reset#` in a mail; long lines may be folded.
fn token_in(mail: &Mail) -> String {
    let text = mail.text.replace("=\n", "").replace("=3D", "=");
    let (_, rest) = text
        .split_once("/reset#")
        .unwrap_or_else(|| panic!("no link: {text}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_mailed_link_sets_a_new_password_once_and_ends_what_was_open() {
    let mail = MailServer::start();
    let site = site_with(&mail);
    assert_eq!(site.get("/api/v1/ways-in", &[]).json()["mail"], true);
    let before = site.sign_in(OWNER);
    assert_eq!(forgot(&site, "Owner@Example.org").status, 202);
    let letter = mail.next();
    assert_eq!(letter.to, OWNER);
    let token = token_in(&letter);
    let link = site.wait(site.running().sign_in_link(OWNER)).unwrap();
    let (_, link) = link.split_once("/link#").unwrap();

    let short = reset(&site, &token, "short");
    assert_eq!((short.status, short.error_code().as_str()), (422, "bad_password"));
    let done = reset(&site, &token, NEW);
    assert_eq!(done.status, 200, "{}", done.text());
    let me = |cookie: &str| site.get("/api/v1/me", &[("cookie", cookie)]).status;
    assert_eq!((me(&done.cookie()), me(&before)), (200, 401));
    assert_eq!((login(&site, PASSWORD), login(&site, NEW)), (401, 200));
    let by_link = serde_json::json!({ "token": link }).to_string();
    let by_link = site.post_json("/api/v1/session-cookie/link", &[], &by_link);
    assert_eq!(
        by_link.error_code(),
        "link_invalid",
        "a link from before lets nobody in"
    );
    let again = reset(&site, &token, "a-third-password");
    assert_eq!((again.status, again.error_code().as_str()), (403, "link_invalid"));
    assert_eq!(login(&site, NEW), 200);
}

#[test]
fn a_link_lives_an_hour_and_the_newest_of_an_account_set_the_others_aside() {
    let mail = MailServer::start();
    let site = site_with(&mail);
    forgot(&site, OWNER);
    let old = token_in(&mail.next());
    site.advance(Duration::from_secs(3601));
    assert_eq!(reset(&site, &old, NEW).error_code(), "link_invalid");
    let tokens: Vec<String> = (0..4)
        .map(|_| {
            assert_eq!(forgot(&site, OWNER).status, 202);
            // The link is made after the answer, by the clock of that moment.
            let token = token_in(&mail.next());
            site.advance(Duration::from_secs(1));
            token
        })
        .collect();
    assert_eq!(
        reset(&site, &tokens[0], NEW).error_code(),
        "link_invalid",
        "three are enough"
    );
    assert_eq!(reset(&site, &tokens[2], NEW).status, 200);
    assert_eq!(
        reset(&site, &tokens[3], NEW).error_code(),
        "link_invalid",
        "all end with the first that is used"
    );
}

#[test]
fn nobody_learns_whether_an_address_has_an_account() {
    let mail = MailServer::start();
    let site = site_with(&mail);
    let unknown = forgot(&site, "nobody@example.org");
    let known = forgot(&site, OWNER);
    assert_eq!((unknown.status, unknown.text()), (known.status, known.text()));
    // Wishes are worked off in order: were there a mail to the first, it would have come before this one.
    assert_eq!(mail.next().to, OWNER);
    assert!(mail.is_empty());
    assert_eq!(forgot(&site, "no address").error_code(), "bad_email");
}

#[test]
fn a_server_without_mail_says_so() {
    let site = Site::owned();
    assert_eq!(site.get("/api/v1/ways-in", &[]).json()["mail"], false);
    let reply = forgot(&site, OWNER);
    assert_eq!((reply.status, reply.error_code().as_str()), (409, "no_mail"));
    assert_eq!(reset(&site, "guessed", NEW).error_code(), "link_invalid");
}
