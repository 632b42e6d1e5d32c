//! Devices and their bearer tokens, of which only digests are kept.

use jiff::Timestamp;
use serde::Serialize;

use super::accounts::AccountError;
use super::{DeviceId, Store, StoreError, TenantId, UserId, time_from_row};
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
    let now_us = store.now().as_microsecond();
    store
        .write(move |rows| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO devices (id, tenant_id, name, created_at, created_by) VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(device)
                .bind(tenant)
                .bind(&name)
                .bind(now_us)
                .bind(created_by)
                .execute(&mut *rows)
                .await
                .map_err(|error| match error.as_database_error() {
                    Some(cause) if cause.is_unique_violation() => AccountError::DeviceIdTaken,
                    Some(_) | None => error.into(),
                })?;
                sqlx::query(
                    "INSERT INTO device_tokens (token_sha256, tenant_id, device_id, created_at) \
                     VALUES ($1, $2, $3, $4)",
                )
                .bind(token.as_str())
                .bind(tenant)
                .bind(device)
                .bind(now_us)
                .execute(rows)
                .await?;
                Ok(device)
            })
        })
        .await
}

/// Ends a device and every token of it; its recordings stay.
pub async fn revoke_device(store: &Store, device: DeviceId) -> Result<(), AccountError> {
    let now_us = store.now().as_microsecond();
    store
        .write(move |rows| {
            Box::pin(async move {
                let revoked =
                    sqlx::query("UPDATE devices SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL")
                        .bind(now_us)
                        .bind(device)
                        .execute(&mut *rows)
                        .await?;
                if revoked.rows_affected() == 0 {
                    return Err(AccountError::NoSuchDevice);
                }
                sqlx::query(
                    "UPDATE device_tokens SET revoked_at = $1 WHERE device_id = $2 AND revoked_at IS NULL",
                )
                .bind(now_us)
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
    let rows: Vec<(DeviceId, String, TenantId, i64, Option<i64>)> = sqlx::query_as(
        "SELECT id, name, tenant_id, created_at, revoked_at FROM devices ORDER BY created_at, id",
    )
    .fetch_all(store.readers())
    .await?;
    rows.into_iter()
        .map(|(id, name, tenant_id, created_at, revoked_at)| {
            let revoked_at = revoked_at.map(time_from_row).transpose()?;
            Ok(DeviceRow {
                id,
                name,
                tenant_id,
                created_at: time_from_row(created_at)?,
                revoked_at,
            })
        })
        .collect()
}

/// Whose token this is, unless it or its device was revoked.
pub async fn device_of_token(
    store: &Store,
    token: &TokenDigest,
) -> Result<Option<DeviceIdentity>, StoreError> {
    let row: Option<(DeviceId, TenantId)> = sqlx::query_as(
        "SELECT d.id, d.tenant_id FROM device_tokens t JOIN devices d ON d.id = t.device_id \
         WHERE t.token_sha256 = $1 AND t.revoked_at IS NULL AND d.revoked_at IS NULL",
    )
    .bind(token.as_str())
    .fetch_optional(store.readers())
    .await?;
    Ok(row.map(|(device, tenant)| DeviceIdentity { device, tenant }))
}
