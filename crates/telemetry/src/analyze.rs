//! The way of one recording through every stage.
//!
//! Owns the order of the stages and what they hand on; what each decides is its own module's business, and what is said of
//! it in the end is `assemble`'s.

use std::io::{self, BufRead, Cursor, Read};

use crate::assemble::{self, Stages};
use crate::clean::{self, Drive, TimeBase};
use crate::columns::{self, GpsColumns, StreamFiles, WriteError};
use crate::derive::{self, Derived, Filled};
use crate::formats::{self, DETECT_BYTES, DetectError, Format, ReadError};
use crate::laps::{self, Analysed, KnownTrack, LearnedTrack, Wanted};
use crate::model::{GateShape, Vehicle};
use crate::quality;
use crate::recording::{Collector, Recording};
use crate::report::Report;

/// Bumped whenever the same bytes would give another answer.
pub const ANALYSIS_VERSION: u32 = 1;

/// What the caller knows beyond the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub gate: Option<GateShape>,
    /// A finish of its own, for a course that does not end where it began.
    pub finish: Option<GateShape>,
    pub known_tracks: Vec<KnownTrack>,
    /// Overrides what the file says.
    pub vehicle: Option<Vehicle>,
}

/// What an analysis gives beside the channel files.
#[derive(Debug, Clone)]
pub struct Analysis {
    pub report: Report,
    /// Gates found in this recording, for a caller that keeps tracks.
    pub learned: Option<LearnedTrack>,
    /// Of our own recordings, from the `OPEN` row.
    pub recording_id: Option<u128>,
}

/// Why a file gives no analysis at all.
#[derive(Debug, thiserror::Error)]
pub enum AnalyzeError {
    /// Its content is of no known format.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// It is of a known format, but nothing in it can be used.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The channel files could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Its first bytes could not be read.
    #[error("the file cannot be read: {0}; copy it again from the logger")]
    Open(io::Error),
}

impl AnalyzeError {
    /// Stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Detect(error) => error.code(),
            Self::Read(error) => error.code(),
            Self::Write(_) => "channels_not_written",
            Self::Open(_) => "read_failed",
        }
    }

    /// Line of the file, from 1.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Detect(error) => error.line(),
            Self::Read(error) => error.line(),
            Self::Write(_) | Self::Open(_) => None,
        }
    }
}

/// Reads, cleans, times and measures one recording; writes a channel file for each stream.
pub fn analyze(
    input: &mut dyn BufRead,
    options: &Options,
    files: &mut dyn StreamFiles,
) -> Result<Analysis, AnalyzeError> {
    let (format, mut recording) = read(input, files)?;
    let base = TimeBase {
        clock: recording.clock,
        start_utc_ms: recording.start_utc_ms,
    };
    let mut cleaned = clean::clean(std::mem::take(&mut recording.fixes), base);
    let filled = derive::fill_motion(&mut cleaned.drive);
    let quality = quality::assess(&cleaned, &recording);
    let derived = derive::derive(&cleaned.drive);
    let wanted = wanted(options, &recording);
    let mut found = laps::analyse(&cleaned.drive, &derived.distance_m, &wanted);
    let vehicle = options.vehicle.or(recording.facts.vehicle);
    let lean_deg = (vehicle == Some(Vehicle::Motorcycle)).then(|| derive::lean_deg(&derived.lat_g));
    let gps = gps_columns(&cleaned.drive, &derived, lean_deg.as_deref(), &found, filled);
    columns::write_gps(files, &gps)?;
    let channels = assemble::channels(&gps, &quality, &recording);
    let recording_id = recording.facts.recording_id;
    let learned = found.learned.take();
    let report = assemble::report(Stages {
        format,
        recording,
        cleaned,
        quality,
        distance_m: derived.total_m,
        found,
        vehicle,
        channels,
    });
    Ok(Analysis {
        report,
        learned,
        recording_id,
    })
}

/// Tells the format by the first bytes, and collects what a parser of that format finds.
fn read(input: &mut dyn BufRead, files: &mut dyn StreamFiles) -> Result<(Format, Recording), AnalyzeError> {
    let mut head = Vec::new();
    input
        .take(DETECT_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(AnalyzeError::Open)?;
    let format = formats::detect(&head)?;
    let mut collector = Collector::new(files);
    formats::read(format, &mut Cursor::new(head).chain(input), &mut collector)?;
    Ok((format, collector.finish()?))
}

/// The gates that may be used: the caller's, the file's own, and those of tracks that are known.
fn wanted<'a>(options: &'a Options, recording: &'a Recording) -> Wanted<'a> {
    Wanted {
        gate: options.gate,
        finish: options.finish,
        declared: &recording.gates,
        marks: &recording.lap_marks,
        tracks: &options.known_tracks,
        track_name: recording.facts.track_name.as_deref(),
    }
}

fn gps_columns<'a>(
    drive: &'a Drive,
    derived: &'a Derived,
    lean_deg: Option<&'a [f32]>,
    found: &'a Analysed,
    filled: Filled,
) -> GpsColumns<'a> {
    GpsColumns {
        time_s: &drive.time_s,
        fixes: &drive.fixes,
        distance_m: &derived.distance_m,
        lat_g: &derived.lat_g,
        lon_g: &derived.lon_g,
        lean_deg,
        lap: &found.along.lap,
        lap_time_s: &found.along.lap_time_s,
        track_pos_m: &found.along.track_pos_m,
        delta_best_s: &found.along.delta_best_s,
        filled,
    }
}
