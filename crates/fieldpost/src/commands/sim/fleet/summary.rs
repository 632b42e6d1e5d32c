//! What came of a fleet.

use indicatif::HumanBytes;
use serde::Serialize;
use sim::fleet::{Figures, Report};

#[derive(Debug, Serialize)]
pub(super) struct Summary {
    devices: usize,
    recordings: usize,
    bytes: u64,
    #[serde(flatten)]
    figures: Figures,
    receipts_verified: u64,
    server_restarts: u32,
    pub(super) checks: Checks,
    pub(super) violations: Vec<String>,
    pub(super) seconds: f64,
}

/// How many recordings each was looked at for.
#[derive(Debug, Default, Serialize)]
pub(super) struct Checks {
    /// The server was asked with the receipt and says that it holds the bytes.
    pub(super) on_the_server: usize,
    /// Left the card with a receipt for them.
    pub(super) deleted_with_receipt: usize,
}

impl Summary {
    pub(super) fn of(reports: &[Report], devices: usize, server_restarts: u32) -> Self {
        let held = || reports.iter().flat_map(|report| &report.held);
        let mut figures = Figures::default();
        let mut violations = Vec::new();
        for report in reports {
            figures += report.figures;
            violations.extend(
                report
                    .violations
                    .iter()
                    .map(|what| format!("{}: {what}", report.device)),
            );
        }
        if reports.len() < devices {
            violations.push(format!("{} devices never reported", devices - reports.len()));
        }
        Self {
            devices,
            recordings: held().count(),
            bytes: held().map(|held| u64::from(held.size_bytes)).sum(),
            figures,
            receipts_verified: reports.iter().map(|report| report.receipts_verified).sum(),
            server_restarts,
            checks: Checks {
                on_the_server: 0,
                deleted_with_receipt: held().filter(|held| held.state == "removed").count(),
            },
            violations,
            seconds: 0.0,
        }
    }

    pub(super) fn to_text(&self) -> String {
        let figures = &self.figures;
        let mut lines = vec![
            format!(
                "{} devices, {} recordings of {} in {:.0} s",
                self.devices,
                self.recordings,
                HumanBytes(self.bytes),
                self.seconds
            ),
            format!(
                "{} exchanges, {} answered; {} sent, repeats included",
                figures.exchanges,
                figures.answered,
                HumanBytes(figures.sent_bytes)
            ),
            format!(
                "faults: {} power cuts, {} networks lost, {} without a route, {} cut in the body, {} answers lost, {} by the server; \
                 it came back {} times",
                figures.power_cuts,
                figures.networks_lost,
                figures.no_route,
                figures.cut_in_body,
                figures.answers_lost,
                figures.broken_by_server,
                self.server_restarts
            ),
            format!(
                "{} receipts verified; {} of {} recordings are on the server with the same SHA-256; {} left a card, each with its receipt",
                self.receipts_verified,
                self.checks.on_the_server,
                self.recordings,
                self.checks.deleted_with_receipt
            ),
        ];
        if self.violations.is_empty() {
            lines.push("nothing is missing".to_owned());
        }
        lines.extend(self.violations.iter().map(|what| format!("violation: {what}")));
        lines.join("\n")
    }
}
