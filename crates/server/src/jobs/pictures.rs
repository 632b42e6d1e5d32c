//! A job of the kind `picture`: a still is looked at as a whole, and gets its thumbnails or the reason why not.

use std::io::{self, Read};

use uuid::Uuid;

use super::Jobs;
use super::worker::{Passing, on_thread};
use crate::objects::{DerivedDraft, Objects};
use crate::pictures::{self, Examined, PICTURE_VERSION, Size};
use crate::store::jobs::{self, Ended, Taken};
use crate::store::pictures::{self as rows_of_pictures, Assignment, Found, Reason};
use crate::store::{JobId, RecordingId, StoreError, TenantId};

/// Thumbnails ready to be put in place, or none, and what is to be said about the picture.
pub(crate) struct Looked {
    pub(crate) found: Found,
    pub(crate) outcome: Result<DerivedDraft, Reason>,
}

/// Looks at one picture and drafts its thumbnails. Blocks.
pub(crate) fn look_at(
    objects: &Objects,
    tenant: TenantId,
    assignment: &Assignment,
    name: Uuid,
) -> io::Result<Looked> {
    let examined = match pictures::too_many_bytes(assignment.size_bytes) {
        Some(fault) => Examined {
            facts: pictures::Facts::default(),
            verdict: Err(fault),
        },
        None => {
            let mut bytes = Vec::new();
            objects
                .open_raw(tenant, assignment.sha256)?
                .read_to_end(&mut bytes)?;
            pictures::examine(&bytes)
        }
    };
    let facts = examined.facts;
    let captured = pictures::choose(facts.taken, &assignment.file_name, assignment.stored_at);
    let outcome = match examined.verdict {
        Ok(thumbnails) => {
            let mut draft = objects.draft_derived(name)?;
            for size in [Size::Small, Size::Large] {
                let mut file = draft.file(size.file_name())?;
                file.write_all(thumbnails.of(size))?;
                file.flush()?;
            }
            Ok(draft)
        }
        Err(fault) => Err(Reason {
            code: fault.code().to_owned(),
            message: fault.to_string(),
        }),
    };
    Ok(Looked {
        found: Found {
            size_px: facts.size_px,
            captured: Some(captured),
            camera: facts.camera,
            version: PICTURE_VERSION,
        },
        outcome,
    })
}

impl Jobs {
    pub(super) async fn picture(&self, job: &Taken) -> Result<(), Passing> {
        let assignment = rows_of_pictures::assignment(&self.store, job.tenant, job.recording).await?;
        let Some(assignment) = assignment else {
            return self.drop_orphan(*job).await;
        };
        let (objects, tenant, name) = (self.objects.clone(), job.tenant, self.store.new_id());
        let looked = self
            .holding(job, move || Ok(look_at(&objects, tenant, &assignment, name)?))
            .await?;
        if !self.renew(job).await? {
            return Ok(());
        }
        let (objects, recording, name) = (self.objects.clone(), job.recording, self.store.new_id());
        let reason = match looked.outcome {
            Ok(draft) => {
                on_thread(move || Ok(objects.publish_derived(tenant, recording, draft)?)).await?;
                None
            }
            Err(reason) => {
                on_thread(move || Ok(objects.remove_derived(tenant, recording, name)?)).await?;
                Some(reason)
            }
        };
        Ok(self.settle_picture(*job, looked.found, reason).await?)
    }

    /// One transaction: the job gone, the picture good or quarantined, unless a newer job of it waits.
    pub(super) async fn settle_picture(
        &self,
        job: Taken,
        found: Found,
        reason: Option<Reason>,
    ) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store
            .write(job.tenant, move |mut rows| {
                Box::pin(async move {
                    match jobs::end(&mut rows, &job).await? {
                        Ended::Last => {
                            let reason = reason.as_ref();
                            rows_of_pictures::set_looked_at(&mut rows, job.recording, &found, reason, now)
                                .await
                        }
                        Ended::Superseded | Ended::NotHeld => Ok(()),
                    }
                })
            })
            .await
    }

    /// Looks at a picture again. `false` if the tenant has no such picture.
    pub(crate) async fn look_again(
        &self,
        tenant: TenantId,
        recording: RecordingId,
    ) -> Result<bool, StoreError> {
        let (job, now) = (JobId(self.store.new_id()), self.store.now());
        let found = self
            .store
            .write::<_, StoreError, _>(tenant, move |mut rows| {
                Box::pin(async move { rows_of_pictures::requeue(&mut rows, recording, job, now).await })
            })
            .await?;
        self.work.notify_one();
        Ok(found)
    }
}
