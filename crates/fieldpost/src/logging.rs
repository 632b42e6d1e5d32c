//! Diagnostics: filtered, to stderr, as text or as JSON lines.

use std::io::{self, IsTerminal};

use anyhow::Context;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// What is logged to stderr: a level, or levels by module as `info,server=debug`.
    #[arg(
        long,
        global = true,
        env = "FIELDPOST_LOG",
        default_value = "warn,server=info",
        value_name = "FILTER"
    )]
    log: String,
    /// How it is written.
    #[arg(
        long,
        global = true,
        env = "FIELDPOST_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    log_format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Starts logging for the rest of the process.
pub(crate) fn start(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).with_context(|| {
        format!(
            "\"{}\" is no log filter; write a level (error, warn, info, debug, trace) or module=level",
            settings.log
        )
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        // A line that cannot be written (a full disk, a reader that is gone) is lost; telling so on stderr would panic, in
        // the middle of whatever was to be logged.
        .log_internal_errors(false)
        .with_writer(io::stderr);
    match settings.log_format {
        Format::Text => builder.init(),
        Format::Json => builder.json().init(),
    }
    Ok(())
}
