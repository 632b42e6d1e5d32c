//! Gives the one connection to one machine at a time.
//!
//! ```text
//! machine ── Output::Send ──► Wants(who) ──► Grant(who) ──► its request is carried out ──► Finished ──► Grant(next)
//! machine ── Output::Abandon ──► GivesUp(who) ──► BreakOff, if it was its request
//! ```
//!
//! A small chip has memory for one TLS session. What is small and tells people that the device lives goes before what is large, and gets in
//! between two bodies of a recording. Contract: `handle`, then `poll` until `None`; there are no deadlines. Promise: between a grant and its
//! end there is no other; nobody who waits is passed over more than [`PASSED_OVER_MAX`] times.

/// Who talks to the server, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Heartbeat,
    Desired,
    Confirm,
    Files,
}

impl Who {
    const ALL: [Self; 4] = [Self::Heartbeat, Self::Desired, Self::Confirm, Self::Files];
}

/// A heartbeat, what it said is new, and the acknowledgement of that.
pub const PASSED_OVER_MAX: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Has a request. Saying so again changes nothing.
    Wants(Who),
    /// Does not want it any more.
    GivesUp(Who),
    /// The request that was granted has its answer, or will have none.
    Finished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Carry this one's request out.
    Grant(Who),
    /// The request under way is not wanted any more: end its connection. It counts as finished.
    BreakOff,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Net {
    waiting: [bool; 4],
    passed_over: [u8; 4],
    holder: Option<Who>,
    breaks_off: bool,
}

impl Net {
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Wants(who) => self.set_waiting(who, true),
            Input::GivesUp(who) => {
                self.set_waiting(who, false);
                if self.holder == Some(who) {
                    self.holder = None;
                    self.breaks_off = true;
                }
            }
            Input::Finished => self.holder = None,
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        if core::mem::take(&mut self.breaks_off) {
            return Some(Output::BreakOff);
        }
        if self.holder.is_some() {
            return None;
        }
        let who = self.next()?;
        self.set_waiting(who, false);
        for (passed, waits) in self.passed_over.iter_mut().zip(self.waiting) {
            *passed = if waits { passed.saturating_add(1) } else { 0 };
        }
        self.holder = Some(who);
        Some(Output::Grant(who))
    }

    /// Nobody talks, and nobody waits to.
    pub fn is_idle(&self) -> bool {
        self.holder.is_none() && !self.breaks_off && !self.waiting.contains(&true)
    }

    fn next(&self) -> Option<Who> {
        let waiting = || {
            let all = Who::ALL.into_iter().zip(self.waiting).zip(self.passed_over);
            all.filter(|((_, waits), _)| *waits)
        };
        let has_waited_long = waiting().find(|(_, passed)| *passed >= PASSED_OVER_MAX);
        has_waited_long
            .or_else(|| waiting().next())
            .map(|((who, _), _)| who)
    }

    fn set_waiting(&mut self, who: Who, waits: bool) {
        for (known, place) in Who::ALL.into_iter().zip(&mut self.waiting) {
            if known == who {
                *place = waits;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(net: &mut Net) -> Option<Who> {
        match net.poll() {
            Some(Output::Grant(who)) => Some(who),
            Some(Output::BreakOff) => panic!("nothing was given up"),
            None => None,
        }
    }

    #[test]
    fn a_heartbeat_gets_in_between_two_bodies_and_not_into_one() {
        let mut net = Net::default();
        net.handle(Input::Wants(Who::Files));
        assert_eq!(granted(&mut net), Some(Who::Files));
        net.handle(Input::Wants(Who::Heartbeat));
        net.handle(Input::Wants(Who::Files));
        assert_eq!(granted(&mut net), None, "one at a time");
        net.handle(Input::Finished);
        assert_eq!(granted(&mut net), Some(Who::Heartbeat));
        net.handle(Input::Finished);
        assert_eq!(granted(&mut net), Some(Who::Files));
    }

    #[test]
    fn nobody_waits_for_ever() {
        let mut net = Net::default();
        net.handle(Input::Wants(Who::Files));
        let mut grants = 0;
        loop {
            net.handle(Input::Wants(Who::Heartbeat));
            grants += 1;
            if granted(&mut net) == Some(Who::Files) {
                break;
            }
            net.handle(Input::Finished);
        }
        assert_eq!(grants, i32::from(PASSED_OVER_MAX) + 1);
    }

    #[test]
    fn what_is_given_up_makes_room() {
        let mut net = Net::default();
        net.handle(Input::Wants(Who::Files));
        net.handle(Input::Wants(Who::Confirm));
        assert_eq!(granted(&mut net), Some(Who::Confirm));
        net.handle(Input::GivesUp(Who::Files));
        net.handle(Input::GivesUp(Who::Confirm));
        assert_eq!(net.poll(), Some(Output::BreakOff));
        assert_eq!(net.poll(), None);
    }
}
