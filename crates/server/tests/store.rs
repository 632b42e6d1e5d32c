//! Claims about the writer: what is answered is committed, commits are shared, failures are alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use server::clock::{Clock, Ids};
use server::store::keys;
use server::store::sql::{Many, many, query};
use server::store::{Store, StoreError, TenantId};
use support::engine;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;
use wire::receipt::{Accepted, TrustedKeys};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> jiff::Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }
}

async fn open(path: &std::path::Path, commits: &Arc<AtomicU64>) -> Store {
    let commits = commits.clone();
    let hook = Box::new(move || {
        commits.fetch_add(1, Ordering::SeqCst);
        true
    });
    Store::open_with_hook(
        engine::database(path).await,
        Arc::new(Noon),
        Arc::new(Ids::seeded(1)),
        Some(hook),
    )
    .await
    .unwrap()
}

async fn add_tenant(store: &Store, name: &str) -> Result<TenantId, StoreError> {
    let (id, name) = (TenantId(store.new_id()), name.to_owned());
    store
        .write_across(move |rows| {
            Box::pin(async move {
                query("INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, 0)")
                    .bind(id)
                    .bind(&name)
                    .execute(rows)
                    .await?;
                if name == "refused" {
                    return Err(StoreError::Closed);
                }
                Ok(id)
            })
        })
        .await
}

async fn tenant_names(store: &Store) -> Vec<String> {
    let mut rows = store.read_across().await.unwrap();
    let found = query("SELECT name FROM tenants ORDER BY name")
        .fetch_all(&mut rows)
        .await;
    let name = |row: &server::store::sql::Row| row.get("name").unwrap();
    found.unwrap().iter().map(name).collect()
}

/// Keeps the writer at a command until it is told how that one ends, so that what queues meanwhile shares its transaction.
struct Slow {
    task: JoinHandle<Result<(), StoreError>>,
    end: oneshot::Sender<Result<(), StoreError>>,
}

impl Slow {
    async fn begin(store: &Store) -> Self {
        let (started, has_started) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        let store = store.clone();
        let task = tokio::spawn(async move {
            let waiting = store.write_across(move |_| {
                Box::pin(async move {
                    started.send(()).unwrap();
                    ended.await.unwrap()
                })
            });
            waiting.await
        });
        has_started.await.unwrap();
        Self { task, end }
    }

    /// On the single-threaded test runtime a yield lets every follower run up to its place in the queue.
    async fn end(self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        self.end.send(result).unwrap();
        self.task.await.unwrap()
    }
}

fn queue<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work)
}

#[tokio::test]
async fn commands_that_queue_behind_a_slow_one_share_its_commit() {
    let folder = tempfile::tempdir().unwrap();
    let commits = Arc::new(AtomicU64::new(0));
    let store = open(folder.path(), &commits).await;

    let slow = Slow::begin(&store).await;
    let followers: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            queue(async move { add_tenant(&store, &format!("t{n:02}")).await })
        })
        .collect();
    slow.end(Ok(())).await.unwrap();
    for follower in followers {
        follower.await.unwrap().unwrap();
    }
    assert_eq!(commits.load(Ordering::SeqCst), 1);
    assert_eq!(tenant_names(&store).await.len(), 50);
}

/// Fails as the database fails it: on PostgreSQL nothing works after it until a savepoint is gone back to.
async fn add_same_id_twice(store: &Store) -> Result<(), StoreError> {
    store
        .write_across(|rows| {
            Box::pin(async move {
                for name in ["once", "twice"] {
                    query("INSERT INTO tenants (id, name, created_at) VALUES ('same', $1, 0)")
                        .bind(name)
                        .execute(rows)
                        .await?;
                }
                Ok(())
            })
        })
        .await
}

async fn add_half_and_panic(store: &Store) -> Result<(), StoreError> {
    store
        .write_across(|rows| {
            Box::pin(async move {
                query("INSERT INTO tenants (id, name, created_at) VALUES ('x', 'half', 0)")
                    .execute(rows)
                    .await?;
                panic!("a mistake in a command");
            })
        })
        .await
}

#[tokio::test]
async fn each_command_of_a_transaction_is_undone_alone() {
    for first in [Ok(()), Err(StoreError::Closed)] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), &Arc::default()).await;
        let slow = Slow::begin(&store).await;
        let own = || store.clone();
        let (a, b, c, d) = (own(), own(), own(), own());
        let before = queue(async move { add_tenant(&a, "before").await });
        let failing = queue(async move { add_same_id_twice(&b).await });
        let panicking = queue(async move { add_half_and_panic(&c).await });
        let behind = queue(async move { add_tenant(&d, "behind").await });
        let fails = first.is_err();
        assert_eq!(slow.end(first).await.is_err(), fails);
        before.await.unwrap().unwrap();
        assert!(failing.await.unwrap().is_err());
        assert!(matches!(panicking.await.unwrap(), Err(StoreError::Panicked)));
        behind.await.unwrap().unwrap();
        assert_eq!(tenant_names(&store).await, ["before", "behind"]);
    }
}

/// A command that looks away from its own error.
async fn overlook(store: &Store) -> Result<(), StoreError> {
    store
        .write_across(|rows| {
            Box::pin(async move {
                let failed = query("INSERT INTO tenants (id, name, created_at) VALUES (NULL, NULL, NULL)");
                assert!(failed.execute(rows).await.is_err());
                Ok(())
            })
        })
        .await
}

#[tokio::test]
async fn a_transaction_that_the_database_gave_up_is_nobodys_success() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Arc::default()).await;
    // SQLite undoes the one statement; PostgreSQL undoes everything, and calls the COMMIT of that no error.
    let given_up = engine::is_postgres();
    assert_eq!(overlook(&store).await.is_err(), given_up);

    let slow = Slow::begin(&store).await;
    let (a, b) = (store.clone(), store.clone());
    let kept = queue(async move { add_tenant(&a, "kept").await });
    let last = queue(async move { overlook(&b).await });
    assert_eq!(slow.end(Ok(())).await.is_err(), given_up);
    assert_eq!(kept.await.unwrap().is_err(), given_up);
    assert_eq!(last.await.unwrap().is_err(), given_up);
    assert_eq!(tenant_names(&store).await.is_empty(), given_up);
    add_tenant(&store, "after").await.unwrap();
}

static MAKE: Many = Many::new(
    "WITH made(id, name) AS (VALUES ",
    2,
    ") INSERT INTO tenants (id, name, created_at) SELECT made.id, made.name, 0 FROM made WHERE made.id IS NOT NULL",
);
static FIND: Many = Many::new(
    "WITH asked(name) AS (VALUES ",
    1,
    ") SELECT t.name FROM asked a CROSS JOIN tenants t WHERE t.name = a.name",
);

#[tokio::test]
async fn a_statement_over_many_rows_means_those_rows_however_many_they_are() {
    for count in [1, 2, 3, 5, 31, 255, 256] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), &Arc::default()).await;
        let names: Vec<String> = (0..count).map(|n| format!("t{n:03}")).collect();
        let made = names.clone();
        let making = store.write_across::<_, StoreError, _>(move |rows| {
            Box::pin(async move {
                let making = made.iter().fold(many(&MAKE), |making, name| {
                    making.bind(format!("id {name}")).bind(name.as_str())
                });
                making.execute(rows).await
            })
        });
        assert_eq!(making.await.unwrap(), count);
        let mut rows = store.read_across().await.unwrap();
        let finding = names
            .iter()
            .fold(many(&FIND), |finding, name| finding.bind(name.as_str()));
        let found = finding.fetch_all(&mut rows).await.unwrap();
        assert_eq!(u64::try_from(found.len()).unwrap(), count);
        drop(rows);
        assert_eq!(tenant_names(&store).await, names);
    }
}

#[tokio::test]
async fn a_failing_command_does_not_take_its_neighbours_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Arc::default()).await;
    let (a, refused, b) = tokio::join!(
        add_tenant(&store, "before"),
        add_tenant(&store, "refused"),
        add_tenant(&store, "behind"),
    );
    a.unwrap();
    assert!(refused.is_err());
    b.unwrap();
    assert_eq!(tenant_names(&store).await, ["before", "behind"]);
}

#[tokio::test]
async fn nobody_is_told_ok_when_the_commit_fails_and_the_writer_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let mut refusals = 1;
    let hook = Box::new(move || {
        refusals -= 1;
        refusals < 0
    });
    let store = Store::open_with_hook(
        engine::database(&path).await,
        Arc::new(Noon),
        Arc::new(Ids::seeded(1)),
        Some(hook),
    )
    .await
    .unwrap();
    let (a, b) = tokio::join!(add_tenant(&store, "a"), add_tenant(&store, "b"));
    assert!(matches!(a, Err(StoreError::Commit(_))), "{a:?}");
    assert!(matches!(b, Err(StoreError::Commit(_))), "{b:?}");
    assert!(tenant_names(&store).await.is_empty());
    add_tenant(&store, "c").await.unwrap();
    assert_eq!(tenant_names(&store).await, ["c"]);
}

#[tokio::test]
async fn rows_outlive_the_process_and_readers_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    add_tenant(&open(&path, &Arc::default()).await, "kept")
        .await
        .unwrap();
    let store = open(&path, &Arc::default()).await;
    assert_eq!(tenant_names(&store).await, ["kept"]);
    let mut reading = store.read_across().await.unwrap();
    assert!(query("DELETE FROM tenants").execute(&mut reading).await.is_err());
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let store = open(&path, &Arc::default()).await;
    let newer = store.write_across::<(), StoreError, _>(|rows| {
        Box::pin(async move {
            query("INSERT INTO schema_steps (step, applied_at) VALUES (999, 0)")
                .execute(rows)
                .await?;
            Ok(())
        })
    });
    newer.await.unwrap();
    let error = Store::open(
        engine::database(&path).await,
        Arc::new(Noon),
        Arc::new(Ids::seeded(2)),
    )
    .await
    .err()
    .unwrap();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 999, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_step_that_comes_after_a_later_one_is_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Arc::default()).await;
    let without = store.write_across::<(), StoreError, _>(|rows| {
        Box::pin(async move {
            for statement in [
                "DROP TABLE server_keys",
                "DROP TABLE storage_epochs",
                "DROP INDEX recordings_by_bytes",
                "DELETE FROM schema_steps WHERE step = 2",
            ] {
                query(statement).execute(rows).await?;
            }
            Ok(())
        })
    });
    without.await.unwrap();
    store.close().await;

    let store = open(folder.path(), &Arc::default()).await;
    assert!(keys::load(&store).await.unwrap().is_none());
}

#[tokio::test]
async fn two_processes_that_start_at_once_share_one_key_and_rotate_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        open(folder.path(), &Arc::default()).await,
        open(folder.path(), &Arc::default()).await,
    );
    let seed = |byte| keys::Seed([byte; 32]);
    let founded = tokio::join!(keys::found(&a, seed(1)), keys::found(&b, seed(2)));
    assert!(founded.0.is_ok() && founded.1.is_ok());
    let (of_a, of_b) = (keys::load(&a).await.unwrap(), keys::load(&b).await.unwrap());
    let (of_a, of_b) = (of_a.unwrap(), of_b.unwrap());
    assert_eq!((of_a.keys.len(), of_a.keys[0].public), (1, of_b.keys[0].public));
    assert_eq!(of_a.storage_epoch, of_b.storage_epoch);

    let rotated = tokio::join!(keys::rotate(&a, seed(3)), keys::rotate(&b, seed(4)));
    assert!(rotated.0.is_ok() && rotated.1.is_ok());
    let keys = keys::load(&a).await.unwrap().unwrap().keys;
    let mut device = TrustedKeys::new(keys[2].public, None);
    for key in keys[..2].iter().rev() {
        assert_eq!(
            device.accept(&key.statement.unwrap()),
            Ok(Accepted::Changed),
            "an unbroken chain"
        );
    }
    let secrets: Vec<bool> = keys.iter().map(|key| key.secret.is_some()).collect();
    assert_eq!(secrets, [true, false, false]);
}

#[test]
fn ids_sort_by_the_time_they_were_made() {
    let ids = Ids::seeded(7);
    let at = |text: &str| -> Uuid { ids.next(text.parse().unwrap()) };
    assert!(at("2026-11-20T12:00:00Z") < at("2026-11-20T12:00:00.001Z"));
    assert_ne!(at("2026-11-20T12:00:00Z"), at("2026-11-20T12:00:00Z"));
}

#[tokio::test]
async fn a_command_that_panics_is_undone_alone_and_the_next_ones_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), &Arc::default()).await;
    let told = add_half_and_panic(&store).await;
    assert!(matches!(told, Err(StoreError::Panicked)), "{told:?}");
    let broken = store.write_across::<(), StoreError, _>(|_| panic!("a mistake before the first await"));
    assert!(matches!(broken.await, Err(StoreError::Panicked)));

    add_tenant(&store, "after").await.unwrap();
    assert_eq!(tenant_names(&store).await, ["after"]);
}
