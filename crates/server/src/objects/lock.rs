//! One process at a time may own a data folder's unfinished things: its staging and its job leases.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Held while a server or a rebuild works on the folder; the operating system frees it when the process ends, however
/// it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works on this folder.
    #[error("{0} is in use by another fieldpost process; stop it first")]
    Taken(String),
    #[error("cannot lock {path}: {cause}")]
    Io { path: String, cause: std::io::Error },
}

impl FolderLock {
    /// The folder has to exist.
    pub fn take(root: &Path) -> Result<Self, LockError> {
        let path = root.join("lock");
        let io = |cause| LockError::Io {
            path: path.display().to_string(),
            cause,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken(root.display().to_string())),
            Err(TryLockError::Error(cause)) => Err(io(cause)),
        }
    }
}
