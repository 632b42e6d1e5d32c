//! Opening the SQLite file with the settings that durability rests on, and refusing to go on without them.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};

use crate::store::StoreError;

/// Another process (`fieldpost device add` beside a running server) holds the write lock for milliseconds; this is how
/// long we wait for it before an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Rows that wait to be taken: as many as heartbeats ask for in one statement, so that the connection's thread is not woken in
/// between.
const ROWS_AHEAD: usize = 256;
/// Pages that the writer keeps, in KiB below zero as SQLite wants it: the indexes that the heartbeats of some thousand devices
/// go into, rather than SQLite's 2 MB.
const CACHE_KIB: &str = "-16384";
/// Statements that the writer keeps prepared: those over many rows are some ninety by themselves.
const STATEMENTS_KEPT: usize = 256;
/// Readers that can run at once. SQLite readers are cheap; more of them than cores only adds memory.
const READERS_MAX: u32 = 8;
/// A reader that waits longer than this for its turn gets an error rather than a hanging page.
const READER_WAIT: Duration = Duration::from_secs(10);

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .optimize_on_close(false, None)
        .disable_statement_logging()
}

/// The one connection that writes, with its settings read back.
///
/// What a statement or a savepoint may have to undo is kept in memory (`temp_store`): it is of no use after a crash, and as a
/// file it would be made, written and removed in each larger transaction.
pub(in crate::store) async fn writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    keep_private(path).map_err(|error| StoreError::Database(sqlx::Error::Io(error)))?;
    let mut connection = options(path)
        .pragma("cache_size", CACHE_KIB)
        .pragma("temp_store", "memory")
        .statement_cache_capacity(STATEMENTS_KEPT)
        .connect()
        .await?;
    assert_durable(&mut connection).await?;
    Ok(connection)
}

/// Makes a new database's file so that only its owner reads it, which the log beside it takes after. The data folder may
/// have been made by somebody else, and be open.
fn keep_private(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new();
    file.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map(drop)
}

/// The pool of connections that only read.
pub(in crate::store) async fn readers(path: &Path) -> Result<SqlitePool, StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(READER_WAIT)
        // A file does not hang up; asking it first whether it is still there costs as much as the question itself.
        .test_before_acquire(false)
        .connect_with(options(path).pragma("query_only", "1"))
        .await?;
    Ok(pool)
}

/// An acknowledged commit must outlive a power cut. SQLite answers with the settings it really uses (a read-only or
/// network folder can refuse WAL), so they are asked for rather than believed.
async fn assert_durable(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *connection)
        .await?;
    if !journal.eq_ignore_ascii_case("wal") {
        return Err(StoreError::NotDurable {
            setting: "journal_mode",
            wanted: "wal",
            found: journal,
        });
    }
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(&mut *connection)
        .await?;
    if synchronous != 2 {
        let found = synchronous.to_string();
        return Err(StoreError::NotDurable {
            setting: "synchronous",
            wanted: "2 (FULL)",
            found,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_that_does_not_sync_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lax.sqlite");
        let lax = options(&path).synchronous(SqliteSynchronous::Normal);
        let mut connection = lax.connect().await.unwrap();
        let error = assert_durable(&mut connection).await.unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::NotDurable {
                    setting: "synchronous",
                    ..
                }
            ),
            "{error}"
        );

        let mut connection = options(&path)
            .journal_mode(SqliteJournalMode::Delete)
            .connect()
            .await
            .unwrap();
        let error = assert_durable(&mut connection).await.unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::NotDurable {
                    setting: "journal_mode",
                    ..
                }
            ),
            "{error}"
        );
    }
}
