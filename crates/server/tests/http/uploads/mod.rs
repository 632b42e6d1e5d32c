//! Resumable uploads over raw sockets, one claim of `docs/formats/upload.md` after the other.

mod creation;
mod life;
mod pieces;

use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::support::{OWNER, Reply, Site};

const PIECE: (&str, &str) = ("Content-Type", "application/offset+octet-stream");
const VERSION: (&str, &str) = ("Tus-Resumable", "1.0.0");
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A sender of uploads.
struct Client<'s> {
    site: &'s Site,
    who: (&'static str, String),
}

fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
        .collect();
    pairs.join(",")
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

impl<'s> Client<'s> {
    fn device(site: &'s Site) -> Self {
        let (_, bearer) = site.add_device(OWNER, "Logger");
        Self {
            site,
            who: ("Authorization", bearer),
        }
    }

    fn member(site: &'s Site) -> Self {
        Self {
            site,
            who: ("Cookie", site.sign_in(OWNER)),
        }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let all = [&[VERSION, (self.who.0, &self.who.1)], headers].concat();
        self.site.send(method, path, &all, body)
    }

    fn post(&self, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.send("POST", "/api/v1/uploads", headers, body)
    }

    /// Begins an upload of so many bytes; gives its path.
    fn begin(&self, name: &str, size: usize) -> String {
        let about = metadata(&[("filename", name)]);
        path_of(&self.post(
            &[("Upload-Length", &size.to_string()), ("Upload-Metadata", &about)],
            b"",
        ))
    }

    fn begin_known(&self, name: &str, bytes: &[u8]) -> Reply {
        let about = metadata(&[("filename", name), ("sha256", &sha256(bytes))]);
        self.post(
            &[
                ("Upload-Length", &bytes.len().to_string()),
                ("Upload-Metadata", &about),
            ],
            b"",
        )
    }

    fn patch(&self, path: &str, offset: usize, body: &[u8]) -> Reply {
        self.patch_with(path, offset, &[], body)
    }

    fn patch_with(&self, path: &str, offset: usize, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let offset = offset.to_string();
        self.send(
            "PATCH",
            path,
            &[&[PIECE, ("Upload-Offset", &offset)], headers].concat(),
            body,
        )
    }

    fn head(&self, path: &str) -> Reply {
        self.send("HEAD", path, &[], b"")
    }

    fn offset(&self, path: &str) -> usize {
        let reply = self.head(path);
        assert_eq!(reply.status, 200);
        number(&reply, "upload-offset")
    }

    /// Begins a PATCH of so many bytes and leaves it open.
    fn patch_slowly(&self, path: &str, offset: usize, length: usize, headers: &str) -> TcpStream {
        let mut stream = self.site.connect();
        let (name, value) = (self.who.0, &self.who.1);
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nHost: here\r\nTus-Resumable: 1.0.0\r\n{name}: {value}\r\nUpload-Offset: {offset}\r\n\
             Content-Type: application/offset+octet-stream\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// The recordings that this team has, newest first.
    fn sessions(&self) -> usize {
        let sessions = self
            .site
            .get("/api/v1/sessions", &[(self.who.0, &self.who.1)])
            .json();
        sessions["sessions"].as_array().unwrap().len()
    }

    fn raw(&self, recording: &str) -> Vec<u8> {
        let path = format!("/api/v1/recordings/{recording}/raw");
        self.site.get(&path, &[(self.who.0, &self.who.1)]).body
    }

    /// Waits until the server has written more than so many bytes; asking it would take the upload over.
    fn until_written_beyond(&self, path: &str, offset: usize) {
        let id = path.rsplit('/').next().unwrap();
        let file = self.site.folder.path().join("uploads").join(id);
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::fs::metadata(&file).map_or(0, |file| file.len()) <= offset as u64 {
            assert!(Instant::now() < deadline, "nothing comes beyond {offset}");
            std::thread::yield_now();
        }
    }
}

fn number(reply: &Reply, name: &str) -> usize {
    let text = reply.header(name);
    text.unwrap_or_else(|| panic!("no {name}: {} {}", reply.status, reply.text()))
        .parse()
        .unwrap()
}

fn path_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 201, "{}", reply.text());
    let location = reply.header("location").unwrap();
    location[location.find("/api/").unwrap()..].to_owned()
}

fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!(
        (reply.status, reply.error_code().as_str()),
        (status, code),
        "{}",
        reply.text()
    );
}
