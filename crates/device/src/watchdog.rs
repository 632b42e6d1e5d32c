//! When the hardware watchdog may be fed: only while every task that should run has reported lately.
//!
//! A task calls [`Watchdog::alive`] each time round its loop and [`Watchdog::rests`] before it sleeps for longer than its limit on
//! purpose. Whoever feeds asks [`Watchdog::stuck`] first; once it names a task, the feeder leaves a breadcrumb and stops feeding.

use core::time::Duration;

use crate::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Sampling,
    Storage,
    Network,
    Bluetooth,
    /// Light, button and the machines that decide.
    Control,
}

const TASKS: usize = 5;

impl Task {
    const ALL: [Self; TASKS] = [
        Self::Sampling,
        Self::Storage,
        Self::Network,
        Self::Bluetooth,
        Self::Control,
    ];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Sampling => "sampling",
            Self::Storage => "storage",
            Self::Network => "network",
            Self::Bluetooth => "bluetooth",
            Self::Control => "control",
        }
    }

    /// How long it may be silent.
    pub const fn limit(self) -> Duration {
        match self {
            // The IMU's FIFO overflows long before.
            Self::Sampling => Duration::from_secs(2),
            // A card may stall 500 ms and a flash erase 400 ms, and formatting takes several of both in a row.
            Self::Storage => Duration::from_secs(15),
            // A TLS handshake on a bad connection.
            Self::Network | Self::Bluetooth => Duration::from_secs(60),
            Self::Control => Duration::from_secs(5),
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Sampling => 0,
            Self::Storage => 1,
            Self::Network => 2,
            Self::Bluetooth => 3,
            Self::Control => 4,
        }
    }

    fn index(self) -> usize {
        usize::from(self.code())
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.code() == code)
    }
}

/// A task that never reported is not waited for: it may not have been started on this board.
#[derive(Debug, Clone, Default)]
pub struct Watchdog {
    heard: [Option<Instant>; TASKS],
}

impl Watchdog {
    pub fn alive(&mut self, task: Task, now: Instant) {
        self.heard[task.index()] = Some(now);
    }

    /// It sleeps, and is not expected until it reports again.
    pub fn rests(&mut self, task: Task) {
        self.heard[task.index()] = None;
    }

    /// The task to blame, if the watchdog must not be fed.
    pub fn stuck(&self, now: Instant) -> Option<Task> {
        Task::ALL.into_iter().find(|&task| {
            let heard = self.heard[task.index()];
            heard.is_some_and(|at| now.since(at) > task.limit())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_silent_task_is_enough_and_a_resting_one_is_not_silent() {
        let mut watchdog = Watchdog::default();
        assert_eq!(watchdog.stuck(Instant::from_secs(1000)), None);
        let start = Instant::from_secs(1000);
        for task in Task::ALL {
            watchdog.alive(task, start);
        }
        assert_eq!(watchdog.stuck(start + Duration::from_secs(2)), None);
        let later = start + Duration::from_secs(3);
        assert_eq!(watchdog.stuck(later), Some(Task::Sampling));
        watchdog.rests(Task::Sampling);
        assert_eq!(watchdog.stuck(later), None);
        watchdog.alive(Task::Sampling, later);
        assert_eq!(
            watchdog.stuck(start + Duration::from_secs(6)),
            Some(Task::Sampling)
        );
    }

    #[test]
    fn every_task_is_watched_and_has_a_code_of_its_own() {
        for task in Task::ALL {
            let mut watchdog = Watchdog::default();
            watchdog.alive(task, Instant::BOOT);
            let limit = Instant::BOOT + task.limit();
            assert_eq!(watchdog.stuck(limit), None);
            assert_eq!(watchdog.stuck(limit + Duration::from_millis(1)), Some(task));
            assert_eq!(Task::from_code(task.code()), Some(task));
        }
    }
}
