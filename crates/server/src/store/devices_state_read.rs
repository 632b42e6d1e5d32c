//! Devices as their people see them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::sql::Row;
use super::{DeviceId, Store, StoreError, TenantId};

/// One device with what was last heard of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    pub name: String,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub unassigned: bool,
    /// As the rows have it; the process may have heard it since.
    pub seen_at: Option<Timestamp>,
    pub data_at: Option<Timestamp>,
    pub counted_us: i64,
}

/// What one device's own page has more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    pub device: Device,
    pub aliases: Vec<String>,
    /// JSON, as the device said it.
    pub ping: Option<String>,
    pub ping_at: Option<Timestamp>,
    /// What its networks are sealed for, as base64url.
    pub seal_key: Option<String>,
}

/// Where a list of devices goes on: behind this name and id, whether or not a device still stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCursor {
    name: String,
    id: DeviceId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no cursor of devices")]
pub struct BadCursor;

impl fmt::Display for DeviceCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{} {}", self.id, self.name);
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

impl FromStr for DeviceCursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| BadCursor)?;
        let (id, name) = text.split_once(' ').ok_or(BadCursor)?;
        // PostgreSQL takes no NUL in a text.
        if name.contains('\0') {
            return Err(BadCursor);
        }
        Ok(Self {
            name: name.to_owned(),
            id: id.parse().map_err(|_| BadCursor)?,
        })
    }
}

/// A team's devices by name, from behind `after` on; with `only`, that one.
pub async fn list(
    store: &Store,
    tenant: TenantId,
    only: Option<DeviceId>,
    after: Option<DeviceCursor>,
    limit: u32,
) -> Result<(Vec<Device>, Option<DeviceCursor>), StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT d.id, d.name, d.created_at, d.revoked_at, d.unassigned, d.seen_at, s.data_at, \
             COALESCE(t.counted_us, 0) AS counted_us FROM devices d \
             LEFT JOIN device_states s ON s.tenant_id = d.tenant_id AND s.device_id = d.id \
             LEFT JOIN uptime_totals t ON t.tenant_id = d.tenant_id AND t.device_id = d.id \
             WHERE d.tenant_id = $1 AND (CAST($2 AS TEXT) IS NULL OR d.id = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR (d.name, d.id) > ($3, $4)) \
             ORDER BY d.name, d.id LIMIT $5",
        )
        .bind(only)
        .bind(after.as_ref().map(|after| after.name.clone()))
        .bind(after.map(|after| after.id))
        .bind(i64::from(limit) + 1)
        .fetch_all()
        .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let devices: Vec<Device> = found.iter().take(limit).map(from_row).collect::<Result<_, _>>()?;
    let last = devices.last().filter(|_| found.len() > limit);
    let next = last.map(|last| DeviceCursor {
        name: last.name.clone(),
        id: last.id,
    });
    Ok((devices, next))
}

/// One device of a team.
pub async fn find(store: &Store, tenant: TenantId, id: DeviceId) -> Result<Option<Details>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query(
            "SELECT d.id, d.name, d.created_at, d.revoked_at, d.unassigned, d.seen_at, s.data_at, s.ping, s.ping_at, \
             s.seal_key, \
             COALESCE(t.counted_us, 0) AS counted_us FROM devices d \
             LEFT JOIN device_states s ON s.tenant_id = d.tenant_id AND s.device_id = d.id \
             LEFT JOIN uptime_totals t ON t.tenant_id = d.tenant_id AND t.device_id = d.id \
             WHERE d.tenant_id = $1 AND d.id = $2",
        )
        .bind(id)
        .fetch_optional()
        .await?;
    let Some(row) = row else { return Ok(None) };
    let aliases = rows
        .query("SELECT alias FROM device_aliases WHERE tenant_id = $1 AND device_id = $2 ORDER BY alias")
        .bind(id)
        .fetch_all()
        .await?;
    Ok(Some(Details {
        device: from_row(&row)?,
        aliases: aliases
            .iter()
            .map(|row| row.get("alias"))
            .collect::<Result<_, _>>()?,
        ping: row.get("ping")?,
        ping_at: row.get("ping_at")?,
        seal_key: row.get("seal_key")?,
    }))
}

fn from_row(row: &Row) -> Result<Device, StoreError> {
    Ok(Device {
        id: row.get("id")?,
        name: row.get("name")?,
        created_at: row.get("created_at")?,
        revoked_at: row.get("revoked_at")?,
        unassigned: row.get("unassigned")?,
        seen_at: row.get("seen_at")?,
        data_at: row.get("data_at")?,
        counted_us: row.get("counted_us")?,
    })
}
