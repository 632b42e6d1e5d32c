//! The demo from nothing to laps.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::process::Stdio;

use common::{JsonLines, fieldpost, next_json, run};

#[test]
fn the_demo_shows_laps_of_loggers_and_of_a_device_that_drove_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = fieldpost()
        .args([
            "demo",
            "--json",
            "--exit-when-ready",
            "--speed",
            "60",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
        ])
        .arg(folder.path().join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = JsonLines::of(child.stdout.take().unwrap());
    let listening = next_json(&mut said);
    let url = listening["url"].as_str().unwrap();
    assert!(
        listening["sign_in_link"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{url}/link#"))
    );
    let ready = next_json(&mut said);
    assert!(child.wait().unwrap().success());

    let sessions = ready["sessions"].as_array().unwrap();
    let laps_of = |vehicle: &str| -> Vec<u64> {
        let mut laps: Vec<u64> = sessions
            .iter()
            .filter(|session| session["vehicle"] == vehicle)
            .map(|session| session["laps_timed"].as_u64().unwrap())
            .collect();
        laps.sort_unstable();
        laps
    };
    // A learned line may lie where the way out already passes it: one lap more than from the start line.
    let driven: [(&str, &[u64]); 3] = [("car", &[3, 5, 6]), ("motorcycle", &[4, 6]), ("kart", &[9, 12])];
    for (vehicle, driven) in driven {
        let found = laps_of(vehicle);
        assert_eq!(found.len(), driven.len(), "{vehicle}: {ready}");
        for (found, driven) in found.iter().zip(driven) {
            assert!(
                (*driven..=driven + 1).contains(found),
                "{vehicle}: {found} of {driven}"
            );
        }
    }
}

#[test]
fn the_demo_touches_no_folder_with_something_in_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    run(&[
        "demo",
        "--data-dir",
        folder.path().to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ])
    .expect_failure(&["is not empty", "--data-dir"]);
}
