//! How much a lithium cell has left, from its voltage under load.
//!
//! The voltage sags by 0.1 V and more while the radio sends and comes back after, so a level changes only when it was on the other side
//! for a while, and the way back up begins higher than the way down.

use core::time::Duration;

use crate::time::Instant;

/// About a tenth is left, under load.
const LOW_MV: u16 = 3500;
/// Below it the regulator drops out.
const EMPTY_MV: u16 = 3300;
/// More than the sag above [`LOW_MV`].
const GOOD_MV: u16 = 3700;
/// A burst of sending is shorter.
const LOW_FOR: Duration = Duration::from_secs(10);
/// Half a minute of a falling cell is left from here.
const EMPTY_FOR: Duration = Duration::from_secs(3);
/// A cell that was relieved recovers by itself, and sags again with the first load.
const GOOD_FOR: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Good,
    /// Uploads wait.
    Low,
    /// Recordings are closed while there is still power to do it.
    Empty,
}

/// Says [`Level::Good`] until it is told otherwise: some boards measure nothing, and some hang on a charger.
#[derive(Debug, Clone)]
pub(super) struct Battery {
    level: Level,
    is_on_mains: bool,
    below_low_since: Option<Instant>,
    below_empty_since: Option<Instant>,
    above_good_since: Option<Instant>,
}

impl Battery {
    pub(super) const fn new() -> Self {
        Self {
            level: Level::Good,
            is_on_mains: false,
            below_low_since: None,
            below_empty_since: None,
            above_good_since: None,
        }
    }

    pub(super) fn level(&self) -> Level {
        if self.is_on_mains { Level::Good } else { self.level }
    }

    pub(super) fn set_mains(&mut self, is_on_mains: bool) {
        self.is_on_mains = is_on_mains;
    }

    pub(super) fn measured(&mut self, mv: u16, now: Instant) {
        let lasts = |since: &mut Option<Instant>, is_so: bool, span: Duration| {
            let began = since.filter(|_| is_so).unwrap_or(now);
            *since = is_so.then_some(began);
            is_so && now.since(began) >= span
        };
        let is_low = lasts(&mut self.below_low_since, mv < LOW_MV, LOW_FOR);
        let is_empty = lasts(&mut self.below_empty_since, mv < EMPTY_MV, EMPTY_FOR);
        let is_good = lasts(&mut self.above_good_since, mv >= GOOD_MV, GOOD_FOR);
        self.level = match self.level {
            _ if is_empty => Level::Empty,
            Level::Empty if is_good => Level::Good,
            Level::Empty => Level::Empty,
            Level::Good | Level::Low if is_good => Level::Good,
            Level::Good | Level::Low if is_low => Level::Low,
            level @ (Level::Good | Level::Low) => level,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(volts: &[(u64, u16)]) -> Level {
        let mut battery = Battery::new();
        let mut now = 0;
        for &(seconds, mv) in volts {
            for _ in 0..seconds {
                battery.measured(mv, Instant::from_secs(now));
                now += 1;
            }
        }
        battery.level()
    }

    #[test]
    fn a_sag_while_sending_is_no_low_battery_and_a_lasting_one_is() {
        assert_eq!(
            after(&[(100, 3800), (9, 3400), (1, 3800), (9, 3400)]),
            Level::Good
        );
        assert_eq!(after(&[(100, 3800), (12, 3400)]), Level::Low);
        assert_eq!(after(&[(100, 3800), (5, 3200)]), Level::Empty);
    }

    #[test]
    fn a_relieved_cell_does_not_count_as_charged() {
        assert_eq!(after(&[(12, 3400), (3600, 3650)]), Level::Low);
        assert_eq!(after(&[(12, 3400), (59, 3750)]), Level::Low);
        assert_eq!(after(&[(12, 3400), (62, 3750)]), Level::Good);
        assert_eq!(after(&[(5, 3200), (3600, 3650)]), Level::Empty);
    }

    #[test]
    fn on_mains_no_voltage_matters() {
        let mut battery = Battery::new();
        for second in 0..20 {
            battery.measured(3000, Instant::from_secs(second));
        }
        battery.set_mains(true);
        assert_eq!(battery.level(), Level::Good);
        battery.set_mains(false);
        assert_eq!(battery.level(), Level::Empty);
    }
}
