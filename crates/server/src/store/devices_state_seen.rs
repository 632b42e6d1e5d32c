//! When each device was last heard, without a write for each request.
//!
//! The newest time is kept in memory; it goes into a row at most every 15 s for one device, many devices in one
//! statement. A crash loses at most those 15 s of "last seen", which nobody was promised; other processes on the same
//! database see a device that reports every minute as online all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{DeviceId, Store, StoreError, TenantId, devices_state};

/// Far enough below the 60 s in which a device counts as online.
const WRITTEN_EVERY: SignedDuration = SignedDuration::from_secs(15);
/// Notes that wait to be written. What finds no place is written with the device's next request.
const QUEUE_MAX: usize = 4096;
/// Devices whose times are remembered; beyond it those who were not heard for longest are forgotten, which costs a write
/// when they are heard again.
const DEVICES_MAX: usize = 50_000;

#[derive(Debug, Clone, Copy)]
struct Times {
    heard_at: Timestamp,
    written_at: Timestamp,
}

struct Note {
    tenant: TenantId,
    device: DeviceId,
    at: Timestamp,
}

/// The last time of each device. Cheap to clone; the task that writes ends with the last clone.
#[derive(Clone)]
pub struct Seen {
    times: Arc<Mutex<HashMap<DeviceId, Times>>>,
    notes: mpsc::Sender<Note>,
}

impl Seen {
    /// Starts the task that writes. Needs a Tokio runtime.
    #[must_use]
    pub fn start(store: Store) -> Self {
        let (notes, queue) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(write(store, queue));
        Self {
            times: Arc::default(),
            notes,
        }
    }

    /// A device has presented its token.
    pub fn heard(&self, tenant: TenantId, device: DeviceId, now: Timestamp) {
        if self.is_due(device, now) {
            let note = Note {
                tenant,
                device,
                at: now,
            };
            if self.notes.try_send(note).is_err() {
                self.forget(device);
            }
        }
    }

    /// When this process last heard a device, which can be ahead of its row.
    #[must_use]
    pub fn last(&self, device: DeviceId) -> Option<Timestamp> {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.get(&device).map(|times| times.heard_at)
    }

    fn is_due(&self, device: DeviceId, now: Timestamp) -> bool {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if times.len() >= DEVICES_MAX {
            times.retain(|_, times| now.duration_since(times.heard_at) < WRITTEN_EVERY);
        }
        let Some(known) = times.get_mut(&device) else {
            let fresh = Times {
                heard_at: now,
                written_at: now,
            };
            times.insert(device, fresh);
            return true;
        };
        known.heard_at = known.heard_at.max(now);
        let due = now.duration_since(known.written_at) >= WRITTEN_EVERY;
        if due {
            known.written_at = now;
        }
        due
    }

    fn forget(&self, device: DeviceId) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.remove(&device);
    }
}

async fn write(store: Store, mut queue: mpsc::Receiver<Note>) {
    let mut notes = Vec::new();
    while queue.recv_many(&mut notes, QUEUE_MAX).await > 0 {
        let mut teams: HashMap<TenantId, HashMap<DeviceId, Timestamp>> = HashMap::new();
        for Note { tenant, device, at } in notes.drain(..) {
            let known = teams.entry(tenant).or_default().entry(device).or_insert(at);
            *known = (*known).max(at);
        }
        for (tenant, seen) in teams {
            let seen: Vec<_> = seen.into_iter().collect();
            let written = store.write::<(), StoreError, _>(tenant, move |mut rows| {
                Box::pin(async move { devices_state::heard(&mut rows, &seen).await })
            });
            if let Err(error) = written.await {
                tracing::warn!(%error, "last seen was not written; it will be with the devices' next requests");
            }
        }
    }
}
