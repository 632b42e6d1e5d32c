//! Rows: a SQLite file or a PostgreSQL database, one writer, a pool of readers.
//!
//! Promises: what [`Store::write`] has answered with `Ok` survives a power cut (the engine's settings are asserted at
//! start), and a failing command leaves no trace. A team's rows are reached through [`TeamRows`] only, which knows the
//! tenant and binds it; what crosses tenants (sign-in, the job runner, commands of the operator) says `across`. It knows
//! no HTTP and no files but its own. Why: `docs/decisions/0008-two-engines.md`.
//!
//! Queries keep to what SQLite and PostgreSQL share (`$1` parameters, 64-bit microseconds, 0/1 booleans, ids and JSON as
//! TEXT); the schema is per engine. A noun's queries are free functions in its own module that take `&Store` and the
//! tenant, or, where they are part of a larger transaction, `&mut TeamRows`:
//!
//! ```ignore
//! store.write(tenant, move |mut rows| Box::pin(async move { tracks::insert(&mut rows, &track, now).await })).await?;
//! let mut rows = store.read(tenant).await?;
//! let all = rows.query("SELECT … WHERE tenant_id = $1 AND number <= $2").bind(number).fetch_all().await?;
//! ```

pub mod accounts;
pub mod accounts_devices;
pub mod accounts_entry;
pub mod api_tokens;
pub mod audit;
pub mod claims;
mod connect;
pub mod crashes;
pub mod desired;
pub mod desired_commands;
pub mod desired_versions;
pub mod device_tokens;
pub mod devices_state;
pub mod devices_state_read;
pub mod devices_state_seen;
mod engine;
pub mod fleet;
pub mod ids;
pub mod ingest_keys;
pub mod invitations;
pub mod jobs;
pub mod keys;
mod migrate;
pub mod pictures;
pub mod quota;
pub mod recordings;
mod scope;
pub mod sessions;
pub mod shares;
pub mod sql;
pub mod sync;
pub mod teams;
pub mod tracks;
pub mod uploads;
pub mod uptime;
pub mod uptime_intake;
pub mod uptime_read;
pub mod ways_in;
mod writer;

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::clock::{Clock, Ids};
pub use connect::Database;
use connect::Readers;
use engine::Scope;
pub use ids::{
    CommandId, DeviceId, InvitationId, JobId, RecordingId, SessionId, TenantId, TrackId, UploadId, UserId,
};
pub use scope::TeamRows;
use sql::Rows;
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
    /// The database would not run with the settings that durability needs.
    #[error(
        "the database runs with {setting} = {found} but {wanted} is needed so that commits survive a power cut; \
             for SQLite use a local disk that the server may write to, for PostgreSQL change its settings"
    )]
    NotDurable {
        setting: &'static str,
        wanted: &'static str,
        found: String,
    },
    /// PostgreSQL would let this role see every team's rows.
    #[error(
        "the database role {role} is a superuser or may bypass row-level security, which would leave teams' rows \
             unguarded; make a plain one (CREATE ROLE fieldpost LOGIN PASSWORD '…') that owns the database"
    )]
    RoleTooPowerful { role: String },
    /// The folder was used by a newer Fieldpost.
    #[error("the database has schema step {found}, this program knows up to {known}; use a newer fieldpost")]
    NewerSchema { found: i64, known: i64 },
    /// The transaction that held this command could not be committed; nothing was changed.
    #[error("the database could not commit: {0}")]
    Commit(String),
    /// The transaction broke before this command ran, or could not begin: another process holds the database for long, or
    /// it is away.
    #[error("the database did not answer; another process may be holding it, try again")]
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

/// A full disk: SQLite's primary result code, and PostgreSQL's class of insufficient resources.
const DISK_FULL: [&str; 2] = ["13", "53100"];

fn says_disk_full(cause: &dyn sqlx::error::DatabaseError) -> bool {
    cause.code().is_some_and(|code| DISK_FULL.contains(&&*code))
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(cause) if says_disk_full(cause) => Self::DiskFull,
            Some(cause) if cause.is_unique_violation() || cause.is_foreign_key_violation() => {
                Self::Constraint(cause.message().to_owned())
            }
            Some(_) | None => Self::Database(error),
        }
    }
}

impl StoreError {
    fn from_commit(error: &sqlx::Error) -> Self {
        if error.as_database_error().is_some_and(says_disk_full) {
            Self::DiskFull
        } else {
            Self::Commit(error.to_string())
        }
    }
}

/// Decides at each commit whether it may happen; `false` turns it into a rollback. Power-cut tests count commits with it.
pub type CommitHook = Box<dyn FnMut() -> bool + Send>;

/// One database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: Readers,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
}

impl Store {
    /// Opens, creates or migrates a database, and starts the writer task. Needs a Tokio runtime.
    ///
    /// Several processes may have the same one open; their writes come one after the other.
    pub async fn open(database: Database, clock: Arc<dyn Clock>, ids: Arc<Ids>) -> Result<Self, StoreError> {
        Self::open_with_hook(database, clock, ids, None).await
    }

    /// [`Store::open`] with a hook on every commit after the migrations.
    pub async fn open_with_hook(
        database: Database,
        clock: Arc<dyn Clock>,
        ids: Arc<Ids>,
        hook: Option<CommitHook>,
    ) -> Result<Self, StoreError> {
        let mut rows = database.writer().await?;
        match database.migrator().await? {
            Some(mut migrator) => migrate::migrate_for(&mut migrator, &database, clock.now()).await?,
            None => migrate::migrate(&mut rows, clock.now()).await?,
        }
        let readers = database.readers().await?;
        Ok(Self {
            writer: Writer::start(rows, database, hook),
            readers,
            clock,
            ids,
        })
    }

    /// Runs `command` on a team's rows in the writer's next transaction and answers after the commit. An `Err` from the
    /// command undoes its own rows only.
    pub async fn write<T, E, F>(&self, tenant: TenantId, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(TeamRows<'c>) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.writer
            .write(Scope::Team(tenant), move |rows| {
                command(TeamRows::of(rows, tenant))
            })
            .await
    }

    /// The same on rows of any team and of none.
    pub async fn write_across<T, E, F>(&self, command: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Rows) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.writer.write(Scope::Across, command).await
    }

    /// A team's rows, for reading only.
    pub async fn read(&self, tenant: TenantId) -> Result<TeamRows<'static>, StoreError> {
        let rows = self.readers.take(Scope::Team(tenant)).await?;
        Ok(TeamRows::owning(rows, tenant))
    }

    /// Rows of any team and of none, for reading only.
    pub async fn read_across(&self) -> Result<Rows, StoreError> {
        self.readers.take(Scope::Across).await
    }

    /// Commits what is queued and closes the file; later calls on any clone answer [`StoreError::Closed`] or fail to read.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Whether a change would be taken: runs an empty one.
    pub async fn probe_writing(&self) -> Result<(), StoreError> {
        self.write_across(|_| Box::pin(async { Ok(()) })).await
    }

    /// Whether a question would be answered.
    pub async fn probe_reading(&self) -> Result<(), StoreError> {
        let mut rows = self.read_across().await?;
        sql::query("SELECT 1 AS one").fetch_one(&mut rows).await?;
        Ok(())
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
