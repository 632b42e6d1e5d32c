//! Time that goes by only when the world says so.
//!
//! ```text
//! device's futures ── sleep(d) ──► VirtualTime ◄── advance() ── world
//!        ▲                              │
//!        └────────── wake ──────────────┘
//! ```
//!
//! A world drops a device's futures when it cuts the power; a sleep that was dropped is forgotten with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use device::time::Instant;

/// A handle; clones are the same time.
#[derive(Debug, Clone, Default)]
pub struct VirtualTime(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    now: Instant,
    /// By when and by who came first, so that equal moments have one order.
    sleepers: BTreeMap<(Instant, u64), Waker>,
    next: u64,
}

impl VirtualTime {
    pub fn now(&self) -> Instant {
        self.0.borrow().now
    }

    /// When the next sleeper wakes.
    pub fn next_wake(&self) -> Option<Instant> {
        self.0.borrow().sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Moves to a moment, which is not before now, and wakes whoever slept until then or less, in order.
    pub fn advance_to(&self, at: Instant) {
        let woken = {
            let mut state = self.0.borrow_mut();
            state.now = state.now.max(at);
            let later = state.sleepers.split_off(&(at, u64::MAX));
            std::mem::replace(&mut state.sleepers, later)
        };
        // Nothing is borrowed any more: whoever wakes may look at the time.
        for waker in woken.into_values() {
            waker.wake();
        }
    }

    /// Ready once the time has come.
    pub async fn sleep(&self, span: Duration) {
        let until = self.now() + span;
        let mut sleeper = Sleeper {
            time: self,
            key: None,
        };
        poll_fn(|context| {
            if self.now() >= until {
                return Poll::Ready(());
            }
            sleeper.register(until, context.waker());
            Poll::Pending
        })
        .await;
    }
}

/// One sleep's entry, taken back when the sleep is dropped.
struct Sleeper<'t> {
    time: &'t VirtualTime,
    key: Option<(Instant, u64)>,
}

impl Sleeper<'_> {
    fn register(&mut self, until: Instant, waker: &Waker) {
        let mut state = self.time.0.borrow_mut();
        let key = *self.key.get_or_insert_with(|| {
            state.next += 1;
            (until, state.next)
        });
        state.sleepers.insert(key, waker.clone());
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.time.0.borrow_mut().sleepers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Context;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_sleep_ends_when_its_time_has_come_and_not_before() {
        let time = VirtualTime::default();
        let sleeper = time.clone();
        let mut slept = pin!(sleeper.sleep(SECOND));
        let mut context = Context::from_waker(Waker::noop());
        assert!(slept.as_mut().poll(&mut context).is_pending());
        assert_eq!(time.next_wake(), Some(Instant::from_secs(1)));
        time.advance_to(Instant::from_millis(999));
        assert!(slept.as_mut().poll(&mut context).is_pending());
        time.advance_to(Instant::from_secs(1));
        assert!(slept.as_mut().poll(&mut context).is_ready());
        assert_eq!(time.next_wake(), None);
    }

    #[test]
    fn a_sleep_that_was_dropped_wakes_nobody() {
        let time = VirtualTime::default();
        {
            let mut slept = pin!(time.sleep(SECOND));
            assert!(
                slept
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
        assert_eq!(time.next_wake(), None);
    }

    #[test]
    fn time_never_goes_back() {
        let time = VirtualTime::default();
        time.advance_to(Instant::from_secs(5));
        time.advance_to(Instant::from_secs(3));
        assert_eq!(time.now(), Instant::from_secs(5));
    }
}
