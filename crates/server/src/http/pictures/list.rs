use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{PictureState, PictureSummary};
use crate::http::App;
use crate::http::body::Params;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::Reader;
use crate::store::pictures::{self, Cursor, Filter};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PictureParams {
    /// Pictures in one answer: 50 without it, 200 at most.
    pub limit: Option<u32>,
    /// `next` of the answer before.
    pub cursor: Option<String>,
    /// Only those of this device.
    pub device: Option<String>,
    /// Only those in this state; `good` for a gallery.
    #[param(inline)]
    pub state: Option<PictureState>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PictureList {
    pub pictures: Vec<PictureSummary>,
    /// Give it as `cursor` for the next older ones; `null` at the end.
    pub next: Option<String>,
}

/// The team's pictures, newest first by the time they were taken, or stored where that is not known; with a device's token,
/// those of that device.
#[utoipa::path(get, path = "/api/v1/pictures", operation_id = "list_pictures", tag = "pictures", params(PictureParams),
    responses((status = 200, body = PictureList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "No such device.")))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    reader: Reader,
    Params(params): Params<PictureParams>,
) -> ApiResult<Json<PictureList>> {
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let after = params.cursor.as_deref().map(str::parse::<Cursor>).transpose();
    let after = after.map_err(|error| ApiError::bad_request("bad_cursor", error.to_string()))?;
    let asked = params.device.as_deref().map(str::parse).transpose();
    let asked = asked.map_err(|_| ApiError::not_found("device"))?;
    if reader.only_device.is_some() && asked.is_some() && asked != reader.only_device {
        return Err(ApiError::not_found("device"));
    }
    let filter = Filter {
        device: reader.only_device.or(asked),
        status: params.state.map(Into::into),
    };
    let (rows, next) = pictures::list(&app.store, reader.tenant, filter, after, limit).await?;
    Ok(Json(PictureList {
        pictures: rows.into_iter().map(PictureSummary::from).collect(),
        next: next.map(|cursor| cursor.to_string()),
    }))
}
