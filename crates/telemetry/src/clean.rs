//! Which fixes are believed, and when they were.
//!
//! Owns the time base of a recording and the decision to drop a fix: no place, time that stands or runs backwards,
//! a jump that no vehicle makes, a stale repeat. Every drop is counted by cause. It never moves a fix and never
//! invents one: a hole stays a hole.

mod clock;
mod drive;
mod jumps;
mod order;
mod speeds;
mod strays;

use std::collections::BTreeMap;

pub use clock::TimeBase;
pub use drive::Drive;

use crate::model::{Fix, Message};

/// The believed drive, and what was left out of it.
#[derive(Debug, Clone)]
pub struct Cleaned {
    pub drive: Drive,
    /// By cause, in the words of [`crate::report::Quality::rejected_by`].
    pub rejected: BTreeMap<&'static str, u64>,
    /// Repeats of a fix already seen, which harm nobody.
    pub duplicates: u64,
    pub messages: Vec<Message>,
}

/// Counts as the stages of cleaning find them.
#[derive(Debug, Default)]
struct Tally {
    no_fix: u64,
    time_jump: u64,
    time_backwards: u64,
    duplicate_time: u64,
    jump: u64,
    duplicates: u64,
    messages: Vec<Message>,
}

/// Decides which of the fixes, in file order, are believed.
pub fn clean(mut fixes: Vec<Fix>, base: TimeBase) -> Cleaned {
    let mut tally = Tally::default();
    let held = fixes.len();
    fixes.retain(is_place);
    tally.no_fix = (held - fixes.len()) as u64;
    let mut time_s = clock::times(&mut fixes, base, &mut tally);
    order::in_time_order(&mut fixes, &mut time_s, &mut tally);
    let jumps = jumps::drop_jumps(&mut fixes, &mut time_s, &mut tally);
    let mut drive = Drive::new(fixes, time_s, jumps);
    speeds::drop_implausible(&mut drive, &mut tally);
    let jumped = strays::jumps_told(&drive.fixes, &drive.time_s, &drive.jumps, &drive.off_track);
    tally.messages.extend(jumped);
    tally.messages.extend(strays::weakness_told(&drive.fixes));
    let causes = [
        ("no_fix", tally.no_fix),
        ("time_jump", tally.time_jump),
        ("time_backwards", tally.time_backwards),
        ("duplicate_time", tally.duplicate_time),
        ("jump", tally.jump),
    ];
    Cleaned {
        drive,
        rejected: causes.into_iter().filter(|(_, count)| *count > 0).collect(),
        duplicates: tally.duplicates,
        messages: tally.messages,
    }
}

/// Receivers without a fix report (0, 0), and parsers NaN.
fn is_place(fix: &Fix) -> bool {
    fix.lat_deg.abs() <= 90.0 && fix.lon_deg.abs() <= 180.0 && (fix.lat_deg != 0.0 || fix.lon_deg != 0.0)
}

/// Keeps the fixes (and their times) whose index passes.
fn retain_indexed(fixes: &mut Vec<Fix>, time_s: &mut Vec<f64>, keep: impl Fn(usize) -> bool) {
    let mut index = 0;
    fixes.retain(|_| {
        index += 1;
        keep(index - 1)
    });
    index = 0;
    time_s.retain(|_| {
        index += 1;
        keep(index - 1)
    });
}
