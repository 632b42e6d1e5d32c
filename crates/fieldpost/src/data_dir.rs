//! The data folder as a setting, and work on it.

use std::future::Future;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use server::backend::{DATABASE_FILE, open_store};
use server::config::DATA_DIR_DEFAULT;
use server::store::Store;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataDir {
    /// The server's data folder.
    #[arg(
        long,
        env = "FIELDPOST_DATA_DIR",
        default_value = DATA_DIR_DEFAULT,
        value_name = "DIR"
    )]
    data_dir: PathBuf,
}

impl DataDir {
    /// The folder, refused when there is no data in it: a misspelt name would otherwise make a new, empty server.
    pub(crate) fn existing(&self) -> anyhow::Result<&Path> {
        ensure!(
            self.data_dir.join(DATABASE_FILE).is_file(),
            "{} is no data folder of a server (it has no {DATABASE_FILE}); give one with --data-dir",
            self.data_dir.display()
        );
        Ok(&self.data_dir)
    }

    /// The rows of an existing folder, beside a running server or without one.
    pub(crate) async fn store(&self) -> anyhow::Result<Store> {
        Ok(open_store(self.existing()?).await?)
    }

    /// The rows, in a folder that is made if it is not there: the first user may come before the first start.
    pub(crate) async fn store_or_new(&self) -> anyhow::Result<Store> {
        Ok(open_store(&self.data_dir).await?)
    }
}

/// Runs a command's asynchronous part to its end.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started; are there limits on threads?")?
        .block_on(work)
}
