//! The commands that work on a server and its data folder, together.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

mod common;

use std::path::Path;

use common::{Server, add_device, kart_drive, recording, run, run_with_input, write};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn importing_twice_stores_once_and_rebuilding_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let token = add_device(&data_dir);
    let server = Server::start(&data_dir);
    let file = write(folder.path(), "sess_000007.csv", &recording(&kart_drive(7), 7));
    let import = [
        "import",
        text(&file),
        "--server",
        &server.url,
        "--token",
        &token,
        "--json",
    ];

    let first = run(&import).expect_success().json();
    assert_eq!(first["stored"], 1);
    assert_eq!(first["files"][0]["outcome"], "stored");
    assert_eq!(
        first["files"][0]["size_bytes"],
        std::fs::metadata(&file).unwrap().len()
    );
    let second = run(&import).expect_success().json();
    assert_eq!((&second["stored"], &second["duplicates"]), (&0.into(), &1.into()));
    assert_eq!(
        first["files"][0]["recording_id"],
        second["files"][0]["recording_id"]
    );

    let recording_id = first["files"][0]["recording_id"].as_str().unwrap();
    let of_file = run(&["export", text(&file), "--format", "csv"])
        .expect_success()
        .stdout;
    let of_id = run(&[
        "export",
        recording_id,
        "--format",
        "csv",
        "--data-dir",
        text(&data_dir),
    ]);
    assert_eq!(
        of_id.expect_success().stdout,
        of_file,
        "the folder may be read beside a running server"
    );
    let unknown = "00000000-0000-7000-8000-000000000000";
    run(&[
        "export",
        unknown,
        "--format",
        "csv",
        "--data-dir",
        text(&data_dir),
    ])
    .expect_failure(&["no recording"]);

    run(&["rebuild", "--data-dir", text(&data_dir)]).expect_failure(&["in use", "stop it"]);
    server.stop();
    // The first may still have had to analyse; from then on every byte is the same.
    let rebuild = ["rebuild", "--json", "--data-dir", text(&data_dir)];
    run(&rebuild).expect_success();
    let rebuilt = run(&rebuild).expect_success().json();
    assert_eq!(rebuilt[0]["outcome"], "equal", "{rebuilt}");
    assert!(
        rebuilt[0]["files"].as_u64().unwrap() >= 3,
        "gps, imu and report: {rebuilt}"
    );
}

#[test]
fn one_refused_file_does_not_keep_the_others_back() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let token = add_device(&data_dir);
    let server = Server::start(&data_dir);
    let good = write(folder.path(), "good.csv", &recording(&kart_drive(8), 8));
    let missing = folder.path().join("missing.csv");
    let done = run(&[
        "import",
        text(&missing),
        text(&good),
        "--server",
        &server.url,
        "--token",
        &token,
        "--json",
    ]);
    assert_eq!(done.code, 1);
    let summary = done.json();
    assert_eq!((&summary["stored"], &summary["failed"]), (&1.into(), &1.into()));

    // More than the buffers between the two take.
    let large = write(folder.path(), "large.csv", &vec![b'x'; 24 << 20]);
    for file in [&good, &large] {
        let wrong = run(&["import", text(file), "--server", &server.url, "--token", "wrong"]);
        assert_eq!(wrong.code, 1);
        assert!(wrong.stderr.contains("401"), "{wrong:?}");
    }
}

#[test]
fn people_and_devices_are_kept_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let dir = text(&data_dir);
    run(&["user", "list", "--data-dir", dir]).expect_failure(&["--data-dir"]);
    let token = add_device(&data_dir);
    let users = run(&["user", "list", "--json", "--data-dir", dir]).expect_success();
    assert_eq!(users.json()[0]["email"], "owner@example.org");
    let devices = run(&["device", "list", "--json", "--data-dir", dir]).expect_success();
    assert!(!devices.stdout.contains(&token), "a token is shown once");
    let uuid = devices.json()[0]["id"].as_str().unwrap().to_owned();
    let again = [
        "device",
        "add",
        "Other",
        "--user",
        "owner@example.org",
        "--uuid",
        &uuid,
    ];
    run(&[&again[..], &["--data-dir", dir]].concat()).expect_failure(&["exists already", "--uuid"]);
    run(&["device", "revoke", &uuid, "--data-dir", dir]).expect_success();
    assert!(
        run(&["device", "list", "--data-dir", dir])
            .stdout
            .contains("revoked")
    );
    run_with_input(&["user", "reset", "owner@example.org", "--data-dir", dir], "").expect_failure(&["stdin"]);
    run_with_input(
        &["user", "reset", "nobody@example.org", "--data-dir", dir],
        "another password\n",
    )
    .expect_failure(&["nobody@example.org"]);
}

#[test]
fn ingest_keys_are_made_for_a_device_or_a_fleet_and_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let dir = text(&data_dir);
    add_device(&data_dir);
    let add = |more: &[&str]| {
        let base = [
            "ingest-key",
            "add",
            "--user",
            "owner@example.org",
            "--json",
            "--data-dir",
            dir,
        ];
        run(&[&base[..], more].concat())
    };
    let alone = add(&[]).expect_success().json();
    let named = add(&["--device", "Kart 7"]).expect_success().json();
    let again = add(&["--device", "Kart 7"]).expect_success().json();
    let fleet = add(&["--fleet"]).expect_success().json();
    assert!(alone["device_uuid"].is_string() && alone["key"].as_str().unwrap().starts_with("fpi_"));
    assert_eq!(
        named["device_uuid"], again["device_uuid"],
        "a name that is there means its device"
    );
    assert_ne!(named["key"], again["key"]);
    assert_eq!(
        (&fleet["fleet"], &fleet["device_uuid"]),
        (&true.into(), &serde_json::Value::Null)
    );
    assert_eq!(add(&["--fleet", "--device", "Kart 7"]).code, 2);

    let server = Server::start(&data_dir);
    let key = fleet["key"].as_str().unwrap();
    let file = write(folder.path(), "a.csv", &recording(&kart_drive(9), 9));
    let base = format!("{}/i/{}", server.url, named["key"].as_str().unwrap());
    let import = run(&[
        "import",
        text(&file),
        "--server",
        &base,
        "--token",
        "not-looked-at",
        "--json",
    ]);
    assert_eq!(import.expect_success().json()["stored"], 1);
    server.stop();

    let list = run(&["ingest-key", "list", "--json", "--data-dir", dir]).expect_success();
    assert!(!list.stdout.contains(key), "a key is shown once");
    assert_eq!(list.json().as_array().unwrap().len(), 4);
    let id = fleet["id"].as_str().unwrap();
    run(&["ingest-key", "revoke", id, "--data-dir", dir]).expect_success();
    run(&["ingest-key", "revoke", id, "--data-dir", dir]).expect_failure(&["no such ingest key"]);
    assert!(
        !run(&["ingest-key", "list", "--data-dir", dir])
            .stdout
            .contains("fleet")
    );
}

#[test]
fn an_address_that_is_none_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", b"x");
    let done = run(&["import", text(&file), "--server", "not a url", "--token", "t"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("--server"), "{done:?}");
}

#[test]
fn a_log_that_nobody_reads_costs_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let token = add_device(&data_dir);
    let server = Server::start_with_log_closed(&data_dir);
    let sending = |name: &str| {
        ureq::post(format!("{}/api/upload?filename={name}", server.url))
            .header("Authorization", format!("Bearer {token}"))
            .send(name.as_bytes())
            .unwrap()
    };
    for name in ["a.csv", "b.csv"] {
        assert!(sending(name).headers().contains_key("fieldpost-receipt"));
    }
    server.stop();
}
