//! Diagnostics: filtered, to stderr, as text or as JSON lines.

use std::io::{self, IsTerminal};

use anyhow::Context;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// What is logged to stderr: a level, or levels by module as `info,server=debug` [default: `warn,server=info`, for `demo` `warn`]
    #[arg(long, global = true, env = "FIELDPOST_LOG", value_name = "FILTER")]
    log: Option<String>,
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

/// Starts logging for the rest of the process; `usual` is the filter that nobody asked for.
pub(crate) fn start(settings: &Settings, usual: &str) -> anyhow::Result<()> {
    let log = settings.log.as_deref().unwrap_or(usual);
    let filter = EnvFilter::try_new(log).with_context(|| {
        format!("\"{log}\" is no log filter; write a level (error, warn, info, debug, trace) or module=level")
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
