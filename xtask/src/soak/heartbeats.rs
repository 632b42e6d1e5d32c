//! A million heartbeats through the server's own intake, and hours that must be exact.
//!
//! What is sent and what must come of it is the test's own affair (`crates/server/tests/heartbeats/main.rs`); this runs it
//! at its full size.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::run_to_end;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 1_000_000)]
    heartbeats: u64,
}

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    run_to_end(
        Command::new("cargo")
            .current_dir(root)
            .args([
                "test",
                "--locked",
                "--package",
                "server",
                "--test",
                "heartbeats",
                "--",
                "--nocapture",
            ])
            .env("FIELDPOST_HEARTBEATS", args.heartbeats.to_string()),
    )
}
