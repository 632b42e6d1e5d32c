//! The one button.

use core::time::Duration;

use crate::time::Instant;

/// Contacts of small switches bounce for some milliseconds; nobody presses for less than this.
const DEBOUNCE: Duration = Duration::from_millis(30);
/// A press that begins sooner after the start asks for a sync.
pub const BOOT_WINDOW: Duration = Duration::from_secs(10);
pub const HELD: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Pressed within [`BOOT_WINDOW`] of the start; told at once, so that nothing else begins meanwhile. [`Self::Held`] may follow.
    AtBoot,
    /// Pressed and let go before [`HELD`].
    Short,
    /// Told while it is still down.
    Held,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    Down { since: Instant, told: Option<Press> },
}

/// A debounced button.
///
/// ```text
///          30 ms down: AtBoot in the first 10 s
///   Up ─────────────────────────────────────────► Down ──┐ 3 s down: Held
///    ◄─────────────────────────────────────────────  ◄───┘
///          30 ms up: Short, if nothing was told
/// ```
///
/// Call [`Self::level`] on each edge (twice the same is harmless) and [`Self::tick`] at [`Self::next_deadline`].
#[derive(Debug, Clone)]
pub struct Button {
    is_down: bool,
    level_since: Instant,
    state: State,
}

impl Default for Button {
    fn default() -> Self {
        Self {
            is_down: false,
            level_since: Instant::BOOT,
            state: State::Up,
        }
    }
}

impl Button {
    pub fn level(&mut self, is_down: bool, now: Instant) -> Option<Press> {
        // What the old level meant up to now.
        let press = self.tick(now);
        if is_down != self.is_down {
            self.is_down = is_down;
            self.level_since = now;
        }
        press
    }

    pub fn tick(&mut self, now: Instant) -> Option<Press> {
        let is_stable = now.since(self.level_since) >= DEBOUNCE;
        match self.state {
            State::Up if self.is_down && is_stable => {
                let since = self.level_since;
                let is_early = since.since(Instant::BOOT) < BOOT_WINDOW;
                let told = is_early.then_some(Press::AtBoot);
                self.state = State::Down { since, told };
                told
            }
            State::Down { told, .. } if !self.is_down && is_stable => {
                self.state = State::Up;
                told.is_none().then_some(Press::Short)
            }
            State::Down { since, told } if self.is_down && told != Some(Press::Held) => {
                let is_held = now.since(since) >= HELD;
                let news = is_held.then_some(Press::Held);
                self.state = State::Down {
                    since,
                    told: news.or(told),
                };
                news
            }
            State::Up | State::Down { .. } => None,
        }
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Down { since, told } if self.is_down => {
                (told != Some(Press::Held)).then_some(since + HELD)
            }
            State::Up if !self.is_down => None,
            State::Up | State::Down { .. } => Some(self.level_since + DEBOUNCE),
        }
    }
}
