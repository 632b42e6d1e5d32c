//! Resumable uploads as rows: what was announced of each, and what became of it. How far one has come is not here.

use jiff::Timestamp;

use super::recordings::Kind;
use super::sql::{Row, query};
use super::{DeviceId, RecordingId, Store, StoreError, TeamRows, TenantId, UploadId, UserId, bad_row};
use crate::objects::Digest;

/// What an upload is to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A recording.
    Whole,
    /// A stretch of a recording, sent beside others.
    Partial,
    /// A recording put together of parts.
    Final,
}

/// What has become of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Bytes are awaited; of a part, they may all be here.
    Open,
    /// It is this recording.
    Complete { recording: RecordingId },
    /// Deleted, or expired; kept for a while to say so.
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRow {
    pub id: UploadId,
    pub tenant: TenantId,
    pub device: Option<DeviceId>,
    pub user: Option<UserId>,
    pub kind: Kind,
    pub role: Role,
    /// Empty for a part.
    pub file_name: String,
    pub metadata: String,
    pub concat: Option<String>,
    pub size_bytes: Option<u64>,
    pub sha256: Option<Digest>,
    pub state: State,
    pub created_at: Timestamp,
}

/// How [`create`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    New,
    /// The same was begun before, perhaps ended since.
    Known(Box<UploadRow>),
    /// The recording was stored by another road; the row was made for it and is complete.
    Stored(Box<UploadRow>),
    /// The team has as many open uploads as it may have.
    TooMany,
}

const COLUMNS: &str = "id, tenant_id, device_id, user_id, kind, role, file_name, metadata, concat, size_bytes, sha256, \
                       state, recording_id, created_at";

/// Inserts an upload unless one with its key is there, or its recording is. `lost` is one with its key that
/// was complete and whose bytes are gone: it gives way. `open_max` bounds a team's open uploads.
pub async fn create(
    rows: &mut TeamRows<'_>,
    new: &UploadRow,
    same_key: Option<&str>,
    lost: Option<UploadId>,
    open_max: u64,
) -> Result<Created, StoreError> {
    if let Some(key) = same_key {
        match by_key(rows, key).await? {
            // The row outlived its bytes: they are wanted again.
            Some(known) if lost == Some(known.id) => let_go(rows, known.id, new.created_at).await?,
            Some(known) => return Ok(Created::Known(Box::new(known))),
            None => {}
        }
        if lost.is_none()
            && let Some(recording) = stored(rows, new).await?
        {
            let state = State::Complete { recording };
            let complete = UploadRow { state, ..new.clone() };
            insert(rows, &complete, same_key).await?;
            return Ok(Created::Stored(Box::new(complete)));
        }
    }
    if open_count(rows, open_max).await? >= open_max {
        return Ok(Created::TooMany);
    }
    insert(rows, new, same_key).await?;
    Ok(Created::New)
}

/// As it is, also one that is complete from the beginning.
pub async fn insert(
    rows: &mut TeamRows<'_>,
    new: &UploadRow,
    same_key: Option<&str>,
) -> Result<(), StoreError> {
    let recording = match new.state {
        State::Complete { recording } => Some(recording),
        State::Open | State::Gone => None,
    };
    rows.query(
        "INSERT INTO uploads (tenant_id, id, device_id, user_id, kind, role, file_name, metadata, concat, size_bytes, \
         sha256, same_key, state, created_at, recording_id, ended_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(new.id)
    .bind(new.device)
    .bind(new.user)
    .bind(new.kind.as_str())
    .bind(new.role.as_str())
    .bind((new.role != Role::Partial).then_some(&new.file_name))
    .bind(&new.metadata)
    .bind(new.concat.as_deref())
    .bind(new.size_bytes.map(size_to_row))
    .bind(new.sha256.map(|digest| digest.to_string()))
    .bind(same_key)
    .bind(new.state.as_str())
    .bind(new.created_at)
    .bind(recording)
    .bind(recording.map(|_| new.created_at))
    .execute()
    .await?;
    Ok(())
}

async fn by_key(rows: &mut TeamRows<'_>, key: &str) -> Result<Option<UploadRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE tenant_id = $1 AND same_key = $2");
    let row = rows.composed(sql).bind(key).fetch_optional().await?;
    row.as_ref().map(from_row).transpose()
}

/// The recording with these four values, whichever way it came.
pub async fn stored(rows: &mut TeamRows<'_>, new: &UploadRow) -> Result<Option<RecordingId>, StoreError> {
    let (Some(size_bytes), Some(sha256)) = (new.size_bytes, new.sha256) else {
        return Ok(None);
    };
    let row = rows
        .query(
            "SELECT id FROM recordings WHERE tenant_id = $1 AND sha256 = $2 AND file_name = $3 AND size_bytes = $4 \
             AND kind = $5 AND COALESCE(device_id, '-') = $6 ORDER BY id LIMIT 1",
        )
        .bind(sha256.to_string())
        .bind(&new.file_name)
        .bind(size_to_row(size_bytes))
        .bind(new.kind.as_str())
        .bind(new.device.map_or("-".to_owned(), |device| device.to_string()))
        .fetch_optional()
        .await?;
    row.map(|row| row.get("id")).transpose()
}

/// Not counted beyond `max`.
async fn open_count(rows: &mut TeamRows<'_>, max: u64) -> Result<u64, StoreError> {
    let row = rows
        .query(
            "SELECT COUNT(*) AS open FROM (SELECT id FROM uploads WHERE tenant_id = $1 AND state = 'open' LIMIT $2) AS found",
        )
        .bind(size_to_row(max))
        .fetch_one()
        .await?;
    row.get("open")
}

/// One upload of a team, gone ones too.
pub async fn find(store: &Store, tenant: TenantId, id: UploadId) -> Result<Option<UploadRow>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE tenant_id = $1 AND id = $2");
    let row = rows.composed(sql).bind(id).fetch_optional().await?;
    row.as_ref().map(from_row).transpose()
}

/// Whether the team has this device, revoked ones too: its files may still be carried.
pub async fn has_device(store: &Store, tenant: TenantId, device: DeviceId) -> Result<bool, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query("SELECT id FROM devices WHERE tenant_id = $1 AND id = $2")
        .bind(device)
        .fetch_optional()
        .await?;
    Ok(found.is_some())
}

/// Sets the length of an open upload that has none; says whether it did.
pub async fn set_size(rows: &mut TeamRows<'_>, id: UploadId, size_bytes: u64) -> Result<bool, StoreError> {
    let changed = rows
        .query(
            "UPDATE uploads SET size_bytes = $3 WHERE tenant_id = $1 AND id = $2 AND state = 'open' AND size_bytes IS NULL",
        )
        .bind(id)
        .bind(size_to_row(size_bytes))
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Marks an open upload as stored; says whether it was open.
pub async fn complete(
    rows: &mut TeamRows<'_>,
    id: UploadId,
    size_bytes: u64,
    recording: RecordingId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = rows
        .query(
            "UPDATE uploads SET state = 'complete', size_bytes = $3, recording_id = $4, ended_at = $5 \
             WHERE tenant_id = $1 AND id = $2 AND state = 'open'",
        )
        .bind(id)
        .bind(size_to_row(size_bytes))
        .bind(recording)
        .bind(now)
        .execute()
        .await?;
    Ok(changed == 1)
}

/// Ends an upload; the next creation with its key begins another one.
pub async fn let_go(rows: &mut TeamRows<'_>, id: UploadId, now: Timestamp) -> Result<(), StoreError> {
    rows.query(
        "UPDATE uploads SET state = 'gone', same_key = NULL, recording_id = NULL, ended_at = $3 \
         WHERE tenant_id = $1 AND id = $2 AND state <> 'gone'",
    )
    .bind(id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Open uploads of any team that began before this time, oldest first.
pub async fn open_since_before(
    store: &Store,
    time: Timestamp,
    count_max: u64,
) -> Result<Vec<UploadRow>, StoreError> {
    let mut rows = store.read_across().await?;
    let sql = format!(
        "SELECT {COLUMNS} FROM uploads WHERE state = 'open' AND created_at < $1 ORDER BY created_at LIMIT $2"
    );
    let found = super::sql::composed(sql)
        .bind(time)
        .bind(size_to_row(count_max))
        .fetch_all(&mut rows)
        .await?;
    found.iter().map(from_row).collect()
}

/// An open upload of any team.
pub async fn find_open_across(store: &Store, id: UploadId) -> Result<Option<UploadRow>, StoreError> {
    let mut rows = store.read_across().await?;
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE id = $1 AND state = 'open'");
    let row = super::sql::composed(sql)
        .bind(id)
        .fetch_optional(&mut rows)
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// The upload that a second creation with this key means.
pub async fn find_by_key(
    store: &Store,
    tenant: TenantId,
    key: &str,
) -> Result<Option<UploadRow>, StoreError> {
    by_key(&mut store.read(tenant).await?, key).await
}

/// Forgets uploads that are gone since before this time.
pub async fn forget_gone(store: &Store, before: Timestamp) -> Result<u64, StoreError> {
    let forget = store.write_across(move |rows| {
        Box::pin(async move {
            query("DELETE FROM uploads WHERE state = 'gone' AND ended_at < $1")
                .bind(before)
                .execute(rows)
                .await
        })
    });
    forget.await
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partial => "partial",
            Self::Final => "final",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        match text {
            "whole" => Ok(Self::Whole),
            "partial" => Ok(Self::Partial),
            "final" => Ok(Self::Final),
            other => Err(bad_row(format!("uploads.role is {other:?}"))),
        }
    }
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete { .. } => "complete",
            Self::Gone => "gone",
        }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let text: String = row.get("state")?;
        match (text.as_str(), row.get::<Option<RecordingId>>("recording_id")?) {
            ("open", None) => Ok(Self::Open),
            ("complete", Some(recording)) => Ok(Self::Complete { recording }),
            ("gone", None) => Ok(Self::Gone),
            (state, recording) => Err(bad_row(format!(
                "uploads.state is {state:?} with recording {recording:?}"
            ))),
        }
    }
}

fn size_to_row(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn from_row(row: &Row) -> Result<UploadRow, StoreError> {
    let sha256: Option<String> = row.get("sha256")?;
    let parsed = sha256.map(|text| {
        text.parse()
            .map_err(|error| bad_row(format!("uploads.sha256 is {text:?}: {error}")))
    });
    let kind: String = row.get("kind")?;
    let role: String = row.get("role")?;
    Ok(UploadRow {
        id: row.get("id")?,
        tenant: row.get("tenant_id")?,
        device: row.get("device_id")?,
        user: row.get("user_id")?,
        kind: Kind::parse(&kind)?,
        role: Role::parse(&role)?,
        file_name: row.get::<Option<String>>("file_name")?.unwrap_or_default(),
        metadata: row.get("metadata")?,
        concat: row.get("concat")?,
        size_bytes: row.get("size_bytes")?,
        sha256: parsed.transpose()?,
        state: State::read(row)?,
        created_at: row.get("created_at")?,
    })
}
