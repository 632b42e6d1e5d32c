//! Devices and their bearer tokens, of which only digests are kept.
//!
//! A device that is revoked stays as a row, for its recordings; one that goes to another team takes its tokens and ingest
//! keys along and leaves its recordings behind.

use jiff::Timestamp;
use serde::Serialize;

use super::accounts::{AccountError, Member, Role};
use super::audit::{self, Action, Actor};
use super::sql::{Many, Rows, many, query};
use super::{DeviceId, Store, StoreError, TeamRows, TenantId, UserId, desired, ingest_keys};
use crate::auth::secret::TokenDigest;

const NAME_CHARS_MAX: usize = 100;

/// A device that presented its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// A device with its first token, or, for one that is known by an ingest key, without.
pub(super) struct NewDevice {
    pub id: DeviceId,
    pub name: String,
    pub created_by: Option<UserId>,
    pub token: Option<TokenDigest>,
}

/// A name as it is kept, if it may be one.
pub(super) fn checked_name(name: &str) -> Result<String, AccountError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(AccountError::BadName);
    }
    Ok(name.to_owned())
}

/// Adds a device to a member's team. `id` is given for a device that already has one printed on it.
pub async fn add_device(
    store: &Store,
    member: &Member,
    by: Actor,
    name: &str,
    id: Option<DeviceId>,
    token: TokenDigest,
) -> Result<DeviceId, AccountError> {
    let new = NewDevice {
        id: id.unwrap_or_else(|| DeviceId(store.new_id())),
        name: checked_name(name)?,
        created_by: Some(member.user),
        token: Some(token),
    };
    let (device, now) = (new.id, store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move { insert(&mut rows, &new, &by, now).await })
        })
        .await?;
    Ok(device)
}

pub(super) async fn insert(
    rows: &mut TeamRows<'_>,
    new: &NewDevice,
    by: &Actor,
    now: Timestamp,
) -> Result<(), AccountError> {
    let added = rows
        .query(
            "INSERT INTO devices (tenant_id, id, name, created_at, created_by) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(new.id)
        .bind(&new.name)
        .bind(now)
        .bind(new.created_by)
        .execute()
        .await?;
    if added == 0 {
        return Err(AccountError::DeviceIdTaken);
    }
    if let Some(token) = &new.token {
        insert_token(rows, new.id, token, now).await?;
    }
    audit::note(rows, by, Action::DeviceAdded, new.id, &new.name, now).await?;
    Ok(())
}

async fn insert_token(
    rows: &mut TeamRows<'_>,
    device: DeviceId,
    token: &TokenDigest,
    now: Timestamp,
) -> Result<(), StoreError> {
    rows.query(
        "INSERT INTO device_tokens (tenant_id, token_sha256, device_id, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(token.as_str())
    .bind(device)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

pub async fn rename(
    store: &Store,
    member: &Member,
    device: DeviceId,
    name: &str,
) -> Result<(), AccountError> {
    let name = checked_name(name)?;
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let renamed = rows
                    .query("UPDATE devices SET name = $2 WHERE tenant_id = $1 AND id = $3 AND revoked_at IS NULL")
                    .bind(&name)
                    .bind(device)
                    .execute()
                    .await?;
                if renamed == 0 {
                    return Err(AccountError::NoSuchDevice);
                }
                audit::note(&mut rows, &by, Action::DeviceRenamed, device, &name, now).await?;
                Ok(())
            })
        })
        .await
}

/// Whether a device is the team's and not revoked.
pub(super) async fn works(rows: &mut TeamRows<'_>, device: DeviceId) -> Result<bool, StoreError> {
    let found = rows
        .query("SELECT id FROM devices WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL")
        .bind(device)
        .fetch_optional()
        .await?;
    Ok(found.is_some())
}

/// Ends every token and ingest key of the device and gives it this token.
pub async fn renew_token(
    store: &Store,
    member: &Member,
    device: DeviceId,
    token: TokenDigest,
) -> Result<(), AccountError> {
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                if !works(&mut rows, device).await? {
                    return Err(AccountError::NoSuchDevice);
                }
                end_tokens(&mut rows, device, now).await?;
                ingest_keys::end_of_device(&mut rows, device, &by, now).await?;
                insert_token(&mut rows, device, &token, now).await?;
                audit::note(&mut rows, &by, Action::DeviceTokenRenewed, device, "", now).await?;
                Ok(())
            })
        })
        .await
}

/// Ends a device of the member's team, and every token and ingest key of it; its recordings stay.
pub async fn revoke(store: &Store, member: &Member, device: DeviceId) -> Result<(), AccountError> {
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move { end(&mut rows, device, &by, now).await })
        })
        .await
}

/// The same by the operator, whosever it is.
pub async fn revoke_device(store: &Store, device: DeviceId) -> Result<(), AccountError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let owner = query("SELECT tenant_id FROM devices WHERE id = $1")
                    .bind(device)
                    .fetch_optional(rows)
                    .await?;
                let tenant: TenantId = owner.ok_or(AccountError::NoSuchDevice)?.get("tenant_id")?;
                end(&mut TeamRows::of(rows, tenant), device, &Actor::Operator, now).await
            })
        })
        .await
}

async fn end(
    rows: &mut TeamRows<'_>,
    device: DeviceId,
    by: &Actor,
    now: Timestamp,
) -> Result<(), AccountError> {
    let revoked = rows
        .query("UPDATE devices SET revoked_at = $2 WHERE tenant_id = $1 AND id = $3 AND revoked_at IS NULL")
        .bind(now)
        .bind(device)
        .execute()
        .await?;
    if revoked == 0 {
        return Err(AccountError::NoSuchDevice);
    }
    end_tokens(rows, device, now).await?;
    ingest_keys::end_of_device(rows, device, by, now).await?;
    audit::note(rows, by, Action::DeviceRevoked, device, "", now).await?;
    Ok(())
}

async fn end_tokens(rows: &mut TeamRows<'_>, device: DeviceId, now: Timestamp) -> Result<(), StoreError> {
    rows.query(
        "UPDATE device_tokens SET revoked_at = $2 WHERE tenant_id = $1 AND device_id = $3 AND revoked_at IS NULL",
    )
    .bind(now)
    .bind(device)
    .execute()
    .await?;
    Ok(())
}

/// Gives a device of the team that the member owns to another one that they own, with its tokens and ingest keys. What it
/// recorded so far stays where it is; the names that it was heard by in the old team mean nothing there any more.
pub async fn transfer(
    store: &Store,
    member: &Member,
    device: DeviceId,
    to: TenantId,
) -> Result<(), AccountError> {
    let (member, now) = (member.clone(), store.now());
    let by = Actor::Person(member.email.clone());
    store
        .write_across(move |rows| {
            Box::pin(async move {
                for team in [member.tenant, to] {
                    if role_in(rows, team, member.user).await? != Some(Role::Owner) {
                        return Err(AccountError::NoSuchTeam);
                    }
                }
                let moved = query(
                    "UPDATE devices SET tenant_id = $1 WHERE id = $2 AND tenant_id = $3 AND revoked_at IS NULL \
                     RETURNING name",
                )
                .bind(to)
                .bind(device)
                .bind(member.tenant)
                .fetch_optional(rows)
                .await?;
                let name: String = moved.ok_or(AccountError::NoSuchDevice)?.get("name")?;
                for moving in [
                    "UPDATE device_tokens SET tenant_id = $1 WHERE device_id = $2",
                    "UPDATE ingest_keys SET tenant_id = $1 WHERE device_id = $2",
                ] {
                    query(moving).bind(to).bind(device).execute(rows).await?;
                }
                query("DELETE FROM device_aliases WHERE device_id = $1")
                    .bind(device)
                    .execute(rows)
                    .await?;
                desired::leave_behind(rows, device, member.tenant, to).await?;
                let (away, here) = (Action::DeviceMovedAway, Action::DeviceMovedHere);
                for (team, action) in [(member.tenant, away), (to, here)] {
                    audit::note(&mut TeamRows::of(rows, team), &by, action, device, &name, now).await?;
                }
                Ok(())
            })
        })
        .await
}

pub(super) async fn role_in(
    rows: &mut Rows,
    team: TenantId,
    user: UserId,
) -> Result<Option<Role>, StoreError> {
    let row = query("SELECT role FROM memberships WHERE tenant_id = $1 AND user_id = $2")
        .bind(team)
        .bind(user)
        .fetch_optional(rows)
        .await?;
    row.map(|row| row.get("role")).transpose()
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

static OF_TOKENS: Many = Many::new(
    "WITH asked(token) AS (VALUES ",
    1,
    ") SELECT t.token_sha256, d.id, d.tenant_id FROM asked a CROSS JOIN device_tokens t CROSS JOIN devices d \
     WHERE t.token_sha256 = a.token AND d.id = t.device_id AND t.revoked_at IS NULL AND d.revoked_at IS NULL",
);

/// The devices of tokens, each with its token's digest; tokens that are unknown or revoked, or whose device is, are left out.
pub(super) async fn devices_of_tokens(
    store: &Store,
    tokens: &[&TokenDigest],
) -> Result<Vec<(String, DeviceIdentity)>, StoreError> {
    let mut rows = store.read_across().await?;
    let mut all = Vec::new();
    for part in Many::parts(tokens) {
        let mut asking = many(&OF_TOKENS);
        for token in part {
            asking = asking.bind(token.as_str());
        }
        for row in asking.fetch_all(&mut rows).await? {
            let identity = DeviceIdentity {
                device: row.get("id")?,
                tenant: row.get("tenant_id")?,
            };
            all.push((row.get("token_sha256")?, identity));
        }
    }
    Ok(all)
}
