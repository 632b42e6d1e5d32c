//! Receipts over HTTP: the keys to check them with, the receipt of a recording, and whether one still holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wire::receipt::{FIELDPOST_RECEIPT, SignedReceipt};

use super::App;
use super::body::Body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::identity::Reader;
use super::recordings::{still_held, visible};
use crate::receipts::{Question, ReceiptsError, Signable, Verdict};
use crate::store::keys::StoredKey;

/// As many of the longest receipts fit into a small JSON body.
const CONFIRM_MAX: usize = 25;
/// Rotations are rare, and a device that meets an unknown key asks again later.
const KEYS_CACHED: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// What a server is known by.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WellKnown {
    /// Scheme, host and port that the API's paths are appended to.
    api_base: String,
    /// A UUID that changes when the storage was put back to an earlier state: what was confirmed before has to be asked again.
    storage_epoch: String,
    /// Newest first; the first one signs. 64 at most.
    keys: Vec<PublishedKey>,
}

/// A key that receipts are, or were, signed with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PublishedKey {
    /// 16 lower-case hexadecimal digits.
    id: String,
    /// `Ed25519`.
    algorithm: &'static str,
    /// 32 bytes as base64url without padding.
    public_key: String,
    made_at: String,
    /// The key before it names this one: a signed key statement as base64url; `null` for the first.
    statement: Option<String>,
}

impl PublishedKey {
    fn of(key: &StoredKey) -> Self {
        Self {
            id: key.public.id().to_string(),
            algorithm: "Ed25519",
            public_key: key.public.to_string(),
            made_at: key.made_at.to_string(),
            statement: key.statement.map(|statement| statement.to_string()),
        }
    }
}

/// The server's public keys and its storage epoch. Public.
#[utoipa::path(get, path = "/.well-known/fieldpost", operation_id = "well_known", tag = "receipts", security(()),
    responses((status = 200, body = WellKnown)))]
pub(super) async fn well_known(State(app): State<Arc<App>>) -> impl IntoResponse {
    let ring = app.receipts.keyring().await;
    let answer = WellKnown {
        api_base: app.public_url.to_string(),
        storage_epoch: ring.storage_epoch().to_string(),
        keys: ring.keys().iter().map(PublishedKey::of).collect(),
    };
    ([(header::CACHE_CONTROL, KEYS_CACHED)], Json(answer))
}

/// The receipt of a recording with what it says in plain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecordingReceipt {
    /// The signed receipt as base64url; `docs/formats/receipt.md` has its layout.
    receipt: String,
    recording_id: String,
    /// `null` where a person sent the file and named no device.
    device_id: Option<String>,
    filename: String,
    size_bytes: u64,
    sha256: String,
    stored_at: String,
}

/// The server's signature over what it holds of a recording.
#[utoipa::path(get, path = "/api/v1/recordings/{id}/receipt", operation_id = "recording_receipt", tag = "receipts",
    params(("id" = String, Path, description = "Recording id")),
    responses((status = 200, body = RecordingReceipt, headers(("Fieldpost-Receipt" = String, description = "The same receipt."))),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 410, body = ErrorBody, description = "The disk lost the bytes.")))]
pub(super) async fn of_recording(
    State(app): State<Arc<App>>,
    reader: Reader,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let recording = visible(&app, reader, &id).await?;
    still_held(&app, reader.tenant, &recording).await?;
    let signed = app
        .receipts
        .sign(&Signable::of(reader.tenant, &recording))
        .await?;
    let answer = RecordingReceipt {
        receipt: signed.to_string(),
        recording_id: recording.id.to_string(),
        device_id: recording.device.map(|device| device.to_string()),
        filename: recording.file_name,
        size_bytes: recording.size_bytes,
        sha256: recording.sha256.to_string(),
        stored_at: recording.stored_at.to_string(),
    };
    Ok(([receipt_header(&signed)?], Json(answer)).into_response())
}

/// `Fieldpost-Receipt` for an answer about one recording.
pub(super) fn receipt_header(signed: &SignedReceipt) -> ApiResult<(HeaderName, HeaderValue)> {
    let value = HeaderValue::from_str(&signed.to_string()).map_err(|error| ApiError::internal(&error))?;
    let name = HeaderName::try_from(FIELDPOST_RECEIPT).map_err(|error| ApiError::internal(&error))?;
    Ok((name, value))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ConfirmRequest {
    /// 1 to 25.
    #[schema(min_items = 1, max_items = 25)]
    items: Vec<ConfirmItem>,
}

/// A receipt, or the digest of a recording.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConfirmItem {
    /// The text form.
    Receipt(String),
    /// 64 hexadecimal digits.
    Sha256(String),
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Confirmed {
    /// Keep it with what is confirmed: where it differs from the one kept, everything is to be asked again.
    storage_epoch: String,
    /// In the order of the question.
    items: Vec<ConfirmedItem>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfirmedItem {
    /// The server holds these exact bytes now: a recording of the team says so, and an object of their size is there.
    held: bool,
    /// Why not: `no_recording`, `bytes_missing`, `unknown_key`, `bad_signature`, `malformed`; `null` when it is held.
    reason: Option<&'static str>,
}

impl From<Verdict> for ConfirmedItem {
    fn from(verdict: Verdict) -> Self {
        use wire::receipt::VerifyError;
        let reason = match verdict {
            Verdict::Held => None,
            Verdict::NoRecording => Some("no_recording"),
            Verdict::BytesMissing => Some("bytes_missing"),
            Verdict::NotOurs(VerifyError::UnknownKey(_) | VerifyError::NotNewest(_)) => Some("unknown_key"),
            Verdict::NotOurs(VerifyError::BadSignature) => Some("bad_signature"),
            Verdict::NotOurs(VerifyError::Malformed(_)) => Some("malformed"),
        };
        Self {
            held: reason.is_none(),
            reason,
        }
    }
}

/// Whether the server still holds what it gave receipts for. A device asks before it frees space.
#[utoipa::path(post, path = "/api/v1/receipts/confirm", operation_id = "confirm_receipts", tag = "receipts",
    request_body = ConfirmRequest,
    responses((status = 200, body = Confirmed), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "No item, too many, or a digest that is none.")))]
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    reader: Reader,
    Body(request): Body<ConfirmRequest>,
) -> ApiResult<Json<Confirmed>> {
    let questions = questions(request)?;
    // Before the answers: an epoch that began since then is noticed at the next question.
    let storage_epoch = app.receipts.keyring().await.storage_epoch().to_string();
    let mut items = Vec::with_capacity(questions.len());
    for question in &questions {
        let verdict = app
            .receipts
            .confirm(reader.tenant, reader.only_device, question)
            .await?;
        items.push(ConfirmedItem::from(verdict));
    }
    Ok(Json(Confirmed { storage_epoch, items }))
}

fn questions(request: ConfirmRequest) -> ApiResult<Vec<Question>> {
    if !(1..=CONFIRM_MAX).contains(&request.items.len()) {
        return Err(ApiError::unprocessable(
            "wrong_count",
            format!(
                "{} items were asked for; 1 to {CONFIRM_MAX} go into one request.",
                request.items.len()
            ),
        ));
    }
    request
        .items
        .into_iter()
        .map(|item| match item {
            ConfirmItem::Receipt(text) => Ok(Question::Receipt(text)),
            ConfirmItem::Sha256(text) => text.parse().map(Question::Digest).map_err(|error| {
                ApiError::unprocessable("bad_digest", format!("{text:.70} is none: {error}."))
            }),
        })
        .collect()
}

impl From<ReceiptsError> for ApiError {
    fn from(error: ReceiptsError) -> Self {
        match error {
            ReceiptsError::Store(error) => Self::from(error),
            ReceiptsError::Unsignable(_)
            | ReceiptsError::Random(_)
            | ReceiptsError::NoKey
            | ReceiptsError::Objects(_) => Self::internal(&error),
        }
    }
}
