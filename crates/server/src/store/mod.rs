//! Rows: one SQLite file, one writer, a pool of readers.
//!
//! Promises: what [`Store::write`] has answered with `Ok` survives a power cut (WAL with `synchronous=FULL`, asserted at
//! start), and a failing command leaves no trace. Every call on a tenant's data takes its [`TenantId`]; no query crosses
//! tenants except the job runner's. It knows no HTTP and no files but its own.
//!
//! Queries keep to what SQLite and PostgreSQL share (`$1` parameters, 64-bit microseconds, 0/1 booleans, ids and JSON as
//! TEXT); the schema is per engine. A noun's queries are free functions in its own module that take `&Store`, or, where
//! they are part of a larger transaction, `&mut SqliteConnection`:
//!
//! ```ignore
//! let id = store.write(move |rows| Box::pin(async move { devices::insert(rows, tenant, &name).await })).await?;
//! let all = sqlx::query_as("SELECT …").bind(tenant).fetch_all(store.readers()).await?;
//! ```

pub mod accounts;
pub mod accounts_devices;
pub mod accounts_entry;
mod connect;
pub mod ids;
pub mod jobs;
mod migrate;
pub mod recordings;
pub mod sessions;
pub mod tracks;
mod writer;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::clock::{Clock, Ids};
pub use ids::{DeviceId, JobId, RecordingId, SessionId, TenantId, TrackId, UserId};
pub use writer::BoxFuture;
use writer::Writer;

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full; nothing was changed. Callers answer 507.
    #[error("the disk that holds the database is full; free some space and try again")]
    DiskFull,
    /// A rule of the schema refused the row: it exists already, or what it refers to does not.
    #[error("the database refused the row: {0}")]
    Constraint(String),
    /// SQLite would not run with the settings that durability needs.
    #[error(
        "the database runs with {setting} = {found} but {wanted} is needed so that commits survive a power cut; \
             use a local disk that the server may write to"
    )]
    NotDurable {
        setting: &'static str,
        wanted: &'static str,
        found: String,
    },
    /// The folder was used by a newer Fieldpost.
    #[error("the database has schema step {found}, this program knows up to {known}; use a newer fieldpost")]
    NewerSchema { found: i64, known: i64 },
    /// The transaction that held this command could not be committed; nothing was changed.
    #[error("the database could not commit: {0}")]
    Commit(String),
    /// The transaction broke before this command ran, or could not begin: another process holds the database for long.
    #[error("the database did not take the change; another process may be holding it, try again")]
    NotRun,
    /// The command itself went wrong in a way that is a mistake in the program; nothing was changed.
    #[error("a change to the database failed by a mistake in the program; the log has its text")]
    Panicked,
    /// The writer has ended (the server is shutting down).
    #[error("the database is closed")]
    Closed,
    #[error("database: {0}")]
    Database(sqlx::Error),
}

/// SQLite's primary result code for a full disk.
const SQLITE_FULL: &str = "13";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(cause) if cause.code().as_deref() == Some(SQLITE_FULL) => Self::DiskFull,
            Some(cause) if cause.is_unique_violation() || cause.is_foreign_key_violation() => {
                Self::Constraint(cause.message().to_owned())
            }
            Some(_) | None => Self::Database(error),
        }
    }
}

impl StoreError {
    fn from_commit(error: &sqlx::Error) -> Self {
        let full = error
            .as_database_error()
            .is_some_and(|cause| cause.code().as_deref() == Some(SQLITE_FULL));
        if full {
            Self::DiskFull
        } else {
            Self::Commit(error.to_string())
        }
    }
}

/// Decides at each commit whether it may happen; `false` turns it into a rollback. Power-cut tests count commits with it.
pub type CommitHook = Box<dyn FnMut() -> bool + Send>;

/// The database of one data folder. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
}

impl Store {
    /// Opens `path`, creates or migrates it, and starts the writer task. Needs a Tokio runtime.
    ///
    /// Several processes may have the same file open; SQLite serialises their writes.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>, ids: Arc<Ids>) -> Result<Self, StoreError> {
        Self::open_with_hook(path, clock, ids, None).await
    }

    /// [`Store::open`] with a hook on every commit after the migrations.
    pub async fn open_with_hook(
        path: &Path,
        clock: Arc<dyn Clock>,
        ids: Arc<Ids>,
        hook: Option<CommitHook>,
    ) -> Result<Self, StoreError> {
        let mut connection = connect::writer(path).await?;
        migrate::migrate(&mut connection, clock.now()).await?;
        if let Some(hook) = hook {
            connection.lock_handle().await?.set_commit_hook(hook);
        }
        let readers = connect::readers(path).await?;
        Ok(Self {
            writer: Writer::start(connection),
            readers,
            clock,
            ids,
        })
    }

    /// Runs `command` in the writer's next transaction and answers after the commit. An `Err` from the command undoes
    /// its own rows only.
    pub async fn write<T, E, F>(&self, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.writer.write(command).await
    }

    /// Connections for queries that only read (`PRAGMA query_only` is on).
    #[must_use]
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Commits what is queued and closes the file; later calls on any clone answer [`StoreError::Closed`] or fail to read.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Whether a change would be taken: runs an empty one.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.write(|_| Box::pin(async { Ok(()) })).await
    }

    /// Returns once no change is taken any more, by [`Store::close`] or otherwise.
    pub async fn ended(&self) {
        self.writer.ended().await;
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A fresh version 7 UUID.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.ids.next(self.clock.now())
    }
}

/// Microseconds from a row as a time; a row cannot hold one that is out of range unless somebody wrote it by hand.
pub fn time_from_row(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros)
        .map_err(|error| StoreError::Database(sqlx::Error::Decode(error.into())))
}

/// A row that breaks what the code that wrote it promises: somebody edited the database, or a step is missing.
fn bad_row(what: String) -> StoreError {
    StoreError::Database(sqlx::Error::Decode(what.into()))
}
