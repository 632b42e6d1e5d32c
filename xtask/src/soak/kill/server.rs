//! The real `fieldpost serve`, started on a data folder and killed without warning.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::client::{EMAIL, PASSWORD};

/// A start after a crash sweeps staging and recovers the database; it takes well under a second.
const READY_WAIT: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    binary: PathBuf,
    pub(crate) data_dir: PathBuf,
    /// The same over all restarts, as a device expects.
    port: u16,
    child: Option<Child>,
}

impl Server {
    pub(crate) fn prepare(binary: PathBuf, data_dir: PathBuf) -> Result<Self> {
        // Asked for once and freed again: the server binds it a moment later, and at each restart.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self {
            binary,
            data_dir,
            port,
            child: None,
        })
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds an owner and a device by the command line; answers the device's token.
    pub(crate) fn add_people(&self) -> Result<String> {
        let mut user = self.command(&["user", "add", EMAIL, "--role", "owner"]);
        let mut user = user
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start fieldpost")?;
        user.stdin
            .take()
            .context("stdin is piped")?
            .write_all(format!("{PASSWORD}\n").as_bytes())?;
        if !user.wait()?.success() {
            bail!("`fieldpost user add` failed");
        }
        let device = self
            .command(&["device", "add", "Soak", "--user", EMAIL, "--json"])
            .output()?;
        let text = String::from_utf8_lossy(&device.stdout);
        let answer: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("`device add` said {text}"))?;
        let token = answer["token"]
            .as_str()
            .with_context(|| format!("no token in {text}"))?;
        Ok(token.to_owned())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--data-dir").arg(&self.data_dir);
        command
    }

    /// Starts the server and waits until it says that it is ready.
    pub(crate) fn start(&mut self) -> Result<()> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        let mut command = self.command(&["serve", "--listen", &format!("127.0.0.1:{}", self.port)]);
        let child = command
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start fieldpost")?;
        let child = self.child.insert(child);
        let start = Instant::now();
        let ready = format!("http://127.0.0.1:{}/readyz", self.port);
        loop {
            if ureq::get(&ready).call().is_ok() {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                bail!(
                    "the server ended with {status}; see {}",
                    self.log_path().display()
                );
            }
            if start.elapsed() > READY_WAIT {
                bail!(
                    "the server is not ready after {READY_WAIT:?}; see {}",
                    self.log_path().display()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGKILL: no handler runs, no buffer is flushed.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("no server is running")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    fn log_path(&self) -> PathBuf {
        self.data_dir
            .parent()
            .unwrap_or(Path::new("."))
            .join("server.log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A soak that fails half-way leaves no server behind.
        let _ = self.kill();
    }
}
