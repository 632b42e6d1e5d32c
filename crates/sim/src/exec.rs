//! Runs one future to its end, or to where nothing in the world will move it any more.
//!
//! A power cut is a future that waits for ever: the card never answers. So whoever simulates a cut runs the device's future
//! here, sees [`Outcome::Cut`], and by then the future is dropped; no code of the device ran after the cut.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// How a future ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<T> {
    Done(T),
    /// It waits for something that will never come.
    Cut,
}

impl<T> Outcome<T> {
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Cut => None,
        }
    }

    pub fn is_cut(&self) -> bool {
        matches!(self, Self::Cut)
    }
}

/// Polls until the future is done, or waits without having arranged to be woken.
pub fn run<F: Future>(future: F) -> Outcome<F::Output> {
    let alarm = Arc::new(Alarm(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    while alarm.0.swap(false, Ordering::Relaxed) {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Outcome::Done(value);
        }
    }
    Outcome::Cut
}

/// Whether somebody asked for another poll.
struct Alarm(AtomicBool);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};

    use super::*;

    #[test]
    fn what_is_ready_is_done_and_what_never_wakes_is_cut() {
        assert_eq!(run(ready(7)), Outcome::Done(7));
        assert_eq!(run(pending::<u8>()), Outcome::Cut);
    }

    #[test]
    fn who_wakes_itself_is_polled_again() {
        let mut left = 3;
        let counted = poll_fn(|context| {
            if left == 0 {
                return Poll::Ready("done");
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        });
        assert_eq!(run(counted), Outcome::Done("done"));
    }
}
