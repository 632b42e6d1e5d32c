//! Brings a database to the newest schema, one numbered step after the other, each in its own transaction.

use jiff::Timestamp;

use super::engine::{Scope, begin, set_scope};
use super::sql::{Engine, Rows, query};
use super::{Database, StoreError};

/// One step in the words of each engine.
struct Step {
    number: i64,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! step {
    ($number:literal, $name:literal) => {
        Step {
            number: $number,
            sqlite: include_str!(concat!("schema/", $name, ".sqlite.sql")),
            postgres: include_str!(concat!("schema/", $name, ".postgres.sql")),
        }
    };
}

/// Ordered; a step that has been released is never edited, only followed by another.
const STEPS: &[Step] = &[
    step!(1, "0001_initial"),
    step!(2, "0002_receipt_keys"),
    step!(3, "0003_uploads"),
    step!(4, "0004_uptime"),
    step!(5, "0005_pictures"),
    step!(6, "0006_ingest_keys"),
    step!(7, "0007_people"),
    step!(8, "0008_teams"),
    step!(9, "0009_desired"),
    step!(10, "0010_quota"),
    step!(11, "0011_ways_in"),
    step!(12, "0012_placed"),
];

/// Applies the steps that this database has not seen. A database from a newer binary is refused.
pub(super) async fn migrate(rows: &mut Rows, now: Timestamp) -> Result<(), StoreError> {
    begin(rows).await?;
    let prepared = query(
        "CREATE TABLE IF NOT EXISTS schema_steps (step BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)",
    );
    prepared.execute(rows).await?;
    rows.run("COMMIT").await?;
    for step in STEPS {
        // Asked inside the transaction: two processes may open a fresh database at the same moment.
        begin(rows).await?;
        set_scope(rows, Scope::Across).await?;
        if is_applied(rows, step.number).await? {
            rows.run("ROLLBACK").await?;
            continue;
        }
        let ddl = match rows.engine() {
            Engine::Sqlite(_) => step.sqlite,
            Engine::Postgres(_) => step.postgres,
        };
        rows.run(ddl).await?;
        let applied = query("INSERT INTO schema_steps (step, applied_at) VALUES ($1, $2)");
        applied.bind(step.number).bind(now).execute(rows).await?;
        rows.run("COMMIT").await?;
    }
    let known = STEPS.last().map_or(0, |step| step.number);
    match newest(rows).await? {
        Some(found) if found > known => Err(StoreError::NewerSchema { found, known }),
        Some(_) | None => Ok(()),
    }
}

async fn is_applied(rows: &mut Rows, step: i64) -> Result<bool, StoreError> {
    let asking = query("SELECT step FROM schema_steps WHERE step = $1").bind(step);
    Ok(asking.fetch_optional(rows).await?.is_some())
}

async fn newest(rows: &mut Rows) -> Result<Option<i64>, StoreError> {
    let row = query("SELECT MAX(step) AS newest FROM schema_steps")
        .fetch_one(rows)
        .await?;
    row.get("newest")
}

/// [`migrate`] by a role of its own, which then owns the tables and lets the program's role work with them.
pub(super) async fn migrate_for(
    rows: &mut Rows,
    database: &Database,
    now: Timestamp,
) -> Result<(), StoreError> {
    migrate(rows, now).await?;
    match database {
        Database::Sqlite(_) => Ok(()),
        Database::Postgres { program, .. } => grant_to(rows, program.get_username()).await,
    }
}

async fn grant_to(rows: &mut Rows, program: &str) -> Result<(), StoreError> {
    let role = format!("\"{}\"", program.replace('"', "\"\""));
    for what in [
        "USAGE ON SCHEMA public",
        "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public",
    ] {
        super::sql::composed(format!("GRANT {what} TO {role}"))
            .execute(rows)
            .await?;
    }
    Ok(())
}
