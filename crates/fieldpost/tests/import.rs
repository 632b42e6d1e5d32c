//! `fieldpost import` against servers that have a bad day; the server here is a script of answers.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use common::{run, write};
use sha2::{Digest, Sha256};

const BYTES: &[u8] = b"tick_ms,row_type\n1,I\n";

/// Answers one request a connection with the next of `answers`, and gives the bodies it was sent.
fn scripted(answers: Vec<String>) -> (String, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut bodies = Vec::new();
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            bodies.push(body);
            (&stream).write_all(answer.as_bytes()).unwrap();
        }
        bodies
    });
    (url, serving)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn stored(sha256: &str) -> String {
    let body = serde_json::json!({
        "success": true, "recording_id": "r", "session_id": "s", "sha256": sha256,
        "size_bytes": BYTES.len(), "duplicate": false,
    });
    answer("200 OK", "", &body.to_string())
}

#[test]
fn what_fails_in_passing_is_sent_again_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", BYTES);
    let busy = answer("503 Service Unavailable", "Retry-After: 0\r\n", "");
    let (url, serving) = scripted(vec![
        busy.clone(),
        busy,
        stored(&hex::encode(Sha256::digest(BYTES))),
    ]);
    let done = run(&[
        "import",
        file.to_str().unwrap(),
        "--server",
        &url,
        "--token",
        "-older-tokens-may-begin-so",
        "--json",
    ]);
    assert_eq!(done.expect_success().json()["stored"], 1);
    assert_eq!(serving.join().unwrap(), [BYTES, BYTES, BYTES]);
}

#[test]
fn a_server_that_stays_busy_is_given_up_on_after_four_tries() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", BYTES);
    let busy = answer("503 Service Unavailable", "Retry-After: 0\r\n", "");
    let (url, serving) = scripted(vec![busy; 4]);
    let done = run(&[
        "import",
        file.to_str().unwrap(),
        "--server",
        &url,
        "--token",
        "t",
        "--json",
    ]);
    assert_eq!(done.code, 1);
    let error = done.json()["files"][0]["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("after 4 tries") && error.contains("503"),
        "{error}"
    );
    assert_eq!(serving.join().unwrap().len(), 4);
}

#[test]
fn a_refusal_is_not_repeated_and_is_told_in_the_servers_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", BYTES);
    let refusal = r#"{"error":{"code":"storage_full","message":"The disk is full. Free some space."}}"#;
    let (url, serving) = scripted(vec![answer("507 Insufficient Storage", "", refusal)]);
    let done = run(&[
        "import",
        file.to_str().unwrap(),
        "--server",
        &url,
        "--token",
        "t",
        "--json",
    ]);
    assert_eq!(done.code, 1);
    let error = done.json()["files"][0]["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("507 storage_full") && error.contains("Free some space."),
        "{error}"
    );
    assert_eq!(serving.join().unwrap().len(), 1);
}

#[test]
fn other_bytes_on_the_server_are_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", BYTES);
    let (url, serving) = scripted(vec![stored(&hex::encode(Sha256::digest(b"other bytes")))]);
    let done = run(&[
        "import",
        file.to_str().unwrap(),
        "--server",
        &url,
        "--token",
        "t",
        "--json",
    ]);
    assert_eq!(done.code, 1);
    assert!(
        done.json()["files"][0]["error"]
            .as_str()
            .unwrap()
            .contains("other bytes"),
        "{done:?}"
    );
    serving.join().unwrap();
}

#[test]
fn a_folder_is_no_file_and_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens there; a try would be told as one.
    let done = run(&[
        "import",
        folder.path().to_str().unwrap(),
        "--server",
        "http://127.0.0.1:9",
        "--token",
        "t",
    ]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.stderr.contains("it is no file"), "{done:?}");
    assert!(!done.stderr.contains("tries"), "{done:?}");
}

#[test]
fn a_server_that_is_not_ours_is_told_without_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", b"hello");
    for status in ["501 Unsupported method", "405 Method Not Allowed"] {
        let page = "<!DOCTYPE html><html><body>Nope</body></html>";
        let (server, thread) = scripted(vec![answer(status, "", page)]);
        let done = run(&[
            "import",
            file.to_str().unwrap(),
            "--server",
            &server,
            "--token",
            "t",
        ]);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.stderr.contains("Fieldpost server"), "{done:?}");
        assert!(!done.stderr.contains('<'), "{done:?}");
        thread.join().unwrap();
    }
}
