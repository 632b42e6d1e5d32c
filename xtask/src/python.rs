//! Programs from PyPI, each set in an environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{run_to_end, say};

/// The folder of the programs of an environment that has `packages`; made in `folder` on the first run.
pub(crate) fn environment(folder: &Path, packages: &[&str]) -> Result<PathBuf> {
    let venv = folder.join("venv");
    let programs = venv.join("bin");
    let complete = venv.join("complete");
    if complete.exists() {
        return Ok(programs);
    }
    say(format_args!(
        "installing {} from PyPI into {}",
        packages.join(", "),
        venv.display()
    ));
    run_to_end(Command::new("python3").args(["-m", "venv"]).arg(&venv))
        .context("Python's venv module is needed; on Debian and Ubuntu: apt-get install python3-venv")?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run_to_end(Command::new(programs.join("python")).args(install).args(packages))
        .context("the packages could not be installed from PyPI")?;
    std::fs::write(&complete, "")?;
    Ok(programs)
}
