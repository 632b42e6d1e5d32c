//! `fieldpost sim`: the device's own code in a world that is not there.

mod fleet;
pub(super) mod place;
mod world;

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Sim {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Many live devices against a server that runs, with everything going wrong that goes wrong in the field.
    Fleet(fleet::Fleet),
    /// Devices in worlds where power, card, network and server fail, each from one seed; looks whether they keep what they promise.
    World(world::World),
}

impl Sim {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Fleet(command) => command.run(),
            What::World(command) => command.run(),
        }
    }
}
