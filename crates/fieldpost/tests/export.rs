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
