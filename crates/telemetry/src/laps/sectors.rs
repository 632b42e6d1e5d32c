//! Sectors where nobody laid splits: three of equal length, so that a theoretical best means something.
//!
//! They depend on the best lap's line only, so the same recording always gets the same; a caller that keeps the track
//! freezes them with it.

use timing::{Gate, Lap, Point};

use super::gates::Gates;
use super::lay::DEFAULT_WIDTH_M;
use super::line::{self, Polyline};
use crate::clean::Drive;

const SECTORS: u32 = 3;
/// The direction across which a split is laid is taken this far before and after it.
const DIRECTION_M: f64 = 10.0;

/// Splits along the best lap of a circuit that has none; `None` where there is nothing to learn.
pub(super) fn learn_splits(drive: &Drive, gates: &Gates, laps: &[Lap]) -> Option<Vec<Gate>> {
    if gates.finish.is_some() || !gates.splits.is_empty() {
        return None;
    }
    let lap = line::best_lap(laps)?;
    let way = Polyline::of_lap(drive, gates, lap)?;
    let splits = (1..SECTORS).filter_map(|sector| {
        let at_m = way.lap_m() * f64::from(sector) / f64::from(SECTORS);
        let ahead: Point = (way.at(at_m + DIRECTION_M) - way.at(at_m - DIRECTION_M)).unit()?;
        Some(Gate::across(way.at(at_m), ahead.bearing_deg(), DEFAULT_WIDTH_M))
    });
    Some(splits.collect())
}
