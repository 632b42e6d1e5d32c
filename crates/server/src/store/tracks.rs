//! Gates that analyses learned, numbered from 1 in each tenant and never changed.
//! Why: `docs/decisions/0004-repeatable-analysis.md`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sql::Row;
use super::{Store, StoreError, TeamRows, TenantId, TrackId, bad_row};

/// Where a track's lines lie, `[latitude, longitude]` in degrees, the left end (seen in travel direction) first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackShape {
    pub name: Option<String>,
    pub gate: [[f64; 2]; 2],
    pub finish: Option<[[f64; 2]; 2]>,
    pub splits: Vec<[[f64; 2]; 2]>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub id: TrackId,
    pub number: i64,
    pub shape: TrackShape,
}

/// The number of the team's newest track; 0 without any.
pub async fn newest_number(rows: &mut TeamRows<'_>) -> Result<i64, StoreError> {
    let row = rows
        .query("SELECT MAX(number) AS newest FROM tracks WHERE tenant_id = $1")
        .fetch_one()
        .await?;
    Ok(row.get::<Option<i64>>("newest")?.unwrap_or(0))
}

/// The tenant's tracks up to a number (all of them without one), in order.
pub async fn up_to(store: &Store, tenant: TenantId, number: Option<i64>) -> Result<Vec<Track>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query("SELECT id, number, shape FROM tracks WHERE tenant_id = $1 AND number <= $2 ORDER BY number")
        .bind(number.unwrap_or(i64::MAX))
        .fetch_all()
        .await?;
    found.iter().map(from_row).collect()
}

/// One track of a team.
pub async fn find(store: &Store, tenant: TenantId, id: TrackId) -> Result<Option<Track>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query("SELECT id, number, shape FROM tracks WHERE tenant_id = $1 AND id = $2")
        .bind(id)
        .fetch_optional()
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// The newest tracks of a team, the newest first.
pub async fn newest(store: &Store, tenant: TenantId, limit: u32) -> Result<Vec<Track>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query("SELECT id, number, shape FROM tracks WHERE tenant_id = $1 ORDER BY number DESC LIMIT $2")
        .bind(i64::from(limit))
        .fetch_all()
        .await?;
    found.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Track, StoreError> {
    let shape: String = row.get("shape")?;
    let shape = serde_json::from_str(&shape).map_err(|error| bad_row(format!("tracks.shape: {error}")))?;
    Ok(Track {
        id: row.get("id")?,
        number: row.get("number")?,
        shape,
    })
}

/// Keeps a newly learned track.
pub async fn insert(rows: &mut TeamRows<'_>, track: &Track, now: Timestamp) -> Result<(), StoreError> {
    let shape =
        serde_json::to_string(&track.shape).map_err(|error| bad_row(format!("tracks.shape: {error}")))?;
    rows.query("INSERT INTO tracks (tenant_id, id, number, shape, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(track.id)
        .bind(track.number)
        .bind(shape)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}
