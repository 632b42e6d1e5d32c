//! Devices for their people: which there are, when they were last heard, how long they were on.

#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
pub(super) mod desired;
#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
pub(super) mod list;
pub(super) mod show;
pub(super) mod sync;
#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
pub(super) mod uptime;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ApiResult};
use super::identity::Reader;
use crate::store::DeviceId;
use crate::store::devices_state_read::{self, Details, Device};

/// A device that was heard within this, by the server's clock, is online.
const ONLINE_WITHIN: SignedDuration = SignedDuration::from_secs(60);
const MICROS_PER_S: f64 = 1e6;

/// One device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeviceSummary {
    pub id: String,
    pub name: String,
    /// RFC 3339.
    pub created_at: String,
    /// Its tokens are no longer taken.
    pub revoked: bool,
    /// It came by a fleet key under a name of its own, and nobody has adopted it yet.
    pub unassigned: bool,
    /// When it last made itself known, by the server's clock; RFC 3339.
    pub last_seen_at: Option<String>,
    /// When something new last came from it, carried by itself or by a person.
    pub last_data_at: Option<String>,
    /// Heard within the last 60 s.
    pub online: bool,
    /// Hours by its heartbeats, in seconds; no second counts twice.
    pub uptime_s: f64,
}

impl DeviceSummary {
    fn of(device: Device, app: &App, now: Timestamp) -> Self {
        let seen_at = app.seen.last(device.id).max(device.seen_at);
        Self {
            id: device.id.to_string(),
            name: device.name,
            created_at: device.created_at.to_string(),
            revoked: device.revoked_at.is_some(),
            unassigned: device.unassigned,
            last_seen_at: seen_at.map(|at| at.to_string()),
            last_data_at: device.data_at.map(|at| at.to_string()),
            online: seen_at.is_some_and(|at| now.duration_since(at) <= ONLINE_WITHIN),
            uptime_s: seconds(device.counted_us),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "exact up to 285 years of microseconds")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / MICROS_PER_S
}

/// A device that the reader may see; all others are not there.
async fn visible(app: &Arc<App>, reader: Reader, id: &str) -> ApiResult<Details> {
    let missing = || ApiError::not_found("device");
    let id: DeviceId = id.parse().map_err(|_| missing())?;
    if reader.only_device.is_some_and(|only| only != id) {
        return Err(missing());
    }
    devices_state_read::find(&app.store, reader.tenant, id)
        .await?
        .ok_or_else(missing)
}
