//! What the rounds came to.

use std::collections::BTreeMap;
use std::fmt;

use super::plan::{Moment, Plan, Road, Sender};
use super::round::Round;

#[derive(Default)]
pub(super) struct Figures {
    /// Rounds that count: the bytes were seen to be stored before the cut, and nobody heard the answer.
    pub(super) stored: u32,
    /// Rounds whose connection was gone before that.
    pub(super) early: u32,
    /// Of the early ones, those in which the one who came back had bytes to send.
    early_sent_again: u32,
    by_pair: BTreeMap<(Sender, Sender), u32>,
    over_tus: u32,
    at_any_moment: u32,
    after_storing: u32,
    at_the_answer: u32,
    /// The answer had come as far as the proxy, with a receipt in it.
    receipts_compared: u32,
}

impl Figures {
    pub(super) fn count(&mut self, plan: &Plan, round: &Round) {
        if !round.stored_before_cut {
            self.early += 1;
            self.early_sent_again += u32::from(round.sent_again);
            return;
        }
        self.stored += 1;
        *self
            .by_pair
            .entry((plan.turn.loses, plan.turn.returns))
            .or_default() += 1;
        self.over_tus += u32::from(plan.turn.road == Road::Tus);
        let at = match plan.moment {
            Moment::Any(_) => &mut self.at_any_moment,
            Moment::Stored(_) => &mut self.after_storing,
            Moment::AnswerBegins => &mut self.at_the_answer,
        };
        *at += 1;
        self.receipts_compared += u32::from(round.receipt_compared);
    }

    pub(super) fn played(&self) -> u32 {
        self.stored + self.early
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost by and fetched by:")?;
        for ((loses, returns), count) in &self.by_pair {
            write!(f, " {loses} and {returns} {count},")?;
        }
        let plain = self.stored - self.over_tus;
        writeln!(f, " {} over tus, {plain} over /api/upload;", self.over_tus)?;
        writeln!(
            f,
            "cut at a random moment after the bytes were seen: {}, at the answer's first byte: {}, at any moment: {};",
            self.after_storing, self.at_the_answer, self.at_any_moment
        )?;
        writeln!(
            f,
            "the answer was lost on its way: {} (its receipt and the retry's are the same bytes), before it was written: {};",
            self.receipts_compared,
            self.stored - self.receipts_compared
        )?;
        write!(
            f,
            "beside them cut before the bytes were stored: {}, of which sent bytes again: {}",
            self.early, self.early_sent_again
        )
    }
}
