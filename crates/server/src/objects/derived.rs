//! A recording's derived files while they are being made, and a look at those that are there.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Digest;
use crate::durable::{self, Durable, DurableFile, SyncPoint};

/// One derived file as it lies on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DerivedFile {
    pub name: String,
    pub size_bytes: u64,
    pub sha256: Digest,
}

/// A folder of derived files in the making. Dropping it unpublished removes it.
pub struct DerivedDraft {
    fs: Arc<dyn Durable>,
    folder: PathBuf,
    files: Vec<SharedFile>,
    published: bool,
}

/// The maker of a file keeps one handle to write, the draft the other to sync.
#[derive(Clone)]
struct SharedFile(Arc<Mutex<Box<dyn DurableFile>>>);

impl SharedFile {
    fn with<T>(&self, act: impl FnOnce(&mut dyn DurableFile) -> io::Result<T>) -> io::Result<T> {
        let mut file = self
            .0
            .lock()
            .map_err(|_| io::Error::other("a writer of this file panicked"))?;
        act(&mut **file)
    }
}

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|file| file.flush())
    }
}

impl DerivedDraft {
    pub(super) fn create(fs: Arc<dyn Durable>, folder: PathBuf) -> io::Result<Self> {
        fs.create_folder(&folder)?;
        Ok(Self {
            fs,
            folder,
            files: Vec::new(),
            published: false,
        })
    }

    /// A new file of this set. Names are made by us from stream names, which come from recordings: only plain ones pass.
    pub fn file(&mut self, name: &str) -> io::Result<Box<dyn Write + Send>> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            let text = format!("{name:?} cannot be the name of a derived file");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let file = SharedFile(Arc::new(Mutex::new(self.fs.create(&self.folder.join(name))?)));
        self.files.push(file.clone());
        Ok(Box::new(file))
    }

    /// What has been written so far.
    pub fn files(&self) -> io::Result<Vec<DerivedFile>> {
        files_in(&*self.fs, &self.folder)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        for file in &self.files {
            file.with(|file| file.sync(SyncPoint::DerivedBytes))?;
        }
        self.fs.sync_folder(&self.folder, SyncPoint::DerivedNames)
    }

    /// Where the files that this draft replaces are put before they are removed.
    pub(super) fn aside(&self) -> PathBuf {
        self.folder.with_extension("old")
    }

    pub(super) fn rename_to(mut self, place: &Path) -> io::Result<()> {
        self.fs.rename(&self.folder, place)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for DerivedDraft {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        if let Err(error) = durable::remove_tree(&*self.fs, &self.folder) {
            // Nothing depends on it: the sweep at the next start takes it.
            tracing::warn!(%error, path = %self.folder.display(), "unfinished derived files could not be removed");
        }
    }
}

/// The files of a folder with their hashes; a folder that is not there has none.
pub(super) fn files_in(fs: &dyn Durable, folder: &Path) -> io::Result<Vec<DerivedFile>> {
    let entries = match fs.list(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    entries
        .into_iter()
        .map(|entry| hash_file(fs, folder, entry.name))
        .collect()
}

fn hash_file(fs: &dyn Durable, folder: &Path, name: String) -> io::Result<DerivedFile> {
    let mut file = fs.open(&folder.join(&name))?;
    let mut hasher = Sha256::new();
    let mut size_bytes = 0;
    // Large enough that a call costs nothing beside the hashing.
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(DerivedFile {
                name,
                size_bytes,
                sha256: Digest(hasher.finalize().into()),
            });
        }
        hasher.update(&buffer[..read]);
        size_bytes += u64::try_from(read).unwrap_or(u64::MAX);
    }
}
