//! Pictures as rows and jobs: looked at, tried again, given up, rebuilt, and taken over from before they were looked at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use server::backend::Backend;
use server::clock::Ids;
use server::ingest::Kind;
use server::place::DATABASE_FILE;
use server::rebuild::{Outcome, rebuild};
use server::store::pictures::{self, Picture, State};
use server::store::sql::query;
use server::store::{RecordingId, Store, jobs};
use support::*;
use tempfile::TempDir;

const WHOLE: &[u8] = include_bytes!("pictures/tiny.jpg");

struct Bench {
    folder: TempDir,
    clock: Arc<Ticking>,
    backend: Backend,
}

async fn bench() -> Bench {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Ticking::new());
    let backend = backend_on(folder.path(), clock.clone(), 1).await;
    add_tenants_and_loggers(&backend.store).await;
    Bench {
        folder,
        clock,
        backend,
    }
}

impl Bench {
    async fn shoot(&self, bytes: &[u8]) -> RecordingId {
        let sender = from_logger(TENANT_A, LOGGER_1);
        let receipt = send_kind(&self.backend.ingest, sender, "a.jpg", bytes, Kind::Picture).await;
        receipt.unwrap().placed.recording
    }

    async fn picture(&self, id: RecordingId) -> Picture {
        pictures::find(&self.backend.store, TENANT_A, id)
            .await
            .unwrap()
            .unwrap()
    }

    async fn run_due(&self) -> usize {
        let mut ran = 0;
        while self.backend.jobs.run_next().await.unwrap() {
            ran += 1;
        }
        ran
    }

    fn derived(&self, id: RecordingId) -> PathBuf {
        self.backend.objects.derived_path(TENANT_A, id)
    }

    async fn rebuilt(&self) -> Vec<Outcome> {
        let rebuilt = rebuild(&self.backend, |_, _, _| {}).await.unwrap();
        rebuilt.into_iter().map(|one| one.outcome).collect()
    }

    fn raw(&self, picture: &Picture) -> PathBuf {
        self.backend.objects.raw_path(TENANT_A, picture.sha256)
    }
}

#[tokio::test]
async fn a_picture_waits_is_looked_at_once_and_is_good() {
    let bench = bench().await;
    let id = bench.shoot(WHOLE).await;
    assert_eq!(bench.picture(id).await.state, State::Waiting);
    assert_eq!(
        bench.shoot(WHOLE).await,
        id,
        "the same bytes are the same picture"
    );
    assert_eq!(bench.run_due().await, 1);
    let picture = bench.picture(id).await;
    assert_eq!(picture.state, State::Good);
    assert_eq!(picture.found.camera.as_deref(), Some("Mill Eye"));
    assert_eq!(picture.found.size_px, Some((27, 37)), "turned");
    assert_eq!(picture.shown_at, "2026-11-20T06:15:00Z".parse().unwrap());
    let thumbnails = server::pictures::examine(WHOLE).verdict.unwrap();
    assert_eq!(
        std::fs::read(bench.derived(id).join("small.jpg")).unwrap(),
        thumbnails.small
    );
    assert_eq!(
        std::fs::read(bench.derived(id).join("large.jpg")).unwrap(),
        thumbnails.large
    );
    assert_eq!(bench.run_due().await, 0);
}

#[tokio::test]
async fn a_rebuild_puts_back_lost_and_changed_thumbnails_and_says_so() {
    let bench = bench().await;
    let (good, cut) = (bench.shoot(WHOLE).await, bench.shoot(&WHOLE[..700]).await);
    bench.run_due().await;
    let equal = [Outcome::Equal { files: 2 }, Outcome::Equal { files: 0 }];
    assert_eq!(bench.rebuilt().await, equal);
    std::fs::write(bench.derived(good).join("small.jpg"), b"scribbled").unwrap();
    std::fs::remove_file(bench.derived(good).join("large.jpg")).unwrap();
    let files = vec!["large.jpg".to_owned(), "small.jpg".to_owned()];
    assert_eq!(bench.rebuilt().await[0], Outcome::Replaced { files });
    assert_eq!(bench.rebuilt().await, equal);
    assert!(matches!(bench.picture(cut).await.state, State::Quarantined(_)));

    let raw = bench.raw(&bench.picture(good).await);
    std::fs::write(raw, b"\xFF\xD8 other bytes").unwrap();
    assert!(matches!(bench.rebuilt().await[0], Outcome::Damaged { .. }));
    assert_eq!(
        bench.picture(good).await.state,
        State::Good,
        "its thumbnails are left alone"
    );
}

#[tokio::test]
async fn a_picture_whose_bytes_cannot_be_read_is_tried_again_and_then_given_up() {
    let bench = bench().await;
    let id = bench.shoot(WHOLE).await;
    let raw = bench.raw(&bench.picture(id).await);
    let aside = raw.with_extension("aside");
    std::fs::rename(&raw, &aside).unwrap();
    assert_eq!(bench.run_due().await, 1);
    assert_eq!(bench.picture(id).await.state, State::Waiting, "a passing trouble");
    let mut tries = 1;
    while let Some(due) = jobs::next_due(&bench.backend.store).await.unwrap() {
        bench.clock.advance_to(due);
        tries += bench.run_due().await;
    }
    assert_eq!(tries, 5);
    match bench.picture(id).await.state {
        State::Quarantined(reason) => assert_eq!(reason.code, "gave_up"),
        other @ (State::Waiting | State::Good) => panic!("{other:?}"),
    }
    std::fs::rename(aside, raw).unwrap();
    let files = vec!["large.jpg".to_owned(), "small.jpg".to_owned()];
    assert_eq!(bench.rebuilt().await, [Outcome::Replaced { files }]);
    assert_eq!(bench.picture(id).await.state, State::Good);
}

#[tokio::test]
async fn a_job_whose_lease_a_dead_process_left_is_done_by_the_next() {
    let bench = bench().await;
    let id = bench.shoot(WHOLE).await;
    let (lease, now) = (bench.backend.store.new_id(), bench.backend.store.now());
    let until = now + jiff::SignedDuration::from_mins(10);
    let taking = bench
        .backend
        .store
        .write_across::<_, server::store::StoreError, _>(move |rows| {
            Box::pin(async move { jobs::take(rows, lease, until, now).await })
        });
    assert_eq!(taking.await.unwrap().unwrap().recording, id);
    assert_eq!(bench.run_due().await, 0, "it is leased");
    assert_eq!(bench.backend.jobs.reclaim().await.unwrap(), 1);
    assert_eq!(bench.run_due().await, 1);
    assert_eq!(bench.picture(id).await.state, State::Good);
    assert!(bench.folder.path().exists());
}

/// A database as the first schema step left it, with a picture and a drive whose job waits.
async fn as_before(folder: &Path, picture: &RecordingId) {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.join(DATABASE_FILE))
        .create_if_missing(true);
    let mut rows = sqlx::ConnectOptions::connect(&options).await.unwrap();
    let tenant = TENANT_A;
    let script = format!(
        "{} CREATE TABLE schema_steps (step BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL); \
         INSERT INTO schema_steps VALUES (1, 0); INSERT INTO tenants VALUES ('{tenant}', 'team', 0); \
         INSERT INTO recordings VALUES ('{picture}', '{tenant}', NULL, NULL, 'picture', 'picture:-', 1, 'a.jpg', '00', 3, 7); \
         INSERT INTO recordings VALUES ('drive', '{tenant}', NULL, NULL, 'drive', 'name:-:a', 1, 'a.csv', '00', 3, 8); \
         INSERT INTO sessions (id, tenant_id, recording_id, stored_at, status, status_at) \
           VALUES ('session', '{tenant}', 'drive', 8, 'waiting', 8); \
         INSERT INTO jobs VALUES ('job', '{tenant}', 'analyse', 'session', 8, 2, 9, NULL, NULL);",
        include_str!("../src/store/schema/0001_initial.sqlite.sql")
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(script))
        .execute(&mut rows)
        .await
        .unwrap();
    sqlx::Connection::close(rows).await.unwrap();
}

#[tokio::test]
async fn pictures_from_before_get_a_row_and_a_job_and_waiting_jobs_stay() {
    let folder = tempfile::tempdir().unwrap();
    let picture = RecordingId(uuid::Uuid::from_u128(7));
    as_before(folder.path(), &picture).await;
    let store = Store::open(
        engine::sqlite(folder.path()),
        Ticking::new(),
        Arc::new(Ids::seeded(1)),
    )
    .await
    .unwrap();
    assert_eq!(pictures::all(&store).await.unwrap(), [(TENANT_A, picture)]);
    let mut rows = store.read_across().await.unwrap();
    let jobs = query("SELECT kind, recording_id, attempts FROM jobs ORDER BY created_at")
        .fetch_all(&mut rows)
        .await
        .unwrap();
    let jobs: Vec<(String, String, i64)> = jobs
        .iter()
        .map(|job| {
            let text = |column| job.get::<String>(column).unwrap();
            (text("kind"), text("recording_id"), job.get("attempts").unwrap())
        })
        .collect();
    let expected = [
        ("picture".to_owned(), picture.to_string(), 0),
        ("analyse".to_owned(), "drive".to_owned(), 2),
    ];
    assert_eq!(jobs, expected);
}
