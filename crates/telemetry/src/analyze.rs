//! The way of one recording through every stage, and the report at its end.
//!
//! Owns the order of the stages and the assembly of the report; what each stage decides is its own module's business.

use std::io::{self, BufRead, Cursor, Read};

use jiff::Timestamp;

use crate::clean::{self, Drive, TimeBase};
use crate::columns::{self, GpsColumns, StreamFiles, WriteError};
use crate::derive::{self, Derived, Filled};
use crate::formats::{self, DETECT_BYTES, DetectError, Format, ReadError};
use crate::laps::{self, Analysed, KnownTrack, Wanted};
use crate::model::{GateShape, Message, Vehicle};
use crate::quality;
use crate::recording::{Collector, Recording};
use crate::report::{ChannelInfo, Quality, Report};
use crate::sink::Rejection;

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
    /// Gates found in this recording, for a caller that keeps tracks and gives the id.
    pub learned: Option<KnownTrack>,
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
    let mut head = Vec::new();
    input
        .take(DETECT_BYTES as u64)
        .read_to_end(&mut head)
        .map_err(AnalyzeError::Open)?;
    let format = formats::detect(&head)?;
    let mut collector = Collector::new(files);
    formats::read(format, &mut Cursor::new(head).chain(input), &mut collector)?;
    let mut recording = collector.finish()?;

    let base = TimeBase {
        clock: recording.clock,
        start_utc_ms: recording.start_utc_ms,
    };
    let rows = recording.samples() - recording.fixes.len() as u64;
    let mut cleaned = clean::clean(std::mem::take(&mut recording.fixes), base);
    let filled = derive::fill_motion(&mut cleaned.drive);
    let quality = measured_quality(&cleaned, &mut recording);
    let drive = cleaned.drive;
    let derived = derive::derive(&drive);
    let mut found = laps::analyse(
        &drive,
        &derived.distance_m,
        &Wanted {
            gate: options.gate,
            finish: options.finish,
            declared: &recording.gates,
            marks: &recording.lap_marks,
            tracks: &options.known_tracks,
            track_name: recording.facts.track_name.as_deref(),
        },
    );
    let vehicle = options.vehicle.or(recording.facts.vehicle);
    let lean_deg = (vehicle == Some(Vehicle::Motorcycle)).then(|| derive::lean_deg(&derived.lat_g));
    let gps = gps_columns(&drive, &derived, lean_deg.as_deref(), &found, filled);
    columns::write_gps(files, &gps)?;
    let channels = channels(&gps, &quality, &recording);

    let mut messages = rejections(&recording, format);
    messages.append(&mut recording.messages);
    messages.extend(cleaned.messages);
    if drive.is_empty() {
        messages.push(no_fixes());
    } else {
        messages.append(&mut found.messages);
    }
    let report = Report {
        analysis_version: ANALYSIS_VERSION,
        format: format.short_name().to_owned(),
        samples: rows + drive.len() as u64,
        duration_s: rounded(drive.duration_s()),
        distance_m: rounded(derived.total_m),
        started_at: recording.start_utc_ms.and_then(rfc3339),
        vehicle,
        vehicle_name: recording.facts.vehicle_name,
        driver: recording.facts.driver_name,
        device: recording.facts.device_name,
        quality,
        track: found.track,
        gate: found.gate,
        finish: found.finish,
        splits: found.splits,
        laps: found.laps,
        declared_laps: recording.declared_laps,
        best_ms: found.figures.best_ms,
        rolling_best_ms: found.figures.rolling_best_ms,
        theoretical_best_ms: found.figures.theoretical_best_ms,
        achievable_best_ms: found.figures.achievable_best_ms,
        consistency_ms: found.figures.consistency_ms,
        channels,
        messages,
    };
    Ok(Analysis {
        report,
        learned: found.learned,
        recording_id: recording.facts.recording_id,
    })
}

/// The fixes' own quality with what the collector saw of the other streams.
fn measured_quality(cleaned: &clean::Cleaned, recording: &mut Recording) -> Quality {
    let mut quality = quality::assess(cleaned, &recording.rejected);
    for stream in &recording.streams {
        if let Some(rate_hz) = stream.rate_hz {
            quality
                .rates_hz
                .insert(stream.name.clone(), (rate_hz * 100.0).round() / 100.0);
        }
    }
    quality.declared_lost = recording.declared_lost;
    quality.frozen = std::mem::take(&mut recording.frozen);
    quality
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

/// Every channel of every stream, the fixes' first.
fn channels(gps: &GpsColumns<'_>, quality: &Quality, recording: &Recording) -> Vec<ChannelInfo> {
    let mut out: Vec<ChannelInfo> = gps
        .channels()
        .map(|(channel, samples)| ChannelInfo {
            stream: "gps".to_owned(),
            channel,
            samples,
            rate_hz: quality.rates_hz.get("gps").copied(),
        })
        .collect();
    for stream in &recording.streams {
        for (channel, samples) in stream.channels.iter().zip(&stream.samples) {
            out.push(ChannelInfo {
                stream: stream.name.clone(),
                channel: channel.clone(),
                samples: *samples,
                rate_hz: stream.rate_hz,
            });
        }
    }
    out
}

/// One message for each cause, with the lines where it was first met.
fn rejections(recording: &Recording, format: Format) -> Vec<Message> {
    let told = |(why, count): (&Rejection, &u64)| {
        let first = recording.first_rejected.iter();
        let lines: Vec<u64> = first
            .filter(|(cause, _)| cause == why)
            .map(|(_, line)| *line)
            .collect();
        let (code, what) = match why {
            Rejection::Checksum => ("bad_checksum", "did not match the checksum"),
            Rejection::Malformed => ("malformed", "could not be read"),
            Rejection::NoFix => ("no_fix", "came before the receiver had a fix"),
        };
        let (records, were) = if *count == 1 {
            ("record", "was")
        } else {
            ("records", "were")
        };
        Message {
            code: code.to_owned(),
            text: format!(
                "{count} {records} {what} and {were} not used: {}.",
                numbered(&lines, *count, format)
            ),
            line: lines.first().copied(),
        }
    };
    recording.rejected.iter().map(told).collect()
}

/// The first of `count` records by their number; a binary log has messages where others have lines.
fn numbered(first: &[u64], count: u64, format: Format) -> String {
    let one = if format == Format::Ubx { "message" } else { "line" };
    let many = if count == 1 { "" } else { "s" };
    let listed: Vec<String> = first.iter().map(u64::to_string).collect();
    let rest = if count > first.len() as u64 {
        " and others"
    } else {
        ""
    };
    format!("{one}{many} {}{rest}", listed.join(", "))
}

fn no_fixes() -> Message {
    Message {
        code: "no_fixes".to_owned(),
        text: "The recording has no usable GPS fix, so there is no track and there are no laps; its other channels are \
               kept."
            .to_owned(),
        line: None,
    }
}

fn rfc3339(utc_ms: f64) -> Option<String> {
    // Out of a calendar's range is unknown.
    Timestamp::from_millisecond(utc_ms.round() as i64)
        .ok()
        .map(|at| at.to_string())
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
