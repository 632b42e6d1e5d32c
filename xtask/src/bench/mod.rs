//! Figures beside those of other programs, measured in the same run.
//!
//! One module a row. Runs alternate between the programs and medians are compared, so that
//! another load on the machine hits all alike. Peers are installed from their registries into `target/bench`.

mod analysis_memory;
mod csv_to_laps;
mod goals;
mod heartbeats;
mod load;
mod ours;
mod peers;
mod tick;
mod uploads;

use std::path::Path;

use anyhow::{Result, bail};

use crate::process::say;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rows to measure: csv-to-laps, analysis-memory, upload-64mib, upload-64kib, heartbeats, tick. All of them if none is named.
    #[arg(long = "row", value_name = "ROW")]
    rows: Vec<String>,
}

type Measure = fn(&Path, &Path) -> Result<String>;

const ROWS: [(&str, Measure); 6] = [
    (csv_to_laps::NAME, csv_to_laps::measure),
    (analysis_memory::NAME, analysis_memory::measure),
    (uploads::LARGE, uploads::large),
    (uploads::SMALL, uploads::small),
    (heartbeats::NAME, heartbeats::measure),
    (tick::NAME, tick::measure),
];

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    if let Some(unknown) = args
        .rows
        .iter()
        .find(|row| ROWS.iter().all(|(name, _)| name != row))
    {
        let names: Vec<&str> = ROWS.iter().map(|(name, _)| *name).collect();
        bail!("there is no row {unknown}; there is {}", names.join(", "));
    }
    let folder = root.join("target").join("bench");
    std::fs::create_dir_all(&folder)?;
    for (name, measure) in ROWS {
        if args.rows.is_empty() || args.rows.iter().any(|row| row == name) {
            say(measure(root, &folder)?);
        }
    }
    Ok(())
}

/// The middle of the measured seconds; of an even number, the upper middle.
fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn one_slow_run_does_not_move_the_median() {
        assert_eq!(median(vec![0.2, 9.0, 0.1]), 0.2);
    }
}
