//! A recording's clock that begins anew within one file, because the logger rebooted or its counter wrapped.
//!
//! The receiver's time says how much really went by. Rows between the restart and the first fix after it cannot be
//! placed and keep the time of the clock before.

use crate::model::{Fix, Message};

/// A clock that falls back by less is a stutter, which cleaning judges.
const FALL_MIN_S: f64 = 1.0;
/// Over a longer pause two files were joined, and the receiver's date is not trusted to say how.
const PAUSE_MAX_MS: f64 = 86_400_000.0;

#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// Clock as written and UTC of the last fix that has both.
    last: Option<(f64, f64)>,
    ahead_s: f64,
    count: u64,
}

impl Restarts {
    /// The clock as if it had never stopped.
    pub(super) fn clock_s(&self, written_s: f64) -> f64 {
        written_s + self.ahead_s
    }

    pub(super) fn fix(&mut self, fix: Fix) -> Fix {
        if fix.clock_s.is_finite()
            && fix.utc_ms.is_finite()
            && let Some((clock_s, utc_ms)) = self.last.replace((fix.clock_s, fix.utc_ms))
        {
            let passed_ms = fix.utc_ms - utc_ms;
            if fix.clock_s < clock_s - FALL_MIN_S && passed_ms > 0.0 && passed_ms < PAUSE_MAX_MS {
                self.ahead_s += clock_s + passed_ms / 1000.0 - fix.clock_s;
                self.count += 1;
            }
        }
        Fix {
            clock_s: self.clock_s(fix.clock_s),
            ..fix
        }
    }

    pub(super) fn message(&self) -> Option<Message> {
        let times = match self.count {
            0 => return None,
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        Some(Message {
            code: "clock_restarted".to_owned(),
            text: format!(
                "The logger's clock began anew {times}; the receiver's time says how much went by."
            ),
            line: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_begins_anew_goes_on_by_the_receivers_time() {
        let mut restarts = Restarts::default();
        let at = |clock_s: f64, utc_s: f64| Fix {
            utc_ms: utc_s * 1000.0,
            ..Fix::at(clock_s, 10.0, 20.0)
        };
        let found = [
            at(249.8, 1000.0),
            at(249.9, 1000.1),
            at(0.0, 1007.1),
            at(0.1, 1007.2),
        ]
        .map(|fix| restarts.fix(fix).clock_s);
        for (found_s, true_s) in found.into_iter().zip([249.8, 249.9, 256.9, 257.0]) {
            assert!((found_s - true_s).abs() < 1e-9, "{found_s} {true_s}");
        }
        assert!(restarts.message().is_some());
    }

    #[test]
    fn a_stutter_and_a_row_out_of_order_are_no_restart() {
        let mut restarts = Restarts::default();
        for (clock_s, utc_s) in [(10.0, 100.0), (9.5, 100.1), (5.0, 95.0), (11.0, 101.0)] {
            let fix = Fix {
                utc_ms: utc_s * 1000.0,
                ..Fix::at(clock_s, 10.0, 20.0)
            };
            assert_eq!(restarts.fix(fix).clock_s, clock_s);
        }
        assert_eq!(restarts.message(), None);
    }
}
