//! HTTPS of our own, proxies that end it, and what happens to those who come without.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use server::config::Config;
use server::store::accounts::Role;

use crate::support::{OWNER, Site};

/// A server with a certificate for `localhost`, and what a client needs to believe it.
fn encrypted_site() -> (Site, Arc<ClientConfig>) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let keep = tempfile::tempdir().unwrap();
    let (cert, key) = (keep.path().join("cert.pem"), keep.path().join("key.pem"));
    std::fs::write(&cert, signed.cert.pem()).unwrap();
    std::fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    let site = Site::with(|config| {
        config.tls_cert = Some(cert);
        config.tls_key = Some(key);
    });
    let mut roots = RootCertStore::empty();
    roots.add(signed.cert.der().clone()).unwrap();
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (site, Arc::new(client))
}

fn behind_a_proxy(change: impl FnOnce(&mut Config)) -> Site {
    let site = Site::with(|config| {
        config.public_url = Some("https://laps.example.org".parse().unwrap());
        change(config);
    });
    site.add_user(OWNER, Role::Owner);
    site
}

#[test]
fn a_server_with_a_certificate_speaks_https() {
    let (site, client) = encrypted_site();
    assert!(site.running().public_url.is_https());
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(client, name).unwrap(), site.connect());
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn who_comes_without_tls_is_told_or_sent_to_the_right_place() {
    let (site, _) = encrypted_site();
    let sent = site.send("POST", "/api/upload?filename=a.csv", &[], b"1,2");
    assert_eq!((sent.status, sent.error_code().as_str()), (403, "plain_http"));
    assert!(sent.text().contains("https://127.0.0.1"), "{}", sent.text());
    let page = site.get("/setup?x=1", &[]);
    assert_eq!(page.status, 308);
    let place = format!("{}/setup?x=1", site.running().public_url);
    assert_eq!(page.header("location"), Some(place.as_str()));
}

#[test]
fn a_certificate_that_is_none_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cert.pem");
    std::fs::write(&path, "nothing").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut config = Config::local(folder.path().join("data"));
    config.tls_cert = Some(path.clone());
    config.tls_key = Some(path.clone());
    let refused = runtime.block_on(server::Running::start(&config)).err().unwrap();
    assert!(refused.to_string().contains("cert.pem"), "{refused}");
}

#[test]
fn ingest_over_plain_http_is_refused_where_the_public_url_is_https() {
    let site = behind_a_proxy(|_| {});
    let (_, token) = site.add_device(OWNER, "logger");
    let who = ("authorization", token.as_str());
    // Nobody is believed to be a proxy unless its address was given.
    let claimed = ("x-forwarded-proto", "https");
    let sent = site.send("POST", "/api/upload?filename=a.csv", &[who, claimed], b"1,2");
    assert_eq!((sent.status, sent.error_code().as_str()), (403, "plain_http"));
    assert!(
        sent.text().contains("https://laps.example.org"),
        "{}",
        sent.text()
    );
    assert_eq!(site.get("/healthz", &[]).status, 200);
}

#[test]
fn a_trusted_proxy_says_that_the_sender_came_by_https() {
    let site = behind_a_proxy(|config| config.trusted_proxy = vec!["127.0.0.1".parse().unwrap()]);
    let (_, token) = site.add_device(OWNER, "logger");
    let who = ("authorization", token.as_str());
    let upload = |proto| {
        site.send(
            "POST",
            "/api/upload?filename=a.csv",
            &[who, ("x-forwarded-proto", proto)],
            b"1,2",
        )
    };
    assert_eq!(upload("https").status, 200);
    assert_eq!(upload("http").error_code(), "plain_http");
}

#[test]
fn an_operator_may_allow_plain_ingest() {
    let site = behind_a_proxy(|config| config.allow_plain_ingest = true);
    let (_, token) = site.add_device(OWNER, "logger");
    site.upload(("authorization", &token), "a.csv", b"1,2");
}
