//! Other programs to compare with, in a Python environment of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{run_to_end, say};

/// The interpreter that has polars, pandas and pyarrow; made on the first run.
pub(super) fn python(folder: &Path) -> Result<PathBuf> {
    let venv = folder.join("venv");
    let python = venv.join("bin").join("python");
    let complete = venv.join("complete");
    if complete.exists() {
        return Ok(python);
    }
    say(format_args!(
        "installing polars, pandas and pyarrow from PyPI into {}",
        venv.display()
    ));
    run_to_end(Command::new("python3").args(["-m", "venv"]).arg(&venv))
        .context("the peers need Python's venv module; on Debian and Ubuntu: apt-get install python3-venv")?;
    run_to_end(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "polars",
        "pandas",
        "pyarrow",
    ]))
    .context("the peers could not be installed from PyPI")?;
    std::fs::write(&complete, "")?;
    Ok(python)
}
