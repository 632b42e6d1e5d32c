//! Who sends, where a fleet key leaves open which device it is: that is said beside the body or in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use wire::upload::{METADATA_BYTES_MAX, Metadata, UPLOAD_METADATA, key};

use super::App;
use super::error::{ApiError, ApiResult};
use super::identity::{Sender, ask};
use crate::store::accounts_devices::DeviceIdentity;
use crate::store::fleet::{self, Named, NoDevice};
use crate::store::{TenantId, uploads};
use crate::uptime::device_name;

/// What a device calls itself by in JSON and in forms: three documents, three names for one thing.
pub(super) const NAMES: [&str; 4] = ["device_uuid", "device_id", "device_uid", "device"];
const X_DEVICE: HeaderName = HeaderName::from_static("x-device");
/// People go on adopting in the meantime.
const ADOPTION_WAIT_S: u64 = 600;

/// Who sends, as far as it is known before the body.
#[derive(Debug, Clone, Copy)]
pub enum Caller {
    Known(Sender),
    /// A device that has not said yet which one.
    Fleet(Fleet),
}

/// The holder of a team's fleet key.
#[derive(Debug, Clone, Copy)]
pub struct Fleet {
    pub tenant: TenantId,
}

impl Caller {
    /// For requests that can say no more than their head has.
    pub(super) fn named(self) -> ApiResult<Sender> {
        match self {
            Self::Known(sender) => Ok(sender),
            Self::Fleet(_) => Err(not_named().closing()),
        }
    }

    /// Once the body has said what it says of the device.
    pub(super) async fn named_by(self, app: &App, said: Option<&Value>) -> ApiResult<Sender> {
        match self {
            Self::Known(sender) => Ok(sender),
            Self::Fleet(fleet) => {
                let name = device_name(said.ok_or_else(not_named)?).ok_or_else(bad_name)?;
                Ok(Sender::device(fleet.device(app, name).await?))
            }
        }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        Sender::caller(parts, app).await.map_err(ApiError::closing)
    }
}

impl Fleet {
    /// The device that the head of a request names, if it names one.
    pub(super) async fn device_in_head(self, app: &App, parts: &Parts) -> ApiResult<Option<DeviceIdentity>> {
        let Some(said) = said_in_head(parts) else {
            return Ok(None);
        };
        let name = device_name(&Value::String(said)).ok_or_else(bad_name)?;
        self.device(app, name).await.map(Some)
    }

    async fn device(self, app: &App, name: String) -> ApiResult<DeviceIdentity> {
        let found = self.devices(app, BTreeSet::from([name])).await?;
        let device = found.into_values().next().ok_or_else(not_named)??;
        Ok(DeviceIdentity {
            device,
            tenant: self.tenant,
        })
    }

    /// Those that a body with many items names; each that may send is heard by it.
    pub(super) async fn devices(self, app: &App, names: BTreeSet<String>) -> ApiResult<Named> {
        let mut found = fleet::devices_known(&app.store, self.tenant, &names).await?;
        if found.len() < names.len() {
            // Names that nobody knows cost a transaction each time, whatever comes of it.
            ask(app, self.tenant.0)?;
            found = fleet::devices_named(&app.store, self.tenant, names).await?;
        }
        for device in found.values().flatten() {
            ask(app, device.0)?;
            app.seen.heard(self.tenant, *device, app.store.now());
        }
        Ok(found)
    }

    /// The device that began an upload: those who go on with one name only the upload.
    pub(super) async fn device_of(self, app: &App, upload: crate::store::UploadId) -> ApiResult<Sender> {
        let missing = || ApiError::not_found("upload").closing();
        let row = uploads::find(&app.store, self.tenant, upload).await?;
        let device = row.and_then(|row| row.device).ok_or_else(missing)?;
        if !fleet::works(&app.store, self.tenant, device).await? {
            return Err(ApiError::from(NoDevice::Revoked).closing());
        }
        ask(app, device.0)?;
        app.seen.heard(self.tenant, device, app.store.now());
        Ok(Sender::device(DeviceIdentity {
            device,
            tenant: self.tenant,
        }))
    }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(alias = "device_uuid", alias = "device_id", alias = "device_uid")]
    device: Option<String>,
}

/// `?device=`, `X-Device`, `device` in `Upload-Metadata`, in this order.
fn said_in_head(parts: &Parts) -> Option<String> {
    // A query that cannot be read is for the handler to refuse.
    let asked = Query::<Asked>::try_from_uri(&parts.uri);
    asked.ok().and_then(|Query(asked)| asked.device).or_else(|| {
        let header = |name: &HeaderName| parts.headers.get(name)?.to_str().ok();
        header(&X_DEVICE)
            .map(str::to_owned)
            .or_else(|| in_metadata(header(&HeaderName::from_static(UPLOAD_METADATA))?))
    })
}

fn in_metadata(text: &str) -> Option<String> {
    let metadata = Metadata::parse(text).ok()?;
    let mut room = [0; METADATA_BYTES_MAX];
    let bytes = metadata.get(key::DEVICE)?.decode(&mut room)?;
    String::from_utf8(bytes.to_vec()).ok()
}

pub(super) fn not_named() -> ApiError {
    ApiError::unprocessable(
        "device_not_named",
        "The key is a team's, so say which device this is of: `?device=` or an X-Device header; in JSON `device_uuid`, \
         `device_id` or `device_uid`; in a form a field `device` before the files; in tus `device` in Upload-Metadata.",
    )
}

fn bad_name() -> ApiError {
    ApiError::unprocessable(
        "bad_device_name",
        "A device's name is a text of 1 to 64 characters without control characters.",
    )
    .closing()
}

impl From<NoDevice> for ApiError {
    fn from(refused: NoDevice) -> Self {
        let text = refused.to_string();
        match refused {
            NoDevice::Revoked => Self::forbidden("device_revoked", text),
            NoDevice::TooMany => Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_devices", text)
                .retry_after(ADOPTION_WAIT_S),
        }
    }
}
