//! A sink that keeps everything, and short ways to read into it.

use std::path::{Path, PathBuf};

use telemetry::formats::{Format, ReadError, detect, read};
use telemetry::model::{DeclaredGate, DeclaredLap, Fix, LapMark, Message, Meta, StreamId, StreamSpec};
use telemetry::sink::{Rejection, Sink};

#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) metas: Vec<Meta>,
    pub(crate) streams: Vec<StreamSpec>,
    pub(crate) rows: Vec<(StreamId, f64, Vec<f32>)>,
    pub(crate) fixes: Vec<Fix>,
    pub(crate) gates: Vec<DeclaredGate>,
    pub(crate) laps: Vec<DeclaredLap>,
    pub(crate) marks: Vec<LapMark>,
    pub(crate) rejected: Vec<(Rejection, u64)>,
    pub(crate) messages: Vec<Message>,
}

impl Sink for Kept {
    fn meta(&mut self, meta: Meta) {
        self.metas.push(meta);
    }

    fn stream(&mut self, spec: StreamSpec) -> StreamId {
        self.streams.push(spec);
        StreamId(self.streams.len() - 1)
    }

    fn row(&mut self, stream: StreamId, clock_s: f64, values: &[f32]) {
        assert_eq!(
            values.len(),
            self.streams[stream.0].channels.len(),
            "one value for each channel"
        );
        self.rows.push((stream, clock_s, values.to_vec()));
    }

    fn fix(&mut self, fix: Fix) {
        self.fixes.push(fix);
    }

    fn gate(&mut self, gate: DeclaredGate) {
        self.gates.push(gate);
    }

    fn declared_lap(&mut self, lap: DeclaredLap) {
        self.laps.push(lap);
    }

    fn lap_mark(&mut self, mark: LapMark) {
        self.marks.push(mark);
    }

    fn rejected(&mut self, why: Rejection, line: u64) {
        self.rejected.push((why, line));
    }

    fn loss(&mut self, _what: &str, _count: u64, _clock_s: f64) {}

    fn message(&mut self, message: Message) {
        self.messages.push(message);
    }
}

impl Kept {
    /// Lap times in milliseconds, rounded to whole ones.
    pub(crate) fn laps_ms(&self) -> Vec<i64> {
        self.laps.iter().map(|lap| lap.time_ms.round() as i64).collect()
    }

    pub(crate) fn message_codes(&self) -> Vec<&str> {
        self.messages
            .iter()
            .map(|message| message.code.as_str())
            .collect()
    }

    /// The values of one channel over all rows that have one.
    pub(crate) fn channel(&self, stream: &str, name: &str) -> Vec<f32> {
        let (at, spec) = self
            .streams
            .iter()
            .enumerate()
            .find(|(_, spec)| spec.name == stream)
            .expect("the stream is declared");
        let index = spec
            .channels
            .iter()
            .position(|channel| channel.name == name)
            .expect("the channel is declared");
        let of_stream = self.rows.iter().filter(|(stream, ..)| stream.0 == at);
        of_stream
            .map(|(.., values)| values[index])
            .filter(|value| !value.is_nan())
            .collect()
    }

    pub(crate) fn unit(&self, stream: &str, name: &str) -> &str {
        let spec = self
            .streams
            .iter()
            .find(|spec| spec.name == stream)
            .expect("the stream is declared");
        &spec
            .channels
            .iter()
            .find(|channel| channel.name == name)
            .expect("the channel is declared")
            .unit
    }
}

pub(crate) fn try_keep(format: Format, bytes: &[u8]) -> Result<Kept, ReadError> {
    let mut kept = Kept::default();
    // Seven bytes at a time: whatever a parser assumes about chunk borders is wrong.
    let mut input = std::io::BufReader::with_capacity(7, bytes);
    read(format, &mut input, &mut kept)?;
    Ok(kept)
}

/// Detects and reads a file, which must be recognised as `format`.
pub(crate) fn keep(format: Format, bytes: impl AsRef<[u8]>) -> Kept {
    let bytes = bytes.as_ref();
    assert_eq!(detect(bytes), Ok(format));
    try_keep(format, bytes).expect("the file is read")
}

#[track_caller]
pub(crate) fn assert_close(actual: f64, expected: f64, tolerance: f64) {
    assert!(
        (actual - expected).abs() <= tolerance,
        "{actual} is not within {tolerance} of {expected}"
    );
}

/// A corpus file, or a loud notice that its test is skipped.
pub(crate) fn corpus(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("FIELDPOST_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    match std::fs::read(folder.join(name)) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            eprintln!(
                "SKIPPED: corpus absent ({name} not found in {})",
                folder.display()
            );
            None
        }
    }
}

/// Reads a corpus file in the format that its content says.
pub(crate) fn keep_corpus(name: &str, format: Format) -> Option<Kept> {
    let bytes = corpus(name)?;
    let head = &bytes[..bytes.len().min(telemetry::formats::DETECT_BYTES)];
    assert_eq!(detect(head), Ok(format), "{name}");
    let mut kept = Kept::default();
    read(format, &mut bytes.as_slice(), &mut kept).expect("the file is read");
    Some(kept)
}

/// The known lap times of a corpus file.
pub(crate) fn truth_laps_ms(name: &str) -> Vec<i64> {
    let bytes = corpus("TRUTH.json").expect("TRUTH.json lies beside the recordings");
    let truth: serde_json::Value = serde_json::from_slice(&bytes).expect("it is JSON");
    let entries = truth.as_array().expect("it is a list");
    let entry = entries
        .iter()
        .find(|entry| entry["file"] == name)
        .expect("the file is listed");
    let laps = entry["laps_ms"].as_array().expect("it has known laps");
    laps.iter()
        .map(|lap| lap.as_i64().expect("whole milliseconds"))
        .collect()
}
