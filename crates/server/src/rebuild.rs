//! Derives everything again from the raw recordings and says whether the same bytes came out.
//!
//! Each session is analysed with exactly what its last analysis knew (its gates, the tracks of that time), so the same
//! program gives the same bytes. Where files are missing or different, the session goes through the job runner once
//! more, which replaces them safely, and is looked at again before anything is said. Pictures are looked at again in the
//! same way. Raw recordings are only read, and their hashes checked.

mod pictures;

use std::io::{self, Read};
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::backend::Backend;
use crate::jobs::{JobError, Request, derive};
use crate::objects::{DerivedFile, Digest, Objects};
use crate::store::sessions::{self, Failure, State};
use crate::store::{self, RecordingId, SessionId, StoreError, TenantId, tracks};

/// What became of one session or picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// `null` for a picture.
    pub session_id: Option<SessionId>,
    pub recording_id: RecordingId,
    pub file_name: String,
    #[serde(flatten)]
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every derived file has the same bytes as before, or the recording cannot be analysed for the same reason as before.
    Equal { files: usize },
    /// These were missing, different or not expected; they are replaced, and what is there now was compared.
    Replaced { files: Vec<String> },
    /// The recording cannot be analysed, which was not so before or was for another reason; its session says so.
    NowFails { code: String, message: String },
    /// These were missing, different or not expected and still are.
    NotReplaced { files: Vec<String>, reason: String },
    /// The raw recording's bytes are not those that were stored. Its derived files are left alone.
    Damaged {
        expected_sha256: String,
        found_sha256: String,
    },
    /// The raw recording is not in its place. Its derived files are left alone.
    RawMissing { path: String },
    /// The raw recording is there and cannot be read. Its derived files are left alone.
    RawUnreadable { path: String, reason: String },
}

impl Outcome {
    /// Everything is as it should be, by now.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        match self {
            Self::Equal { .. } | Self::Replaced { .. } => true,
            Self::NowFails { .. }
            | Self::NotReplaced { .. }
            | Self::Damaged { .. }
            | Self::RawMissing { .. }
            | Self::RawUnreadable { .. } => false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("recording {recording}: {cause}")]
    Io {
        recording: RecordingId,
        cause: io::Error,
    },
}

/// Rebuilds every session and then every picture of every tenant, oldest first; `each` hears of every one with its number and their count.
///
/// The caller opened the folder to work on it ([`Backend::open`]), so no server runs beside it.
pub async fn rebuild(
    backend: &Backend,
    mut each: impl FnMut(usize, usize, &Rebuilt),
) -> Result<Vec<Rebuilt>, RebuildError> {
    // What is still waiting has nothing to compare with yet.
    while backend.jobs.run_next().await? {}
    let all = sessions::all(&backend.store).await?;
    let stills = store::pictures::all(&backend.store).await?;
    let count = all.len() + stills.len();
    let mut rebuilt = Vec::with_capacity(count);
    for (tenant, session) in &all {
        if let Some(one) = rebuild_one(backend, *tenant, *session).await? {
            each(rebuilt.len() + 1, count, &one);
            rebuilt.push(one);
        }
    }
    for (tenant, picture) in stills {
        if let Some(one) = pictures::rebuild_one(backend, tenant, picture).await? {
            each(rebuilt.len() + 1, count, &one);
            rebuilt.push(one);
        }
    }
    Ok(rebuilt)
}

/// What deriving again gave, beside what is there.
struct Comparison {
    fresh: Result<Vec<DerivedFile>, Failure>,
    present: Vec<DerivedFile>,
}

async fn rebuild_one(
    backend: &Backend,
    tenant: TenantId,
    id: SessionId,
) -> Result<Option<Rebuilt>, RebuildError> {
    let (Some(session), Some(assignment)) = (
        sessions::find(&backend.store, tenant, id).await?,
        sessions::assignment(&backend.store, tenant, id).await?,
    ) else {
        return Ok(None);
    };
    let request = Request {
        gate: assignment.gate,
        finish: assignment.finish,
        tracks: tracks::up_to(&backend.store, tenant, assignment.tracks_known).await?,
    };
    let (objects, analyze, name) = (
        backend.objects.clone(),
        backend.analyze.clone(),
        backend.store.new_id(),
    );
    let (recording, expected) = (assignment.recording, assignment.sha256);
    let compare = move || -> io::Result<Result<Comparison, Outcome>> {
        if let Some(unusable) = check_raw(&objects, tenant, expected) {
            return Ok(Err(unusable));
        }
        let fresh = match derive(&objects, &*analyze, tenant, expected, &request, name) {
            Ok(derived) => Ok(derived.draft.files()?),
            Err(JobError::Unusable(failure)) => Err(failure),
            Err(JobError::Io(error)) => return Err(error),
        };
        Ok(Ok(Comparison {
            fresh,
            present: objects.derived_files(tenant, recording)?,
        }))
    };
    let io = |cause| RebuildError::Io { recording, cause };
    let compared = tokio::task::spawn_blocking(compare)
        .await
        .map_err(|error| io(io::Error::other(error)))?;
    let outcome = match compared.map_err(io)? {
        Err(unusable) => unusable,
        Ok(compared) => match judge(&compared, &session.state) {
            Some(outcome) => outcome,
            None => replace(backend, tenant, id, compared).await?,
        },
    };
    Ok(Some(Rebuilt {
        session_id: Some(id),
        recording_id: recording,
        file_name: session.file_name,
        outcome,
    }))
}

/// What keeps a recording from being derived again: one lost file must not keep the others from it.
fn check_raw(objects: &Arc<Objects>, tenant: TenantId, expected: Digest) -> Option<Outcome> {
    let path = || objects.raw_path(tenant, expected).display().to_string();
    match hash_raw(objects, tenant, expected) {
        Ok(found) if found == expected => None,
        Ok(found) => Some(Outcome::Damaged {
            expected_sha256: expected.to_string(),
            found_sha256: found.to_string(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Outcome::RawMissing { path: path() }),
        Err(error) => Some(Outcome::RawUnreadable {
            path: path(),
            reason: error.to_string(),
        }),
    }
}

/// What can be said without changing anything; `None` where something has to be replaced.
fn judge(compared: &Comparison, state: &State) -> Option<Outcome> {
    let (files, same) = match (&compared.fresh, state) {
        (Ok(fresh), State::Ready(_)) => (fresh.as_slice(), true),
        (Err(again), State::Failed(before)) => (&[][..], again == before),
        (Ok(_) | Err(_), _) => (&[][..], false),
    };
    (same && files == compared.present).then_some(Outcome::Equal { files: files.len() })
}

/// Sends the session through the job runner and says what is there afterwards.
async fn replace(
    backend: &Backend,
    tenant: TenantId,
    id: SessionId,
    compared: Comparison,
) -> Result<Outcome, RebuildError> {
    let files = differing(compared.fresh.as_deref().unwrap_or_default(), &compared.present);
    backend.jobs.repeat(tenant, id).await?;
    while backend.jobs.run_next().await? {}
    let Some(after) = sessions::find(&backend.store, tenant, id).await? else {
        let reason = "its session is gone".to_owned();
        return Ok(Outcome::NotReplaced { files, reason });
    };
    let (objects, recording) = (backend.objects.clone(), after.recording);
    let present = tokio::task::spawn_blocking(move || objects.derived_files(tenant, recording))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|cause| RebuildError::Io { recording, cause })?;
    let reason = match (compared.fresh, after.state) {
        (Ok(fresh), State::Ready(_)) if fresh == present => return Ok(Outcome::Replaced { files }),
        (Err(cause), State::Failed(now)) if cause == now => {
            let Failure { code, message, .. } = now;
            return Ok(Outcome::NowFails { code, message });
        }
        (Ok(_) | Err(_), State::Ready(_)) => "two analyses in a row gave different bytes".to_owned(),
        (Ok(_) | Err(_), State::Failed(failure)) => failure.message,
        (Ok(_) | Err(_), State::Waiting | State::Analysing) => {
            "its analysis did not come to an end, the log says why; it is tried again".to_owned()
        }
    };
    Ok(Outcome::NotReplaced { files, reason })
}

fn differing(fresh: &[DerivedFile], present: &[DerivedFile]) -> Vec<String> {
    let only_in = |these: &[DerivedFile], those: &[DerivedFile]| -> Vec<String> {
        these
            .iter()
            .filter(|file| !those.contains(file))
            .map(|file| file.name.clone())
            .collect()
    };
    let mut names = only_in(fresh, present);
    names.extend(only_in(present, fresh));
    names.sort();
    names.dedup();
    names
}

fn hash_raw(objects: &Arc<Objects>, tenant: TenantId, digest: Digest) -> io::Result<Digest> {
    let mut input = objects.open_raw(tenant, digest)?;
    let mut hasher = Sha256::new();
    // Large enough that a call costs nothing beside the hashing.
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            return Ok(Digest(hasher.finalize().into()));
        }
        hasher.update(&buffer[..read]);
    }
}
