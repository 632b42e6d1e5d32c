//! Hours and sessions of one device, for people.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::uptime::evidence_from_row;
use super::{DeviceId, Store, StoreError, TenantId};
use crate::uptime::{Evidence, SessionKey};

/// A device's hours, as they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Length of the union of the sessions that have a place.
    pub counted_us: i64,
    /// Sum of their lengths.
    pub claimed_us: i64,
    /// Of sessions whose start is not known.
    pub unplaced_s: i64,
    pub sessions: i64,
    /// Sessions with a run that is not counted.
    pub suspects: i64,
}

/// One session as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub key: SessionKey,
    pub evidence: Evidence,
    /// It shares time with another session of the device.
    pub overlaps: bool,
    pub listed_at: Timestamp,
    pub changed_at: Timestamp,
}

/// Where a list goes on: behind this session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    listed_at: Timestamp,
    key: SessionKey,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.listed_at.as_microsecond(), self.key)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cursor; give `next` of the answer before, or none to begin with the newest")]
pub struct CursorError(String);

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || CursorError(text.chars().take(100).collect());
        let (listed_at, key) = text.split_once('~').ok_or_else(refuse)?;
        let micros = listed_at.parse().map_err(|_| refuse())?;
        Ok(Self {
            listed_at: Timestamp::from_microsecond(micros).map_err(|_| refuse())?,
            key: SessionKey::stored(key.to_owned()),
        })
    }
}

/// What a device's hours come to; zeros for one that never sent a heartbeat.
pub async fn totals(store: &Store, tenant: TenantId, device: DeviceId) -> Result<Totals, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query(
            "SELECT counted_us, claimed_us, unplaced_s, sessions, suspects FROM uptime_totals \
             WHERE tenant_id = $1 AND device_id = $2",
        )
        .bind(device)
        .fetch_optional()
        .await?;
    let Some(row) = row else {
        return Ok(Totals::default());
    };
    Ok(Totals {
        counted_us: row.get("counted_us")?,
        claimed_us: row.get("claimed_us")?,
        unplaced_s: row.get("unplaced_s")?,
        sessions: row.get("sessions")?,
        suspects: row.get("suspects")?,
    })
}

/// A device's sessions, the latest first, and where the next page begins.
pub async fn sessions(
    store: &Store,
    tenant: TenantId,
    device: DeviceId,
    after: Option<Cursor>,
    limit: u32,
) -> Result<(Vec<Session>, Option<Cursor>), StoreError> {
    let mut rows = store.read(tenant).await?;
    let (listed_at, key) = match after {
        Some(cursor) => (cursor.listed_at.as_microsecond(), cursor.key),
        None => (i64::MAX, SessionKey::stored(String::new())),
    };
    let found = rows
        .query(
            "SELECT s.*, CAST(CASE WHEN EXISTS (SELECT 1 FROM uptime_totals t CROSS JOIN uptime_sessions o \
             WHERE t.tenant_id = $1 AND t.device_id = s.device_id AND o.tenant_id = $1 AND o.device_id = s.device_id \
             AND o.listed_at < s.placed_to AND o.listed_at > s.placed_from - t.longest_us \
             AND o.placed_to > s.placed_from AND o.placed_to > o.placed_from AND s.placed_to > s.placed_from \
             AND o.session_key <> s.session_key) THEN 1 ELSE 0 END AS BIGINT) AS overlaps \
             FROM uptime_sessions s WHERE s.tenant_id = $1 AND s.device_id = $2 \
             AND (s.listed_at, s.session_key) < ($3, $4) \
             ORDER BY s.listed_at DESC, s.session_key DESC LIMIT $5",
        )
        .bind(device)
        .bind(listed_at)
        .bind(key.as_str())
        .bind(i64::from(limit) + 1)
        .fetch_all()
        .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut listed = Vec::with_capacity(found.len());
    for row in found.iter().take(limit) {
        listed.push(Session {
            key: SessionKey::stored(row.get("session_key")?),
            evidence: evidence_from_row(row)?,
            overlaps: row.get("overlaps")?,
            listed_at: row.get("listed_at")?,
            changed_at: row.get("changed_at")?,
        });
    }
    let next = listed.last().filter(|_| found.len() > limit).map(|last| Cursor {
        listed_at: last.listed_at,
        key: last.key.clone(),
    });
    Ok((listed, next))
}
