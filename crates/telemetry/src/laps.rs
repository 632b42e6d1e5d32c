//! From a cleaned drive to gates, laps, sectors and what can be said about them.
//!
//! Owns which gate is used and why, the lap table, the line of the best lap with every position along it, and the
//! figures made from laps. The crossing itself is `timing`'s; nothing here reads a file.
//! `docs/decisions/0006-gates-and-the-ruler.md` says why gates are laid and places compared as they are.

mod best;
mod delta;
mod gates;
mod lay;
mod learn;
mod line;
mod sectors;
mod table;

pub use delta::Along;
use gates::Gates;
pub use gates::{Chosen, KnownTrack, LearnedTrack, Wanted, choose};
pub use learn::learn_gate;
pub use line::Line;

use crate::clean::Drive;
use crate::model::Message;
use crate::report;

/// Everything that the laps of one drive tell.
#[derive(Debug, Clone)]
pub struct Analysed {
    pub gate: Option<report::Gate>,
    pub finish: Option<report::Gate>,
    pub splits: Vec<report::Gate>,
    pub track: Option<report::TrackRef>,
    pub laps: Vec<report::Lap>,
    pub figures: Figures,
    pub along: Along,
    /// The gates, when they were found in this drive rather than given.
    pub learned: Option<LearnedTrack>,
    pub messages: Vec<Message>,
}

/// What is made of the timed laps.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    pub best_ms: Option<f64>,
    pub rolling_best_ms: Option<f64>,
    pub theoretical_best_ms: Option<f64>,
    pub achievable_best_ms: Option<f64>,
    pub consistency_ms: Option<f64>,
}

/// Finds the gates, times the laps, and follows every fix along the best lap's line. `distance_m` has one value a fix.
pub fn analyse(drive: &Drive, distance_m: &[f32], wanted: &Wanted<'_>) -> Analysed {
    let Chosen {
        course,
        track,
        mut messages,
    } = choose(drive, wanted);
    let Some(mut course) = course else {
        return Analysed {
            gate: None,
            finish: None,
            splits: Vec::new(),
            track,
            laps: Vec::new(),
            figures: Figures::default(),
            along: Along::unknown(drive.len()),
            learned: None,
            messages,
        };
    };
    let mut laps = table::time_laps(drive, &course);
    if let Some(splits) = sectors::learn_splits(drive, &course, &laps) {
        course.with_learned_splits(splits);
        laps = table::time_laps(drive, &course);
    }
    if course.finish.is_none() {
        table::doubt_missed_gates(drive, distance_m, &mut laps);
    }
    if laps.iter().all(|lap| lap.entry.is_none()) {
        messages.push(gates::never_crossed());
    }
    let line = Line::of_best(drive, &course, &laps);
    let along = Along::follow(drive, &laps, line.as_ref());
    let figures = best::figures(drive, distance_m, &laps, &course, &along);
    let length_m = line.as_ref().map(|line| (line.length_m() * 1e3).round() / 1e3);
    Analysed {
        gate: Some(course.report_start(drive)),
        finish: course.report_finish(drive),
        splits: course.report_splits(drive),
        track: track_with_length(track, &course, length_m),
        laps: table::report(drive, distance_m, &laps, course.splits.len()),
        figures,
        along,
        learned: course.as_learned_track(drive, wanted.track_name),
        messages,
    }
}

/// A course with a line is a track even when nobody knows its name.
fn track_with_length(
    track: Option<report::TrackRef>,
    course: &Gates,
    length_m: Option<f64>,
) -> Option<report::TrackRef> {
    let track = match (track, course.finish, length_m) {
        (Some(track), _, _) => track,
        (None, None, Some(_)) => report::TrackRef {
            id: None,
            name: None,
            length_m,
        },
        (None, _, _) => return None,
    };
    Some(report::TrackRef { length_m, ..track })
}
