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

/// The program that counts what a tick of the recorder costs.
pub(crate) fn build_tick(root: &Path) -> Result<PathBuf> {
    let mut build = debians_cargo(&root.join("firmware"));
    build.args(["build", "--locked", "--release", "-p", "tick"]);
    build.arg("--target-dir").arg(target_dir(root));
    run_to_end(&mut build)?;
    Ok(target_dir(root).join(TARGET).join("release/tick"))
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
    fn versions_are_compared_as_numbers() {
        assert!(version_of("cargo 1.100.0 (abc 2027-01-01)").is_some_and(|v| v >= RUST_MIN));
        assert!(version_of("cargo 1.63.0").is_some_and(|v| v < RUST_MIN));
        assert_eq!(version_of(""), None);
    }
}
