//! Resumable uploads over raw sockets, one claim of `docs/formats/upload.md` after the other.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use server::store::accounts::Role;
use sha2::{Digest, Sha256};

use crate::support::{OWNER, Reply, Site, read_reply};

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

#[test]
fn options_say_what_is_spoken_whatever_version_is_asked_for() {
    let site = Site::fresh();
    for path in ["/api/v1/uploads", "/api/v1/uploads/x"] {
        let reply = site.send("OPTIONS", path, &[("Tus-Resumable", "0.2.2")], b"");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("tus-version"), Some("1.0.0"));
        assert_eq!(reply.header("tus-checksum-algorithm"), Some("sha1,sha256,crc32"));
        assert_eq!(number(&reply, "tus-max-size"), 4 << 20);
        let extensions = reply.header("tus-extension").unwrap();
        for extension in "creation creation-with-upload creation-defer-length checksum expiration termination concatenation".split(' ') {
            assert!(extensions.split(',').any(|said| said == extension), "{extension}");
        }
        assert!(!extensions.contains("trailer") && !extensions.contains("unfinished"));
    }
}

#[test]
fn another_version_or_none_is_refused_and_nothing_happens() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 5);
    for version in [&[("Tus-Resumable", "0.2.2")][..], &[]] {
        let headers = [
            &[
                (client.who.0, client.who.1.as_str()),
                PIECE,
                ("Upload-Offset", "0"),
            ],
            version,
        ]
        .concat();
        let reply = site.send("PATCH", &path, &headers, b"hello");
        refused(&reply, 412, "unsupported_version");
        assert_eq!(reply.header("tus-version"), Some("1.0.0"));
    }
    assert_eq!(client.offset(&path), 0);
}

#[test]
fn every_answer_says_the_version() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 5);
    let replies = [
        client.post(
            &[("Upload-Length", "5"), ("Upload-Metadata", "filename YQ==")],
            b"",
        ),
        client.head(&path),
        client.patch(&path, 0, b"hello"),
        client.head("/api/v1/uploads/unknown"),
        client.send("PUT", &path, &[], b""),
        site.send("PATCH", &path, &[], b""),
    ];
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [201, 200, 204, 404, 405, 401]);
    for reply in replies {
        assert_eq!(reply.header("tus-resumable"), Some("1.0.0"), "{}", reply.status);
    }
}

#[test]
fn an_upload_arrives_in_pieces_and_becomes_a_recording() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("sess_1.csv", 11);
    let first = client.patch(&path, 0, b"hello ");
    assert_eq!((first.status, number(&first, "upload-offset")), (204, 6));
    assert_eq!(client.sessions(), 0, "half a recording is nothing");
    assert_eq!(client.offset(&path), 6);
    let last = client.patch(&path, 6, b"world");
    assert_eq!((last.status, number(&last, "upload-offset")), (204, 11));
    assert_eq!(
        client.raw(last.header("fieldpost-recording").unwrap()),
        b"hello world"
    );
    assert_eq!(client.sessions(), 1);

    let head = client.head(&path);
    assert_eq!(
        (number(&head, "upload-offset"), number(&head, "upload-length")),
        (11, 11)
    );
    assert_eq!(
        head.header("fieldpost-recording"),
        last.header("fieldpost-recording")
    );
    assert_eq!(head.header("upload-expires"), None);
    let again = client.patch(&path, 11, b"");
    assert_eq!((again.status, number(&again, "upload-offset")), (204, 11));
    refused(&client.patch(&path, 11, b"!"), 413, "past_the_end");
}

#[test]
fn head_says_everything_and_is_not_cached() {
    let site = Site::owned();
    let client = Client::device(&site);
    let about = format!(
        "{},is_secret",
        metadata(&[("filename", "a.csv"), ("colour", "r\u{f6}t")])
    );
    let path = path_of(&client.post(&[("Upload-Length", "9"), ("Upload-Metadata", &about)], b""));
    let head = client.head(&path);
    assert_eq!(head.status, 200);
    assert_eq!(
        (number(&head, "upload-offset"), number(&head, "upload-length")),
        (0, 9)
    );
    assert_eq!(head.header("upload-metadata"), Some(about.as_str()));
    assert_eq!(head.header("cache-control"), Some("no-store"));
    let unknown = client.head("/api/v1/uploads/00000000-0000-0000-0000-000000000001");
    assert_eq!((unknown.status, unknown.header("upload-offset")), (404, None));
}

#[test]
fn a_piece_at_another_offset_changes_nothing_and_is_told_the_right_one() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 10);
    client.patch(&path, 0, b"abc");
    for offset in [0, 2, 4, 10, 11] {
        let reply = client.patch(&path, offset, b"xyz");
        refused(&reply, 409, "another_offset");
        assert_eq!(number(&reply, "upload-offset"), 3);
    }
    let last = client.patch(&path, 3, b"defghij");
    assert_eq!(
        client.raw(last.header("fieldpost-recording").unwrap()),
        b"abcdefghij"
    );
}

#[test]
fn a_piece_says_what_it_is_and_where_it_begins() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 3);
    let offset = ("Upload-Offset", "0");
    for media in ["application/octet-stream", "text/plain"] {
        let reply = client.send("PATCH", &path, &[offset, ("Content-Type", media)], b"abc");
        refused(&reply, 415, "unsupported_media_type");
    }
    refused(
        &client.send("PATCH", &path, &[PIECE], b"abc"),
        400,
        "offset_missing",
    );
    refused(
        &client.send("PATCH", &path, &[PIECE, ("Upload-Offset", "-1")], b"abc"),
        400,
        "bad_header",
    );
    refused(
        &client.patch("/api/v1/uploads/unknown", 0, b"abc"),
        404,
        "not_found",
    );
    assert_eq!(client.offset(&path), 0);
}

#[test]
fn a_piece_past_the_end_is_refused_whole() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 5);
    refused(&client.patch(&path, 0, b"twelve bytes"), 413, "past_the_end");
    assert_eq!(client.offset(&path), 0);
    let chunked = format!(
        "PATCH {path} HTTP/1.1\r\nHost: here\r\nTus-Resumable: 1.0.0\r\n{}: {}\r\nUpload-Offset: 0\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/offset+octet-stream\r\n\r\n4\r\ntwel\r\n8\r\nve bytes\r\n0\r\n\r\n",
        client.who.0, client.who.1
    );
    refused(&site.exchange(chunked.as_bytes()), 413, "past_the_end");
    assert_eq!(client.offset(&path), 0);
    assert_eq!(client.patch(&path, 0, b"hello").status, 204);
}

#[test]
fn a_length_that_comes_later_is_awaited_and_then_stays() {
    let site = Site::owned();
    let client = Client::device(&site);
    let about = metadata(&[("filename", "a.csv")]);
    let path = path_of(&client.post(&[("Upload-Defer-Length", "1"), ("Upload-Metadata", &about)], b""));
    let head = client.head(&path);
    assert_eq!(
        (head.header("upload-defer-length"), head.header("upload-length")),
        (Some("1"), None)
    );
    assert_eq!(client.patch(&path, 0, b"abc").status, 204);
    refused(
        &client.patch_with(&path, 3, &[("Upload-Length", "2")], b""),
        400,
        "length_too_short",
    );
    refused(
        &client.patch_with(&path, 3, &[("Upload-Length", "99999999")], b""),
        413,
        "too_large",
    );
    assert_eq!(
        client
            .patch_with(&path, 3, &[("Upload-Length", "6")], b"d")
            .status,
        204
    );
    let head = client.head(&path);
    assert_eq!(
        (head.header("upload-defer-length"), number(&head, "upload-length")),
        (None, 6)
    );
    refused(
        &client.patch_with(&path, 4, &[("Upload-Length", "7")], b"ef"),
        400,
        "length_is_set",
    );
    let last = client.patch_with(&path, 4, &[("Upload-Length", "6")], b"ef");
    assert_eq!(client.raw(last.header("fieldpost-recording").unwrap()), b"abcdef");
}

/// Headers, and the refusal's status and code.
type Case<'c> = (&'c [(&'c str, &'c str)], u16, &'c str);

#[test]
fn a_beginning_that_cannot_be_is_refused() {
    let site = Site::owned();
    let client = Client::device(&site);
    let about = metadata(&[("filename", "a.csv")]);
    let name = ("Upload-Metadata", about.as_str());
    let length = ("Upload-Length", "5");
    let cases: [Case<'_>; 11] = [
        (&[name], 400, "bad_length"),
        (&[name, length, ("Upload-Defer-Length", "1")], 400, "bad_length"),
        (&[name, ("Upload-Defer-Length", "2")], 400, "bad_header"),
        (&[name, ("Upload-Length", "five")], 400, "bad_header"),
        (&[name, ("Upload-Length", "4194305")], 413, "too_large"),
        (&[length], 400, "filename_missing"),
        (
            &[length, ("Upload-Metadata", "filename YQ==,filename Yg==")],
            400,
            "bad_header",
        ),
        (
            &[length, ("Upload-Metadata", "filename /////w==")],
            400,
            "bad_metadata",
        ),
        (
            &[length, ("Upload-Metadata", "filename YQ==,sha256 YQ==")],
            400,
            "bad_metadata",
        ),
        (&[name, length, ("Upload-Concat", "half")], 400, "bad_header"),
        (
            &[name, ("Upload-Concat", "final;/elsewhere/1")],
            400,
            "not_a_part",
        ),
    ];
    for (headers, status, code) in cases {
        refused(&client.post(headers, b""), status, code);
    }
}

#[test]
fn the_first_bytes_may_come_with_the_creation() {
    let site = Site::owned();
    let client = Client::device(&site);
    let about = metadata(&[("filename", "a.csv")]);
    let headers = [("Upload-Length", "8"), ("Upload-Metadata", about.as_str())];
    refused(
        &client.post(&[headers[0], headers[1], ("Content-Type", "text/csv")], b"1234"),
        415,
        "unsupported_media_type",
    );
    let reply = client.post(&[headers[0], headers[1], PIECE], b"1234");
    assert_eq!(number(&reply, "upload-offset"), 4);
    assert!(reply.header("upload-expires").is_some());
    let path = path_of(&reply);
    assert_eq!(client.offset(&path), 4);
    let whole = client.post(&[headers[0], headers[1], PIECE], b"12345678");
    assert_eq!(number(&whole, "upload-offset"), 8);
    assert_eq!(
        client.raw(whole.header("fieldpost-recording").unwrap()),
        b"12345678"
    );
    refused(
        &client.post(&[headers[0], headers[1], PIECE], b"123456789"),
        413,
        "past_the_end",
    );
}

#[test]
fn an_empty_upload_is_complete_at_once() {
    let site = Site::owned();
    let client = Client::device(&site);
    let reply = client.post(
        &[
            ("Upload-Length", "0"),
            ("Upload-Metadata", &metadata(&[("filename", "a.csv")])),
        ],
        b"",
    );
    assert_eq!(client.raw(reply.header("fieldpost-recording").unwrap()), b"");
    assert_eq!(client.offset(&path_of(&reply)), 0);
}

#[test]
fn a_piece_with_another_checksum_is_discarded() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 22);
    let mut offset = 0;
    for (checksum, wrong) in [
        (
            "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu4=",
        ),
        (
            "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
            "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzeg=",
        ),
    ] {
        refused(
            &client.patch_with(&path, offset, &[("Upload-Checksum", wrong)], b"hello world"),
            460,
            "checksum_mismatch",
        );
        assert_eq!(client.offset(&path), offset);
        assert_eq!(
            client
                .patch_with(&path, offset, &[("Upload-Checksum", checksum)], b"hello world")
                .status,
            204
        );
        offset += 11;
    }
    let path = client.begin("b.csv", 11);
    refused(
        &client.patch_with(
            &path,
            0,
            &[("Upload-Checksum", "md5 XrY7u+Ae7tCTyyK7j1rNww==")],
            b"hello world",
        ),
        400,
        "bad_header",
    );
    refused(
        &client.patch_with(&path, 0, &[("Upload-Checksum", "crc32 AAAAAA==")], b"hello world"),
        460,
        "checksum_mismatch",
    );
    assert_eq!(client.offset(&path), 0);
    let last = client.patch_with(&path, 0, &[("Upload-Checksum", "crc32 DUoRhQ==")], b"hello world");
    assert_eq!(
        client.raw(last.header("fieldpost-recording").unwrap()),
        b"hello world"
    );
}

#[test]
fn what_arrived_before_a_connection_broke_is_kept_unless_it_was_to_be_checked() {
    let site = Site::owned();
    let client = Client::device(&site);
    let bytes = vec![b'x'; 300_000];
    let path = client.begin("a.csv", bytes.len());
    let mut stream = client.patch_slowly(&path, 0, bytes.len(), "");
    stream.write_all(&bytes[..100_000]).unwrap();
    // Half closed, so that the end of the request can be waited for.
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(client.offset(&path), 100_000);
    let checked = "Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\r\n";
    let mut stream = client.patch_slowly(&path, 100_000, 200_000, checked);
    stream.write_all(&bytes[..100_000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let last = client.patch(&path, 100_000, &bytes[100_000..]);
    assert_eq!(last.status, 204, "{}", last.text());
    assert_eq!(client.raw(last.header("fieldpost-recording").unwrap()), bytes);
}

#[test]
fn whoever_asks_takes_over_from_a_connection_that_hangs() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 200_000);
    let hang = |offset: usize| {
        let mut hanging = client.patch_slowly(&path, offset, 200_000 - offset, "");
        hanging.write_all(&vec![b'x'; 50_000]).unwrap();
        client.until_written_beyond(&path, offset);
        hanging
    };
    let mut hanging = hang(0);
    let offset = client.offset(&path);
    assert!((1..=50_000).contains(&offset), "{offset}");
    refused(&read_reply(&mut hanging), 423, "taken_over");

    let mut hanging = hang(offset);
    let reply = client.patch(&path, offset, b"x");
    refused(&reply, 409, "another_offset");
    let further = number(&reply, "upload-offset");
    assert!(
        (offset + 1..=offset + 50_000).contains(&further),
        "{offset} {further}"
    );
    refused(&read_reply(&mut hanging), 423, "taken_over");

    let mut hanging = hang(further);
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 204);
    refused(&read_reply(&mut hanging), 423, "taken_over");
    assert_eq!(client.head(&path).status, 410);
}

#[test]
fn an_upload_that_nothing_comes_for_expires_after_more_than_a_month() {
    let site = Site::owned();
    let client = Client::device(&site);
    let reply = client.begin_known("a.csv", b"hello world");
    assert_eq!(
        reply.header("upload-expires"),
        Some("Tue, 19 Jan 2027 12:00:00 GMT")
    );
    let path = path_of(&reply);
    site.advance(DAY * 59);
    let piece = client.patch(&path, 0, b"hello");
    assert_eq!(
        piece.header("upload-expires"),
        Some("Fri, 19 Mar 2027 12:00:00 GMT")
    );
    assert_eq!(
        client.head(&path).header("upload-expires"),
        piece.header("upload-expires")
    );
    site.advance(DAY * 59);
    assert_eq!(client.offset(&path), 5);
    site.advance(DAY + DAY / 2);
    let head = client.head(&path);
    assert_eq!((head.status, head.header("upload-offset")), (410, None));
    refused(&client.patch(&path, 5, b" world"), 410, "upload_gone");
    let anew = path_of(&client.begin_known("a.csv", b"hello world"));
    assert_ne!(anew, path);
    assert_eq!(client.patch(&anew, 0, b"hello world").status, 204);
}

#[test]
fn a_deleted_upload_is_gone_and_a_deleted_complete_one_leaves_its_recording() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 11);
    client.patch(&path, 0, b"hello");
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 204);
    for reply in [
        client.head(&path),
        client.patch(&path, 5, b" world"),
        client.send("DELETE", &path, &[], b""),
    ] {
        assert_eq!(reply.status, 410);
    }
    let files = std::fs::read_dir(site.folder.path().join("uploads")).unwrap();
    assert_eq!(files.count(), 0, "its bytes are gone");

    let path = path_of(&client.begin_known("b.csv", b"hello world"));
    let last = client.patch(&path, 0, b"hello world");
    let recording = last.header("fieldpost-recording").unwrap();
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 204);
    assert_eq!(client.head(&path).status, 410);
    assert_eq!(client.raw(recording), b"hello world");
    let again = client.begin_known("b.csv", b"hello world");
    assert_eq!(again.header("fieldpost-recording"), Some(recording));
}

#[test]
fn the_same_beginning_finds_the_same_upload_whoever_asks() {
    let site = Site::owned();
    let (device, bearer) = site.add_device(OWNER, "Logger");
    let logger = Client {
        site: &site,
        who: ("Authorization", bearer),
    };
    let phone = Client::member(&site);
    let bytes = b"hello world";
    let carried = |name: &str| {
        let about = metadata(&[
            ("filename", name),
            ("sha256", &sha256(bytes)),
            ("device", &device),
        ]);
        phone.post(&[("Upload-Length", "11"), ("Upload-Metadata", &about)], b"")
    };
    let path = path_of(&logger.begin_known("a.csv", bytes));
    logger.patch(&path, 0, b"hello");
    let by_phone = carried("a.csv");
    assert_eq!(
        (path_of(&by_phone), number(&by_phone, "upload-offset")),
        (path.clone(), 5)
    );
    let last = phone.patch(&path, 5, b" world");
    let recording = last.header("fieldpost-recording").unwrap().to_owned();
    for again in [logger.begin_known("a.csv", bytes), carried("a.csv")] {
        assert_eq!(
            (path_of(&again), number(&again, "upload-offset")),
            (path.clone(), 11)
        );
        assert_eq!(again.header("fieldpost-recording"), Some(recording.as_str()));
        assert!(last.header("fieldpost-receipt").is_some());
        assert_eq!(
            again.header("fieldpost-receipt"),
            last.header("fieldpost-receipt")
        );
    }
    // Another name, another device, nobody's: each its own.
    assert_ne!(path_of(&logger.begin_known("b.csv", bytes)), path);
    assert_ne!(path_of(&Client::device(&site).begin_known("a.csv", bytes)), path);
    assert_ne!(path_of(&phone.begin_known("a.csv", bytes)), path);
    let stranger = metadata(&[
        ("filename", "a.csv"),
        ("device", "00000000-0000-0000-0000-000000000009"),
    ]);
    let refusal = phone.post(&[("Upload-Length", "11"), ("Upload-Metadata", &stranger)], b"");
    refused(&refusal, 422, "unknown_device");
}

#[test]
fn a_recording_that_came_by_another_road_needs_no_bytes() {
    let site = Site::owned();
    let client = Client::device(&site);
    let stored = site.upload((client.who.0, &client.who.1), "a.csv", b"hello world");
    let reply = client.begin_known("a.csv", b"hello world");
    assert_eq!(number(&reply, "upload-offset"), 11);
    assert_eq!(
        reply.header("fieldpost-recording"),
        stored["recording_id"].as_str()
    );
    assert_eq!(client.offset(&path_of(&reply)), 11);
    assert_eq!(client.sessions(), 1);
}

#[test]
fn bytes_that_are_not_those_announced_are_dropped() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = path_of(&client.begin_known("a.csv", b"hello world"));
    refused(&client.patch(&path, 0, b"hello wurld"), 460, "wrong_digest");
    assert_eq!(client.head(&path).status, 410);
    assert_eq!(client.sessions(), 0);
    let anew = path_of(&client.begin_known("a.csv", b"hello world"));
    assert_eq!(client.patch(&anew, 0, b"hello world").status, 204);
    assert_eq!(client.sessions(), 1);
}

#[test]
fn parts_are_put_together_in_the_order_that_is_said() {
    let site = Site::owned();
    let client = Client::device(&site);
    let part = |size: usize| {
        path_of(&client.post(
            &[("Upload-Length", &size.to_string()), ("Upload-Concat", "partial")],
            b"",
        ))
    };
    let (first, second) = (part(6), part(5));
    let about = metadata(&[("filename", "a.csv")]);
    let concat = format!("final;http://elsewhere{first} {second}");
    let finish = |headers: &[(&str, &str)]| {
        client.post(
            &[
                &[("Upload-Concat", concat.as_str()), ("Upload-Metadata", &about)],
                headers,
            ]
            .concat(),
            b"",
        )
    };
    client.patch(&second, 0, b"world");
    client.patch(&first, 0, b"hell");
    refused(&finish(&[]), 400, "part_unfinished");
    client.patch(&first, 4, b"o ");
    let head = client.head(&first);
    assert_eq!(
        (head.header("upload-concat"), number(&head, "upload-offset")),
        (Some("partial"), 6)
    );
    assert_eq!(client.sessions(), 0, "a part is no recording");
    refused(&finish(&[("Upload-Length", "11")]), 400, "bad_length");
    let whole = finish(&[]);
    let recording = whole.header("fieldpost-recording").unwrap();
    assert_eq!(client.raw(recording), b"hello world");
    let path = path_of(&whole);
    let head = client.head(&path);
    assert_eq!(head.header("upload-concat"), Some(concat.as_str()));
    assert_eq!(
        (number(&head, "upload-offset"), number(&head, "upload-length")),
        (11, 11)
    );
    refused(&client.patch(&path, 11, b"!"), 403, "final_upload");
    // The answer was lost: the same wish finds the same upload, though the parts are gone.
    let again = finish(&[]);
    assert_eq!(
        (path_of(&again), again.header("fieldpost-recording")),
        (path, Some(recording))
    );
    assert_eq!(client.head(&first).status, 410);
    assert_eq!(client.sessions(), 1);
    let twice = format!("final;{path} {path}", path = part(0));
    refused(
        &client.post(&[("Upload-Concat", &twice), ("Upload-Metadata", &about)], b""),
        400,
        "not_a_part",
    );
}

#[test]
fn a_method_in_a_header_counts_more_than_the_one_in_the_request() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 11);
    let by_post = |method: &str, headers: &[(&str, &str)], body: &[u8]| {
        client.send(
            "POST",
            &path,
            &[&[("X-HTTP-Method-Override", method)], headers].concat(),
            body,
        )
    };
    assert_eq!(
        by_post("PATCH", &[PIECE, ("Upload-Offset", "0")], b"hello").status,
        204
    );
    assert_eq!(number(&by_post("HEAD", &[], b""), "upload-offset"), 5);
    assert_eq!(by_post("DELETE", &[], b"").status, 204);
    assert_eq!(client.head(&path).status, 410);
    refused(&by_post("not a method", &[], b""), 400, "bad_method");
}

#[test]
fn a_restarted_server_goes_on_where_the_upload_was() {
    let mut site = Site::owned();
    let (path, who) = {
        let client = Client::device(&site);
        let path = client.begin("a.csv", 200_000);
        assert_eq!(client.patch(&path, 0, &vec![b'x'; 130_000]).status, 204);
        (path, client.who)
    };
    site.stop();
    site.start();
    let client = Client { site: &site, who };
    assert_eq!(client.offset(&path), 130_000);
    let last = client.patch(&path, 130_000, &vec![b'y'; 70_000]);
    let bytes = [vec![b'x'; 130_000], vec![b'y'; 70_000]].concat();
    assert_eq!(client.raw(last.header("fieldpost-recording").unwrap()), bytes);
}

#[test]
fn an_upload_is_seen_by_its_device_and_its_team_only() {
    let site = Site::owned();
    site.add_user("other@example.org", Role::Owner);
    let client = Client::device(&site);
    let path = client.begin("a.csv", 11);
    let other_team = Client {
        site: &site,
        who: ("Cookie", site.sign_in("other@example.org")),
    };
    for stranger in [Client::device(&site), other_team] {
        assert_eq!(stranger.head(&path).status, 404);
        refused(&stranger.patch(&path, 0, b"hello"), 404, "not_found");
        refused(&stranger.send("DELETE", &path, &[], b""), 404, "not_found");
    }
    assert_eq!(Client::member(&site).offset(&path), 0);
}

#[test]
fn the_address_of_an_upload_is_the_one_that_the_sender_can_reach() {
    let site = Site::owned();
    let location = |site: &Site| {
        let client = Client::device(site);
        let reply = client.post(
            &[("Upload-Length", "5"), ("Upload-Metadata", "filename YQ==")],
            b"",
        );
        reply.header("location").unwrap().to_owned()
    };
    assert!(location(&site).starts_with(&format!("http://{}/api/v1/uploads/", site.addr())));
    let behind = Site::with(|config| {
        config.public_url = Some("https://laps.example.org".parse().unwrap());
        config.allow_plain_ingest = true;
    });
    behind.add_user(OWNER, Role::Owner);
    assert!(location(&behind).starts_with("https://laps.example.org/api/v1/uploads/"));
}

#[test]
fn a_sender_that_waits_to_be_told_to_go_on_is_told() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 5);
    let mut stream = client.patch_slowly(&path, 0, 5, "Expect: 100-continue\r\nConnection: close\r\n");
    assert_eq!(read_reply(&mut stream).status, 100);
    stream.write_all(b"hello").unwrap();
    assert_eq!(read_reply(&mut stream).status, 204);
}

/// The connection goes between the last byte and the answer, at whatever moment that is.
#[test]
fn a_lost_answer_costs_nothing() {
    let site = Site::owned();
    let (device, bearer) = site.add_device(OWNER, "Logger");
    let logger = Client {
        site: &site,
        who: ("Authorization", bearer),
    };
    let phone = Client::member(&site);
    for round in 0..40_usize {
        let bytes = format!("round {round}");
        let name = format!("{round}.csv");
        let sender = if round % 2 == 0 { &logger } else { &phone };
        let about = metadata(&[
            ("filename", &name),
            ("sha256", &sha256(bytes.as_bytes())),
            ("device", &device),
        ]);
        let begin = || {
            sender.post(
                &[
                    ("Upload-Length", &bytes.len().to_string()),
                    ("Upload-Metadata", &about),
                ],
                b"",
            )
        };
        let path = path_of(&begin());
        let mut stream = sender.patch_slowly(&path, 0, bytes.len(), "");
        stream.write_all(bytes.as_bytes()).unwrap();
        // More or less of what the server does comes before the end, by how often others run first.
        (0..round * 50).for_each(|_| std::thread::yield_now());
        drop(stream);
        let recording = loop {
            let again = begin();
            let offset = number(&again, "upload-offset");
            if offset == bytes.len() {
                break again.header("fieldpost-recording").unwrap().to_owned();
            }
            let rest = sender.patch(&path, offset, &bytes.as_bytes()[offset..]);
            match rest.status {
                204 => break rest.header("fieldpost-recording").unwrap().to_owned(),
                // The first request is read only now and has taken over: the offset says how far it came.
                409 | 413 | 423 => {}
                status => panic!("{status} {}", rest.text()),
            }
        };
        assert_eq!(sender.raw(&recording), bytes.as_bytes());
        assert_eq!(sender.sessions(), round + 1);
    }
}
