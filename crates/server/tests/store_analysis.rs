//! From a stored recording to laps and back to the same bytes, with the real analysis on a real folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]

mod support;

use std::fmt::Write as _;
use std::path::PathBuf;

use server::backend::{Backend, OpenError};
use server::rebuild::{Outcome, rebuild};
use server::store::sessions::{self, Gates, Session, State, Status};
use server::store::tracks;
use support::*;

const LAP_S: f64 = 30.0;

const STRAIGHT_M: f64 = 200.0;
const BEND_M: f64 = 50.0;

/// A place on an oval of two straights and two half circles, metres east and north, after `driven_m`.
fn on_oval(driven_m: f64) -> (f64, f64) {
    let bend = std::f64::consts::PI * BEND_M;
    let s = driven_m % (2.0 * (STRAIGHT_M + bend));
    let half = |s: f64| {
        if s < STRAIGHT_M {
            return (s - STRAIGHT_M / 2.0, -BEND_M);
        }
        let angle = (s - STRAIGHT_M) / BEND_M;
        (STRAIGHT_M / 2.0 + BEND_M * angle.sin(), -BEND_M * angle.cos())
    };
    if s < STRAIGHT_M + bend {
        half(s)
    } else {
        let (east, north) = half(s - STRAIGHT_M - bend);
        (-east, -north)
    }
}

/// Five and a half rounds of the oval, once round in 30 s, as our logger writes it at 10 Hz.
fn rounds(started_at_ms: i64) -> String {
    let mut csv = String::from(
        "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat,gps_epoch\n",
    );
    let metres_per_degree = 111_320.0;
    let speed_mps = 2.0 * (STRAIGHT_M + std::f64::consts::PI * BEND_M) / LAP_S;
    for tenth in 0..1650_i32 {
        let (east_m, north_m) = on_oval(f64::from(tenth) / 10.0 * speed_mps);
        let lat = 55.0 + north_m / metres_per_degree;
        let lon = 37.0 + east_m / (metres_per_degree * 55.0_f64.to_radians().cos());
        let (tick, epoch) = (tenth * 100, started_at_ms + i64::from(tenth) * 100);
        let speed_kmh = speed_mps * 3.6;
        writeln!(
            csv,
            "{tick},G,,,,,,,{lat:.7},{lon:.7},120.00,{speed_kmh:.2},12,4.012,{epoch}"
        )
        .unwrap();
    }
    csv
}

async fn run_all(backend: &Backend) {
    while backend.jobs.run_next().await.unwrap() {}
}

async fn store_and_analyze(backend: &Backend, name: &str, bytes: &[u8]) -> Session {
    let receipt = send(&backend.ingest, from_logger(TENANT_A, LOGGER_1), name, bytes)
        .await
        .unwrap();
    run_all(backend).await;
    let id = receipt.placed.session.unwrap();
    sessions::find(&backend.store, TENANT_A, id)
        .await
        .unwrap()
        .unwrap()
}

async fn gate_source(backend: &Backend, session: &Session) -> String {
    let report = sessions::report(&backend.store, TENANT_A, session.id)
        .await
        .unwrap()
        .unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    report["gate"]["source"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_drive_gets_laps_its_track_is_known_the_next_day_and_everything_rebuilds_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::open(&engine::place(folder.path()).await, 10_000_000)
        .await
        .unwrap();
    add_tenants_and_loggers(&backend.store).await;

    let first = store_and_analyze(&backend, "day1.csv", rounds(1_792_000_000_000).as_bytes()).await;
    let State::Ready(summary) = &first.state else {
        panic!("{:?}", first.state)
    };
    assert_eq!(summary.format.as_deref(), Some("fieldpost-csv"));
    assert!(
        (summary.best_ms.unwrap() - LAP_S * 1000.0).abs() < 1.0,
        "{summary:?}"
    );
    assert!(summary.laps_timed.unwrap() >= 4);
    assert_eq!(summary.started_at.unwrap().as_millisecond(), 1_792_000_000_000);
    assert_eq!(gate_source(&backend, &first).await, "learned");

    let second = store_and_analyze(&backend, "day2.csv", rounds(1_792_086_400_000).as_bytes()).await;
    assert_eq!(gate_source(&backend, &second).await, "track");
    assert_eq!(
        tracks::up_to(&backend.store, TENANT_A, None).await.unwrap().len(),
        1
    );

    let gates = Gates {
        gate: Some("54.9995508,37.0~20".to_owned()),
        finish: None,
    };
    assert!(backend.jobs.reanalyze(TENANT_A, second.id, gates).await.unwrap());
    run_all(&backend).await;
    assert_eq!(gate_source(&backend, &second).await, "argument");

    let failed = store_and_analyze(&backend, "notes.txt", b"this is a shopping list\n").await;
    assert!(matches!(&failed.state, State::Failed(failure) if !failure.message.is_empty()));

    let derived = backend.objects.derived_files(TENANT_A, first.recording).unwrap();
    let names: Vec<_> = derived.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["gps.parquet", "log.parquet", "report.json"]);
    std::fs::remove_dir_all(folder.path().join("derived").join(TENANT_A.to_string())).unwrap();
    std::fs::create_dir(folder.path().join("derived").join(TENANT_A.to_string())).unwrap();
    let replaced = rebuild(&backend, |_, _, _| {}).await.unwrap();
    assert!(
        matches!(replaced[0].outcome, Outcome::Replaced { .. }),
        "{replaced:?}"
    );
    assert_eq!(
        backend.objects.derived_files(TENANT_A, first.recording).unwrap(),
        derived
    );
    let equal = rebuild(&backend, |_, _, _| {}).await.unwrap();
    assert!(
        equal
            .iter()
            .all(|one| matches!(one.outcome, Outcome::Equal { .. })),
        "{equal:?}"
    );
}

#[tokio::test]
async fn a_folder_that_a_server_works_on_is_not_opened_twice() {
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::open(&engine::place(folder.path()).await, 1000)
        .await
        .unwrap();
    let second = Backend::open(&engine::place(folder.path()).await, 1000)
        .await
        .err()
        .unwrap();
    assert!(matches!(second, OpenError::Lock(_)), "{second}");
    // Commands that only touch rows may.
    server::backend::open_store(&engine::place(folder.path()).await)
        .await
        .unwrap();
    drop(backend);
    Backend::open(&engine::place(folder.path()).await, 1000)
        .await
        .unwrap();
}

/// Every file of the corpus, stored and analysed in an order in which tracks are learned on the way.
#[tokio::test]
async fn the_corpus_rebuilds_to_the_same_bytes() {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus"));
    let corpus = std::env::var_os("FIELDPOST_CORPUS").map_or_else(beside, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&corpus) else {
        eprintln!("SKIPPED: corpus absent ({})", corpus.display());
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::open(&engine::place(folder.path()).await, 100_000_000)
        .await
        .unwrap();
    add_tenants_and_loggers(&backend.store).await;
    let mut paths: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    for path in &paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let session = store_and_analyze(&backend, name, &std::fs::read(path).unwrap()).await;
        assert!(
            matches!(session.state.status(), Status::Ready | Status::Failed),
            "{session:?}"
        );
    }
    let rebuilt = rebuild(&backend, |_, _, _| {}).await.unwrap();
    assert_eq!(rebuilt.len(), paths.len());
    for one in &rebuilt {
        assert!(matches!(one.outcome, Outcome::Equal { .. }), "{one:?}");
    }
    let files: usize = rebuilt
        .iter()
        .map(|one| {
            if let Outcome::Equal { files } = one.outcome {
                files
            } else {
                0
            }
        })
        .sum();
    eprintln!("{} recordings, {files} derived files byte-equal", rebuilt.len());
}
