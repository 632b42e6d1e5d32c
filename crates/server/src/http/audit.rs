//! The team's audit log, for its owners.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::body::Params;
use super::error::{ApiResult, ErrorBody};
use super::identity::Owner;
use crate::store::audit;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditParams {
    /// Entries in one answer: 50 without it, 200 at most.
    pub limit: Option<u32>,
    /// `next` of the answer before.
    pub before: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    /// Counts up in a team.
    pub number: i64,
    /// RFC 3339 in UTC.
    pub at: String,
    /// An e-mail address, `operator` or `claim code`.
    pub actor: String,
    /// `device.added`, `device.revoked`, …
    pub action: String,
    /// Id or e-mail address of what it was done to.
    pub subject: String,
    pub detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// Give it as `before` for older ones; `null` at the end.
    pub next: Option<i64>,
}

/// Who did what to the team's people, devices and keys, newest first. For owners.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "audit_log", tag = "accounts", security(("cookie" = [])), params(AuditParams),
    responses((status = 200, body = AuditPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "`owners_only`.")))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Owner(member): Owner,
    Params(params): Params<AuditParams>,
) -> ApiResult<Json<AuditPage>> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let mut found = audit::list(&app.store, member.tenant, params.before, limit + 1).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > shown;
    found.truncate(shown);
    let next = found.last().filter(|_| more).map(|entry| entry.number);
    let entries = found.into_iter().map(AuditEntry::from).collect();
    Ok(Json(AuditPage { entries, next }))
}

impl From<audit::Entry> for AuditEntry {
    fn from(entry: audit::Entry) -> Self {
        Self {
            number: entry.number,
            at: entry.at.to_string(),
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: entry.detail,
        }
    }
}
