//! How far uploads are, for whoever watches their device in this process. Nothing is kept while nobody watches.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::store::{DeviceId, UploadId};

/// Uploads of one device under way at once while somebody watches; a device has one or two.
const UPLOADS_MAX: usize = 256;

/// The furthest byte that was written of each upload since the watching began.
pub type Offsets = HashMap<UploadId, u64>;

#[derive(Default)]
pub(super) struct Progress {
    devices: Mutex<HashMap<DeviceId, watch::Sender<Offsets>>>,
}

impl Progress {
    /// Tells of every step from now on. Dropping it ends that.
    pub(super) fn watch(&self, device: DeviceId) -> watch::Receiver<Offsets> {
        let mut devices = self.devices();
        devices.retain(|_, watched| watched.receiver_count() > 0);
        devices.entry(device).or_default().subscribe()
    }

    pub(super) fn moved(&self, device: Option<DeviceId>, upload: UploadId, offset_bytes: u64) {
        let devices = self.devices();
        let Some(watched) = device.and_then(|device| devices.get(&device)) else {
            return;
        };
        watched.send_modify(|offsets| {
            if offsets.len() < UPLOADS_MAX || offsets.contains_key(&upload) {
                let furthest = offsets.entry(upload).or_default();
                *furthest = (*furthest).max(offset_bytes);
            }
        });
    }

    fn devices(&self) -> MutexGuard<'_, HashMap<DeviceId, watch::Sender<Offsets>>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
