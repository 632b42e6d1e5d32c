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

pub(super) async fn rows(folder: &Path, seconds: f64) -> Result<Value> {
    fs::create_dir_all(folder)?;
    let mut connection = SqliteConnectOptions::new()
        .filename(folder.join("rows.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE heartbeats (device TEXT NOT NULL, boot_epoch TEXT NOT NULL, boot_number INTEGER NOT NULL, \
         session_start INTEGER NOT NULL, run_seconds INTEGER NOT NULL, last_update INTEGER NOT NULL, \
         status TEXT NOT NULL)",
    )
    .execute(&mut connection)
    .await?;
    let device = "00000000-0000-0000-0000-000000000000";
    let places = vec!["(?, ?, ?, ?, ?, ?, ?)"; usize::try_from(ROWS_AT_ONCE)?].join(", ");
    let statement = format!("INSERT INTO heartbeats VALUES {places}");
    let begun = Instant::now();
    let end = begun + Duration::from_secs_f64(seconds);
    let mut inserted = 0;
    while Instant::now() < end {
        let mut writing = sqlx::query(sqlx::AssertSqlSafe(statement.as_str()));
        for number in inserted..inserted + ROWS_AT_ONCE {
            writing = writing
                .bind(device)
                .bind("1600000000")
                .bind(number)
                .bind(1_600_000_000 + number)
                .bind(1)
                .bind(1_600_000_001 + number)
                .bind("running");
        }
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
