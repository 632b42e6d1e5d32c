//! One stream that is being collected: its open row group, its rate and its channels' health.

use super::StreamSummary;
use super::health::{ChannelHealth, Inertial};
use super::histogram::Histogram;
use crate::columns::{Group, ROW_GROUP_ROWS};
use crate::model::{Fix, StreamSpec};
use crate::report::FrozenChannel;

/// 16 MB of samples: very wide streams get shorter row groups, so that memory does not grow with a file's width.
const GROUP_CELLS_MAX: usize = 4 << 20;

pub(super) struct Stream {
    spec: StreamSpec,
    group: Group,
    group_rows_max: usize,
    rows: u64,
    first_clock_s: Option<f64>,
    last_clock_s: f64,
    steps_s: Histogram,
    health: Vec<ChannelHealth>,
    inertial: Inertial,
}

impl Stream {
    pub(super) fn new(spec: StreamSpec) -> Self {
        let channels = spec.channels.len();
        Self {
            group: Group::new(channels),
            group_rows_max: ROW_GROUP_ROWS.min(GROUP_CELLS_MAX / channels.max(1)).max(1),
            rows: 0,
            first_clock_s: None,
            last_clock_s: f64::NAN,
            steps_s: Histogram::new(),
            health: vec![ChannelHealth::default(); channels],
            inertial: Inertial::new(&spec.channels),
            spec,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.spec.name
    }

    /// The earliest time met, for recordings without a fix.
    pub(super) fn first_clock_s(&self) -> Option<f64> {
        self.first_clock_s
    }

    /// Takes a row; gives the row group when it is full. A short row is filled with unknowns.
    pub(super) fn push(&mut self, clock_s: f64, values: &[f32]) -> Option<Group> {
        self.first_clock_s.get_or_insert(clock_s);
        self.steps_s.add(clock_s - self.last_clock_s);
        self.last_clock_s = clock_s;
        self.rows += 1;
        self.group.clock_s.push(clock_s);
        let cells = values.iter().copied().chain(std::iter::repeat(f32::NAN));
        for (column, value) in self.group.values.iter_mut().zip(cells) {
            column.push(value);
        }
        (self.group.rows() == self.group_rows_max).then(|| self.take_group())
    }

    /// Takes out what the open row group holds.
    pub(super) fn take_group(&mut self) -> Group {
        let group = std::mem::replace(&mut self.group, Group::new(self.spec.channels.len()));
        for (health, values) in self.health.iter_mut().zip(&group.values) {
            health.add(values);
        }
        self.inertial.add(&group.values);
        group
    }

    /// Channels whose sensor cannot be believed; `fixes` tell how fast the vehicle really turned.
    pub(super) fn frozen(&self, fixes: &[Fix]) -> Vec<FrozenChannel> {
        let found = |channel: &str, why: String| FrozenChannel {
            stream: self.spec.name.clone(),
            channel: channel.to_owned(),
            why,
        };
        let stuck = self.spec.channels.iter().zip(&self.health);
        let stuck = stuck.filter_map(|(channel, health)| Some(found(&channel.name, health.fault(channel)?)));
        let scaled = self
            .inertial
            .faults(fixes)
            .into_iter()
            .map(|(channel, why)| found(channel, why));
        stuck.chain(scaled).collect()
    }

    pub(super) fn into_summary(self) -> StreamSummary {
        StreamSummary {
            name: self.spec.name,
            channels: self.spec.channels,
            rows: self.rows,
            rate_hz: self.steps_s.rate_hz(),
            samples: self.health.iter().map(ChannelHealth::samples).collect(),
        }
    }
}
