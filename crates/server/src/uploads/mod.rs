//! Recordings that arrive in pieces, over several requests and days. Knows no HTTP.
//!
//! ```text
//! create ─► find ─┬─► Complete                              a stored recording, for as long as there is its row
//!   │             └─► Open ─► receive ─► write … ─► end ─► Open, further on ─► finish ─► Complete
//!   │                  │                             keep: the connection broke
//!   │                  └─► remove ─► gone ─► forgotten
//!   └─► the same again: whichever of them it is by now
//! ```
//!
//! Promises: an offset that was told is durable and never goes back; whatever arrived before a connection broke is kept;
//! whoever comes next takes an upload over ([`Turn`]). When the last byte is durable the object is adopted and one
//! transaction makes recording, session and job and marks the upload; until that commit the upload has its own bytes,
//! so that every step can be done again, and is, by whoever asks next. Rows see the beginning and the end only; how far an
//! upload has come is recorded beside its bytes, behind [`UploadBytes`].

mod arriving;
mod checking;
mod create;
mod finish;
mod local;
mod mark;
mod progress;
mod tend;
mod turns;

use std::io::{self, Read};
use std::sync::Arc;

pub use arriving::Arriving;
use bytes::Bytes;
pub use create::{NewUpload, Part};
use jiff::{SignedDuration, Timestamp};
pub use local::LocalUploads;
pub use mark::Mark;
pub use progress::Offsets;
use progress::Progress;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
pub use turns::Turn;
use turns::Turns;
use uuid::Uuid;
use wire::upload::Checksum;

use crate::clock;
use crate::ingest::IngestError;
use crate::objects::{Finished, Objects};
use crate::store::quota::{PlaceError, Quota, Room};
use crate::store::uploads as rows;
pub use crate::store::uploads::{Role, State, UploadRow};
use crate::store::{DeviceId, RecordingId, Store, StoreError, TenantId, UploadId};

/// Where the bytes of unfinished uploads are kept.
///
/// One upload is written by one caller at a time; that is the caller's business. All functions block.
///
/// Under failure: after an error of any of these the upload is as its last mark says, which is the one of before the
/// call or, for a failed [`UploadBytes::commit`], perhaps the new one. Calling again is always safe.
pub trait UploadBytes: Send + Sync + 'static {
    /// How far the upload is durable; at the beginning for one that nothing is known of.
    fn mark(&self, id: UploadId) -> io::Result<Mark>;
    /// Writes pieces after the first `offset_bytes`; what was there beyond them goes. Nothing is durable yet.
    fn append(&self, id: UploadId, offset_bytes: u64, pieces: &[Bytes]) -> io::Result<()>;
    /// Returns when every byte before the mark, and the mark, would survive a power cut.
    fn commit(&self, id: UploadId, mark: &Mark) -> io::Result<()>;
    /// The bytes from the beginning, durable ones first.
    fn read(&self, id: UploadId) -> io::Result<Box<dyn Read + Send>>;
    /// The bytes before a committed mark as a file to be adopted; `name` must be fresh. The upload keeps its own until it is removed,
    /// so that no cut between the two loses them.
    fn finish(&self, id: UploadId, mark: &Mark, name: Uuid) -> io::Result<Finished>;
    /// Forgets the upload; one that is not there is fine.
    fn remove(&self, id: UploadId) -> io::Result<()>;
    /// Every upload of which something is kept.
    fn ids(&self) -> io::Result<Vec<UploadId>>;
}

/// An upload that nothing comes for is kept this long: a device may lie in a cellar from one season's end on, and what it
/// sent before is not sent again if it comes back within it.
pub const IDLE_MAX: SignedDuration = SignedDuration::from_hours(60 * 24);
/// A team's open uploads. A fleet's devices have one each; a mistaken client must not fill the disk with beginnings.
pub const OPEN_MAX: u64 = 10_000;

/// Why an upload does not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// 404, also for somebody else's.
    #[error("there is no such upload")]
    NotFound,
    /// 410: deleted or expired; its bytes are gone.
    #[error("this upload was deleted or has expired; begin a new one and send the recording from its start")]
    Gone,
    /// 423.
    #[error("another request holds this upload and has not let go within 5 s; try again")]
    Busy,
    /// 429.
    #[error("this team has {OPEN_MAX} unfinished uploads; finish or delete some")]
    TooMany,
    /// 460: nothing of the request was kept.
    #[error("the bytes do not have the checksum that was sent with them; send this piece again")]
    ChecksumMismatch,
    /// 460: the upload is gone, for no bytes could be added to make it right.
    #[error(
        "all bytes are here and their SHA-256 is {found}, not the {announced} that was announced; \
         the upload was dropped, begin a new one"
    )]
    WrongDigest { announced: String, found: String },
    /// 400: a length that is set stays.
    #[error("the length of this upload is {size_bytes} bytes and cannot be changed")]
    LengthIsSet { size_bytes: u64 },
    /// 400: what has come is longer.
    #[error("{offset_bytes} bytes have come already, so the length cannot be {size_bytes}")]
    LengthTooShort { offset_bytes: u64, size_bytes: u64 },
    /// 400.
    #[error("a part is not an upload of yours that was begun with `Upload-Concat: partial`")]
    NotAPart,
    /// 400.
    #[error("a part is not complete; send all parts before they are put together")]
    PartUnfinished,
    /// 422: the carrier's team has no such device.
    #[error("the team has no device {0}")]
    UnknownDevice(DeviceId),
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> Self {
        Self::Ingest(error.into())
    }
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        Self::Ingest(error.into())
    }
}

impl From<PlaceError> for UploadError {
    fn from(error: PlaceError) -> Self {
        Self::Ingest(error.into())
    }
}

/// Who may see an upload: a device its own, a member those of the team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    pub tenant: TenantId,
    pub only_device: Option<DeviceId>,
}

/// Where an upload stands. Who holds an [`Open`] has its turn.
#[derive(Debug)]
pub enum Standing {
    Complete(UploadRow, RecordingId),
    Open(Open),
}

#[derive(Debug)]
pub struct Open {
    pub row: UploadRow,
    pub mark: Mark,
    turn: Turn,
}

impl Open {
    #[must_use]
    pub fn offset_bytes(&self) -> u64 {
        self.mark.offset_bytes
    }

    /// When it ends unless something comes.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        let last = self.mark.marked_at.unwrap_or(self.row.created_at);
        clock::after(last.max(self.row.created_at), IDLE_MAX)
    }

    /// Whether every byte is here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.row.size_bytes == Some(self.mark.offset_bytes)
    }

    /// Takes the bytes of one request in.
    #[must_use]
    pub fn receive(self, uploads: &Arc<Uploads>, checksum: Option<Checksum>) -> Arriving {
        Arriving::begin(uploads.clone(), self, checksum)
    }
}

/// Every upload of one server.
pub struct Uploads {
    store: Store,
    objects: Arc<Objects>,
    bytes: Arc<dyn UploadBytes>,
    turns: Turns,
    /// Woken when a job was born.
    work: Arc<Notify>,
    quota: Quota,
    recording_bytes_max: u64,
    progress: Progress,
    /// Requests that go on to their end though nobody waits for the answer any more.
    tasks: TaskTracker,
}

impl Uploads {
    pub fn new(
        store: Store,
        objects: Arc<Objects>,
        bytes: Arc<dyn UploadBytes>,
        work: Arc<Notify>,
        quota: Quota,
        recording_bytes_max: u64,
    ) -> Self {
        Self {
            store,
            objects,
            bytes,
            turns: Turns::default(),
            work,
            quota,
            recording_bytes_max,
            progress: Progress::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Runs `work` to its end even when the caller goes away: a broken connection must not stop bytes from being kept.
    ///
    /// It begins at once, so that whoever waits keeps no room for it meanwhile.
    pub fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tasks.spawn(work)
    }

    /// Returns when no request is under way any more; the listener has to have ended.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Takes an upload over from whoever is at it. One whose bytes are all here is finished on the way: a process may have
    /// died between its last byte and its recording.
    pub async fn find(&self, asker: Asker, id: UploadId) -> Result<Standing, UploadError> {
        let row = self.visible(asker, id).await?;
        if let State::Complete { recording } = row.state {
            return Ok(Standing::Complete(row, recording));
        }
        let turn = self.turns.take(id).await.map_err(|_| UploadError::Busy)?;
        // What it was before the wait may have been changed by the one before.
        let row = self.visible(asker, id).await?;
        if let State::Complete { recording } = row.state {
            return Ok(Standing::Complete(row, recording));
        }
        let bytes = self.bytes.clone();
        let mark = blocking(move || bytes.mark(id)).await?;
        let open = Open { row, mark, turn };
        if open.expires_at() <= self.store.now() {
            self.remove(open).await?;
            return Err(UploadError::Gone);
        }
        self.finish_if_whole(open).await
    }

    async fn visible(&self, asker: Asker, id: UploadId) -> Result<UploadRow, UploadError> {
        let row = rows::find(&self.store, asker.tenant, id).await?;
        let row = row.ok_or(UploadError::NotFound)?;
        if asker.only_device.is_some() && row.device != asker.only_device {
            return Err(UploadError::NotFound);
        }
        match row.state {
            State::Gone => Err(UploadError::Gone),
            State::Open | State::Complete { .. } => Ok(row),
        }
    }

    /// Sets the length of an upload that was begun without.
    pub async fn set_length(&self, mut open: Open, size_bytes: u64) -> Result<Open, UploadError> {
        match open.row.size_bytes {
            Some(known) if known == size_bytes => return Ok(open),
            Some(known) => return Err(UploadError::LengthIsSet { size_bytes: known }),
            None => {}
        }
        if size_bytes > self.recording_bytes_max {
            return Err(self.too_large());
        }
        if size_bytes < open.offset_bytes() {
            return Err(UploadError::LengthTooShort {
                offset_bytes: open.offset_bytes(),
                size_bytes,
            });
        }
        let (tenant, id) = (open.row.tenant, open.row.id);
        if let Some(room) = self.quota.room(&self.store, tenant).await? {
            room.admits(&self.store, tenant, size_bytes, true).await?;
        }
        let set = self.store.write::<_, StoreError, _>(tenant, move |mut team| {
            Box::pin(async move { rows::set_size(&mut team, id, size_bytes).await })
        });
        if !set.await? {
            return Err(UploadError::Gone);
        }
        open.row.size_bytes = Some(size_bytes);
        Ok(open)
    }

    /// Ends an upload and forgets its bytes.
    pub async fn remove(&self, open: Open) -> Result<(), UploadError> {
        self.let_go(&open.row).await?;
        let (bytes, id) = (self.bytes.clone(), open.row.id);
        blocking(move || bytes.remove(id)).await
    }

    /// Ends a complete upload; its recording stays.
    pub async fn let_go(&self, row: &UploadRow) -> Result<(), UploadError> {
        let (id, now) = (row.id, self.store.now());
        let ended = self.store.write::<_, StoreError, _>(row.tenant, move |mut team| {
            Box::pin(async move { rows::let_go(&mut team, id, now).await })
        });
        Ok(ended.await?)
    }

    /// Bytes that may still come.
    #[must_use]
    pub fn left_bytes(&self, open: &Open) -> u64 {
        let end = open.row.size_bytes.unwrap_or(self.recording_bytes_max);
        end.saturating_sub(open.offset_bytes())
    }

    /// What the team may still store, where the next bytes of an upload (as many as are said, or nobody knows) may go beyond
    /// it; `None` where they will not, or may be those of a recording that is there already.
    pub async fn room(&self, open: &Open, more_bytes: Option<u64>) -> Result<Option<Room>, UploadError> {
        if open.row.size_bytes.is_some() {
            return Ok(None);
        }
        let tenant = open.row.tenant;
        let Some(room) = self.quota.room(&self.store, tenant).await? else {
            return Ok(None);
        };
        let wanted = more_bytes.map_or(room.left_bytes().saturating_add(1), |more| {
            open.offset_bytes().saturating_add(more)
        });
        match room.admits(&self.store, tenant, wanted, false).await {
            Ok(()) => Ok(None),
            Err(PlaceError::OverQuota(_)) => Ok(Some(room)),
            Err(PlaceError::Store(error)) => Err(error.into()),
        }
    }

    /// Tells of every step of a device's uploads in this process.
    pub fn watch(&self, device: DeviceId) -> watch::Receiver<Offsets> {
        self.progress.watch(device)
    }

    /// How far an upload is durable, without taking it over.
    pub async fn mark(&self, id: UploadId) -> Result<Mark, UploadError> {
        let bytes = self.bytes.clone();
        blocking(move || bytes.mark(id)).await
    }

    #[must_use]
    pub fn recording_bytes_max(&self) -> u64 {
        self.recording_bytes_max
    }

    fn too_large(&self) -> UploadError {
        UploadError::Ingest(IngestError::TooLarge {
            max_bytes: self.recording_bytes_max,
        })
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, UploadError> {
    Ok(tokio::task::spawn_blocking(act)
        .await
        .map_err(io::Error::other)??)
}
