//! The loading half of `cargo xtask bench`: sends uploads and heartbeats over kept-alive connections, and does by bare system
//! calls what they are compared with.
//!
//! One thread makes all the load, so that one core can be set aside for it. Every answer is looked at; each command prints
//! one JSON object. `ceiling` serves 200 to everything: what the load reaches there is as much as it can make.

mod bare;
mod ceiling;
mod connection;
mod heartbeats;
mod uploads;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use serde_json::Value;

#[derive(Parser)]
enum Load {
    /// Serve until killed.
    Ceiling {
        addr: SocketAddr,
    },
    Uploads(uploads::Args),
    Heartbeats(heartbeats::Args),
    /// Write and sync files one after the other.
    BareWrites {
        folder: PathBuf,
        size_bytes: usize,
        files: u32,
    },
    /// Create, sync, rename, sync the folder; on many threads.
    BareFiles {
        folder: PathBuf,
        size_bytes: usize,
        threads: u32,
        seconds: f64,
    },
    /// Insert rows, many in a transaction.
    BareRows {
        folder: PathBuf,
        seconds: f64,
        shape: bare::Shape,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (text, code) = match run(Load::parse()).await {
        Ok(answer) => (answer.to_string(), ExitCode::SUCCESS),
        Err(error) => (format!("{error:#}"), ExitCode::FAILURE),
    };
    // Whoever closed the pipe does not want the answer.
    let _ = writeln!(std::io::stdout(), "{text}");
    code
}

async fn run(load: Load) -> Result<Value> {
    match load {
        Load::Ceiling { addr } => ceiling::serve(addr).await,
        Load::Uploads(args) => uploads::run(args).await,
        Load::Heartbeats(args) => heartbeats::run(args).await,
        Load::BareWrites {
            folder,
            size_bytes,
            files,
        } => bare::writes(&folder, size_bytes, files),
        Load::BareFiles {
            folder,
            size_bytes,
            threads,
            seconds,
        } => bare::files(&folder, size_bytes, threads, seconds),
        Load::BareRows {
            folder,
            seconds,
            shape,
        } => bare::rows(&folder, seconds, shape).await,
    }
}
