//! One team's rows: a connection that knows whose it is.
//!
//! Every query of a team's data is said through [`TeamRows::query`], which binds the tenant as `$1`, and on PostgreSQL
//! the transaction it runs in sees the rows of that tenant only (row-level security), so a query that forgets its
//! `tenant_id = $1` finds nothing of another team's there, and the same test fails on SQLite's side.

use super::sql::{IntoValue, Many, Query, Row, Rows, query};
use super::{StoreError, TenantId};

/// Rows of one tenant, to read or, within [`super::Store::write`], to change.
pub struct TeamRows<'c> {
    rows: Handle<'c>,
    tenant: TenantId,
}

enum Handle<'c> {
    Borrowed(&'c mut Rows),
    Owned(Box<Rows>),
}

impl<'c> TeamRows<'c> {
    /// The connection must be in the scope of `tenant` or in that of all.
    pub(super) fn of(rows: &'c mut Rows, tenant: TenantId) -> Self {
        Self {
            rows: Handle::Borrowed(rows),
            tenant,
        }
    }

    pub(super) fn owning(rows: Rows, tenant: TenantId) -> TeamRows<'static> {
        TeamRows {
            rows: Handle::Owned(Box::new(rows)),
            tenant,
        }
    }

    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// A statement about this team's rows; `$1` is the tenant, the first value bound is `$2`.
    pub fn query(&mut self, sql: &'static str) -> TeamQuery<'_> {
        debug_assert!(
            sql.contains("tenant_id") && sql.contains("$1"),
            "a team's query says whose rows it means: {sql}"
        );
        self.with(query(sql))
    }

    /// The same from a text that is put together of parts of the program.
    pub fn composed(&mut self, sql: String) -> TeamQuery<'_> {
        debug_assert!(
            sql.contains("tenant_id") && sql.contains("$1"),
            "a team's query says whose rows it means: {sql}"
        );
        self.with(super::sql::composed(sql))
    }

    /// A statement over many rows.
    pub fn many(&mut self, statement: &'static Many) -> TeamQuery<'_> {
        debug_assert!(
            statement.says("tenant_id") && statement.says("$1"),
            "a team's query says whose rows it means"
        );
        self.with(super::sql::many(statement))
    }

    fn with(&mut self, query: Query) -> TeamQuery<'_> {
        TeamQuery {
            query: query.bind(self.tenant),
            rows: match &mut self.rows {
                Handle::Borrowed(rows) => rows,
                Handle::Owned(rows) => rows,
            },
        }
    }
}

/// A [`Query`] with the connection it will run on.
#[must_use = "a query does nothing until it is executed or fetched"]
pub struct TeamQuery<'r> {
    query: Query,
    rows: &'r mut Rows,
}

impl TeamQuery<'_> {
    /// The next `$n`, from `$2` on.
    pub fn bind(mut self, value: impl IntoValue) -> Self {
        self.query = self.query.bind(value);
        self
    }

    /// Says how many rows it changed.
    pub async fn execute(self) -> Result<u64, StoreError> {
        self.query.execute(self.rows).await
    }

    pub async fn fetch_all(self) -> Result<Vec<Row>, StoreError> {
        self.query.fetch_all(self.rows).await
    }

    pub async fn fetch_optional(self) -> Result<Option<Row>, StoreError> {
        self.query.fetch_optional(self.rows).await
    }

    pub async fn fetch_one(self) -> Result<Row, StoreError> {
        self.query.fetch_one(self.rows).await
    }
}
