//! A copy of the code in another folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::output;

/// Everything that is committed or about to be, as it lies in the working copy.
pub(super) fn copy(root: &Path, whose: &str) -> Result<PathBuf> {
    let tree = root.join("target").join(whose).join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let mut list = Command::new("git");
    list.current_dir(root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    for file in output(&mut list)?.lines() {
        let (from, to) = (root.join(file), tree.join(file));
        if !from.is_file() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&from, &to).with_context(|| file.to_owned())?;
    }
    Ok(tree)
}
