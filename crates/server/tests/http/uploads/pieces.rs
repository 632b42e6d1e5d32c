//! Pieces of an upload: what they must say, and what becomes of those that do not fit.

use std::io::{Read, Write};
use std::net::Shutdown;

use super::{Client, PIECE, metadata, number, path_of, refused};
use crate::support::{Site, read_reply};

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
fn a_sender_that_waits_to_be_told_to_go_on_is_told() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 5);
    let mut stream = client.patch_slowly(&path, 0, 5, "Expect: 100-continue\r\nConnection: close\r\n");
    assert_eq!(read_reply(&mut stream).status, 100);
    stream.write_all(b"hello").unwrap();
    assert_eq!(read_reply(&mut stream).status, 204);
}
