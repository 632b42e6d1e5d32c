//! The one binary: argument parsing here, one module a command in [`commands`].
//!
//! Answers go to stdout through [`output`], and with `--json` nothing else does; diagnostics go to stderr. Every
//! setting is a flag and a `FIELDPOST_…` variable. Exit codes: 0 done, 1 failed (cause and remedy on stderr), 2 wrong
//! usage.

mod commands;
mod data_dir;
mod logging;
mod output;
mod remote;

use std::process::ExitCode;

use clap::Parser;

/// Recordings off the device, onto a server, in front of a person.
#[derive(Debug, Parser)]
#[command(name = "fieldpost", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    logging: logging::Settings,
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = logging::start(&cli.logging, cli.command.usual_log()).and_then(|()| cli.command.run());
    match done {
        Ok(code) => code,
        Err(error) => {
            output::failure(&error);
            ExitCode::FAILURE
        }
    }
}
