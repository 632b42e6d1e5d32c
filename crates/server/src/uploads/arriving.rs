//! The bytes of one request on their way into an upload.
//!
//! Gathered and handed to a blocking thread, as `ingest` does it. What has come is made durable at the end of the request,
//! however it ends, and in a long one now and then, so that a server that dies costs little. With a checksum nothing is
//! durable before all of it agrees.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use wire::upload::Checksum;

use super::checking::Checking;
use super::{Mark, Open, UploadBytes, UploadError, Uploads, blocking};
use crate::ingest::Gathered;
use crate::store::UploadId;

/// What a server that dies may cost of a long request: so many bytes, or what came in so long a time, whichever is less.
const UNTOLD_BYTES_MAX: u64 = 16 * 1024 * 1024;
const UNTOLD_TIME_MAX: SignedDuration = SignedDuration::from_secs(30);

/// Bytes being taken in. Dropping it forgets what came since it was last made durable.
pub struct Arriving {
    uploads: Arc<Uploads>,
    open: Open,
    waiting: Gathered,
    disk: Disk,
}

enum Disk {
    Idle(Box<Written>),
    /// A blocking thread has it.
    Busy(JoinHandle<io::Result<Box<Written>>>),
    /// A write failed; what is durable is as the last mark says.
    Failed,
}

/// How far the file is written.
struct Written {
    mark: Mark,
    durable_bytes: u64,
    durable_at: Timestamp,
    checking: Option<Checking>,
}

impl Written {
    fn append(
        &mut self,
        bytes: &dyn UploadBytes,
        id: UploadId,
        pieces: &[Bytes],
        now: Timestamp,
    ) -> io::Result<()> {
        bytes.append(id, self.mark.offset_bytes, pieces)?;
        for piece in pieces {
            self.mark.extend(piece);
            if let Some(checking) = &mut self.checking {
                checking.extend(piece);
            }
        }
        let untold_bytes = self.mark.offset_bytes - self.durable_bytes;
        let is_long =
            untold_bytes >= UNTOLD_BYTES_MAX || now.duration_since(self.durable_at) >= UNTOLD_TIME_MAX;
        if is_long && self.checking.is_none() {
            self.commit(bytes, id, now)?;
        }
        Ok(())
    }

    fn commit(&mut self, bytes: &dyn UploadBytes, id: UploadId, now: Timestamp) -> io::Result<()> {
        if self.mark.offset_bytes > self.durable_bytes {
            self.mark.marked_at = Some(now);
            bytes.commit(id, &self.mark)?;
            self.durable_bytes = self.mark.offset_bytes;
            self.durable_at = now;
        }
        Ok(())
    }
}

impl Arriving {
    pub(super) fn begin(uploads: Arc<Uploads>, open: Open, checksum: Option<Checksum>) -> Self {
        let written = Written {
            mark: open.mark.clone(),
            durable_bytes: open.mark.offset_bytes,
            durable_at: uploads.store.now(),
            checking: checksum.map(Checking::of),
        };
        Self {
            uploads,
            open,
            waiting: Gathered::default(),
            disk: Disk::Idle(Box::new(written)),
        }
    }

    /// Returns once another request has come for this upload.
    pub async fn superseded(&self) {
        self.open.turn.superseded().await;
    }

    /// Takes the next bytes; waits when the disk is slower than the sender.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), UploadError> {
        self.waiting.push(piece);
        let disk_is_free = match &self.disk {
            Disk::Busy(running) => running.is_finished(),
            Disk::Idle(_) | Disk::Failed => true,
        };
        if self.waiting.is_due(disk_is_free) {
            self.hand_over().await?;
        }
        Ok(())
    }

    /// The request is over in good order: its checksum has to agree, and everything is durable on return.
    pub async fn end(mut self) -> Result<Open, UploadError> {
        let mut written = self.all_written().await?;
        if written.checking.take().is_some_and(|checking| !checking.agrees()) {
            return Err(UploadError::ChecksumMismatch);
        }
        self.commit(written).await
    }

    /// The request broke off: what came is made durable, unless it was to be checked as a whole.
    pub async fn keep(mut self) -> Result<Open, UploadError> {
        let written = self.all_written().await?;
        if written.checking.is_some() {
            return Ok(self.open);
        }
        self.commit(written).await
    }

    /// The request is refused as a whole: what came since it was last made durable is forgotten.
    pub async fn forget(mut self) -> Result<Open, UploadError> {
        // The thread that writes has to be through before anybody else may.
        self.written().await?;
        Ok(self.open)
    }

    async fn commit(mut self, mut written: Box<Written>) -> Result<Open, UploadError> {
        let (bytes, id, now) = (
            self.uploads.bytes.clone(),
            self.open.row.id,
            self.uploads.store.now(),
        );
        self.open.mark = blocking(move || {
            written.commit(&*bytes, id, now)?;
            Ok(written.mark)
        })
        .await?;
        Ok(self.open)
    }

    async fn all_written(&mut self) -> Result<Box<Written>, UploadError> {
        let outcome = match self.hand_over().await {
            Ok(()) => self.written().await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.give_room_back().await;
        }
        outcome
    }

    /// What was written beyond the last mark counts for nothing, and a disk that is full has better uses for its room.
    async fn give_room_back(&self) {
        let (bytes, id) = (self.uploads.bytes.clone(), self.open.row.id);
        let cut = blocking(move || {
            let mark = bytes.mark(id)?;
            bytes.append(id, mark.offset_bytes, &[])
        });
        if let Err(error) = cut.await {
            tracing::warn!(%error, upload = %id, "the bytes of a write that failed stay until more come");
        }
    }

    async fn hand_over(&mut self) -> Result<(), UploadError> {
        let mut written = self.written().await?;
        let pieces = self.waiting.take();
        if pieces.is_empty() {
            self.disk = Disk::Idle(written);
            return Ok(());
        }
        let (uploads, row, now) = (self.uploads.clone(), &self.open.row, self.uploads.store.now());
        let (id, device) = (row.id, row.device);
        self.disk = Disk::Busy(tokio::task::spawn_blocking(move || {
            written.append(&*uploads.bytes, id, &pieces, now)?;
            uploads.progress.moved(device, id, written.mark.offset_bytes);
            Ok(written)
        }));
        Ok(())
    }

    /// Takes it out, waiting for the thread that has it.
    async fn written(&mut self) -> Result<Box<Written>, UploadError> {
        match std::mem::replace(&mut self.disk, Disk::Failed) {
            Disk::Idle(written) => Ok(written),
            Disk::Busy(running) => Ok(running.await.map_err(io::Error::other)??),
            Disk::Failed => Err(io::Error::other("an earlier write of this request failed").into()),
        }
    }
}
