//! What the checks need on the machine: Debian packages by apt, cargo tools into `target/tools`.
//!
//! It looks first and installs only what is missing; it says what it will do before it does it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::postgres;
use crate::process::{exists, output, run_to_end, say};

/// A Debian package and the programs any of which makes it unnecessary.
struct Package {
    name: &'static str,
    programs: &'static [&'static str],
    needed_for: &'static str,
}

/// SQLite and zstd are compiled from C; the store's tests run on both engines; the browser test drives a real Chromium; cards are
/// checked by the tools that computers check them with.
const TEST_PACKAGES: [Package; 6] = [
    Package {
        name: "postgresql",
        programs: &[],
        needed_for: "the store's tests on PostgreSQL (a server of their own is started; the one that the package sets up is \
                     left alone)",
    },
    Package {
        name: "python3-venv",
        programs: &["python3"],
        needed_for: "schemathesis, which makes up requests from the API document",
    },
    Package {
        name: "gcc",
        programs: &["cc"],
        needed_for: "compiling SQLite and zstd",
    },
    Package {
        name: "chromium",
        programs: &["chromium", "chromium-browser", "google-chrome"],
        needed_for: "the browser test",
    },
    Package {
        name: "dosfstools",
        programs: &["fsck.fat", "/usr/sbin/fsck.fat"],
        needed_for: "the tests of the card, which format by mkfs.fat and check by fsck.fat",
    },
    Package {
        name: "mtools",
        programs: &["mcopy"],
        needed_for: "the tests of the card, which fill it as a computer does",
    },
];

/// libFuzzer is C++.
const FUZZ_PACKAGES: [Package; 1] = [Package {
    name: "g++",
    programs: &["c++"],
    needed_for: "compiling libFuzzer",
}];

/// Clients that others wrote, for the device's own network. Only root can use them so.
const PORTAL_PACKAGES: [Package; 7] = {
    const fn client(name: &'static str, programs: &'static [&'static str]) -> Package {
        Package {
            name,
            programs,
            needed_for: "joining a device's own network as phones and laptops do",
        }
    }
    [
        client("iproute2", &["ip"]),
        client("udhcpc", &["udhcpc"]),
        client("dnsutils", &["dig"]),
        client("curl", &["curl"]),
        client("dbus-daemon", &["dbus-daemon"]),
        client("avahi-daemon", &["avahi-daemon"]),
        client("avahi-utils", &["avahi-resolve"]),
    ]
};

/// A compiler for chips, with its library's source. Its `cargo` may stand behind another on the path, so none is looked for.
const CHIP_PACKAGES: [Package; 6] = {
    const fn chip(name: &'static str) -> Package {
        Package {
            name,
            programs: &[],
            needed_for: "building the device's crates for a chip",
        }
    }
    [
        chip("rustc-web"),
        chip("cargo-web"),
        chip("rust-web-src"),
        chip("rust-web-llvm"),
        chip("libstd-rust-web-dev"),
        chip("lld-22"),
    ]
};

pub(crate) fn install_test_packages() -> Result<()> {
    install(&TEST_PACKAGES)
}

const EMULATOR_PACKAGES: [Package; 1] = [Package {
    name: "qemu-system-misc",
    programs: &["qemu-system-riscv32"],
    needed_for: "counting instructions on an emulated chip",
}];

pub(crate) fn install_emulator_packages() -> Result<()> {
    install(&EMULATOR_PACKAGES)
}

pub(crate) fn install_chip_packages() -> Result<()> {
    install(&CHIP_PACKAGES)
}

pub(crate) fn install_portal_packages() -> Result<()> {
    install(&PORTAL_PACKAGES)
}

pub(crate) fn install_fuzz_packages() -> Result<()> {
    install(&FUZZ_PACKAGES)
}

/// The path of the browser for the end-to-end test: `CHROMIUM` if set, else the first that is on the path.
pub(crate) fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CHROMIUM") {
        return Some(PathBuf::from(path));
    }
    let programs = TEST_PACKAGES
        .iter()
        .find(|package| package.name == "chromium")?
        .programs;
    programs.iter().find_map(|program| on_path(program))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn install(packages: &[Package]) -> Result<()> {
    let missing: Vec<&Package> = packages.iter().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        say("nothing to install");
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    for package in &missing {
        say(format_args!(
            "will install {} by apt, for {}",
            package.name, package.needed_for
        ));
    }
    let by_hand = format!("apt-get install {}", names.join(" "));
    if !exists("apt-get") {
        bail!("no apt-get on this machine: install the equivalent of `{by_hand}` and run this again");
    }
    let root = is_root()?;
    if !root && !exists("sudo") {
        bail!("neither root nor sudo here: run `{by_hand}` as root and run this again");
    }
    let apt = |args: &[&str]| {
        let mut command = if root {
            Command::new("apt-get")
        } else {
            Command::new("sudo")
        };
        if !root {
            command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        command.env("DEBIAN_FRONTEND", "noninteractive").args(args);
        command
    };
    run_to_end(&mut apt(&["update", "-qq"]))?;
    run_to_end(apt(&["install", "-y", "--no-install-recommends"]).args(&names))
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

fn is_installed(package: &Package) -> bool {
    match package.name {
        // Debian keeps the server's programs off the path.
        "postgresql" => postgres::programs().is_some(),
        // Not all of them know `--version`, and some are where only root looks.
        _ => package
            .programs
            .iter()
            .any(|program| Path::new(program).is_file() || on_path(program).is_some()),
    }
}

/// A cargo subcommand that is no part of Rust.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// Pinned, so that a new release cannot turn a green tree red.
    pub(crate) version: &'static str,
}

pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};
pub(crate) const FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    version: "0.13.2",
};

/// Where the tool is: on the path, or in `target/tools` after installing it there if need be.
pub(crate) fn tool(root: &Path, tool: &Tool) -> Result<PathBuf> {
    if exists(tool.name) {
        return Ok(PathBuf::from(tool.name));
    }
    let home = root.join("target/tools");
    let binary = home.join("bin").join(tool.name);
    if !binary.exists() {
        say(format_args!(
            "will install {} {} into target/tools (some minutes, once)",
            tool.name, tool.version
        ));
        let mut install = Command::new("cargo");
        install.args([
            "install",
            "--locked",
            "--version",
            tool.version,
            tool.name,
            "--root",
        ]);
        run_to_end(install.arg(&home))?;
    }
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_full_path() {
        assert!(on_path("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(on_path("no-such-program-anywhere"), None);
    }
}
