//! Ingest keys: secrets that stand in a path, for clients that cannot send headers. Digests arrive here, never keys.
//!
//! A *device* key is one device. A *fleet* key is a team's: who comes with it says which device it is (`store::fleet`).

use jiff::Timestamp;
use serde::Serialize;

use super::accounts::{AccountError, Member};
use super::accounts_devices::{self, DeviceIdentity, NewDevice, checked_name};
use super::audit::{self, Action, Actor};
use super::ids::IngestKeyId;
use super::sql::{Row, query};
use super::{DeviceId, Store, StoreError, TeamRows, TenantId};
use crate::auth::secret::TokenDigest;

/// Keys of one team: one for each device of a large club.
const KEYS_MAX: i64 = 1000;
/// Keys of one device: the old and the new one while it is changed over, and some that were forgotten.
const KEYS_OF_DEVICE_MAX: i64 = 10;
/// What the log of a team says a fleet key is for.
const FLEET: &str = "fleet";

/// Whom a new key is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum For {
    /// The team: a fleet key.
    Team,
    Device(DeviceId),
    /// A new device of this name; without one it is called after its id.
    NewDevice(Option<String>),
    /// The team's device of this name or id; a new one where there is none.
    Named(String),
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IngestKey {
    pub id: IngestKeyId,
    pub tenant_id: TenantId,
    /// `None`: a fleet key.
    pub device_id: Option<DeviceId>,
    pub device_name: Option<String>,
    pub created_at: Timestamp,
}

/// Who presented a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Device(DeviceIdentity),
    /// Some device of this team's fleet.
    Fleet(TenantId),
}

/// Keeps a key, and makes its device where it is to have one of its own.
pub async fn add(
    store: &Store,
    member: &Member,
    by: Actor,
    whose: For,
    key: TokenDigest,
) -> Result<IngestKey, AccountError> {
    let (member, now) = (member.clone(), store.now());
    let (id, fresh) = (IngestKeyId(store.new_id()), DeviceId(store.new_id()));
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let device = match whose {
                    For::Team => None,
                    For::Device(device) => Some(known(&mut rows, device).await?),
                    For::NewDevice(name) => Some(make(&mut rows, fresh, name, &member, &by, now).await?),
                    For::Named(name) => match named(&mut rows, &name).await? {
                        Some(found) => Some(found),
                        None => Some(make(&mut rows, fresh, Some(name), &member, &by, now).await?),
                    },
                };
                let device_id = device.as_ref().map(|(id, _)| *id);
                check_room(&mut rows, device_id).await?;
                rows.query(
                    "INSERT INTO ingest_keys (tenant_id, id, device_id, key_sha256, created_by, created_at) \
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(id)
                .bind(device_id)
                .bind(key.as_str())
                .bind(member.user)
                .bind(now)
                .execute()
                .await?;
                let detail = device.as_ref().map_or(FLEET, |(_, name)| name);
                audit::note(&mut rows, &by, Action::IngestKeyMade, id, detail, now).await?;
                Ok(IngestKey {
                    id,
                    tenant_id: member.tenant,
                    device_id,
                    device_name: device.map(|(_, name)| name),
                    created_at: now,
                })
            })
        })
        .await
}

type Known = (DeviceId, String);

async fn known(rows: &mut TeamRows<'_>, device: DeviceId) -> Result<Known, AccountError> {
    let row = rows
        .query("SELECT name FROM devices WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL")
        .bind(device)
        .fetch_optional()
        .await?;
    Ok((device, row.ok_or(AccountError::NoSuchDevice)?.get("name")?))
}

async fn named(rows: &mut TeamRows<'_>, name: &str) -> Result<Option<Known>, AccountError> {
    let found = rows
        .query(
            "SELECT id, name FROM devices WHERE tenant_id = $1 AND revoked_at IS NULL \
             AND (name = $2 OR id = LOWER($2)) ORDER BY id LIMIT 2",
        )
        .bind(name.trim())
        .fetch_all()
        .await?;
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((one.get("id")?, one.get("name")?))),
        [..] => Err(AccountError::SeveralDevices(name.to_owned())),
    }
}

async fn make(
    rows: &mut TeamRows<'_>,
    id: DeviceId,
    name: Option<String>,
    member: &Member,
    by: &Actor,
    now: Timestamp,
) -> Result<Known, AccountError> {
    let name = match name {
        Some(name) => checked_name(&name)?,
        // The end of an id is random.
        None => format!("Device {}", id.to_string().rsplit('-').next().unwrap_or_default()),
    };
    let new = NewDevice {
        id,
        name: name.clone(),
        created_by: Some(member.user),
        token: None,
    };
    accounts_devices::insert(rows, &new, by, now).await?;
    Ok((id, name))
}

async fn check_room(rows: &mut TeamRows<'_>, device: Option<DeviceId>) -> Result<(), AccountError> {
    let count = rows
        .query(
            "SELECT COUNT(*) AS of_team, COUNT(CASE WHEN device_id = $2 THEN 1 END) AS of_device FROM ingest_keys \
             WHERE tenant_id = $1",
        )
        .bind(device)
        .fetch_one()
        .await?;
    let bounds = [
        ("of_team", "ingest keys in this team", KEYS_MAX),
        ("of_device", "ingest keys of this device", KEYS_OF_DEVICE_MAX),
    ];
    for (column, what, most) in bounds {
        if count.get::<i64>(column)? >= most {
            return Err(AccountError::TooMany { what, most });
        }
    }
    Ok(())
}

const COLUMNS: &str = "SELECT k.id, k.tenant_id, k.device_id, d.name AS device_name, k.created_at FROM ingest_keys k \
                       LEFT JOIN devices d ON d.id = k.device_id";

/// A team's keys, oldest first.
pub async fn list(store: &Store, tenant: TenantId) -> Result<Vec<IngestKey>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .composed(format!(
            "{COLUMNS} WHERE k.tenant_id = $1 ORDER BY k.created_at, k.id"
        ))
        .fetch_all()
        .await?;
    found.iter().map(from_row).collect()
}

/// Every key, oldest first.
pub async fn list_all(store: &Store) -> Result<Vec<IngestKey>, StoreError> {
    let mut rows = store.read_across().await?;
    let found = super::sql::composed(format!("{COLUMNS} ORDER BY k.created_at, k.id"))
        .fetch_all(&mut rows)
        .await?;
    found.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<IngestKey, StoreError> {
    Ok(IngestKey {
        id: row.get("id")?,
        tenant_id: row.get("tenant_id")?,
        device_id: row.get("device_id")?,
        device_name: row.get("device_name")?,
        created_at: row.get("created_at")?,
    })
}

/// Ends a key of the member's team.
pub async fn revoke(store: &Store, member: &Member, id: IngestKeyId) -> Result<(), AccountError> {
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move { end(&mut rows, id, &by, now).await })
        })
        .await
}

/// The same by the operator, whosever it is.
pub async fn revoke_any(store: &Store, id: IngestKeyId) -> Result<(), AccountError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let owner = query("SELECT tenant_id FROM ingest_keys WHERE id = $1")
                    .bind(id)
                    .fetch_optional(rows)
                    .await?;
                let tenant: TenantId = owner.ok_or(AccountError::NoSuchIngestKey)?.get("tenant_id")?;
                end(&mut TeamRows::of(rows, tenant), id, &Actor::Operator, now).await
            })
        })
        .await
}

async fn end(
    rows: &mut TeamRows<'_>,
    id: IngestKeyId,
    by: &Actor,
    now: Timestamp,
) -> Result<(), AccountError> {
    let gone = rows
        .query("DELETE FROM ingest_keys WHERE tenant_id = $1 AND id = $2 RETURNING device_id")
        .bind(id)
        .fetch_optional()
        .await?;
    let device: Option<DeviceId> = gone.ok_or(AccountError::NoSuchIngestKey)?.get("device_id")?;
    let detail = device.map_or(FLEET.to_owned(), |device| device.to_string());
    audit::note(rows, by, Action::IngestKeyRevoked, id, &detail, now).await?;
    Ok(())
}

/// Ends every key of a device.
pub(super) async fn end_of_device(
    rows: &mut TeamRows<'_>,
    device: DeviceId,
    by: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let gone = rows
        .query("DELETE FROM ingest_keys WHERE tenant_id = $1 AND device_id = $2 RETURNING id")
        .bind(device)
        .fetch_all()
        .await?;
    for row in gone {
        let id: IngestKeyId = row.get("id")?;
        let detail = device.to_string();
        audit::note(rows, by, Action::IngestKeyRevoked, id, &detail, now).await?;
    }
    Ok(())
}

/// Whose key this is, unless its device was revoked.
pub async fn holder(store: &Store, key: &TokenDigest) -> Result<Option<Holder>, StoreError> {
    let mut rows = store.read_across().await?;
    let row = query(
        "SELECT k.tenant_id, k.device_id FROM ingest_keys k LEFT JOIN devices d ON d.id = k.device_id \
         WHERE k.key_sha256 = $1 AND d.revoked_at IS NULL",
    )
    .bind(key.as_str())
    .fetch_optional(&mut rows)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let tenant = row.get("tenant_id")?;
    let device: Option<DeviceId> = row.get("device_id")?;
    Ok(Some(device.map_or(Holder::Fleet(tenant), |device| {
        Holder::Device(DeviceIdentity { device, tenant })
    })))
}
