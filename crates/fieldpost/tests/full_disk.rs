//! A disk that is really full: the data folder on a small file system of its own, which nothing but the server sees.
//!
//! It needs a mount namespace (`unshare`, as root or where users may have namespaces); without one the test says so and
//! is skipped.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::{JsonLines, add_device, next_json};
use serde_json::{Value, json};

/// Room for the database, its log and a few recordings.
const DISK: &str = "size=24m";
const RECORDING_BYTES: usize = 1 << 20;

/// A server in a mount namespace of its own, with ballast beside its data.
struct Boxed {
    child: Child,
    url: String,
    token: String,
    disk: PathBuf,
}

impl Boxed {
    /// `None` where no namespace can be had.
    fn start(folder: &std::path::Path) -> Option<Self> {
        let (seed, disk) = (folder.join("seed"), folder.join("disk"));
        fs::create_dir(&disk).unwrap();
        let probe = ["-rm", "mount", "-t", "tmpfs", "tmpfs"];
        let allowed = Command::new("unshare")
            .args(probe)
            .arg(&disk)
            .stderr(Stdio::null())
            .status();
        if !allowed.is_ok_and(|status| status.success()) {
            return None;
        }
        let token = add_device(&seed);
        let script = format!(
            "mount -t tmpfs -o {DISK} tmpfs \"$2\" && cp -a \"$1\" \"$2/data\" && \
             exec \"$0\" serve --json --listen 127.0.0.1:0 --data-dir \"$2/data\""
        );
        let mut child = Command::new("unshare")
            .args(["-rm", "sh", "-c", &script, env!("CARGO_BIN_EXE_fieldpost")])
            .args([&seed, &disk])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let listening = next_json(&mut JsonLines::of(child.stdout.take().unwrap()));
        let url = listening["url"].as_str().unwrap().to_owned();
        // The server's own view of its folder.
        let disk = PathBuf::from(format!("/proc/{}/root{}", child.id(), disk.display()));
        Some(Self {
            child,
            url,
            token,
            disk,
        })
    }

    /// Writes until nothing more goes on the disk.
    fn fill(&self) {
        let block = vec![0xAA; 4096];
        let mut ballast = fs::File::create(self.disk.join("ballast")).unwrap();
        while ballast.write_all(&block).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.disk.join("ballast")).unwrap();
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut answer = agent
            .post(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", kind)
            .send(body)
            .unwrap();
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().unwrap();
        (status, serde_json::from_str(&text).unwrap())
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> ureq::http::Response<ureq::Body> {
        let bearer = format!("Bearer {}", self.token);
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Authorization", bearer)
            .header("Tus-Resumable", "1.0.0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        agent.run(request.body(body).unwrap()).unwrap()
    }

    /// Begins an upload in pieces; gives its path.
    fn begin(&self, size: usize) -> String {
        let size = size.to_string();
        // The name is `big.csv`.
        let headers = [
            ("Upload-Length", size.as_str()),
            ("Upload-Metadata", "filename YmlnLmNzdg=="),
        ];
        let begun = self.request("POST", "/api/v1/uploads", &headers, b"");
        assert_eq!(begun.status(), 201);
        let location = begun.headers()["location"].to_str().unwrap();
        location.strip_prefix(&self.url).unwrap().to_owned()
    }

    /// The answer may come before all of the body has gone, which the clients of libraries do not wait for.
    fn patch(&self, path: &str, body: Vec<u8>) -> String {
        let addr = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(addr).unwrap();
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
             Content-Type: application/offset+octet-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.token,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut sending = stream.try_clone().unwrap();
        let sender = std::thread::spawn(move || drop(sending.write_all(&body)));
        let mut answer = Vec::new();
        // What comes after the answer is the connection's end, in whatever way.
        let _ = stream.read_to_end(&mut answer);
        sender.join().unwrap();
        String::from_utf8(answer).unwrap()
    }

    fn upload(&self, name: &str) -> (u16, Value) {
        let bytes = vec![name.as_bytes()[0]; RECORDING_BYTES];
        self.post(&format!("/api/upload?filename={name}"), "text/csv", &bytes)
    }

    fn heartbeats(&self, sessions: std::ops::Range<u32>) -> (u16, Value) {
        let items: Vec<Value> = sessions
            .map(|number| json!({ "boot_epoch": "ab", "boot_number": number, "run_seconds": 60 }))
            .collect();
        let body = Value::Array(items).to_string();
        self.post("/api/v1/heartbeats", "application/json", body.as_bytes())
    }

    /// Recordings that have a row, and objects that are on the disk.
    fn stored(&self) -> (usize, usize) {
        let agent = ureq::get(format!("{}/api/v1/sessions?limit=200", self.url));
        let mut answer = agent
            .header("Authorization", format!("Bearer {}", self.token))
            .call()
            .unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let sessions: Value = serde_json::from_str(&text).unwrap();
        let raw = fs::read_dir(self.disk.join("data/raw")).unwrap();
        let objects = raw.flat_map(|tenant| fs::read_dir(tenant.unwrap().path()).unwrap());
        (sessions["sessions"].as_array().unwrap().len(), objects.count())
    }
}

impl Drop for Boxed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_full_disk_answers_507_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Boxed::start(folder.path()) else {
        eprintln!(
            "SKIPPED: no mount namespace can be had here (unshare -rm); nothing was shown about full disks"
        );
        return;
    };
    assert_eq!(server.upload("a.csv").0, 200);
    assert_eq!(server.heartbeats(0..10).0, 200);
    server.fill();

    let (status, answer) = server.upload("b.csv");
    assert_eq!(
        (status, &answer["error"]["code"]),
        (507, &json!("storage_full")),
        "{answer}"
    );
    // The database's log is appended to until it reaches the end of the disk, too.
    let mut stored = 10;
    let refused = (1..200).find_map(|round| {
        let (status, answer) = server.heartbeats(round * 500..(round + 1) * 500);
        if status == 200 {
            stored += 500;
            return None;
        }
        Some((status, answer["error"]["code"].clone()))
    });
    assert_eq!(refused, Some((507, json!("storage_full"))), "after {stored}");
    assert_eq!(server.upload("c.csv").0, 507);
    assert_eq!(server.stored(), (1, 1), "nothing is half stored");

    server.make_room();
    assert_eq!(server.upload("b.csv").0, 200);
    let (status, answer) = server.heartbeats(0..500);
    assert_eq!((status, &answer["success"]), (200, &json!(true)));
    assert_eq!(server.stored(), (2, 2));
}

#[test]
fn a_piece_that_fills_the_disk_is_refused_and_gives_its_room_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Boxed::start(folder.path()) else {
        eprintln!(
            "SKIPPED: no mount namespace can be had here (unshare -rm); nothing was shown about full disks"
        );
        return;
    };
    let piece = vec![b'x'; 40 << 20];
    let path = server.begin(piece.len());
    let answer = server.patch(&path, piece);
    assert!(
        answer.starts_with("HTTP/1.1 507 ") && answer.contains("storage_full"),
        "{answer}"
    );
    // Nobody tidied up by hand: others go on, and the upload can be let go.
    assert_eq!(server.upload("a.csv").0, 200);
    assert_eq!(server.request("DELETE", &path, &[], b"").status(), 204);
}
