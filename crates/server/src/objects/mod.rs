//! Bytes: raw recordings by their hash, derived files by their recording.
//!
//! ```text
//! raw/<tenant>/<sha256>                    immutable, whole or absent
//! derived/<tenant>/<recording id>/<files>  whole while the session is `ready`
//! staging/                                 whatever is not finished; swept at start
//! uploads/                                 what arrives in pieces, over days: see `uploads`
//! ```
//!
//! A thing gets its final name by a rename, after its bytes are synced and before its folder is; rows that refer to it
//! are committed after that. So what a row names is always whole. An object that waits for its row has a note in staging
//! ([`Claim`]), so that the next start finds what a death between the two left behind. After a power cut the note itself may
//! be gone; then the object stays, invisible, and the next upload of the same bytes takes its place.
//!
//! All functions block. Why this is not `object_store`'s local folder: `docs/decisions/0002-local-objects.md`.

mod claim;
mod derived;
mod digest;
mod lock;
mod staged;

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use claim::Claim;
pub use derived::{DerivedDraft, DerivedFile};
pub use digest::{Digest, NotADigest};
pub use lock::{FolderLock, LockError};
pub use staged::{Finished, Staged};
use uuid::Uuid;

use crate::durable::{self, Durable, SyncPoint};
use crate::store::{RecordingId, TenantId};

/// The object folders of one data folder.
pub struct Objects {
    fs: Arc<dyn Durable>,
    root: PathBuf,
    /// Tenants' folders whose names this process has synced. An earlier process may have made a folder and died before
    /// its sync, so "it exists" is not enough.
    synced: Mutex<HashSet<PathBuf>>,
}

impl Objects {
    /// Makes the folders that are missing. Does not touch what is in them.
    pub fn open(fs: Arc<dyn Durable>, root: &Path) -> io::Result<Self> {
        create_data_folder(&*fs, root)?;
        for name in ["raw", "derived", "staging", "uploads"] {
            durable::create_folder_if_missing(&*fs, &root.join(name))?;
        }
        fs.sync_folder(root, SyncPoint::Layout)?;
        Ok(Self {
            fs,
            root: root.to_owned(),
            synced: Mutex::default(),
        })
    }

    /// Removes what an earlier process left unfinished, all but the notes; says how many things. Only for the process that holds the
    /// [`FolderLock`]: another one's uploads are in there too.
    pub fn sweep_staging(&self) -> io::Result<usize> {
        let staging = self.root.join("staging");
        let mut swept = 0;
        for entry in self.fs.list(&staging)? {
            if Claim::parse(&entry.name).is_some() {
                continue;
            }
            let path = staging.join(&entry.name);
            if entry.is_folder {
                durable::remove_tree(&*self.fs, &path)?;
            } else {
                self.fs.remove_file(&path)?;
            }
            swept += 1;
        }
        Ok(swept)
    }

    fn staging(&self, name: &str) -> PathBuf {
        self.root.join("staging").join(name)
    }

    /// Begins a file that becomes an object when it is finished and adopted, or nothing at all. `name` must be fresh.
    pub fn stage(&self, name: Uuid) -> io::Result<Staged> {
        Staged::create(self.fs.clone(), self.staging(&name.to_string()))
    }

    /// A file with these bytes, synced, that was put in staging under this name; to be adopted.
    pub(crate) fn finished(&self, name: Uuid, digest: Digest, size_bytes: u64) -> Finished {
        let path = self.staging_path(name);
        Finished::at(self.fs.clone(), path, digest, size_bytes)
    }

    pub(crate) fn staging_path(&self, name: Uuid) -> PathBuf {
        self.staging(&name.to_string())
    }

    /// Gives a finished file its place; durable on return. The same bytes may be there already: they are replaced by
    /// themselves, which also repairs an object that was damaged on disk. [`Objects::settle`] it once its row is committed.
    pub fn adopt(&self, tenant: TenantId, finished: Finished) -> io::Result<Claim> {
        let folder = self.root.join("raw").join(tenant.to_string());
        self.ensure_tenant_folder(&folder, SyncPoint::RawTenant)?;
        let digest = finished.digest;
        let claim = Claim { tenant, digest };
        self.note(claim)?;
        finished.rename_to(&folder.join(digest.to_string()))?;
        self.fs.sync_folder(&folder, SyncPoint::ObjectName)?;
        Ok(claim)
    }

    /// Where an object lies, for serving it; whether it is there is the rows' business.
    #[must_use]
    pub fn raw_path(&self, tenant: TenantId, digest: Digest) -> PathBuf {
        self.root
            .join("raw")
            .join(tenant.to_string())
            .join(digest.to_string())
    }

    /// Whether an object is there in its full length.
    pub fn holds(&self, tenant: TenantId, digest: Digest, size_bytes: u64) -> io::Result<bool> {
        match self.fs.length_bytes(&self.raw_path(tenant, digest)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            length => Ok(length? == size_bytes),
        }
    }

    pub fn open_raw(&self, tenant: TenantId, digest: Digest) -> io::Result<Box<dyn Read + Send>> {
        self.fs.open(&self.raw_path(tenant, digest))
    }

    /// The folder of a recording's derived files: `gps.parquet`, one file for each other stream, `report.json`.
    #[must_use]
    pub fn derived_path(&self, tenant: TenantId, recording: RecordingId) -> PathBuf {
        self.root
            .join("derived")
            .join(tenant.to_string())
            .join(recording.to_string())
    }

    /// Begins a new set of derived files beside the present one. `name` must be fresh.
    pub fn draft_derived(&self, name: Uuid) -> io::Result<DerivedDraft> {
        DerivedDraft::create(self.fs.clone(), self.staging(&format!("derived-{name}")))
    }

    /// Puts a draft in place of whatever derived files the recording has; durable on return. For a moment there are
    /// none: the session must not be `ready` meanwhile.
    pub fn publish_derived(
        &self,
        tenant: TenantId,
        recording: RecordingId,
        draft: DerivedDraft,
    ) -> io::Result<()> {
        let folder = self.root.join("derived").join(tenant.to_string());
        self.ensure_tenant_folder(&folder, SyncPoint::DerivedTenant)?;
        draft.sync()?;
        let place = folder.join(recording.to_string());
        let aside = draft.aside();
        match self.fs.rename(&place, &aside) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        draft.rename_to(&place)?;
        self.fs.sync_folder(&folder, SyncPoint::DerivedFolder)?;
        // Without a journal the folder may be found under both names after a power cut, and the sweep of staging would
        // empty it. A file is safe from that: removing one of its names leaves the other.
        self.fs
            .sync_folder(&self.root.join("staging"), SyncPoint::StagingLeft)?;
        durable::remove_tree(&*self.fs, &aside)
    }

    /// Takes away the derived files of a recording that cannot be analysed any more. `name` must be fresh. After a power cut
    /// they may be back; nothing refers to them.
    pub fn remove_derived(&self, tenant: TenantId, recording: RecordingId, name: Uuid) -> io::Result<()> {
        let aside = self.staging(&format!("removed-{name}"));
        match self.fs.rename(&self.derived_path(tenant, recording), &aside) {
            Ok(()) => durable::remove_tree(&*self.fs, &aside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Name, size and hash of each derived file that a recording has, sorted by name; empty if there are none.
    pub fn derived_files(&self, tenant: TenantId, recording: RecordingId) -> io::Result<Vec<DerivedFile>> {
        derived::files_in(&*self.fs, &self.derived_path(tenant, recording))
    }

    fn ensure_tenant_folder(&self, folder: &Path, point: SyncPoint) -> io::Result<()> {
        if self.synced().contains(folder) {
            return Ok(());
        }
        durable::create_folder_if_missing(&*self.fs, folder)?;
        if let Some(parent) = folder.parent() {
            self.fs.sync_folder(parent, point)?;
        }
        self.synced().insert(folder.to_owned());
        Ok(())
    }

    fn synced(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        // The set is only ever added to, so another thread's panic cannot have left it half changed.
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the data folder and whatever is missing above it, each name synced in its parent.
fn create_data_folder(fs: &dyn Durable, root: &Path) -> io::Result<()> {
    match fs.create_folder(root) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = root.parent().ok_or(error)?;
            create_data_folder(fs, parent)?;
            fs.create_folder(root)?;
        }
        Err(error) => return Err(error),
    }
    match root.parent() {
        // A bare name like `fieldpost-data` has the empty path as its parent.
        Some(parent) if parent.as_os_str().is_empty() => {
            fs.sync_folder(Path::new("."), SyncPoint::DataFolder)
        }
        Some(parent) => fs.sync_folder(parent, SyncPoint::DataFolder),
        None => Ok(()),
    }
}
