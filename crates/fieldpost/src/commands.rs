//! One module a command.

mod analyze;
#[cfg(feature = "sim")]
mod demo;
mod device;
mod export;
mod gates;
mod import;
mod ingest_key;
mod rebuild;
mod receipt;
mod replacement;
mod serve;
#[cfg(feature = "sim")]
mod sim;
mod user;

use std::process::ExitCode;

const SERVER_AT_WORK: &str = "warn,server=info";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// A server on an empty folder, with sample sessions and with virtual devices at work.
    #[cfg(feature = "sim")]
    Demo(demo::Demo),
    /// The device's own code in a world that is not there: for trying out a server, and for proofs.
    #[cfg(feature = "sim")]
    Sim(sim::Sim),
    /// The server, until it is told to stop.
    Serve(Box<serve::Serve>),
    /// Laps, sectors and quality of one file, without a server.
    Analyze(analyze::Analyze),
    /// Send files to a server.
    Import(import::Import),
    /// Write a recording in another format.
    Export(export::Export),
    /// Check receipts, and the server's keys for them.
    Receipt(receipt::Receipt),
    /// Derive everything again from the raw recordings.
    Rebuild(rebuild::Rebuild),
    /// People, on the data folder itself.
    User(user::User),
    /// Loggers and cameras, on the data folder itself.
    Device(device::Device),
    /// Keys for devices that cannot send headers, on the data folder itself.
    IngestKey(ingest_key::IngestKey),
}

impl Command {
    /// What it logs unless it is told.
    pub(crate) const fn usual_log(&self) -> &'static str {
        match self {
            // It has a story of its own to tell.
            #[cfg(feature = "sim")]
            Self::Demo(_) => "warn",
            #[cfg(feature = "sim")]
            Self::Sim(_) => SERVER_AT_WORK,
            Self::Serve(_)
            | Self::Analyze(_)
            | Self::Import(_)
            | Self::Export(_)
            | Self::Receipt(_)
            | Self::Rebuild(_)
            | Self::User(_)
            | Self::Device(_)
            | Self::IngestKey(_) => SERVER_AT_WORK,
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            #[cfg(feature = "sim")]
            Self::Demo(command) => command.run(),
            #[cfg(feature = "sim")]
            Self::Sim(command) => command.run(),
            Self::Serve(command) => command.run(),
            Self::Analyze(command) => command.run(),
            Self::Import(command) => command.run(),
            Self::Export(command) => command.run(),
            Self::Receipt(command) => command.run(),
            Self::Rebuild(command) => command.run(),
            Self::User(command) => command.run(),
            Self::Device(command) => command.run(),
            Self::IngestKey(command) => command.run(),
        }
    }
}
