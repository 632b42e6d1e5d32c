//! What an analysis found, as `fieldpost analyze --json` prints it and the server stores and serves it.
//!
//! The keys are a contract with scripts outside the repository: add, never rename. Times in milliseconds carry three
//! decimals where they are known that well; unknown is `null`, never 0.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Channel, DeclaredLap, Message, Vehicle};

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// Bumped whenever the same bytes would give another answer.
    pub analysis_version: u32,
    /// The format's short name: `fieldpost-csv`, `vbo`, `racechrono-csv`, …
    pub format: String,
    /// Rows of any kind that were used.
    pub samples: u64,
    pub duration_s: f64,
    /// Length of the cleaned driven line.
    pub distance_m: f64,
    /// RFC 3339 in UTC.
    pub started_at: Option<String>,
    pub vehicle: Option<Vehicle>,
    /// As the file names it.
    pub vehicle_name: Option<String>,
    pub driver: Option<String>,
    /// The logger, as the file names it.
    pub device: Option<String>,
    pub quality: Quality,
    pub track: Option<TrackRef>,
    pub gate: Option<Gate>,
    /// A separate finish, for a point-to-point course.
    pub finish: Option<Gate>,
    pub splits: Vec<Gate>,
    pub laps: Vec<Lap>,
    pub declared_laps: Vec<DeclaredLap>,
    pub best_ms: Option<f64>,
    /// Fastest time between two passes of any one point of the track, lap boundary or not.
    pub rolling_best_ms: Option<f64>,
    /// Sum of the best time in each sector.
    pub theoretical_best_ms: Option<f64>,
    /// Fastest lap made of driven segments that fit together (position and speed agree where they join).
    pub achievable_best_ms: Option<f64>,
    /// Standard deviation of the timed laps within 107 % of the best, in ms; unknown with fewer than three.
    pub consistency_ms: Option<f64>,
    pub channels: Vec<ChannelInfo>,
    pub messages: Vec<Message>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LapKind {
    /// From the start of the recording to the first crossing.
    Out,
    Timed,
    /// From the last crossing to the end of the recording.
    In,
    /// The vehicle stood still or left through the pits.
    Pit,
    /// Broken: a gap or bad fixes make its time untrustworthy.
    Invalid,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lap {
    /// Place in the table, from 0: what tells laps apart.
    pub index: u32,
    /// What a person calls it: from 1 in file order over all kinds but `out`, which is 0. A stage has an out lap before
    /// every run, so 0 may come more than once.
    pub number: u32,
    pub kind: LapKind,
    /// Since the start of the recording.
    pub start_s: f64,
    pub time_ms: f64,
    /// One for each sector, dense: a sector that was not measured is `null`.
    pub sectors_ms: Vec<Option<f64>>,
    /// To the best lap of the session; `null` for all but timed laps.
    pub delta_best_ms: Option<f64>,
    pub distance_m: f64,
    pub max_speed_kmh: Option<f64>,
    pub min_speed_kmh: Option<f64>,
    /// Why a lap is `pit` or `invalid`, in plain words.
    pub note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GateSource {
    Argument,
    File,
    Markers,
    Track,
    Learned,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gate {
    /// Left end seen in travel direction, `[latitude, longitude]` in degrees.
    pub a: [f64; 2],
    /// Right end.
    pub b: [f64; 2],
    pub source: GateSource,
    /// Direction of travel through it, degrees from north.
    pub bearing_deg: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrackRef {
    /// Id of a known track; `null` for one that only the file names or that was just learned.
    pub id: Option<String>,
    pub name: Option<String>,
    /// Length of the best lap's line.
    pub length_m: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quality {
    /// Records that were not used: bad checksums, unreadable rows, impossible jumps.
    pub rejected: u64,
    /// The same by cause: `checksum`, `malformed`, `no_fix`, `jump`, `time_jump`,
    /// `time_backwards`, `duplicate_time`.
    pub rejected_by: BTreeMap<String, u64>,
    /// Repeats of a fix already seen, left out without harm.
    pub duplicates: u64,
    /// The longest step between fixes that is no gap: three median steps, and no less than 0.5 s.
    pub gap_s: f64,
    /// Holes in the GPS track longer than `gap_s`.
    pub gaps: u64,
    pub longest_gap_s: f64,
    /// The first 100 of them.
    pub gap_list: Vec<Gap>,
    /// Steps over two medians that are no gaps: short stalls, as a card write causes them.
    pub stalls: u64,
    /// Times that the position was suddenly elsewhere and stayed there; the message `position_jump` tells when.
    pub jumps: u64,
    pub max_speed_kmh: Option<f64>,
    /// Measured median rate of each stream: `gps`, `imu`, …
    pub rates_hz: BTreeMap<String, f64>,
    /// Samples that the recorder itself declared lost.
    pub declared_lost: u64,
    /// Channels that did not move or sat at a rail.
    pub frozen: Vec<FrozenChannel>,
    /// Share of the recording's time that is covered by good fixes, 0–1.
    pub gps_coverage: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    pub start_s: f64,
    pub end_s: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FrozenChannel {
    pub stream: String,
    pub channel: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChannelInfo {
    pub stream: String,
    #[serde(flatten)]
    pub channel: Channel,
    pub samples: u64,
    pub rate_hz: Option<f64>,
}
