//! A device's requests over a real socket, and what breaks on the way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::{self, JoinHandle};

use device::exchange::{ANSWER_BYTES_MAX, Body, Method, NoAnswer, Path, Request, Value};
use device::outbox::Number;
use sim::live::{Broken, Connection, Endpoint, Weather};

/// A server that takes so many connections, answers what comes on each with the same bytes, and tells what came.
fn server(connections: usize, answer: Vec<u8>) -> (Endpoint, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let heard = thread::spawn(move || {
        (0..connections)
            .map(|_| {
                let (mut stream, _) = listener.accept().unwrap();
                let (mut all, mut piece, mut answered) = (Vec::new(), [0; 2048], 0);
                while let Ok(count @ 1..) = stream.read(&mut piece) {
                    all.extend_from_slice(&piece[..count]);
                    let whole = requests_in(&all);
                    for _ in answered..whole {
                        stream.write_all(&answer).unwrap();
                    }
                    answered = whole;
                }
                all
            })
            .collect()
    });
    let endpoint = Endpoint {
        address,
        host: "fieldpost.example".to_owned(),
        base: "/base".to_owned(),
        token: Some("fpd_secret".to_owned()),
        device: None,
    };
    (endpoint, heard)
}

/// Whole requests, by their own lengths.
fn requests_in(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let text = str::from_utf8(&bytes[..head]).unwrap();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .unwrap();
        let end = head + 4 + length.parse::<usize>().unwrap();
        if bytes.len() < end {
            break;
        }
        bytes = &bytes[end..];
        count += 1;
    }
    count
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn recording(bytes: u32) -> Request<'static> {
    Request::new(Method::Patch, Path::with("/api/v1/uploads/", "abc", ""))
        .header("upload-offset", Value::Number(1000))
        .body(Body::Recording {
            number: Number(7),
            offset: 1000,
            bytes,
        })
}

fn from_card(number: Number, offset: u32, piece: &mut [u8]) -> bool {
    assert_eq!(number, Number(7));
    for (at, byte) in (offset..).zip(piece) {
        *byte = (at % 251) as u8;
    }
    true
}

#[test]
fn requests_share_a_connection_and_arrive_byte_for_byte() {
    let reply = answer("204 No Content", "Upload-Offset: 11000\r\n", b"");
    let (endpoint, heard) = server(1, [&b"HTTP/1.1 100 Continue\r\n\r\n"[..], &reply].concat());
    let mut connection = Connection::new(endpoint);
    let mut counted = 0;
    for _ in 0..3 {
        connection
            .carry_out(&recording(10_000), Weather::Fair, from_card, |bytes| {
                counted += bytes;
            })
            .unwrap();
        let answer = connection.answer();
        let response = answer.for_device();
        assert_eq!((response.status, response.upload_offset), (204, Some(11_000)));
    }
    connection.drop_link();
    assert_eq!(counted, 30_000);
    let heard = heard.join().unwrap().remove(0);
    assert_eq!(requests_in(&heard), 3);
    let head = heard.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let text = str::from_utf8(&heard[..head]).unwrap();
    assert!(
        text.starts_with("PATCH /base/api/v1/uploads/abc HTTP/1.1\r\nHost: fieldpost.example\r\n"),
        "{text}"
    );
    assert!(text.contains("Authorization: Bearer fpd_secret") && text.contains("upload-offset: 1000"));
    let body: Vec<u8> = (1000..11_000_u32).map(|at| (at % 251) as u8).collect();
    assert_eq!(heard[head + 4..head + 10_004], body);
}

#[test]
fn a_device_of_many_with_one_key_says_which_it_is() {
    let (endpoint, heard) = server(1, answer("204 No Content", "", b""));
    let mut connection = Connection::new(endpoint);
    connection.name_device("0193a000-0000-7000-8000-000000000002".to_owned());
    let request = Request::new(Method::Get, Path::of("/api/v1/device/desired"));
    connection
        .carry_out(&request, Weather::Fair, from_card, |_| {})
        .unwrap();
    connection.drop_link();
    let heard = heard.join().unwrap().remove(0);
    let text = str::from_utf8(&heard).unwrap();
    assert!(
        text.contains("\r\nX-Device: 0193a000-0000-7000-8000-000000000002\r\n"),
        "{text}"
    );
}

#[test]
fn a_cut_lets_exactly_so_many_bytes_of_the_body_through() {
    for cut in [0, 1, 4096, 9_999] {
        let (endpoint, heard) = server(1, answer("204 No Content", "", b""));
        let mut connection = Connection::new(endpoint);
        let broken = connection.carry_out(&recording(10_000), Weather::CutAfter(cut), from_card, |_| {});
        let expected = Broken {
            why: NoAnswer::Broken,
            on_purpose: true,
        };
        assert_eq!(broken, Err(expected));
        let heard = heard.join().unwrap().remove(0);
        let head = heard.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        assert_eq!(heard.len() - head - 4, cut as usize);
    }
}

#[test]
fn a_lost_answer_was_given_and_not_heard() {
    let (endpoint, heard) = server(1, answer("204 No Content", "", b""));
    let mut connection = Connection::new(endpoint);
    let broken = connection.carry_out(&recording(10), Weather::AnswerLost, from_card, |_| {});
    assert!(broken.is_err_and(|broken| broken.on_purpose));
    assert_eq!(requests_in(&heard.join().unwrap()[0]), 1);
}

#[test]
fn of_a_long_answer_the_beginning_is_kept_and_the_connection_ended() {
    let (endpoint, heard) = server(2, answer("200 OK", "ETag: \"7\"\r\n", &[b'x'; 5000]));
    let mut connection = Connection::new(endpoint);
    for _ in 0..2 {
        let request = Request::new(Method::Get, Path::of("/api/v1/device/desired"));
        connection
            .carry_out(&request, Weather::Fair, from_card, |_| {})
            .unwrap();
        let answer = connection.answer();
        let response = answer.for_device();
        assert_eq!(
            (response.etag, response.body.len()),
            (Some("\"7\""), ANSWER_BYTES_MAX)
        );
    }
    assert_eq!(heard.join().unwrap().len(), 2);
}

#[test]
fn what_is_no_http_and_what_is_not_there_is_said() {
    let (endpoint, heard) = server(1, b"SSH-2.0-OpenSSH\r\n\r\n".to_vec());
    let mut connection = Connection::new(endpoint.clone());
    let why = |result: Result<(), Broken>| result.unwrap_err().why;
    let request = Request::new(Method::Get, Path::of("/"));
    assert_eq!(
        why(connection.carry_out(&request, Weather::Fair, from_card, |_| {})),
        NoAnswer::Broken
    );
    heard.join().unwrap();
    let unreadable = |_: Number, _: u32, _: &mut [u8]| false;
    let (endpoint_2, heard) = server(1, Vec::new());
    let mut connection = Connection::new(endpoint_2);
    assert_eq!(
        why(connection.carry_out(&recording(10), Weather::Fair, unreadable, |_| {})),
        NoAnswer::Card
    );
    heard.join().unwrap();
    assert_eq!(
        why(Connection::new(endpoint).carry_out(&request, Weather::Fair, from_card, |_| {})),
        NoAnswer::Connect
    );
}
