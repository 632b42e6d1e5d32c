//! Stored recordings for commands that only read a data folder, beside a running server or without one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use telemetry::Options;

use crate::durable::RealFs;
use crate::jobs::{JobError, Request, options};
use crate::objects::Objects;
use crate::store::{RecordingId, Store, StoreError, sessions, tracks};

/// A recording's bytes, and with what they were analysed.
#[derive(Debug, Clone)]
pub struct StoredRecording {
    pub file_name: String,
    pub raw: PathBuf,
    pub options: Options,
}

#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the data folder cannot be opened: {0}")]
    Folder(#[from] io::Error),
    /// A gate that was given to this recording cannot be used.
    #[error(transparent)]
    Request(#[from] JobError),
}

/// Finds a recording by its own id or by that of its session; `None` if there is neither.
pub async fn find(
    data_dir: &Path,
    store: &Store,
    id: RecordingId,
) -> Result<Option<StoredRecording>, FindError> {
    let Some((tenant, session)) = sessions::locate(store, id).await? else {
        return Ok(None);
    };
    let (Some(row), Some(assignment)) = (
        sessions::find(store, tenant, session).await?,
        sessions::assignment(store, tenant, session).await?,
    ) else {
        return Ok(None);
    };
    let request = Request {
        gate: assignment.gate,
        finish: assignment.finish,
        tracks: tracks::up_to(store, tenant, assignment.tracks_known).await?,
    };
    let objects = Objects::open(Arc::new(RealFs), data_dir)?;
    Ok(Some(StoredRecording {
        file_name: row.file_name,
        raw: objects.raw_path(tenant, assignment.sha256),
        options: options(&request)?,
    }))
}
