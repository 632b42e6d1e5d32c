//! `multipart/form-data` with one or many files, each stored as it arrives and answered for itself, also when the form
//! breaks off after them. With a fleet key a field `device` before the files says whose they are.

use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::Value;

use super::bytes_in::BytesIn;
use super::form::{self, Form, FormError, Part};
use super::{Arriving, FileAnswer, FileRefused, FilesAnswer, UploadAnswer, answer};
use crate::http::App;
use crate::http::error::{ApiError, ApiResult};
use crate::http::fleet::{self, Caller};
use crate::http::identity::Sender;
use crate::ingest::{Kind, Upload};

/// A season's logs in one drop; each costs an answer of some 600 bytes that is held to the end.
const FILES_MAX: u64 = 1000;
/// A device's name: 64 characters.
const DEVICE_BYTES_MAX: usize = 4 * 64;
/// A value that somebody typed; a longer one may be a file whose name got lost.
const FIELD_BYTES_MAX: usize = 4096;

/// What separates the parts, if the head says it.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    form::boundary(value.to_str().ok()?)
}

pub(super) async fn receive(arriving: Arriving<'_>, boundary: Option<String>) -> ApiResult<Response> {
    let boundary = boundary.ok_or_else(|| {
        ApiError::bad_request(
            "malformed_multipart",
            "The Content-Type names no multipart boundary.",
        )
        .closing()
    })?;
    let limit_bytes = arriving.app.upload_max_bytes.saturating_mul(FILES_MAX);
    let body = BytesIn::new(arriving.body, limit_bytes, ApiError::too_large(limit_bytes));
    let mut form = Form::new(body.into_stream(), boundary);
    let mut answers = Answers::default();
    let mut caller = arriving.caller;
    let end = parts_in(arriving.app, &mut caller, &mut form, &mut answers).await;
    answers.respond(end)
}

async fn parts_in(app: &App, caller: &mut Caller, form: &mut Form, answers: &mut Answers) -> ApiResult<()> {
    while let Some(part) = form.next().await? {
        part_in(app, caller, part, answers).await?;
    }
    Ok(())
}

/// One part: a file is stored or refused, a field is read past, and what is neither is refused.
async fn part_in(app: &App, caller: &mut Caller, mut part: Part<'_>, answers: &mut Answers) -> ApiResult<()> {
    let Some(name) = part.file_name().map(str::to_owned) else {
        return field_in(app, caller, &mut part, answers).await;
    };
    if name.is_empty() && part.piece().await?.is_none() {
        // What a browser sends for an input in which no file was chosen.
        return Ok(());
    }
    let sender = caller.named()?;
    answers.have_room(&name)?;
    match file_in(app, sender, &name, &mut part).await {
        Ok(answer) => answers.stored(answer),
        Err(Refused::File(error)) => {
            answers.refused(name, error);
            part.pass_over().await?;
        }
        Err(Refused::Body(error)) => {
            answers.refused(name, error.clone());
            return Err(error);
        }
    }
    Ok(())
}

/// Whether the next file can still come.
enum Refused {
    /// This file cannot be stored; the rest of the body is sound.
    File(ApiError),
    /// The body itself is broken.
    Body(ApiError),
}

async fn file_in(
    app: &App,
    sender: Sender,
    name: &str,
    part: &mut Part<'_>,
) -> Result<UploadAnswer, Refused> {
    let upload = Upload {
        sender: sender.for_ingest(),
        file_name: name.to_owned(),
        kind: Kind::Drive,
        size_bytes: None,
    };
    let file = |error| Refused::File(ApiError::from(error));
    let mut incoming = app.ingest.begin(upload).await.map_err(file)?;
    while let Some(piece) = part.piece().await.map_err(|error| Refused::Body(error.into()))? {
        incoming.write(piece).await.map_err(file)?;
    }
    let file_name = incoming.file_name().to_owned();
    let receipt = incoming.finish().await.map_err(file)?;
    let answered = answer(app, sender, &receipt, file_name).await;
    answered.map(|(_, answer)| answer).map_err(Refused::File)
}

/// A field beside the files: may say which device of a fleet they are of. What may have been meant as a file is not dropped
/// without a word.
async fn field_in(
    app: &App,
    caller: &mut Caller,
    part: &mut Part<'_>,
    answers: &mut Answers,
) -> ApiResult<()> {
    let names_device = part.name().is_some_and(|name| fleet::NAMES.contains(&name));
    if !names_device || matches!(caller, Caller::Known(_)) {
        let name = part.name().unwrap_or_default().to_owned();
        let is_field = part.is_plain_field() & (part.pass_over().await? <= FIELD_BYTES_MAX);
        if !is_field {
            answers.have_room(&name)?;
            answers.refused(name, no_file_name());
        }
        return Ok(());
    }
    // One byte more than a name can have, so that a longer one is seen to be none.
    let said = Value::String(part.text(DEVICE_BYTES_MAX + 1).await?);
    *caller = Caller::Known(caller.named_by(app, Some(&said)).await?);
    Ok(())
}

#[derive(Default)]
struct Answers {
    files: Vec<FileAnswer>,
    first_refusal: Option<ApiError>,
}

fn no_file_name() -> ApiError {
    ApiError::bad_request(
        "no_file_name",
        "This part says no file name, so nothing of it was stored; send it again with one \
         (Content-Disposition: form-data; name=\"file\"; filename=\"LOG.csv\"), each file as a part of the form itself.",
    )
}

impl Answers {
    /// Each part with an answer of its own costs memory to the end.
    fn have_room(&mut self, name: &str) -> ApiResult<()> {
        if u64::try_from(self.files.len()).is_ok_and(|count| count < FILES_MAX) {
            return Ok(());
        }
        let message =
            format!("At most {FILES_MAX} files in one request; this one and those after it were not stored.");
        let error = ApiError::bad_request("too_many_files", message).closing();
        self.refused(name.to_owned(), error.clone());
        Err(error)
    }

    fn stored(&mut self, answer: UploadAnswer) {
        self.files.push(FileAnswer::Stored(answer));
    }

    fn refused(&mut self, filename: String, error: ApiError) {
        self.files.push(FileAnswer::Refused(FileRefused {
            success: false,
            filename,
            error: error.detail(),
        }));
        self.first_refusal.get_or_insert(error);
    }

    /// `end` is how the form itself ended.
    fn respond(self, end: ApiResult<()>) -> ApiResult<Response> {
        if self.files.is_empty() {
            end?;
            return Err(ApiError::bad_request(
                "no_files",
                "The form holds no file; give each file a part with a file name (curl: -F file=@LOG.csv).",
            ));
        }
        let refusal = self.first_refusal.or(end.err());
        Ok(FilesAnswer::respond(self.files, refusal.as_ref()))
    }
}

/// A refusal of the body's own keeps its status.
impl From<FormError> for ApiError {
    fn from(error: FormError) -> Self {
        match error {
            FormError::Body(error) => error,
            FormError::Incomplete => Self::bad_request(
                "incomplete_body",
                "The body ended before the form's closing boundary; a file that did not arrive whole was not stored. Send it \
                 again. Every line of a form ends in CR LF: where that is not so, no boundary is found.",
            )
            .closing(),
            FormError::NoProgress | FormError::NoHeaders | FormError::Malformed(_) => {
                let message = format!("The multipart body is malformed: {error}.");
                Self::bad_request("malformed_multipart", message).closing()
            }
        }
    }
}
