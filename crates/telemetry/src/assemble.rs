//! What a report says: the findings of every stage, put together.

use jiff::Timestamp;

use crate::analyze::ANALYSIS_VERSION;
use crate::clean::Cleaned;
use crate::columns::GpsColumns;
use crate::formats::Format;
use crate::laps::Analysed;
use crate::model::{Message, Vehicle};
use crate::recording::Recording;
use crate::report::{ChannelInfo, Quality, Report};
use crate::sink::Rejection;

/// What the stages have found.
pub(crate) struct Stages {
    pub(crate) format: Format,
    /// Without its fixes, which cleaning took.
    pub(crate) recording: Recording,
    pub(crate) cleaned: Cleaned,
    pub(crate) quality: Quality,
    pub(crate) distance_m: f64,
    pub(crate) found: Analysed,
    pub(crate) vehicle: Option<Vehicle>,
    pub(crate) channels: Vec<ChannelInfo>,
}

pub(crate) fn report(stages: Stages) -> Report {
    let messages = messages(&stages);
    let Stages {
        format,
        recording,
        cleaned,
        quality,
        distance_m,
        found,
        vehicle,
        channels,
    } = stages;
    let drive = cleaned.drive;
    Report {
        analysis_version: ANALYSIS_VERSION,
        format: format.short_name().to_owned(),
        samples: recording.samples() + drive.len() as u64,
        duration_s: rounded(drive.duration_s()),
        distance_m: rounded(distance_m),
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
    }
}

/// In the order of the stages. Without a fix, what finding laps says is no news.
fn messages(stages: &Stages) -> Vec<Message> {
    let mut messages = rejections(&stages.recording, stages.format);
    messages.extend_from_slice(&stages.recording.messages);
    messages.extend_from_slice(&stages.cleaned.messages);
    if stages.cleaned.drive.is_empty() {
        messages.push(no_fixes());
    } else {
        messages.extend_from_slice(&stages.found.messages);
    }
    messages
}

/// Every channel of every stream, the fixes' first.
pub(crate) fn channels(gps: &GpsColumns<'_>, quality: &Quality, recording: &Recording) -> Vec<ChannelInfo> {
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
