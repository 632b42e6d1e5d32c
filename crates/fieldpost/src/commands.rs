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

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// A server with three virtual loggers and their sessions, on an empty folder.
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
