//! The web workspace: its packages, its checks, its build.
//!
//! `web/package.json` is the root of the npm workspaces; its scripts are the vocabulary used here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::process::{exists, run_to_end, say};

pub(crate) struct Web {
    folder: PathBuf,
}

impl Web {
    /// # Errors
    /// Node or npm is missing.
    pub(crate) fn new(root: &Path) -> Result<Self> {
        if !exists("node") || !exists("npm") {
            bail!("Node is not installed: install Node 20 or newer with npm and run this again");
        }
        Ok(Self {
            folder: root.join("web"),
        })
    }

    pub(crate) fn npm(&self, args: &[&str]) -> Command {
        let mut npm = Command::new("npm");
        npm.current_dir(&self.folder).args(args);
        npm
    }

    /// `npm run <script>`.
    pub(crate) fn script(&self, name: &str) -> Command {
        self.npm(&["run", "--silent", name])
    }

    /// Installs exactly what the lock file says, unless that was done since the lock file changed.
    pub(crate) fn install(&self) -> Result<()> {
        // npm writes this file at the end of an installation.
        let installed = modified(&self.folder.join("node_modules/.package-lock.json"));
        if installed.is_some() && installed > modified(&self.folder.join("package-lock.json")) {
            say("web packages are installed");
            return Ok(());
        }
        run_to_end(&mut self.npm(&["ci", "--no-audit", "--no-fund"]))
    }

    /// Builds the app unless the build is newer than every source.
    pub(crate) fn build_if_changed(&self) -> Result<()> {
        let built = modified(&self.folder.join("app/build/index.html"));
        if built.is_some() && built > newest_source(&self.folder)? {
            say("web app is built");
            return Ok(());
        }
        run_to_end(&mut self.script("build"))
    }
}

fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file)
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// The youngest file under a folder, without packages and build output.
fn newest_source(folder: &Path) -> Result<Option<SystemTime>> {
    let mut newest = None;
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if ["node_modules", "build", ".svelte-kit", "test-results"]
            .iter()
            .any(|skipped| name == *skipped)
        {
            continue;
        }
        let time = if entry.file_type()?.is_dir() {
            newest_source(&entry.path())?
        } else {
            modified(&entry.path())
        };
        newest = newest.max(time);
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_builds_are_no_sources() {
        let folder = std::env::temp_dir().join(format!("fieldpost-web-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("node_modules")).unwrap();
        std::fs::write(folder.join("node_modules/a.js"), "").unwrap();
        assert_eq!(newest_source(&folder).unwrap(), None);
        std::fs::write(folder.join("a.ts"), "").unwrap();
        assert!(newest_source(&folder).unwrap().is_some());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
