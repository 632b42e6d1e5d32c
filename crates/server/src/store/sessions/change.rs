//! What changes a session: born with its recording, taken, settled, sent back. Each is a part of a larger transaction.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{Failure, Status, Summary};
use crate::store::recordings::NewIds;
use crate::store::{JobId, SessionId, StoreError, TenantId, TrackId, jobs};

/// Forgets what an earlier analysis found.
const NOTHING_FOUND: &str = "report = NULL, analysis_version = NULL, started_at = NULL, track_name = NULL, \
     format = NULL, vehicle = NULL, best_ms = NULL, laps_timed = NULL, duration_s = NULL, distance_m = NULL";

pub(in crate::store) async fn insert(
    rows: &mut SqliteConnection,
    tenant: TenantId,
    ids: NewIds,
    stored_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sessions (id, tenant_id, recording_id, stored_at, status, status_at) \
         VALUES ($1, $2, $3, $4, 'waiting', $4)",
    )
    .bind(ids.session)
    .bind(tenant)
    .bind(ids.recording)
    .bind(stored_at.as_microsecond())
    .execute(rows)
    .await?;
    Ok(())
}

pub(in crate::store) async fn set_status(
    rows: &mut SqliteConnection,
    tenant: TenantId,
    id: SessionId,
    status: Status,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE sessions SET status = $1, status_at = $2 WHERE tenant_id = $3 AND id = $4")
        .bind(status.as_str())
        .bind(now.as_microsecond())
        .bind(tenant)
        .bind(id)
        .execute(rows)
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
    rows: &mut SqliteConnection,
    tenant: TenantId,
    id: SessionId,
    gates: Option<&Gates>,
    job: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let back = format!(
        "UPDATE sessions SET status = 'waiting', status_at = $1, {NOTHING_FOUND}, \
         error_code = NULL, error_message = NULL, error_line = NULL WHERE tenant_id = $2 AND id = $3"
    );
    let changed = sqlx::query(sqlx::AssertSqlSafe(back))
        .bind(now.as_microsecond())
        .bind(tenant)
        .bind(id)
        .execute(&mut *rows)
        .await?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(gates) = gates {
        set_gates(&mut *rows, tenant, id, gates).await?;
    }
    jobs::clear_idle(&mut *rows, id, now).await?;
    jobs::insert(rows, tenant, job, id, now).await?;
    Ok(true)
}

/// Gates for an analysis that starts from what is known by then.
async fn set_gates(
    rows: &mut SqliteConnection,
    tenant: TenantId,
    id: SessionId,
    gates: &Gates,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sessions SET gate = $1, finish = $2, tracks_known = NULL, track_id = NULL \
         WHERE tenant_id = $3 AND id = $4",
    )
    .bind(&gates.gate)
    .bind(&gates.finish)
    .bind(tenant)
    .bind(id)
    .execute(rows)
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
    rows: &mut SqliteConnection,
    tenant: TenantId,
    id: SessionId,
    found: &Found,
    now: Timestamp,
) -> Result<(), StoreError> {
    let summary = &found.summary;
    sqlx::query(
        "UPDATE sessions SET status = 'ready', status_at = $1, report = $2, analysis_version = $3, \
         tracks_known = $4, track_id = $5, started_at = $6, track_name = $7, format = $8, vehicle = $9, \
         best_ms = $10, laps_timed = $11, duration_s = $12, distance_m = $13, \
         error_code = NULL, error_message = NULL, error_line = NULL WHERE tenant_id = $14 AND id = $15",
    )
    .bind(now.as_microsecond())
    .bind(&found.report)
    .bind(i64::from(found.analysis_version))
    .bind(found.tracks_known)
    .bind(found.track)
    .bind(summary.started_at.map(Timestamp::as_microsecond))
    .bind(&summary.track_name)
    .bind(&summary.format)
    .bind(&summary.vehicle)
    .bind(summary.best_ms)
    .bind(summary.laps_timed)
    .bind(summary.duration_s)
    .bind(summary.distance_m)
    .bind(tenant)
    .bind(id)
    .execute(rows)
    .await?;
    Ok(())
}

/// `failed`, with the reason; whatever an earlier analysis found is forgotten.
pub async fn set_failed(
    rows: &mut SqliteConnection,
    tenant: TenantId,
    id: SessionId,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), StoreError> {
    let failed = format!(
        "UPDATE sessions SET status = 'failed', status_at = $1, error_code = $2, error_message = $3, \
         error_line = $4, {NOTHING_FOUND} WHERE tenant_id = $5 AND id = $6"
    );
    sqlx::query(sqlx::AssertSqlSafe(failed))
        .bind(now.as_microsecond())
        .bind(&failure.code)
        .bind(&failure.message)
        .bind(failure.line.and_then(|line| i64::try_from(line).ok()))
        .bind(tenant)
        .bind(id)
        .execute(rows)
        .await?;
    Ok(())
}
