//! Recorded speeds that cannot be true become unknown.
//!
//! A receiver's Doppler speed is better than one from positions, so only a gross contradiction counts against it.

use super::{Drive, Tally};
use crate::model::Message;

/// 1080 km/h: above an airliner, the fastest thing that a logger of ours rides in.
pub(super) const SPEED_MAX_MPS: f32 = 300.0;
/// Positions are compared over at least this long on each side, so that their noise is small.
const HALF_S: f64 = 1.0;
/// A recorded speed may be this much above the way that was made …
const SHARE: f64 = 2.0;
/// … and this much more: hard braking from the top within the window, and a receiver that wanders.
const SLACK_MPS: f64 = 30.0;

pub(super) fn drop_implausible(drive: &mut Drive, tally: &mut Tally) {
    let implausible: Vec<usize> = (0..drive.len()).filter(|&i| is_implausible(drive, i)).collect();
    for &i in &implausible {
        drive.fixes[i].speed_mps = f32::NAN;
    }
    let records = match implausible.len() {
        0 => return,
        1 => "1 recorded speed was".to_owned(),
        count => format!("{count} recorded speeds were"),
    };
    tally.messages.push(Message {
        code: "implausible_speed".to_owned(),
        text: format!(
            "{records} negative, above 1080 km/h or far above the way that was made, and not used."
        ),
        line: None,
    });
}

fn is_implausible(drive: &Drive, i: usize) -> bool {
    let said_mps = drive.fixes[i].speed_mps;
    // Below the slack no way can contradict it, which spares looking.
    if said_mps.is_nan() || (0.0..SLACK_MPS as f32).contains(&said_mps) {
        return false;
    }
    if !(0.0..=SPEED_MAX_MPS).contains(&said_mps) {
        return true;
    }
    let from = drive.index_at(drive.time_s[i] - HALF_S);
    let to = drive.index_at(drive.time_s[i] + HALF_S).min(drive.len() - 1);
    let jumped =
        drive.jumps.partition_point(|&jump| jump <= from) < drive.jumps.partition_point(|&jump| jump <= to);
    let whole = drive.time_s[i] - drive.time_s[from] >= HALF_S / 2.0
        && drive.time_s[to] - drive.time_s[i] >= HALF_S / 2.0;
    if jumped || !whole {
        return false;
    }
    let mut way_m = 0.0;
    for k in from..to {
        way_m += (drive.point(k + 1) - drive.point(k)).length_m();
    }
    f64::from(said_mps) > SLACK_MPS + SHARE * way_m / (drive.time_s[to] - drive.time_s[from])
}
