//! Three devices that work before the user's eyes: a race logger on a track, an aircraft that counts its hours, a camera. They lose
//! their network, get it back, and deliver.

use std::time::Duration;

use anyhow::Context;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use sim::fleet::{Act, Deed, Faults, Fleet, Instant, Kind, News, Plan, Role, Said, Setup, Standing};
use sim::unit::{Course, Ride};
use sim::{Session, Vehicle};

use super::watch::Watch;
use crate::commands::sim::place::Server;
use crate::output;

const LAPS: u32 = 3;
/// Started, warm, belted in.
const DRIVE_S: u64 = 25;
/// A delivery on the same machine takes a moment.
const PATIENCE: Duration = Duration::from_secs(120);
const GOOD_AFTER: Duration = Duration::from_secs(20);

/// What is to come of them.
pub(super) struct Live {
    setup: Setup,
    names: [&'static str; 3],
}

impl Live {
    /// Recordings of drives that they deliver.
    pub(super) const SESSIONS: usize = 1;

    pub(super) fn new(server: Server, seed: u64, speed: f64, now_utc_ms: i64) -> anyhow::Result<Self> {
        let roles = roles(seed)?;
        let ends = roles.iter().map(|role| role.plan.good_from);
        let longest_ms = i64::try_from(ends.max().unwrap_or_default().as_millis())?;
        Ok(Self {
            setup: Setup {
                address: server.address,
                host: server.host,
                base: server.base,
                server_keys: server.keys,
                roles,
                faults: Faults::None,
                speed,
                patience: PATIENCE,
                // By the end of it their clocks show the time that it is.
                began_utc_ms: now_utc_ms - longest_ms,
            },
            names: ["Race logger", "Aircraft", "Camera"],
        })
    }

    /// Lets them live, and tells of it until each has delivered everything.
    pub(super) fn show(self, watch: &Watch, is_quiet: bool) -> anyhow::Result<()> {
        let fleet = Fleet::launch(self.setup).context("a thread for each device cannot be started")?;
        let stage = Stage::new(is_quiet);
        let mut actors = self.names.map(Actor::new);
        for News { device, at_ms, said } in &fleet.news {
            let Some(actor) = actors.get_mut(device) else {
                continue;
            };
            match said {
                Said::Born(id) => actor.id = id,
                Said::Did(deed) => stage.tell(at_ms, actor.name, &words(&deed)),
                Said::Stands(standing) => {
                    actor.standing = standing;
                    if !actor.is_adopted && standing.figures.answered > 0 {
                        watch.adopt(&actor.id, actor.name)?;
                        actor.is_adopted = true;
                    }
                    stage.show(&actors);
                }
                Said::Ended(report) => {
                    if let Some(wrong) = report.violations.first() {
                        anyhow::bail!("{}: {wrong}", actor.name);
                    }
                    stage.tell(at_ms, actor.name, "has delivered everything");
                }
            }
        }
        fleet.join();
        Ok(())
    }
}

/// One of them, as far as it is told of.
struct Actor {
    name: &'static str,
    id: String,
    is_adopted: bool,
    standing: Standing,
}

impl Actor {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            id: String::new(),
            is_adopted: false,
            standing: Standing::default(),
        }
    }
}

/// Where it is told: a line for each happening, with what was delivered below the last.
struct Stage {
    bar: ProgressBar,
    is_quiet: bool,
}

impl Stage {
    fn new(is_quiet: bool) -> Self {
        let bar = if is_quiet {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}") {
            bar.set_style(style);
        }
        Self { bar, is_quiet }
    }

    fn tell(&self, at_ms: u64, who: &str, what: &str) {
        let line = format!("{:>3}:{:02}  {who:<12} {what}", at_ms / 60_000, at_ms / 1000 % 60);
        if !self.is_quiet {
            self.bar.suspend(|| output::note(&line));
        }
    }

    fn show(&self, actors: &[Actor]) {
        let standings = || actors.iter().map(|actor| actor.standing);
        self.bar
            .set_length(standings().map(|one| u64::from(one.sealed)).sum());
        self.bar
            .set_position(standings().map(|one| u64::from(one.delivered)).sum());
        let bytes = standings().map(|one| one.delivered_bytes).sum();
        self.bar.set_message(format!("{} delivered", HumanBytes(bytes)));
    }
}

fn words(deed: &Deed) -> String {
    match deed {
        Deed::PowerOn => "is switched on".to_owned(),
        Deed::PowerOff => "is switched off".to_owned(),
        Deed::NetworkGone => "leaves the reach of its network".to_owned(),
        Deed::NetworkBack => "is back where its network is".to_owned(),
        Deed::Online => "is online".to_owned(),
        Deed::Offline => "is offline".to_owned(),
        Deed::Records(name) => format!("records {name}"),
        Deed::Sealed { name, size_bytes } => {
            format!("has {name}, {}", HumanBytes(u64::from(*size_bytes)))
        }
        Deed::Delivered { name, .. } => format!("has the server's receipt for {name}"),
        Deed::Quarantined(name) => format!("keeps {name}, which the server does not take"),
        Deed::Removed(name) => format!("makes room: {name} is on the server"),
        Deed::GoodTimes => "has its network and its power for good".to_owned(),
    }
}

fn roles(seed: u64) -> anyhow::Result<Vec<Role>> {
    let session = Session {
        timed_laps: LAPS,
        ..Session::default()
    };
    let mut rng = sim::seeded(seed);
    let drive = session.drive(&sim::hollin_moor()?, &Vehicle::car(), &mut rng);
    let course = Course::new(&drive, Instant::from_secs(DRIVE_S), seed);
    let driven_s = course.ends().as_millis() / 1000;
    let race = [
        (DRIVE_S + 30, Act::Network(false)),
        (driven_s + 8, Act::Press),
        (driven_s + 40, Act::Network(true)),
    ];
    let aircraft = [
        (100, Act::Network(false)),
        (260, Act::PowerOff),
        (320, Act::PowerOn),
        (400, Act::Network(true)),
    ];
    let camera = [(90, Act::Network(false)), (330, Act::Network(true))];
    Ok(vec![
        role(Kind::Race, seed, Ride::along(course), &race),
        role(Kind::Uptime, seed, Ride::default(), &aircraft),
        role(Kind::Camera, seed, Ride::default(), &camera),
    ])
}

/// What happens to it in which second; a little later nothing more does.
fn role(kind: Kind, seed: u64, ride: Ride, acts: &[(u64, Act)]) -> Role {
    let acts: Vec<(Instant, Act)> = (acts.iter())
        .map(|(at_s, act)| (Instant::from_secs(*at_s), *act))
        .collect();
    let last = acts.last().map_or(Instant::BOOT, |(at, _)| *at);
    Role {
        kind,
        // A device of its own for each trade.
        seed: seed.wrapping_mul(3).wrapping_add(kind as u64),
        plan: Plan {
            rides: Vec::new(),
            acts,
            good_from: last + GOOD_AFTER,
        },
        ride,
        deletes: false,
    }
}
