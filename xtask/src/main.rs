//! What a person and CI both run.
//!
//! Owns the order of the checks, the tools they need and the long proofs. It promises that a fresh Debian or Ubuntu with
//! Rust and Node needs nothing else prepared, that it says what it installs before it does so, and that a check which
//! could not run is named as skipped. It reaches crates.io, npm, apt and PyPI and no other host.

mod bench;
mod demo;
mod firmware;
mod generate;
mod hash;
mod portal;
mod postgres;
mod process;
mod python;
mod soak;
mod steps;
mod system;
mod test;
mod tidy;
mod web;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What a person and CI both run")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the web app and the binary, start them with sample drives; Ctrl-C ends it.
    Demo(demo::Args),
    /// Every check, from formatting to the browser.
    Test(test::Args),
    /// Write the OpenAPI document and the TypeScript types made from it.
    Gen,
    /// Build the device's crates as a chip gets them: no `std`, no allocator; and count the memory that the core takes.
    Fw,
    /// Join a device's own network with the programs of others, in network namespaces: DHCP, DNS, browser, multicast DNS. Needs root.
    Portal,
    /// Dependency direction, dead files, documents that name missing paths, words that may not be here.
    Tidy,
    /// Run a command beside a PostgreSQL server of its own: `cargo xtask postgres cargo nextest run -p server`.
    Postgres {
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<String>,
    },
    /// Long proofs: fuzzing, killing the server, losing replies, thousands of slow uploads.
    #[command(subcommand)]
    Soak(soak::Soak),
    /// Figures beside those of other programs, measured in the same run.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The chain of causes is enough; a backtrace of a script helps nobody.
            process::say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let root = workspace_root()?;
    match command {
        Command::Demo(args) => demo::run(&root, &args),
        Command::Test(args) => test::run(&root, &args),
        Command::Gen => generate::run(&root),
        Command::Fw => firmware::prepare()
            .and_then(|()| firmware::check(&root))
            .and_then(|()| firmware::check_footprint(&root)),
        Command::Portal => {
            portal::prepare(&root).and_then(|()| portal::run(&root, &mut process::Counts::default()))
        }
        Command::Tidy => tidy::run(&root),
        Command::Postgres { command } => postgres::run(&root, &command),
        Command::Soak(soak) => soak::run(&root, soak),
        Command::Bench(args) => bench::run(&root, &args),
    }
}

/// The folder above this crate's own.
fn workspace_root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here
        .parent()
        .context("xtask has no folder above it")?
        .to_path_buf())
}
