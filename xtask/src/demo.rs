//! From a clean clone to a page with laps: builds what changed and hands over to `fieldpost demo`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{run_to_end, say};
use crate::web::Web;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to `fieldpost demo`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let web = Web::new(root)?;
    web.install()?;
    web.build_if_changed()?;
    run_to_end(
        Command::new("cargo")
            .current_dir(root)
            .args(["build", "--package", "fieldpost"]),
    )?;
    say("starting; Ctrl-C ends it");
    // In place of this process: Ctrl-C goes to the server alone, which drains and ends, and its exit code is ours.
    let mut demo = Command::new(root.join("target/debug/fieldpost"));
    Err(demo.arg("demo").args(&args.rest).exec()).context("cannot start fieldpost")
}
