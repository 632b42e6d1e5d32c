//! A device that speaks for itself.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::http::App;
use crate::http::error::ApiError;
use crate::http::identity::Sender;
use crate::store::{DeviceId, TenantId};

/// A device by its token; people are told that this is not for them.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Itself {
    pub tenant: TenantId,
    pub device: DeviceId,
}

impl FromRequestParts<Arc<App>> for Itself {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        Self::of(Sender::from_request_parts(parts, app).await?)
    }
}

impl Itself {
    /// A device that has said who it is.
    pub(in crate::http) fn of(sender: Sender) -> Result<Self, ApiError> {
        let device = sender.device.ok_or_else(|| {
            ApiError::forbidden(
                "devices_only",
                "A device says this of itself, with its token; people set and read devices under /api/v1/devices.",
            )
            .closing()
        })?;
        Ok(Self {
            tenant: sender.tenant,
            device,
        })
    }
}
