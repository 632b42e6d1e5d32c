//! Our side of a measure: the release build of telemetry's `measure` example, and what it prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{output, run_to_end, say};

/// Builds the program that is measured.
pub(super) fn build(root: &Path) -> Result<PathBuf> {
    say("building the release binary that is measured");
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(root);
    build.args([
        "build",
        "--quiet",
        "--release",
        "-p",
        "telemetry",
        "--example",
        "measure",
    ]);
    run_to_end(&mut build)?;
    Ok(root.join("target/release/examples/measure"))
}

/// Runs a command whose stdout is one JSON object.
pub(super) fn json(command: &mut Command) -> Result<Value> {
    let text = output(command)?;
    serde_json::from_str(&text).with_context(|| format!("no JSON in {text:?}"))
}

pub(super) fn number(object: &Value, key: &str) -> Result<f64> {
    object[key]
        .as_f64()
        .with_context(|| format!("no number {key} in {object}"))
}
