use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{seconds, visible};
use crate::http::App;
use crate::http::body::Params;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::Reader;
use crate::store::uptime_read::{self, Cursor, Session};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;
const SECONDS_PER_HOUR: f64 = 3600.0;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UptimeParams {
    /// Sessions in one answer: 50 without it, 200 at most.
    pub limit: Option<u32>,
    /// `next` of the answer before.
    pub cursor: Option<String>,
}

/// How long a device was on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uptime {
    /// Power-on hours of all sessions, unrounded: `counted_s` in hours.
    pub hours: f64,
    /// Length of the union of all sessions that have a place: no second counts twice.
    pub counted_s: f64,
    /// Sum of their lengths; what it has over `counted_s` was claimed by more than one session.
    pub claimed_s: f64,
    /// Of sessions whose start is not known yet; not within the hours.
    pub unplaced_s: f64,
    pub sessions_total: i64,
    /// Sessions with a run that is not counted.
    pub sessions_suspect: i64,
    /// The latest first.
    pub sessions: Vec<UptimeSession>,
    /// Give it as `cursor` for earlier ones; `null` at the end.
    pub next: Option<String>,
}

/// One session, from switching on to the last that was heard of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UptimeSession {
    /// `b:<boot epoch>:<boot number>` or `s:<session start>`.
    pub session: String,
    /// RFC 3339; `null` while it is not known.
    pub started_at: Option<String>,
    /// The run that is believed.
    pub run_seconds: i64,
    /// By the device's clock; RFC 3339.
    pub last_update: Option<String>,
    /// The device's own word.
    pub status: Option<String>,
    /// It shares time with another session of this device.
    pub overlaps: bool,
    /// The greatest run that was said and is not counted, and why.
    pub suspect: Option<SuspectRun>,
    /// When something about it was last learned, by the server's clock; RFC 3339.
    pub changed_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuspectRun {
    pub run_seconds: i64,
    /// `negative`, `over_thirty_days`, `longer_than_possible` or `clock_unset`.
    pub reason: &'static str,
}

impl From<Session> for UptimeSession {
    fn from(session: Session) -> Self {
        let standing = session.evidence.standing();
        let longest = session.evidence.longest;
        Self {
            session: session.key.to_string(),
            started_at: session.evidence.start.map(|start| start.at.to_string()),
            run_seconds: standing.run_s,
            last_update: longest
                .as_ref()
                .and_then(|longest| longest.last_update)
                .map(|at| at.to_string()),
            status: longest.and_then(|longest| longest.status),
            overlaps: session.overlaps,
            suspect: standing.suspect.map(|suspect| SuspectRun {
                run_seconds: suspect.run_s,
                reason: suspect.reason.as_str(),
            }),
            changed_at: session.changed_at.to_string(),
        }
    }
}

/// A device's hours and its sessions.
#[utoipa::path(get, path = "/api/v1/devices/{id}/uptime", operation_id = "device_uptime", tag = "uptime",
    params(("id" = String, Path, description = "Device id"), UptimeParams),
    responses((status = 200, body = Uptime), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub(crate) async fn uptime(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(id): Path<String>,
    Params(params): Params<UptimeParams>,
) -> ApiResult<Json<Uptime>> {
    let device = visible(&app, reader, &id).await?.device.id;
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let after = params.cursor.as_deref().map(str::parse::<Cursor>).transpose();
    let after = after.map_err(|error| ApiError::bad_request("bad_cursor", error.to_string()))?;
    let totals = uptime_read::totals(&app.store, reader.tenant, device).await?;
    let (sessions, next) = uptime_read::sessions(&app.store, reader.tenant, device, after, limit).await?;
    Ok(Json(Uptime {
        hours: seconds(totals.counted_us) / SECONDS_PER_HOUR,
        counted_s: seconds(totals.counted_us),
        claimed_s: seconds(totals.claimed_us),
        unplaced_s: seconds(totals.unplaced_s.saturating_mul(1_000_000)),
        sessions_total: totals.sessions,
        sessions_suspect: totals.suspects,
        sessions: sessions.into_iter().map(UptimeSession::from).collect(),
        next: next.map(|cursor| cursor.to_string()),
    }))
}
