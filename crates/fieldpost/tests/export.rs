//! `fieldpost export`: what another program would read back.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::path::Path;

use common::{gate_text, kart_drive, recording, run, timed_ms, write};

fn laps_ms(file: &Path, gate: &str) -> Vec<f64> {
    timed_ms(
        &run(&["analyze", file.to_str().unwrap(), "--gate", gate, "--json"])
            .expect_success()
            .json(),
    )
}

#[test]
fn a_recording_exported_and_read_back_has_the_same_laps() {
    let folder = tempfile::tempdir().unwrap();
    let drive = kart_drive(11);
    let gate = gate_text(&drive);
    let original = write(folder.path(), "sess_000011.csv", &recording(&drive, 11));
    let true_ms: Vec<f64> = drive.lap_times_s().iter().map(|s| s * 1_000.0).collect();
    for (format, begins) in [("vbo", "File created on"), ("gpx", "<?xml"), ("csv", "tick_ms,")] {
        let copy = folder.path().join(format!("copy.{format}"));
        let export = [
            "export",
            original.to_str().unwrap(),
            "--format",
            format,
            "--output",
            copy.to_str().unwrap(),
        ];
        run(&export).expect_success();
        assert!(
            std::fs::read_to_string(&copy).unwrap().starts_with(begins),
            "{format}"
        );
        let found_ms = laps_ms(&copy, &gate);
        assert_eq!(found_ms.len(), true_ms.len(), "{format}");
        for (found, truth) in found_ms.iter().zip(&true_ms) {
            // Times in these formats are whole milliseconds.
            assert!(
                (found - truth).abs() < 1.5,
                "{format}: {found} ms, truly {truth} ms"
            );
        }
        // To stdout go the same bytes.
        let piped = run(&export[..4]).expect_success().stdout;
        assert_eq!(piped, std::fs::read_to_string(&copy).unwrap(), "{format}");
    }
    let kml = run(&["export", original.to_str().unwrap(), "--format", "kml"])
        .expect_success()
        .stdout;
    assert!(
        kml.contains("<kml") && kml.contains("48.76"),
        "latitudes of the track"
    );
}

#[test]
fn parquet_is_a_folder_with_a_file_for_each_stream() {
    let folder = tempfile::tempdir().unwrap();
    let original = write(folder.path(), "sess_000012.csv", &recording(&kart_drive(12), 12));
    let channels = folder.path().join("channels");
    let arguments = ["export", original.to_str().unwrap(), "--format", "parquet"];
    run(&arguments).expect_failure(&["--output"]);
    run(&[&arguments[..], &["--output", channels.to_str().unwrap()]].concat()).expect_success();
    for name in ["gps.parquet", "imu.parquet"] {
        let bytes = std::fs::read(channels.join(name)).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{name}");
    }
}

#[test]
fn what_is_neither_a_file_nor_an_id_is_said_to_be() {
    run(&["export", "sess_of_nobody", "--format", "gpx"])
        .expect_failure(&["neither a file nor a recording's id"]);
}

#[test]
fn a_recording_is_never_written_over_by_its_own_export() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = recording(&kart_drive(13), 13);
    let original = write(folder.path(), "sess_000013.csv", &bytes);
    let linked = folder.path().join("hard.csv");
    std::fs::hard_link(&original, &linked).unwrap();
    let roundabout = folder.path().join(".").join("sess_000013.csv");
    for target in [&original, &linked, &roundabout] {
        run(&[
            "export",
            original.to_str().unwrap(),
            "--format",
            "csv",
            "--output",
            target.to_str().unwrap(),
        ])
        .expect_failure(&["is the recording itself"]);
        assert_eq!(std::fs::read(&original).unwrap(), bytes);
    }
}

/// A log without any date, as a receiver writes it before its first almanac.
fn dateless() -> Vec<u8> {
    let sentence = |i: u32| {
        let body = format!(
            "GPRMC,1200{i:02}.00,A,4530.{:04},N,01030.0000,E,20.0,0.0,,,,A",
            i * 60
        );
        let sum = body.bytes().fold(0_u8, |sum, byte| sum ^ byte);
        format!("${body}*{sum:02X}\r\n")
    };
    (0..60).map(sentence).collect::<String>().into_bytes()
}

#[test]
fn without_a_date_none_is_invented_and_a_failed_export_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let original = write(folder.path(), "drive.nmea", &dateless());
    let old = write(folder.path(), "old.gpx", b"old");
    let source = original.to_str().unwrap();
    run(&[
        "export",
        source,
        "--format",
        "gpx",
        "--output",
        old.to_str().unwrap(),
    ])
    .expect_failure(&["date", "csv"]);
    assert_eq!(std::fs::read(&old).unwrap(), b"old");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing half-written stays"
    );
    for format in ["vbo", "kml", "csv"] {
        let text = run(&["export", source, "--format", format])
            .expect_success()
            .stdout;
        assert!(!text.contains("1970"), "{format}: {text}");
    }
}

#[test]
fn a_vbo_carries_its_gate_so_that_the_laps_are_the_same_without_being_told_it() {
    let folder = tempfile::tempdir().unwrap();
    let drive = kart_drive(14);
    let original = write(folder.path(), "sess_000014.csv", &recording(&drive, 14));
    let copy = folder.path().join("copy.vbo");
    let gate = gate_text(&drive);
    run(&[
        "export",
        original.to_str().unwrap(),
        "--format",
        "vbo",
        "--gate",
        &gate,
        "--output",
        copy.to_str().unwrap(),
    ])
    .expect_success();
    let report = |args: &[&str]| {
        run(&[&["analyze"], args, &["--json"]].concat())
            .expect_success()
            .json()
    };
    let told = report(&[original.to_str().unwrap(), "--gate", &gate]);
    let carried = report(&[copy.to_str().unwrap()]);
    assert_eq!(carried["gate"]["source"], "file");
    for end in ["a", "b"] {
        for axis in [0, 1] {
            let place = |report: &serde_json::Value| report["gate"][end][axis].as_f64().unwrap();
            assert!((place(&told) - place(&carried)).abs() < 1e-7, "{told} {carried}");
        }
    }
    let (told, carried) = (timed_ms(&told), timed_ms(&carried));
    assert_eq!(told.len(), carried.len());
    assert!(
        told.iter().zip(&carried).all(|(a, b)| (a - b).abs() < 1.5),
        "{told:?} {carried:?}"
    );
}
