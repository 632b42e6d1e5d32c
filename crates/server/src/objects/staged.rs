//! A file on its way to become an object: written and hashed in one pass, removed again if nobody finishes it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::Digest;
use crate::durable::{Durable, DurableFile, SyncPoint};

/// Being written. Dropping it removes the file.
pub struct Staged {
    file: Box<dyn DurableFile>,
    hasher: Sha256,
    size_bytes: u64,
    name: Leftover,
}

/// Written, hashed and synced, not yet adopted. Dropping it removes the file.
pub struct Finished {
    pub digest: Digest,
    pub size_bytes: u64,
    name: Leftover,
}

/// A name in staging that has to go unless it is taken away by a rename.
struct Leftover {
    fs: Arc<dyn Durable>,
    path: Option<PathBuf>,
}

impl Staged {
    pub(super) fn create(fs: Arc<dyn Durable>, path: PathBuf) -> io::Result<Self> {
        let file = fs.create(&path)?;
        Ok(Self {
            file,
            hasher: Sha256::new(),
            size_bytes: 0,
            name: Leftover { fs, path: Some(path) },
        })
    }

    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Syncs the bytes and closes the file.
    pub fn finish(mut self) -> io::Result<Finished> {
        self.file.sync(SyncPoint::UploadBytes)?;
        Ok(Finished {
            digest: Digest(self.hasher.finalize().into()),
            size_bytes: self.size_bytes,
            name: self.name,
        })
    }
}

impl Finished {
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn at(fs: Arc<dyn Durable>, path: PathBuf, digest: Digest, size_bytes: u64) -> Self {
        Self {
            digest,
            size_bytes,
            name: Leftover { fs, path: Some(path) },
        }
    }

    pub(super) fn rename_to(mut self, place: &Path) -> io::Result<()> {
        if let Some(path) = &self.name.path {
            self.name.fs.rename(path, place)?;
        }
        self.name.path = None;
        Ok(())
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let Some(path) = &self.path else { return };
        if let Err(error) = self.fs.remove_file(path) {
            // Nothing depends on it: the sweep at the next start takes it.
            tracing::warn!(%error, path = %path.display(), "an unfinished upload could not be removed");
        }
    }
}
