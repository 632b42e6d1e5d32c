//! The place of a server's data as a setting, and work on it.

use std::future::Future;

use anyhow::{Context, ensure};
use server::backend::open_store;
use server::place::{DATABASE_FILE, Place};
use server::store::Store;

/// Threads that wait for files. More of them do not make a disk faster, and when thousands of uploads end at once each that
/// is started costs a stack; what finds none free waits its turn.
const BLOCKING_THREADS_MAX: usize = 128;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataDir {
    #[command(flatten)]
    place: Place,
}

impl DataDir {
    /// The place, refused when there is no data in it: a misspelt name would otherwise make a new, empty server.
    pub(crate) fn existing(&self) -> anyhow::Result<&Place> {
        ensure!(
            self.place.has_database(),
            "{} is no data folder of a server (it has no {DATABASE_FILE}); give one with --data-dir",
            self.place.data_dir.display()
        );
        Ok(&self.place)
    }

    /// The rows of an existing place, beside a running server or without one.
    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        Ok(open_store(self.existing()?).await?)
    }

    /// The rows, in a place that is made if it is not there: the first user may come before the first start.
    pub(crate) async fn store_or_new(&self) -> anyhow::Result<Store> {
        Ok(open_store(&self.place).await?)
    }
}

/// Runs a command's asynchronous part to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .context("the runtime cannot be started; are there limits on threads?")?
        .block_on(work)
}
