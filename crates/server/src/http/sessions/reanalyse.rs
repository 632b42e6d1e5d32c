use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use telemetry::gate_text;
use utoipa::ToSchema;

use super::visible;
use crate::http::App;
use crate::http::body::Body;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::{Editor, SessionReader};
use crate::store::sessions::Gates;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReanalyseRequest {
    /// `lat,lon;lat,lon` (two ends), `lat,lon@bearing/width` or `lat,lon~radius`; without it the analysis chooses.
    pub gate: Option<String>,
    /// A separate finish, in the same forms.
    pub finish: Option<String>,
}

/// Analyses a recording afresh, by a gate of one's own or by whatever gate the analysis finds.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/reanalyse", operation_id = "reanalyse_session", tag = "sessions", security(("cookie" = []), ("person" = [])),
    params(("id" = String, Path, description = "Session id")), request_body = ReanalyseRequest,
    responses((status = 202, description = "The session is `waiting`."), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "`bad_gate`.")))]
pub(crate) async fn reanalyse(
    State(app): State<Arc<App>>,
    Editor(member): Editor,
    Path(id): Path<String>,
    Body(request): Body<ReanalyseRequest>,
) -> ApiResult<StatusCode> {
    let session = visible(&app, SessionReader::of_team(member.tenant), &id).await?;
    for text in [&request.gate, &request.finish].into_iter().flatten() {
        gate_text::parse(text).map_err(|error| ApiError::unprocessable("bad_gate", format!("{error}.")))?;
    }
    let gates = Gates {
        gate: request.gate,
        finish: request.finish,
    };
    if app.jobs.reanalyze(member.tenant, session.id, gates).await? {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(ApiError::not_found("session"))
    }
}
