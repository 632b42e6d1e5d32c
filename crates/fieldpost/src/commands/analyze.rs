//! `fieldpost analyze`: laps, sectors and quality of one file.

mod table;

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use telemetry::model::Vehicle;

use super::gates::Gates;
use crate::output;

/// Large enough that reading a card costs few calls.
pub(super) const READ_BYTES: usize = 256 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Analyze {
    /// The recording; its content decides the format, not its name.
    file: PathBuf,
    #[command(flatten)]
    gates: Gates,
    /// What was driven, where the file does not say; a motorcycle gets lean angles.
    #[arg(long, value_enum)]
    vehicle: Option<VehicleName>,
    /// Print the whole result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum VehicleName {
    Car,
    Motorcycle,
    Kart,
}

impl From<VehicleName> for Vehicle {
    fn from(name: VehicleName) -> Self {
        match name {
            VehicleName::Car => Self::Car,
            VehicleName::Motorcycle => Self::Motorcycle,
            VehicleName::Kart => Self::Kart,
        }
    }
}

impl Analyze {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let shown = self.file.display();
        let file = File::open(&self.file)
            .with_context(|| format!("{shown} cannot be opened; check the name and that you may read it"))?;
        let options = telemetry::Options {
            gate: self.gates.gate,
            finish: self.gates.finish,
            vehicle: self.vehicle.map(Vehicle::from),
            ..telemetry::Options::default()
        };
        let mut input = BufReader::with_capacity(READ_BYTES, file);
        let analysis = telemetry::analyze(&mut input, &options, &mut telemetry::columns::Discard)
            .with_context(|| format!("{shown} cannot be analysed"))?;
        if self.json {
            output::answer_json(&analysis.report)?;
        } else {
            output::answer(&table::render(&shown.to_string(), &analysis.report))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
