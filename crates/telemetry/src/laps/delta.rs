//! Every fix on the ruler of the best lap: which lap, how long in it, where along the track, how far behind.

use timing::{Lap, LapKind};

use super::line::{Cursor, Line};
use super::{lay, table};
use crate::clean::Drive;

/// One value for each fix; unknown is NaN or `None`.
#[derive(Debug, Clone)]
pub struct Along {
    pub lap: Vec<Option<i32>>,
    pub lap_time_s: Vec<f32>,
    pub track_pos_m: Vec<f32>,
    /// Behind the best lap at the same position: positive is slower.
    pub delta_best_s: Vec<f32>,
}

impl Along {
    /// For a drive without laps.
    pub(super) fn unknown(count: usize) -> Self {
        Self {
            lap: vec![None; count],
            lap_time_s: vec![f32::NAN; count],
            track_pos_m: vec![f32::NAN; count],
            delta_best_s: vec![f32::NAN; count],
        }
    }

    pub(super) fn follow(drive: &Drive, laps: &[Lap], line: Option<&Line>) -> Self {
        let mut along = Self::unknown(drive.len());
        for (lap, number) in laps.iter().zip(table::numbers(laps)) {
            let last = lap.exit.is_none();
            let fixes = drive.index_at(lap.start_s)..if last {
                drive.len()
            } else {
                drive.index_at(lap.end_s)
            };
            for i in fixes.clone() {
                along.lap[i] = i32::try_from(number).ok();
                along.lap_time_s[i] = (drive.time_s[i] - lap.start_s) as f32;
            }
            if let Some(line) = line {
                along.follow_lap(drive, lap, fixes, line);
            }
        }
        along
    }

    fn follow_lap(&mut self, drive: &Drive, lap: &Lap, fixes: std::ops::Range<usize>, line: &Line) {
        let from_gate = lap.kind != LapKind::Out && lap.entry.is_some();
        let mut cursor = if from_gate {
            Cursor::at_start()
        } else {
            Cursor::lost()
        };
        for i in fixes {
            let Some(along_m) = line.locate(&mut cursor, drive.point(i), lay::travel_at(drive, i)) else {
                continue;
            };
            self.track_pos_m[i] = along_m as f32;
            if from_gate {
                self.delta_best_s[i] = (drive.time_s[i] - lap.start_s - line.best_lap_s(along_m)) as f32;
            }
        }
    }
}
