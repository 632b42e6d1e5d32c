//! `fieldpost sim fleet`: devices that record, lose power, network and answers, and must deliver everything in the end.

mod check;
mod display;
mod summary;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use jiff::Timestamp;
use sim::fleet::{Faults, Held, Kind, News, Report, Role, Said, Setup};

use super::place::Server;
use crate::output;
use check::Pulse;
use display::Display;
use summary::Summary;

/// A thread each; beyond it one machine says more of itself than of the server.
const DEVICES_MAX: u32 = 2000;
const SPEED_MAX: f64 = 1000.0;

#[derive(Debug, clap::Args)]
pub(super) struct Fleet {
    /// Base URL of the server, by plain HTTP: http://127.0.0.1:8080
    #[arg(long, env = "FIELDPOST_SERVER", value_name = "URL")]
    server: String,
    /// An ingest key of a fleet, as `fieldpost ingest-key add --fleet` prints it.
    #[arg(long, env = "FIELDPOST_INGEST_KEY", value_name = "K", hide_env_values = true)]
    key: String,
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=i64::from(DEVICES_MAX)))]
    devices: u32,
    /// What the devices are.
    #[arg(long, value_enum, default_value_t = What::Mixed)]
    kind: What,
    /// How rough their rough time is.
    #[arg(long, value_enum, default_value_t = Roughness::Harsh)]
    faults: Roughness,
    /// How much faster than ours their time goes.
    #[arg(long, value_name = "X", default_value_t = 20.0)]
    speed: f64,
    /// Seconds of our time until nothing goes wrong any more.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    rough: u32,
    /// Seconds of our time that they then have to deliver everything.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    patience: u32,
    /// Other devices and other rides for another number; without it drawn from the clock.
    #[arg(long)]
    seed: Option<u64>,
    /// Write every recording with its SHA-256 and its receipt there, one JSON value a line.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    Race,
    Uptime,
    Camera,
    Mixed,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Roughness {
    None,
    Mild,
    Harsh,
}

impl Fleet {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        ensure!(
            self.speed > 0.0 && self.speed <= SPEED_MAX,
            "--speed is a number above 0 and up to {SPEED_MAX}"
        );
        let server = Server::reach(&self.server, &self.key)?;
        let setup = self.setup(&server)?;
        let pulse = Pulse::feel(&server);
        let began = Instant::now();
        let devices = setup.roles.len();
        let fleet = sim::fleet::Fleet::launch(setup).context("a thread for each device cannot be started")?;
        let display = Display::new(devices);
        let reports = collect(&fleet.news, &display);
        display.finish();
        let fallen = fleet.join();
        let restarts = pulse.stop();
        let mut summary = Summary::of(&reports, devices, restarts);
        if fallen > 0 {
            summary.violations.push(format!("{fallen} devices fell over"));
        }
        check::ask(&server, &reports, &mut summary)?;
        summary.seconds = began.elapsed().as_secs_f64();
        if let Some(path) = &self.list {
            list(path, &reports).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        if self.json {
            output::answer_json(&summary)?;
        } else {
            output::answer(&summary.to_text())?;
        }
        Ok(if summary.violations.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn setup(&self, server: &Server) -> anyhow::Result<Setup> {
        let rough = Duration::from_secs(self.rough.into());
        let patience = Duration::from_secs(self.patience.into());
        let now = Timestamp::now();
        let seed = self.seed.unwrap_or_else(|| now.as_nanosecond() as u64);
        // Their clocks run faster: what they say is past by the time they say it.
        let ahead = (rough + patience).mul_f64((self.speed - 1.0).max(0.0));
        let began_utc_ms = now.as_millisecond() - i64::try_from(ahead.as_millis())?;
        let faults = match self.faults {
            Roughness::None => Faults::None,
            Roughness::Mild => Faults::Mild,
            Roughness::Harsh => Faults::Harsh,
        };
        let role = |place| Role::draw(seed, place, self.kind(place), faults, rough.mul_f64(self.speed));
        Ok(Setup {
            address: server.address,
            host: server.host.clone(),
            base: server.base.clone(),
            server_keys: server.keys.clone(),
            roles: (0..self.devices).map(role).collect(),
            faults,
            speed: self.speed,
            patience,
            began_utc_ms,
        })
    }

    /// In a mixed fleet every second records rides.
    fn kind(&self, place: u32) -> Kind {
        match (self.kind, place % 4) {
            (What::Race, _) | (What::Mixed, 0 | 2) => Kind::Race,
            (What::Camera, _) | (What::Mixed, 1) => Kind::Camera,
            (What::Uptime, _) | (What::Mixed, _) => Kind::Uptime,
        }
    }
}

/// Reads what the devices tell until the last of them has ended.
fn collect(news: &std::sync::mpsc::Receiver<News>, display: &Display) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut scene = display::Scene::default();
    for News { device, said, .. } in news {
        match said {
            Said::Born(_) => {}
            Said::Did(deed) => scene.did(&deed),
            Said::Stands(standing) => scene.stands(device, standing),
            Said::Ended(report) => {
                scene.ended(device, &report);
                reports.push(*report);
            }
        }
        display.show(&scene);
    }
    reports
}

fn list(path: &Path, reports: &[Report]) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for held in reports.iter().flat_map(|report| &report.held) {
        write_line(&mut file, held)?;
    }
    file.flush()
}

fn write_line(file: &mut impl Write, held: &Held) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, held)?;
    file.write_all(b"\n")
}
