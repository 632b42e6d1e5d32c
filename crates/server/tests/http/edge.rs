//! What surrounds every request: headers, envelopes, the log, and the end.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use server::Running;
use server::clock::{Ids, SystemClock};
use server::config::Config;
use server::store::ingest_keys::For;
use server::store::{Store, StoreError};
use tokio::sync::oneshot;

use crate::engine;
use crate::support::{OWNER, PASSWORD, Site, read_reply};

#[test]
fn a_server_that_can_work_says_so() {
    let site = Site::fresh();
    assert_eq!(site.get("/healthz", &[]).status, 200);
    let ready = site.get("/readyz", &[]);
    assert_eq!(ready.status, 200, "{}", ready.text());
    assert_eq!(
        std::fs::read_dir(site.folder.path().join("staging"))
            .unwrap()
            .count(),
        0
    );
    std::fs::remove_dir_all(site.folder.path().join("staging")).unwrap();
    let not_ready = site.get("/readyz", &[]);
    assert_eq!(
        (not_ready.status, not_ready.error_code().as_str()),
        (503, "not_ready")
    );
}

#[test]
fn a_server_whose_database_takes_no_changes_is_not_ready() {
    let site = Site::fresh();
    // Another process that is in the middle of a change and does not go on; reading does.
    let other = site.wait(async {
        let database = engine::database(site.folder.path()).await;
        Store::open(database, Arc::new(SystemClock), Arc::new(Ids::from_system())).await
    });
    let (has_begun, begun) = oneshot::channel::<()>();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let holder = other.unwrap();
    let holding = site.runtime.spawn(async move {
        let held = holder.write_across::<_, StoreError, _>(move |_| {
            Box::pin(async move {
                has_begun.send(()).unwrap();
                may_go_on.await.unwrap();
                Ok(())
            })
        });
        held.await
    });
    site.wait(begun).unwrap();
    let reply = site.get("/readyz", &[]);
    assert_eq!((reply.status, reply.error_code().as_str()), (503, "not_ready"));
    go_on.send(()).unwrap();
    site.wait(holding).unwrap().unwrap();
    assert_eq!(site.get("/readyz", &[]).status, 200);
}

#[test]
fn a_server_notices_that_a_part_of_it_has_ended() {
    let site = Site::fresh();
    site.wait(site.running().store().close());
    let ended = site.wait(site.running().part_ended());
    assert!(ended.to_string().contains("writer"), "{ended}");
}

#[test]
fn a_taken_port_is_found_before_a_data_folder_is_made() {
    let site = Site::fresh();
    let folder = site.folder.path().join("second");
    let mut config = Config::local(&folder);
    config.listen = site.addr();
    let refused = site.wait(Running::start(&config)).err().unwrap();
    assert!(refused.to_string().contains("--listen"), "{refused}");
    assert!(!folder.exists());
}

#[cfg(unix)]
#[test]
fn a_data_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::fresh();
    let folder = site.folder.path().join("data");
    let running = site.wait(Running::start(&Config::local(&folder))).unwrap();
    site.wait(running.stop());
    let names = ["", "raw", "derived", "staging", "fieldpost.sqlite"];
    for path in names.map(|name| folder.join(name)) {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
    }
}

#[test]
fn pages_carry_the_policy_and_answers_are_not_kept() {
    let site = Site::fresh();
    let page = site.get("/sessions/whatever", &[]);
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let answer = site.get("/api/v1/setup", &[]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("x-request-id").is_some());
}

#[test]
fn unknown_addresses_and_methods_of_the_api_answer_in_its_own_way() {
    let site = Site::fresh();
    let unknown = site.get("/api/v1/nonsense", &[]);
    assert_eq!(
        (unknown.status, unknown.error_code().as_str()),
        (404, "not_found")
    );
    let wrong = site.send("DELETE", "/api/v1/sessions", &[], b"");
    assert_eq!(
        (wrong.status, wrong.error_code().as_str()),
        (405, "method_not_allowed")
    );
    let shapeless = site.post_json("/api/v1/session-cookie/login", &[], r#"{"email":1}"#);
    assert_eq!(
        (shapeless.status, shapeless.error_code().as_str()),
        (422, "wrong_shape")
    );
    let broken = site.post_json("/api/v1/session-cookie/login", &[], "{");
    assert_eq!(
        (broken.status, broken.error_code().as_str()),
        (400, "malformed_json")
    );
    let untyped = site.send("POST", "/api/v1/session-cookie/login", &[], b"{}");
    assert_eq!(untyped.status, 415);
    let long = format!(r#"{{"email":"{}"}}"#, "x".repeat(20_000));
    assert_eq!(
        site.post_json("/api/v1/session-cookie/login", &[], &long).status,
        413
    );
}

#[test]
fn a_head_without_end_is_refused() {
    let site = Site::fresh();
    let reply = site.exchange(
        format!(
            "GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n",
            "x".repeat(40_000)
        )
        .as_bytes(),
    );
    assert_eq!(reply.status, 431);
}

#[test]
fn an_upload_in_progress_finishes_when_the_server_stops() {
    let mut site = Site::owned();
    let (_, token) = site.add_device(OWNER, "Logger");
    let mut stream = site.connect();
    let head = format!(
        "POST /api/upload?filename=a.csv HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 6\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // Said when the server begins to read the body.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"1,2").unwrap();
    let addr = site.addr();
    let stopped = site.stopping();
    while std::net::TcpStream::connect(addr).is_ok() {}
    stream.write_all(b",3\n").unwrap();
    let reply = read_reply(&mut stream);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["size_bytes"], 6);
    drop(stream);
    site.wait(stopped).unwrap();
}

/// Everything that is logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_log_tells_requests_apart_and_holds_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let site = Site::fresh();
    let setup = site.setup_token();
    let body = serde_json::json!({ "token": setup, "email": OWNER, "password": PASSWORD }).to_string();
    let cookie = site.post_json("/api/v1/setup", &[], &body).cookie();
    let (_, bearer) = site.add_device(OWNER, "Logger");
    site.post_json("/api/v1/setup", &[], &body);
    site.post_json(
        "/api/v1/session-cookie/login",
        &[],
        &body.replace("token", "tokem"),
    );
    site.upload(("authorization", &bearer), "a.csv?token=in-a-query", b"1,2");
    site.send("POST", "/i/key-in-a-path/upload", &[], b"1,2");
    let (_, _, of_device) = site.add_ingest_key(OWNER, For::NewDevice(None));
    let (_, _, of_fleet) = site.add_ingest_key(OWNER, For::Team);
    for base in [&of_device, &of_fleet] {
        let sent = site.send(
            "POST",
            &format!("{base}/api/upload?filename=k.csv&device=d"),
            &[],
            b"1,2",
        );
        assert_eq!(sent.status, 200);
        assert_eq!(
            site.send("POST", &format!("{base}/api/upload"), &[], b"{").status / 100,
            4
        );
        assert_eq!(site.get(&format!("{base}/api/v1/me"), &[]).status, 404);
        let begun = [
            ("tus-resumable", "1.0.0"),
            ("upload-length", "3"),
            ("upload-metadata", "filename YQ==,device ZA=="),
        ];
        assert_eq!(
            site.send("POST", &format!("{base}/api/v1/uploads"), &begun, b"")
                .status,
            201
        );
    }
    site.get("/link/link-in-a-path", &[]);
    site.get("/setup/setup-in-a-path", &[]);
    let answered = site.get("/api/v1/me", &[("cookie", &cookie)]);
    drop(site);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains(answered.header("x-request-id").unwrap()),
        "request ids are in the log"
    );
    assert!(text.contains("/api/v1/setup"));
    for masked in ["/i/***", "/link/***", "/setup/***"] {
        assert!(text.contains(masked), "{masked}");
    }
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &serde_json::Value| line["fields"]["message"] == "answered")
        .collect();
    let line_of = |path: &str| lines.iter().find(|line| line["span"]["path"] == path).unwrap();
    let write = line_of("/api/upload");
    assert_eq!(
        (
            &write["level"],
            &write["span"]["method"],
            &write["fields"]["status"]
        ),
        (&"INFO".into(), &"POST".into(), &200.into())
    );
    assert!(write["fields"]["duration_ms"].is_u64(), "{write}");
    assert_eq!(line_of("/api/v1/me")["level"], "DEBUG");
    let secrets = [
        setup.as_str(),
        PASSWORD,
        cookie.split_once('=').unwrap().1,
        bearer.strip_prefix("Bearer ").unwrap(),
        of_device.trim_start_matches("/i/"),
        of_fleet.trim_start_matches("/i/"),
        "in-a-query",
        "in-a-path",
    ];
    for secret in secrets {
        let found = text.lines().find(|line| line.contains(secret));
        assert_eq!(found, None);
    }
}
