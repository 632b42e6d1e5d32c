//! One hour of our own CSV (100 Hz inertial, 10 Hz fixes) to laps and Parquet, beside polars' bare read of the same file and
//! pandas with vectorised laps and `to_parquet`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::ours::{self, json, number};
use super::{median, peers};

pub(super) const NAME: &str = "csv-to-laps";

const RUNS: usize = 7;
/// Goals that were set before anything was measured.
const RATIO_TO_POLARS_MAX: f64 = 2.0;
const SECONDS_MAX: f64 = 0.5;

const POLARS: &str = include_str!("polars_read.py");
const PANDAS: &str = include_str!("pandas_laps.py");

#[derive(Default)]
struct Measured {
    ours_s: Vec<f64>,
    polars_s: Vec<f64>,
    pandas_s: Vec<f64>,
    peak_kib: f64,
    our_laps: u64,
    pandas_laps: u64,
}

/// Measures and gives the table.
pub(super) fn measure(root: &Path, folder: &Path) -> Result<String> {
    let python = peers::python(folder)?;
    let ours = ours::build(root)?;
    let recording = folder.join("one-hour.csv");
    let made = json(Command::new(&ours).arg("generate").arg(&recording).arg("1"))?;
    let (our_folder, their_folder) = (folder.join("ours"), folder.join("pandas"));
    std::fs::create_dir_all(&their_folder)?;

    let mut measured = Measured::default();
    for _ in 0..RUNS {
        let run = json(
            Command::new(&ours)
                .arg("analyse")
                .arg(&recording)
                .arg(&our_folder),
        )?;
        measured.ours_s.push(number(&run, "elapsed_s")?);
        measured.peak_kib = measured.peak_kib.max(number(&run, "peak_kib")?);
        measured.our_laps = number(&run, "laps")? as u64;
        let run = json(Command::new(&python).args(["-c", POLARS]).arg(&recording))?;
        measured.polars_s.push(number(&run, "elapsed_s")?);
        let mut pandas = Command::new(&python);
        pandas
            .args(["-c", PANDAS])
            .arg(&recording)
            .arg(&their_folder)
            .arg(made["gate"].to_string());
        let run = json(&mut pandas)?;
        measured.pandas_s.push(number(&run, "elapsed_s")?);
        measured.pandas_laps = number(&run, "laps")? as u64;
    }
    let size_mb = number(&made, "size_bytes")? / 1e6;
    table(&measured, size_mb)
}

fn table(measured: &Measured, size_mb: f64) -> Result<String> {
    let ours_s = median(measured.ours_s.clone());
    let polars_s = median(measured.polars_s.clone());
    let pandas_s = median(measured.pandas_s.clone());
    let peak_mib = measured.peak_kib / 1024.0;
    let mut out = String::new();
    writeln!(
        out,
        "\n{NAME}: one hour, {size_mb:.1} MB, median of {RUNS} alternated runs"
    )?;
    writeln!(
        out,
        "  fieldpost, to laps and Parquet        {ours_s:8.3} s  {} laps",
        measured.our_laps
    )?;
    writeln!(out, "  polars, bare read                     {polars_s:8.3} s")?;
    writeln!(
        out,
        "  pandas, to laps and Parquet           {pandas_s:8.3} s  {} laps",
        measured.pandas_laps
    )?;
    let ratio = ours_s / polars_s;
    let goals = [
        (
            ratio <= RATIO_TO_POLARS_MAX,
            format!("{ratio:.2} of polars' bare read, goal ≤ {RATIO_TO_POLARS_MAX}"),
        ),
        (
            ours_s < pandas_s,
            format!(
                "{:.1} times as fast as pandas, goal ahead of it",
                pandas_s / ours_s
            ),
        ),
        (
            ours_s <= SECONDS_MAX,
            format!("{ours_s:.3} s, goal ≤ {SECONDS_MAX} s"),
        ),
    ];
    writeln!(out, "  peak of ours {peak_mib:.0} MiB resident")?;
    for (met, goal) in goals {
        writeln!(out, "  {}  {goal}", if met { "met    " } else { "NOT met" })?;
    }
    Ok(out)
}
