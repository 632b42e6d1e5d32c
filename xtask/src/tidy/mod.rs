//! What a compiler does not check: the direction of dependencies, files that belong to nothing, documents that name
//! missing paths, words and hosts that may not be in the repository, and what a device could not run.
//!
//! Every check is a pure function from texts to findings and is tested with a bad example, so that it is known to be
//! able to fail.

mod arrows;
mod dead_files;
mod device;
mod docs;
mod words;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{output, say};

/// One thing that is wrong, with the file it is in.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    file: String,
    line: Option<usize>,
    text: String,
}

impl Finding {
    fn at(file: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            text: text.into(),
        }
    }

    fn of(file: &str, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            text: text.into(),
        }
    }
}

pub(crate) fn run(root: &Path) -> Result<()> {
    let files = tracked_files(root)?;
    let mut findings = arrows::check(root)?;
    findings.extend(dead_files::check(root, &files)?);
    findings.extend(docs::check(root, &files)?);
    findings.extend(words::check(root, &files)?);
    findings.extend(device::check(root, &files)?);
    for Finding { file, line, text } in &findings {
        match line {
            Some(line) => say(format_args!("{file}:{line}: {text}")),
            None => say(format_args!("{file}: {text}")),
        }
    }
    if !findings.is_empty() {
        bail!("{} untidy things", findings.len());
    }
    say(format_args!("tidy: {} files, nothing found", files.len()));
    Ok(())
}

/// Files that are in the repository or would be added to it: what git ignores is nobody's concern.
fn tracked_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let mut files: Vec<PathBuf> = output(&mut git)?
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .collect();
    // A file that is deleted but not yet committed is still listed.
    files.retain(|file| root.join(file).exists());
    files.sort();
    files.dedup();
    Ok(files)
}

fn read(root: &Path, file: &Path) -> Result<String> {
    std::fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {}", file.display()))
}

fn has_extension(file: &Path, wanted: &str) -> bool {
    file.extension().is_some_and(|extension| extension == wanted)
}
