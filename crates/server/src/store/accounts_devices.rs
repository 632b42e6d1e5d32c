//! Devices and their bearer tokens, of which only digests are kept.

use jiff::Timestamp;
use serde::Serialize;

use super::accounts::AccountError;
use super::sql::query;
use super::{DeviceId, Store, StoreError, TenantId, UserId};
use crate::auth::secret::TokenDigest;

const NAME_CHARS_MAX: usize = 100;

/// A device that presented its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceIdentity {
    pub device: DeviceId,
    pub tenant: TenantId,
}

/// A row of `device list`.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceRow {
    pub id: DeviceId,
    pub name: String,
    pub tenant_id: TenantId,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// Adds a device with its first token. `id` is given for a device that already has one printed on it.
pub async fn add_device(
    store: &Store,
    tenant: TenantId,
    created_by: Option<UserId>,
    name: &str,
    id: Option<DeviceId>,
    token: TokenDigest,
) -> Result<DeviceId, AccountError> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(AccountError::BadName);
    }
    let device = id.unwrap_or_else(|| DeviceId(store.new_id()));
    let now = store.now();
    store
        .write(tenant, move |mut rows| {
            Box::pin(async move {
                let added = rows
                    .query(
                        "INSERT INTO devices (tenant_id, id, name, created_at, created_by) \
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
                    )
                    .bind(device)
                    .bind(&name)
                    .bind(now)
                    .bind(created_by)
                    .execute()
                    .await?;
                if added == 0 {
                    return Err(AccountError::DeviceIdTaken);
                }
                rows.query(
                    "INSERT INTO device_tokens (tenant_id, token_sha256, device_id, created_at) \
                     VALUES ($1, $2, $3, $4)",
                )
                .bind(token.as_str())
                .bind(device)
                .bind(now)
                .execute()
                .await?;
                Ok(device)
            })
        })
        .await
}

/// Ends a device and every token of it; its recordings stay.
pub async fn revoke_device(store: &Store, device: DeviceId) -> Result<(), AccountError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let revoked =
                    query("UPDATE devices SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
                        .bind(now)
                        .bind(device)
                        .execute(rows)
                        .await?;
                if revoked == 0 {
                    return Err(AccountError::NoSuchDevice);
                }
                query("UPDATE device_tokens SET revoked_at = $1 WHERE device_id = $2 AND revoked_at IS NULL")
                    .bind(now)
                    .bind(device)
                    .execute(rows)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Every device, oldest first.
pub async fn list_devices(store: &Store) -> Result<Vec<DeviceRow>, StoreError> {
    let mut rows = store.read_across().await?;
    let found =
        query("SELECT id, name, tenant_id, created_at, revoked_at FROM devices ORDER BY created_at, id")
            .fetch_all(&mut rows)
            .await?;
    found
        .iter()
        .map(|row| {
            Ok(DeviceRow {
                id: row.get("id")?,
                name: row.get("name")?,
                tenant_id: row.get("tenant_id")?,
                created_at: row.get("created_at")?,
                revoked_at: row.get("revoked_at")?,
            })
        })
        .collect()
}

/// Whose token this is, unless it or its device was revoked.
pub async fn device_of_token(
    store: &Store,
    token: &TokenDigest,
) -> Result<Option<DeviceIdentity>, StoreError> {
    let mut rows = store.read_across().await?;
    let row = query(
        "SELECT d.id, d.tenant_id FROM device_tokens t JOIN devices d ON d.id = t.device_id \
         WHERE t.token_sha256 = $1 AND t.revoked_at IS NULL AND d.revoked_at IS NULL",
    )
    .bind(token.as_str())
    .fetch_optional(&mut rows)
    .await?;
    row.map(|row| {
        Ok(DeviceIdentity {
            device: row.get("id")?,
            tenant: row.get("tenant_id")?,
        })
    })
    .transpose()
}
