//! The analysis that the server runs: `telemetry` over an object's bytes, its channel files into the draft.

use std::io::{self, BufRead, Write};

use telemetry::columns::StreamFiles;
use telemetry::formats::ReadError;
use telemetry::model::{GateShape, Vehicle};
use telemetry::report::{LapKind, Report};
use telemetry::{AnalyzeError, KnownTrack, Options, gate_text};

use super::{JobError, JobOutput, Request};
use crate::objects::DerivedDraft;
use crate::store::sessions::{Failure, Summary};
use crate::store::tracks::{Track, TrackShape};

/// A stream's channels go to `<stream>.parquet`.
struct ChannelFiles<'d>(&'d mut DerivedDraft);

impl StreamFiles for ChannelFiles<'_> {
    fn create(&mut self, stream: &str) -> io::Result<Box<dyn Write + Send>> {
        self.0.file(&format!("{stream}.parquet"))
    }
}

/// See [`super::Analyze`].
pub fn analyze_with_telemetry(
    input: &mut dyn BufRead,
    request: &Request,
    draft: &mut DerivedDraft,
) -> Result<JobOutput, JobError> {
    let analysis = telemetry::analyze(input, &options(request)?, &mut ChannelFiles(draft)).map_err(cause)?;
    let report = serde_json::to_string(&analysis.report).map_err(io::Error::other)?;
    let used = analysis
        .report
        .track
        .as_ref()
        .and_then(|track| track.id.as_deref());
    Ok(JobOutput {
        summary: summary(&analysis.report),
        report,
        analysis_version: analysis.report.analysis_version,
        track: used
            .and_then(|id| request.tracks.iter().find(|track| track.id.to_string() == id))
            .map(|t| t.id),
        learned: analysis.learned.map(|learned| TrackShape {
            name: learned.name,
            gate: learned.gate,
            finish: learned.finish,
            splits: learned.splits,
        }),
    })
}

/// A request in the words of `telemetry`.
pub(crate) fn options(request: &Request) -> Result<Options, JobError> {
    Ok(Options {
        gate: gate(request.gate.as_deref())?,
        finish: gate(request.finish.as_deref())?,
        known_tracks: request.tracks.iter().map(known_track).collect(),
        vehicle: None,
    })
}

/// Gates are checked when a person gives them; one that does not parse any more says so in its session.
fn gate(text: Option<&str>) -> Result<Option<GateShape>, JobError> {
    text.map(gate_text::parse).transpose().map_err(|error| {
        JobError::Unusable(Failure {
            code: "bad_gate".to_owned(),
            message: error.to_string(),
            line: None,
        })
    })
}

fn known_track(track: &Track) -> KnownTrack {
    KnownTrack {
        id: track.id.to_string(),
        name: track.shape.name.clone(),
        gate: track.shape.gate,
        finish: track.shape.finish,
        splits: track.shape.splits.clone(),
    }
}

/// Trouble with our own disk is worth another try; a file that cannot be read as a recording is not.
fn cause(error: AnalyzeError) -> JobError {
    match error {
        AnalyzeError::Open(error) => JobError::Io(error),
        AnalyzeError::Read(ReadError::Io { source, .. }) => JobError::Io(source),
        AnalyzeError::Write(error) => JobError::Io(io::Error::other(error)),
        AnalyzeError::Detect(_) | AnalyzeError::Read(_) => JobError::Unusable(Failure {
            code: error.code().to_owned(),
            message: error.to_string(),
            line: error.line(),
        }),
    }
}

fn summary(report: &Report) -> Summary {
    let timed = report
        .laps
        .iter()
        .filter(|lap| lap.kind == LapKind::Timed)
        .count();
    Summary {
        started_at: report.started_at.as_deref().and_then(|text| text.parse().ok()),
        track_name: report.track.as_ref().and_then(|track| track.name.clone()),
        format: Some(report.format.clone()),
        vehicle: report.vehicle.map(|vehicle| vehicle_word(vehicle).to_owned()),
        best_ms: report.best_ms,
        laps_timed: i64::try_from(timed).ok(),
        duration_s: Some(report.duration_s),
        distance_m: Some(report.distance_m),
    }
}

/// As the report's JSON writes it.
const fn vehicle_word(vehicle: Vehicle) -> &'static str {
    match vehicle {
        Vehicle::Car => "car",
        Vehicle::Motorcycle => "motorcycle",
        Vehicle::Kart => "kart",
    }
}
