//! The one seam through which files change.
//!
//! Everything that must survive a power cut (upload bytes, object names, derived folders) is written, renamed and
//! synced through [`Durable`], so that a test can put a file system behind it that loses whatever was not synced, at
//! every operation. Reading goes through it where a durable decision hangs on what is read; serving bytes to a browser
//! does not. All calls block: they are made from blocking threads.
//!
//! The contract under failure is POSIX at its weakest. Before [`DurableFile::sync`] a file may hold any part of what was
//! written; before [`Durable::sync_folder`] an entry that was created, renamed or removed may be there or not, each on
//! its own. A file's sync says nothing about its name.

mod real;

use std::io::{self, Read, Write};
use std::path::Path;

pub use real::RealFs;

/// Every place that syncs, by name, so that a test can leave each one out and watch something be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SyncPoint {
    /// The data folder's own name, when this program created it.
    DataFolder,
    /// The names `raw`, `derived` and `staging` in the data folder.
    Layout,
    /// A tenant's name in `raw`.
    RawTenant,
    /// A tenant's name in `derived`.
    DerivedTenant,
    /// The bytes of an upload.
    UploadBytes,
    /// The name of a stored object in its tenant's folder.
    ObjectName,
    /// The bytes of one derived file.
    DerivedBytes,
    /// The names of the derived files in their folder.
    DerivedNames,
    /// The name of a recording's derived folder in its tenant's folder.
    DerivedFolder,
    /// The absence of that folder in staging.
    StagingLeft,
    /// The bytes of a resumable upload, up to the offset that is about to be recorded.
    ResumableBytes,
    /// The end of a resumable upload's bytes, where something discarded was behind it.
    ResumableEnd,
    /// The record of how far a resumable upload has come.
    ResumableMark,
    /// The names of a resumable upload's files in `uploads`.
    ResumableNames,
    /// The records that an earlier process wrote and may not have synced.
    ResumableMarkFound,
    /// The names of resumable uploads' files as an earlier process left them.
    ResumableNamesFound,
}

impl SyncPoint {
    pub const ALL: [Self; 16] = [
        Self::DataFolder,
        Self::Layout,
        Self::RawTenant,
        Self::DerivedTenant,
        Self::UploadBytes,
        Self::ObjectName,
        Self::DerivedBytes,
        Self::DerivedNames,
        Self::DerivedFolder,
        Self::StagingLeft,
        Self::ResumableBytes,
        Self::ResumableEnd,
        Self::ResumableMark,
        Self::ResumableNames,
        Self::ResumableMarkFound,
        Self::ResumableNamesFound,
    ];

    /// Those of resumable uploads.
    pub const RESUMABLE: [Self; 6] = [
        Self::ResumableBytes,
        Self::ResumableEnd,
        Self::ResumableMark,
        Self::ResumableNames,
        Self::ResumableMarkFound,
        Self::ResumableNamesFound,
    ];
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub name: String,
    pub is_folder: bool,
}

/// A file system as far as we rely on one.
pub trait Durable: Send + Sync + 'static {
    /// Makes a new file to append to; an existing one is an error ([`io::ErrorKind::AlreadyExists`]).
    fn create(&self, path: &Path) -> io::Result<Box<dyn DurableFile>>;
    /// Opens an existing file to go on after its first `offset_bytes`; what it has beyond them is cut off. A shorter file is an
    /// error ([`io::ErrorKind::UnexpectedEof`]). Until the file's next sync the cut may or may not survive.
    fn append_from(&self, path: &Path, offset_bytes: u64) -> io::Result<Box<dyn DurableFile>>;
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>>;
    fn length_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Gives a file a second name. [`io::ErrorKind::Unsupported`] where the file system has none.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Moves a file over whatever file has the name, or a folder to a free name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Names in a folder, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Returns when the names in this folder would survive a power cut.
    fn sync_folder(&self, path: &Path, point: SyncPoint) -> io::Result<()>;
}

/// A file being written, front to back.
pub trait DurableFile: Write + Send {
    /// Returns when every byte written so far would survive a power cut.
    fn sync(&mut self, point: SyncPoint) -> io::Result<()>;
}

/// Makes a folder unless it is there; says whether it was made.
pub fn create_folder_if_missing(fs: &dyn Durable, path: &Path) -> io::Result<bool> {
    match fs.create_folder(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a folder and all that is in it; a folder that is not there is fine.
pub fn remove_tree(fs: &dyn Durable, path: &Path) -> io::Result<()> {
    let entries = match fs.list(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let child = path.join(&entry.name);
        if entry.is_folder {
            remove_tree(fs, &child)?;
        } else {
            fs.remove_file(&child)?;
        }
    }
    fs.remove_folder(path)
}
