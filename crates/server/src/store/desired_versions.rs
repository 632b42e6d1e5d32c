//! The version that each device should be, without a read for each heartbeat.
//!
//! Changes that this process makes are seen at once; those of other processes on the same database within
//! [`FRESH_FOR`], so a device learns of them with one of its next heartbeats.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{DeviceId, Store, StoreError, TenantId, desired};

/// Less than the 15 s between two heartbeats of a logger.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(10);
/// Devices that are remembered; beyond it all are forgotten, which costs each of them a read.
const DEVICES_MAX: usize = 50_000;

#[derive(Clone, Copy)]
struct Known {
    version: i64,
    read_at: Timestamp,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct DesiredVersions {
    store: Store,
    known: Arc<Mutex<HashMap<(TenantId, DeviceId), Known>>>,
}

impl DesiredVersions {
    #[must_use]
    pub fn of(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
        }
    }

    /// The version that a device should be.
    pub async fn current(&self, tenant: TenantId, device: DeviceId) -> Result<i64, StoreError> {
        let now = self.store.now();
        let known = self.known().get(&(tenant, device)).copied();
        if let Some(known) = known.filter(|known| now.duration_since(known.read_at) < FRESH_FOR) {
            return Ok(known.version);
        }
        let version = desired::version(&self.store, tenant, device).await?;
        self.keep(tenant, device, version, now);
        Ok(version)
    }

    /// Somebody has just changed it to this.
    pub fn changed(&self, tenant: TenantId, device: DeviceId, version: i64) {
        self.keep(tenant, device, version, self.store.now());
    }

    fn keep(&self, tenant: TenantId, device: DeviceId, version: i64, read_at: Timestamp) {
        let mut all = self.known();
        if all.len() >= DEVICES_MAX {
            all.clear();
        }
        let known = all.entry((tenant, device)).or_insert(Known { version, read_at });
        // A read that began before a change may end after it; versions only rise.
        known.version = known.version.max(version);
        known.read_at = read_at;
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(TenantId, DeviceId), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
