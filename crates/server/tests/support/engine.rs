//! Which database the tests run on: SQLite, or PostgreSQL where `FIELDPOST_TEST_POSTGRES` names a server.
//!
//! The variable holds the URL of a role that may create databases; each folder gets one of its own there, owned by a plain
//! role as a real server's would be.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this module"
)]

use std::path::Path;

use server::place::{DATABASE_FILE, Place};
use server::store::Database;
use sha2::Digest as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

const SERVER: &str = "FIELDPOST_TEST_POSTGRES";
/// As `cargo xtask test` makes it.
pub const PLAIN_ROLE: &str = "fieldpost_plain";

/// Whether this run is on PostgreSQL.
pub fn is_postgres() -> bool {
    server().is_some()
}

/// The URL of a role that may make databases, if this run is on PostgreSQL.
pub fn server() -> Option<String> {
    std::env::var(SERVER).ok()
}

/// Where a server with this data folder keeps its rows: the same database for the same folder.
pub async fn place(folder: &Path) -> Place {
    let mut place = Place::local(folder);
    if let Some(server) = server() {
        place.database_url = Some(url_as(PLAIN_ROLE, &server, folder).await.parse().unwrap());
    }
    place
}

pub async fn database(folder: &Path) -> Database {
    place(folder).await.database()
}

/// A file, whatever this run is on: for tests that copy or damage it.
pub fn sqlite(folder: &Path) -> Database {
    Database::Sqlite(folder.join(DATABASE_FILE))
}

/// The URL of `role` for the database of a folder, which is made if it is not there.
pub async fn url_as(role: &str, server: &str, folder: &Path) -> String {
    let digest = sha2::Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let name = format!("t_{}", hex::encode(&digest[..12]));
    let mut admin = connection(server).await;
    let known: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_optional(&mut admin)
        .await
        .unwrap();
    if known.is_none() {
        run(&mut admin, format!("CREATE DATABASE {name} OWNER {PLAIN_ROLE}")).await;
    }
    admin.close().await.unwrap();
    let (_, place) = server.split_once('@').unwrap();
    let (address, _) = place.split_once('/').unwrap_or((place, ""));
    format!("postgres://{role}@{address}/{name}")
}

/// A connection beside the store, around its query layer.
pub async fn connection(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().unwrap();
    options.connect().await.unwrap()
}

pub async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(connection)
        .await
        .unwrap();
}
