//! Sessions: the list, one of them, its laps, its channels, and a new analysis.

#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
pub(super) mod channel_data;
pub(super) mod channels;
pub(super) mod laps;
#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
pub(super) mod list;
pub(super) mod reanalyse;
pub(super) mod show;

use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ApiResult};
use super::identity::SessionReader;
use crate::store::SessionId;
use crate::store::sessions::{self, Session, State, Status, Summary};

/// A session as lists show it. What is not known (yet) is `null`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionSummary {
    pub id: String,
    pub recording_id: String,
    pub file_name: String,
    /// From 1; greater when other bytes came under the same name before.
    pub version: i64,
    /// The device that sent it; `null` for a person's upload.
    pub device: Option<DeviceRef>,
    /// When the server had it durably, RFC 3339 in UTC.
    pub stored_at: String,
    /// When the recording began, RFC 3339 in UTC.
    pub started_at: Option<String>,
    pub status: SessionStatus,
    /// Why the recording could not be analysed; only with status `failed`.
    pub error: Option<AnalysisError>,
    pub track_name: Option<String>,
    /// `fieldpost-csv`, `vbo`, `racechrono-csv`, …
    pub format: Option<String>,
    /// `car`, `motorcycle` or `kart`.
    pub vehicle: Option<String>,
    pub best_ms: Option<f64>,
    pub laps_timed: Option<i64>,
    pub duration_s: Option<f64>,
    pub distance_m: Option<f64>,
    pub size_bytes: u64,
    /// Of the recording's bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceRef {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SessionStatus {
    Waiting,
    Analysing,
    Ready,
    Failed,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnalysisError {
    pub code: String,
    /// Cause and remedy.
    pub message: String,
    /// Line of the file, from 1.
    pub line: Option<u64>,
}

impl From<Session> for SessionSummary {
    fn from(session: Session) -> Self {
        let status = session.state.status().into();
        let (found, failure) = match session.state {
            State::Waiting | State::Analysing => (Summary::default(), None),
            State::Ready(summary) => (summary, None),
            State::Failed(failure) => (Summary::default(), Some(failure)),
        };
        Self {
            id: session.id.to_string(),
            recording_id: session.recording.to_string(),
            file_name: session.file_name,
            version: session.version,
            device: session.device.map(|(id, name)| DeviceRef {
                id: id.to_string(),
                name,
            }),
            stored_at: session.stored_at.to_string(),
            started_at: found.started_at.map(|time| time.to_string()),
            status,
            error: failure.map(|failure| AnalysisError {
                code: failure.code,
                message: failure.message,
                line: failure.line,
            }),
            track_name: found.track_name,
            format: found.format,
            vehicle: found.vehicle,
            best_ms: found.best_ms,
            laps_timed: found.laps_timed,
            duration_s: found.duration_s,
            distance_m: found.distance_m,
            size_bytes: session.size_bytes,
            sha256: session.sha256.to_string(),
        }
    }
}

impl From<Status> for SessionStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Waiting => Self::Waiting,
            Status::Analysing => Self::Analysing,
            Status::Ready => Self::Ready,
            Status::Failed => Self::Failed,
        }
    }
}

/// The session of that id, if the reader may see it. An id that is none names nothing.
pub(super) async fn visible(app: &App, reader: SessionReader, id: &str) -> ApiResult<Session> {
    let missing = || ApiError::not_found("session");
    let id: SessionId = id.parse().map_err(|_| missing())?;
    if reader.only_session.is_some_and(|only| only != id) {
        return Err(missing());
    }
    let session = sessions::find(&app.store, reader.tenant, id)
        .await?
        .ok_or_else(missing)?;
    let device = session.device.as_ref().map(|(device, _)| *device);
    if reader.only_device.is_some() && reader.only_device != device {
        return Err(missing());
    }
    Ok(session)
}

/// The report of a session that has one; otherwise why it has none.
async fn report(app: &App, reader: SessionReader, session: &Session) -> ApiResult<String> {
    let report = sessions::report(&app.store, reader.tenant, session.id).await?;
    report.ok_or_else(|| not_ready(session))
}

fn not_ready(session: &Session) -> ApiError {
    match &session.state {
        State::Failed(failure) => ApiError::conflict(
            "analysis_failed",
            format!("This recording could not be analysed: {}", failure.message),
        )
        .at_line(failure.line),
        State::Waiting | State::Analysing | State::Ready(_) => ApiError::conflict(
            "not_ready",
            "This recording is still being analysed; ask again in a second.",
        ),
    }
}
