//! Gates as arguments of more than one command.

use telemetry::gate_text;
use telemetry::model::GateShape;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Gates {
    /// The start line, or start and finish: "lat,lon;lat,lon", "lat,lon@bearing[/width]" or "lat,lon~radius". Without it
    /// the file's own gate is used, or one is learned from the driven line.
    #[arg(long, value_name = "G", value_parser = gate_text::parse, allow_hyphen_values = true)]
    pub(crate) gate: Option<GateShape>,
    /// A separate finish line, in the same forms.
    #[arg(long, value_name = "G", value_parser = gate_text::parse, allow_hyphen_values = true)]
    pub(crate) finish: Option<GateShape>,
}
