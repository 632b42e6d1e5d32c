//! Peak memory of the analysis of a 1 GB recording of ours, Parquet included.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::ours::{self, json, number};

pub(super) const NAME: &str = "analysis-memory";

/// Makes a little more than 10^9 bytes.
const HOURS: &str = "41.5";
/// What the analysis may take on the small machines it is meant for.
const PEAK_MIB_MAX: f64 = 300.0;

/// Measures and gives the table.
pub(super) fn measure(root: &Path, folder: &Path) -> Result<String> {
    let ours = ours::build(root)?;
    let recording = folder.join("one-gigabyte.csv");
    let made = json(Command::new(&ours).arg("generate").arg(&recording).arg(HOURS))?;
    let channels = folder.join("one-gigabyte");
    let run = json(Command::new(&ours).arg("analyse").arg(&recording).arg(&channels));
    // Neither is of use to anybody afterwards.
    std::fs::remove_file(&recording)?;
    let run = run?;
    std::fs::remove_dir_all(&channels)?;
    let peak_mib = number(&run, "peak_kib")? / 1024.0;
    let size_mb = number(&made, "size_bytes")? / 1e6;
    let (laps, elapsed_s) = (number(&run, "laps")?, number(&run, "elapsed_s")?);
    let met = if peak_mib <= PEAK_MIB_MAX {
        "met    "
    } else {
        "NOT met"
    };
    Ok(format!(
        "\n{NAME}: {size_mb:.0} MB to {laps} laps and Parquet in {elapsed_s:.1} s\n  \
         {met}  peak {peak_mib:.0} MiB resident, goal ≤ {PEAK_MIB_MAX} MiB\n"
    ))
}
