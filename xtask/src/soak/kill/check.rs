//! Compares what the server shows, and what lies on the disk, with what was acknowledged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::client::Client;
use super::ledger::Stored;
use crate::hash::sha256_hex;

pub(crate) struct Checker {
    raw: PathBuf,
    cookie: String,
    /// Names of objects that were read and found whole: an object never changes, so once is enough.
    whole: BTreeSet<String>,
}

/// Figures of a complete check.
pub(crate) struct Objects {
    pub(crate) whole: usize,
}

impl Checker {
    pub(crate) fn new(raw: PathBuf, cookie: String) -> Self {
        Self {
            raw,
            cookie,
            whole: BTreeSet::new(),
        }
    }

    /// The recording reads as the device sent it.
    pub(crate) fn acknowledged(&self, client: &Client, stored: &Stored) -> Result<()> {
        let found = client.raw_sha256(&self.cookie, &stored.recording_id)?;
        if found != stored.sha256 {
            bail!(
                "recording {} was acknowledged as {} and reads as {found}",
                stored.recording_id,
                stored.sha256
            );
        }
        Ok(())
    }

    /// Every object has the content that its name says. Gives the names of those that are there.
    pub(crate) fn objects_are_whole(&mut self) -> Result<BTreeSet<String>> {
        let mut present = BTreeSet::new();
        for object in objects(&self.raw)? {
            let name = object
                .file_name()
                .context("an object has a name")?
                .to_string_lossy()
                .into_owned();
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
        Ok(present)
    }

    /// Every listed session has its recording, its recording has its object, and every object has a recording: what a kill
    /// left between an object and its row was swept at the next start. Nothing may be under way meanwhile.
    pub(crate) fn complete(&mut self, client: &Client) -> Result<Objects> {
        let mut visible = BTreeSet::new();
        for session in client.sessions(&self.cookie)? {
            visible.insert(client.raw_etag(&self.cookie, &session.recording_id)?);
        }
        let present = self.objects_are_whole()?;
        if let Some(missing) = visible.difference(&present).next() {
            bail!("a session is listed whose object {missing} is not there");
        }
        if let Some(orphan) = present.difference(&visible).next() {
            bail!("object {orphan} has no recording, and the sweep at the start left it");
        }
        Ok(Objects { whole: present.len() })
    }
}

/// All objects of all tenants.
fn objects(raw: &Path) -> Result<Vec<PathBuf>> {
    let mut objects = Vec::new();
    for tenant in folder(raw)? {
        objects.extend(folder(&tenant)?);
    }
    Ok(objects)
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
        let raw = std::env::temp_dir().join(format!("fieldpost-check-{}", std::process::id()));
        let tenant = raw.join("tenant");
        fs::create_dir_all(&tenant).unwrap();
        fs::write(tenant.join(sha256_hex(b"whole")), b"whole").unwrap();
        let mut checker = Checker::new(raw.clone(), String::new());
        assert!(checker.objects_are_whole().is_ok());
        fs::write(tenant.join(sha256_hex(b"the whole file")), b"the wh").unwrap();
        let error = checker.objects_are_whole().unwrap_err();
        assert!(
            error.to_string().starts_with("a half object is visible"),
            "{error}"
        );
        fs::remove_dir_all(&raw).unwrap();
    }
}
