//! A short drive, its analysis, and its channel files in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use telemetry::columns::{StreamFiles, StreamReader};
use telemetry::report::{LapKind, Report};
use telemetry::{Options, analyze};

/// Channel files by stream.
#[derive(Default)]
pub(crate) struct Memory(BTreeMap<String, Arc<Mutex<Vec<u8>>>>);

struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StreamFiles for Memory {
    fn create(&mut self, stream: &str) -> io::Result<Box<dyn Write + Send>> {
        let bytes = Arc::default();
        assert!(
            self.0.insert(stream.to_owned(), Arc::clone(&bytes)).is_none(),
            "{stream} was created twice"
        );
        Ok(Box::new(Shared(bytes)))
    }
}

impl Memory {
    pub(crate) fn bytes(&self) -> BTreeMap<&str, Vec<u8>> {
        self.0
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.lock().unwrap().clone()))
            .collect()
    }

    pub(crate) fn open(&self, stream: &str) -> StreamReader {
        let mut file: File = tempfile::tempfile().unwrap();
        file.write_all(&self.0[stream].lock().unwrap()).unwrap();
        StreamReader::open(file).unwrap()
    }
}

/// Three timed laps as our own logger records them.
pub(crate) fn drive() -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let session = sim::Session {
        timed_laps: 3,
        ..sim::Session::default()
    };
    let drive = session.drive(&sim::valdarne().unwrap(), &sim::Vehicle::car(), &mut rng);
    let fixes = sim::Gps::perfect(10.0).sample(&drive, &mut rng);
    let logger = sim::Logger {
        recording_id: 5,
        device: "Datalogger-7F3A".to_owned(),
        firmware: "1.4.0".to_owned(),
        profile: "race".to_owned(),
        track: None,
        started_utc_ms: 1_790_000_000_000,
        started_tick_ms: 4_000,
        crystal_ppm: 0.0,
    };
    let mut out = Vec::new();
    logger
        .write(&fixes, sim::Imu::believable().samples(&drive, &mut rng), &mut out)
        .unwrap();
    out
}

pub(crate) fn analysed(bytes: &[u8], options: &Options) -> (Report, Memory) {
    let mut files = Memory::default();
    let mut input = bytes;
    let analysis = analyze(&mut input, options, &mut files).unwrap();
    (analysis.report, files)
}

pub(crate) fn timed_ms(report: &Report) -> Vec<f64> {
    report
        .laps
        .iter()
        .filter(|lap| lap.kind == LapKind::Timed)
        .map(|lap| lap.time_ms)
        .collect()
}
