//! What the server says of the fleet, and how often it went and came back meanwhile.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{bail, ensure};
use serde::Deserialize;
use sim::fleet::{Held, Report};

use super::super::place::{Server, agent};
use super::summary::Summary;

/// A restart takes longer.
const PULSE: Duration = Duration::from_millis(50);
/// As many as the server answers for at once.
const CONFIRM_MAX: usize = 25;

#[derive(Deserialize)]
struct Confirmed {
    items: Vec<ConfirmedItem>,
}

#[derive(Deserialize)]
struct ConfirmedItem {
    held: bool,
    reason: Option<String>,
}

/// Asks the server, by receipt, whether it still has every recording.
pub(super) fn ask(server: &Server, reports: &[Report], summary: &mut Summary) -> anyhow::Result<()> {
    for report in reports {
        let with_receipt = report.held.iter().filter(|held| held.receipt.is_some());
        let with_receipt: Vec<&Held> = with_receipt.collect();
        for held in report.held.iter().filter(|held| held.receipt.is_none()) {
            let what = format!("{}: {} ({}) has no receipt", held.device, held.name, held.state);
            summary.violations.push(what);
        }
        for part in with_receipt.chunks(CONFIRM_MAX) {
            for (held, found) in part.iter().zip(confirm(server, &report.device, part)?) {
                if found.held {
                    summary.checks.on_the_server += 1;
                } else {
                    let why = found.reason.unwrap_or_default();
                    let what = format!("{}: the server does not hold {}: {why}", held.device, held.name);
                    summary.violations.push(what);
                }
            }
        }
    }
    Ok(())
}

fn confirm(server: &Server, device: &str, held: &[&Held]) -> anyhow::Result<Vec<ConfirmedItem>> {
    let items = held
        .iter()
        .map(|held| serde_json::json!({ "receipt": held.receipt }));
    let asked = serde_json::json!({ "items": items.collect::<Vec<_>>() });
    let url = format!("http://{}{}/api/v1/receipts/confirm", server.host, server.base);
    let mut answer = server
        .agent
        .post(url)
        .header("x-device", device)
        .send_json(asked)?;
    if !answer.status().is_success() {
        bail!(
            "the server was asked for {} recordings and answered {}",
            held.len(),
            answer.status()
        );
    }
    let confirmed: Confirmed = answer.body_mut().read_json()?;
    ensure!(
        confirmed.items.len() == held.len(),
        "the server answered for others than were asked for"
    );
    Ok(confirmed.items)
}

/// Counts how often the server goes and comes back.
pub(super) struct Pulse {
    stop: Sender<()>,
    thread: JoinHandle<u32>,
}

impl Pulse {
    pub(super) fn feel(server: &Server) -> Self {
        let (stop, stopped) = channel();
        let (url, agent) = (format!("{}/readyz", server.url), agent());
        let thread = std::thread::spawn(move || {
            let (mut is_there, mut returns) = (true, 0);
            while stopped.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
                // Only a refused connection is a server that is gone: a slow answer is one.
                let answers = agent.get(&url).call().is_ok();
                if answers && !is_there {
                    returns += 1;
                }
                is_there = answers;
            }
            returns
        });
        Self { stop, thread }
    }

    pub(super) fn stop(self) -> u32 {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}
