//! What is coming and has come from a device, for whoever watches it.

use jiff::Timestamp;

use super::sessions::Status;
use super::sql::Row;
use super::{DeviceId, RecordingId, SessionId, Store, StoreError, TenantId, UploadId};

/// Recordings of one batch that are shown; a device that was away for a season sends more, and pages list them.
const ARRIVED_MAX: i64 = 500;
/// Uploads under way at once.
const COMING_MAX: i64 = 64;

/// A recording that was stored, and what its analysis found so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    pub recording: RecordingId,
    pub session: SessionId,
    pub file_name: String,
    pub size_bytes: u64,
    pub status: Status,
    pub track_name: Option<String>,
    pub laps_timed: Option<i64>,
    pub best_ms: Option<f64>,
    /// Why it could not be analysed.
    pub error: Option<String>,
}

/// An upload that is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    pub upload: UploadId,
    pub file_name: String,
    pub size_bytes: Option<u64>,
    pub created_at: Timestamp,
}

/// Drives of a device that were stored since a moment, in that order.
pub async fn arrived(
    store: &Store,
    tenant: TenantId,
    device: DeviceId,
    since: Timestamp,
) -> Result<Vec<Arrived>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT s.id, s.recording_id, s.status, s.track_name, s.laps_timed, s.best_ms, s.error_message, \
             r.file_name, r.size_bytes FROM sessions s JOIN recordings r ON r.id = s.recording_id \
             WHERE s.tenant_id = $1 AND s.stored_at >= $2 AND r.device_id = $3 ORDER BY s.stored_at, s.id LIMIT $4",
        )
        .bind(since)
        .bind(device)
        .bind(ARRIVED_MAX)
        .fetch_all()
        .await?;
    found.iter().map(arrived_from).collect()
}

fn arrived_from(row: &Row) -> Result<Arrived, StoreError> {
    let status: String = row.get("status")?;
    Ok(Arrived {
        recording: row.get("recording_id")?,
        session: row.get("id")?,
        file_name: row.get("file_name")?,
        size_bytes: row.get("size_bytes")?,
        status: Status::parse(&status)?,
        track_name: row.get("track_name")?,
        laps_timed: row.get("laps_timed")?,
        best_ms: row.get("best_ms")?,
        error: row.get("error_message")?,
    })
}

/// A device's open uploads, parts too, the newest ones.
pub async fn coming(store: &Store, tenant: TenantId, device: DeviceId) -> Result<Vec<Coming>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT id, file_name, size_bytes, created_at FROM uploads \
             WHERE tenant_id = $1 AND state = 'open' AND device_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3",
        )
        .bind(device)
        .bind(COMING_MAX)
        .fetch_all()
        .await?;
    found
        .iter()
        .map(|row| {
            Ok(Coming {
                upload: row.get("id")?,
                file_name: row.get::<Option<String>>("file_name")?.unwrap_or_default(),
                size_bytes: row.get("size_bytes")?,
                created_at: row.get("created_at")?,
            })
        })
        .collect()
}
