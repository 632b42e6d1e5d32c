//! What a start takes away after a process that died between an object and its row, and what it leaves alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use server::backend::{Backend, Environment};
use server::clock::Ids;
use server::durable::RealFs;
use support::*;

/// A server in whose database nothing is committed any more once `dead` is set.
async fn dying(folder: &Path, dead: &Arc<AtomicBool>) -> Backend {
    let dead = dead.clone();
    let environment = Environment {
        fs: Arc::new(RealFs),
        clock: Ticking::new(),
        ids: Arc::new(Ids::seeded(1)),
        analyze: Arc::new(small_analysis),
        commit_hook: Some(Box::new(move || !dead.load(Ordering::SeqCst))),
    };
    Backend::open_in(engine::database(folder).await, folder, 1_000_000, environment)
        .await
        .unwrap()
}

/// The names of a folder's entries, none if it is not there.
fn names(folder: PathBuf) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn objects(folder: &Path) -> Vec<String> {
    names(folder.join("raw").join(TENANT_A.to_string()))
}

#[tokio::test]
async fn an_object_whose_row_was_never_written_goes_at_the_next_start_and_no_other_does() {
    let folder = tempfile::tempdir().unwrap();
    let dead = Arc::new(AtomicBool::new(false));
    let sender = from_logger(TENANT_A, LOGGER_1);
    let backend = dying(folder.path(), &dead).await;
    add_tenants_and_loggers(&backend.store).await;
    let kept = send(&backend.ingest, sender, "kept.csv", b"1,2\n").await.unwrap();
    assert!(names(folder.path().join("staging")).is_empty());
    // Not of this server's making: a database was put back, or somebody copied it there.
    let foreign = "f".repeat(64);
    let tenant_folder = folder.path().join("raw").join(TENANT_A.to_string());
    fs::write(tenant_folder.join(&foreign), b"foreign").unwrap();

    dead.store(true, Ordering::SeqCst);
    assert!(send(&backend.ingest, sender, "lost.csv", b"3,4\n").await.is_err());
    // The same bytes as a recording that is there: its object is not an orphan.
    assert!(
        send(&backend.ingest, sender, "other name.csv", b"1,2\n")
            .await
            .is_err()
    );
    assert_eq!(objects(folder.path()).len(), 3);
    backend.store.close().await;
    drop(backend);

    let backend = backend_on(folder.path(), Ticking::new(), 2).await;
    let mut left = vec![kept.sha256.to_string(), foreign];
    left.sort();
    assert_eq!(objects(folder.path()), left);
    assert!(names(folder.path().join("staging")).is_empty());
    backend.store.close().await;
}
