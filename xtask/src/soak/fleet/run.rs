//! `fieldpost sim fleet` as another process, and what it says.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::super::client::text;
use super::super::server::Server;
use super::Args;

/// The devices' own patience with the good time.
const PATIENCE: Duration = Duration::from_secs(240);
/// And some for starting, reading back and asking the server.
const SLACK: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Run {
    child: Child,
    answer: PathBuf,
    list: PathBuf,
    deadline: Instant,
}

/// A recording as a device has it, or had.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) device: String,
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) sha256: String,
    pub(super) state: String,
    pub(super) receipt: Option<String>,
}

pub(super) struct Outcome {
    pub(super) is_success: bool,
    summary: Value,
    pub(super) held: Vec<Held>,
}

impl Run {
    pub(super) fn start(server: &Server, key: &str, args: &Args) -> Result<Self> {
        let (answer, list) = (server.folder().join("fleet.json"), server.folder().join("held"));
        let rough = args.rough();
        let mut command = server.program();
        command
            .args(["sim", "fleet", "--json", "--faults", "harsh"])
            .args(["--server", &server.base()])
            .env("FIELDPOST_INGEST_KEY", key)
            .args(["--devices", &args.devices.to_string()])
            .args(["--speed", &args.speed.to_string()])
            .args(["--seed", &args.seed.to_string()])
            .args(["--rough", &rough.as_secs().to_string()])
            .args(["--patience", &PATIENCE.as_secs().to_string()])
            .arg("--list")
            .arg(&list);
        let child = command
            .stdout(std::fs::File::create(&answer)?)
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start the fleet")?;
        Ok(Self {
            child,
            answer,
            list,
            deadline: Instant::now() + rough + PATIENCE + SLACK,
        })
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> Result<Outcome> {
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > self.deadline {
                bail!("the fleet does not end");
            }
            std::thread::sleep(LOOK);
        };
        let said = std::fs::read_to_string(&self.answer)?;
        let summary = serde_json::from_str(&said)
            .with_context(|| format!("the fleet ended with {status} and said {said:?}"))?;
        let list = std::fs::read_to_string(&self.list)?;
        Ok(Outcome {
            is_success: status.success(),
            summary,
            held: list.lines().map(held).collect::<Result<_>>()?,
        })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // One that has ended needs none of this; after an error nobody else ends it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    pub(super) fn figure(&self, key: &str) -> Result<u64> {
        let found = self.summary[key].as_u64();
        found.with_context(|| format!("the fleet said no {key}"))
    }

    pub(super) fn violations(&self) -> Result<Vec<&str>> {
        let found = self.summary["violations"].as_array();
        let found = found.context("the fleet said nothing of violations")?;
        Ok(found.iter().filter_map(Value::as_str).collect())
    }
}

fn held(line: &str) -> Result<Held> {
    let said: Value = serde_json::from_str(line).with_context(|| format!("the list has the line {line}"))?;
    Ok(Held {
        device: text(&said, "device")?,
        name: text(&said, "name")?,
        size_bytes: said["size_bytes"].as_u64().context("a size is a number")?,
        sha256: text(&said, "sha256")?,
        state: text(&said, "state")?,
        receipt: said["receipt"].as_str().map(str::to_owned),
    })
}
