//! The tracks that a team has: gates that analyses learned.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiResult, ErrorBody};
use super::identity::Person;
use crate::desired::Course;
use crate::store::tracks;

/// More than a team drives at in a season.
const LIMIT: u32 = 200;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrackList {
    /// The newest first, 200 at most.
    pub tracks: Vec<Course>,
}

/// The team's tracks, to choose one for a device.
#[utoipa::path(get, path = "/api/v1/tracks", operation_id = "list_tracks", tag = "devices", security(("cookie" = []), ("person" = [])),
    responses((status = 200, body = TrackList), (status = 401, body = ErrorBody)))]
pub(super) async fn list(State(app): State<Arc<App>>, Person(member): Person) -> ApiResult<Json<TrackList>> {
    let found = tracks::newest(&app.store, member.tenant, LIMIT).await?;
    let tracks = found.into_iter().map(Course::from).collect();
    Ok(Json(TrackList { tracks }))
}
