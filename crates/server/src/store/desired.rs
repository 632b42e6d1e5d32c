//! What people want each device to be, and how far the device has followed.
//!
//! Promises: a device's version only rises, by one with each change or command; what a device says of an older version
//! changes nothing; a command ends once. Without a row nothing was ever wanted: version 0.

use jiff::Timestamp;

use super::accounts::Member;
use super::accounts_devices::works;
use super::audit::{self, Action, Actor};
use super::sql::{Row, Rows, query};
use super::{DeviceId, Store, StoreError, TeamRows, TenantId, bad_row, desired_commands};
use crate::desired::{BadWish, Networks, SealKey, Wish};

/// What is wanted of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Rises with every change and every command.
    pub version: i64,
    /// That of the newest change of settings, track or networks.
    pub put_version: i64,
    /// JSON object.
    pub settings: String,
    /// JSON.
    pub track: Option<String>,
    pub networks: Networks,
    /// The newest that the device says it is; 0 before it said so.
    pub applied_version: i64,
    pub applied_at: Option<Timestamp>,
    /// A later one that the device could not become.
    pub failed: Option<Failed>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub version: i64,
    pub at: Timestamp,
    pub error: String,
}

impl Desired {
    fn nothing() -> Self {
        Self {
            version: 0,
            put_version: 0,
            settings: "{}".to_owned(),
            track: None,
            networks: Networks::default(),
            applied_version: 0,
            applied_at: None,
            failed: None,
        }
    }
}

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum DesiredError {
    #[error("there is no such device")]
    NoSuchDevice,
    /// 412.
    #[error("somebody else has changed this since it was read; read it again and change that")]
    Changed,
    #[error(transparent)]
    Bad(#[from] BadWish),
    /// 409.
    #[error("16 commands wait for this device already; they are fetched with its next heartbeat, or expire")]
    TooManyCommands,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wanted of a device of the team.
pub async fn find(store: &Store, tenant: TenantId, device: DeviceId) -> Result<Desired, StoreError> {
    find_in(&mut store.read(tenant).await?, device).await
}

pub(super) async fn find_in(rows: &mut TeamRows<'_>, device: DeviceId) -> Result<Desired, StoreError> {
    let row = rows
        .query(
            "SELECT version, put_version, settings, track, networks, applied_version, applied_at, failed_version, \
             failed_at, failed_error FROM device_desired WHERE tenant_id = $1 AND device_id = $2",
        )
        .bind(device)
        .fetch_optional()
        .await?;
    row.as_ref().map_or_else(|| Ok(Desired::nothing()), from_row)
}

fn from_row(row: &Row) -> Result<Desired, StoreError> {
    let networks: String = row.get("networks")?;
    let failed = match (
        row.get("failed_version")?,
        row.get("failed_at")?,
        row.get("failed_error")?,
    ) {
        (Some(version), Some(at), Some(error)) => Some(Failed { version, at, error }),
        _ => None,
    };
    Ok(Desired {
        version: row.get("version")?,
        put_version: row.get("put_version")?,
        settings: row.get("settings")?,
        track: row.get("track")?,
        networks: serde_json::from_str(&networks)
            .map_err(|error| bad_row(format!("device_desired.networks: {error}")))?,
        applied_version: row.get("applied_version")?,
        applied_at: row.get("applied_at")?,
        failed,
    })
}

/// The version that a device should be; 0 where nothing was ever wanted.
pub async fn version(store: &Store, tenant: TenantId, device: DeviceId) -> Result<i64, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query("SELECT version FROM device_desired WHERE tenant_id = $1 AND device_id = $2")
        .bind(device)
        .fetch_optional()
        .await?;
    row.map_or(Ok(0), |row| row.get("version"))
}

/// Puts a wish in place of the one before. With `expected`, only if that is still the version of the newest change.
pub async fn put(
    store: &Store,
    member: &Member,
    device: DeviceId,
    expected: Option<i64>,
    wish: Wish,
) -> Result<Desired, DesiredError> {
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                must_work(&mut rows, device).await?;
                let before = find_in(&mut rows, device).await?;
                if expected.is_some_and(|expected| expected != before.put_version) {
                    return Err(DesiredError::Changed);
                }
                let version = before.version + 1;
                let track = wish.track.as_ref().map(serde_json::to_string).transpose();
                let desired = Desired {
                    version,
                    put_version: version,
                    settings: wish.settings.to_json(),
                    track: track.map_err(|error| bad_row(format!("device_desired.track: {error}")))?,
                    networks: wish.networks.onto(&before.networks)?,
                    ..before
                };
                write(&mut rows, device, &desired).await?;
                let detail = format!("version {version}");
                audit::note(&mut rows, &by, Action::DeviceDesiredChanged, device, &detail, now).await?;
                Ok(desired)
            })
        })
        .await
}

/// A device of the team that is not revoked.
pub(super) async fn must_work(rows: &mut TeamRows<'_>, device: DeviceId) -> Result<(), DesiredError> {
    match works(rows, device).await? {
        true => Ok(()),
        false => Err(DesiredError::NoSuchDevice),
    }
}

pub(super) async fn write(
    rows: &mut TeamRows<'_>,
    device: DeviceId,
    desired: &Desired,
) -> Result<(), StoreError> {
    let networks = serde_json::to_string(&desired.networks)
        .map_err(|error| bad_row(format!("device_desired.networks: {error}")))?;
    rows.query(
        "INSERT INTO device_desired (tenant_id, device_id, version, put_version, settings, track, networks, \
         applied_version, applied_at, failed_version, failed_at, failed_error) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (tenant_id, device_id) DO UPDATE SET version = excluded.version, \
         put_version = excluded.put_version, settings = excluded.settings, track = excluded.track, \
         networks = excluded.networks, applied_version = excluded.applied_version, applied_at = excluded.applied_at, \
         failed_version = excluded.failed_version, failed_at = excluded.failed_at, failed_error = excluded.failed_error",
    )
    .bind(device)
    .bind(desired.version)
    .bind(desired.put_version)
    .bind(&desired.settings)
    .bind(desired.track.as_ref())
    .bind(networks)
    .bind(desired.applied_version)
    .bind(desired.applied_at)
    .bind(desired.failed.as_ref().map(|failed| failed.version))
    .bind(desired.failed.as_ref().map(|failed| failed.at))
    .bind(desired.failed.as_ref().map(|failed| failed.error.as_str()))
    .execute()
    .await
    .map(drop)
}

/// What a device says of a version and of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    pub version: i64,
    /// Why the device could not become that version.
    pub refused: Option<String>,
    pub commands: Vec<desired_commands::Ended>,
    pub seal_key: Option<SealKey>,
}

/// Takes a device's word; the same word again changes nothing. Answers what is wanted and known then.
pub async fn ack(store: &Store, tenant: TenantId, device: DeviceId, ack: Ack) -> Result<Desired, StoreError> {
    let now = store.now();
    store
        .write(tenant, move |mut rows| {
            Box::pin(async move {
                let mut desired = find_in(&mut rows, device).await?;
                if desired.heard(ack.version, ack.refused, now) {
                    write(&mut rows, device, &desired).await?;
                }
                desired_commands::end(&mut rows, device, &ack.commands, now).await?;
                if let Some(key) = &ack.seal_key {
                    keep_seal_key(&mut rows, device, key).await?;
                }
                Ok(desired)
            })
        })
        .await
}

impl Desired {
    /// Takes note of what became of a version; says whether anything changed. A version that was never given out (the
    /// server may have been put back to an older state) says nothing.
    fn heard(&mut self, version: i64, refused: Option<String>, now: Timestamp) -> bool {
        if version <= self.applied_version || version > self.version {
            return false;
        }
        match refused {
            None => {
                self.applied_version = version;
                self.applied_at = Some(now);
                self.failed.take_if(|failed| failed.version <= version);
                true
            }
            Some(error) => {
                let known = self.failed.as_ref();
                let is_news = known.is_none_or(|known| {
                    known.version < version || (known.version == version && known.error != error)
                });
                if is_news {
                    let at = now;
                    self.failed = Some(Failed { version, at, error });
                }
                is_news
            }
        }
    }
}

/// Keeps the key that a device's networks are sealed for.
pub(super) async fn keep_seal_key(
    rows: &mut TeamRows<'_>,
    device: DeviceId,
    key: &SealKey,
) -> Result<(), StoreError> {
    rows.query(
        "INSERT INTO device_states (tenant_id, device_id, seal_key) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant_id, device_id) DO UPDATE SET seal_key = excluded.seal_key \
         WHERE device_states.seal_key IS NULL OR device_states.seal_key <> excluded.seal_key",
    )
    .bind(device)
    .bind(key.as_str())
    .execute()
    .await
    .map(drop)
}

/// The key that a device's networks are sealed for, if it has said one.
pub async fn seal_key(
    store: &Store,
    tenant: TenantId,
    device: DeviceId,
) -> Result<Option<String>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let row = rows
        .query("SELECT seal_key FROM device_states WHERE tenant_id = $1 AND device_id = $2")
        .bind(device)
        .fetch_optional()
        .await?;
    row.map_or(Ok(None), |row| row.get("seal_key"))
}

/// A device goes to another team: what the old one wanted, its networks above all, does not go along; the version rises
/// further, so that the device sees that something is new.
pub(super) async fn leave_behind(
    rows: &mut Rows,
    device: DeviceId,
    from: TenantId,
    to: TenantId,
) -> Result<(), StoreError> {
    let before = find_in(&mut TeamRows::of(rows, from), device).await?;
    for sql in [
        "DELETE FROM device_desired WHERE tenant_id = $1 AND device_id = $2",
        "DELETE FROM device_commands WHERE tenant_id = $1 AND device_id = $2",
        "DELETE FROM device_crashes WHERE tenant_id = $1 AND device_id = $2",
    ] {
        query(sql).bind(from).bind(device).execute(rows).await?;
    }
    if before.version == 0 {
        return Ok(());
    }
    let fresh = Desired {
        version: before.version + 1,
        put_version: before.version + 1,
        ..Desired::nothing()
    };
    write(&mut TeamRows::of(rows, to), device, &fresh).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_older_word_an_unknown_version_and_a_repetition_change_nothing() {
        let mut desired = Desired {
            version: 5,
            ..Desired::nothing()
        };
        assert!(desired.heard(4, Some("no room".to_owned()), at(1)));
        assert!(!desired.heard(4, Some("no room".to_owned()), at(2)));
        assert!(!desired.heard(6, None, at(3)), "never given out");
        assert!(desired.heard(5, None, at(4)));
        assert_eq!((desired.applied_version, &desired.failed), (5, &None));
        let before = desired.clone();
        assert!(!desired.heard(5, None, at(5)));
        assert!(!desired.heard(3, None, at(5)));
        assert!(!desired.heard(5, Some("late".to_owned()), at(5)));
        assert_eq!(desired, before);
    }

    #[test]
    fn a_failure_of_a_later_version_outlives_an_earlier_success() {
        let mut desired = Desired {
            version: 5,
            ..Desired::nothing()
        };
        assert!(desired.heard(5, Some("no".to_owned()), at(1)));
        assert!(desired.heard(4, None, at(2)));
        assert_eq!(desired.failed.as_ref().map(|failed| failed.version), Some(5));
    }
}
