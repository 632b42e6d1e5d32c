//! Other programs to compare with, in a Python environment of their own.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::python::environment;

/// The interpreter that has polars, pandas and pyarrow; made on the first run.
pub(super) fn python(folder: &Path) -> Result<PathBuf> {
    let programs = environment(folder, &["polars", "pandas", "pyarrow"])?;
    Ok(programs.join("python"))
}
