//! From the last byte to the recording.

use std::io::{self, Read};

use uuid::Uuid;

use super::{Open, Role, Standing, State, UploadBytes, UploadError, UploadRow, Uploads, blocking, rows};
use crate::ingest::{self, HEAD_BYTES_MAX};
use crate::objects::{Digest, Finished, Objects};
use crate::store::recordings::{self, NewIds, NewRecording, Placed};
use crate::store::{JobId, RecordingId, SessionId, UploadId};

/// Read at once when parts are put together.
const COPY_BYTES: usize = 64 * 1024;

/// Which rows end when a recording is made.
enum Ending {
    /// The upload's own.
    Of,
    /// Those of its parts; the upload's own begins complete.
    InParts { ids: Vec<UploadId>, same_key: String },
}

impl Uploads {
    /// Makes the recording of an upload that has all its bytes; others, and parts, stay as they are.
    pub async fn finish_if_whole(&self, open: Open) -> Result<Standing, UploadError> {
        if !open.is_whole() || open.row.role != Role::Whole {
            return Ok(Standing::Open(open));
        }
        let (bytes, id, mark) = (self.bytes.clone(), open.row.id, open.mark.clone());
        let name = self.store.new_id();
        let (finished, head) = blocking(move || {
            let finished = bytes.finish(id, &mark, name)?;
            Ok((finished, head(&*bytes, id)?))
        })
        .await?;
        let stored = self
            .store_as_recording(open.row.clone(), finished, head, Ending::Of)
            .await;
        if let Err(UploadError::WrongDigest { .. }) = &stored {
            self.remove(open).await?;
        }
        stored
    }

    /// Puts parts together. They are all complete, and held by the caller's turns.
    pub(super) async fn join(
        &self,
        row: UploadRow,
        parts: Vec<Open>,
        same_key: String,
    ) -> Result<Standing, UploadError> {
        let (bytes, objects, name) = (self.bytes.clone(), self.objects.clone(), self.store.new_id());
        let lengths: Vec<(UploadId, u64)> = parts
            .iter()
            .map(|part| (part.row.id, part.offset_bytes()))
            .collect();
        let ids = lengths.iter().map(|(id, _)| *id).collect();
        let (finished, head) = blocking(move || copy_parts(&*bytes, &objects, &lengths, name)).await?;
        let ending = Ending::InParts { ids, same_key };
        let standing = self.store_as_recording(row, finished, head, ending).await?;
        drop(parts);
        Ok(standing)
    }

    /// The object, then in one transaction recording, session, job and what became of the upload and its parts. The upload's
    /// own bytes go last.
    async fn store_as_recording(
        &self,
        row: UploadRow,
        finished: Finished,
        head: Vec<u8>,
        ending: Ending,
    ) -> Result<Standing, UploadError> {
        let size_bytes = finished.size_bytes;
        if let Some(announced) = row.sha256.filter(|announced| *announced != finished.digest) {
            let (announced, found) = (announced.to_string(), finished.digest.to_string());
            return Err(UploadError::WrongDigest { announced, found });
        }
        let row = UploadRow {
            size_bytes: Some(size_bytes),
            ..row
        };
        let (objects, tenant) = (self.objects.clone(), row.tenant);
        let new = as_recording(&row, finished.digest, &head);
        recordings::will_fit(&self.store, tenant, &new, &self.quota).await?;
        let claim = blocking(move || objects.adopt(tenant, finished)).await?;
        let emptied: Vec<UploadId> = match &ending {
            Ending::Of => vec![row.id],
            Ending::InParts { ids, .. } => ids.clone(),
        };
        let placed = self.place(&row, new, ending).await?;
        self.progress.moved(row.device, row.id, size_bytes);
        if !placed.duplicate {
            self.work.notify_one();
        }
        let (objects, bytes, id) = (self.objects.clone(), self.bytes.clone(), row.id);
        let tidied = blocking(move || {
            objects.settle(claim)?;
            emptied.into_iter().try_for_each(|id| bytes.remove(id))
        });
        if let Err(error) = tidied.await {
            // The rows are there: the next start sees that and takes away what is left.
            tracing::warn!(%error, %id, "what a stored upload leaves could not be removed");
        }
        let state = State::Complete {
            recording: placed.recording,
        };
        Ok(Standing::Complete(UploadRow { state, ..row }, placed.recording))
    }

    async fn place(&self, row: &UploadRow, new: NewRecording, ending: Ending) -> Result<Placed, UploadError> {
        let size_bytes = new.size_bytes;
        let ids = NewIds {
            recording: RecordingId(self.store.new_id()),
            session: SessionId(self.store.new_id()),
            job: JobId(self.store.new_id()),
        };
        let (row, quota, now) = (row.clone(), self.quota, self.store.now());
        let placing = self
            .store
            .write::<_, UploadError, _>(row.tenant, move |mut team| {
                Box::pin(async move {
                    let placed = recordings::place(&mut team, &new, ids, &quota, now).await?;
                    match ending {
                        Ending::Of
                            if rows::complete(&mut team, row.id, size_bytes, placed.recording, now)
                                .await? => {}
                        Ending::Of => return Err(UploadError::Gone),
                        Ending::InParts { ids, same_key } => {
                            let recording = placed.recording;
                            let state = State::Complete { recording };
                            rows::insert(&mut team, &UploadRow { state, ..row }, Some(&same_key)).await?;
                            for part in ids {
                                rows::let_go(&mut team, part, now).await?;
                            }
                        }
                    }
                    Ok(placed)
                })
            });
        placing.await
    }
}

fn as_recording(row: &UploadRow, sha256: Digest, head: &[u8]) -> NewRecording {
    NewRecording {
        device: row.device,
        uploaded_by: row.user,
        kind: row.kind,
        identity: ingest::identity(row.kind, head, row.device, &row.file_name),
        file_name: row.file_name.clone(),
        sha256,
        size_bytes: row.size_bytes.unwrap_or(0),
    }
}

/// The beginning of what is there, to know our own recordings by.
fn head(bytes: &dyn UploadBytes, id: UploadId) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let most = u64::try_from(HEAD_BYTES_MAX).unwrap_or(u64::MAX);
    bytes.read(id)?.take(most).read_to_end(&mut head)?;
    Ok(head)
}

/// One file of all parts in their order, and its beginning.
fn copy_parts(
    bytes: &dyn UploadBytes,
    objects: &Objects,
    parts: &[(UploadId, u64)],
    name: Uuid,
) -> io::Result<(Finished, Vec<u8>)> {
    let mut staged = objects.stage(name)?;
    let mut head = Vec::new();
    let mut piece = vec![0; COPY_BYTES];
    for (id, length_bytes) in parts {
        let mut part = bytes.read(*id)?.take(*length_bytes);
        loop {
            let count = part.read(&mut piece)?;
            if count == 0 {
                break;
            }
            let wanted = (HEAD_BYTES_MAX - head.len()).min(count);
            head.extend_from_slice(&piece[..wanted]);
            staged.append(&piece[..count])?;
        }
    }
    Ok((staged.finish()?, head))
}
