//! `fieldpost serve`: the server, until it is told to stop.

use std::process::ExitCode;

use serde::Serialize;
use server::Running;
use server::config::Config;

use crate::data_dir::block_on;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    config: Config,
    /// Print the address, and the setup link of a new server, as one JSON value once it listens.
    #[arg(long)]
    json: bool,
}

/// What a script needs to go on.
#[derive(Serialize)]
struct Listening<'a> {
    url: String,
    setup_link: Option<&'a str>,
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let json = self.json;
        block_on(async { Ok(server::run(&self.config, |running| announce(running, json)).await?) })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn announce(running: &Running, json: bool) {
    let listening = Listening {
        url: running.public_url.to_string(),
        setup_link: running.setup_link.as_deref(),
    };
    let said = if json {
        output::answer_json(&listening)
    } else {
        output::answer(&listening.to_text())
    };
    if let Err(error) = said {
        // The server is up all the same.
        tracing::warn!("{error:#}");
    }
}

impl Listening<'_> {
    fn to_text(&self) -> String {
        let mut text = format!("Fieldpost is at {}", self.url);
        if let Some(link) = self.setup_link {
            text.push_str("\nMake the owner's account here (works once, for an hour):\n  ");
            text.push_str(link);
        }
        text
    }
}
