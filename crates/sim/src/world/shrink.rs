//! Makes a world that breaks a promise smaller, while it breaks the same one.

use super::{Happening, Plan, Rule, run};

/// Takes happenings away, half of them at first and one at the end, at most so many worlds long. What is left needs all of it, if
/// that was enough.
pub fn shrunk(plan: &Plan, rule: Rule, steps_max: u64, worlds_max: u32) -> Plan {
    let mut small = plan.clone();
    let mut worlds = 0;
    let mut piece = small.happenings.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < small.happenings.len() && worlds < worlds_max {
            let without = without(&small, at, piece);
            let is_smaller = without.happenings.len() < small.happenings.len();
            worlds += u32::from(is_smaller);
            let still = is_smaller
                && run(&without, steps_max)
                    .violation
                    .is_some_and(|violation| violation.broken.rule == rule);
            if still {
                small = without;
            } else {
                at += piece;
            }
        }
        if piece == 1 || worlds >= worlds_max {
            return small;
        }
        piece = piece.div_ceil(2);
    }
}

/// The person keeps switching: without that there is no world.
fn without(plan: &Plan, from: usize, count: usize) -> Plan {
    let mut smaller = plan.clone();
    let mut index = 0;
    smaller.happenings.retain(|(_, happening)| {
        let is_taken = (from..from + count).contains(&index) && !matches!(happening, Happening::Power(_));
        index += 1;
        !is_taken
    });
    smaller
}
