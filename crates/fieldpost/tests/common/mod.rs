//! Runs the real binary, and makes recordings for it.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use sim::{Drive, Gps, Imu, Logger, Session, Vehicle, seeded};

/// The binary without the settings of whoever runs the tests.
pub(crate) fn fieldpost() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldpost"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FIELDPOST_") {
            command.env_remove(name);
        }
    }
    command
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn expect_success(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Failed with all of `words` on stderr and nothing on stdout.
    #[track_caller]
    pub(crate) fn expect_failure(self, words: &[&str]) -> Self {
        assert_eq!(self.code, 1, "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:?}");
        }
        self
    }
}

pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Done {
    run_with_input(args, "")
}

pub(crate) fn run_with_input<S: AsRef<std::ffi::OsStr>>(args: &[S], input: &str) -> Done {
    let mut child = fieldpost()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that needs no input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Three timed laps of the kart without noise.
pub(crate) fn kart_drive(seed: u64) -> Drive {
    let session = Session {
        timed_laps: 3,
        ..Session::default()
    };
    session.drive(&sim::eschenried().unwrap(), &Vehicle::kart(), &mut seeded(seed))
}

/// The drive as our own recording.
pub(crate) fn recording(drive: &Drive, seed: u64) -> Vec<u8> {
    let mut rng = seeded(seed);
    let logger = Logger {
        recording_id: sim::random_id(&mut rng),
        device: "test".to_owned(),
        firmware: "1.0.0".to_owned(),
        profile: "kart".to_owned(),
        track: None,
        // 2026-05-02T09:30:00Z
        started_utc_ms: 1_777_714_200_000,
        started_tick_ms: 20_000,
        crystal_ppm: 0.0,
    };
    let fixes = Gps::perfect(10.0).sample(drive, &mut rng);
    let imu = Imu {
        rate_hz: 25.0,
        ..Imu::believable()
    };
    let mut bytes = Vec::new();
    logger
        .write(&fixes, imu.samples(drive, &mut rng), &mut bytes)
        .unwrap();
    bytes
}

pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The drive's own start line as `--gate` takes it.
pub(crate) fn gate_text(drive: &Drive) -> String {
    let gate = drive.track().gate();
    let [[a, b], [c, d]] = [gate.left_deg, gate.right_deg];
    format!("{a},{b};{c},{d}")
}

/// Times of the timed laps of a report.
pub(crate) fn timed_ms(report: &Value) -> Vec<f64> {
    report["laps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|lap| lap["kind"] == "timed")
        .map(|lap| lap["time_ms"].as_f64().unwrap())
        .collect()
}

/// A running server, killed when it goes out of scope.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) data_dir: PathBuf,
}

impl Server {
    /// Starts on a free port; returns once it listens.
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::started(data_dir, Stdio::inherit())
    }

    /// The same with a log whose reader is gone from the beginning.
    pub(crate) fn start_with_log_closed(data_dir: &Path) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Self::started(data_dir, writer.into())
    }

    fn started(data_dir: &Path, log: Stdio) -> Self {
        let mut child = fieldpost()
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let listening = next_json(&mut JsonLines::of(child.stdout.take().unwrap()));
        let url = listening["url"].as_str().unwrap().to_owned();
        Self {
            child,
            url,
            data_dir: data_dir.to_owned(),
        }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// JSON values as a process prints them.
pub(crate) struct JsonLines(
    serde_json::StreamDeserializer<'static, serde_json::de::IoRead<BufReader<ChildStdout>>, Value>,
);

impl JsonLines {
    pub(crate) fn of(stdout: ChildStdout) -> Self {
        Self(serde_json::Deserializer::from_reader(BufReader::new(stdout)).into_iter())
    }
}

pub(crate) fn next_json(lines: &mut JsonLines) -> Value {
    lines.0.next().unwrap().unwrap()
}

/// Adds the owner and a device to a data folder and gives the device's token.
pub(crate) fn add_device(data_dir: &Path) -> String {
    let dir = data_dir.to_str().unwrap();
    let owner = [
        "user",
        "add",
        "owner@example.org",
        "--role",
        "owner",
        "--data-dir",
        dir,
    ];
    run_with_input(&owner, "a long enough password\n").expect_success();
    let device = [
        "device",
        "add",
        "Logger",
        "--user",
        "owner@example.org",
        "--json",
        "--data-dir",
        dir,
    ];
    let added = run(&device).expect_success().json();
    assert!(added["device_uuid"].is_string());
    added["token"].as_str().unwrap().to_owned()
}
