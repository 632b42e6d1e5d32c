//! Power cuts at every commit of a scripted life of heartbeats: what was answered is there, nothing is half there, and when
//! the devices send everything again the hours are exactly right.
//!
//! A commit is one durable step: it has happened or not; SQLite's own durability is trusted and its settings are asserted
//! when it is opened.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use server::clock::Ids;
use server::place::DATABASE_FILE;
use server::store::uptime::{Heard, Kept};
use server::store::uptime_intake::Intake;
use server::store::{DeviceId, Store, TenantId, uptime_read};
use server::uptime::intervals::{Span, union_us};
use server::uptime::{Batch, parse};
use support::*;
use tempfile::TempDir;

/// Requests in their order: whose, and what they say.
const SCRIPT: &[(TenantId, DeviceId, &str)] = &[
    (
        TENANT_A,
        LOGGER_1,
        r#"[{"boot_epoch":"e","boot_number":1,"run_seconds":60}]"#,
    ),
    (
        TENANT_A,
        LOGGER_1,
        r#"[{"boot_epoch":"e","boot_number":1,"run_seconds":120},{"boot_epoch":"e","boot_number":1,"run_seconds":90}]"#,
    ),
    (
        TENANT_A,
        LOGGER_2,
        r#"[{"session_start":"2026-11-20T10:00:00Z","run_seconds":600}]"#,
    ),
    (
        TENANT_B,
        LOGGER_OF_B,
        r#"[{"session_start":"2026-11-20T10:00:00Z","run_seconds":300}]"#,
    ),
    (
        TENANT_A,
        LOGGER_1,
        r#"[{"boot_epoch":"e","boot_number":1,"run_seconds":180,"session_start":"2026-11-20T11:00:00Z"}]"#,
    ),
    (
        TENANT_A,
        LOGGER_2,
        r#"[{"session_start":"2026-11-20T10:05:00Z","run_seconds":600},{"session_start":"2026-11-20T10:05:00Z","run_seconds":99999999}]"#,
    ),
    (
        TENANT_A,
        LOGGER_1,
        r#"[{"boot_epoch":"e","boot_number":1,"run_seconds":180,"session_start":"2026-11-20T11:00:30Z","start_revision":1}]"#,
    ),
    (
        TENANT_A,
        LOGGER_2,
        r#"[{"session_start":"2026-11-20T10:00:00Z","run_seconds":600}]"#,
    ),
];
/// Seconds that the whole script comes to: 180; 10:00 to 10:15; 300.
const HOURS: [(TenantId, DeviceId, i64); 3] = [
    (TENANT_A, LOGGER_1, 180),
    (TENANT_A, LOGGER_2, 900),
    (TENANT_B, LOGGER_OF_B, 300),
];

type Acknowledged = Vec<(TenantId, DeviceId, Kept)>;

/// Commits after the `cut`-th do not happen. Counts those that were asked for.
async fn open(folder: &Path, cut: u64) -> (Store, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let counting = asked.clone();
    let store = Store::open_with_hook(
        engine::sqlite(folder),
        Ticking::new(),
        Arc::new(Ids::seeded(1)),
        Some(Box::new(move || counting.fetch_add(1, Ordering::SeqCst) < cut)),
    );
    (store.await.unwrap(), asked)
}

/// Sends the script; what is answered with success is acknowledged.
async fn play(store: &Store) -> Acknowledged {
    let intake = Intake::start(store.clone());
    let mut acknowledged = Vec::new();
    for (tenant, device, body) in SCRIPT {
        let Batch::Many(items) = parse(body.as_bytes()).unwrap() else {
            panic!()
        };
        let heard = items
            .into_iter()
            .map(|item| Heard {
                device: *device,
                heartbeat: item.unwrap(),
            })
            .collect();
        let aliases = BTreeSet::from([(format!("own name of {device}"), *device)]);
        if let Ok(kept) = intake.take(*tenant, heard, aliases).await {
            acknowledged.extend(kept.into_iter().map(|kept| (*tenant, *device, kept)));
        }
    }
    acknowledged
}

/// Totals and sessions tell the same, and no acknowledged run has become shorter.
async fn check(store: &Store, acknowledged: &Acknowledged) {
    let mut runs = BTreeMap::new();
    for (tenant, device, _) in HOURS {
        let totals = uptime_read::totals(store, tenant, device).await.unwrap();
        let (sessions, next) = uptime_read::sessions(store, tenant, device, None, 100)
            .await
            .unwrap();
        assert_eq!(next, None);
        let standings: Vec<_> = sessions
            .iter()
            .map(|session| session.evidence.standing())
            .collect();
        let mut spans: Vec<Span> = standings.iter().filter_map(|standing| standing.placed).collect();
        assert_eq!(
            totals.claimed_us,
            spans.iter().map(|span| span.length_us()).sum::<i64>()
        );
        assert_eq!(totals.counted_us, union_us(&mut spans));
        assert_eq!(totals.sessions, i64::try_from(sessions.len()).unwrap());
        for (session, standing) in sessions.into_iter().zip(standings) {
            runs.insert((device, session.key), standing.run_s);
        }
    }
    for (_, device, kept) in acknowledged {
        let run_s = runs
            .get(&(*device, kept.session.clone()))
            .expect("an acknowledged session is there");
        assert!(
            *run_s >= kept.standing.run_s,
            "{} was acknowledged with {}",
            kept.session,
            kept.standing.run_s
        );
    }
}

async fn template() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path(), u64::MAX).await;
    add_tenants_and_loggers(&store).await;
    store.close().await;
    folder
}

#[tokio::test]
async fn a_cut_at_any_commit_loses_nothing_acknowledged_and_sending_again_makes_it_right() {
    let template = template().await;
    let mut cut = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(
            template.path().join(DATABASE_FILE),
            folder.path().join(DATABASE_FILE),
        )
        .unwrap();
        let (store, asked) = open(folder.path(), cut).await;
        let acknowledged = play(&store).await;
        store.close().await;
        let commits = asked.load(Ordering::SeqCst);

        let (store, _) = open(folder.path(), u64::MAX).await;
        check(&store, &acknowledged).await;
        check(&store, &play(&store).await).await;
        for (tenant, device, wanted_s) in HOURS {
            let totals = uptime_read::totals(&store, tenant, device).await.unwrap();
            assert_eq!(totals.counted_us, wanted_s * 1_000_000, "cut at commit {cut}");
        }
        store.close().await;
        if commits <= cut {
            assert_eq!(acknowledged.len(), 10, "without a cut everything is acknowledged");
            eprintln!("{cut} cuts survived");
            assert!(cut >= 8, "each request is a commit");
            return;
        }
        cut += 1;
    }
}

/// Rounds and requests of a round: a runtime looks for what else woke up every 61 tasks, so few enough that most rounds are
/// within that.
const ROUNDS: u64 = 20;
const TOGETHER: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_that_come_together_share_a_commit() {
    let folder = template().await;
    let (store, asked) = open(folder.path(), u64::MAX).await;
    let intake = Intake::start(store.clone());
    let rounds = tokio::spawn(async move {
        for round in 0..ROUNDS {
            let requests: Vec<_> = (0..TOGETHER)
                .map(|request| tokio::spawn(take_one(intake.clone(), round * TOGETHER + request)))
                .collect();
            for request in requests {
                request.await.unwrap();
            }
        }
    });
    rounds.await.unwrap();
    let commits = asked.load(Ordering::SeqCst);
    assert!(
        commits < ROUNDS * 3 / 2,
        "{commits} commits for {ROUNDS} rounds: the first request of each has one for itself"
    );
    store.close().await;
}

async fn take_one(intake: Intake, boot: u64) {
    let body = format!(r#"[{{"boot_epoch":"e","boot_number":{boot},"run_seconds":60}}]"#);
    let Batch::Many(mut items) = parse(body.as_bytes()).unwrap() else {
        panic!()
    };
    let heard = vec![Heard {
        device: LOGGER_1,
        heartbeat: items.remove(0).unwrap(),
    }];
    intake.take(TENANT_A, heard, BTreeSet::new()).await.unwrap();
}
