//! The crates that a chip runs, built for one: without `std` and without `alloc`, by the compiler that the chip's crates need.
//!
//! The pinned compiler brings no library for chips, and its own source for `-Zbuild-std` comes from a host beyond the registries;
//! Debian packages both. With `core` alone built there is no allocator that a crate could have asked for.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{output, run_to_end, say};
use crate::system;

/// The ESP32-C3's instruction set; the others have more.
const TARGET: &str = "riscv32imc-unknown-none-elf";
const CRATES: [&str; 3] = ["wire", "timing", "device"];
/// The esp-* crates need this or a later one.
const RUST_MIN: (u32, u32) = (1, 95);
/// Of the 300 KB that a C3 has for everything.
const CORE_BYTES_GOAL: usize = 48 * 1024;
/// Debian's, beside which another Rust may stand first on the path.
const CARGO: &str = "/usr/bin/cargo";
const LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";

/// Installs what is missing; an error says why the chip cannot be built for here.
pub(crate) fn prepare() -> Result<()> {
    if !is_ready() {
        system::install_chip_packages()?;
    }
    if !is_ready() {
        anyhow::bail!(
            "{CARGO} is not Rust {}.{} or later with its source; Debian has it as rustc-web, cargo-web and rust-web-src",
            RUST_MIN.0,
            RUST_MIN.1
        );
    }
    Ok(())
}

fn is_ready() -> bool {
    let version = output(Command::new(CARGO).arg("--version")).unwrap_or_default();
    Path::new(LIBRARY).exists() && version_of(&version).is_some_and(|version| version >= RUST_MIN)
}

fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("cargo ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Builds the device's crates as a chip gets them.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut build = debians_cargo(root);
    build.args(["build", "--locked", "--release", "-Zbuild-std=core"]);
    build
        .args(["--target", TARGET, "--target-dir"])
        .arg(target_dir(root));
    for name in CRATES {
        build.args(["-p", name]);
    }
    run_to_end(&mut build)?;
    say(format_args!(
        "{} build for {TARGET} with core alone",
        CRATES.join(", ")
    ));
    Ok(())
}

/// Builds what of the core lives as long as a device is on, which fails where that has grown, and says how much it is.
pub(crate) fn check_footprint(root: &Path) -> Result<()> {
    let program = build_program(root, "footprint")?;
    let table = output(Command::new("readelf").args(["-sW"]).arg(program))?;
    let parts = parts_of(&table);
    anyhow::ensure!(!parts.is_empty(), "the program has no parts");
    for (name, bytes) in &parts {
        say(format_args!("{bytes:>8}  {name}"));
    }
    let all: usize = parts.iter().map(|(_, bytes)| bytes).sum();
    let met = if all <= CORE_BYTES_GOAL { "met" } else { "NOT met" };
    say(format_args!(
        "{all:>8}  bytes of static RAM for the core, goal ≤ {CORE_BYTES_GOAL} {met}; a picture's buffer is the sensor's"
    ));
    Ok(())
}

/// The symbols that begin with `CORE_`, and how many bytes each takes.
fn parts_of(table: &str) -> Vec<(String, usize)> {
    let mut parts: Vec<(String, usize)> = table
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let name = cells.get(7)?.strip_prefix("CORE_")?;
            Some((name.to_lowercase().replace('_', " "), cells.get(2)?.parse().ok()?))
        })
        .collect();
    parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    parts
}

/// The program that counts what a tick of the recorder costs.
pub(crate) fn build_tick(root: &Path) -> Result<PathBuf> {
    build_program(root, "tick")
}

fn build_program(root: &Path, name: &str) -> Result<PathBuf> {
    let mut build = debians_cargo(&root.join("firmware"));
    build.args(["build", "--locked", "--release", "-p", name]);
    build.arg("--target-dir").arg(target_dir(root));
    run_to_end(&mut build)?;
    Ok(target_dir(root).join(TARGET).join("release").join(name))
}

fn debians_cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(CARGO);
    cargo
        .current_dir(folder)
        // Cargo takes the first rustc of the path.
        .env("PATH", "/usr/bin:/bin")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("RUSTC_BOOTSTRAP", "1");
    cargo
}

fn target_dir(root: &Path) -> PathBuf {
    root.join("target/chip")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_symbols_with_their_sizes() {
        let table = "   Num:    Value  Size Type    Bind   Vis      Ndx Name\n\
                     \x20    9: 80001000  8192 OBJECT  GLOBAL DEFAULT    5 CORE_STORE\n\
                     \x20   10: 80003000 10240 OBJECT  GLOBAL DEFAULT    5 CORE_LAP_WATCH\n\
                     \x20   11: 80000000    12 FUNC    GLOBAL DEFAULT    1 main\n";
        let parts = [("lap watch".to_owned(), 10_240), ("store".to_owned(), 8_192)];
        assert_eq!(parts_of(table), parts);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version_of("cargo 1.100.0 (abc 2027-01-01)").is_some_and(|v| v >= RUST_MIN));
        assert!(version_of("cargo 1.63.0").is_some_and(|v| v < RUST_MIN));
        assert_eq!(version_of(""), None);
    }
}
