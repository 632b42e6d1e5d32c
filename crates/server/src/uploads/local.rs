//! Resumable uploads as files beside the database.
//!
//! ```text
//! uploads/<id>        the bytes, only ever appended to
//! uploads/<id>.mark   records of how far they are durable, one appended for each acknowledged offset
//! uploads/<id>.next   a fresh mark file on its way to replace the other
//! ```
//!
//! An offset is acknowledged after three things, in this order: the bytes before it are synced, a record of it is appended
//! and synced, and, the first time, the names of both files are synced. So the last whole record speaks the truth
//! after any cut; bytes beyond it were never acknowledged and are cut off before anything else is appended. When the
//! record file has [`RECORDS_MAX`] records, a new one with one record takes its place.
//!
//! A finished upload's file gets a second name among the objects and loses its first one later. A cut in between may bring
//! back the first name without its records, so a file that nothing is recorded of is removed, never emptied: emptying
//! it would empty the object.
//!
//! A process that is killed leaves records that were written and not synced, and the next one reads them: it syncs
//! every record file at its start, before it believes one. A sync that failed leaves the same doubt within a process:
//! the record is then written afresh before it is believed.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::UploadBytes;
use super::mark::{self, Mark, RECORD_BYTES};
use crate::durable::{Durable, SyncPoint};
use crate::objects::{Finished, Objects};
use crate::store::UploadId;

/// After as many records the file is replaced by one with the last alone; it is read as a whole for each request.
const RECORDS_MAX: usize = 64;
/// Copied at once where a file cannot have a second name.
const COPY_BYTES: usize = 64 * 1024;

pub struct LocalUploads {
    fs: Arc<dyn Durable>,
    folder: PathBuf,
    objects: Arc<Objects>,
    /// Uploads whose record could not be made durable: what the file says of them may be gone after a cut.
    doubted: Mutex<HashSet<UploadId>>,
}

impl LocalUploads {
    /// Takes over the folder `uploads` under `root`, where [`Objects::open`] made it: what an earlier process recorded is made
    /// durable, and bytes beyond it are cut off.
    pub fn open(fs: Arc<dyn Durable>, root: &Path, objects: Arc<Objects>) -> io::Result<Self> {
        let uploads = Self {
            fs,
            folder: root.join("uploads"),
            objects,
            doubted: Mutex::default(),
        };
        for id in uploads.ids()? {
            uploads.take_over(id)?;
        }
        uploads
            .fs
            .sync_folder(&uploads.folder, SyncPoint::ResumableNamesFound)?;
        Ok(uploads)
    }

    fn take_over(&self, id: UploadId) -> io::Result<()> {
        remove_if_there(&*self.fs, &self.next_path(id))?;
        let length_bytes = match self.fs.length_bytes(&self.bytes_path(id)) {
            // The record's name outlived a cut and the bytes' did not, or the upload was being removed. Bytes that come
            // later must not be believed on a record of these.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return remove_if_there(&*self.fs, &self.mark_path(id));
            }
            length => length?,
        };
        let (mark, records) = self.recorded(id, length_bytes)?;
        if records == 0 {
            remove_if_there(&*self.fs, &self.mark_path(id))?;
            return self.fs.remove_file(&self.bytes_path(id));
        }
        if length_bytes > mark.offset_bytes {
            drop(self.fs.append_from(&self.bytes_path(id), mark.offset_bytes)?);
        }
        let mut file = self.fs.append_from(&self.mark_path(id), record_offset(records))?;
        file.sync(SyncPoint::ResumableMarkFound)
    }

    /// The last record that can be believed of so many bytes, and how many records there are up to it.
    fn recorded(&self, id: UploadId, length_bytes: u64) -> io::Result<(Mark, usize)> {
        let mut file = Vec::new();
        match self.fs.open(&self.mark_path(id)) {
            Ok(mut records) => drop(records.read_to_end(&mut file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let found = mark::last_of(&file, length_bytes);
        if found.is_none() && !file.is_empty() {
            tracing::warn!(%id, length_bytes, "no record of this upload can be believed; it begins again");
        }
        Ok(found.unwrap_or_default())
    }

    fn present(&self, id: UploadId) -> io::Result<(Mark, usize)> {
        match self.fs.length_bytes(&self.bytes_path(id)) {
            Ok(length_bytes) => self.recorded(id, length_bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Mark::default(), 0)),
            Err(error) => Err(error),
        }
    }

    /// Appends the record, or begins a file with it.
    fn record(&self, id: UploadId, mark: &Mark, records: usize) -> io::Result<()> {
        if (1..RECORDS_MAX).contains(&records) {
            let mut file = self.fs.append_from(&self.mark_path(id), record_offset(records))?;
            file.write_all(&mark.encode())?;
            return file.sync(SyncPoint::ResumableMark);
        }
        let next = self.next_path(id);
        remove_if_there(&*self.fs, &next)?;
        let mut file = self.fs.create(&next)?;
        file.write_all(&mark.encode())?;
        file.sync(SyncPoint::ResumableMark)?;
        self.fs.rename(&next, &self.mark_path(id))?;
        self.fs.sync_folder(&self.folder, SyncPoint::ResumableNames)
    }

    fn bytes_path(&self, id: UploadId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    fn mark_path(&self, id: UploadId) -> PathBuf {
        self.folder.join(format!("{id}.mark"))
    }

    fn next_path(&self, id: UploadId) -> PathBuf {
        self.folder.join(format!("{id}.next"))
    }

    fn doubted(&self) -> MutexGuard<'_, HashSet<UploadId>> {
        // A set of ids is whole after another thread's panic too.
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a file can have one name only, its bytes are written again.
    fn copy_to_staging(&self, id: UploadId, to: &Path) -> io::Result<()> {
        let mut from = self.fs.open(&self.bytes_path(id))?;
        let mut copy = self.fs.create(to)?;
        let mut piece = vec![0; COPY_BYTES];
        loop {
            match from.read(&mut piece)? {
                0 => return copy.sync(SyncPoint::UploadBytes),
                count => copy.write_all(&piece[..count])?,
            }
        }
    }
}

impl UploadBytes for LocalUploads {
    fn mark(&self, id: UploadId) -> io::Result<Mark> {
        let (mark, records) = self.present(id)?;
        if records > 0 && self.doubted().contains(&id) {
            self.record(id, &mark, RECORDS_MAX)?;
            self.doubted().remove(&id);
        }
        Ok(mark)
    }

    fn append(&self, id: UploadId, offset_bytes: u64, pieces: &[Bytes]) -> io::Result<()> {
        let path = self.bytes_path(id);
        let mut file = if offset_bytes == 0 {
            remove_if_there(&*self.fs, &path)?;
            self.fs.create(&path)?
        } else {
            self.fs.append_from(&path, offset_bytes)?
        };
        for piece in pieces {
            file.write_all(piece)?;
        }
        Ok(())
    }

    fn commit(&self, id: UploadId, mark: &Mark) -> io::Result<()> {
        // Opening at the offset also cuts off what a discarded piece left behind it.
        let mut bytes = self.fs.append_from(&self.bytes_path(id), mark.offset_bytes)?;
        bytes.sync(SyncPoint::ResumableBytes)?;
        let (before, records) = self.recorded(id, mark.offset_bytes)?;
        if records > 0 && before.offset_bytes == mark.offset_bytes && !self.doubted().contains(&id) {
            return Ok(());
        }
        self.doubted().insert(id);
        self.record(id, mark, records)?;
        self.doubted().remove(&id);
        Ok(())
    }

    fn read(&self, id: UploadId) -> io::Result<Box<dyn Read + Send>> {
        match self.fs.open(&self.bytes_path(id)) {
            // Nothing was ever sent.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Box::new(io::empty())),
            opened => opened,
        }
    }

    fn finish(&self, id: UploadId, mark: &Mark, name: uuid::Uuid) -> io::Result<Finished> {
        let finished = self.objects.finished(name, mark.digest(), mark.offset_bytes);
        let staged = self.objects.staging_path(name);
        if mark.offset_bytes == 0 {
            self.append(id, 0, &[])?;
        }
        if self.fs.length_bytes(&self.bytes_path(id))? > mark.offset_bytes {
            let mut bytes = self.fs.append_from(&self.bytes_path(id), mark.offset_bytes)?;
            bytes.sync(SyncPoint::ResumableEnd)?;
        }
        match self.fs.link(&self.bytes_path(id), &staged) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.copy_to_staging(id, &staged)?,
            linked => linked?,
        }
        Ok(finished)
    }

    fn remove(&self, id: UploadId) -> io::Result<()> {
        remove_if_there(&*self.fs, &self.mark_path(id))?;
        remove_if_there(&*self.fs, &self.bytes_path(id))?;
        self.doubted().remove(&id);
        Ok(())
    }

    fn ids(&self) -> io::Result<Vec<UploadId>> {
        let entries = self.fs.list(&self.folder)?;
        let stems = entries.iter().filter_map(|entry| entry.name.split('.').next());
        // Sorted by name, so an upload's files follow each other.
        let mut ids: Vec<UploadId> = stems.filter_map(|stem| stem.parse().ok()).collect();
        ids.dedup();
        Ok(ids)
    }
}

fn record_offset(records: usize) -> u64 {
    u64::try_from(records * RECORD_BYTES).unwrap_or(u64::MAX)
}

fn remove_if_there(fs: &dyn Durable, path: &Path) -> io::Result<()> {
    match fs.remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
