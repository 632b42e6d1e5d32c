//! How an upload begins: a new one, the one that was begun before, or the recording that is there already.

use std::collections::HashSet;

use super::{
    Asker, Mark, OPEN_MAX, Open, Role, Standing, State, UploadError, UploadRow, Uploads, blocking, rows,
};
use crate::ingest::{self, Sender};
use crate::objects::Digest;
use crate::store::UploadId;
use crate::store::quota::{OverQuota, PlaceError};
use crate::store::recordings::Kind;
use crate::store::uploads::Created;

/// What a new upload is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A recording by itself.
    Whole,
    /// A stretch of one.
    Partial,
    /// These put together, in this order.
    Of(Vec<UploadId>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    pub sender: Sender,
    pub part: Part,
    pub kind: Kind,
    /// Of no use for a part.
    pub file_name: String,
    /// As it was sent.
    pub metadata: String,
    /// As it was sent.
    pub concat: Option<String>,
    /// `None` while it is not known.
    pub size_bytes: Option<u64>,
    /// As announced, of the whole recording.
    pub sha256: Option<Digest>,
}

impl Uploads {
    /// Begins an upload, or finds the one that somebody began with the same device, file name, length and digest. One of
    /// which nothing is missing (an empty one, one put together of parts) is complete on return.
    pub async fn create(&self, mut new: NewUpload) -> Result<Standing, UploadError> {
        if new.part != Part::Partial {
            new.file_name = ingest::plain_name(&new.file_name)?.to_owned();
        }
        if new.size_bytes.is_some_and(|size| size > self.recording_bytes_max) {
            return Err(self.too_large());
        }
        let Sender { tenant, device, user } = new.sender;
        if let (Some(device), Some(_)) = (device, user)
            && !rows::has_device(&self.store, tenant, device).await?
        {
            return Err(UploadError::UnknownDevice(device));
        }
        let row = self.row_of(&new);
        match &new.part {
            Part::Whole => self.begin(row, same_key(&new)).await,
            Part::Partial => self.begin(row, None).await,
            Part::Of(parts) => self.put_together(row, parts).await,
        }
    }

    fn row_of(&self, new: &NewUpload) -> UploadRow {
        UploadRow {
            id: UploadId(self.store.new_id()),
            tenant: new.sender.tenant,
            device: new.sender.device,
            user: new.sender.user,
            kind: new.kind,
            role: match new.part {
                Part::Whole => Role::Whole,
                Part::Partial => Role::Partial,
                Part::Of(_) => Role::Final,
            },
            file_name: new.file_name.clone(),
            metadata: new.metadata.clone(),
            concat: new.concat.clone(),
            size_bytes: new.size_bytes,
            sha256: new.sha256,
            state: State::Open,
            created_at: self.store.now(),
        }
    }

    async fn begin(&self, mut row: UploadRow, same_key: Option<String>) -> Result<Standing, UploadError> {
        // Before anybody else can know of it.
        let mut turn = self.turns.take(row.id).await.map_err(|_| UploadError::Busy)?;
        let mut created = self.create_row(&row, same_key.clone(), None).await?;
        // Asked once the row is seen: an object is there before any row says so.
        if let Created::Known(known) | Created::Stored(known) = &created
            && matches!(known.state, State::Complete { .. })
            && !self.is_held(known).await?
        {
            let lost = Some(known.id);
            // The first id may be that of the one that gives way.
            row.id = UploadId(self.store.new_id());
            turn = self.turns.take(row.id).await.map_err(|_| UploadError::Busy)?;
            created = self.create_row(&row, same_key, lost).await?;
        }
        match created {
            Created::TooMany => Err(UploadError::TooMany),
            Created::New => {
                let mark = Mark::default();
                self.finish_if_whole(Open { row, mark, turn }).await
            }
            Created::Known(known) | Created::Stored(known) => self.known(*known).await,
        }
    }

    async fn create_row(
        &self,
        row: &UploadRow,
        same_key: Option<String>,
        lost: Option<UploadId>,
    ) -> Result<Created, UploadError> {
        let (new, over) = (row.clone(), self.over_quota(row).await?);
        let creating = self.store.write::<_, PlaceError, _>(row.tenant, move |mut team| {
            Box::pin(async move {
                let created = rows::create(&mut team, &new, same_key.as_deref(), lost, OPEN_MAX).await?;
                match (&created, over) {
                    // What was begun or stored before is found all the same.
                    (Created::New, Some(over)) => Err(over.into()),
                    (_, _) => Ok(created),
                }
            })
        });
        Ok(creating.await?)
    }

    /// Whether the bytes that were announced are on the disk: a row alone is no reason to tell a sender that they are.
    async fn is_held(&self, row: &UploadRow) -> Result<bool, UploadError> {
        let (Some(digest), Some(size_bytes)) = (row.sha256, row.size_bytes) else {
            return Ok(true);
        };
        let (objects, tenant) = (self.objects.clone(), row.tenant);
        blocking(move || objects.holds(tenant, digest, size_bytes)).await
    }

    /// Why an upload of this length may not begin, if so.
    async fn over_quota(&self, row: &UploadRow) -> Result<Option<OverQuota>, UploadError> {
        let room = self.quota.room(&self.store, row.tenant).await?;
        let Some((room, size_bytes)) = room.zip(row.size_bytes) else {
            return Ok(None);
        };
        match room.admits(&self.store, row.tenant, size_bytes, true).await {
            Ok(()) => Ok(None),
            Err(PlaceError::OverQuota(over)) => Ok(Some(over)),
            Err(PlaceError::Store(error)) => Err(error.into()),
        }
    }

    /// One that was begun before. Whoever names device, file name, length and digest may go on with it.
    async fn known(&self, row: UploadRow) -> Result<Standing, UploadError> {
        match row.state {
            State::Complete { recording } => Ok(Standing::Complete(row, recording)),
            State::Open | State::Gone => match self.find(Asker::of_all(row.tenant), row.id).await? {
                Standing::Open(open) => self.stored_meanwhile(open).await,
                complete => Ok(complete),
            },
        }
    }

    /// The recording may have come by another road since the upload was begun: then no more bytes are wanted.
    async fn stored_meanwhile(&self, open: Open) -> Result<Standing, UploadError> {
        if open.row.role != Role::Whole || !self.is_held(&open.row).await? {
            return Ok(Standing::Open(open));
        }
        let (row, now) = (open.row.clone(), self.store.now());
        let completing = self
            .store
            .write::<_, UploadError, _>(row.tenant, move |mut team| {
                Box::pin(async move {
                    let Some(recording) = rows::stored(&mut team, &row).await? else {
                        return Ok(None);
                    };
                    let size_bytes = row.size_bytes.unwrap_or(0);
                    let is_done = rows::complete(&mut team, row.id, size_bytes, recording, now).await?;
                    Ok(is_done.then_some(recording))
                })
            });
        let Some(recording) = completing.await? else {
            return Ok(Standing::Open(open));
        };
        let (bytes, id) = (self.bytes.clone(), open.row.id);
        if let Err(error) = blocking(move || bytes.remove(id)).await {
            // The row is complete: the next start sees that and takes away what is left.
            tracing::warn!(%error, %id, "what a stored upload leaves could not be removed");
        }
        self.progress
            .moved(open.row.device, id, open.row.size_bytes.unwrap_or(0));
        let state = State::Complete { recording };
        Ok(Standing::Complete(UploadRow { state, ..open.row }, recording))
    }

    /// A repeated wish for the same parts finds what it made the first time: the parts are gone by then.
    async fn put_together(&self, row: UploadRow, ids: &[UploadId]) -> Result<Standing, UploadError> {
        let key = parts_key(&row, ids);
        if let Some(known) = rows::find_by_key(&self.store, row.tenant, &key).await? {
            return self.known(known).await;
        }
        let tenant = row.tenant;
        match self.put_together_first(row, ids, key.clone()).await {
            // Another wish for the same was at it, and was first.
            Err(UploadError::NotAPart) => match rows::find_by_key(&self.store, tenant, &key).await? {
                Some(known) => self.known(known).await,
                None => Err(UploadError::NotAPart),
            },
            put => put,
        }
    }

    async fn put_together_first(
        &self,
        row: UploadRow,
        ids: &[UploadId],
        key: String,
    ) -> Result<Standing, UploadError> {
        let distinct: HashSet<_> = ids.iter().collect();
        if distinct.len() != ids.len() {
            return Err(UploadError::NotAPart);
        }
        let asker = Asker {
            tenant: row.tenant,
            only_device: row.device.filter(|_| row.user.is_none()),
        };
        let mut parts = Vec::new();
        let mut size_bytes: u64 = 0;
        for id in ids {
            let part = match self.find(asker, *id).await {
                Ok(Standing::Open(open)) if open.row.role == Role::Partial => open,
                Ok(_) | Err(UploadError::NotFound | UploadError::Gone) => return Err(UploadError::NotAPart),
                Err(error) => return Err(error),
            };
            if !part.is_whole() {
                return Err(UploadError::PartUnfinished);
            }
            size_bytes = size_bytes.saturating_add(part.offset_bytes());
            parts.push(part);
        }
        if size_bytes > self.recording_bytes_max {
            return Err(self.too_large());
        }
        self.join(row, parts, key).await
    }
}

impl Asker {
    pub(super) fn of_all(tenant: crate::store::TenantId) -> Self {
        Self {
            tenant,
            only_device: None,
        }
    }
}

/// By what a second creation is known; only who says the digest means exactly these bytes.
fn same_key(new: &NewUpload) -> Option<String> {
    let (size_bytes, sha256) = (new.size_bytes?, new.sha256?);
    let device = new
        .sender
        .device
        .map_or("-".to_owned(), |device| device.to_string());
    let (kind, file_name) = (new.kind.as_str(), &new.file_name);
    Some(format!("{kind}:{device}:{size_bytes}:{sha256}:{file_name}"))
}

fn parts_key(row: &UploadRow, ids: &[UploadId]) -> String {
    let device = row.device.map_or("-".to_owned(), |device| device.to_string());
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("parts:{device}:{}:{}", ids.join("+"), row.file_name)
}
