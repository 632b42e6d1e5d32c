//! What existing clients send, byte for byte: forms, and uploads in pieces.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use server::store::accounts::Role;
use server::store::ingest_keys::For;

use crate::shapes::{assert_durable, assert_stored, bench, chunked};
use crate::support::{OWNER, Site};

/// As the firmware of a hotspot writes it.
fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in files {
        body.extend_from_slice(
            format!(
                "------WebKitFormBoundary7MA4YWxk\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 Content-Type: text/csv\r\n\r\n"
            )
            .as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"------WebKitFormBoundary7MA4YWxk--\r\n");
    body
}

#[test]
fn a_form_with_one_file_and_one_with_many_are_durable_file_by_file() {
    let (site, ways) = bench();
    let long = b"time,lat\r\n1,54.1\r\n".repeat(5000);
    let one: &[(&str, &[u8])] = &[("one.csv", b"1,2\r\n3,4\r\n")];
    let many: &[(&str, &[u8])] = &[("a.csv", b"1,2\r\n"), ("long.csv", &long), ("c.csv", b"5,6")];
    let head = "POST {BASE}/api/upload HTTP/1.1\r\nHost: x\r\n{AUTH}\
                Content-Type: multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk\r\n";
    for way in &ways {
        for (files, in_chunks) in [
            (one, false),
            (many, false),
            (&[("d.csv", b"7,8".as_slice())], true),
        ] {
            let (length, body) = if in_chunks {
                ("Transfer-Encoding: chunked\r\n\r\n", chunked(&form(files), 200))
            } else {
                ("Content-Length: {LEN}\r\nConnection: close\r\n\r\n", form(files))
            };
            let reply = site.exchange(&way.request(&format!("{head}{length}"), &body));
            assert_eq!(reply.status, 200, "{}", reply.text());
            let answer = reply.json();
            assert_eq!(answer["success"], true);
            assert_eq!(answer["files"].as_array().unwrap().len(), files.len());
            for (at, (name, bytes)) in files.iter().enumerate() {
                assert_stored(&site, &way.id, &answer["files"][at], name, bytes);
            }
        }
    }
}

/// The path of an address, and what stands before it.
fn parted(location: &str) -> (&str, &str) {
    let (scheme, rest) = location.split_once("://").unwrap();
    location.split_at(scheme.len() + 3 + rest.find('/').unwrap())
}

#[test]
fn an_upload_in_pieces_goes_on_where_its_location_says() {
    let (site, ways) = bench();
    let bytes = b"0123456789".repeat(1000);
    let about = format!("filename {}", STANDARD.encode("pieces.csv"));
    let tus = "Host: logs.example.org\r\n{AUTH}Tus-Resumable: 1.0.0\r\nConnection: close\r\n";
    for way in &ways {
        let create = format!(
            "POST {{BASE}}/api/v1/uploads HTTP/1.1\r\n{tus}Upload-Length: {}\r\nUpload-Metadata: {about}\r\n\
             Content-Length: 0\r\n\r\n",
            bytes.len()
        );
        let created = site.exchange(&way.request(&create, b""));
        assert_eq!(created.status, 201, "{}", created.text());
        let (place, path) = parted(created.header("location").unwrap());
        assert_eq!(place, "http://logs.example.org");
        assert!(
            path.starts_with(&format!("{}/api/v1/uploads/", way.base)),
            "{path}"
        );

        let patch = |offset: usize, bytes: &[u8]| {
            let head = format!(
                "PATCH {path} HTTP/1.1\r\n{tus}Upload-Offset: {offset}\r\nContent-Length: {{LEN}}\r\n\
                 Content-Type: application/offset+octet-stream\r\n\r\n"
            );
            site.exchange(&way.request(&head, bytes))
        };
        assert_eq!(patch(0, &bytes[..4000]).status, 204);
        let head = format!("HEAD {path} HTTP/1.1\r\n{tus}\r\n");
        let standing = site.exchange(&way.request(&head, b""));
        assert_eq!(
            (standing.status, standing.header("upload-offset")),
            (200, Some("4000"))
        );
        let done = patch(4000, &bytes[4000..]);
        assert_eq!(done.status, 204, "{}", done.text());
        assert!(done.header("fieldpost-recording").is_some());
        let receipt = done.header("fieldpost-receipt").unwrap();
        assert_durable(&site, &way.id, receipt, "pieces.csv", &bytes);
    }
}

/// A server that is known by an https address, behind a proxy that it believes.
fn behind_a_proxy(public_url: Option<&str>) -> Site {
    let site = Site::with(|config| {
        config.public_url = public_url.map(|url| url.parse().unwrap());
        config.trusted_proxy = vec!["127.0.0.1".parse().unwrap()];
    });
    site.add_user(OWNER, Role::Owner);
    site
}

#[test]
fn the_location_behind_a_proxy_is_its_own_address_with_the_key() {
    for public_url in [None, Some("https://laps.example.org")] {
        let site = behind_a_proxy(public_url);
        let (_, _, base) = site.add_ingest_key(OWNER, For::NewDevice(None));
        let request = format!(
            "POST {base}/api/v1/uploads HTTP/1.1\r\nHost: laps.example.org\r\nX-Forwarded-Proto: https\r\n\
             Tus-Resumable: 1.0.0\r\nUpload-Length: 3\r\nUpload-Metadata: filename YQ==\r\nContent-Length: 0\r\n\r\n"
        );
        let created = site.exchange(request.as_bytes());
        let location = created.header("location").unwrap();
        let wanted = format!("https://laps.example.org{base}/api/v1/uploads/");
        assert!(location.starts_with(&wanted), "{location}");
    }
}

#[test]
fn plain_http_is_refused_with_the_right_address_under_a_key_too() {
    let site = behind_a_proxy(Some("https://laps.example.org"));
    let (_, _, base) = site.add_ingest_key(OWNER, For::NewDevice(None));
    let path = format!("{base}/api/upload?filename=a.csv");
    let sent = site.send("POST", &path, &[("x-forwarded-proto", "http")], b"1,2");
    assert_eq!((sent.status, sent.error_code().as_str()), (403, "plain_http"));
    assert!(
        sent.text().contains("https://laps.example.org"),
        "{}",
        sent.text()
    );
    assert!(!sent.text().contains("fpi_"), "{}", sent.text());
    let sent = site.send("POST", &path, &[("x-forwarded-proto", "https")], b"1,2");
    assert_eq!(sent.status, 200, "{}", sent.text());
}

#[test]
fn a_key_in_the_address_of_a_part_is_not_kept() {
    let (site, [_, way]) = bench();
    let tus = "Host: x\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\nContent-Type: application/offset+octet-stream\r\n";
    let about = format!("filename {}", STANDARD.encode("whole.csv"));
    let parts: Vec<String> = ["1,2", "3,4"]
        .iter()
        .map(|text| {
            let head = format!(
                "POST {{BASE}}/api/v1/uploads HTTP/1.1\r\n{tus}Upload-Concat: partial\r\nUpload-Length: 3\r\n\
                 Content-Length: {{LEN}}\r\n\r\n"
            );
            let created = site.exchange(&way.request(&head, text.as_bytes()));
            assert_eq!(created.status, 201, "{}", created.text());
            created.header("location").unwrap().to_owned()
        })
        .collect();
    let head = format!(
        "POST {{BASE}}/api/v1/uploads HTTP/1.1\r\n{tus}Upload-Concat: final;{} {}\r\nUpload-Metadata: {about}\r\n\
         Content-Length: 0\r\n\r\n",
        parts[0], parts[1]
    );
    let whole = site.exchange(&way.request(&head, b""));
    assert_eq!(whole.status, 201, "{}", whole.text());
    assert_durable(
        &site,
        &way.id,
        whole.header("fieldpost-receipt").unwrap(),
        "whole.csv",
        b"1,23,4",
    );
    let (_, path) = parted(whole.header("location").unwrap());
    let asked = site.exchange(format!("HEAD {path} HTTP/1.1\r\n{tus}\r\n").as_bytes());
    let said = asked.header("upload-concat").unwrap();
    assert_eq!(
        said,
        format!("final;{} {}", parts[0], parts[1]).replace(&way.base, "")
    );
}
