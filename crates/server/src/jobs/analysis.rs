//! The pure part of a job: an object's bytes in, derived files and findings out.

use std::io::{self, BufRead, BufReader, Write};

use uuid::Uuid;

use crate::objects::{DerivedDraft, Digest, Objects};
use crate::store::TenantId;
use crate::store::TrackId;
use crate::store::sessions::{Failure, Summary};
use crate::store::tracks::{Track, TrackShape};

/// Read ahead of the parser; a few system calls a megabyte.
const READ_BYTES: usize = 256 * 1024;

/// What an analysis is given besides the bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Given by a person, in the command line's form.
    pub gate: Option<String>,
    pub finish: Option<String>,
    /// Tracks that the tenant knows, oldest first.
    pub tracks: Vec<Track>,
}

/// What it found.
#[derive(Debug, Clone, PartialEq)]
pub struct JobOutput {
    pub summary: Summary,
    /// JSON, kept and served as it is.
    pub report: String,
    pub analysis_version: u32,
    /// The known track whose gate was used.
    pub track: Option<TrackId>,
    /// A gate that was learned from the recording itself.
    pub learned: Option<TrackShape>,
}

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The recording cannot be analysed, now or later.
    #[error("{}", .0.message)]
    Unusable(Failure),
    /// Reading the recording or writing the derived files failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An analysis: `telemetry` in the server, something small in tests of the runner.
pub type Analyze =
    dyn Fn(&mut dyn BufRead, &Request, &mut DerivedDraft) -> Result<JobOutput, JobError> + Send + Sync;

/// Derived files ready to be put in place, and what is to be said about them.
pub(crate) struct Derived {
    pub(crate) draft: DerivedDraft,
    pub(crate) output: JobOutput,
}

/// Derives everything from one object into a draft. Blocks.
pub(crate) fn derive(
    objects: &Objects,
    analyze: &Analyze,
    tenant: TenantId,
    sha256: Digest,
    request: &Request,
    name: Uuid,
) -> Result<Derived, JobError> {
    let mut input = BufReader::with_capacity(READ_BYTES, objects.open_raw(tenant, sha256)?);
    let mut draft = objects.draft_derived(name)?;
    let output = analyze(&mut input, request, &mut draft)?;
    let mut file = draft.file("report.json")?;
    file.write_all(output.report.as_bytes())?;
    file.flush()?;
    Ok(Derived { draft, output })
}
