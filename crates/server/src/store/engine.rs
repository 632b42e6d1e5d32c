//! What SQLite and PostgreSQL do not share: how a writing transaction begins, and whose rows it may see.

use super::TenantId;
use super::sql::{Engine, Rows};

/// Whose rows a transaction may see and change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Sign-in, the job runner, commands of the operator.
    Across,
    Team(TenantId),
}

/// Every writer of one database takes this lock first, so that PostgreSQL too has one at a time, in whatever process: what a
/// command reads before it writes (the newest version, the newest track) stays true until its commit.
const ONE_WRITER: &str = "BEGIN; SELECT pg_advisory_xact_lock(7090771652219303270)";

/// Begins a transaction that no other writer runs beside.
pub(super) async fn begin(rows: &mut Rows) -> Result<(), sqlx::Error> {
    let statements = match rows.engine() {
        Engine::Sqlite(_) => "BEGIN IMMEDIATE",
        Engine::Postgres(_) => ONE_WRITER,
    };
    rows.run(statements).await
}

/// Commits the transaction that is open, or says that there is none to commit.
///
/// PostgreSQL takes COMMIT after a statement that failed, undoes everything and calls it no error. A statement before it does
/// not: so a command that looked away from its own error is told no success, nor is anybody beside it.
pub(super) async fn commit(rows: &mut Rows) -> Result<(), sqlx::Error> {
    let statements = match rows.engine() {
        Engine::Sqlite(_) => "COMMIT",
        Engine::Postgres(_) => "SELECT 1; COMMIT",
    };
    rows.run(statements).await
}

/// Narrows the transaction that is open to a scope. SQLite has no row-level security; there the queries' own
/// `tenant_id = $1` is all.
pub(super) async fn set_scope(rows: &mut Rows, scope: Scope) -> Result<(), sqlx::Error> {
    let connection = match rows.engine() {
        Engine::Sqlite(_) => return Ok(()),
        Engine::Postgres(connection) => connection,
    };
    let tenant = match scope {
        Scope::Across => "*".to_owned(),
        Scope::Team(tenant) => tenant.to_string(),
    };
    // Local to the transaction: a connection that goes back to the pool is nobody's.
    sqlx::query("SELECT set_config('fieldpost.tenant', $1, true)")
        .bind(tenant)
        .execute(connection)
        .await
        .map(drop)
}
