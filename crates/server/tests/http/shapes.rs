//! What existing loggers send, byte for byte over raw sockets, by bearer token and by ingest key: one file in a body.
//!
//! Each is proved by what is durable then: the object on the server's disk has the bytes that were sent, and the receipt
//! is the published key's for exactly these bytes of this device.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use server::store::accounts::Role;
use server::store::ingest_keys::For;
use sha2::{Digest, Sha256};
use wire::receipt::{PublicKey, SignedReceipt};

use crate::support::{OWNER, Reply, Site, read_reply};

const CSV: &str = "time,lat,lon\r\n1,54.1,-2.2\r\n\"a\\b\",é🏁,\t\r\n";

/// A device and how it says who it is.
pub(crate) struct Way {
    pub id: String,
    /// What its paths begin with.
    pub base: String,
    /// A header line, or nothing.
    pub header: String,
}

impl Way {
    /// The bytes of a request, `{BASE}`, `{AUTH}` and `{LEN}` filled in.
    pub(crate) fn request(&self, head: &str, body: &[u8]) -> Vec<u8> {
        let head = head
            .replace("{BASE}", &self.base)
            .replace("{AUTH}", &self.header)
            .replace("{LEN}", &body.len().to_string());
        [head.as_bytes(), body].concat()
    }
}

/// A server and two devices: one has a token, the other an ingest key.
pub(crate) fn bench() -> (Site, [Way; 2]) {
    let site = Site::with(|config| config.upload_max_bytes = 32 << 20);
    site.add_user(OWNER, Role::Owner);
    let (id, bearer) = site.add_device(OWNER, "By token");
    let by_token = Way {
        id,
        base: String::new(),
        header: format!("Authorization: {bearer}\r\n"),
    };
    let (_, id, base) = site.add_ingest_key(OWNER, For::NewDevice(None));
    let by_key = Way {
        id: id.unwrap(),
        base,
        header: String::new(),
    };
    (site, [by_token, by_key])
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

fn file_named(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return file_named(&path, name);
        }
        (path.file_name().unwrap() == name).then_some(path)
    })
}

/// The server holds these bytes, and says so with its signature for this device.
pub(crate) fn assert_durable(site: &Site, device: &str, receipt: &str, name: &str, bytes: &[u8]) {
    let object = file_named(&site.folder.path().join("raw"), &sha256(bytes));
    assert_eq!(std::fs::read(object.unwrap()).unwrap(), bytes, "{name}");
    let keys = site.get("/.well-known/fieldpost", &[]).json()["keys"].clone();
    let keys: Vec<PublicKey> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| PublicKey::from_text(key["public_key"].as_str().unwrap()).unwrap())
        .collect();
    let signed = SignedReceipt::from_text(receipt).unwrap();
    let stored = signed.verify(&keys).unwrap().stored;
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    assert_eq!(stored.check_bytes(bytes.len() as u64, &digest), Ok(()), "{name}");
    assert_eq!(stored.name, name);
    let device = device.parse::<uuid::Uuid>().unwrap().into_bytes();
    assert_eq!(stored.device, Some(device), "{name}");
}

/// The same of the answer to one file.
pub(crate) fn assert_stored(site: &Site, device: &str, answer: &Value, name: &str, bytes: &[u8]) {
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(answer["filename"], name);
    assert_eq!(answer["sha256"], sha256(bytes).as_str());
    assert_eq!(answer["size_bytes"], bytes.len());
    assert_eq!(answer["duplicate"], false);
    assert_durable(site, device, answer["receipt"].as_str().unwrap(), name, bytes);
}

pub(crate) fn chunked(bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in bytes.chunks(piece) {
        body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    body
}

fn json(name: &str, content_first: bool) -> Vec<u8> {
    let content = serde_json::to_string(CSV).unwrap();
    let body = if content_first {
        format!(r#"{{"content": {content}, "filename": "{name}"}}"#)
    } else {
        format!(r#"{{"filename":"{name}","content":{content}}}"#)
    };
    body.into_bytes()
}

/// Name of the file, head and body of the request.
fn shapes() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let raw = || CSV.as_bytes().to_vec();
    vec![
        (
            "json.csv",
            "POST {BASE}/api/upload HTTP/1.1\r\nHost: laps.example.org\r\n{AUTH}Content-Type: application/json\r\n\
             Content-Length: {LEN}\r\n\r\n",
            json("json.csv", false),
        ),
        (
            "json-last.csv",
            "POST {BASE}/api/upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\n{AUTH}\
             Content-Length: {LEN}\r\nConnection: close\r\n\r\n",
            json("json-last.csv", true),
        ),
        (
            "json-1.0.csv",
            "POST {BASE}/api/upload HTTP/1.0\r\nHost: x\r\n{AUTH}Content-Type: application/json\r\nContent-Length: {LEN}\r\n\r\n",
            json("json-1.0.csv", false),
        ),
        (
            "json-chunked.csv",
            "POST {BASE}/api/upload HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n",
            chunked(&json("json-chunked.csv", false), 200),
        ),
        (
            "query.csv",
            "POST {BASE}/api/upload?filename=query.csv HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: {LEN}\r\n\r\n",
            raw(),
        ),
        (
            "x-filename.csv",
            "POST {BASE}/api/upload HTTP/1.1\r\nHost: x\r\n{AUTH}X-Filename: x-filename.csv\r\nContent-Type: text/csv\r\n\
             Content-Length: {LEN}\r\nConnection: close\r\n\r\n",
            raw(),
        ),
        (
            "disposition.csv",
            "POST {BASE}/api/upload HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Disposition: attachment; filename=\"disposition.csv\"\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: {LEN}\r\n\r\n",
            raw(),
        ),
        (
            "raw-1.0.csv",
            "POST {BASE}/api/upload?filename=raw-1.0.csv HTTP/1.0\r\n{AUTH}Content-Length: {LEN}\r\n\r\n",
            raw(),
        ),
        (
            "odd-case.csv",
            "POST {BASE}/api/upload HTTP/1.1\r\nhOST: x\r\n{AUTH}x-FILENAME: odd-case.csv\r\ncontent-LENGTH: {LEN}\r\n\
             CONNECTION: Close\r\n\r\n",
            raw(),
        ),
        (
            "a base that ends in a slash.csv",
            "POST {BASE}/api/upload?filename=a%20base%20that%20ends%20in%20a%20slash.csv HTTP/1.1\r\nHost: x\r\n{AUTH}\
             Content-Length: {LEN}\r\n\r\n",
            raw(),
        ),
    ]
}

#[test]
fn every_shape_of_one_file_is_durable_by_token_and_by_key() {
    let (site, ways) = bench();
    for way in &ways {
        for (name, head, body) in shapes() {
            let reply = site.exchange(&way.request(head, &body));
            assert_eq!(reply.status, 200, "{name}: {}", reply.text());
            assert_stored(&site, &way.id, &reply.json(), name, CSV.as_bytes());
        }
    }
    let slashed = Way {
        id: ways[1].id.clone(),
        base: format!("{}/", ways[1].base),
        header: String::new(),
    };
    let head =
        "POST {BASE}/api/upload?filename=slashed.csv HTTP/1.1\r\nHost: x\r\nContent-Length: {LEN}\r\n\r\n";
    let reply = site.exchange(&slashed.request(head, b"1,2\r\n"));
    assert_stored(&site, &slashed.id, &reply.json(), "slashed.csv", b"1,2\r\n");
}

#[test]
fn a_body_in_chunks_of_200_bytes_is_stored_whole() {
    let (site, ways) = bench();
    let content: Vec<u8> = (0..50_000_u32).map(|n| (n % 251) as u8).collect();
    for way in &ways {
        let mut stream = site.connect();
        stream.set_nodelay(true).unwrap();
        let head = "POST {BASE}/api/upload HTTP/1.1\r\nHost: x\r\n{AUTH}X-Filename: pieces.bin\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(&way.request(head, b"")).unwrap();
        for piece in content.chunks(200) {
            stream.write_all(b"c8\r\n").unwrap();
            stream.write_all(piece).unwrap();
            stream.write_all(b"\r\n").unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
        let reply = read_reply(&mut stream);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_stored(&site, &way.id, &reply.json(), "pieces.bin", &content);
    }
}

#[test]
fn a_file_of_20_mb_is_stored_whole() {
    let (site, ways) = bench();
    let mut content = vec![0; 20_000_000];
    for (at, byte) in content.iter_mut().enumerate() {
        *byte = (at % 253) as u8;
    }
    let head = "POST {BASE}/api/upload?filename=large.bin HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Length: {LEN}\r\n\r\n";
    for way in &ways {
        let reply = site.exchange(&way.request(head, &content));
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_stored(&site, &way.id, &reply.json(), "large.bin", &content);
    }
}

fn refused(reply: &Reply) -> (u16, String) {
    (reply.status, reply.error_code())
}

#[test]
fn neither_a_length_nor_chunks_is_411() {
    let (site, ways) = bench();
    for way in &ways {
        let head = "POST {BASE}/api/upload?filename=a HTTP/1.1\r\nHost: x\r\n{AUTH}Connection: close\r\n\r\n";
        let reply = site.exchange(&way.request(head, b""));
        assert_eq!(refused(&reply), (411, "length_required".to_owned()));
    }
}

#[test]
fn the_key_counts_and_not_the_header_beside_it() {
    let (site, [by_token, by_key]) = bench();
    // What a client was given for another service, and what is another device here.
    for header in ["Authorization: Bearer of-another-service\r\n", &by_token.header] {
        let head = format!(
            "POST {{BASE}}/api/upload?filename=a.csv HTTP/1.1\r\nHost: x\r\n{header}Content-Length: {{LEN}}\r\n\r\n"
        );
        let reply = site.exchange(&by_key.request(&head, header.as_bytes()));
        assert_stored(&site, &by_key.id, &reply.json(), "a.csv", header.as_bytes());
    }
    let cookie = site.sign_in(OWNER);
    let path = format!("{}/api/v1/me", by_key.base);
    assert_eq!(
        refused(&site.get(&path, &[("cookie", &cookie)])),
        (404, "not_found".to_owned())
    );
    let path = "/i/fpi_wrong/api/upload?filename=a.csv";
    for header in [("cookie", cookie.as_str()), ("x-nothing", "")] {
        let reply = site.send("POST", path, &[header], b"1,2");
        assert_eq!(refused(&reply), (401, "bad_ingest_key".to_owned()));
    }
}
