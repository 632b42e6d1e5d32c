//! What devices were last heard to say: when, under which names, in which state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::sql::Many;
use super::{DeviceId, Store, StoreError, TeamRows, TenantId};
use crate::desired::SealKey;

/// Names that one device is known by beside its id; later ones are not noted.
const ALIASES_MAX: i64 = 8;

static DATA_CAME: Many = Many::new(
    "WITH came(device_id, data_at) AS (VALUES ",
    2,
    ") INSERT INTO device_states (tenant_id, device_id, data_at) \
     SELECT $1, came.device_id, came.data_at FROM came WHERE came.device_id IS NOT NULL \
     ON CONFLICT (tenant_id, device_id) DO UPDATE SET data_at = excluded.data_at \
     WHERE device_states.data_at IS NULL OR excluded.data_at > device_states.data_at",
);

static HEARD: Many = Many::new(
    "WITH heard(device_id, at) AS (VALUES ",
    2,
    ") UPDATE devices SET seen_at = (SELECT MAX(h.at) FROM heard h WHERE h.device_id = devices.id) \
     WHERE tenant_id = $1 AND id IN (SELECT h.device_id FROM heard h \
     WHERE h.device_id = devices.id AND (devices.seen_at IS NULL OR devices.seen_at < h.at))",
);

static BY_ALIAS: Many = Many::new(
    "WITH wanted(name) AS (VALUES ",
    1,
    ") SELECT w.name, a.device_id FROM wanted w CROSS JOIN device_aliases a \
     WHERE a.tenant_id = $1 AND a.alias = w.name",
);

static BY_ID: Many = Many::new(
    "WITH wanted(name) AS (VALUES ",
    1,
    ") SELECT w.name, d.id AS device_id FROM wanted w CROSS JOIN devices d \
     WHERE d.tenant_id = $1 AND d.id = LOWER(w.name)",
);

/// Notes that something new has come from devices.
pub async fn data_came(
    rows: &mut TeamRows<'_>,
    devices: &[DeviceId],
    now: Timestamp,
) -> Result<(), StoreError> {
    for part in Many::parts(devices) {
        let mut writing = rows.many(&DATA_CAME);
        for device in part {
            writing = writing.bind(*device).bind(now);
        }
        writing.execute().await?;
    }
    Ok(())
}

/// Notes when devices were last heard; earlier times than those known change nothing.
pub async fn heard(rows: &mut TeamRows<'_>, seen: &[(DeviceId, Timestamp)]) -> Result<(), StoreError> {
    for part in Many::parts(seen) {
        let mut writing = rows.many(&HEARD);
        for (device, at) in part {
            writing = writing.bind(*device).bind(*at);
        }
        writing.execute().await?;
    }
    Ok(())
}

/// Keeps the names that devices were heard by. A name stays with the device that used it first.
pub async fn note_aliases(
    rows: &mut TeamRows<'_>,
    said: &BTreeSet<(String, DeviceId)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let names: BTreeSet<&String> = said.iter().map(|(name, _)| name).collect();
    let known = known_names(rows, &names).await?;
    for (name, device) in said.iter().filter(|(name, _)| !known.contains_key(name)) {
        rows.query(
            "INSERT INTO device_aliases (tenant_id, alias, device_id, noted_at) \
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT) \
             WHERE (SELECT COUNT(*) FROM device_aliases WHERE tenant_id = $1 AND device_id = $3) < $5 \
             ON CONFLICT (tenant_id, alias) DO NOTHING",
        )
        .bind(name.as_str())
        .bind(*device)
        .bind(now)
        .bind(ALIASES_MAX)
        .execute()
        .await?;
    }
    Ok(())
}

/// Which of a team's devices each name means: an id, or a name that a device was heard by.
pub async fn named(
    store: &Store,
    tenant: TenantId,
    names: &BTreeSet<&String>,
) -> Result<BTreeMap<String, DeviceId>, StoreError> {
    known_names(&mut store.read(tenant).await?, names).await
}

pub(super) async fn known_names(
    rows: &mut TeamRows<'_>,
    names: &BTreeSet<&String>,
) -> Result<BTreeMap<String, DeviceId>, StoreError> {
    let mut found = BTreeMap::new();
    let names: Vec<&String> = names.iter().copied().collect();
    for part in Many::parts(&names) {
        // By id second, so that an id means its device whatever another one calls itself.
        for statement in [&BY_ALIAS, &BY_ID] {
            let mut asking = rows.many(statement);
            for name in part {
                asking = asking.bind(name.as_str());
            }
            for row in asking.fetch_all().await? {
                found.insert(row.get("name")?, row.get("device_id")?);
            }
        }
    }
    Ok(found)
}

/// What a device said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// JSON, as it was said.
    pub state: String,
    /// The names it was heard by.
    pub aliases: BTreeSet<(String, DeviceId)>,
    pub seal_key: Option<SealKey>,
}

/// Keeps what a device said of itself, in place of what it said before.
pub async fn keep_ping(
    store: &Store,
    tenant: TenantId,
    device: DeviceId,
    ping: Ping,
) -> Result<(), StoreError> {
    let Ping {
        state,
        aliases,
        seal_key,
    } = ping;
    let now = store.now();
    store
        .write(tenant, move |mut rows| {
            Box::pin(async move {
                if !aliases.is_empty() {
                    note_aliases(&mut rows, &aliases, now).await?;
                }
                if let Some(key) = &seal_key {
                    super::desired::keep_seal_key(&mut rows, device, key).await?;
                }
                rows.query(
                    "INSERT INTO device_states (tenant_id, device_id, ping, ping_at) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (tenant_id, device_id) DO UPDATE SET ping = excluded.ping, ping_at = excluded.ping_at \
                     WHERE device_states.ping_at IS NULL OR excluded.ping_at >= device_states.ping_at",
                )
                .bind(device)
                .bind(state)
                .bind(now)
                .execute()
                .await
                .map(drop)
            })
        })
        .await
}
