//! Takes recordings in, whichever way they come. Knows no HTTP.
//!
//! ```text
//! begin ─► write, write, … ─► finish ─► Placed        drop at any point: nothing is visible, staging is cleaned
//! ```
//!
//! `finish` answers when the bytes, their name and their rows would survive a power cut. Everything is idempotent: the
//! same bytes of the same recording answer the rows that are there. Other bytes under a known name are another version,
//! never an overwrite; the same bytes under another name are another recording that shares the object.

mod gathered;
mod identity;
mod incoming;

use std::io;
use std::sync::Arc;

pub(crate) use gathered::Gathered;
pub(crate) use identity::{HEAD_BYTES_MAX, identity};
pub use incoming::Incoming;
use tokio::sync::Notify;

use crate::objects::Objects;
use crate::store::quota::{OverQuota, PlaceError, Quota};
pub use crate::store::recordings::{Kind, Placed};
use crate::store::{DeviceId, Store, StoreError, TenantId, UserId};

/// Longest file name that is kept, in bytes; as long as file systems allow, so no real file is refused.
const NAME_BYTES_MAX: usize = 255;

/// Why an upload was not stored. Nothing of it is visible.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// 413.
    #[error(
        "the recording is larger than the {max_bytes} bytes that this server accepts; \
             raise the limit in its settings or split the recording"
    )]
    TooLarge { max_bytes: u64 },
    /// 400: the connection broke or the sender stopped early.
    #[error("{received_bytes} bytes arrived but {announced_bytes} were announced; send the whole file again")]
    Incomplete {
        announced_bytes: u64,
        received_bytes: u64,
    },
    /// 400.
    #[error("a file name of 1 to {NAME_BYTES_MAX} bytes without control characters is needed")]
    BadName,
    /// 507.
    #[error("the server's disk is full; the recording was not stored, keep it and try again later")]
    DiskFull,
    /// 507.
    #[error(transparent)]
    OverQuota(OverQuota),
    /// 500, to be tried again.
    #[error("the recording could not be written: {0}")]
    Io(io::Error),
    /// 500, to be tried again.
    #[error(transparent)]
    Store(StoreError),
}

impl From<io::Error> for IngestError {
    fn from(error: io::Error) -> Self {
        if matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ) {
            Self::DiskFull
        } else {
            Self::Io(error)
        }
    }
}

impl From<StoreError> for IngestError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::DiskFull) {
            Self::DiskFull
        } else {
            Self::Store(error)
        }
    }
}

impl From<PlaceError> for IngestError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::OverQuota(over) => Self::OverQuota(over),
            PlaceError::Store(error) => error.into(),
        }
    }
}

/// Who sends, already authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    pub tenant: TenantId,
    /// The device that made the recording, if known.
    pub device: Option<DeviceId>,
    /// The person who brought it; `None` when the device came by itself.
    pub user: Option<UserId>,
}

/// What is known of a recording before its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub sender: Sender,
    pub file_name: String,
    pub kind: Kind,
    /// As the sender announces it; a different length is an error.
    pub size_bytes: Option<u64>,
}

/// A stored recording, as the sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    pub placed: Placed,
    pub sha256: crate::objects::Digest,
    pub size_bytes: u64,
}

/// The way in. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    store: Store,
    objects: Arc<Objects>,
    /// Woken when a job was born.
    work: Arc<Notify>,
    quota: Quota,
    recording_bytes_max: u64,
}

impl Ingest {
    #[must_use]
    pub fn new(
        store: Store,
        objects: Arc<Objects>,
        work: Arc<Notify>,
        quota: Quota,
        recording_bytes_max: u64,
    ) -> Self {
        Self {
            store,
            objects,
            work,
            quota,
            recording_bytes_max,
        }
    }

    /// Makes a place in staging for a recording.
    pub async fn begin(&self, mut upload: Upload) -> Result<Incoming, IngestError> {
        upload.file_name = plain_name(&upload.file_name)?.to_owned();
        if upload
            .size_bytes
            .is_some_and(|size| size > self.recording_bytes_max)
        {
            return Err(IngestError::TooLarge {
                max_bytes: self.recording_bytes_max,
            });
        }
        let tenant = upload.sender.tenant;
        let room = self.quota.room(&self.store, tenant).await?;
        if let (Some(room), Some(size)) = (room, upload.size_bytes) {
            room.admits(&self.store, tenant, size, true).await?;
        }
        // One that was announced has been admitted; its last word is the transaction's.
        let room = room.filter(|_| upload.size_bytes.is_none());
        Incoming::begin(self.clone(), upload, room).await
    }
}

/// The last part of what may be a path on the sender's machine; a name is a label, never a path on ours.
pub fn plain_name(name: &str) -> Result<&str, IngestError> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).trim();
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(IngestError::BadName) }
}
