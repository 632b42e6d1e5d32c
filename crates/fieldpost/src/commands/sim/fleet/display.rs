//! The fleet on a terminal: a bar of recordings, and what the devices are doing.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use sim::fleet::{Deed, Figures, Report, Standing};

const REDRAW: Duration = Duration::from_millis(200);

/// Everybody, added up.
#[derive(Default)]
pub(super) struct Scene {
    devices: BTreeMap<usize, Standing>,
    ended: usize,
    errors: usize,
}

impl Scene {
    pub(super) fn did(&mut self, deed: &Deed) {
        if matches!(deed, Deed::Quarantined(_)) {
            self.errors += 1;
        }
    }

    pub(super) fn stands(&mut self, device: usize, standing: Standing) {
        self.devices.insert(device, standing);
    }

    pub(super) fn ended(&mut self, device: usize, report: &Report) {
        let standing = self.devices.entry(device).or_default();
        standing.figures = report.figures;
        self.ended += 1;
        self.errors += report.violations.len();
    }

    fn count(&self, is: impl Fn(&Standing) -> bool) -> usize {
        self.devices.values().filter(|standing| is(standing)).count()
    }

    fn figures(&self) -> Figures {
        let mut all = Figures::default();
        for standing in self.devices.values() {
            all += standing.figures;
        }
        all
    }

    fn to_text(&self) -> String {
        let figures = self.figures();
        let bytes: u64 = self
            .devices
            .values()
            .map(|standing| standing.delivered_bytes)
            .sum();
        format!(
            "{} off, {} recording, {} online, {} done · {} delivered · {} power cuts, {} networks lost, {} connections cut, \
             {} answers lost, {} by the server · {} errors",
            self.count(|standing| !standing.is_on),
            self.count(|standing| standing.is_recording),
            self.count(|standing| standing.is_online),
            self.ended,
            HumanBytes(bytes),
            figures.power_cuts,
            figures.networks_lost,
            figures.cut_in_body + figures.no_route,
            figures.answers_lost,
            figures.broken_by_server,
            self.errors
        )
    }
}

pub(super) struct Display {
    bar: ProgressBar,
}

impl Display {
    pub(super) fn new(devices: usize) -> Self {
        let bar = ProgressBar::new(0);
        let style =
            ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} recordings {elapsed}\n{wide_msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(format!("{devices} devices"));
        bar.enable_steady_tick(REDRAW);
        Self { bar }
    }

    pub(super) fn show(&self, scene: &Scene) {
        let sum = |of: fn(&Standing) -> u32| scene.devices.values().map(|one| u64::from(of(one))).sum();
        self.bar.set_length(sum(|one| one.sealed));
        self.bar.set_position(sum(|one| one.delivered));
        self.bar.set_message(scene.to_text());
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
