//! A sink that holds the parser to the contract of [`Sink`] and remembers a digest of what it was told.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use telemetry::model::{DeclaredGate, DeclaredLap, Fix, LapMark, Message, Meta, StreamId, StreamSpec};
use telemetry::sink::{Rejection, Sink};

/// A message is for a person: a sentence or two, never the file again.
const MESSAGE_BYTES_MAX: usize = 1000;

#[derive(Default)]
pub(crate) struct Witness {
    digest: DefaultHasher,
    /// Channels of each declared stream.
    widths: Vec<usize>,
    names: BTreeSet<String>,
}

impl Witness {
    pub(crate) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// By its `Debug` text: good enough for the rare events, and it tells NaN from NaN no more than a reader could.
    fn remember(&mut self, event: &impl std::fmt::Debug) {
        format!("{event:?}").hash(&mut self.digest);
    }
}

impl Sink for Witness {
    fn meta(&mut self, meta: Meta) {
        self.remember(&meta);
    }

    fn stream(&mut self, spec: StreamSpec) -> StreamId {
        assert_ne!(spec.name, "gps", "the stream of fixes is never declared");
        assert!(
            self.names.insert(spec.name.clone()),
            "stream {} is declared twice",
            spec.name
        );
        let channels: BTreeSet<&str> = spec
            .channels
            .iter()
            .map(|channel| channel.name.as_str())
            .collect();
        assert_eq!(
            channels.len(),
            spec.channels.len(),
            "two channels of {} have one name",
            spec.name
        );
        self.remember(&spec);
        self.widths.push(spec.channels.len());
        StreamId(self.widths.len() - 1)
    }

    fn row(&mut self, stream: StreamId, clock_s: f64, values: &[f32]) {
        assert_eq!(
            values.len(),
            self.widths[stream.0],
            "a row has one value for each channel"
        );
        assert!(clock_s.is_finite(), "a row has a time");
        (stream.0, clock_s.to_bits()).hash(&mut self.digest);
        for value in values {
            value.to_bits().hash(&mut self.digest);
        }
    }

    fn fix(&mut self, fix: Fix) {
        assert!(fix.clock_s.is_finite(), "a fix has a time");
        assert!(
            fix.lat_deg.is_finite() && fix.lon_deg.is_finite(),
            "a fix has a place"
        );
        self.remember(&fix);
    }

    fn gate(&mut self, gate: DeclaredGate) {
        assert!(!gate.alternatives.is_empty(), "a gate has at least one reading");
        self.remember(&gate);
    }

    fn declared_lap(&mut self, lap: DeclaredLap) {
        assert!(lap.time_ms.is_finite(), "a declared lap has a time");
        self.remember(&lap);
    }

    fn lap_mark(&mut self, mark: LapMark) {
        assert!(mark.clock_s.is_finite(), "a lap mark has a time");
        self.remember(&mark);
    }

    fn rejected(&mut self, why: Rejection, line: u64) {
        self.remember(&(why, line));
    }

    fn loss(&mut self, what: &str, count: u64, clock_s: f64) {
        self.remember(&(what, count, clock_s));
    }

    fn message(&mut self, message: Message) {
        assert!(
            message.text.len() <= MESSAGE_BYTES_MAX,
            "a message is a sentence or two: {}",
            message.text
        );
        self.remember(&message);
    }
}
