//! Opening a PostgreSQL database with the settings that durability and the separation of tenants rest on, and refusing to
//! go on without them.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgConnection, PgPool, Row};

use crate::store::StoreError;

/// Readers that can run at once in one process; PostgreSQL's own limit is 100 for all of them.
const READERS_MAX: u32 = 16;
/// How long another process's transaction is waited for before an error, as for SQLite; in milliseconds.
const LOCK_WAIT_MS: &str = "5000";
/// As for SQLite: an error rather than a hanging page.
const READER_WAIT: Duration = Duration::from_secs(10);

/// The one connection that writes, with what it depends on asked for.
pub(in crate::store) async fn writer(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let mut connection = options
        .clone()
        .options([("lock_timeout", LOCK_WAIT_MS)])
        .disable_statement_logging()
        .connect()
        .await?;
    assert_durable(&mut connection).await?;
    assert_bound_by_policies(&mut connection).await?;
    Ok(connection)
}

pub(in crate::store) async fn readers(options: &PgConnectOptions) -> Result<PgPool, StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(READER_WAIT)
        .connect_with(options.clone().disable_statement_logging())
        .await?;
    Ok(pool)
}

/// An acknowledged commit must outlive a power cut.
async fn assert_durable(connection: &mut PgConnection) -> Result<(), StoreError> {
    for (setting, refused, wanted) in [("fsync", "off", "on"), ("synchronous_commit", "off", "on")] {
        let found: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await?;
        if found == refused {
            return Err(StoreError::NotDurable {
                setting,
                wanted,
                found,
            });
        }
    }
    Ok(())
}

/// A superuser sees every row whatever the policies say, and so does a role with BYPASSRLS.
async fn assert_bound_by_policies(connection: &mut PgConnection) -> Result<(), StoreError> {
    let row = connection
        .fetch_one("SELECT rolname::text AS name, rolsuper OR rolbypassrls AS free FROM pg_roles WHERE rolname = current_user")
        .await?;
    if row.try_get("free")? {
        return Err(StoreError::RoleTooPowerful {
            role: row.try_get("name")?,
        });
    }
    Ok(())
}
