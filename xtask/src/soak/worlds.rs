//! Thousands of worlds that break devices, in the release build, and twenty that must be the same ones everywhere.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::tree;
use crate::process::{run_to_end, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
}

/// 5:45 ahead of Greenwich.
const ELSEWHERE: &str = "Asia/Kathmandu";

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    run_to_end(hashes(root).arg("--release"))?;
    let folder = tree::copy(root, "worlds")?;
    run_to_end(
        hashes(&folder)
            .env("TZ", ELSEWHERE)
            .env("CARGO_TARGET_DIR", root.join("target/worlds/build")),
    )?;
    say("twenty worlds are the same in release here, and in debug in another folder and time zone");
    let seeds = format!("0..{}", args.seeds);
    run_to_end(
        Command::new("cargo")
            .current_dir(root)
            .args(["run", "--locked", "--release", "--package", "fieldpost", "--"])
            .args(["sim", "world", "--faults", "harsh", "--seeds", &seeds]),
    )
}

/// The test that holds twenty worlds to the hashes that are committed.
fn hashes(folder: &Path) -> Command {
    let mut test = Command::new("cargo");
    test.current_dir(folder)
        .args([
            "test",
            "--locked",
            "--quiet",
            "--package",
            "sim",
            "--test",
            "world",
        ])
        .args(["a_seed_is_one_world"]);
    test
}
