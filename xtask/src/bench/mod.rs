//! Figures beside those of other programs, measured in the same run.

use std::path::Path;

use anyhow::{Result, bail};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rows to measure; all of them if none is named.
    rows: Vec<String>,
}

pub(crate) fn run(_root: &Path, args: &Args) -> Result<()> {
    bail!("no measure of this name: {:?}", args.rows);
}
