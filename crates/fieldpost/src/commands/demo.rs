//! `fieldpost demo`: a server on an empty folder, loggers that have been out on track, and devices that work before the user's eyes.
//!
//! The drives come from the physical model in `sim`; from then on everything is as in the field. Three loggers are added, get their
//! tokens and send what they have over HTTP in the shapes that older firmware uses. Three more are the device's own code ([`live`]): they come by a
//! fleet's key and are adopted.

mod device;
mod fleet;
mod live;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Serialize;
use server::Running;
use server::auth::admin;
use server::auth::secret::{Password, Token};
use server::config::Config;
use server::store::accounts::Role;
use server::store::ingest_keys::For;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::sim::place::Server;
use crate::data_dir::block_on;
use crate::output;
use device::Sender;
use fleet::VirtualDevice;
use live::Live;
use watch::{Sessions, Watch};

/// Signs in by link only: the password is drawn at random and thrown away.
const OWNER: &str = "demo@example.org";

const SPEED_MIN: f64 = 1.0;
const SPEED_MAX: f64 = 500.0;

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// An empty or new folder; without it a temporary one, removed at the end.
    #[arg(long, env = "FIELDPOST_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "FIELDPOST_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Other drives for another number.
    #[arg(long, env = "FIELDPOST_SEED", default_value_t = 1)]
    seed: u64,
    /// How much faster than ours the time of the live devices goes.
    #[arg(long, value_name = "X", default_value_t = 20.0, value_parser = speed)]
    speed: f64,
    /// End as soon as every session is analysed.
    #[arg(long)]
    exit_when_ready: bool,
    /// Print one JSON value when the server listens, and one when every session is analysed.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listening<'a> {
    url: &'a str,
    sign_in_link: &'a str,
}

impl Demo {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let folder = Folder::prepare(self.data_dir.as_deref())?;
        block_on(self.show(folder.path()))?;
        Ok(ExitCode::SUCCESS)
    }

    async fn show(&self, data_dir: &Path) -> anyhow::Result<()> {
        let config = Config {
            listen: self.listen,
            ..Config::local(data_dir)
        };
        let running = Running::start(&config).await?;
        let played = tokio::select! {
            played = self.play(&running) => played,
            stopped = server::until_signalled() => Ok(stopped?),
        };
        running.stop().await;
        played
    }

    async fn play(&self, running: &Running) -> anyhow::Result<()> {
        let began = Instant::now();
        let password = Password::new(Token::generate().expose());
        admin::create_user(running.store(), OWNER, password, Role::Owner, None).await?;
        self.announce(running).await?;

        let server = running.public_url.to_string();
        let link = running.sign_in_link(OWNER).await?;
        let base = server.clone();
        let watch = tokio::task::spawn_blocking(move || Watch::sign_in(base, &link)).await??;
        let devices = fleet::devices()?;
        let expected = devices.iter().map(VirtualDevice::session_count).sum::<usize>() + Live::SESSIONS;
        let live = self.live(running, &server).await?;
        let mut sending = JoinSet::new();
        for device in devices {
            let (_, token) = admin::create_device(running.store(), OWNER, device.name, None).await?;
            let sender = Sender::new(&server, token, device.shape);
            let (seed, now_utc_ms) = (self.seed, running.store().now().as_millisecond());
            sending.spawn_blocking(move || sender.send(device.recordings(seed, now_utc_ms)));
        }
        while let Some(sent) = sending.join_next().await {
            sent.context("a device of the demo fell over")??;
        }
        let sessions = self.watched(watch, live, expected).await?;
        if self.json {
            output::answer_json(&sessions)?;
        } else {
            let seconds = began.elapsed().as_secs_f64();
            output::answer(&format!(
                "{} sessions are ready after {seconds:.1} s",
                sessions.sessions.len()
            ))?;
        }
        if !self.exit_when_ready {
            server::until_signalled().await?;
        }
        Ok(())
    }

    /// The devices that are yet to work, with a key of their own.
    async fn live(&self, running: &Running, server: &str) -> anyhow::Result<Live> {
        let (_, key) = admin::create_ingest_key(running.store(), OWNER, For::Team).await?;
        let (server, seed, speed) = (server.to_owned(), self.seed, self.speed);
        let now_utc_ms = running.store().now().as_millisecond();
        let made = tokio::task::spawn_blocking(move || {
            Live::new(Server::reach(&server, key.expose())?, seed, speed, now_utc_ms)
        });
        made.await?
    }

    /// What was analysed in the end.
    async fn watched(&self, watch: Watch, live: Live, expected: usize) -> anyhow::Result<Sessions> {
        let is_quiet = self.json;
        let (tell, told) = oneshot::channel();
        // A thread, and not a task: whoever interrupts the demo does not wait for its end.
        std::thread::spawn(move || {
            let shown = live.show(&watch, is_quiet);
            // Nobody hears it after an interruption.
            let _ = tell.send(shown.and_then(|()| watch.until_analysed(expected)));
        });
        told.await.context("the devices of the demo fell over")?
    }

    async fn announce(&self, running: &Running) -> anyhow::Result<()> {
        let link = running.sign_in_link(OWNER).await?;
        let url = running.public_url.as_str();
        if self.json {
            return output::answer_json(&Listening {
                url,
                sign_in_link: &link,
            });
        }
        output::answer(&format!(
            "Fieldpost is at {url}\nSign in here (works once, for an hour):\n  {link}"
        ))
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let found = text.parse().ok();
    let found = found.filter(|speed| (SPEED_MIN..=SPEED_MAX).contains(speed));
    found.ok_or_else(|| format!("a number from {SPEED_MIN} to {SPEED_MAX}"))
}

/// The demo's data folder.
enum Folder {
    Given(PathBuf),
    /// Goes away with this value.
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn prepare(given: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = given else {
            let folder = tempfile::Builder::new().prefix("fieldpost-demo-").tempdir();
            return Ok(Self::Temporary(
                folder.context("no temporary folder can be made; give one with --data-dir")?,
            ));
        };
        let empty = match path.read_dir() {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        ensure!(
            empty,
            "{} is not empty, and the demo mixes with nobody's data; give a new folder, or leave --data-dir out for a \
             temporary one",
            path.display()
        );
        Ok(Self::Given(path.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}
