//! Pictures: one for each recording of a still, from `waiting` to what looking at it found.
//!
//! ```text
//! waiting ──whole──► good
//!    ▲  └───not────► quarantined, with the reason
//!    └── looked at again ◄── good, quarantined
//! ```
//!
//! A picture has its recording's id. Only a `good` one has thumbnails. Lists are in the order of `shown_at`: when the picture
//! was taken, where that is known, else when it was stored. A time without a zone is ordered as if it were UTC, which is
//! off by 14 hours at most.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use uuid::Uuid;

use super::recordings::digest_from_row;
use super::sql::{Row, query};
use super::{DeviceId, JobId, RecordingId, Store, StoreError, TeamRows, TenantId, bad_row, jobs};
use crate::objects::Digest;
use crate::pictures::{Captured, Source};

/// Why a picture is not shown as good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable snake-case word for programs.
    pub code: String,
    /// Cause and remedy in plain words.
    pub message: String,
}

/// How far a picture has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Stored, not looked at yet.
    Waiting,
    Good,
    Quarantined(Reason),
}

/// A state's name, as rows and the API write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Waiting,
    Good,
    Quarantined,
}

impl Status {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Good => "good",
            Self::Quarantined => "quarantined",
        }
    }
}

impl State {
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Waiting => Status::Waiting,
            Self::Good => Status::Good,
            Self::Quarantined(_) => Status::Quarantined,
        }
    }
}

/// What looking at a picture found; of a quarantined one what its headers say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Width and height as it is shown.
    pub size_px: Option<(u32, u32)>,
    pub captured: Option<Captured>,
    pub camera: Option<String>,
    /// [`crate::pictures::PICTURE_VERSION`] of the program that looked.
    pub version: u32,
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub id: RecordingId,
    pub file_name: String,
    pub sha256: Digest,
    pub size_bytes: u64,
    pub device: Option<(DeviceId, String)>,
    pub stored_at: Timestamp,
    pub shown_at: Timestamp,
    pub state: State,
    pub found: Found,
}

/// What looking at a picture needs to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub sha256: Digest,
    pub size_bytes: u64,
    pub file_name: String,
    pub stored_at: Timestamp,
}

/// Part of a transaction that stores a picture's recording.
pub(super) async fn insert(
    rows: &mut TeamRows<'_>,
    recording: RecordingId,
    stored_at: Timestamp,
) -> Result<(), StoreError> {
    rows.query(
        "INSERT INTO pictures (tenant_id, recording_id, stored_at, shown_at, state, state_at) \
         VALUES ($1, $2, $3, $3, 'waiting', $3)",
    )
    .bind(recording)
    .bind(stored_at)
    .execute()
    .await?;
    Ok(())
}

/// `good` or `quarantined`, with what was found.
pub async fn set_looked_at(
    rows: &mut TeamRows<'_>,
    recording: RecordingId,
    found: &Found,
    reason: Option<&Reason>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let status = if reason.is_some() {
        Status::Quarantined
    } else {
        Status::Good
    };
    let captured = found.captured;
    rows.query(
        "UPDATE pictures SET state = $2, state_at = $3, error_code = $4, error_message = $5, width_px = $6, \
         height_px = $7, captured_from = $8, captured_local = $9, captured_at = $10, camera = $11, \
         picture_version = $12, shown_at = COALESCE($13, stored_at) WHERE tenant_id = $1 AND recording_id = $14",
    )
    .bind(status.as_str())
    .bind(now)
    .bind(reason.map(|reason| &reason.code))
    .bind(reason.map(|reason| &reason.message))
    .bind(found.size_px.map(|(width, _)| i64::from(width)))
    .bind(found.size_px.map(|(_, height)| i64::from(height)))
    .bind(captured.map(|captured| captured.source.as_str()))
    .bind(captured.and_then(|captured| captured.local).map(|local| local.to_string()))
    .bind(captured.and_then(|captured| captured.at))
    .bind(found.camera.as_ref())
    .bind(i64::from(found.version))
    .bind(captured.and_then(|captured| order_of(&captured)))
    .bind(recording)
    .execute()
    .await?;
    Ok(())
}

/// The place in time of a picture whose camera told one.
fn order_of(captured: &Captured) -> Option<Timestamp> {
    captured.at.or_else(|| {
        captured
            .local
            .and_then(|local| Offset::UTC.to_timestamp(local).ok())
    })
}

/// Sends a picture back to `waiting` with a new job; `false` if the tenant has no such picture.
pub async fn requeue(
    rows: &mut TeamRows<'_>,
    recording: RecordingId,
    job: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = rows
        .query(
            "UPDATE pictures SET state = 'waiting', state_at = $2, error_code = NULL, error_message = NULL \
             WHERE tenant_id = $1 AND recording_id = $3",
        )
        .bind(now)
        .bind(recording)
        .execute()
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    jobs::clear_idle(rows, recording, now).await?;
    jobs::insert(rows, job, jobs::Kind::Picture, recording, now).await?;
    Ok(true)
}

pub async fn assignment(
    store: &Store,
    tenant: TenantId,
    recording: RecordingId,
) -> Result<Option<Assignment>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query(
            "SELECT r.sha256, r.size_bytes, r.file_name, r.stored_at FROM pictures p \
             JOIN recordings r ON r.id = p.recording_id WHERE p.tenant_id = $1 AND p.recording_id = $2",
        )
        .bind(recording)
        .fetch_optional()
        .await?;
    row.map(|row| {
        Ok(Assignment {
            sha256: digest_from_row(&row)?,
            size_bytes: row.get("size_bytes")?,
            file_name: row.get("file_name")?,
            stored_at: row.get("stored_at")?,
        })
    })
    .transpose()
}

/// Every picture of every tenant, oldest first, for a rebuild.
pub async fn all(store: &Store) -> Result<Vec<(TenantId, RecordingId)>, StoreError> {
    let mut rows = store.read_across().await?;
    let found = query("SELECT tenant_id, recording_id FROM pictures ORDER BY stored_at, recording_id")
        .fetch_all(&mut rows)
        .await?;
    found
        .iter()
        .map(|row| Ok((row.get("tenant_id")?, row.get("recording_id")?)))
        .collect()
}

/// The place in a list where the next page begins. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    shown_at_micros: i64,
    id: RecordingId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that a list of pictures has given out")]
pub struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.shown_at_micros, self.id)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (shown_at, id) = text.split_once('.').ok_or(NotACursor)?;
        Ok(Self {
            shown_at_micros: shown_at.parse().map_err(|_| NotACursor)?,
            id: id.parse().map_err(|_| NotACursor)?,
        })
    }
}

/// Which pictures a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    pub device: Option<DeviceId>,
    pub status: Option<Status>,
}

const COLUMNS: &str = "SELECT p.recording_id, p.stored_at, p.shown_at, p.state, p.error_code, p.error_message, \
     p.width_px, p.height_px, p.captured_from, p.captured_local, p.captured_at, p.camera, p.picture_version, \
     r.file_name, r.sha256, r.size_bytes, r.device_id, d.name AS device_name \
     FROM pictures p JOIN recordings r ON r.id = p.recording_id \
     LEFT JOIN devices d ON d.id = r.device_id AND d.tenant_id = r.tenant_id";

/// A tenant's pictures, newest first. The cursor of the next page comes along if there is one.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    filter: Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<(Vec<Picture>, Option<Cursor>), StoreError> {
    let from = after.unwrap_or(Cursor {
        shown_at_micros: i64::MAX,
        id: RecordingId(Uuid::max()),
    });
    let page = format!(
        "{COLUMNS} WHERE p.tenant_id = $1 AND (p.shown_at, p.recording_id) < ($2, $3) \
         AND ($4 IS NULL OR r.device_id = $4) AND ($5 IS NULL OR p.state = $5) \
         ORDER BY p.shown_at DESC, p.recording_id DESC LIMIT $6"
    );
    let mut rows = store.read(tenant).await?;
    let found = rows
        .composed(page)
        .bind(from.shown_at_micros)
        .bind(from.id)
        .bind(filter.device)
        .bind(filter.status.map(|status| status.as_str().to_owned()))
        .bind(i64::from(limit) + 1)
        .fetch_all()
        .await?;
    let mut pictures = found.iter().map(from_row).collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = pictures.len() > limit;
    pictures.truncate(limit);
    let next = pictures.last().filter(|_| more).map(|last| Cursor {
        shown_at_micros: last.shown_at.as_microsecond(),
        id: last.id,
    });
    Ok((pictures, next))
}

/// One picture of a tenant.
pub async fn find(store: &Store, tenant: TenantId, id: RecordingId) -> Result<Option<Picture>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .composed(format!(
            "{COLUMNS} WHERE p.tenant_id = $1 AND p.recording_id = $2"
        ))
        .bind(id)
        .fetch_optional()
        .await?;
    row.as_ref().map(from_row).transpose()
}

fn from_row(row: &Row) -> Result<Picture, StoreError> {
    let device: Option<DeviceId> = row.get("device_id")?;
    let device_name: Option<String> = row.get("device_name")?;
    Ok(Picture {
        id: row.get("recording_id")?,
        file_name: row.get("file_name")?,
        sha256: digest_from_row(row)?,
        size_bytes: row.get("size_bytes")?,
        device: device.zip(device_name),
        stored_at: row.get("stored_at")?,
        shown_at: row.get("shown_at")?,
        state: state_from_row(row)?,
        found: found_from_row(row)?,
    })
}

fn state_from_row(row: &Row) -> Result<State, StoreError> {
    let state: String = row.get("state")?;
    match state.as_str() {
        "waiting" => Ok(State::Waiting),
        "good" => Ok(State::Good),
        "quarantined" => Ok(State::Quarantined(Reason {
            code: row.get("error_code")?,
            message: row.get("error_message")?,
        })),
        other => Err(bad_row(format!("pictures.state is {other:?}"))),
    }
}

fn found_from_row(row: &Row) -> Result<Found, StoreError> {
    let px = |column| -> Result<Option<u32>, StoreError> {
        let value: Option<i64> = row.get(column)?;
        Ok(value.and_then(|value| u32::try_from(value).ok()))
    };
    let version: Option<i64> = row.get("picture_version")?;
    Ok(Found {
        size_px: px("width_px")?.zip(px("height_px")?),
        captured: captured_from_row(row)?,
        camera: row.get("camera")?,
        version: version
            .and_then(|version| u32::try_from(version).ok())
            .unwrap_or(0),
    })
}

fn captured_from_row(row: &Row) -> Result<Option<Captured>, StoreError> {
    let source: Option<String> = row.get("captured_from")?;
    let Some(source) = source else { return Ok(None) };
    let source =
        Source::parse(&source).ok_or_else(|| bad_row(format!("pictures.captured_from is {source:?}")))?;
    let local: Option<String> = row.get("captured_local")?;
    let local = local
        .map(|text| text.parse::<DateTime>())
        .transpose()
        .map_err(|error| bad_row(format!("pictures.captured_local: {error}")))?;
    Ok(Some(Captured {
        source,
        local,
        at: row.get("captured_at")?,
    }))
}
