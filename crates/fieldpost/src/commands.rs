//! One module a command.

mod analyze;
mod import;
mod rebuild;

use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Laps, sectors and quality of one file, without a server.
    Analyze(analyze::Analyze),
    /// Send files to a server.
    Import(import::Import),
    /// Derive everything again from the raw recordings.
    Rebuild(rebuild::Rebuild),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Analyze(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Rebuild(command) => command.run(),
        }
    }
}
