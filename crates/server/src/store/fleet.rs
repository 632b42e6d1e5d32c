//! Devices of a fleet key: known by the name that they give themselves, made where nobody knows that name.
//!
//! Promises: one name is one device of a team, whoever asks first; a device that was revoked is refused under its name and
//! never made again; of those that nobody has looked at yet there are at most [`UNASSIGNED_MAX`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::accounts::{AccountError, Member};
use super::accounts_devices::{self, checked_name};
use super::audit::{self, Action, Actor};
use super::devices_state::known_names;
use super::sql::Many;
use super::{DeviceId, Store, StoreError, TeamRows, TenantId};

/// Unassigned devices of one team: a fleet on its first day. Who has the key of a fleet can make as many rows, no more.
pub const UNASSIGNED_MAX: i64 = 1000;

/// Why a name is no device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoDevice {
    /// 403.
    #[error("this device was revoked; a member of its team has to add it again under another name")]
    Revoked,
    /// 429: somebody has to look at those that there are.
    #[error(
        "{UNASSIGNED_MAX} devices of this team wait to be adopted and this one is not known; adopt or revoke some of \
         them, then send again"
    )]
    TooMany,
}

pub type Named = BTreeMap<String, Result<DeviceId, NoDevice>>;

/// The device of each name that a team knows.
pub async fn devices_known(
    store: &Store,
    tenant: TenantId,
    names: &BTreeSet<String>,
) -> Result<Named, StoreError> {
    look(&mut store.read(tenant).await?, names).await
}

/// The device of each name, in a team; unknown ones are made, unassigned.
pub async fn devices_named(
    store: &Store,
    tenant: TenantId,
    names: BTreeSet<String>,
) -> Result<Named, StoreError> {
    let now = store.now();
    let names: Vec<(String, DeviceId)> = names
        .into_iter()
        .map(|name| (name, DeviceId(store.new_id())))
        .collect();
    store
        .write(tenant, move |mut rows| {
            Box::pin(async move { make_unknown(&mut rows, &names, now).await })
        })
        .await
}

async fn make_unknown(
    rows: &mut TeamRows<'_>,
    names: &[(String, DeviceId)],
    now: Timestamp,
) -> Result<Named, StoreError> {
    // Another request may have made them since.
    let mut found = look(rows, &names.iter().map(|(name, _)| name.clone()).collect()).await?;
    let mut waiting = unassigned(rows).await?;
    for (name, fresh) in names {
        if found.contains_key(name) {
            continue;
        }
        let device = if waiting < UNASSIGNED_MAX {
            waiting += 1;
            Ok(make(rows, name, *fresh, now).await?)
        } else {
            Err(NoDevice::TooMany)
        };
        found.insert(name.clone(), device);
    }
    Ok(found)
}

async fn look(rows: &mut TeamRows<'_>, names: &BTreeSet<String>) -> Result<Named, StoreError> {
    let known = known_names(rows, &names.iter().collect()).await?;
    let ids: BTreeSet<DeviceId> = known.values().copied().collect();
    let revoked = revoked(rows, &ids.into_iter().collect::<Vec<_>>()).await?;
    let standing = |device| {
        if revoked.contains(&device) {
            Err(NoDevice::Revoked)
        } else {
            Ok(device)
        }
    };
    Ok(known
        .into_iter()
        .map(|(name, device)| (name, standing(device)))
        .collect())
}

static REVOKED: Many = Many::new(
    "WITH wanted(id) AS (VALUES ",
    1,
    ") SELECT d.id FROM wanted w CROSS JOIN devices d \
     WHERE d.tenant_id = $1 AND d.id = w.id AND d.revoked_at IS NOT NULL",
);

/// Which of these devices are revoked.
async fn revoked(rows: &mut TeamRows<'_>, ids: &[DeviceId]) -> Result<BTreeSet<DeviceId>, StoreError> {
    let mut revoked = BTreeSet::new();
    for part in Many::parts(ids) {
        let mut asking = rows.many(&REVOKED);
        for id in part {
            asking = asking.bind(*id);
        }
        for row in asking.fetch_all().await? {
            revoked.insert(row.get("id")?);
        }
    }
    Ok(revoked)
}

/// Whether a device is the team's and not revoked.
pub async fn works(store: &Store, tenant: TenantId, device: DeviceId) -> Result<bool, StoreError> {
    accounts_devices::works(&mut store.read(tenant).await?, device).await
}

async fn unassigned(rows: &mut TeamRows<'_>) -> Result<i64, StoreError> {
    let row = rows
        .query(
            "SELECT COUNT(*) AS n FROM devices WHERE tenant_id = $1 AND unassigned = 1 AND revoked_at IS NULL",
        )
        .fetch_one()
        .await?;
    row.get("n")
}

/// A device that has an id of its own keeps it, so that it knows itself in its receipts; where another team has that id,
/// and for any other name, it gets one and the name is its alias.
async fn make(
    rows: &mut TeamRows<'_>,
    name: &str,
    fresh: DeviceId,
    now: Timestamp,
) -> Result<DeviceId, StoreError> {
    let own = name
        .parse()
        .ok()
        .filter(|id: &Uuid| !id.is_nil() && !id.is_max())
        .map(DeviceId);
    let device = match own {
        Some(own) if insert(rows, own, name, now).await? => own,
        Some(_) | None => {
            insert(rows, fresh, name, now).await?;
            fresh
        }
    };
    if device.to_string() != name.to_lowercase() {
        rows.query(
            "INSERT INTO device_aliases (tenant_id, alias, device_id, noted_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant_id, alias) DO NOTHING",
        )
        .bind(name)
        .bind(device)
        .bind(now)
        .execute()
        .await?;
    }
    audit::note(rows, &Actor::FleetKey, Action::DeviceAdded, device, name, now).await?;
    Ok(device)
}

async fn insert(
    rows: &mut TeamRows<'_>,
    device: DeviceId,
    name: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let added = rows
        .query(
            "INSERT INTO devices (tenant_id, id, name, created_at, unassigned) VALUES ($1, $2, $3, $4, 1) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(device)
        .bind(name)
        .bind(now)
        .execute()
        .await?;
    Ok(added == 1)
}

/// Gives an unassigned device a name, from when on it is one like any other. One that is adopted already gets the name.
pub async fn adopt(store: &Store, member: &Member, device: DeviceId, name: &str) -> Result<(), AccountError> {
    let name = checked_name(name)?;
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let row = rows
                    .query("SELECT unassigned FROM devices WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL")
                    .bind(device)
                    .fetch_optional()
                    .await?;
                let action = match row.ok_or(AccountError::NoSuchDevice)?.get("unassigned")? {
                    true => Action::DeviceAdopted,
                    false => Action::DeviceRenamed,
                };
                rows.query("UPDATE devices SET name = $2, unassigned = 0 WHERE tenant_id = $1 AND id = $3")
                    .bind(&name)
                    .bind(device)
                    .execute()
                    .await?;
                audit::note(&mut rows, &by, action, device, &name, now).await?;
                Ok(())
            })
        })
        .await
}
