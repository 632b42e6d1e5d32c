//! Pictures: the list, one of them, its thumbnails. The bytes as they came are the recording's.

#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
pub(super) mod list;
pub(super) mod show;
#[allow(
    unused_qualifications,
    reason = "utoipa's macro writes the path of a parameter type out"
)]
pub(super) mod thumbnail;

use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{ApiError, ApiResult};
use super::identity::Reader;
use super::sessions::DeviceRef;
use crate::pictures::{self as looking, Source};
use crate::store::RecordingId;
use crate::store::pictures::{self, Picture, State, Status};

/// A picture. What is not known (yet) is `null`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PictureSummary {
    /// The recording's id too.
    pub id: String,
    pub file_name: String,
    /// The camera that sent it; `null` for a person's upload.
    pub device: Option<DeviceRef>,
    /// When the server had it durably, RFC 3339 in UTC.
    pub stored_at: String,
    pub state: PictureState,
    /// Why it is quarantined; only with that state.
    pub reason: Option<PictureReason>,
    /// As it is shown, the camera's orientation applied.
    pub width_px: Option<u32>,
    pub height_px: Option<u32>,
    /// When it was taken, as far as it is known; `null` while the state is `waiting`.
    pub captured: Option<CapturedTime>,
    /// Maker and model, as the camera says.
    pub camera: Option<String>,
    /// Addresses of the two thumbnails; only with the state `good`.
    pub thumbnails: Option<PictureThumbnails>,
    /// Address of the bytes as they came.
    pub raw: String,
    pub size_bytes: u64,
    /// Of the bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// `good` is whole from its first byte to its last. A quarantined one is kept, and never shown as good.
#[derive(Debug, Clone, Copy, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PictureState {
    Waiting,
    Good,
    Quarantined,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PictureReason {
    /// `truncated`, `ends_early`, `damaged`, `not_jpeg`, `empty`, `unsupported`, `too_large`, `undecodable`, `gave_up`.
    pub code: String,
    /// Cause and remedy.
    pub message: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CapturedTime {
    pub source: CapturedSource,
    /// The camera's clock, without a zone; `null` where only the receiving is known.
    pub local: Option<String>,
    /// RFC 3339 in UTC; `null` while nobody knows the camera's zone.
    pub at: Option<String>,
}

/// Where the time comes from. `received`: neither the picture nor its name tells one that can be believed.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CapturedSource {
    Exif,
    Name,
    Received,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PictureThumbnails {
    /// At most 320 pixels on the longer side.
    pub small: String,
    /// At most 1 280.
    pub large: String,
}

impl From<Status> for PictureState {
    fn from(status: Status) -> Self {
        match status {
            Status::Waiting => Self::Waiting,
            Status::Good => Self::Good,
            Status::Quarantined => Self::Quarantined,
        }
    }
}

impl From<PictureState> for Status {
    fn from(state: PictureState) -> Self {
        match state {
            PictureState::Waiting => Self::Waiting,
            PictureState::Good => Self::Good,
            PictureState::Quarantined => Self::Quarantined,
        }
    }
}

impl From<looking::Captured> for CapturedTime {
    fn from(captured: looking::Captured) -> Self {
        Self {
            source: match captured.source {
                Source::Exif => CapturedSource::Exif,
                Source::Name => CapturedSource::Name,
                Source::Received => CapturedSource::Received,
            },
            local: captured.local.map(|local| local.to_string()),
            at: captured.at.map(|at| at.to_string()),
        }
    }
}

impl From<Picture> for PictureSummary {
    fn from(picture: Picture) -> Self {
        let (id, found) = (picture.id, picture.found);
        let state = picture.state.status();
        let (reason, captured) = match picture.state {
            // What an earlier look found is about to be replaced.
            State::Waiting => (None, None),
            State::Good => (None, found.captured),
            State::Quarantined(reason) => (Some(reason), found.captured),
        };
        Self {
            id: id.to_string(),
            file_name: picture.file_name,
            device: picture.device.map(|(id, name)| DeviceRef {
                id: id.to_string(),
                name,
            }),
            stored_at: picture.stored_at.to_string(),
            state: state.into(),
            reason: reason.map(|reason| PictureReason {
                code: reason.code,
                message: reason.message,
            }),
            width_px: found.size_px.map(|(width, _)| width),
            height_px: found.size_px.map(|(_, height)| height),
            captured: captured.map(CapturedTime::from),
            camera: found.camera,
            thumbnails: (state == Status::Good).then(|| PictureThumbnails::of(id, found.version)),
            raw: format!("/api/v1/recordings/{id}/raw"),
            size_bytes: picture.size_bytes,
            sha256: picture.sha256.to_string(),
        }
    }
}

impl PictureThumbnails {
    /// The version makes another address of what another program may make of the picture: browsers keep these for good.
    fn of(id: RecordingId, version: u32) -> Self {
        let address = |size| format!("/api/v1/pictures/{id}/thumbnail/{size}?v={version}");
        Self {
            small: address("small"),
            large: address("large"),
        }
    }
}

/// The picture of that id, if the reader may see it. An id that is none names nothing.
async fn visible(app: &App, reader: Reader, id: &str) -> ApiResult<Picture> {
    let missing = || ApiError::not_found("picture");
    let id: RecordingId = id.parse().map_err(|_| missing())?;
    let picture = pictures::find(&app.store, reader.tenant, id)
        .await?
        .ok_or_else(missing)?;
    let device = picture.device.as_ref().map(|(device, _)| *device);
    if reader.only_device.is_some() && reader.only_device != device {
        return Err(missing());
    }
    Ok(picture)
}
