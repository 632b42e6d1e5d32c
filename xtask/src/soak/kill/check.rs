//! Compares what the server shows, and what lies on the disk, with what was acknowledged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::super::client::{Client, text};
use super::ledger::Stored;
use crate::hash::sha256_hex;

pub(super) struct Checker {
    data_dir: PathBuf,
    cookie: String,
    /// Names of objects that were read and found whole: an object never changes, so once is enough.
    whole: BTreeSet<String>,
}

impl Checker {
    pub(super) fn new(data_dir: PathBuf, cookie: String) -> Self {
        Self {
            data_dir,
            cookie,
            whole: BTreeSet::new(),
        }
    }

    /// The recording reads as the device sent it.
    pub(super) fn acknowledged(&self, client: &Client, stored: &Stored) -> Result<()> {
        let found = client.raw_sha256(&self.cookie, &stored.recording_id)?;
        let sent = stored.sent.sha256_hex();
        if found != sent {
            bail!(
                "recording {} was acknowledged as {sent} and reads as {found}",
                stored.recording_id
            );
        }
        Ok(())
    }

    /// Every object has the content that its name says. Gives the names of those that are there.
    pub(super) fn objects_are_whole(&mut self) -> Result<BTreeSet<String>> {
        let mut present = BTreeSet::new();
        for tenant in folder(&self.data_dir.join("raw"))? {
            for object in folder(&tenant)? {
                let name = name(&object)?;
                present.insert(name.clone());
                if self.whole.contains(&name) {
                    continue;
                }
                let found = sha256_hex(&fs::read(&object)?);
                if found != name {
                    bail!("a half object is visible: {name} has the content of {found}");
                }
                self.whole.insert(name);
            }
        }
        Ok(present)
    }

    /// Every listed session and picture has its recording, its recording has its object, and every object has a recording: what a
    /// kill left between an object and its row was swept at the next start. Nothing may be under way meanwhile. Gives how many
    /// objects there are.
    pub(super) fn complete(&mut self, client: &Client) -> Result<usize> {
        let mut visible = BTreeSet::new();
        for session in client.sessions(&self.cookie)? {
            visible.insert(client.raw_etag(&self.cookie, &session.recording_id)?);
        }
        for picture in client.pages(&self.cookie, "/api/v1/pictures?limit=100", "pictures")? {
            visible.insert(client.raw_etag(&self.cookie, &text(&picture, "id")?)?);
        }
        let present = self.objects_are_whole()?;
        if let Some(missing) = visible.difference(&present).next() {
            bail!("a recording is listed whose object {missing} is not there");
        }
        if let Some(orphan) = present.difference(&visible).next() {
            bail!("object {orphan} has no recording, and the sweep at the start left it");
        }
        Ok(present.len())
    }

    /// Nothing unfinished is left after a start at which nothing was under way: no note of an object, no half file.
    pub(super) fn swept(&self) -> Result<()> {
        for place in ["staging", "uploads"] {
            let left = folder(&self.data_dir.join(place))?;
            ensure!(left.is_empty(), "the sweep at the start left {left:?}");
        }
        Ok(())
    }
}

fn name(path: &Path) -> Result<String> {
    let name = path.file_name().context("an object has a name")?;
    Ok(name.to_string_lossy().into_owned())
}

fn folder(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_object_is_found() {
        let data_dir = std::env::temp_dir().join(format!("fieldpost-check-{}", std::process::id()));
        let tenant = data_dir.join("raw/tenant");
        fs::create_dir_all(&tenant).unwrap();
        fs::write(tenant.join(sha256_hex(b"whole")), b"whole").unwrap();
        let mut checker = Checker::new(data_dir.clone(), String::new());
        assert!(checker.objects_are_whole().is_ok());
        fs::write(tenant.join(sha256_hex(b"the whole file")), b"the wh").unwrap();
        let error = checker.objects_are_whole().unwrap_err();
        assert!(
            error.to_string().starts_with("a half object is visible"),
            "{error}"
        );
        fs::remove_dir_all(&data_dir).unwrap();
    }
}
