//! `fieldpost demo`: a server on an empty folder with three loggers that have been out on track.
//!
//! The drives come from the physical model in `sim`; from then on everything is as in the field: the devices are added,
//! get their tokens and send their files over HTTP in the shapes that real firmware uses.

mod device;
mod fleet;
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
use tokio::task::JoinSet;

use crate::data_dir::block_on;
use crate::output;
use device::Sender;
use fleet::VirtualDevice;
use watch::Watch;

/// Signs in by link only: the password is drawn at random and thrown away.
const OWNER: &str = "demo@example.org";

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

        let watch_link = running.sign_in_link(OWNER).await?;
        let devices = fleet::devices()?;
        let expected = devices.iter().map(VirtualDevice::session_count).sum();
        let server = running.public_url.to_string();
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
        let watch = Watch::new(server, watch_link);
        let sessions = tokio::task::spawn_blocking(move || watch.until_analysed(expected)).await??;
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
