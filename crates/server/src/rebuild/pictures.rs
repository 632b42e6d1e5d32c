//! Pictures, looked at again.

use std::io;
use std::sync::Arc;

use super::{Outcome, RebuildError, Rebuilt, check_raw, differing};
use crate::backend::Backend;
use crate::jobs::{Looked, look_at};
use crate::objects::{DerivedFile, Objects};
use crate::store::pictures::{self, Assignment, Reason, State};
use crate::store::{RecordingId, TenantId};

pub(super) async fn rebuild_one(
    backend: &Backend,
    tenant: TenantId,
    id: RecordingId,
) -> Result<Option<Rebuilt>, RebuildError> {
    let (Some(picture), Some(assignment)) = (
        pictures::find(&backend.store, tenant, id).await?,
        pictures::assignment(&backend.store, tenant, id).await?,
    ) else {
        return Ok(None);
    };
    let (objects, name) = (backend.objects.clone(), backend.store.new_id());
    let io = |cause| RebuildError::Io { recording: id, cause };
    let compared = tokio::task::spawn_blocking(move || compare(&objects, tenant, id, &assignment, name))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    let outcome = match compared.map_err(io)? {
        Err(unusable) => unusable,
        Ok(compared) => match compared.judge(&picture.state) {
            Some(outcome) => outcome,
            None => replace(backend, tenant, id, compared).await?,
        },
    };
    Ok(Some(Rebuilt {
        session_id: None,
        recording_id: id,
        file_name: picture.file_name,
        outcome,
    }))
}

/// What looking again gave, beside what is there.
struct Compared {
    fresh: Result<Vec<DerivedFile>, Reason>,
    present: Vec<DerivedFile>,
}

fn compare(
    objects: &Arc<Objects>,
    tenant: TenantId,
    id: RecordingId,
    assignment: &Assignment,
    name: uuid::Uuid,
) -> io::Result<Result<Compared, Outcome>> {
    if let Some(unusable) = check_raw(objects, tenant, assignment.sha256) {
        return Ok(Err(unusable));
    }
    let Looked { outcome, .. } = look_at(objects, tenant, assignment, name)?;
    let fresh = match outcome {
        Ok(draft) => Ok(draft.files()?),
        Err(reason) => Err(reason),
    };
    Ok(Ok(Compared {
        fresh,
        present: objects.derived_files(tenant, id)?,
    }))
}

impl Compared {
    /// What can be said without changing anything; `None` where something has to be replaced.
    fn judge(&self, state: &State) -> Option<Outcome> {
        let (files, same) = match (&self.fresh, state) {
            (Ok(fresh), State::Good) => (fresh.as_slice(), true),
            (Err(again), State::Quarantined(before)) => (&[][..], again == before),
            (Ok(_) | Err(_), State::Waiting | State::Good | State::Quarantined(_)) => (&[][..], false),
        };
        (same && files == self.present).then_some(Outcome::Equal { files: files.len() })
    }
}

/// Sends the picture through the job runner and says what is there afterwards.
async fn replace(
    backend: &Backend,
    tenant: TenantId,
    id: RecordingId,
    compared: Compared,
) -> Result<Outcome, RebuildError> {
    let files = differing(compared.fresh.as_deref().unwrap_or_default(), &compared.present);
    backend.jobs.look_again(tenant, id).await?;
    while backend.jobs.run_next().await? {}
    let Some(after) = pictures::find(&backend.store, tenant, id).await? else {
        let reason = "the picture is gone".to_owned();
        return Ok(Outcome::NotReplaced { files, reason });
    };
    let objects = backend.objects.clone();
    let present = tokio::task::spawn_blocking(move || objects.derived_files(tenant, id))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|cause| RebuildError::Io { recording: id, cause })?;
    let reason = match (compared.fresh, after.state) {
        (Ok(fresh), State::Good) if fresh == present => return Ok(Outcome::Replaced { files }),
        (Err(cause), State::Quarantined(now)) if cause == now => {
            let Reason { code, message } = now;
            return Ok(Outcome::NowFails { code, message });
        }
        (Ok(_) | Err(_), State::Good) => "looking twice gave different bytes".to_owned(),
        (Ok(_) | Err(_), State::Quarantined(reason)) => reason.message,
        (Ok(_) | Err(_), State::Waiting) => {
            "it could not be looked at, the log says why; it is tried again".to_owned()
        }
    };
    Ok(Outcome::NotReplaced { files, reason })
}
