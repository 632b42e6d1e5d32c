//! What changes a session: born with its recording, taken, settled, sent back. Each is a part of a larger transaction.

use jiff::Timestamp;

use super::{Failure, Status, Summary};
use crate::store::recordings::NewIds;
use crate::store::{JobId, RecordingId, SessionId, StoreError, TeamRows, TrackId, jobs};

/// Forgets what an earlier analysis found.
const NOTHING_FOUND: &str = "report = NULL, analysis_version = NULL, started_at = NULL, track_name = NULL, \
     format = NULL, vehicle = NULL, best_ms = NULL, laps_timed = NULL, duration_s = NULL, distance_m = NULL";

pub(in crate::store) async fn insert(
    rows: &mut TeamRows<'_>,
    ids: NewIds,
    stored_at: Timestamp,
) -> Result<(), StoreError> {
    rows.query(
        "INSERT INTO sessions (tenant_id, id, recording_id, stored_at, status, status_at) \
         VALUES ($1, $2, $3, $4, 'waiting', $4)",
    )
    .bind(ids.session)
    .bind(ids.recording)
    .bind(stored_at)
    .execute()
    .await?;
    Ok(())
}

pub(in crate::store) async fn set_status(
    rows: &mut TeamRows<'_>,
    recording: RecordingId,
    status: Status,
    now: Timestamp,
) -> Result<(), StoreError> {
    rows.query("UPDATE sessions SET status = $2, status_at = $3 WHERE tenant_id = $1 AND recording_id = $4")
        .bind(status.as_str())
        .bind(now)
        .bind(recording)
        .execute()
        .await?;
    Ok(())
}

/// The gate that a person gives for a new analysis; both `None` lets the analysis choose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gates {
    pub gate: Option<String>,
    pub finish: Option<String>,
}

/// Sends a session back to `waiting` with a new job; `false` if the tenant has no such session.
///
/// With `gates` it is a fresh analysis that may use every track known by then; without, it repeats the last one with
/// what that one knew.
pub async fn requeue(
    rows: &mut TeamRows<'_>,
    id: SessionId,
    gates: Option<&Gates>,
    job: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let back = format!(
        "UPDATE sessions SET status = 'waiting', status_at = $2, {NOTHING_FOUND}, \
         error_code = NULL, error_message = NULL, error_line = NULL WHERE tenant_id = $1 AND id = $3 \
         RETURNING recording_id"
    );
    let back = rows.composed(back).bind(now).bind(id).fetch_optional().await?;
    let Some(back) = back else { return Ok(false) };
    let recording = back.get("recording_id")?;
    if let Some(gates) = gates {
        set_gates(rows, id, gates).await?;
    }
    jobs::clear_idle(rows, recording, now).await?;
    jobs::insert(rows, job, jobs::Kind::Analyse, recording, now).await?;
    Ok(true)
}

/// Gates for an analysis that starts from what is known by then.
async fn set_gates(rows: &mut TeamRows<'_>, id: SessionId, gates: &Gates) -> Result<(), StoreError> {
    rows.query(
        "UPDATE sessions SET gate = $2, finish = $3, tracks_known = NULL, track_id = NULL \
         WHERE tenant_id = $1 AND id = $4",
    )
    .bind(gates.gate.as_ref())
    .bind(gates.finish.as_ref())
    .bind(id)
    .execute()
    .await?;
    Ok(())
}

/// What a finished analysis leaves in its session.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub summary: Summary,
    /// JSON.
    pub report: String,
    pub analysis_version: u32,
    pub tracks_known: i64,
    pub track: Option<TrackId>,
}

/// `ready`, with everything that was found.
pub async fn set_ready(
    rows: &mut TeamRows<'_>,
    recording: RecordingId,
    found: &Found,
    now: Timestamp,
) -> Result<(), StoreError> {
    let summary = &found.summary;
    rows.query(
        "UPDATE sessions SET status = 'ready', status_at = $2, report = $3, analysis_version = $4, \
         tracks_known = $5, track_id = $6, started_at = $7, track_name = $8, format = $9, vehicle = $10, \
         best_ms = $11, laps_timed = $12, duration_s = $13, distance_m = $14, \
         error_code = NULL, error_message = NULL, error_line = NULL WHERE tenant_id = $1 AND recording_id = $15",
    )
    .bind(now)
    .bind(&found.report)
    .bind(i64::from(found.analysis_version))
    .bind(found.tracks_known)
    .bind(found.track)
    .bind(summary.started_at)
    .bind(summary.track_name.as_ref())
    .bind(summary.format.as_ref())
    .bind(summary.vehicle.as_ref())
    .bind(summary.best_ms)
    .bind(summary.laps_timed)
    .bind(summary.duration_s)
    .bind(summary.distance_m)
    .bind(recording)
    .execute()
    .await?;
    Ok(())
}

/// `failed`, with the reason; whatever an earlier analysis found is forgotten.
pub async fn set_failed(
    rows: &mut TeamRows<'_>,
    recording: RecordingId,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), StoreError> {
    let failed = format!(
        "UPDATE sessions SET status = 'failed', status_at = $2, error_code = $3, error_message = $4, \
         error_line = $5, {NOTHING_FOUND} WHERE tenant_id = $1 AND recording_id = $6"
    );
    rows.composed(failed)
        .bind(now)
        .bind(&failure.code)
        .bind(&failure.message)
        .bind(failure.line.and_then(|line| i64::try_from(line).ok()))
        .bind(recording)
        .execute()
        .await?;
    Ok(())
}
