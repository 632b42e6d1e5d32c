//! One recording in memory: fixes and what a file says about itself, and how healthy its streams are.
//!
//! [`Collector`] is the sink that every parser pushes into. It holds fixes (56 bytes each), hands the rows of every
//! other stream to Parquet as they come, and counts what the quality report needs. Its memory grows with the fixes
//! alone. It does not decide which fixes are believed; that is the analysis' business.

mod bounded;
mod clock;
mod health;
mod histogram;
mod restart;
mod stream;

use std::collections::BTreeMap;

use crate::columns::{Clock, Encoder, StreamFiles, WriteError};
use crate::model::{
    Channel, DeclaredGate, DeclaredLap, Fix, LapMark, Message, Meta, StreamId, StreamSpec, Vehicle,
};
use crate::report::FrozenChannel;
use crate::sink::{Rejection, Sink};
use bounded::Bounded;
use restart::Restarts;
use stream::Stream;

/// 111 hours at 10 Hz or 44 at 25 Hz, 224 MB. Longer files are cut here with a message.
const FIXES_MAX: usize = 4_000_000;
/// More than any logger has; rows of further streams are counted but not kept.
const STREAMS_MAX: usize = 16;
/// A person reads the first few; one more tells how many there were.
const MESSAGES_MAX: usize = 200;
const FIRST_REJECTED_PER_CAUSE: u64 = 10;
/// A circuit has a dozen gates, a day a few hundred laps; what is beyond is a broken or hostile file.
const GATES_MAX: usize = 256;
const LAPS_MAX: usize = 10_000;

/// What a header or marker rows say about the whole recording; the first statement of each counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub track_name: Option<String>,
    pub driver_name: Option<String>,
    pub vehicle_name: Option<String>,
    pub vehicle: Option<Vehicle>,
    pub device_name: Option<String>,
    pub recording_id: Option<u128>,
    pub started_at_utc_ms: Option<i64>,
}

/// One stream other than the fixes.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSummary {
    pub name: String,
    pub channels: Vec<Channel>,
    pub rows: u64,
    /// Measured: one over the median step.
    pub rate_hz: Option<f64>,
    /// For each channel, how many rows have a value.
    pub samples: Vec<u64>,
}

/// A recording as read, before anything is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// In file order.
    pub fixes: Vec<Fix>,
    pub facts: Facts,
    pub gates: Vec<DeclaredGate>,
    pub declared_laps: Vec<DeclaredLap>,
    pub lap_marks: Vec<LapMark>,
    pub rejected: BTreeMap<Rejection, u64>,
    /// The first ten of each cause with their lines.
    pub first_rejected: Vec<(Rejection, u64)>,
    /// Samples that the recorder says it lost.
    pub declared_lost: u64,
    pub messages: Vec<Message>,
    pub streams: Vec<StreamSummary>,
    /// Channels whose sensor cannot be believed.
    pub frozen: Vec<FrozenChannel>,
    /// From the recording's clock to seconds since its start, fitted to the receiver's time where there is one.
    pub clock: Clock,
    /// UTC at time 0 in Unix milliseconds; `None` without a date.
    pub start_utc_ms: Option<f64>,
}

impl Recording {
    /// Rows of any kind that were used.
    pub fn samples(&self) -> u64 {
        self.fixes.len() as u64 + self.streams.iter().map(|s| s.rows).sum::<u64>()
    }
}

/// Collects one recording. Create, give to a parser, [`finish`](Self::finish).
pub struct Collector<'f> {
    files: &'f mut dyn StreamFiles,
    encoder: Encoder,
    streams: Vec<Stream>,
    failed: Option<WriteError>,
    fixes: Bounded<Fix>,
    gates: Bounded<DeclaredGate>,
    declared_laps: Bounded<DeclaredLap>,
    lap_marks: Bounded<LapMark>,
    messages: Bounded<Message>,
    unkept: Unkept,
    restarts: Restarts,
    recording: Recording,
}

/// Streams beyond [`STREAMS_MAX`].
#[derive(Default)]
struct Unkept {
    streams: usize,
    rows: u64,
}

impl<'f> Collector<'f> {
    pub fn new(files: &'f mut dyn StreamFiles) -> Self {
        Self {
            files,
            encoder: Encoder::new(),
            streams: Vec::new(),
            failed: None,
            fixes: Bounded::new(FIXES_MAX),
            gates: Bounded::new(GATES_MAX),
            declared_laps: Bounded::new(LAPS_MAX),
            lap_marks: Bounded::new(LAPS_MAX),
            messages: Bounded::new(MESSAGES_MAX),
            unkept: Unkept::default(),
            restarts: Restarts::default(),
            recording: Recording {
                fixes: Vec::new(),
                facts: Facts::default(),
                gates: Vec::new(),
                declared_laps: Vec::new(),
                lap_marks: Vec::new(),
                rejected: BTreeMap::new(),
                first_rejected: Vec::new(),
                declared_lost: 0,
                messages: Vec::new(),
                streams: Vec::new(),
                frozen: Vec::new(),
                clock: Clock::IDENTITY,
                start_utc_ms: None,
            },
        }
    }

    /// Fits the clock, completes the channel files and gives the recording. The first error of writing, if there was
    /// one, comes out here.
    pub fn finish(mut self) -> Result<Recording, WriteError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let recording = &mut self.recording;
        let mut overflows = self.unkept.messages();
        recording.fixes = self
            .fixes
            .into_items("too_many_fixes", "GPS fixes", &mut overflows);
        recording.gates = self.gates.into_items("too_many_gates", "gates", &mut overflows);
        recording.declared_laps =
            self.declared_laps
                .into_items("too_many_laps", "declared laps", &mut overflows);
        recording.lap_marks =
            self.lap_marks
                .into_items("too_many_lap_marks", "beginnings of laps", &mut overflows);
        recording.messages =
            self.messages
                .into_items("too_many_messages", "remarks about its lines", &mut overflows);
        recording.messages.append(&mut overflows);
        recording.messages.extend(self.restarts.message());
        let first_clock_s = self
            .streams
            .iter()
            .filter_map(|s| s.first_clock_s())
            .fold(f64::INFINITY, f64::min);
        let fit = clock::fit(&recording.fixes, first_clock_s);
        recording.clock = fit.clock;
        recording.start_utc_ms = fit
            .start_utc_ms
            .or_else(|| recording.facts.started_at_utc_ms.map(|ms| ms as f64));
        let mut last = Vec::with_capacity(self.streams.len());
        for stream in &mut self.streams {
            last.push(stream.take_group());
        }
        self.encoder.finish(last, recording.clock)?;
        for stream in self.streams {
            recording.frozen.extend(stream.frozen(&recording.fixes));
            recording.streams.push(stream.into_summary());
        }
        Ok(self.recording)
    }

    /// A name that can be a file's name, and that no stream of this recording has yet.
    fn unique_name(&self, wanted: &str) -> String {
        let mut name: String = wanted
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .take(32)
            .collect();
        if name.is_empty() {
            name.push('_');
        }
        let taken = |name: &str| name == "gps" || self.streams.iter().any(|s| s.name() == name);
        if !taken(&name) {
            return name;
        }
        let numbered = (2..).map(|n: usize| format!("{name}_{n}"));
        numbered.into_iter().find(|n| !taken(n)).unwrap_or(name)
    }
}

impl Sink for Collector<'_> {
    fn meta(&mut self, meta: Meta) {
        let facts = &mut self.recording.facts;
        match meta {
            Meta::TrackName(name) => drop(facts.track_name.get_or_insert(name)),
            Meta::DriverName(name) => drop(facts.driver_name.get_or_insert(name)),
            Meta::VehicleName(name) => drop(facts.vehicle_name.get_or_insert(name)),
            Meta::Vehicle(vehicle) => drop(facts.vehicle.get_or_insert(vehicle)),
            Meta::DeviceName(name) => drop(facts.device_name.get_or_insert(name)),
            Meta::RecordingId(id) => drop(facts.recording_id.get_or_insert(id)),
            Meta::StartedAtUtcMs(ms) => drop(facts.started_at_utc_ms.get_or_insert(ms)),
        }
    }

    fn stream(&mut self, mut spec: StreamSpec) -> StreamId {
        if self.streams.len() == STREAMS_MAX {
            self.unkept.streams += 1;
            return StreamId(STREAMS_MAX + self.unkept.streams - 1);
        }
        spec.name = self.unique_name(&spec.name);
        if self.failed.is_none()
            && let Err(error) = self.encoder.open(&spec, self.files)
        {
            self.failed = Some(error);
        }
        self.streams.push(Stream::new(spec));
        StreamId(self.streams.len() - 1)
    }

    fn row(&mut self, stream: StreamId, clock_s: f64, values: &[f32]) {
        let Some(open) = self.streams.get_mut(stream.0) else {
            self.unkept.rows += 1;
            return;
        };
        let Some(full) = open.push(self.restarts.clock_s(clock_s), values) else {
            return;
        };
        if self.failed.is_none()
            && let Err(error) = self.encoder.group(stream.0, full)
        {
            self.failed = Some(error);
        }
    }

    fn fix(&mut self, fix: Fix) {
        self.fixes.push(self.restarts.fix(fix));
    }

    fn gate(&mut self, gate: DeclaredGate) {
        self.gates.push(gate);
    }

    fn declared_lap(&mut self, lap: DeclaredLap) {
        self.declared_laps.push(lap);
    }

    fn lap_mark(&mut self, mark: LapMark) {
        self.lap_marks.push(LapMark {
            clock_s: self.restarts.clock_s(mark.clock_s),
            ..mark
        });
    }

    fn rejected(&mut self, why: Rejection, line: u64) {
        let count = self.recording.rejected.entry(why).or_insert(0);
        *count += 1;
        if *count <= FIRST_REJECTED_PER_CAUSE {
            self.recording.first_rejected.push((why, line));
        }
    }

    fn loss(&mut self, _what: &str, count: u64, _clock_s: f64) {
        self.recording.declared_lost = self.recording.declared_lost.saturating_add(count);
    }

    fn message(&mut self, message: Message) {
        self.messages.push(message);
    }
}

impl Unkept {
    fn messages(&self) -> Vec<Message> {
        let told = |streams: usize| Message {
            code: "too_many_streams".to_owned(),
            text: format!(
                "The file has {} groups of channels; the last {streams} with {} rows are not kept.",
                STREAMS_MAX + streams,
                self.rows
            ),
            line: None,
        };
        (self.streams > 0)
            .then(|| told(self.streams))
            .into_iter()
            .collect()
    }
}
