//! Brings a database to the newest schema, one numbered step after the other, each in its own transaction.

use jiff::Timestamp;
use sqlx::{Connection, SqliteConnection};

use super::StoreError;

/// Ordered; a step that has been released is never edited, only followed by another.
const STEPS: &[(i64, &str)] = &[(1, include_str!("schema/0001_initial.sqlite.sql"))];

/// Applies the steps that this database has not seen. A database from a newer binary is refused.
pub(super) async fn migrate(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS schema_steps (step BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)",
    )
    .execute(&mut *connection)
    .await?;
    for &(step, ddl) in STEPS {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        // Asked inside the transaction: two processes may open a fresh folder at the same moment.
        let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(step) FROM schema_steps")
            .fetch_one(&mut *transaction)
            .await?;
        if newest.is_some_and(|newest| newest >= step) {
            transaction.rollback().await?;
            continue;
        }
        sqlx::raw_sql(ddl).execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO schema_steps (step, applied_at) VALUES ($1, $2)")
            .bind(step)
            .bind(now.as_microsecond())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(step) FROM schema_steps")
        .fetch_one(&mut *connection)
        .await?;
    let known = STEPS.last().map_or(0, |(step, _)| *step);
    match newest {
        Some(found) if found > known => Err(StoreError::NewerSchema { found, known }),
        Some(_) | None => Ok(()),
    }
}
