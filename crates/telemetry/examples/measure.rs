//! The measured half of `cargo xtask bench`: makes a recording of a given length and analyses it to laps and Parquet.
//!
//! `measure generate FILE HOURS` writes our own CSV without marker rows, which other programs cannot read, and prints the
//! start line. `measure analyse FILE FOLDER` prints seconds, timed laps and peak memory of this process as JSON.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;
use telemetry::columns::StreamFiles;
use telemetry::report::LapKind;
use telemetry::{Options, analyze};

type Outcome = Result<serde_json::Value, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        ["generate", file, hours] => generate(Path::new(file), hours),
        ["analyse", file, folder] => analyse(Path::new(file), Path::new(folder)),
        _ => Err("usage: measure generate FILE HOURS | measure analyse FILE FOLDER".into()),
    };
    let (text, code) = match &outcome {
        Ok(answer) => (answer.to_string(), ExitCode::SUCCESS),
        Err(error) => (error.to_string(), ExitCode::FAILURE),
    };
    // Whoever closed the pipe does not want the answer.
    let _ = writeln!(io::stdout(), "{text}");
    code
}

fn generate(file: &Path, hours: &str) -> Outcome {
    let length_s = hours.parse::<f64>()? * 3600.0;
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_120);
    let track = sim::valdarne()?;
    // No lap of this track is shorter.
    const LAP_S_MIN: f64 = 60.0;
    let timed_laps = (length_s / LAP_S_MIN).ceil() as u32;
    let session = sim::Session {
        timed_laps,
        ..sim::Session::default()
    };
    let drive = session.drive(&track, &sim::Vehicle::car(), &mut rng);
    let mut fixes = sim::Gps::believable().sample(&drive, &mut rng);
    fixes.retain(|fix| fix.time_s < length_s);
    let imu = sim::Imu::believable();
    let samples = imu
        .samples(&drive, &mut rng)
        .take_while(|sample| sample.time_s < length_s);
    let logger = sim::Logger {
        recording_id: 1,
        device: "Datalogger-BENC".to_owned(),
        firmware: "0.0.0".to_owned(),
        profile: "car".to_owned(),
        track: None,
        started_utc_ms: 1_790_000_000_000,
        started_tick_ms: 4_000,
        crystal_ppm: 20.0,
    };
    let mut out = WithoutMarkers {
        out: BufWriter::new(File::create(file)?),
        bytes: 0,
    };
    logger.write(&fixes, samples, &mut out)?;
    out.flush()?;
    let gate = track.gate();
    Ok(json!({ "size_bytes": out.bytes, "gate": [gate.left_deg, gate.right_deg] }))
}

/// Passes on every row but `M` rows; the logger writes a row at a time.
struct WithoutMarkers<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for WithoutMarkers<W> {
    fn write(&mut self, row: &[u8]) -> io::Result<usize> {
        let is_marker = row.split(|&b| b == b',').nth(1) == Some(b"M");
        if !is_marker {
            self.out.write_all(row)?;
            self.bytes += row.len() as u64;
        }
        Ok(row.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn analyse(file: &Path, folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder)?;
    let began = Instant::now();
    let mut input = BufReader::new(File::open(file)?);
    let mut files = Folder(folder.to_owned());
    let analysis = analyze(&mut input, &Options::default(), &mut files)?;
    let elapsed_s = began.elapsed().as_secs_f64();
    let timed = analysis
        .report
        .laps
        .iter()
        .filter(|lap| lap.kind == LapKind::Timed)
        .count();
    Ok(
        json!({ "elapsed_s": elapsed_s, "laps": timed, "best_ms": analysis.report.best_ms, "peak_kib": peak_kib()? }),
    )
}

struct Folder(PathBuf);

impl StreamFiles for Folder {
    fn create(&mut self, stream: &str) -> io::Result<Box<dyn Write + Send>> {
        Ok(Box::new(File::create(self.0.join(format!("{stream}.parquet")))?))
    }
}

/// Largest resident size of this process so far, as Linux counts it.
fn peak_kib() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
