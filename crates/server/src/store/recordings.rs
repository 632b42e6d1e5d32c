//! Recordings as stored: who sent what under which name, in which version, and which object holds its bytes.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{
    DeviceId, JobId, RecordingId, SessionId, Store, StoreError, TenantId, UserId, bad_row, time_from_row,
};
use crate::objects::Digest;

/// What a recording is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A drive or a flight: gets a session and is analysed.
    Drive,
    /// A still from a camera: stored, not analysed.
    Picture,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Drive => "drive",
            Self::Picture => "picture",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        match text {
            "drive" => Ok(Self::Drive),
            "picture" => Ok(Self::Picture),
            other => Err(bad_row(format!("recordings.kind is {other:?}"))),
        }
    }
}

/// A recording whose object is durable.
#[derive(Debug, Clone)]
pub struct NewRecording {
    pub device: Option<DeviceId>,
    pub uploaded_by: Option<UserId>,
    pub kind: Kind,
    /// Versions of one recording share it.
    pub identity: String,
    pub file_name: String,
    pub sha256: Digest,
    pub size_bytes: u64,
}

/// Ids for the rows of one recording, drawn before the transaction.
#[derive(Debug, Clone, Copy)]
pub struct NewIds {
    pub recording: RecordingId,
    pub session: SessionId,
    pub job: JobId,
}

/// The rows that hold a recording: new ones, or those of the same bytes sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub recording: RecordingId,
    /// Pictures have none.
    pub session: Option<SessionId>,
    /// From 1 among the recordings of one identity.
    pub version: i64,
    pub stored_at: Timestamp,
    pub duplicate: bool,
}

/// One stored recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    pub id: RecordingId,
    pub session: Option<SessionId>,
    pub device: Option<DeviceId>,
    pub kind: Kind,
    pub version: i64,
    pub file_name: String,
    pub sha256: Digest,
    pub size_bytes: u64,
    pub stored_at: Timestamp,
}

/// Places a recording with its session and its analysis job, or finds the one that has the same identity and bytes.
pub async fn place(
    rows: &mut SqliteConnection,
    tenant: TenantId,
    new: &NewRecording,
    ids: NewIds,
    now: Timestamp,
) -> Result<Placed, StoreError> {
    if let Some(placed) = find_same(&mut *rows, tenant, new).await? {
        return Ok(placed);
    }
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM recordings WHERE tenant_id = $1 AND identity = $2")
            .bind(tenant)
            .bind(&new.identity)
            .fetch_one(&mut *rows)
            .await?;
    let version = newest.unwrap_or(0) + 1;
    sqlx::query(
        "INSERT INTO recordings (id, tenant_id, device_id, uploaded_by, kind, identity, version, file_name, sha256, \
         size_bytes, stored_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(ids.recording)
    .bind(tenant)
    .bind(new.device)
    .bind(new.uploaded_by)
    .bind(new.kind.as_str())
    .bind(&new.identity)
    .bind(version)
    .bind(&new.file_name)
    .bind(new.sha256.to_string())
    .bind(i64::try_from(new.size_bytes).unwrap_or(i64::MAX))
    .bind(now.as_microsecond())
    .execute(&mut *rows)
    .await?;
    let session = match new.kind {
        Kind::Drive => {
            super::sessions::insert(&mut *rows, tenant, ids, now).await?;
            super::jobs::insert(&mut *rows, tenant, ids.job, ids.session, now).await?;
            Some(ids.session)
        }
        Kind::Picture => None,
    };
    Ok(Placed {
        recording: ids.recording,
        session,
        version,
        stored_at: now,
        duplicate: false,
    })
}

async fn find_same(
    rows: &mut SqliteConnection,
    tenant: TenantId,
    new: &NewRecording,
) -> Result<Option<Placed>, StoreError> {
    let row = sqlx::query(
        "SELECT r.id, r.version, r.stored_at, s.id AS session_id FROM recordings r \
         LEFT JOIN sessions s ON s.recording_id = r.id \
         WHERE r.tenant_id = $1 AND r.identity = $2 AND r.sha256 = $3",
    )
    .bind(tenant)
    .bind(&new.identity)
    .bind(new.sha256.to_string())
    .fetch_optional(rows)
    .await?;
    row.map(|row| {
        Ok(Placed {
            recording: row.try_get("id")?,
            session: row.try_get("session_id")?,
            version: row.try_get("version")?,
            stored_at: time_from_row(row.try_get("stored_at")?)?,
            duplicate: true,
        })
    })
    .transpose()
}

/// One recording of a tenant.
pub async fn find(store: &Store, tenant: TenantId, id: RecordingId) -> Result<Option<Recording>, StoreError> {
    let row = sqlx::query(
        "SELECT r.id, r.device_id, r.kind, r.version, r.file_name, r.sha256, r.size_bytes, r.stored_at, \
         s.id AS session_id FROM recordings r LEFT JOIN sessions s ON s.recording_id = r.id \
         WHERE r.tenant_id = $1 AND r.id = $2",
    )
    .bind(tenant)
    .bind(id)
    .fetch_optional(store.readers())
    .await?;
    row.as_ref().map(from_row).transpose()
}

fn from_row(row: &SqliteRow) -> Result<Recording, StoreError> {
    let kind: String = row.try_get("kind")?;
    Ok(Recording {
        id: row.try_get("id")?,
        session: row.try_get("session_id")?,
        device: row.try_get("device_id")?,
        kind: Kind::parse(&kind)?,
        version: row.try_get("version")?,
        file_name: row.try_get("file_name")?,
        sha256: digest_from_row(row)?,
        size_bytes: size_from_row(row)?,
        stored_at: time_from_row(row.try_get("stored_at")?)?,
    })
}

pub(super) fn digest_from_row(row: &SqliteRow) -> Result<Digest, StoreError> {
    let text: String = row.try_get("sha256")?;
    text.parse()
        .map_err(|error| bad_row(format!("recordings.sha256 is {text:?}: {error}")))
}

pub(super) fn size_from_row(row: &SqliteRow) -> Result<u64, StoreError> {
    let size: i64 = row.try_get("size_bytes")?;
    u64::try_from(size).map_err(|_| bad_row(format!("recordings.size_bytes is {size}")))
}
