//! Proofs that need hours rather than minutes.

pub(crate) mod api;
pub(crate) mod client;
mod cuts;
mod files;
pub(crate) mod fleet;
pub(crate) mod fuzz;
mod heartbeats;
mod jobs;
pub(crate) mod kill;
pub(crate) mod lost_reply;
mod mutants;
mod receipts;
pub(crate) mod server;
mod slow_uploads;
mod tree;
mod tus;
pub(crate) mod tus_peers;
mod worlds;

use std::path::Path;

use anyhow::Result;

#[derive(clap::Subcommand)]
pub(crate) enum Soak {
    /// Fuzz every parser, two targets at a time, and keep what was learned in the committed corpora.
    Fuzz(fuzz::Args),
    /// Cut the power at every write of a device's life, and at pairs of them, and let a checker look at the card.
    Cuts(cuts::Args),
    /// Ask the server everything that its API's document allows, and more.
    Api(api::Args),
    /// Kill the server while a fleet of simulated devices delivers, and look for everything that they hold.
    Fleet(fleet::Args),
    /// Send a million heartbeats, many of them twice, wrong or without time, and compare the hours.
    Heartbeats(heartbeats::Args),
    /// Kill the server at random moments while uploads run, and look for what was acknowledged.
    Kill(kill::Args),
    /// Cut connections between the last byte of an upload and its answer, and come back.
    LostReply(lost_reply::Args),
    /// Let tus-js-client and tuspy upload over connections that break, and see that they go on.
    TusPeers(tus_peers::Args),
    /// Plant changes that would cost data, one after the other, and see that each is noticed.
    Mutants(mutants::Args),
    /// Let thousands upload a few bytes a second, and measure memory and answers meanwhile.
    SlowUploads(slow_uploads::Args),
    /// Break devices in 20 000 worlds, and look whether they keep what they promise.
    Worlds(worlds::Args),
}

pub(crate) fn run(root: &Path, soak: Soak) -> Result<()> {
    match soak {
        Soak::Fuzz(args) => fuzz::run(root, &args),
        Soak::Cuts(args) => cuts::run(root, &args),
        Soak::Api(args) => api::run(root, &args),
        Soak::Fleet(args) => fleet::run(root, &args),
        Soak::Heartbeats(args) => heartbeats::run(root, &args),
        Soak::Kill(args) => kill::run(root, &args),
        Soak::LostReply(args) => lost_reply::run(root, &args),
        Soak::TusPeers(args) => tus_peers::run(root, &args),
        Soak::Mutants(args) => mutants::run(root, &args),
        Soak::SlowUploads(args) => slow_uploads::run(root, &args),
        Soak::Worlds(args) => worlds::run(root, &args),
    }
}
