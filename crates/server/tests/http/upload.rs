use std::io::Write;

use serde_json::Value;

use crate::support::{OWNER, Reply, Site, UPLOAD_MAX_BYTES, read_reply};

const CSV: &str = "time,lat\r\n1,54.1\r\n\"a\\b\",é🏁\r\n";
/// `sha256sum` of [`CSV`].
const CSV_SHA256: &str = "52c532c30e4ab23dd290328db2ef5bdfd9ba8dd8e5ad8ff2c5bf1c1ea9a08c4d";

fn logger() -> (Site, String) {
    let site = Site::owned();
    let (_, token) = site.add_device(OWNER, "Logger");
    (site, token)
}

fn stored(site: &Site, token: &str, reply: &Reply) -> Vec<u8> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let path = format!(
        "/api/v1/recordings/{}/raw",
        reply.json()["recording_id"].as_str().unwrap()
    );
    let raw = site.get(&path, &[("authorization", token)]);
    assert_eq!(raw.status, 200);
    raw.body
}

#[test]
fn json_in_either_key_order_is_stored_unescaped() {
    let (site, token) = logger();
    let content = serde_json::to_string(CSV).unwrap();
    let orders = [
        format!(r#"{{"filename":"a.csv","content":{content}}}"#),
        format!(r#"{{"content":{content},"filename":"b.csv"}}"#),
    ];
    for body in &orders {
        let reply = site.post_json("/api/upload", &[("authorization", &token)], body);
        assert_eq!(stored(&site, &token, &reply), CSV.as_bytes());
        let answer = reply.json();
        assert_eq!(answer["success"], Value::Bool(true));
        assert_eq!(answer["sha256"], CSV_SHA256);
        assert_eq!(answer["size_bytes"], CSV.len());
    }
    let names: Vec<Value> = orders
        .iter()
        .map(|body| {
            site.post_json("/api/upload", &[("authorization", &token)], body)
                .json()["filename"]
                .clone()
        })
        .collect();
    assert_eq!(names, ["a.csv", "b.csv"]);
}

#[test]
fn json_without_a_content_type_is_read_too() {
    let (site, token) = logger();
    let body = r#"{"filename":"a.csv","content":"1,2\r\n"}"#;
    let reply = site.send(
        "POST",
        "/api/upload",
        &[("authorization", &token)],
        body.as_bytes(),
    );
    assert_eq!(stored(&site, &token, &reply), b"1,2\r\n");
}

#[test]
fn broken_json_is_refused_with_its_place_and_leaves_nothing() {
    let (site, token) = logger();
    for (body, code) in [
        (r#"{"filename":"a.csv","content":"1"#, "incomplete_body"),
        (r#"{"filename":"a.csv"}"#, "wrong_shape"),
        ("{\"filename\":\"a.csv\",\"content\":\"1\n\"}", "malformed_json"),
        (r#"{"filename":"a\u0000","content":"1"}"#, "bad_filename"),
    ] {
        let reply = site.post_json("/api/upload", &[("authorization", &token)], body);
        assert_eq!((reply.status, reply.error_code().as_str()), (400, code), "{body}");
    }
    assert_eq!(
        site.get("/api/v1/sessions", &[("authorization", &token)]).json()["sessions"],
        serde_json::json!([])
    );
    assert_eq!(
        std::fs::read_dir(site.folder.path().join("staging"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_chunked_body_in_small_pieces_is_stored_whole() {
    let (site, token) = logger();
    let mut stream = site.connect();
    stream.set_nodelay(true).unwrap();
    let head = format!(
        "POST /api/upload HTTP/1.1\r\nHost: x\r\nX-Filename: chunked.csv\r\nAuthorization: {token}\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    for byte in CSV.as_bytes() {
        stream
            .write_all(&[b'1', b'\r', b'\n', *byte, b'\r', b'\n'])
            .unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(stored(&site, &token, &read_reply(&mut stream)), CSV.as_bytes());
}

#[test]
fn http_1_0_odd_header_case_and_connection_close_work() {
    let (site, token) = logger();
    let body = "1,2\r\n";
    let requests = [
        format!(
            "POST /api/upload?filename=one.csv HTTP/1.0\r\nAuthorization: {token}\r\nContent-Length: 5\r\n\r\n{body}"
        ),
        format!(
            "POST /api/upload HTTP/1.1\r\nhOsT: x\r\nX-FILENAME: two.csv\r\naUTHORIZATION: {token}\r\n\
             cOnTeNt-LeNgTh: 5\r\nCONNECTION: Close\r\n\r\n{body}"
        ),
        format!(
            "POST /api/upload HTTP/1.1\r\nHost: x\r\nContent-Disposition: attachment; filename=\"three.csv\"\r\n\
             Authorization: bearer {}\r\nContent-Length: 5\r\nContent-Type: text/csv\r\nConnection: close\r\n\r\n{body}",
            token.strip_prefix("Bearer ").unwrap()
        ),
    ];
    for (request, name) in requests.iter().zip(["one.csv", "two.csv", "three.csv"]) {
        let reply = site.exchange(request.as_bytes());
        assert_eq!(reply.json()["filename"], name);
        assert_eq!(stored(&site, &token, &reply), body.as_bytes());
    }
}

#[test]
fn neither_length_nor_chunked_is_411() {
    let (site, token) = logger();
    let request = format!(
        "POST /api/upload?filename=a HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
    );
    let reply = site.exchange(request.as_bytes());
    assert_eq!(
        (reply.status, reply.error_code().as_str()),
        (411, "length_required")
    );
}

#[test]
fn a_body_that_ends_early_leaves_nothing() {
    let (site, token) = logger();
    let mut stream = site.connect();
    let head = format!(
        "POST /api/upload?filename=a.csv HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: 100\r\n\r\n1,2"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    assert_eq!(
        site.get("/api/v1/sessions", &[("authorization", &token)]).json()["sessions"],
        serde_json::json!([])
    );
}

#[test]
fn what_is_too_large_is_413_stated_or_not() {
    let (site, token) = logger();
    let body = vec![b'1'; usize::try_from(UPLOAD_MAX_BYTES).unwrap() + 1];
    let stated = site.send(
        "POST",
        "/api/upload?filename=a",
        &[("authorization", &token)],
        &body,
    );
    assert_eq!((stated.status, stated.error_code().as_str()), (413, "too_large"));
    let head = format!(
        "POST /api/upload?filename=a HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunk = [
        format!("{:x}\r\n", body.len()).as_bytes(),
        &body,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    assert_eq!(site.exchange(&[head.as_bytes(), &chunk].concat()).status, 413);
}

#[test]
fn a_refused_sender_is_heard_out_and_reads_the_refusal() {
    let site = Site::owned();
    let head = "POST /api/upload?filename=a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n\
                Content-Length: 3000000\r\n\r\n";
    let mut stream = site.connect();
    stream.write_all(head.as_bytes()).unwrap();
    let reply = read_reply(&mut stream);
    assert_eq!((reply.status, reply.error_code().as_str()), (401, "unauthorized"));
    // A sender that looks for its answer only at the end is still sending: a connection that was closed at once would be
    // reset here, and small network stacks throw the answer away with it.
    for _ in 0..100 {
        stream.write_all(&[b'1'; 10_000]).unwrap();
    }
}

#[test]
fn a_form_with_many_files_answers_for_each() {
    let (site, token) = logger();
    let file = |name: &str, content: &str| {
        format!(
            "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
        )
    };
    let note = "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nnot a file\r\n";
    let large = CSV.repeat(4000);
    let body = file("a.csv", CSV) + note + &file("b.csv", &large) + &file("sd/c.csv", "") + "--XX--\r\n";
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "multipart/form-data; boundary=XX"),
    ];
    let reply = site.send("POST", "/api/upload", &headers, body.as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(answer["success"], true);
    let files = answer["files"].as_array().unwrap();
    let sizes: Vec<(&str, u64)> = files
        .iter()
        .map(|f| (f["filename"].as_str().unwrap(), f["size_bytes"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        sizes,
        [
            ("a.csv", CSV.len() as u64),
            ("b.csv", large.len() as u64),
            ("c.csv", 0)
        ]
    );
    assert_eq!(files[0]["sha256"], CSV_SHA256);
}

#[test]
fn one_refused_file_of_a_form_does_not_take_the_others_along() {
    let (site, token) = logger();
    let part = |name: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n1,2\r\n")
    };
    let body = part("a.csv") + &part(&"x".repeat(300)) + &part("b.csv") + "--XX--\r\n";
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "multipart/form-data; boundary=XX"),
    ];
    let reply = site.send("POST", "/api/upload", &headers, body.as_bytes());
    assert_eq!((reply.status, reply.error_code().as_str()), (400, "bad_filename"));
    let answer = reply.json();
    let verdicts: Vec<bool> = answer["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["success"].as_bool().unwrap())
        .collect();
    assert_eq!(verdicts, [true, false, true]);
}

fn part(disposition: &str, content: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=\"f\"; {disposition}\r\n\r\n{content}\r\n")
}

fn send_form(site: &Site, token: &str, body: &str) -> Reply {
    let headers = [
        ("authorization", token),
        ("content-type", "multipart/form-data; boundary=XX"),
    ];
    site.send("POST", "/api/upload", &headers, body.as_bytes())
}

#[test]
fn a_form_that_breaks_off_answers_for_what_it_brought() {
    let (site, token) = logger();
    let whole = part("filename=\"a.csv\"", "1,2");
    let in_a_file = whole.clone() + &part("filename=\"b.csv\"", "3,4");
    let reply = send_form(&site, &token, &in_a_file);
    assert_eq!(
        (reply.status, reply.error_code().as_str()),
        (400, "incomplete_body")
    );
    let answer = reply.json();
    assert_eq!(
        (&answer["files"][0]["success"], &answer["files"][0]["filename"]),
        (&Value::Bool(true), &"a.csv".into())
    );
    assert_eq!(answer["files"][1]["filename"], "b.csv");
    assert_eq!(answer["files"][1]["error"]["code"], "incomplete_body");
    assert!(
        !reply.text().contains("nothing of it was stored"),
        "{}",
        reply.text()
    );
    let sessions = site.get("/api/v1/sessions", &[("authorization", &token)]).json();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);

    let in_a_header = whole + "--XX\r\nContent-Dis";
    let reply = send_form(&site, &token, &in_a_header);
    assert_eq!(
        (reply.status, reply.error_code().as_str()),
        (400, "incomplete_body")
    );
    let answer = reply.json();
    assert_eq!(answer["success"], false);
    assert_eq!(answer["files"].as_array().unwrap().len(), 1);
    assert_eq!(answer["files"][0]["duplicate"], true);
}

#[test]
fn a_form_of_too_many_files_answers_for_those_that_were_stored() {
    let (site, token) = logger();
    let mut body: String = (0..=1000)
        .map(|at| part(&format!("filename=\"{at}.csv\""), ""))
        .collect();
    body += &part("filename=\"never-looked-at.csv\"", "");
    let reply = send_form(&site, &token, &(body + "--XX--\r\n"));
    assert_eq!(
        (reply.status, reply.error_code().as_str()),
        (400, "too_many_files")
    );
    let answer = reply.json();
    let files = answer["files"].as_array().unwrap();
    assert_eq!(files.len(), 1001);
    assert!(files[..1000].iter().all(|file| file["success"] == true));
    assert_eq!(files[1000]["error"]["code"], "too_many_files");
}

#[test]
fn a_form_drops_nothing_without_a_word() {
    let (site, token) = logger();
    let long = "x".repeat(5000);
    let odd = [
        "Content-Disposition: form-data; name=\"file\"\r\nContent-Type: text/csv\r\n\r\n1,2".to_owned(),
        "Content-Type: text/csv\r\n\r\n1,2".to_owned(),
        "Content-Disposition: form-data; name=\"n\"\r\nContent-Type: multipart/mixed; boundary=Y\r\n\r\n--Y--".to_owned(),
        format!("Content-Disposition: form-data; name=\"file\"\r\n\r\n{long}"),
    ];
    let odd: String = odd.iter().map(|part| format!("--XX\r\n{part}\r\n")).collect();
    let fields = "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nwet\r\n\
                  --XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n";
    let good = part("filename=\"good.csv\"", "1,2");
    let taken = send_form(&site, &token, &format!("{fields}{good}--XX--\r\n"));
    assert_eq!(taken.status, 200, "{}", taken.text());
    assert_eq!(taken.json()["files"].as_array().unwrap().len(), 1);

    let reply = send_form(&site, &token, &format!("{odd}{good}--XX--\r\n"));
    assert_eq!((reply.status, reply.error_code().as_str()), (400, "no_file_name"));
    let answer = reply.json();
    let files = answer["files"].as_array().unwrap();
    let codes: Vec<_> = files.iter().map(|file| file["error"]["code"].as_str()).collect();
    let refused = Some("no_file_name");
    assert_eq!(codes, [refused, refused, refused, refused, None]);
}

#[test]
fn a_file_of_a_form_may_have_only_an_encoded_name() {
    let (site, token) = logger();
    let body = part("filename*=UTF-8''R%C3%A9n%C3%A9.csv", "1,2") + "--XX--\r\n";
    let reply = send_form(&site, &token, &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["files"][0]["filename"], "Réné.csv");
}

#[test]
fn a_json_body_that_is_too_large_is_told_the_limit_of_a_recording() {
    let (site, token) = logger();
    let length = UPLOAD_MAX_BYTES * 6 + 1;
    let head = format!(
        "POST /api/upload HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n"
    );
    let stated = site.exchange(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes());
    let blanks = " ".repeat(usize::try_from(length).unwrap());
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{blanks}\r\n0\r\n\r\n");
    for reply in [stated, site.exchange(chunked.as_bytes())] {
        assert_eq!(reply.status, 413);
        let message = reply.text();
        assert!(message.contains(&UPLOAD_MAX_BYTES.to_string()), "{message}");
    }
}

#[test]
fn a_form_without_end_or_without_files_is_refused() {
    let (site, token) = logger();
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "multipart/form-data; boundary=XX"),
    ];
    for (body, code) in [
        (
            "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\n1,2",
            "incomplete_body",
        ),
        (
            "--XX\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--XX--\r\n",
            "no_files",
        ),
        ("nothing of the kind", "incomplete_body"),
    ] {
        let reply = site.send("POST", "/api/upload", &headers, body.as_bytes());
        assert_eq!((reply.status, reply.error_code().as_str()), (400, code), "{body}");
    }
}

#[test]
fn a_raw_body_needs_a_name_and_no_encoding() {
    let (site, token) = logger();
    let typed = [("authorization", token.as_str()), ("content-type", "text/csv")];
    let nameless = site.send("POST", "/api/upload", &typed, b"1,2");
    assert_eq!(
        (nameless.status, nameless.error_code().as_str()),
        (400, "filename_missing")
    );
    let packed = [("authorization", token.as_str()), ("content-encoding", "gzip")];
    assert_eq!(
        site.send("POST", "/api/upload?filename=a", &packed, b"1,2")
            .status,
        415
    );
}

#[test]
fn duplicates_versions_and_copies_are_told_apart() {
    let (site, token) = logger();
    let who = ("authorization", token.as_str());
    let first = site.upload(who, "a.csv", b"1,2\r\n");
    let again = site.upload(who, "a.csv", b"1,2\r\n");
    assert_eq!(again["duplicate"], true);
    assert_eq!(
        (&again["recording_id"], &again["session_id"]),
        (&first["recording_id"], &first["session_id"])
    );
    let copy = site.upload(who, "b.csv", b"1,2\r\n");
    assert_eq!(
        (&copy["duplicate"], &copy["version"]),
        (&Value::Bool(false), &Value::from(1))
    );
    assert_ne!(copy["recording_id"], first["recording_id"]);
    let changed = site.upload(who, "a.csv", b"3,4\r\n");
    assert_eq!(
        (&changed["duplicate"], &changed["version"]),
        (&Value::Bool(false), &Value::from(2))
    );
}

#[test]
fn pictures_are_stored_each_once_and_not_analysed() {
    let (site, token) = logger();
    let camera = [("authorization", token.as_str()), ("content-type", "image/jpeg")];
    let shot = |byte: u8| site.send("POST", "/upload", &camera, &[0xFF, 0xD8, byte, 0xFF, 0xD9]);
    let (first, second) = (shot(1).json(), shot(2).json());
    site.advance(std::time::Duration::from_secs(9));
    let first_again = shot(1).json();
    assert_eq!(first["filename"], "received-2026-11-20T12-00-00.000Z.jpg");
    assert_eq!(first["session_id"], Value::Null);
    assert_ne!(first["recording_id"], second["recording_id"]);
    assert_eq!(first["recording_id"], first_again["recording_id"]);
    assert_eq!(first_again["duplicate"], true);
    assert_eq!(first_again["filename"], first["filename"]);
    for no_picture in [&b""[..], b"\xFF", b"GIF89a"] {
        let reply = site.send("POST", "/upload", &camera, no_picture);
        assert_eq!(reply.status, 415, "{}", reply.text());
        assert!(reply.text().contains("FF D8"), "{}", reply.text());
    }
    let wrong = site.send(
        "POST",
        "/upload",
        &[("authorization", &token), ("content-type", "text/csv")],
        b"1",
    );
    assert_eq!(wrong.status, 415);
}
