//! Jobs: retried, given up, resumed after a kill, superseded; tracks that are learned on the way; rebuilding.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod support;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use server::backend::{Backend, Environment};
use server::clock::{Clock, Ids};
use server::durable::RealFs;
use server::jobs::{Analyze, JobError, JobOutput, Request};
use server::place::DATABASE_FILE;
use server::rebuild::{Outcome, rebuild};
use server::store::sessions::{self, Failure, Gates, Session, State, Status, Summary};
use server::store::sql::query;
use server::store::tracks::{self, TrackShape};
use server::store::{SessionId, StoreError, jobs};
use support::*;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const DRIVE: &[u8] = b"time,lat\n1,55.1\n";

struct Bench {
    folder: TempDir,
    clock: Arc<Ticking>,
    backend: Backend,
}

async fn start(folder: &Path, clock: &Arc<Ticking>, seed: u64, analyze: Arc<Analyze>) -> Backend {
    let environment = Environment {
        fs: Arc::new(RealFs),
        clock: clock.clone(),
        ids: Arc::new(Ids::seeded(seed)),
        analyze,
        commit_hook: None,
    };
    Backend::open_in(engine::database(folder).await, folder, 1_000_000, environment)
        .await
        .unwrap()
}

async fn bench(analyze: Arc<Analyze>) -> Bench {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Ticking::new());
    let backend = start(folder.path(), &clock, 1, analyze).await;
    add_tenants_and_loggers(&backend.store).await;
    Bench {
        folder,
        clock,
        backend,
    }
}

impl Bench {
    async fn send(&self, name: &str, bytes: &[u8]) -> SessionId {
        let receipt = send(&self.backend.ingest, from_logger(TENANT_A, LOGGER_1), name, bytes)
            .await
            .unwrap();
        receipt.placed.session.unwrap()
    }

    async fn session(&self, id: SessionId) -> Session {
        sessions::find(&self.backend.store, TENANT_A, id)
            .await
            .unwrap()
            .unwrap()
    }

    async fn failure_code(&self, id: SessionId) -> String {
        match self.session(id).await.state {
            State::Failed(failure) => failure.code,
            other @ (State::Waiting | State::Analysing | State::Ready(_)) => panic!("{other:?}"),
        }
    }

    async fn jobs_kept(&self) -> i64 {
        let mut rows = self.backend.store.read_across().await.unwrap();
        let row = query("SELECT COUNT(*) AS kept FROM jobs")
            .fetch_one(&mut rows)
            .await;
        row.unwrap().get("kept").unwrap()
    }

    async fn run_due(&self) -> usize {
        let mut ran = 0;
        while self.backend.jobs.run_next().await.unwrap() {
            ran += 1;
        }
        ran
    }

    async fn wait_for_next(&self) {
        self.clock
            .advance_to(jobs::next_due(&self.backend.store).await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn a_recording_is_analysed_by_itself_once_it_is_stored() {
    let bench = bench(Arc::new(small_analysis)).await;
    let stop = CancellationToken::new();
    let jobs = bench.backend.jobs.clone();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { jobs.run(2, stop).await }
    });
    let id = bench.send("a.csv", DRIVE).await;
    let ready = async {
        while bench.session(id).await.state.status() != Status::Ready {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), ready)
        .await
        .unwrap();
    stop.cancel();
    running.await.unwrap();

    let report = sessions::report(&bench.backend.store, TENANT_A, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report, r#"{"lines":2,"gate":None}"#);
    let derived = bench
        .backend
        .objects
        .derived_path(TENANT_A, bench.session(id).await.recording);
    for (name, content) in derived_from(DRIVE, None) {
        assert_eq!(std::fs::read(derived.join(name)).unwrap(), content);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_analysed_stays_stored_and_says_why() {
    let bench = bench(Arc::new(small_analysis)).await;
    let id = bench.send("broken.csv", b"bad bytes").await;
    assert_eq!(bench.run_due().await, 1);

    let session = bench.session(id).await;
    let State::Failed(failure) = session.state else {
        panic!("{session:?}")
    };
    assert_eq!((failure.code.as_str(), failure.line), ("unknown_format", Some(1)));
    let raw = bench.backend.objects.raw_path(TENANT_A, session.sha256);
    assert_eq!(std::fs::read(raw).unwrap(), b"bad bytes");
    assert_eq!(jobs::next_due(&bench.backend.store).await.unwrap(), None);
}

#[tokio::test]
async fn a_passing_trouble_is_tried_again_later_and_later_and_given_up_with_its_reason() {
    let tries = Arc::new(AtomicU32::new(0));
    let counting = tries.clone();
    let bench = bench(Arc::new(move |_, _, _| {
        counting.fetch_add(1, Ordering::SeqCst);
        Err(JobError::Io(io::Error::other("the disk is on fire")))
    }))
    .await;
    let id = bench.send("a.csv", DRIVE).await;

    let mut pauses = Vec::new();
    while bench.run_due().await > 0 {
        let Some(due) = jobs::next_due(&bench.backend.store).await.unwrap() else {
            break;
        };
        assert_eq!(bench.session(id).await.state.status(), Status::Waiting);
        pauses.push(due.duration_since(bench.clock.now()).as_secs() + 1);
        bench.wait_for_next().await;
    }
    assert_eq!(pauses, [5, 30, 300, 1800]);
    assert_eq!(tries.load(Ordering::SeqCst), 5);
    assert_eq!(bench.failure_code(id).await, "gave_up");
    let shown = format!("{:?}", bench.session(id).await.state);
    assert!(
        shown.contains("tried 5 times and given up: the disk is on fire"),
        "{shown}"
    );
    assert_eq!(bench.jobs_kept().await, 0);
}

#[tokio::test]
async fn a_panic_in_the_analysis_is_a_trouble_of_that_job_only() {
    let bench = bench(Arc::new(
        |input: &mut dyn io::BufRead, request: &Request, draft: &mut _| {
            if input.fill_buf()?.starts_with(b"panic") {
                panic!("an analysis that panics");
            }
            small_analysis(input, request, draft)
        },
    ))
    .await;
    let panics = bench.send("p.csv", b"panic").await;
    let fine = bench.send("a.csv", DRIVE).await;
    assert_eq!(bench.run_due().await, 2);
    assert_eq!(bench.session(fine).await.state.status(), Status::Ready);
    assert_eq!(bench.session(panics).await.state.status(), Status::Waiting);
}

/// Brings down whoever asks for the time, so many times.
struct Failing {
    time: Arc<Ticking>,
    panics_left: AtomicU32,
}

impl Clock for Failing {
    fn now(&self) -> jiff::Timestamp {
        let panics = self
            .panics_left
            .try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(panics.is_err(), "a clock that panics");
        self.time.now()
    }
}

async fn failing_bench() -> (TempDir, Arc<Failing>, Backend) {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Failing {
        time: Ticking::new(),
        panics_left: AtomicU32::new(0),
    });
    let environment = Environment {
        fs: Arc::new(RealFs),
        clock: clock.clone(),
        ids: Arc::new(Ids::seeded(1)),
        analyze: Arc::new(small_analysis),
        commit_hook: None,
    };
    let backend = Backend::open_in(
        engine::database(folder.path()).await,
        folder.path(),
        1_000_000,
        environment,
    )
    .await
    .unwrap();
    add_tenants_and_loggers(&backend.store).await;
    (folder, clock, backend)
}

#[tokio::test]
async fn a_worker_that_panics_is_replaced_and_its_job_is_done() {
    let (_folder, clock, backend) = failing_bench().await;
    let receipt = send(&backend.ingest, from_logger(TENANT_A, LOGGER_1), "a.csv", DRIVE)
        .await
        .unwrap();
    clock.panics_left.store(3, Ordering::SeqCst);
    let (jobs, stop) = (backend.jobs.clone(), CancellationToken::new());
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { jobs.run(1, stop).await }
    });
    let id = receipt.placed.session.unwrap();
    let ready = async {
        loop {
            let session = sessions::find(&backend.store, TENANT_A, id)
                .await
                .unwrap()
                .unwrap();
            if session.state.status() == Status::Ready {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), ready)
        .await
        .unwrap();
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_runner_whose_workers_all_panic_ends_instead_of_spinning() {
    let (_folder, clock, backend) = failing_bench().await;
    clock.panics_left.store(u32::MAX, Ordering::SeqCst);
    let running = backend.jobs.run(2, CancellationToken::new());
    tokio::time::timeout(std::time::Duration::from_secs(10), running)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_job_whose_process_was_killed_is_taken_again_at_the_next_start() {
    let Bench {
        folder,
        clock,
        backend,
    } = bench(Arc::new(small_analysis)).await;
    let receipt = send(&backend.ingest, from_logger(TENANT_A, LOGGER_1), "a.csv", DRIVE)
        .await
        .unwrap();
    let (lease, now) = (backend.store.new_id(), clock.now());
    let until = now + SignedDuration::from_mins(10);
    // The kill: a lease that nobody works on any more.
    let take = backend.store.write_across::<_, StoreError, _>(move |rows| {
        Box::pin(async move { jobs::take(rows, lease, until, now).await })
    });
    assert!(take.await.unwrap().is_some());
    assert!(!backend.jobs.run_next().await.unwrap());
    backend.store.close().await;
    drop(backend);

    let backend = start(folder.path(), &clock, 2, Arc::new(small_analysis)).await;
    assert!(backend.jobs.run_next().await.unwrap());
    let session = receipt.placed.session.unwrap();
    let session = sessions::find(&backend.store, TENANT_A, session)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(session.state.status(), Status::Ready);
}

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_by_another_worker() {
    let bench = bench(Arc::new(small_analysis)).await;
    let id = bench.send("a.csv", DRIVE).await;
    let (lease, now) = (bench.backend.store.new_id(), bench.clock.now());
    let until = now + SignedDuration::from_mins(10);
    let take = bench.backend.store.write_across::<_, StoreError, _>(move |rows| {
        Box::pin(async move { jobs::take(rows, lease, until, now).await })
    });
    take.await.unwrap().unwrap();
    assert_eq!(bench.run_due().await, 0);
    bench.clock.advance_to(until);
    assert_eq!(bench.run_due().await, 1);
    assert_eq!(bench.session(id).await.state.status(), Status::Ready);
}

#[tokio::test]
async fn an_analysis_outlives_a_lease_that_could_not_be_renewed() {
    let (go, word) = std::sync::mpsc::channel::<()>();
    let word = Mutex::new(word);
    // Refused from the moment the analysis runs until one renewal has failed.
    let refusing = Arc::new(AtomicU32::new(0));
    let (begins, hooked) = (refusing.clone(), refusing.clone());
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment {
        fs: Arc::new(RealFs),
        clock: Ticking::new(),
        ids: Arc::new(Ids::seeded(1)),
        analyze: Arc::new(
            move |input: &mut dyn io::BufRead, request: &Request, draft: &mut _| {
                begins.store(1, Ordering::SeqCst);
                word.lock().unwrap().recv().ok();
                small_analysis(input, request, draft)
            },
        ),
        commit_hook: Some(Box::new(move || {
            hooked
                .compare_exchange(1, 2, Ordering::SeqCst, Ordering::SeqCst)
                .is_err()
        })),
    };
    let backend = Backend::open_in(
        engine::database(folder.path()).await,
        folder.path(),
        1_000_000,
        environment,
    )
    .await
    .unwrap();
    add_tenants_and_loggers(&backend.store).await;
    let receipt = send(&backend.ingest, from_logger(TENANT_A, LOGGER_1), "a.csv", DRIVE)
        .await
        .unwrap();
    let runner = backend
        .jobs
        .clone()
        .renewing_every(std::time::Duration::from_millis(1));
    let running = tokio::spawn(async move { runner.run_next().await });
    while refusing.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    assert!(running.await.unwrap().unwrap());
    let id = receipt.placed.session.unwrap();
    let session = sessions::find(&backend.store, TENANT_A, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(session.state.status(), Status::Ready);
}

/// Takes the sessions away from under their jobs, which the schema does not let anybody do in the ordinary way.
async fn without_sessions(bench: &Bench) {
    if !engine::is_postgres() {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(bench.folder.path().join(DATABASE_FILE))
            .foreign_keys(false);
        let mut by_hand = sqlx::ConnectOptions::connect(&options).await.unwrap();
        let removed = sqlx::query("DELETE FROM sessions").execute(&mut by_hand).await;
        assert_eq!(removed.unwrap().rows_affected(), 1);
        return;
    }
    let removed = bench.backend.store.write_across::<_, StoreError, _>(|rows| {
        Box::pin(async move { query("DELETE FROM sessions").execute(rows).await })
    });
    assert_eq!(removed.await.unwrap(), 1);
}

#[tokio::test]
async fn a_job_whose_session_is_gone_is_dropped_at_once() {
    let bench = bench(Arc::new(small_analysis)).await;
    bench.send("a.csv", DRIVE).await;
    without_sessions(&bench).await;

    assert_eq!(bench.run_due().await, 1);
    assert_eq!(jobs::next_due(&bench.backend.store).await.unwrap(), None);
}

#[tokio::test]
async fn a_job_that_kills_the_process_every_time_is_given_up() {
    let bench = bench(Arc::new(small_analysis)).await;
    let id = bench.send("a.csv", DRIVE).await;
    for _ in 0..5 {
        let (lease, now) = (bench.backend.store.new_id(), bench.clock.now());
        let take = bench.backend.store.write_across::<_, StoreError, _>(move |rows| {
            Box::pin(async move { jobs::take(rows, lease, now, now).await })
        });
        assert!(take.await.unwrap().is_some());
    }
    assert_eq!(bench.run_due().await, 1);
    assert_eq!(bench.failure_code(id).await, "gave_up");
    assert_eq!(bench.run_due().await, 0);
}

#[tokio::test]
async fn giving_up_an_old_try_leaves_a_newer_one_its_turn() {
    let (go, word) = std::sync::mpsc::channel::<()>();
    let word = Mutex::new(word);
    let tries = Arc::new(AtomicU32::new(0));
    let counting = tries.clone();
    let bench = bench(Arc::new(move |_, _, _| {
        if counting.fetch_add(1, Ordering::SeqCst) == 4 {
            word.lock().unwrap().recv().ok();
        }
        Err(JobError::Io(io::Error::other("no")))
    }))
    .await;
    let id = bench.send("a.csv", DRIVE).await;
    for _ in 0..4 {
        assert_eq!(bench.run_due().await, 1);
        bench.wait_for_next().await;
    }
    let runner = bench.backend.jobs.clone();
    let last = tokio::spawn(async move { runner.run_next().await });
    while tries.load(Ordering::SeqCst) < 5 {
        tokio::task::yield_now().await;
    }
    let asked = bench.backend.jobs.reanalyze(TENANT_A, id, Gates::default());
    assert!(asked.await.unwrap());
    go.send(()).unwrap();
    assert!(last.await.unwrap().unwrap());
    assert_eq!(bench.session(id).await.state.status(), Status::Waiting);
    assert_eq!(bench.jobs_kept().await, 1);
}

#[tokio::test]
async fn analysing_again_with_a_gate_replaces_the_derived_files_and_can_revive_one_that_was_given_up() {
    let healthy = Arc::new(AtomicU32::new(0));
    let switch = healthy.clone();
    let bench = bench(Arc::new(
        move |input: &mut dyn io::BufRead, request: &Request, draft: &mut _| {
            if switch.load(Ordering::SeqCst) == 0 {
                return Err(JobError::Io(io::Error::other("no")));
            }
            if request.gate.as_deref() == Some("nonsense") {
                let (code, message) = ("bad_gate".to_owned(), "not a gate".to_owned());
                return Err(JobError::Unusable(Failure {
                    code,
                    message,
                    line: None,
                }));
            }
            small_analysis(input, request, draft)
        },
    ))
    .await;
    let id = bench.send("a.csv", DRIVE).await;
    while bench.run_due().await > 0 {
        if jobs::next_due(&bench.backend.store).await.unwrap().is_some() {
            bench.wait_for_next().await;
        }
    }
    assert_eq!(bench.session(id).await.state.status(), Status::Failed);

    healthy.store(1, Ordering::SeqCst);
    for gate in [None, Some("55,37~20")] {
        let gates = Gates {
            gate: gate.map(str::to_owned),
            finish: None,
        };
        assert!(bench.backend.jobs.reanalyze(TENANT_A, id, gates).await.unwrap());
        assert_eq!(bench.session(id).await.state.status(), Status::Waiting);
        assert_eq!(bench.run_due().await, 1);
        let session = bench.session(id).await;
        assert_eq!(session.state.status(), Status::Ready);
        let derived = bench.backend.objects.derived_path(TENANT_A, session.recording);
        for (name, content) in derived_from(DRIVE, gate) {
            assert_eq!(
                std::fs::read(derived.join(name)).unwrap(),
                content,
                "with {gate:?}"
            );
        }
    }
    assert_eq!(
        std::fs::read_dir(bench.folder.path().join("staging"))
            .unwrap()
            .count(),
        0
    );
}

/// Learns a track unless it is given one, and says in its file what it was given.
fn learning(seen: Arc<Mutex<Vec<usize>>>) -> Arc<Analyze> {
    Arc::new(
        move |input: &mut dyn io::BufRead, request: &Request, draft: &mut _| {
            seen.lock().unwrap().push(request.tracks.len());
            let mut output = small_analysis(input, request, draft)?;
            let known = request.tracks.first();
            let mut gps = draft_file(draft, "track.parquet")?;
            io::Write::write_all(&mut gps, format!("{:?}", known.map(|track| track.id)).as_bytes())?;
            output.track = known.map(|track| track.id);
            if known.is_none() {
                let gate = [[55.0, 37.0], [55.0, 37.001]];
                output.learned = Some(TrackShape {
                    name: None,
                    gate,
                    finish: None,
                    splits: Vec::new(),
                });
            }
            Ok::<JobOutput, JobError>(JobOutput {
                summary: Summary {
                    laps_timed: Some(1),
                    ..Summary::default()
                },
                ..output
            })
        },
    )
}

fn draft_file(
    draft: &mut server::objects::DerivedDraft,
    name: &str,
) -> Result<Box<dyn io::Write + Send>, JobError> {
    Ok(draft.file(name)?)
}

#[tokio::test]
async fn a_learned_track_is_known_to_the_teams_later_analyses_and_to_no_other_team() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let bench = bench(learning(seen.clone())).await;
    let first = bench.send("a.csv", DRIVE).await;
    bench.run_due().await;
    let second = bench.send("b.csv", DRIVE).await;
    bench.run_due().await;
    let other = from_logger(TENANT_B, LOGGER_OF_B);
    send(&bench.backend.ingest, other, "c.csv", DRIVE).await.unwrap();
    bench.run_due().await;

    assert_eq!(*seen.lock().unwrap(), [0, 1, 0]);
    let kept = tracks::up_to(&bench.backend.store, TENANT_A, None).await.unwrap();
    assert_eq!(kept.len(), 1);
    for session in [first, second] {
        let given = sessions::assignment(&bench.backend.store, TENANT_A, session)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(given.track, Some(kept[0].id));
    }
}

#[tokio::test]
async fn two_analyses_at_once_do_not_learn_one_track_twice() {
    // Both analyses are inside at the same time before either goes on.
    let both = Arc::new(std::sync::Barrier::new(2));
    let runs = Arc::new(AtomicU32::new(0));
    let learn = learning(Arc::default());
    let (barrier, counter) = (both.clone(), runs.clone());
    let bench = bench(Arc::new(
        move |input: &mut dyn io::BufRead, request: &Request, draft: &mut _| {
            if counter.fetch_add(1, Ordering::SeqCst) < 2 {
                barrier.wait();
            }
            learn(input, request, draft)
        },
    ))
    .await;
    let (a, b) = (bench.send("a.csv", DRIVE).await, bench.send("b.csv", DRIVE).await);
    let (first, second) = tokio::join!(bench.backend.jobs.run_next(), bench.backend.jobs.run_next());
    assert!(first.unwrap() && second.unwrap());
    bench.run_due().await;

    assert_eq!(runs.load(Ordering::SeqCst), 3);
    assert_eq!(
        tracks::up_to(&bench.backend.store, TENANT_A, None)
            .await
            .unwrap()
            .len(),
        1
    );
    for id in [a, b] {
        assert_eq!(bench.session(id).await.state.status(), Status::Ready);
    }
}

#[tokio::test]
async fn rebuilding_gives_the_same_bytes_even_after_more_tracks_are_known() {
    let bench = bench(learning(Arc::default())).await;
    for name in ["a.csv", "b.csv", "c.csv"] {
        bench.send(name, format!("{name}\n1,2\n").as_bytes()).await;
        bench.run_due().await;
    }
    bench.send("broken.csv", b"bad bytes").await;
    let rebuilt = rebuild(&bench.backend, |_, _, _| {}).await.unwrap();
    let outcomes: Vec<_> = rebuilt
        .iter()
        .map(|one| (one.file_name.as_str(), &one.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("a.csv", &Outcome::Equal { files: 4 }),
            ("b.csv", &Outcome::Equal { files: 4 }),
            ("c.csv", &Outcome::Equal { files: 4 }),
            ("broken.csv", &Outcome::Equal { files: 0 }),
        ]
    );
}

#[tokio::test]
async fn a_lost_raw_recording_is_named_and_does_not_keep_the_others_from_being_rebuilt() {
    let bench = bench(Arc::new(small_analysis)).await;
    let (lost, last) = (
        bench.send("lost.csv", b"1\n").await,
        bench.send("last.csv", b"2\n").await,
    );
    bench.run_due().await;
    let objects = &bench.backend.objects;
    let (lost, last) = (bench.session(lost).await, bench.session(last).await);
    let path = objects.raw_path(TENANT_A, lost.sha256);
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_dir_all(objects.derived_path(TENANT_A, last.recording)).unwrap();

    let rebuilt = rebuild(&bench.backend, |_, _, _| {}).await.unwrap();
    let path = path.display().to_string();
    assert_eq!(rebuilt[0].outcome, Outcome::RawMissing { path });
    assert!(!rebuilt[0].outcome.is_sound());
    assert!(
        matches!(rebuilt[1].outcome, Outcome::Replaced { .. }),
        "{rebuilt:?}"
    );
    let kept = objects.derived_files(TENANT_A, lost.recording).unwrap();
    assert_eq!(kept.len(), 3, "what was derived before stays");
}

#[tokio::test]
async fn rebuilding_replaces_what_is_missing_or_changed_and_names_a_damaged_recording() {
    let bench = bench(Arc::new(small_analysis)).await;
    let mut recordings = Vec::new();
    for name in ["gone.csv", "changed.csv", "damaged.csv"] {
        let id = bench.send(name, format!("{name}\n1,2\n").as_bytes()).await;
        bench.run_due().await;
        recordings.push(bench.session(id).await);
    }
    let objects = &bench.backend.objects;
    std::fs::remove_dir_all(objects.derived_path(TENANT_A, recordings[0].recording)).unwrap();
    let changed = objects.derived_path(TENANT_A, recordings[1].recording);
    std::fs::write(changed.join("imu.parquet"), "rotten").unwrap();
    std::fs::write(objects.raw_path(TENANT_A, recordings[2].sha256), "rotten").unwrap();

    let rebuilt = rebuild(&bench.backend, |_, _, _| {}).await.unwrap();
    let all = ["gps.parquet", "imu.parquet", "report.json"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(rebuilt[0].outcome, Outcome::Replaced { files: all });
    assert_eq!(
        rebuilt[1].outcome,
        Outcome::Replaced {
            files: vec!["imu.parquet".to_owned()]
        }
    );
    assert!(
        matches!(rebuilt[2].outcome, Outcome::Damaged { .. }),
        "{:?}",
        rebuilt[2]
    );
    for (session, name) in recordings.iter().zip(["gone.csv", "changed.csv"]) {
        let derived = objects.derived_path(TENANT_A, session.recording);
        for (file, content) in derived_from(format!("{name}\n1,2\n").as_bytes(), None) {
            assert_eq!(std::fs::read(derived.join(file)).unwrap(), content);
        }
        assert_eq!(bench.session(session.id).await.state.status(), Status::Ready);
    }
}

#[tokio::test]
async fn rebuilding_says_what_it_could_not_replace_and_what_fails_now() {
    // From which call on the disk is broken, and from which the files are not understood any more.
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let bench = bench(Arc::new(
        move |input: &mut dyn io::BufRead, request: &Request, draft: &mut _| {
            match counter.fetch_add(1, Ordering::SeqCst) {
                // The first session is analysed and compared in peace, and replacing its files meets a full disk.
                3 => Err(JobError::Io(io::ErrorKind::StorageFull.into())),
                // The second is compared and analysed by a program that does not know its format.
                4 | 5 => Err(JobError::Unusable(Failure {
                    code: "unknown_format".to_owned(),
                    message: "no known format".to_owned(),
                    line: None,
                })),
                _ => small_analysis(input, request, draft),
            }
        },
    ))
    .await;
    let (first, second) = (bench.send("a.csv", DRIVE).await, bench.send("b.csv", DRIVE).await);
    bench.run_due().await;
    let derived = bench
        .backend
        .objects
        .derived_path(TENANT_A, bench.session(first).await.recording);
    std::fs::remove_file(derived.join("imu.parquet")).unwrap();

    let rebuilt = rebuild(&bench.backend, |_, _, _| {}).await.unwrap();
    assert!(
        matches!(&rebuilt[0].outcome, Outcome::NotReplaced { files, .. } if *files == ["imu.parquet"]),
        "{rebuilt:?}"
    );
    assert_eq!(bench.session(first).await.state.status(), Status::Waiting);
    assert!(
        matches!(&rebuilt[1].outcome, Outcome::NowFails { code, .. } if code == "unknown_format"),
        "{rebuilt:?}"
    );
    assert_eq!(bench.failure_code(second).await, "unknown_format");
    assert!(rebuilt.iter().all(|one| !one.outcome.is_sound()));
}
