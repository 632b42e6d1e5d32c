//! Durable heartbeats a second over 64 kept-alive connections, beside a plain Flask application and bare inserts.
//!
//! One a request as loggers send them, a session that grows for an hour of minutes; arrays of 100 in which every heartbeat is a
//! session of its own, so that each is a row for us too, and, for interest, arrays of such hours. Every session that was
//! acknowledged is counted afterwards. Why there are two bounds: `docs/decisions/0021-what-bounds-heartbeats.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::goals::{Goal, Reached, table};
use super::load::{Load, Running, Sent};
use super::ours::number;
use super::peers::{Flask, unless_missing};
use crate::soak::client::Client;
use crate::soak::server::{Build, Device, Server};

pub(super) const NAME: &str = "heartbeats";

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const SECONDS: &str = "2";
const WARM_UP_S: &str = "0.3";
/// Of all devices' loads: no two have a session in common. 2020-09-13 and on, 115 days for each load.
const FIRST_START: u64 = 1_600_000_000;
const START_STEP: u64 = 10_000_000;
/// The goal was set as 25 000 where bare inserts reach 140 000.
const ONE_OF_BOUND_LEAST: f64 = 25.0 / 140.0;
const ONE_OF_FLASK_LEAST: f64 = 35.0;
const HUNDRED_OF_BOUND_LEAST: f64 = 0.5;

/// How heartbeats are sent.
#[derive(Clone, Copy)]
struct Shape {
    each: &'static str,
    per_session: &'static str,
}

const ONE: Shape = Shape {
    each: "1",
    per_session: "60",
};
const HUNDRED: Shape = Shape {
    each: "100",
    per_session: "1",
};
const HUNDRED_OF_HOURS: Shape = Shape {
    each: "100",
    per_session: "60",
};

struct Ours {
    server: Server,
    devices: Vec<Device>,
    tokens: PathBuf,
    start: u64,
    sessions: f64,
}

impl Ours {
    fn start(root: &Path, load: &Load) -> Result<Self> {
        let mut server = Server::fresh(root, NAME, Build::Release)?.on_core(load.server_core());
        let mut devices = vec![server.add_people()?];
        for number in 1..CONNECTIONS {
            devices.push(server.add_device(&format!("Logger {number}"))?);
        }
        let tokens = server.folder().join("tokens");
        let lines: Vec<&str> = devices.iter().map(|device| device.token.as_str()).collect();
        std::fs::write(&tokens, lines.join("\n"))?;
        server.start()?;
        Ok(Self {
            server,
            devices,
            tokens,
            start: FIRST_START,
            sessions: 0.0,
        })
    }

    fn send(&mut self, load: &Load, shape: Shape, seconds: &str) -> Result<Sent> {
        let sent = send(
            load,
            self.server.addr().parse()?,
            &self.tokens,
            shape,
            self.start,
            seconds,
        )?;
        self.start += START_STEP;
        self.sessions += number(&sent.said, "sessions")?;
        Ok(sent)
    }

    /// Everything that was acknowledged is there.
    fn check(self) -> Result<()> {
        let client = Client::new(self.server.base());
        let cookie = client.sign_in()?;
        let mut found = 0.0;
        for device in &self.devices {
            let path = format!("/api/v1/devices/{}/uptime?limit=1", device.id);
            found += number(&client.json(&cookie, &path)?, "sessions_total")?;
        }
        let acknowledged = self.sessions;
        ensure!(
            found == acknowledged,
            "{acknowledged} sessions were acknowledged, {found} are there"
        );
        self.server.discard()
    }
}

fn send(
    load: &Load,
    addr: std::net::SocketAddr,
    tokens: &Path,
    shape: Shape,
    start: u64,
    seconds: &str,
) -> Result<Sent> {
    let (start, tokens) = (start.to_string(), tokens.to_string_lossy());
    let mut args = vec!["--tokens", &tokens, "--start", &start, "--seconds", seconds];
    args.extend(["--each", shape.each, "--per-session", shape.per_session]);
    load.send("heartbeats", addr, &args)
}

/// A Flask of a round, with its own database.
fn flask_round(load: &Load, flask: &Flask, folder: &Path, tokens: &Path) -> Result<Sent> {
    let place = folder.join("flask-rows");
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    std::fs::create_dir_all(&place)?;
    let database = place.join("heartbeats.db");
    let running = Running::start(|addr| flask.command(load.server_core(), addr, &database, tokens))?;
    let warm = send(load, running.addr, tokens, ONE, FIRST_START, WARM_UP_S)?;
    let sent = send(load, running.addr, tokens, ONE, FIRST_START + START_STEP, SECONDS)?;
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .build();
    let mut answer = ureq::Agent::from(agent)
        .get(format!("http://{}/count", running.addr))
        .call()?;
    let counted = number(&answer.body_mut().read_json()?, "count").context("the peer's rows")?;
    ensure!(
        counted == warm.answered + sent.answered,
        "the peer acknowledged other rows than the {counted} that it has"
    );
    Ok(sent)
}

pub(super) fn measure(root: &Path, folder: &Path) -> Result<String> {
    let load = Load::build(root)?;
    let flask = unless_missing("Flask", Flask::prepare(folder));
    let mut ours = Ours::start(root, &load)?;
    let tokens = ours.tokens.clone();
    for shape in [ONE, HUNDRED, HUNDRED_OF_HOURS] {
        ours.send(&load, shape, WARM_UP_S)?;
    }
    let mut ceiling_one = Reached::of("ceiling of the load, one a request");
    let mut ceiling_hundred = Reached::of("ceiling of the load, arrays of 100");
    let mut bound = Reached::of(
        "bare SQLite inserts of 7 columns, no key, no index, 1 000 a commit, WAL + synchronous=FULL",
    );
    let mut same = Reached::of("the same inserts of our row: 17 columns, its key, its index (for interest)");
    let mut one = Reached::of("fieldpost, one a request, durable");
    let mut hundred = Reached::of("fieldpost, arrays of 100, each a session");
    let mut hours = Reached::of("fieldpost, arrays of 100, minutes of hours (for interest)");
    let mut theirs = flask.as_ref().map(|flask| Reached::of(&flask.name));
    for _ in 0..ROUNDS {
        let ceiling = load.ceiling()?;
        for (reached, shape) in [(&mut ceiling_one, ONE), (&mut ceiling_hundred, HUNDRED)] {
            let sent = send(&load, ceiling.addr, &tokens, shape, FIRST_START, SECONDS)?;
            reached.figures.push(sent.per_s);
        }
        drop(ceiling);
        for (reached, shape) in [(&mut bound, "plain"), (&mut same, "ours")] {
            let bare = load.bare("bare-rows", &folder.join("rows"), &[SECONDS, shape])?;
            reached.figures.push(bare.per_s);
        }
        for (reached, shape) in [
            (&mut one, ONE),
            (&mut hundred, HUNDRED),
            (&mut hours, HUNDRED_OF_HOURS),
        ] {
            reached.figures.push(ours.send(&load, shape, SECONDS)?.per_s);
        }
        if let (Some(flask), Some(theirs)) = (&flask, &mut theirs) {
            theirs
                .figures
                .push(flask_round(&load, flask, folder, &tokens)?.per_s);
        }
    }
    ours.check()?;
    let goal = |ours, beside, beside_name, least| Goal {
        ours,
        beside,
        beside_name,
        least,
    };
    let goals = [
        goal(&one, Some(&bound), "the bare inserts", ONE_OF_BOUND_LEAST),
        goal(
            &one,
            theirs.as_ref(),
            "Flask's, one a request",
            ONE_OF_FLASK_LEAST,
        ),
        goal(&hundred, Some(&bound), "the bare inserts", HUNDRED_OF_BOUND_LEAST),
    ];
    let mut reached = vec![
        &ceiling_one,
        &ceiling_hundred,
        &bound,
        &same,
        &one,
        &hundred,
        &hours,
    ];
    reached.extend(&theirs);
    let title = format!(
        "{NAME}: {CONNECTIONS} connections, median of {ROUNDS} rounds; {}",
        load.cores()
    );
    Ok(table(&title, "/s", &reached, &goals))
}
