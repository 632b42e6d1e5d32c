//! Which database, and opening it.

mod postgres;
mod sqlite;

use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgPool, SqlitePool};

use super::StoreError;
use super::engine::{Scope, set_scope};
use super::sql::Rows;

/// Where the rows are.
#[derive(Clone)]
pub enum Database {
    /// A file, made if it is not there.
    Sqlite(PathBuf),
    /// A server. The schema is brought up to date by `migrator`, which then owns the tables; without one the program's own
    /// role does both.
    Postgres {
        program: Box<PgConnectOptions>,
        migrator: Option<Box<PgConnectOptions>>,
    },
}

impl Database {
    /// A new connection for the writer.
    pub(super) async fn writer(&self) -> Result<Rows, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => sqlite::writer(path).await?.into(),
            Self::Postgres { program, .. } => postgres::writer(program).await?.into(),
        })
    }

    /// A connection that may change the schema, where that is another one than the writer's.
    pub(super) async fn migrator(&self) -> Result<Option<Rows>, StoreError> {
        Ok(match self {
            Self::Sqlite(_) | Self::Postgres { migrator: None, .. } => None,
            Self::Postgres {
                migrator: Some(migrator),
                ..
            } => Some(
                migrator
                    .clone()
                    .disable_statement_logging()
                    .connect()
                    .await?
                    .into(),
            ),
        })
    }

    pub(super) async fn readers(&self) -> Result<Readers, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Readers::Sqlite(sqlite::readers(path).await?),
            Self::Postgres { program, .. } => Readers::Postgres(postgres::readers(program).await?),
        })
    }
}

/// Connections for queries that only read.
#[derive(Clone)]
pub(super) enum Readers {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Readers {
    pub(super) async fn take(&self, scope: Scope) -> Result<Rows, StoreError> {
        let mut rows: Rows = match self {
            Self::Sqlite(pool) => pool.acquire().await?.into(),
            Self::Postgres(pool) => pool.begin_with("BEGIN READ ONLY").await?.into(),
        };
        set_scope(&mut rows, scope).await?;
        Ok(rows)
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
