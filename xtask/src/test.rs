//! Every check, in the order in which a person wants to hear of them: the quick ones first.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::postgres::Cluster;
use crate::process::{Counts, exists, run_tests, run_to_end, say};
use crate::steps::Steps;
use crate::web::Web;
use crate::{firmware, generate, portal, soak, system, tidy};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also the long proofs: fuzzing of every target and 500 kills of the server (about two and a half hours).
    #[arg(long)]
    full: bool,
}

/// Enough kills to meet a broken recovery, few enough for every push.
const KILLS: u32 = 5;
const KILLS_FULL: u32 = 500;

pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let mut steps = Steps::default();
    let mut counts = Counts::default();
    steps.run("packages of this machine", system::install_test_packages);
    quick(root, &mut steps);
    // Built before the tests, so that the server is compiled once, with the pages in it.
    let web = built_web(root, &mut steps);
    rust_tests(root, &mut steps, &mut counts);
    chip(root, &mut steps);
    licences(root, &mut steps);
    if let Some(web) = web {
        self::web(root, &web, &mut steps, &mut counts);
    }
    clients_on_the_devices_network(root, &mut steps, &mut counts);
    let kills = if args.full { KILLS_FULL } else { KILLS };
    steps.run("kill soak", || {
        soak::kill::run(root, &soak::kill::Args::short(kills))
    });
    let fleet = if args.full {
        soak::fleet::Args::default()
    } else {
        soak::fleet::Args::short()
    };
    steps.run("fleet of simulated devices", || soak::fleet::run(root, &fleet));
    let lost_reply = if args.full {
        soak::lost_reply::Args::default()
    } else {
        soak::lost_reply::Args::short()
    };
    steps.run("lost replies", || soak::lost_reply::run(root, &lost_reply));
    clients_of_others(root, args, &mut steps);
    made_up_requests(root, args, &mut steps);
    if args.full {
        steps.run("fuzz soak", || {
            soak::fuzz::run(root, &soak::fuzz::Args::default())
        });
    }
    if !corpus_is_there(root) {
        let why = "real recordings are not here; set FIELDPOST_CORPUS to a folder that has them";
        steps.skip("tests on real recordings", why);
    }
    let summary = steps.finish();
    say(counts);
    summary
}

/// It takes root, network namespaces and programs of others.
fn clients_on_the_devices_network(root: &Path, steps: &mut Steps, counts: &mut Counts) {
    const NAME: &str = "the programs of others on a device's own network";
    match portal::prepare(root) {
        Ok(()) => {
            steps.run(NAME, || portal::run(root, counts));
        }
        Err(error) => steps.skip(NAME, format!("{error:#}")),
    }
}

/// They come from npm and PyPI, which may be out of reach.
fn clients_of_others(root: &Path, args: &Args, steps: &mut Steps) {
    const NAME: &str = "tus-js-client and tuspy over connections that break";
    if let Err(error) = soak::tus_peers::prepare(root) {
        steps.skip(NAME, format!("{error:#}"));
        return;
    }
    let args = if args.full {
        soak::tus_peers::Args::default()
    } else {
        soak::tus_peers::Args::short()
    };
    steps.run(NAME, || soak::tus_peers::run(root, &args));
}

/// Schemathesis comes from PyPI, which may be out of reach.
fn made_up_requests(root: &Path, args: &Args, steps: &mut Steps) {
    const NAME: &str = "requests made up from the API document";
    if let Err(error) = soak::api::prepare(root) {
        steps.skip(NAME, format!("{error:#}"));
        return;
    }
    let args = if args.full {
        soak::api::Args::default()
    } else {
        soak::api::Args::short()
    };
    steps.run(NAME, || soak::api::run(root, &args));
}

fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(args);
    cargo
}

fn quick(root: &Path, steps: &mut Steps) {
    steps.run("rustfmt", || {
        run_to_end(&mut cargo(root, &["fmt", "--all", "--check"]))?;
        run_to_end(&mut cargo(&root.join("firmware"), &["fmt", "--check"]))
    });
    steps.run("tidy", || tidy::run(root));
    let clippy = [
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    steps.run("clippy", || run_to_end(&mut cargo(root, &clippy)));
}

/// The web workspace, if there is a Node to install its packages and if the app builds.
fn built_web(root: &Path, steps: &mut Steps) -> Option<Web> {
    let mut web = None;
    steps.run("web packages", || {
        let found = Web::new(root)?;
        found.install()?;
        web = Some(found);
        Ok(())
    });
    let web = web?;
    steps
        .run("web build", || run_to_end(&mut web.script("build")))
        .then_some(web)
}

fn rust_tests(root: &Path, steps: &mut Steps, counts: &mut Counts) {
    steps.run("Rust tests, fuzz corpora replayed", || {
        if exists("cargo-nextest") {
            run_tests(
                &mut cargo(
                    root,
                    &["nextest", "run", "--locked", "--workspace", "--no-fail-fast"],
                ),
                counts,
            )
        } else {
            let tests = [
                "test",
                "--locked",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
                "--no-fail-fast",
            ];
            run_tests(&mut cargo(root, &tests), counts)
        }
    });
    steps.run("server tests on PostgreSQL", || postgres_tests(root, counts));
    let examples = ["test", "--locked", "--workspace", "--doc", "--no-fail-fast"];
    steps.run("examples in the documentation", || {
        run_tests(&mut cargo(root, &examples), counts)
    });
}

/// The store and everything above it once more, on the other engine. Crash tests cut the power under SQLite only: what a
/// PostgreSQL server makes durable is its own.
fn postgres_tests(root: &Path, counts: &mut Counts) -> Result<()> {
    let cluster = Cluster::start()?;
    let mut tests = if exists("cargo-nextest") {
        let filter = "not binary(crash) and not kind(lib)";
        cargo(
            root,
            &[
                "nextest",
                "run",
                "--locked",
                "-p",
                "server",
                "--no-fail-fast",
                "-E",
                filter,
            ],
        )
    } else {
        cargo(
            root,
            &["test", "--locked", "-p", "server", "--tests", "--no-fail-fast"],
        )
    };
    run_tests(cluster.given_to(&mut tests), counts)
}

/// The compiler comes from Debian, which may not be what this machine runs.
fn chip(root: &Path, steps: &mut Steps) {
    const NAME: &str = "the device's crates for a chip";
    match firmware::prepare() {
        Ok(()) => {
            steps.run(NAME, || firmware::check(root));
            steps.run("the memory of the device's core", || {
                firmware::check_footprint(root)
            });
        }
        Err(error) => steps.skip(NAME, format!("{error:#}")),
    }
}

/// Licences, duplicates and sources need no network; advisories are a git repository that may be out of reach.
fn licences(root: &Path, steps: &mut Steps) {
    let deny = |checks: &[&str]| -> Result<()> {
        let binary = system::tool(root, &system::DENY)?;
        let mut deny = Command::new(binary);
        run_to_end(
            deny.current_dir(root)
                .args(["--all-features", "--locked", "check"])
                .args(checks),
        )
    };
    steps.run("licences and sources of dependencies", || {
        deny(&["licenses", "bans", "sources"])
    });
    // The database comes by git from a host beyond the registries, so it is only used where it was fetched before.
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    if cargo_home.is_some_and(|home| home.join("advisory-dbs").is_dir()) {
        steps.run("known holes in dependencies", || deny(&["advisories"]));
    } else {
        let why = "no advisory database here; `cargo deny fetch` gets it from GitHub";
        steps.skip("known holes in dependencies", why);
    }
}

fn web(root: &Path, web: &Web, steps: &mut Steps, counts: &mut Counts) {
    steps.run("API document and types are fresh", || {
        generate::check_fresh(root, web)
    });
    for (name, script) in [("svelte-check", "check"), ("prettier and eslint", "lint")] {
        steps.run(name, || run_to_end(&mut web.script(script)));
    }
    steps.run("web tests", || run_tests(&mut web.script("test"), counts));
    let binary = ["build", "--locked", "--package", "fieldpost"];
    if steps.run("binary with the web app in it", || {
        run_to_end(&mut cargo(root, &binary))
    }) {
        steps.run("browser test", || browser(root, web, counts));
    }
    audit(web, steps);
}

fn browser(root: &Path, web: &Web, counts: &mut Counts) -> Result<()> {
    let Some(chromium) = system::chromium() else {
        anyhow::bail!("no Chromium on this machine: install one or set CHROMIUM to its path");
    };
    let mut test = web.script("e2e");
    test.env("CHROMIUM", chromium)
        .env("FIELDPOST_BIN", root.join("target/debug/fieldpost"));
    run_tests(&mut test, counts)
}

/// Known holes in npm packages, where the registry answers such questions.
fn audit(web: &Web, steps: &mut Steps) {
    let mut ping = web.npm(&["audit", "--json", "--omit=dev"]);
    let answers = ping
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("\"metadata\""));
    if answers {
        steps.run("npm audit", || {
            run_to_end(&mut web.npm(&["audit", "--omit=dev", "--audit-level=high"]))
        });
    } else {
        steps.skip("npm audit", "the npm registry in use does not answer audits");
    }
}

fn corpus_is_there(root: &Path) -> bool {
    match std::env::var_os("FIELDPOST_CORPUS") {
        Some(folder) => Path::new(&folder).is_dir(),
        None => root.join("../shared/corpus").is_dir(),
    }
}
