//! From a clean clone to a page with laps: builds what changed and hands over to `fieldpost demo`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

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
    // Ctrl-C reaches the whole group: the server drains and ends, and its exit code is ours.
    let status = Command::new(root.join("target/debug/fieldpost"))
        .arg("demo")
        .args(&args.rest)
        .status()
        .context("cannot start fieldpost")?;
    if !status.success() {
        bail!("fieldpost demo ended with {status}");
    }
    Ok(())
}
