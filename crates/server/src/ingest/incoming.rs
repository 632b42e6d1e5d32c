//! One upload on its way to disk.
//!
//! Chunks are gathered and handed to a blocking thread that appends and hashes them while the next ones arrive. A thread
//! is borrowed for each hand-over, not for the upload, so a thousand slow senders hold none.

use std::io;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};

use super::identity::{HEAD_BYTES_MAX, identity};
use super::{Gathered, Ingest, IngestError, Receipt, Sender, Upload};
use crate::objects::{Digest, Staged};
use crate::store::quota::{PlaceError, Room};
use crate::store::recordings::{self, NewIds, NewRecording};
use crate::store::{JobId, RecordingId, SessionId};

/// An upload that has begun. Dropping it forgets it and removes what was staged.
pub struct Incoming {
    ingest: Ingest,
    upload: Upload,
    head: Vec<u8>,
    received_bytes: u64,
    /// Of one whose length nobody knows. Beyond it, it goes on only as long as it can be one that is there already.
    room: Option<Room>,
    waiting: Gathered,
    disk: Disk,
}

/// Where the staged file is.
enum Disk {
    Idle(Box<Staged>),
    /// A blocking thread has it.
    Busy(JoinHandle<io::Result<Box<Staged>>>),
    /// A write failed; the file is gone.
    Failed,
}

impl Incoming {
    pub(super) async fn begin(
        ingest: Ingest,
        upload: Upload,
        room: Option<Room>,
    ) -> Result<Self, IngestError> {
        let (objects, name) = (ingest.objects.clone(), ingest.store.new_id());
        let staged = blocking(move || objects.stage(name)).await?;
        Ok(Self {
            ingest,
            upload,
            head: Vec::new(),
            received_bytes: 0,
            room,
            waiting: Gathered::default(),
            disk: Disk::Idle(Box::new(staged)),
        })
    }

    /// Names the recording, for senders whose name comes after the bytes.
    pub fn name(&mut self, file_name: &str) -> Result<(), IngestError> {
        self.upload.file_name = super::plain_name(file_name)?.to_owned();
        Ok(())
    }

    /// Says who sends, for those whose body says which device it is. The team stays the one that the upload began with.
    pub fn sent_by(&mut self, sender: Sender) {
        let tenant = self.upload.sender.tenant;
        self.upload.sender = Sender { tenant, ..sender };
    }

    /// The name as it will be kept.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.upload.file_name
    }

    /// Takes the next bytes; waits when the disk is slower than the sender.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), IngestError> {
        self.received_bytes += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let max_bytes = self.ingest.recording_bytes_max;
        if self.received_bytes > max_bytes {
            return Err(IngestError::TooLarge { max_bytes });
        }
        if let Some(room) = self.room.filter(|room| self.received_bytes > room.left_bytes()) {
            let (store, tenant) = (&self.ingest.store, self.upload.sender.tenant);
            // Seldom asked, and large: a slow upload does not keep room for it.
            Box::pin(room.admits(store, tenant, self.received_bytes, false)).await?;
        }
        let wanted = (HEAD_BYTES_MAX - self.head.len()).min(chunk.len());
        self.head.extend_from_slice(&chunk[..wanted]);
        self.waiting.push(chunk);
        let disk_is_free = match &self.disk {
            Disk::Busy(running) => running.is_finished(),
            Disk::Idle(_) | Disk::Failed => true,
        };
        if self.waiting.is_due(disk_is_free) {
            self.hand_over().await?;
        }
        Ok(())
    }

    /// Makes everything durable and visible, in this order: bytes, name, rows. What is answered was committed.
    pub async fn finish(mut self) -> Result<Receipt, IngestError> {
        if let Some(announced_bytes) = self.upload.size_bytes
            && announced_bytes != self.received_bytes
        {
            return Err(IngestError::Incomplete {
                announced_bytes,
                received_bytes: self.received_bytes,
            });
        }
        self.hand_over().await?;
        let staged = self.staged().await?;
        let (objects, tenant) = (self.ingest.objects.clone(), self.upload.sender.tenant);
        let finished = blocking(move || staged.finish()).await?;
        let new = self.as_recording(finished.digest());
        let (store, quota) = (&self.ingest.store, &self.ingest.quota);
        recordings::will_fit(store, tenant, &new, quota).await?;
        let claim = blocking(move || objects.adopt(tenant, finished)).await?;
        let objects = self.ingest.objects.clone();
        let receipt = self.place(new).await?;
        if let Err(error) = blocking(move || objects.settle(claim)).await {
            // The rows are there: the next start sees that and takes the note away.
            tracing::warn!(%error, "the note of a stored object could not be removed");
        }
        Ok(receipt)
    }

    fn as_recording(&self, sha256: Digest) -> NewRecording {
        let Upload {
            sender,
            file_name,
            kind,
            ..
        } = &self.upload;
        NewRecording {
            device: sender.device,
            uploaded_by: sender.user,
            kind: *kind,
            identity: identity(*kind, &self.head, sender.device, file_name),
            file_name: file_name.clone(),
            sha256,
            size_bytes: self.received_bytes,
        }
    }

    async fn place(self, new: NewRecording) -> Result<Receipt, IngestError> {
        let (store, tenant) = (&self.ingest.store, self.upload.sender.tenant);
        let (sha256, quota) = (new.sha256, self.ingest.quota);
        let ids = NewIds {
            recording: RecordingId(store.new_id()),
            session: SessionId(store.new_id()),
            job: JobId(store.new_id()),
        };
        let now = store.now();
        let placed = store
            .write::<_, PlaceError, _>(tenant, move |mut rows| {
                Box::pin(async move { recordings::place(&mut rows, &new, ids, &quota, now).await })
            })
            .await?;
        if !placed.duplicate {
            self.ingest.work.notify_one();
        }
        Ok(Receipt {
            placed,
            sha256,
            size_bytes: self.received_bytes,
        })
    }

    async fn hand_over(&mut self) -> Result<(), IngestError> {
        let mut staged = self.staged().await?;
        let chunks = self.waiting.take();
        self.disk = Disk::Busy(tokio::task::spawn_blocking(move || {
            for chunk in chunks {
                staged.append(&chunk)?;
            }
            Ok(staged)
        }));
        Ok(())
    }

    /// Takes the staged file out, waiting for the thread that has it.
    async fn staged(&mut self) -> Result<Box<Staged>, IngestError> {
        if let Disk::Busy(running) = &mut self.disk {
            let outcome = running.await;
            self.disk = Disk::Failed;
            return Ok(outcome.map_err(thread_failed)??);
        }
        match std::mem::replace(&mut self.disk, Disk::Failed) {
            Disk::Idle(staged) => Ok(staged),
            Disk::Busy(_) | Disk::Failed => Err(IngestError::Io(io::Error::other(
                "an earlier write of this upload failed",
            ))),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // A busy thread drops the file itself. An idle file is removed off the async threads while there is a runtime.
        if let Disk::Idle(staged) = std::mem::replace(&mut self.disk, Disk::Failed)
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn_blocking(move || drop(staged)));
        }
    }
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, IngestError> {
    Ok(tokio::task::spawn_blocking(act).await.map_err(thread_failed)??)
}

fn thread_failed(error: JoinError) -> io::Error {
    io::Error::other(error)
}
