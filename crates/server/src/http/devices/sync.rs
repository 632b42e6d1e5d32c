//! A device's sending as it happens: an event stream for pages, or one look as JSON.
//!
//! A step of an upload in this process wakes the stream; other processes on the same database may take uploads and
//! analyses end by themselves, so the rows are looked at once a second as well, while somebody listens.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;

use super::visible;
use crate::http::App;
use crate::http::error::{ApiError, ApiResult, ErrorBody};
use crate::http::identity::{Person, Reader};
use crate::store::sessions::Status;
use crate::store::sync::{self, Arrived, Coming};
use crate::store::{DeviceId, RecordingId, SessionId, UploadId, uploads};
use crate::uploads::Offsets;

/// While nothing wakes the stream.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// However often an upload moves.
const PAUSE: Duration = Duration::from_millis(200);
/// Before proxies and phones think that the connection is dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream ends after this and the page comes back with its cookie: who may look is asked again.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// How far back a page that comes back gets what it may have missed.
const BACK_MAX: SignedDuration = SignedDuration::from_hours(6);
/// An upload that has not moved for longer is not of this batch.
const IDLE: SignedDuration = SignedDuration::from_mins(10);
/// Open pages of one person, or of a device.
const OF_ONE_MAX: u32 = 8;
const OF_TEAM_MAX: u32 = 64;

/// Streams that are open, by person and by team.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<HashMap<Uuid, u32>>);

impl Listeners {
    fn enter(app: &Arc<App>, who: Uuid, team: Uuid) -> ApiResult<Listening> {
        let mut counts = app.listeners.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |key| counts.get(&key).copied().unwrap_or(0);
        if open(who) >= OF_ONE_MAX || open(team) >= OF_TEAM_MAX {
            return Err(ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_streams",
                format!(
                    "{OF_ONE_MAX} streams of one person and {OF_TEAM_MAX} of a team may be open; close some pages."
                ),
            ));
        }
        for key in [who, team] {
            *counts.entry(key).or_default() += 1;
        }
        Ok(Listening {
            app: app.clone(),
            keys: [who, team],
        })
    }
}

/// A place among the open streams.
struct Listening {
    app: Arc<App>,
    keys: [Uuid; 2],
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut counts = self
            .app
            .listeners
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for key in self.keys {
            if let Some(count) = counts.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&key);
                }
            }
        }
    }
}

/// A [`Reader`], and who it is.
pub(crate) struct Listener {
    reader: Reader,
    who: Uuid,
}

impl FromRequestParts<Arc<App>> for Listener {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let reader = Reader::from_request_parts(parts, app).await?;
        let who = match reader.only_device {
            Some(device) => device.0,
            None => Person::from_request_parts(parts, app).await?.0.user.0,
        };
        Ok(Self { reader, who })
    }
}

/// What has come and is coming since a moment.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct SyncState {
    /// Of everything in the batch; never less than it was in the same stream.
    pub received_bytes: u64,
    /// As far as it was announced; grows when a device begins another file.
    pub size_bytes: u64,
    /// Under way, oldest first.
    pub uploads: Vec<SyncUpload>,
    /// Stored in this batch, in that order.
    pub recordings: Vec<SyncRecording>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct SyncUpload {
    pub upload_id: String,
    pub file_name: String,
    /// Never less than it was in the same stream.
    pub received_bytes: u64,
    /// `null` while the device has not said it.
    pub size_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct SyncRecording {
    pub recording_id: String,
    pub session_id: String,
    pub file_name: String,
    pub size_bytes: u64,
    /// `waiting`, `analysing`, `ready` or `failed`.
    pub status: &'static str,
    pub track_name: Option<String>,
    /// Timed laps, once it is ready.
    pub laps_timed: Option<i64>,
    pub best_ms: Option<f64>,
    /// Why it could not be analysed.
    pub error: Option<String>,
}

impl From<&Arrived> for SyncRecording {
    fn from(arrived: &Arrived) -> Self {
        Self {
            recording_id: arrived.recording.to_string(),
            session_id: arrived.session.to_string(),
            file_name: arrived.file_name.clone(),
            size_bytes: arrived.size_bytes,
            status: arrived.status.as_str(),
            track_name: arrived.track_name.clone(),
            laps_timed: arrived.laps_timed,
            best_ms: arrived.best_ms,
            error: arrived.error.clone(),
        }
    }
}

/// What a device is sending. With `Accept: text/event-stream` a stream of `progress` (bytes and uploads, only forward), `stored`
/// (a recording is durable) and `analysed` (laps and best, or why not); otherwise one answer with what came within ten minutes.
#[utoipa::path(get, path = "/api/v1/devices/{id}/sync", operation_id = "device_sync", tag = "devices",
    params(("id" = String, Path, description = "Device id"),
        ("Last-Event-ID" = Option<String>, Header, description = "Sent by browsers that come back: nothing is missed, up to six hours")),
    responses((status = 200, description = "`SyncState`, or events: `progress` has it without recordings, `stored` and `analysed` have a `SyncRecording`.",
            content((SyncState = "application/json"), (String = "text/event-stream"))),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody, description = "`too_many_streams`.")))]
pub(crate) async fn sync(
    State(app): State<Arc<App>>,
    listener: Listener,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reader = listener.reader;
    let device = visible(&app, reader, &id).await?.device.id;
    let now = app.store.now();
    let mut batch = Batch {
        app: app.clone(),
        reader,
        device,
        since: now.saturating_sub(IDLE).unwrap_or(now),
        moved: app.uploads.watch(device),
        furthest: BTreeMap::new(),
        received_bytes: 0,
    };
    if !wants_events(&headers) {
        return Ok(Json(batch.look().await?.0).into_response());
    }
    batch.since = came_back(&headers, now).unwrap_or(now);
    let stream = Live {
        _place: Listeners::enter(&app, listener.who, reader.tenant.0)?,
        batch,
        told: HashMap::new(),
        last_progress: None,
        waiting: VecDeque::new(),
        next_look: Instant::now(),
        ends: Instant::now() + LIFE,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    // Proxies that gather answers would hold the events back.
    let unbuffered = [("x-accel-buffering", "no")];
    Ok((unbuffered, Sse::new(stream.events()).keep_alive(keep_alive)).into_response())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accepted.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// When the stream that broke had begun; its events carry it as their id.
fn came_back(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let micros = headers.get("last-event-id")?.to_str().ok()?.parse().ok()?;
    let since = Timestamp::from_microsecond(micros).ok()?;
    let oldest = now.saturating_sub(BACK_MAX).unwrap_or(now);
    Some(since.clamp(oldest, now))
}

/// One device's sending since a moment.
struct Batch {
    app: Arc<App>,
    reader: Reader,
    device: DeviceId,
    since: Timestamp,
    moved: watch::Receiver<Offsets>,
    /// What was told of each upload, so that it never goes back.
    furthest: BTreeMap<UploadId, u64>,
    received_bytes: u64,
}

impl Batch {
    async fn look(&mut self) -> ApiResult<(SyncState, Vec<Arrived>)> {
        let (store, tenant) = (&self.app.store, self.reader.tenant);
        if !uploads::has_device(store, tenant, self.device).await? {
            return Err(ApiError::not_found("device"));
        }
        // Recordings first: what becomes one meanwhile is counted late, never twice.
        let arrived = sync::arrived(store, tenant, self.device, self.since).await?;
        let coming = sync::coming(store, tenant, self.device).await?;
        let written = self.moved.borrow_and_update().clone();
        let mut uploads = Vec::new();
        for upload in coming.into_iter().rev() {
            uploads.extend(self.under_way(upload, &written).await?);
        }
        let stored_bytes: u64 = arrived.iter().map(|arrived| arrived.size_bytes).sum();
        let coming_bytes: u64 = uploads.iter().map(|upload| upload.received_bytes).sum();
        self.received_bytes = self.received_bytes.max(stored_bytes + coming_bytes);
        let announced = uploads
            .iter()
            .map(|upload| upload.size_bytes.unwrap_or(upload.received_bytes));
        let state = SyncState {
            received_bytes: self.received_bytes,
            size_bytes: (stored_bytes + announced.sum::<u64>()).max(self.received_bytes),
            uploads,
            recordings: arrived.iter().map(SyncRecording::from).collect(),
        };
        Ok((state, arrived))
    }

    /// An open upload, unless it has been lying about since before this batch.
    async fn under_way(&mut self, upload: Coming, written: &Offsets) -> ApiResult<Option<SyncUpload>> {
        let durable = self.app.uploads.mark(upload.upload).await?;
        let last = durable
            .marked_at
            .unwrap_or(upload.created_at)
            .max(upload.created_at);
        let is_idle = last < self.since.saturating_sub(IDLE).unwrap_or(last);
        if is_idle && !written.contains_key(&upload.upload) {
            return Ok(None);
        }
        let written = written.get(&upload.upload).copied().unwrap_or(0);
        let furthest = self.furthest.entry(upload.upload).or_default();
        *furthest = (*furthest).max(written).max(durable.offset_bytes);
        Ok(Some(SyncUpload {
            upload_id: upload.upload.to_string(),
            file_name: upload.file_name,
            received_bytes: *furthest,
            size_bytes: upload.size_bytes,
        }))
    }
}

/// `progress`: the batch without its recordings.
#[derive(PartialEq, Serialize)]
struct Progress {
    received_bytes: u64,
    size_bytes: u64,
    stored: usize,
    uploads: Vec<SyncUpload>,
}

/// An open stream.
struct Live {
    batch: Batch,
    /// How far the page knows each recording.
    told: HashMap<RecordingId, (SessionId, bool)>,
    last_progress: Option<Progress>,
    waiting: VecDeque<Event>,
    next_look: Instant,
    ends: Instant,
    _place: Listening,
}

impl Live {
    fn events(self) -> impl Stream<Item = Result<Event, axum::Error>> {
        stream::unfold(self, |mut live| async move {
            loop {
                if let Some(event) = live.waiting.pop_front() {
                    return Some((Ok(event), live));
                }
                live.until_due().await?;
                match live.batch.look().await {
                    Ok((state, arrived)) => live.tell(state, &arrived),
                    // The device is somebody else's by now, or the server ends: the page asks again and is told.
                    Err(_) => return None,
                }
                live.next_look = Instant::now() + LOOK_EVERY;
            }
        })
    }

    /// Waits until there may be something new; `None` when the stream ends.
    async fn until_due(&mut self) -> Option<()> {
        let stopping = self.batch.app.stopping.clone();
        let pause = match self.last_progress {
            Some(_) => PAUSE,
            None => Duration::ZERO,
        };
        tokio::select! {
            () = stopping.cancelled() => None,
            () = tokio::time::sleep_until(self.ends) => None,
            () = async {
                tokio::time::sleep(pause).await;
                tokio::select! {
                    _ = self.batch.moved.changed() => {}
                    () = tokio::time::sleep_until(self.next_look) => {}
                }
            } => Some(()),
        }
    }

    fn tell(&mut self, state: SyncState, arrived: &[Arrived]) {
        let progress = Progress {
            received_bytes: state.received_bytes,
            size_bytes: state.size_bytes,
            stored: state.recordings.len(),
            uploads: state.uploads,
        };
        if self.last_progress.as_ref() != Some(&progress) {
            self.push("progress", &progress);
            self.last_progress = Some(progress);
        }
        for (arrived, shown) in arrived.iter().zip(&state.recordings) {
            let ended = matches!(arrived.status, Status::Ready | Status::Failed);
            let known = self.told.insert(arrived.recording, (arrived.session, ended));
            if known.is_none() {
                self.push("stored", shown);
            }
            if ended && !known.is_some_and(|(_, told)| told) {
                self.push("analysed", shown);
            }
        }
    }

    fn push(&mut self, name: &'static str, data: &impl Serialize) {
        let id = self.batch.since.as_microsecond().to_string();
        match Event::default().event(name).id(id).json_data(data) {
            Ok(event) => self.waiting.push_back(event),
            Err(error) => tracing::error!(%error, name, "an event could not be written"),
        }
    }
}
