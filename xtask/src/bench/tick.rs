//! Instructions that the recorder takes for 10 ms of a recording, counted on an emulated chip.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::ours::number;
use crate::process::output;
use crate::{firmware, system};

pub(super) const NAME: &str = "tick";

/// A tenth of what a C3 at 160 MHz has in that time.
const INSTRUCTIONS_MAX: f64 = 15_000.0;

pub(super) fn measure(root: &Path, _: &Path) -> Result<String> {
    firmware::prepare()?;
    system::install_emulator_packages()?;
    let program = firmware::build_tick(root)?;
    let mut emulator = Command::new("qemu-system-riscv32");
    emulator
        .args(["-M", "virt", "-bios", "none", "-m", "32M", "-nographic"])
        // Every instruction takes the same time, and `minstret` counts them.
        .args(["-icount", "shift=0", "-kernel"])
        .arg(program);
    let counted: serde_json::Value = serde_json::from_str(output(&mut emulator)?.trim())
        .context("the emulated chip did not say how many instructions it took")?;
    let mean = number(&counted, "mean_instructions")?;
    let most = number(&counted, "most_instructions")?;
    let met = if mean <= INSTRUCTIONS_MAX {
        "met    "
    } else {
        "NOT met"
    };
    Ok(format!(
        "\n{NAME}: 10 ms of recording at 100 Hz and 10 Hz on rv32imc\n  \
         {met}  {mean:.0} instructions a tick, goal ≤ {INSTRUCTIONS_MAX}; at most {most:.0}, where a block ends\n"
    ))
}
