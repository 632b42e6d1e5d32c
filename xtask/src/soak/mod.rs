//! Proofs that need hours rather than minutes.

pub(crate) mod api;
pub(crate) mod fuzz;
mod heartbeats;
pub(crate) mod kill;

use std::path::Path;

use anyhow::Result;

#[derive(clap::Subcommand)]
pub(crate) enum Soak {
    /// Fuzz every parser, two targets at a time, and keep what was learned in the committed corpora.
    Fuzz(fuzz::Args),
    /// Ask the server everything that its API's document allows, and more.
    Api(api::Args),
    /// Send a million heartbeats, many of them twice, wrong or without time, and compare the hours.
    Heartbeats(heartbeats::Args),
    /// Kill the server at random moments while uploads run, and look for what was acknowledged.
    Kill(kill::Args),
}

pub(crate) fn run(root: &Path, soak: Soak) -> Result<()> {
    match soak {
        Soak::Fuzz(args) => fuzz::run(root, &args),
        Soak::Api(args) => api::run(root, &args),
        Soak::Heartbeats(args) => heartbeats::run(root, &args),
        Soak::Kill(args) => kill::run(root, &args),
    }
}
