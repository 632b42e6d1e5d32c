//! Durable uploads a second, of 64 MiB one after the other and of 64 KiB over many connections, beside the bare system calls
//! and servers of others.
//!
//! Ours answers when bytes, name and rows would survive a power cut, and analyses what came meanwhile; every round has a
//! server and a folder of its own. What each connection sent last is looked for on disk, byte by byte.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::goals::{Goal, Reached, table};
use super::load::{Load, Running, Sent};
use super::peers::{Nginx, Tus, unless_missing};
use crate::soak::server::{Build, Server};

pub(super) const LARGE: &str = "upload-64mib";
pub(super) const SMALL: &str = "upload-64kib";

const MIB: usize = 1024 * 1024;

/// A row of this kind.
struct Row {
    name: &'static str,
    size_bytes: usize,
    connections: usize,
    rounds: usize,
    seconds: &'static str,
    /// How a figure is made of uploads a second.
    unit: &'static str,
    units_per_upload: f64,
    tus_road: &'static str,
    bare_name: &'static str,
    bare_least: f64,
    peer_least: f64,
}

const LARGE_ROW: Row = Row {
    name: LARGE,
    size_bytes: 64 * MIB,
    connections: 1,
    rounds: 7,
    seconds: "1",
    unit: "MB/s",
    units_per_upload: 67.108_864,
    tus_road: "tus-patch",
    bare_name: "bare write + fsync",
    bare_least: 0.8,
    peer_least: 1.5,
};

const SMALL_ROW: Row = Row {
    name: SMALL,
    size_bytes: 64 * 1024,
    connections: 32,
    rounds: 5,
    seconds: "3",
    unit: "/s",
    units_per_upload: 1.0,
    tus_road: "tus-create",
    bare_name: "bare create + fsync + rename + folder fsync, 32 at once",
    bare_least: 0.5,
    peer_least: 10.0,
};

/// Files of a bare loop that take about as long as the others' round.
const BARE_FILES: &str = "8";
const WARM_UP_S: &str = "0.3";

pub(super) fn large(root: &Path, folder: &Path) -> Result<String> {
    LARGE_ROW.measure(root, folder)
}

pub(super) fn small(root: &Path, folder: &Path) -> Result<String> {
    SMALL_ROW.measure(root, folder)
}

impl Row {
    fn measure(&self, root: &Path, folder: &Path) -> Result<String> {
        let load = Load::build(root)?;
        let tus = unless_missing("@tus/server", Tus::prepare(folder));
        let nginx = unless_missing("nginx", Nginx::prepare(folder));
        let mut ceiling = Reached::of("ceiling of the load: a server that reads and answers 200");
        let mut bare = Reached::of(self.bare_name);
        let mut ours = Reached::of("fieldpost, POST /api/upload, durable");
        let mut theirs = tus.as_ref().map(|tus| Reached::of(&tus.name));
        let mut interest = nginx.as_ref().map(|nginx| Reached::of(&nginx.name));
        let note = |reached: &mut Reached, sent: &Sent| {
            reached.figures.push(sent.per_s * self.units_per_upload);
        };
        for _ in 0..self.rounds {
            note(&mut ceiling, &self.ceiling(&load)?);
            note(&mut bare, &self.bare(&load, &folder.join("bare"))?);
            note(&mut ours, &self.ours(&load, root)?);
            if let (Some(tus), Some(theirs)) = (&tus, &mut theirs) {
                let files = emptied(folder.join("tus-files"))?;
                let running = Running::start(|addr| tus.command(load.server_core(), addr, &files))?;
                let sent = self.send(&load, &running, self.tus_road)?;
                sent.check_files(|name, _| files.join(name))?;
                note(theirs, &sent);
            }
            if let (Some(nginx), Some(interest)) = (&nginx, &mut interest) {
                let place = emptied(folder.join("nginx-files"))?;
                let running = Running::start_with(|addr| nginx.command(load.server_core(), addr, &place))?;
                let sent = self.send(&load, &running, "put")?;
                sent.check_files(|name, _| place.join("files").join(name))?;
                note(interest, &sent);
            }
        }
        for left in ["tus-files", "nginx-files"] {
            emptied(folder.join(left))?;
        }
        let mut reached = vec![&ceiling, &bare, &ours];
        reached.extend(&theirs);
        reached.extend(&interest);
        let goals = [
            self.goal(&ours, Some(&bare), self.bare_name, self.bare_least),
            self.goal(&ours, theirs.as_ref(), "@tus/server", self.peer_least),
        ];
        let title = format!(
            "{}: median of {} rounds; {}",
            self.name,
            self.rounds,
            load.cores()
        );
        Ok(table(&title, self.unit, &reached, &goals))
    }

    fn goal<'r>(
        &self,
        ours: &'r Reached,
        beside: Option<&'r Reached>,
        beside_name: &'r str,
        least: f64,
    ) -> Goal<'r> {
        Goal {
            ours,
            beside,
            beside_name,
            least,
        }
    }

    fn ceiling(&self, load: &Load) -> Result<Sent> {
        self.send(load, &load.ceiling()?, "raw")
    }

    fn bare(&self, load: &Load, folder: &Path) -> Result<Sent> {
        let size = self.size_bytes.to_string();
        if self.connections == 1 {
            return load.bare("bare-writes", folder, &[&size, BARE_FILES]);
        }
        let threads = self.connections.to_string();
        load.bare("bare-files", folder, &[&size, &threads, self.seconds])
    }

    fn ours(&self, load: &Load, root: &Path) -> Result<Sent> {
        let mut server = Server::fresh(root, self.name, Build::Release)?.on_core(load.server_core());
        let device = server.add_people()?;
        server.start()?;
        let addr = server.addr().parse()?;
        let token = ["--token", &device.token];
        self.send_to(load, addr, "raw", WARM_UP_S, &token)?;
        let sent = self.send_to(load, addr, "raw", self.seconds, &token)?;
        let team = std::fs::read_dir(server.data_dir.join("raw"))?.next();
        let team = team.context("nothing was stored")??.path();
        sent.check_files(|_, sha256| team.join(sha256))?;
        server.discard()?;
        Ok(sent)
    }

    fn send(&self, load: &Load, to: &Running, road: &str) -> Result<Sent> {
        self.send_to(load, to.addr, road, WARM_UP_S, &[])?;
        self.send_to(load, to.addr, road, self.seconds, &[])
    }

    fn send_to(
        &self,
        load: &Load,
        addr: std::net::SocketAddr,
        road: &str,
        seconds: &str,
        more: &[&str],
    ) -> Result<Sent> {
        let (size, connections) = (self.size_bytes.to_string(), self.connections.to_string());
        let mut args = vec![
            "--road",
            road,
            "--size-bytes",
            &size,
            "--connections",
            &connections,
        ];
        args.extend(["--seconds", seconds]);
        args.extend(more);
        load.send("uploads", addr, &args)
    }
}

/// Of this bench alone; what an earlier round left in it goes.
fn emptied(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
