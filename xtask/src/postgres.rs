//! A PostgreSQL server for the tests: on a port and in a folder of its own, gone afterwards. One that runs on this machine
//! already is not touched.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{exists, output, run_to_end};

/// Makes databases for the tests.
const ADMIN: &str = "fieldpost_admin";
/// What a server's role should be: no superuser, bound by row-level security.
const PLAIN_ROLE: &str = "fieldpost_plain";
/// PostgreSQL refuses to run as root; its Debian package makes this user.
const USER: &str = "postgres";

/// Where Debian puts the server's programs, the newest version last; they are not on the path there.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|folder| folder.join("postgres").is_file())
        .collect();
    folders.sort();
    folders.pop()
}

/// Where tests find the server.
const VARIABLE: &str = "FIELDPOST_TEST_POSTGRES";

/// Runs a command that is to use a server.
pub(crate) fn run(root: &Path, command: &[String]) -> Result<()> {
    let (program, args) = command.split_first().context("no command given")?;
    let cluster = Cluster::start()?;
    let mut command = Command::new(program);
    run_to_end(cluster.given_to(command.args(args).current_dir(root)))
}

/// Runs until it is dropped.
pub(crate) struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    as_user: bool,
}

impl Cluster {
    pub(crate) fn start() -> Result<Self> {
        let programs =
            programs().context("no PostgreSQL in /usr/lib/postgresql: apt-get install postgresql")?;
        let folder = scratch().join(format!("fieldpost-postgres-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let cluster = Self {
            folder,
            programs,
            port: free_port()?,
            as_user: output(Command::new("id").arg("-u"))?.trim() == "0" && exists("runuser"),
        };
        if cluster.as_user {
            run_to_end(Command::new("chown").arg(USER).arg(&cluster.folder))?;
        }
        let data = cluster.folder.join("data");
        run_to_end(cluster.program("initdb").arg("-D").arg(&data).args([
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--username",
            ADMIN,
        ]))?;
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c max_connections=300",
            cluster.port,
            cluster.folder.display()
        );
        let start = ["start", "--silent", "--wait", "--options", &options];
        let mut pg_ctl = cluster.program("pg_ctl");
        run_to_end(
            pg_ctl
                .arg("-D")
                .arg(&data)
                .arg("-l")
                .arg(cluster.log())
                .args(start),
        )
        .with_context(|| fs::read_to_string(cluster.log()).unwrap_or_default())?;
        let role = format!("CREATE ROLE {PLAIN_ROLE} LOGIN");
        run_to_end(cluster.program("psql").args(["-q", "-c", &role, &cluster.url()]))?;
        Ok(cluster)
    }

    /// Lets a command's tests use this server.
    pub(crate) fn given_to<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env(VARIABLE, self.url())
    }

    /// Makes a database for a server and gives its address there, as a role that is no superuser.
    pub(crate) fn database(&self, name: &str) -> Result<String> {
        let make = format!("CREATE DATABASE {name} OWNER {PLAIN_ROLE}");
        run_to_end(self.program("psql").args(["-q", "-c", &make, &self.url()]))?;
        Ok(format!("postgres://{PLAIN_ROLE}@127.0.0.1:{}/{name}", self.port))
    }

    /// Of a role that may make databases.
    fn url(&self) -> String {
        format!("postgres://{ADMIN}@127.0.0.1:{}/postgres", self.port)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        if !self.as_user {
            return Command::new(path);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", USER, "--"]).arg(path).current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let stop = ["stop", "--silent", "--mode", "immediate"];
        // What is left to lose here is scratch; the tests have been counted by now.
        let _stopped = self.program("pg_ctl").arg("-D").arg(data).args(stop).status();
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

/// Memory where the machine has such a folder: hundreds of databases would wear a disk for nothing.
fn scratch() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

fn free_port() -> Result<u16> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(taken.local_addr()?.port())
}
