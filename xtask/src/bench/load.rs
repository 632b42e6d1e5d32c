//! Who runs where, and what the compiled load says.
//!
//! Servers, ours and others', have one core and the load another, so that neither is faster by what the other leaves it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::ours::{json, number};
use crate::hash::sha256_hex;
use crate::process::{exists, run_to_end, say};
use crate::soak::server::on_core;

const SERVER_CORE: usize = 0;
const LOAD_CORE: usize = 1;
/// An interpreter that starts on a busy machine takes seconds.
const READY_WAIT: Duration = Duration::from_secs(30);

/// The load, built and with its core.
pub(super) struct Load {
    binary: PathBuf,
    split: bool,
}

impl Load {
    /// Builds it, and the server that it measures.
    pub(super) fn build(root: &Path) -> Result<Self> {
        say("building the release binary that is measured, and the load");
        let build = ["build", "--quiet", "--locked", "--release", "-p", "fieldpost"];
        run_to_end(Command::new(env!("CARGO")).current_dir(root).args(build).args([
            "--bins",
            "--example",
            "load",
        ]))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            binary: root.join("target/release/examples/load"),
            split: cores > LOAD_CORE && exists("taskset"),
        })
    }

    pub(super) fn cores(&self) -> &'static str {
        if self.split {
            "each server, the ceiling and the bare loops on core 0, the load on core 1 (taskset)"
        } else {
            "no taskset or a single core here: servers and load share all cores"
        }
    }

    pub(super) fn server_core(&self) -> Option<usize> {
        self.split.then_some(SERVER_CORE)
    }

    /// Sends from the load's core; the arguments follow the command's name.
    pub(super) fn send(&self, what: &str, addr: SocketAddr, args: &[&str]) -> Result<Sent> {
        let mut command = on_core(self.split.then_some(LOAD_CORE), &self.binary);
        command.arg(what).arg(addr.to_string()).args(args);
        Sent::of(json(&mut command)?)
    }

    /// Does without a server what a server does, on the server's core.
    pub(super) fn bare(&self, what: &str, folder: &Path, args: &[&str]) -> Result<Sent> {
        let mut command = on_core(self.server_core(), &self.binary);
        command.arg(what).arg(folder).args(args);
        Sent::of(json(&mut command)?)
    }

    /// The server that does nothing.
    pub(super) fn ceiling(&self) -> Result<Running> {
        Running::start(|addr| {
            let mut command = on_core(self.server_core(), &self.binary);
            command.arg("ceiling").arg(addr.to_string());
            command
        })
    }
}

/// What was acknowledged.
pub(super) struct Sent {
    pub(super) answered: f64,
    pub(super) per_s: f64,
    pub(super) said: Value,
}

impl Sent {
    fn of(said: Value) -> Result<Self> {
        let answered = number(&said, "answered")?;
        ensure!(answered > 0.0, "nothing was answered");
        let per_s = answered / number(&said, "elapsed_s")?;
        Ok(Self {
            answered,
            per_s,
            said,
        })
    }

    /// Looks for what each connection sent last; `place` makes a path of its name and hash.
    pub(super) fn check_files(&self, place: impl Fn(&str, &str) -> PathBuf) -> Result<()> {
        let samples = self.said["samples"].as_array().context("no samples")?;
        for sample in samples {
            let text = |key: &str| sample[key].as_str().context("a sample without its name");
            let (name, sha256) = (text("name")?, text("sha256")?);
            let path = place(name, sha256);
            let bytes = std::fs::read(&path)
                .with_context(|| format!("acknowledged and not there: {}", path.display()))?;
            ensure!(
                sha256_hex(&bytes) == sha256,
                "acknowledged and not the same: {}",
                path.display()
            );
        }
        Ok(())
    }
}

/// A server of this bench's own, killed when it is dropped.
pub(super) struct Running {
    child: Child,
    pub(super) addr: SocketAddr,
}

impl Running {
    pub(super) fn start(command: impl FnOnce(SocketAddr) -> Command) -> Result<Self> {
        Self::start_with(|addr| Ok(command(addr)))
    }

    pub(super) fn start_with(command: impl FnOnce(SocketAddr) -> Result<Command>) -> Result<Self> {
        // Asked for once and freed again: the server binds it a moment later.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = command(addr)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut running = Self { child, addr };
        let begun = Instant::now();
        while TcpStream::connect(addr).is_err() {
            if let Some(status) = running.child.try_wait()? {
                bail!("{command:?} ended with {status}");
            }
            ensure!(
                begun.elapsed() < READY_WAIT,
                "{command:?} is not ready after {READY_WAIT:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
