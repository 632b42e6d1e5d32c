//! What devices said of their crashes: the newest of each.

use jiff::Timestamp;

use super::{DeviceId, Store, StoreError, TeamRows, TenantId};
use crate::crash::Crash;

/// Enough to see whether it is always the same.
const KEPT_MAX: i64 = 20;

/// A crash and when it was heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardCrash {
    pub heard_at: Timestamp,
    pub crash: Crash,
}

/// Keeps what is not known yet, and the newest of each device.
pub async fn keep(store: &Store, tenant: TenantId, said: Vec<(DeviceId, Crash)>) -> Result<(), StoreError> {
    let said: Vec<_> = said.into_iter().map(|said| (store.new_id(), said)).collect();
    let now = store.now();
    store
        .write(tenant, move |mut rows| {
            Box::pin(async move {
                for (id, (device, crash)) in said {
                    insert(&mut rows, &id.to_string(), device, &crash, now).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn insert(
    rows: &mut TeamRows<'_>,
    id: &str,
    device: DeviceId,
    crash: &Crash,
    now: Timestamp,
) -> Result<(), StoreError> {
    let added = rows
        .query(
            "INSERT INTO device_crashes (tenant_id, id, device_id, heard_at, reason, boot, firmware, uptime_s, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id, device_id, boot, reason) DO NOTHING",
        )
        .bind(id)
        .bind(device)
        .bind(now)
        .bind(&crash.reason)
        .bind(&crash.boot)
        .bind(crash.firmware.as_ref())
        .bind(crash.uptime_s)
        .bind(crash.detail.as_ref())
        .execute()
        .await?;
    if added == 0 {
        return Ok(());
    }
    rows.query(
        "DELETE FROM device_crashes WHERE tenant_id = $1 AND device_id = $2 AND id NOT IN \
         (SELECT id FROM device_crashes WHERE tenant_id = $1 AND device_id = $2 ORDER BY heard_at DESC, id DESC LIMIT $3)",
    )
    .bind(device)
    .bind(KEPT_MAX)
    .execute()
    .await
    .map(drop)
}

/// The newest first.
pub async fn list(store: &Store, tenant: TenantId, device: DeviceId) -> Result<Vec<HeardCrash>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT heard_at, reason, boot, firmware, uptime_s, detail FROM device_crashes \
             WHERE tenant_id = $1 AND device_id = $2 ORDER BY heard_at DESC, id DESC",
        )
        .bind(device)
        .fetch_all()
        .await?;
    found
        .iter()
        .map(|row| {
            Ok(HeardCrash {
                heard_at: row.get("heard_at")?,
                crash: Crash {
                    reason: row.get("reason")?,
                    boot: row.get("boot")?,
                    firmware: row.get("firmware")?,
                    uptime_s: row.get("uptime_s")?,
                    detail: row.get("detail")?,
                },
            })
        })
        .collect()
}
