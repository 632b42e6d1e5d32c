//! A device's own network before the DHCP client, the resolver, the browser and the responder of others.
//!
//! Each gets a network namespace of its own, which takes root. What is installed for it is said first.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{Counts, exists, output, run_tests};
use crate::system;

/// Installs what is missing; an error says why nobody can join here.
pub(crate) fn prepare(root: &Path) -> Result<()> {
    if !system::is_root()? {
        bail!("only root can lay cables between namespaces: run `cargo xtask portal` as root");
    }
    system::install_portal_packages()?;
    let name = format!("fieldpost-{}", std::process::id());
    let ip = |verb| output(Command::new("ip").args(["netns", verb, &name]));
    if let Err(error) = ip("add").and_then(|_| ip("delete")) {
        bail!("this machine gives no network namespaces: {error:#}");
    }
    if system::chromium().is_none() || !root.join("web/node_modules/playwright-core").is_dir() {
        bail!("the browser's part needs Chromium, and `npm ci` in web/");
    }
    Ok(())
}

pub(crate) fn run(root: &Path, counts: &mut Counts) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(root)
        .env("CHROMIUM", system::chromium().unwrap_or_default());
    if exists("cargo-nextest") {
        cargo.args([
            "nextest",
            "run",
            "--locked",
            "-p",
            "sim",
            "--test",
            "portal_linux",
        ]);
        cargo.args(["--run-ignored", "only", "--no-fail-fast"]);
    } else {
        cargo.args([
            "test",
            "--locked",
            "-p",
            "sim",
            "--test",
            "portal_linux",
            "--no-fail-fast",
        ]);
        cargo.args(["--", "--ignored"]);
    }
    run_tests(&mut cargo, counts)
}
