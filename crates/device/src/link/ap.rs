//! The access point's own small machine.
//!
//! ```text
//! Down ─► Starting ─► Up
//!            │  ▲      │ dies
//!            ▼  │      ▼
//!          Resting ◄───┘     three failures in a row: restart the device, if it may be; else rest longer
//! ```

use core::time::Duration;

use crate::time::Instant;

/// Starting takes a quarter of a second where it works.
const START_TIMEOUT: Duration = Duration::from_secs(10);
const REST: Duration = Duration::from_secs(1);
/// After the third failure, where a restart is out of the question or did not happen.
const LONG_REST: Duration = Duration::from_secs(300);
const FAILURES_MAX: u8 = 3;
/// A restart that did not help the boot before is not repeated at once.
const RESTART_PAUSE: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Down,
    Starting {
        channel: u8,
        failures: u8,
        until: Instant,
    },
    Resting {
        failures: u8,
        until: Instant,
    },
    Up {
        channel: u8,
        clients: u8,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Start { channel: u8 },
    Stop,
    Restart,
}

#[derive(Debug, Clone)]
pub(super) struct Ap {
    state: State,
    restart_from: Instant,
}

impl Ap {
    pub(super) fn new(restarted_for_ap: bool) -> Self {
        let restart_from = if restarted_for_ap {
            Instant::BOOT + RESTART_PAUSE
        } else {
            Instant::BOOT
        };
        Self {
            state: State::Down,
            restart_from,
        }
    }

    /// Goes towards being up on `wanted`, a channel for the start, or down.
    pub(super) fn settle(&mut self, wanted: Option<u8>, may_restart: bool, now: Instant) -> Option<Order> {
        let Some(channel) = wanted else {
            let was_down = self.state == State::Down;
            self.state = State::Down;
            return (!was_down).then_some(Order::Stop);
        };
        match self.state {
            State::Down => Some(self.start(channel, 0, now)),
            State::Resting { failures, until } if now >= until => Some(self.start(channel, failures, now)),
            State::Starting { until, .. } if now >= until => self.failed(may_restart, now),
            State::Resting { .. } | State::Starting { .. } | State::Up { .. } => None,
        }
    }

    fn start(&mut self, channel: u8, failures: u8, now: Instant) -> Order {
        self.state = State::Starting {
            channel,
            failures,
            until: now + START_TIMEOUT,
        };
        Order::Start { channel }
    }

    pub(super) fn started(&mut self) {
        if let State::Starting { channel, .. } = self.state {
            self.state = State::Up { channel, clients: 0 };
        }
    }

    /// A start that failed, or an access point that died.
    pub(super) fn failed(&mut self, may_restart: bool, now: Instant) -> Option<Order> {
        let failures = match self.state {
            State::Starting { failures, .. } => failures.saturating_add(1),
            State::Up { .. } => 1,
            State::Down | State::Resting { .. } => return None,
        };
        if failures < FAILURES_MAX {
            self.state = State::Resting {
                failures,
                until: now + REST,
            };
            return None;
        }
        self.state = State::Resting {
            failures: 0,
            until: now + LONG_REST,
        };
        (may_restart && now >= self.restart_from).then_some(Order::Restart)
    }

    pub(super) fn set_clients(&mut self, count: u8) {
        if let State::Up { clients, .. } = &mut self.state {
            *clients = count;
        }
    }

    /// Where it has to be for a join; the channel to move to if that is another one.
    pub(super) fn follow(&mut self, to: u8) -> Option<u8> {
        match &mut self.state {
            State::Up { channel, .. } if *channel != to => {
                *channel = to;
                Some(to)
            }
            State::Up { .. } | State::Down | State::Starting { .. } | State::Resting { .. } => None,
        }
    }

    /// The radio was switched off under it.
    pub(super) fn vanish(&mut self) {
        self.state = State::Down;
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    pub(super) fn is_starting(&self) -> bool {
        matches!(self.state, State::Starting { .. })
    }

    pub(super) fn is_down(&self) -> bool {
        self.state == State::Down
    }

    pub(super) fn has_client(&self) -> bool {
        matches!(self.state, State::Up { clients, .. } if clients > 0)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Starting { until, .. } | State::Resting { until, .. } => Some(until),
            State::Down | State::Up { .. } => None,
        }
    }
}
