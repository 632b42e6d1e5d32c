//! Sessions: one for each recording of a drive, from `waiting` to what its analysis found.
//!
//! ```text
//! waiting ──job taken──► analysing ──found──► ready
//!    ▲  ▲                    │ └──cannot be analysed──► failed
//!    │  └──try again later───┘                            │
//!    └───────────────── re-analyse ◄── ready, failed ◄────┘
//! ```
//!
//! Each state carries only what it knows: sending a session back forgets what the last analysis found or why it could
//! not. Only a `ready` session's derived files may be read: while it waits for another analysis they are being replaced.

mod change;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use uuid::Uuid;

pub use change::{Found, Gates, requeue, set_failed, set_ready};
pub(super) use change::{insert, set_status};

use super::recordings::digest_from_row;
use super::sql::{Row, query};
use super::{DeviceId, RecordingId, SessionId, Store, StoreError, TenantId, TrackId, bad_row};
use crate::objects::Digest;

/// A state's name, as rows and the API write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Waiting,
    Analysing,
    Ready,
    Failed,
}

impl Status {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Analysing => "analysing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    pub(in crate::store) fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Waiting, Self::Analysing, Self::Ready, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| bad_row(format!("sessions.status is {text:?}")))
    }
}

/// Why a recording could not be analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable snake-case word for programs.
    pub code: String,
    /// Cause and remedy in plain words.
    pub message: String,
    /// Line of the file, from 1.
    pub line: Option<u64>,
}

/// What an analysis found, as far as lists show it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    pub started_at: Option<Timestamp>,
    pub track_name: Option<String>,
    pub format: Option<String>,
    pub vehicle: Option<String>,
    pub best_ms: Option<f64>,
    pub laps_timed: Option<i64>,
    pub duration_s: Option<f64>,
    pub distance_m: Option<f64>,
}

/// How far a session has come, and what is known there.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    Waiting,
    Analysing,
    Ready(Summary),
    Failed(Failure),
}

impl State {
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Waiting => Status::Waiting,
            Self::Analysing => Status::Analysing,
            Self::Ready(_) => Status::Ready,
            Self::Failed(_) => Status::Failed,
        }
    }
}

/// One line of a list of sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub recording: RecordingId,
    pub file_name: String,
    /// Greater than 1: other bytes came under the same name, or the same recording grew.
    pub version: i64,
    pub sha256: Digest,
    pub size_bytes: u64,
    pub device: Option<(DeviceId, String)>,
    pub stored_at: Timestamp,
    pub state: State,
}

/// What an analysis needs to know about its session.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    pub recording: RecordingId,
    pub sha256: Digest,
    pub gate: Option<String>,
    pub finish: Option<String>,
    /// Set once an analysis has been made: repeating it uses the tracks that were known then.
    pub tracks_known: Option<i64>,
    pub track: Option<TrackId>,
}

/// The place in a list where the next page begins. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    stored_at_micros: i64,
    id: SessionId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that a list of sessions has given out")]
pub struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stored_at_micros, self.id)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (stored_at, id) = text.split_once('.').ok_or(NotACursor)?;
        let stored_at_micros = stored_at.parse().map_err(|_| NotACursor)?;
        Ok(Self {
            stored_at_micros,
            id: id.parse().map_err(|_| NotACursor)?,
        })
    }
}

const COLUMNS: &str = "SELECT s.id, s.recording_id, s.stored_at, s.status, s.started_at, s.track_name, s.format, \
     s.vehicle, s.best_ms, s.laps_timed, s.duration_s, s.distance_m, s.error_code, s.error_message, s.error_line, \
     r.file_name, r.version, r.sha256, r.size_bytes, r.device_id, d.name AS device_name \
     FROM sessions s JOIN recordings r ON r.id = s.recording_id \
     LEFT JOIN devices d ON d.id = r.device_id AND d.tenant_id = r.tenant_id";

/// A tenant's sessions, newest first, of all devices or of one. The cursor of the next page comes along if there is one.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    only_device: Option<DeviceId>,
    after: Option<Cursor>,
    limit: u32,
) -> Result<(Vec<Session>, Option<Cursor>), StoreError> {
    let from = after.unwrap_or(Cursor {
        stored_at_micros: i64::MAX,
        id: SessionId(Uuid::max()),
    });
    let page = format!(
        "{COLUMNS} WHERE s.tenant_id = $1 AND (s.stored_at, s.id) < ($2, $3) \
         AND ($4 IS NULL OR r.device_id = $4) ORDER BY s.stored_at DESC, s.id DESC LIMIT $5"
    );
    let mut rows = store.read(tenant).await?;
    let found = rows
        .composed(page)
        .bind(from.stored_at_micros)
        .bind(from.id)
        .bind(only_device)
        .bind(i64::from(limit) + 1)
        .fetch_all()
        .await?;
    let mut sessions = found.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = sessions.len() > limit;
    sessions.truncate(limit);
    let next = sessions.last().filter(|_| more);
    let next = next.map(|last| Cursor {
        stored_at_micros: last.stored_at.as_microsecond(),
        id: last.id,
    });
    Ok((sessions, next))
}

/// One session of a tenant.
pub async fn find(store: &Store, tenant: TenantId, id: SessionId) -> Result<Option<Session>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .composed(format!("{COLUMNS} WHERE s.tenant_id = $1 AND s.id = $2"))
        .bind(id)
        .fetch_optional()
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// A `ready` session's report as the JSON text that the analysis gave; `None` for any other session.
pub async fn report(store: &Store, tenant: TenantId, id: SessionId) -> Result<Option<String>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query("SELECT report FROM sessions WHERE tenant_id = $1 AND id = $2 AND status = 'ready'")
        .bind(id)
        .fetch_optional()
        .await?;
    row.map_or(Ok(None), |row| row.get("report"))
}

/// Every session of every tenant, oldest first, for a rebuild.
pub async fn all(store: &Store) -> Result<Vec<(TenantId, SessionId)>, StoreError> {
    let mut rows = store.read_across().await?;
    let found = query("SELECT tenant_id, id FROM sessions ORDER BY stored_at, id")
        .fetch_all(&mut rows)
        .await?;
    found
        .iter()
        .map(|row| Ok((row.get("tenant_id")?, row.get("id")?)))
        .collect()
}

/// Which session belongs to a recording, whoever's it is; the session's own id finds it too.
pub async fn locate(store: &Store, id: RecordingId) -> Result<Option<(TenantId, SessionId)>, StoreError> {
    let mut rows = store.read_across().await?;
    let row = query("SELECT tenant_id, id FROM sessions WHERE recording_id = $1 OR id = $1")
        .bind(id)
        .fetch_optional(&mut rows)
        .await?;
    row.map(|row| Ok((row.get("tenant_id")?, row.get("id")?)))
        .transpose()
}

const ASSIGNMENT: &str = "SELECT s.recording_id, s.gate, s.finish, s.tracks_known, s.track_id, r.sha256 \
     FROM sessions s JOIN recordings r ON r.id = s.recording_id WHERE s.tenant_id = $1";

/// What to analyse and with what.
pub async fn assignment(
    store: &Store,
    tenant: TenantId,
    id: SessionId,
) -> Result<Option<Assignment>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows.composed(format!("{ASSIGNMENT} AND s.id = $2")).bind(id);
    row.fetch_optional()
        .await?
        .as_ref()
        .map(assignment_from_row)
        .transpose()
}

/// The same for the session of a recording.
pub async fn assignment_of(
    store: &Store,
    tenant: TenantId,
    recording: RecordingId,
) -> Result<Option<Assignment>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .composed(format!("{ASSIGNMENT} AND s.recording_id = $2"))
        .bind(recording);
    row.fetch_optional()
        .await?
        .as_ref()
        .map(assignment_from_row)
        .transpose()
}

fn assignment_from_row(row: &Row) -> Result<Assignment, StoreError> {
    Ok(Assignment {
        recording: row.get("recording_id")?,
        sha256: digest_from_row(row)?,
        gate: row.get("gate")?,
        finish: row.get("finish")?,
        tracks_known: row.get("tracks_known")?,
        track: row.get("track_id")?,
    })
}

fn from_row(row: &Row) -> Result<Session, StoreError> {
    let device: Option<DeviceId> = row.get("device_id")?;
    let device_name: Option<String> = row.get("device_name")?;
    Ok(Session {
        id: row.get("id")?,
        recording: row.get("recording_id")?,
        file_name: row.get("file_name")?,
        version: row.get("version")?,
        sha256: digest_from_row(row)?,
        size_bytes: row.get("size_bytes")?,
        device: device.zip(device_name),
        stored_at: row.get("stored_at")?,
        state: state_from_row(row)?,
    })
}

fn state_from_row(row: &Row) -> Result<State, StoreError> {
    let status: String = row.get("status")?;
    Ok(match Status::parse(&status)? {
        Status::Waiting => State::Waiting,
        Status::Analysing => State::Analysing,
        Status::Ready => State::Ready(summary_from_row(row)?),
        Status::Failed => State::Failed(failure_from_row(row)?),
    })
}

fn summary_from_row(row: &Row) -> Result<Summary, StoreError> {
    Ok(Summary {
        started_at: row.get("started_at")?,
        track_name: row.get("track_name")?,
        format: row.get("format")?,
        vehicle: row.get("vehicle")?,
        best_ms: row.get("best_ms")?,
        laps_timed: row.get("laps_timed")?,
        duration_s: row.get("duration_s")?,
        distance_m: row.get("distance_m")?,
    })
}

/// `code` and `message` are written together with the status; a row without them does not decode.
fn failure_from_row(row: &Row) -> Result<Failure, StoreError> {
    let line: Option<i64> = row.get("error_line")?;
    Ok(Failure {
        code: row.get("error_code")?,
        message: row.get("error_message")?,
        line: line.and_then(|line| u64::try_from(line).ok()),
    })
}
