//! What the machine can do at most: the same bytes made durable by nothing but the system calls, the same rows by nothing but
//! SQLite.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::Rng;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

/// As much as a copy loop hands to the system at once.
const PIECE_BYTES: usize = 256 * 1024;
/// Rows of a statement and a transaction.
const ROWS_AT_ONCE: i64 = 1000;

pub(super) fn writes(folder: &Path, size_bytes: usize, files: u32) -> Result<Value> {
    fs::create_dir_all(folder)?;
    let content = random(size_bytes);
    let begun = Instant::now();
    for number in 0..files {
        let mut file = File::create_new(folder.join(number.to_string()))?;
        for piece in content.chunks(PIECE_BYTES) {
            file.write_all(piece)?;
        }
        file.sync_all()?;
    }
    let elapsed_s = begun.elapsed().as_secs_f64();
    fs::remove_dir_all(folder)?;
    Ok(json!({ "answered": files, "elapsed_s": elapsed_s }))
}

pub(super) fn files(folder: &Path, size_bytes: usize, threads: u32, seconds: f64) -> Result<Value> {
    let (staging, place) = (folder.join("staging"), folder.join("raw"));
    fs::create_dir_all(&staging)?;
    fs::create_dir_all(&place)?;
    let content = random(size_bytes);
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(seconds);
    let made = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let (staging, place, content) = (&staging, &place, &content);
                scope.spawn(move || one_after_the_other(thread, staging, place, content, end))
            })
            .collect();
        let mut made = 0;
        for thread in running {
            made += thread.join().unwrap_or_else(|_| bail!("a thread panicked"))?;
        }
        anyhow::Ok(made)
    })?;
    let elapsed_s = begun.elapsed().as_secs_f64();
    fs::remove_dir_all(folder)?;
    Ok(json!({ "answered": made, "elapsed_s": elapsed_s }))
}

fn one_after_the_other(
    thread: u32,
    staging: &Path,
    place: &Path,
    content: &[u8],
    end: Instant,
) -> Result<u64> {
    let mut made = 0;
    while Instant::now() < end {
        let name = format!("{thread}-{made}");
        let path = staging.join(&name);
        let mut file = File::create_new(&path)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&path, place.join(&name))?;
        File::open(place)?.sync_all()?;
        made += 1;
    }
    Ok(made)
}

/// Which table the bare inserts go into.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Shape {
    /// What the heartbeat says, no key, no index.
    Plain,
    /// The server's own table of sessions: its columns, its key, its index.
    Ours,
}

const PLAIN: &str = "CREATE TABLE heartbeats (device TEXT NOT NULL, boot_epoch TEXT NOT NULL, boot_number INTEGER NOT NULL, \
     session_start INTEGER NOT NULL, run_seconds INTEGER NOT NULL, last_update INTEGER NOT NULL, status TEXT NOT NULL)";

/// As the schema of `server::store` has it, without the references: the tables that they are to are not here.
const OURS: &str = "CREATE TABLE heartbeats (tenant_id TEXT NOT NULL, device_id TEXT NOT NULL, session_key TEXT NOT NULL, \
     start_revision INTEGER, start_run_s INTEGER, start_update_at INTEGER, start_at INTEGER, longest_s INTEGER, \
     longest_update_at INTEGER, longest_received_at INTEGER, status TEXT, suspect_s INTEGER, suspect_reason TEXT, \
     placed_from INTEGER, placed_to INTEGER, listed_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, \
     PRIMARY KEY (tenant_id, device_id, session_key)) STRICT; \
     CREATE INDEX newest ON heartbeats (tenant_id, device_id, listed_at, session_key)";

impl Shape {
    fn schema(self) -> &'static str {
        match self {
            Self::Plain => PLAIN,
            Self::Ours => OURS,
        }
    }

    fn columns(self) -> usize {
        match self {
            Self::Plain => 7,
            Self::Ours => 17,
        }
    }

    fn bind<'q>(self, row: Inserting<'q>, number: i64) -> Inserting<'q> {
        match self {
            Self::Plain => row
                .bind("00000000-0000-0000-0000-000000000000")
                .bind("1600000000")
                .bind(number)
                .bind(START_S + number)
                .bind(1)
                .bind(START_S + number + 1)
                .bind("running"),
            Self::Ours => ours(row, number),
        }
    }
}

type Inserting<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// Where the first session begins.
const START_S: i64 = 1_600_000_000;
/// As many as the load has connections, one row of each after the other.
const DEVICES: i64 = 64;

fn ours(row: Inserting<'_>, number: i64) -> Inserting<'_> {
    let (device, boot) = (number % DEVICES, number / DEVICES);
    let from_us = (START_S + boot) * 1_000_000;
    let to_us = from_us + 1_000_000;
    row.bind("00000000-0000-7000-8000-000000000000")
        .bind(format!("00000000-0000-7000-8000-{device:012}"))
        .bind(format!("b:1600000000:{boot}"))
        .bind(0)
        .bind(1)
        .bind(to_us)
        .bind(from_us)
        .bind(1)
        .bind(to_us)
        .bind(to_us)
        .bind("running")
        .bind(None::<i64>)
        .bind(None::<String>)
        .bind(from_us)
        .bind(to_us)
        .bind(from_us)
        .bind(to_us)
}

pub(super) async fn rows(folder: &Path, seconds: f64, shape: Shape) -> Result<Value> {
    fs::create_dir_all(folder)?;
    let mut connection = SqliteConnectOptions::new()
        .filename(folder.join("rows.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // As the server's writer has it: SQLite's own 2 MB do not hold the indexes.
        .pragma("cache_size", "-16384")
        .connect()
        .await?;
    sqlx::raw_sql(shape.schema()).execute(&mut connection).await?;
    let tuple = format!("({})", vec!["?"; shape.columns()].join(", "));
    let places = vec![tuple; usize::try_from(ROWS_AT_ONCE)?].join(", ");
    let statement = format!("INSERT INTO heartbeats VALUES {places}");
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(seconds);
    let mut inserted = 0;
    while Instant::now() < end {
        let writing = sqlx::query(sqlx::AssertSqlSafe(statement.as_str()));
        let writing =
            (inserted..inserted + ROWS_AT_ONCE).fold(writing, |row, number| shape.bind(row, number));
        writing.execute(&mut connection).await?;
        inserted += ROWS_AT_ONCE;
    }
    let elapsed_s = begun.elapsed().as_secs_f64();
    connection.close().await?;
    fs::remove_dir_all(folder).context("cannot remove the rows")?;
    Ok(json!({ "answered": inserted, "elapsed_s": elapsed_s }))
}

fn random(size_bytes: usize) -> Vec<u8> {
    let mut content = vec![0; size_bytes];
    rand::rng().fill_bytes(&mut content);
    content
}
