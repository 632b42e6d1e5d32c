//! Thousands of worlds that break devices, in the release build.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::run_to_end;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
}

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let seeds = format!("0..{}", args.seeds);
    run_to_end(
        Command::new("cargo")
            .current_dir(root)
            .args(["run", "--locked", "--release", "--package", "fieldpost", "--"])
            .args(["sim", "world", "--faults", "harsh", "--seeds", &seeds]),
    )
}
