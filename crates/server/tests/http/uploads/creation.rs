//! How an upload begins, and what finds the same one again.

use super::{Client, PIECE, metadata, number, path_of, refused, sha256};
use crate::support::{OWNER, Site};

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
fn a_recording_whose_bytes_are_gone_is_taken_again() {
    let site = Site::owned();
    let client = Client::device(&site);
    let bytes = b"once stored";
    let begun = client.begin_known("a.csv", bytes);
    let first = client.patch(&path_of(&begun), 0, bytes);
    let recording = first.header("fieldpost-recording").unwrap().to_owned();
    assert_eq!(
        number(&client.begin_known("a.csv", bytes), "upload-offset"),
        bytes.len()
    );

    let raw = site.folder.path().join("raw");
    let team = std::fs::read_dir(raw).unwrap().next().unwrap().unwrap().path();
    let object = team.join(sha256(bytes));
    std::fs::write(&object, b"torn").unwrap();
    let asked = client.head(&path_of(&begun));
    assert_eq!((asked.status, asked.header("fieldpost-receipt")), (410, None));
    let again = client.begin_known("a.csv", bytes);
    assert_eq!(number(&again, "upload-offset"), 0, "a row is not the bytes");
    assert!(again.header("fieldpost-receipt").is_none());
    let second = client.patch(&path_of(&again), 0, bytes);
    assert_eq!(
        second.header("fieldpost-receipt"),
        first.header("fieldpost-receipt")
    );
    assert_eq!(client.raw(&recording), bytes);
    assert_eq!(std::fs::read(object).unwrap(), bytes);
    assert_eq!(client.sessions(), 1);
}

#[test]
fn a_recording_that_came_by_another_road_and_is_gone_is_taken_by_pieces() {
    let site = Site::owned();
    let client = Client::device(&site);
    let bytes = b"once stored";
    let stored = site.upload(("authorization", &client.who.1), "a.csv", bytes);
    let raw = site.folder.path().join("raw");
    let team = std::fs::read_dir(raw).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(team.join(sha256(bytes))).unwrap();
    let begun = client.begin_known("a.csv", bytes);
    assert_eq!((begun.status, number(&begun, "upload-offset")), (201, 0));
    let done = client.patch(&path_of(&begun), 0, bytes);
    assert_eq!(
        done.header("fieldpost-receipt"),
        stored["receipt"].as_str(),
        "the recording is the same"
    );
    assert_eq!(client.sessions(), 1);
}

#[test]
fn an_upload_that_another_road_overtook_is_complete() {
    let site = Site::owned();
    let client = Client::device(&site);
    let bytes = b"half by pieces, whole by post";
    let path = path_of(&client.begin_known("a.csv", bytes));
    client.patch(&path, 0, &bytes[..10]);
    let stored = site.upload(("authorization", &client.who.1), "a.csv", bytes);
    let again = client.begin_known("a.csv", bytes);
    assert_eq!(
        (path_of(&again), number(&again, "upload-offset")),
        (path.clone(), bytes.len())
    );
    assert_eq!(again.header("fieldpost-receipt"), stored["receipt"].as_str());
    assert_eq!(number(&client.head(&path), "upload-offset"), bytes.len());
    assert_eq!(client.sessions(), 1);
    let left = std::fs::read_dir(site.folder.path().join("uploads")).unwrap();
    assert_eq!(left.count(), 0, "its bytes are gone");
}
