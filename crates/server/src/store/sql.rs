//! One way to say a query, for both engines.
//!
//! `sqlx` has a type for each database; our SQL is the same text for both (`docs/decisions/0008-two-engines.md`), so the
//! difference ends here: [`Rows`] is a connection to either, a [`Query`] is a text with values, a [`Row`] is read by the
//! names of its columns. Nothing outside this module and `connect` names an engine, except `engine`, which holds what the
//! two do not share.

mod many;
mod value;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use super::StoreError;
pub use many::Many;
pub use value::{Cell, Column, IntoValue, Value};

/// A connection to the database, held for a while.
pub struct Rows(Held);

enum Held {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    PooledSqlite(PoolConnection<Sqlite>),
    /// A pooled connection is used within a transaction only: what is set for it ends with it.
    PooledPostgres(Transaction<'static, Postgres>),
}

/// Which engine, with its connection.
pub(super) enum Engine<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Rows {
    pub(super) fn engine(&mut self) -> Engine<'_> {
        match &mut self.0 {
            Held::Sqlite(connection) => Engine::Sqlite(connection),
            Held::PooledSqlite(connection) => Engine::Sqlite(connection),
            Held::Postgres(connection) => Engine::Postgres(connection),
            Held::PooledPostgres(transaction) => Engine::Postgres(transaction),
        }
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        match self.0 {
            Held::Sqlite(connection) => sqlx::Connection::close(connection).await,
            Held::Postgres(connection) => sqlx::Connection::close(connection).await,
            Held::PooledSqlite(_) | Held::PooledPostgres(_) => Ok(()),
        }
    }

    /// Runs statements that take no values and answer nothing, one after the other.
    pub(super) async fn run(&mut self, statements: &'static str) -> Result<(), sqlx::Error> {
        match self.engine() {
            Engine::Sqlite(connection) => sqlx::raw_sql(statements).execute(connection).await.map(drop),
            Engine::Postgres(connection) => sqlx::raw_sql(statements).execute(connection).await.map(drop),
        }
    }
}

impl From<SqliteConnection> for Rows {
    fn from(connection: SqliteConnection) -> Self {
        Self(Held::Sqlite(connection))
    }
}

impl From<PgConnection> for Rows {
    fn from(connection: PgConnection) -> Self {
        Self(Held::Postgres(connection))
    }
}

impl From<PoolConnection<Sqlite>> for Rows {
    fn from(connection: PoolConnection<Sqlite>) -> Self {
        Self(Held::PooledSqlite(connection))
    }
}

impl From<Transaction<'static, Postgres>> for Rows {
    fn from(transaction: Transaction<'static, Postgres>) -> Self {
        Self(Held::PooledPostgres(transaction))
    }
}

/// A statement, as text of the program or put together from such texts.
#[derive(Debug, Clone)]
enum Text {
    Written(&'static str),
    Composed(String),
    Many(&'static Many),
}

/// A statement with the values of its `$1`, `$2`, ….
#[derive(Debug, Clone)]
#[must_use = "a query does nothing until it is executed or fetched"]
pub struct Query {
    text: Text,
    values: Vec<Value>,
}

/// A query that is not one team's: sign-in, the job runner, commands of the operator. [`super::TeamRows::query`] is for
/// all others.
pub fn query(sql: &'static str) -> Query {
    Query {
        text: Text::Written(sql),
        values: Vec::new(),
    }
}

/// The same from a text that is put together of parts of the program; nothing that comes from outside may be in it.
pub fn composed(sql: String) -> Query {
    Query {
        text: Text::Composed(sql),
        values: Vec::new(),
    }
}

/// The same of a statement over many rows, whose values are bound row by row. It wants those of one row at least.
pub fn many(statement: &'static Many) -> Query {
    Query {
        text: Text::Many(statement),
        values: Vec::new(),
    }
}

/// Calls `$call` on an `sqlx` query of the connection's engine with all values bound.
macro_rules! on_engine {
    ($query:expr, $rows:expr, $call:ident => $done:expr) => {{
        let Query { text, values } = $query;
        match $rows.engine() {
            Engine::Sqlite(connection) => {
                let (query, values) = match text {
                    Text::Written(sql) => (sqlx::query::<Sqlite>(sql), values),
                    Text::Composed(sql) => (sqlx::query::<Sqlite>(AssertSqlSafe(sql)), values),
                    Text::Many(statement) => {
                        let (sql, values) = statement.unnumbered(values);
                        (sqlx::query::<Sqlite>(AssertSqlSafe(sql)), values)
                    }
                };
                let query = values.into_iter().fold(query, |query, value| match value {
                    Value::Integer(value) => query.bind(value),
                    Value::Real(value) => query.bind(value),
                    Value::Text(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                });
                query.$call(connection).await.map($done)
            }
            Engine::Postgres(connection) => {
                let (query, values) = match text {
                    Text::Written(sql) => (sqlx::query::<Postgres>(sql), values),
                    Text::Composed(sql) => (sqlx::query::<Postgres>(AssertSqlSafe(sql)), values),
                    Text::Many(statement) => {
                        let (sql, values) = statement.numbered(values);
                        (sqlx::query::<Postgres>(AssertSqlSafe(sql)), values)
                    }
                };
                let query = values.into_iter().fold(query, |query, value| match value {
                    Value::Integer(value) => query.bind(value),
                    Value::Real(value) => query.bind(value),
                    Value::Text(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                });
                query.$call(connection).await.map($done)
            }
        }
        .map_err(StoreError::from)
    }};
}

impl Query {
    /// The next `$n`.
    pub fn bind(mut self, value: impl IntoValue) -> Self {
        self.values.push(value.into_value());
        self
    }

    /// Says how many rows it changed.
    pub async fn execute(self, rows: &mut Rows) -> Result<u64, StoreError> {
        on_engine!(self, rows, execute => |done| done.rows_affected())
    }

    pub async fn fetch_all(self, rows: &mut Rows) -> Result<Vec<Row>, StoreError> {
        on_engine!(self, rows, fetch_all => |found| found.into_iter().map(Row::from).collect())
    }

    pub async fn fetch_optional(self, rows: &mut Rows) -> Result<Option<Row>, StoreError> {
        on_engine!(self, rows, fetch_optional => |found| found.map(Row::from))
    }

    /// No row is an error: for aggregates, and for rows that are known to be there.
    pub async fn fetch_one(self, rows: &mut Rows) -> Result<Row, StoreError> {
        on_engine!(self, rows, fetch_one => Row::from)
    }
}

/// One row of an answer.
pub struct Row(Fetched);

enum Fetched {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self(Fetched::Sqlite(row))
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self(Fetched::Postgres(row))
    }
}

impl Row {
    /// The value in a column; an `Option` where it may be NULL.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        T::read(self, column)
    }
}
