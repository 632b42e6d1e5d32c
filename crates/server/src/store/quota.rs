//! How much a team may store. What it has stored is kept in its own row and never counted.
//!
//! Promises: a recording that does not fit leaves no row and no visible object; one that is stored already is found
//! whatever is left. The transaction that places a recording decides; the looks before it only spare a sender from sending
//! what would be refused.

use super::{Store, StoreError, TeamRows, TenantId};

/// The same for every team; nothing bounds them by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quota(Option<u64>);

/// A recording that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the team has stored {used_bytes} of the {quota_bytes} bytes that it may, and this does not fit; keep it, and send it \
     again once the operator of this server has given the team more (--team-quota-bytes)"
)]
pub struct OverQuota {
    pub used_bytes: u64,
    pub quota_bytes: u64,
}

/// Why a recording is not placed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error(transparent)]
    OverQuota(#[from] OverQuota),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a team may still store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    used_bytes: u64,
    quota_bytes: u64,
}

impl Room {
    #[must_use]
    pub fn left_bytes(self) -> u64 {
        self.quota_bytes.saturating_sub(self.used_bytes)
    }

    #[must_use]
    pub fn refusal(self) -> OverQuota {
        OverQuota {
            used_bytes: self.used_bytes,
            quota_bytes: self.quota_bytes,
        }
    }

    /// Whether so many bytes may come: they fit, or may be a recording that is there already. `is_all` says that the
    /// recording has just this length; it may grow otherwise.
    pub async fn admits(
        self,
        store: &Store,
        tenant: TenantId,
        size_bytes: u64,
        is_all: bool,
    ) -> Result<(), PlaceError> {
        if size_bytes <= self.left_bytes() || could_be_stored(store, tenant, size_bytes, is_all).await? {
            return Ok(());
        }
        Err(self.refusal().into())
    }
}

impl Quota {
    #[must_use]
    pub fn of(quota_bytes: Option<u64>) -> Self {
        Self(quota_bytes)
    }

    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        self.0
    }

    /// What is left; `None` without a quota.
    pub async fn room(self, store: &Store, tenant: TenantId) -> Result<Option<Room>, StoreError> {
        let Some(quota_bytes) = self.bytes() else {
            return Ok(None);
        };
        let used_bytes = stored_bytes(store, tenant).await?;
        Ok(Some(Room {
            used_bytes,
            quota_bytes,
        }))
    }

    /// Counts a recording that is being placed; an error undoes the transaction's part.
    pub(super) async fn count(self, rows: &mut TeamRows<'_>, size_bytes: u64) -> Result<(), PlaceError> {
        // The table of teams calls its own id so. The row is locked from here on, so two recordings cannot both take the last bytes.
        let row = rows
            .query(
                "WITH team AS (SELECT CAST($1 AS TEXT) AS tenant_id) UPDATE tenants \
                 SET stored_bytes = stored_bytes + $2 WHERE id = (SELECT tenant_id FROM team) RETURNING stored_bytes",
            )
            .bind(i64::try_from(size_bytes).unwrap_or(i64::MAX))
            .fetch_one()
            .await?;
        let now_bytes: u64 = row.get("stored_bytes")?;
        match self.bytes() {
            Some(quota_bytes) if now_bytes > quota_bytes => Err(OverQuota {
                used_bytes: now_bytes - size_bytes,
                quota_bytes,
            }
            .into()),
            Some(_) | None => Ok(()),
        }
    }
}

/// The bytes of all recordings of a team.
pub async fn stored_bytes(store: &Store, tenant: TenantId) -> Result<u64, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query(
            "WITH team AS (SELECT CAST($1 AS TEXT) AS tenant_id) SELECT stored_bytes FROM tenants \
             WHERE id = (SELECT tenant_id FROM team)",
        )
        .fetch_one()
        .await?;
    row.get("stored_bytes")
}

/// Whether the team has a recording of this length, or of this length and more.
async fn could_be_stored(
    store: &Store,
    tenant: TenantId,
    size_bytes: u64,
    is_all: bool,
) -> Result<bool, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query(
            "SELECT id FROM recordings WHERE tenant_id = $1 AND size_bytes >= $2 AND (size_bytes = $2 OR $3 = 0) LIMIT 1",
        )
        .bind(i64::try_from(size_bytes).unwrap_or(i64::MAX))
        .bind(is_all)
        .fetch_optional()
        .await?;
    Ok(row.is_some())
}
