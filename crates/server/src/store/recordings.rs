//! Recordings as stored: who sent what under which name, in which version, and which object holds its bytes.

use jiff::Timestamp;

use super::quota::{PlaceError, Quota};
use super::sql::Row;
use super::{
    DeviceId, JobId, RecordingId, SessionId, Store, StoreError, TeamRows, TenantId, UserId, bad_row, jobs,
};
use crate::objects::Digest;

/// What a recording is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A drive or a flight: gets a session and is analysed.
    Drive,
    /// A still from a camera: is looked at, and gets thumbnails.
    Picture,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Drive => "drive",
            Self::Picture => "picture",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
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

/// Places a recording with its session or picture and its job, or finds the one that has the same identity and bytes.
pub async fn place(
    rows: &mut TeamRows<'_>,
    new: &NewRecording,
    ids: NewIds,
    quota: &Quota,
    now: Timestamp,
) -> Result<Placed, PlaceError> {
    if let Some(placed) = find_same(rows, new).await? {
        return Ok(placed);
    }
    quota.count(rows, new.size_bytes).await?;
    let version = newest_version(rows, &new.identity).await? + 1;
    rows.query(
        "INSERT INTO recordings (tenant_id, id, device_id, uploaded_by, kind, identity, version, file_name, sha256, \
         size_bytes, stored_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(ids.recording)
    .bind(new.device)
    .bind(new.uploaded_by)
    .bind(new.kind.as_str())
    .bind(&new.identity)
    .bind(version)
    .bind(&new.file_name)
    .bind(new.sha256.to_string())
    .bind(i64::try_from(new.size_bytes).unwrap_or(i64::MAX))
    .bind(now)
    .execute()
    .await?;
    if let Some(device) = new.device {
        super::devices_state::data_came(rows, &[device], now).await?;
    }
    let session = match new.kind {
        Kind::Drive => {
            super::sessions::insert(rows, ids, now).await?;
            jobs::insert(rows, ids.job, jobs::Kind::Analyse, ids.recording, now).await?;
            Some(ids.session)
        }
        Kind::Picture => {
            super::pictures::insert(rows, ids.recording, now).await?;
            jobs::insert(rows, ids.job, jobs::Kind::Picture, ids.recording, now).await?;
            None
        }
    };
    Ok(Placed {
        recording: ids.recording,
        session,
        version,
        stored_at: now,
        duplicate: false,
    })
}

/// Whether a recording whose bytes are all here will be placed, so that its object is not made in vain.
pub async fn will_fit(
    store: &Store,
    tenant: TenantId,
    new: &NewRecording,
    quota: &Quota,
) -> Result<(), PlaceError> {
    let Some(room) = quota.room(store, tenant).await? else {
        return Ok(());
    };
    if new.size_bytes <= room.left_bytes() {
        return Ok(());
    }
    match find_same(&mut store.read(tenant).await?, new).await? {
        Some(_) => Ok(()),
        None => Err(room.refusal().into()),
    }
}

/// 0 where there is none yet.
async fn newest_version(rows: &mut TeamRows<'_>, identity: &str) -> Result<i64, StoreError> {
    let row = rows
        .query("SELECT MAX(version) AS newest FROM recordings WHERE tenant_id = $1 AND identity = $2")
        .bind(identity)
        .fetch_one()
        .await?;
    Ok(row.get::<Option<i64>>("newest")?.unwrap_or(0))
}

async fn find_same(rows: &mut TeamRows<'_>, new: &NewRecording) -> Result<Option<Placed>, StoreError> {
    let row = rows
        .query(
            "SELECT r.id, r.version, r.stored_at, s.id AS session_id FROM recordings r \
             LEFT JOIN sessions s ON s.recording_id = r.id \
             WHERE r.tenant_id = $1 AND r.identity = $2 AND r.sha256 = $3",
        )
        .bind(&new.identity)
        .bind(new.sha256.to_string())
        .fetch_optional()
        .await?;
    row.map(|row| {
        Ok(Placed {
            recording: row.get("id")?,
            session: row.get("session_id")?,
            version: row.get("version")?,
            stored_at: row.get("stored_at")?,
            duplicate: true,
        })
    })
    .transpose()
}

/// One recording of a tenant.
pub async fn find(store: &Store, tenant: TenantId, id: RecordingId) -> Result<Option<Recording>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query(
            "SELECT r.id, r.device_id, r.kind, r.version, r.file_name, r.sha256, r.size_bytes, r.stored_at, \
             s.id AS session_id FROM recordings r LEFT JOIN sessions s ON s.recording_id = r.id \
             WHERE r.tenant_id = $1 AND r.id = $2",
        )
        .bind(id)
        .fetch_optional()
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// Whether any recording of the tenant has these bytes.
pub async fn has_object(store: &Store, tenant: TenantId, sha256: Digest) -> Result<bool, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query("SELECT id FROM recordings WHERE tenant_id = $1 AND sha256 = $2 LIMIT 1")
        .bind(sha256.to_string())
        .fetch_optional()
        .await?;
    Ok(row.is_some())
}

/// The size of the tenant's object with these bytes, as its recordings say; `None` if none has them.
pub async fn size_of_object(
    store: &Store,
    tenant: TenantId,
    sha256: Digest,
) -> Result<Option<u64>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query("SELECT size_bytes FROM recordings WHERE tenant_id = $1 AND sha256 = $2 LIMIT 1")
        .bind(sha256.to_string())
        .fetch_optional()
        .await?;
    row.map(|row| row.get("size_bytes")).transpose()
}

fn from_row(row: &Row) -> Result<Recording, StoreError> {
    let kind: String = row.get("kind")?;
    Ok(Recording {
        id: row.get("id")?,
        session: row.get("session_id")?,
        device: row.get("device_id")?,
        kind: Kind::parse(&kind)?,
        version: row.get("version")?,
        file_name: row.get("file_name")?,
        sha256: digest_from_row(row)?,
        size_bytes: row.get("size_bytes")?,
        stored_at: row.get("stored_at")?,
    })
}

pub(super) fn digest_from_row(row: &Row) -> Result<Digest, StoreError> {
    let text: String = row.get("sha256")?;
    text.parse()
        .map_err(|error| bad_row(format!("recordings.sha256 is {text:?}: {error}")))
}
