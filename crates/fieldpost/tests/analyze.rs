//! `fieldpost analyze` as a person or a script meets it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use common::{gate_text, kart_drive, recording, run, timed_ms, write};

#[test]
fn a_generated_session_has_its_true_laps_with_the_gate_given() {
    let folder = tempfile::tempdir().unwrap();
    let drive = kart_drive(1);
    // The content decides the format: the name says another one.
    let file = write(folder.path(), "session.vbo", &recording(&drive, 1));
    let gate = gate_text(&drive);
    let report = run(&["analyze", file.to_str().unwrap(), "--gate", &gate, "--json"])
        .expect_success()
        .json();
    assert_eq!(report["format"], "fieldpost-csv");
    assert_eq!(report["gate"]["source"], "argument");
    let found_ms = timed_ms(&report);
    let true_s = drive.lap_times_s();
    assert_eq!(found_ms.len(), true_s.len(), "{report}");
    for (ms, s) in found_ms.iter().zip(&true_s) {
        assert!((ms - s * 1_000.0).abs() < 0.5, "{ms} ms, truly {s} s");
    }
    let best_s = true_s.iter().copied().fold(f64::INFINITY, f64::min);
    assert!((report["best_ms"].as_f64().unwrap() - best_s * 1_000.0).abs() < 0.5);
}

#[test]
fn without_a_gate_one_is_learned() {
    let folder = tempfile::tempdir().unwrap();
    let drive = kart_drive(2);
    let file = write(folder.path(), "sess_000001.csv", &recording(&drive, 2));
    let report = run(&["analyze", file.to_str().unwrap(), "--json"])
        .expect_success()
        .json();
    assert_eq!(report["gate"]["source"], "learned", "{report}");
    assert!(timed_ms(&report).len() >= 2);
}

#[test]
fn a_person_gets_a_table_with_the_best_lap() {
    let folder = tempfile::tempdir().unwrap();
    let drive = kart_drive(3);
    let file = write(folder.path(), "sess_000001.csv", &recording(&drive, 3));
    let gate = gate_text(&drive);
    let arguments = ["analyze", file.to_str().unwrap(), "--gate", &gate];
    let json = run(&[&arguments[..], &["--json"]].concat())
        .expect_success()
        .json();
    let table = run(&arguments).expect_success().stdout;
    let best_ms = json["best_ms"].as_f64().unwrap().round() as u64;
    let best = format!(
        "{}:{:02}.{:03}",
        best_ms / 60_000,
        best_ms / 1_000 % 60,
        best_ms % 1_000
    );
    assert!(
        table.contains(&format!("best         {best}")),
        "{best} in {table}"
    );
    for word in ["timed", "out", "quality", "theoretical", "max km/h"] {
        assert!(table.contains(word), "{word} in {table}");
    }
}

#[test]
fn files_that_are_no_recordings_are_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let header = wire_header();
    for (name, bytes, words) in [
        ("empty.csv", &b""[..], &["empty"][..]),
        (
            "binary.csv",
            &[0x89, b'P', b'N', b'G', 0, 1, 2, 3, 0xff, 0xfe, 0, 0][..],
            &[][..],
        ),
        ("header-only.csv", header.as_bytes(), &[][..]),
        (
            "prose.nmea",
            &b"Dear diary, today the kart was fast.\n"[..],
            &[][..],
        ),
    ] {
        let file = write(folder.path(), name, bytes);
        for form in [
            &["analyze", file.to_str().unwrap()][..],
            &["analyze", file.to_str().unwrap(), "--json"],
        ] {
            let done = run(form).expect_failure(&[name, "error: "]).expect_failure(words);
            assert!(!done.stderr.contains("panicked"), "{done:?}");
        }
    }
}

fn wire_header() -> String {
    String::from_utf8(recording(&kart_drive(4), 4))
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned()
        + "\n"
}

#[test]
fn a_file_cut_in_the_middle_of_a_row_keeps_its_laps() {
    let folder = tempfile::tempdir().unwrap();
    let drive = kart_drive(5);
    let bytes = recording(&drive, 5);
    let whole = write(folder.path(), "whole.csv", &bytes);
    // In the in lap, 37 bytes into a row.
    let cut_at = bytes.len() * 9 / 10;
    let row = cut_at + bytes[cut_at..].iter().position(|&b| b == b'\n').unwrap() + 37;
    let cut = write(folder.path(), "cut.csv", &bytes[..row]);
    let gate = gate_text(&drive);
    let laps = |file: &std::path::Path| {
        timed_ms(
            &run(&["analyze", file.to_str().unwrap(), "--gate", &gate, "--json"])
                .expect_success()
                .json(),
        )
    };
    assert_eq!(laps(&whole), laps(&cut));
}

#[test]
fn a_missing_file_and_a_gate_that_is_none_say_what_would_be_right() {
    run(&["analyze", "/nowhere/sess_000001.csv"])
        .expect_failure(&["/nowhere/sess_000001.csv", "check the name"]);
    let done = run(&["analyze", "sess.csv", "--gate", "54.9,-2.2"]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.stderr.contains("lat,lon@bearing/width"), "{done:?}");
}
