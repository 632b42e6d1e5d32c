//! The real `fieldpost serve`, started on a data folder and killed without warning.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::client::{EMAIL, PASSWORD, text};
use crate::process::run_to_end;

/// A start after a crash sweeps staging and recovers the database; it takes well under a second.
const READY_WAIT: Duration = Duration::from_secs(30);

/// How the server is compiled.
#[derive(Clone, Copy)]
pub(crate) enum Build {
    /// As the tests have it: there already, and with its assertions.
    Debug,
    /// As it is used: where figures are measured.
    Release,
}

pub(crate) struct Server {
    binary: PathBuf,
    /// Of this run alone: data and log.
    folder: PathBuf,
    pub(crate) data_dir: PathBuf,
    /// SQLite in the data folder without it.
    database_url: Option<String>,
    /// The one core that it may use.
    core: Option<usize>,
    /// The same over all restarts, as a device expects.
    port: u16,
    child: Option<Child>,
}

/// A device of the owner.
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Server {
    /// Builds the binary and makes an empty folder for it.
    pub(crate) fn fresh(root: &Path, name: &str, build: Build) -> Result<Self> {
        let (args, profile): (&[&str], _) = match build {
            Build::Debug => (&[], "debug"),
            Build::Release => (&["--release"], "release"),
        };
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(root)
            .args(["build", "--locked", "--package", "fieldpost"]);
        run_to_end(cargo.args(args))?;
        let folder = root.join(format!("target/soak/{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Asked for once and freed again: the server binds it a moment later, and at each restart.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self {
            binary: root.join("target").join(profile).join("fieldpost"),
            data_dir: folder.join("data"),
            folder,
            database_url: None,
            core: None,
            port,
            child: None,
        })
    }

    /// Keeps its rows in PostgreSQL.
    pub(crate) fn with_database(mut self, url: String) -> Self {
        self.database_url = Some(url);
        self
    }

    /// Serves on one core only, by `taskset`.
    pub(crate) fn on_core(mut self, core: Option<usize>) -> Self {
        self.core = core;
        self
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.addr())
    }

    pub(crate) fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Data and log of this run, and what a soak puts beside them.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds an owner and a device by the command line.
    pub(crate) fn add_people(&self) -> Result<Device> {
        let mut user = self.command(&["user", "add", EMAIL, "--role", "owner"]);
        let mut user = user
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start fieldpost")?;
        user.stdin
            .take()
            .context("stdin is piped")?
            .write_all(format!("{PASSWORD}\n").as_bytes())?;
        if !user.wait()?.success() {
            bail!("`fieldpost user add` failed");
        }
        self.add_device("Soak")
    }

    /// One more device of the owner.
    pub(crate) fn add_device(&self, name: &str) -> Result<Device> {
        let said = self.said(&["device", "add", name, "--user", EMAIL, "--json"])?;
        Ok(Device {
            id: text(&said, "device_uuid")?,
            token: text(&said, "token")?,
        })
    }

    /// An ingest key with which every request names its device.
    pub(crate) fn add_fleet_key(&self) -> Result<String> {
        let said = self.said(&["ingest-key", "add", "--fleet", "--user", EMAIL, "--json"])?;
        text(&said, "key")
    }

    /// What a command says as JSON.
    fn said(&self, args: &[&str]) -> Result<serde_json::Value> {
        let output = self.command(args).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&said).with_context(|| format!("`{}` said {said}", args.join(" ")))
    }

    /// The same program, for something that is not on its data.
    pub(crate) fn program(&self) -> Command {
        Command::new(&self.binary)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = on_core(self.core, &self.binary);
        command.args(args).arg("--data-dir").arg(&self.data_dir);
        if let Some(url) = &self.database_url {
            command.args(["--database-url", url]);
        }
        command
    }

    /// Starts the server and waits until it says that it is ready.
    pub(crate) fn start(&mut self) -> Result<()> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        let mut command = self.command(&["serve", "--listen", &self.addr(), "--ingest-per-device-rate", "0"]);
        let child = command
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start fieldpost")?;
        let log_path = self.log_path();
        let ready = format!("{}/readyz", self.base());
        let child = self.child.insert(child);
        let start = Instant::now();
        loop {
            if ureq::get(&ready).call().is_ok() {
                return Ok(());
            }
            if let Some(status) = child.try_wait()? {
                bail!("the server ended with {status}; see {}", log_path.display());
            }
            if start.elapsed() > READY_WAIT {
                bail!(
                    "the server is not ready after {READY_WAIT:?}; see {}",
                    log_path.display()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Of the running server.
    pub(crate) fn process_id(&self) -> Result<u32> {
        Ok(self.child.as_ref().context("no server is running")?.id())
    }

    /// SIGKILL: no handler runs, no buffer is flushed.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("no server is running")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Kills it and removes what it kept; for a soak that found nothing wrong.
    pub(crate) fn discard(mut self) -> Result<()> {
        if self.child.is_some() {
            self.kill()?;
        }
        std::fs::remove_dir_all(&self.folder).context("cannot remove the folder of the soak")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

/// The program itself, or `taskset` that becomes the program.
pub(crate) fn on_core(core: Option<usize>, program: &Path) -> Command {
    let Some(core) = core else {
        return Command::new(program);
    };
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        // A soak that fails half-way leaves no server behind.
        let _ = self.kill();
    }
}
