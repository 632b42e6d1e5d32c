//! What is done to uploads that nobody asks for.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Asker, IDLE_MAX, UploadError, Uploads, blocking, rows};
use crate::clock;

/// How often what has expired is looked for; being late by so much harms nobody.
const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// Looked at in one go.
const LOOK_MAX: u64 = 10_000;

impl Uploads {
    /// Tidies up after an earlier process: bytes that no open upload has are removed, and what had its last byte before the
    /// process ended becomes its recording. Says how many of both.
    pub async fn recover(&self) -> Result<usize, UploadError> {
        let bytes = self.bytes.clone();
        let mut tidied = 0;
        for id in blocking(move || bytes.ids()).await? {
            let bytes = self.bytes.clone();
            let Some(row) = rows::find_open_across(&self.store, id).await? else {
                tidied += 1;
                blocking(move || bytes.remove(id)).await?;
                continue;
            };
            let mark = blocking(move || bytes.mark(id)).await?;
            if row.role == super::Role::Whole && row.size_bytes == Some(mark.offset_bytes) {
                tidied += usize::from(self.find_for_its_own_sake(&row).await);
            }
        }
        Ok(tidied)
    }

    /// Ends uploads that nothing came for, and forgets those that ended long ago. Says how many it ended.
    pub async fn expire(&self) -> Result<usize, UploadError> {
        let before = clock::after(self.store.now(), -IDLE_MAX);
        let mut expired = 0;
        for row in rows::open_since_before(&self.store, before, LOOK_MAX).await? {
            let (bytes, id) = (self.bytes.clone(), row.id);
            let mark = blocking(move || bytes.mark(id)).await?;
            if mark.marked_at.is_none_or(|at| at <= before) {
                expired += usize::from(self.find_for_its_own_sake(&row).await);
            }
        }
        rows::forget_gone(&self.store, before).await?;
        Ok(expired)
    }

    /// [`Uploads::expire`] now and every hour.
    pub async fn keep_expiring(&self, stop: CancellationToken) {
        loop {
            match self.expire().await {
                Ok(0) => {}
                Ok(expired) => tracing::info!(expired, "uploads that nothing came for were removed"),
                Err(error) => tracing::warn!(%error, "looking for expired uploads"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Finding an upload finishes or ends it, whichever is due; says whether it did. One that cannot be (the disk is full, its
    /// sender is just here) is left as it is for the next time and keeps no other back.
    async fn find_for_its_own_sake(&self, row: &rows::UploadRow) -> bool {
        match self.find(Asker::of_all(row.tenant), row.id).await {
            Ok(_) | Err(UploadError::Gone | UploadError::NotFound | UploadError::WrongDigest { .. }) => true,
            Err(error) => {
                tracing::warn!(%error, upload = %row.id, "an upload stays as it is for now");
                false
            }
        }
    }
}
