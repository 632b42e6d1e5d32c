//! Ways in beside the password: what there are, a link for a new password, and another service that vouches.

pub(super) mod reset;
pub(super) mod sso;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WaysIn {
    /// Whether a link for a new password can be mailed.
    pub mail: bool,
    /// What the other service is called that people may sign in by.
    pub sso: Option<String>,
}

/// How people can sign in here, beside their password. Public.
#[utoipa::path(get, path = "/api/v1/ways-in", operation_id = "ways_in", tag = "accounts", security(()), responses((status = 200, body = WaysIn)))]
pub(super) async fn show(State(app): State<Arc<App>>) -> Json<WaysIn> {
    Json(WaysIn {
        mail: app.forgotten.is_some(),
        sso: app.sso.as_ref().map(|sso| sso.name().to_owned()),
    })
}
