//! Laps and sectors of the track that the device is set to, while it records.

use wire::recording::Gps;

use crate::bytes::Put;
use crate::receiver::RATE_HZ;
use crate::signal::Sector;
use crate::time::Instant;
use crate::track::{Fix, LapWatch, Output, Place, TRACK_BYTES_MAX, Track, Verdict};

/// Bests live as long as the track: not from one recording to the next only.
#[derive(Debug, Default)]
pub(super) struct Laps {
    watch: Option<LapWatch>,
    /// Of the track that is watched; another one begins anew.
    fingerprint: u32,
    sector: Option<(Sector, Instant)>,
}

impl Laps {
    /// The track of the settings, which may be the same as before.
    pub(super) fn set_track(&mut self, track: Option<&Track>) {
        let fingerprint = track.map_or(0, fingerprint);
        if fingerprint == self.fingerprint {
            return;
        }
        self.fingerprint = fingerprint;
        self.watch = track.and_then(|track| LapWatch::new(track, RATE_HZ));
    }

    pub(super) fn fix(&mut self, gps: &Gps) {
        let (Some(watch), Some(epoch_ms)) = (&mut self.watch, gps.epoch_ms) else {
            return;
        };
        let at = Place {
            lat_e7_deg: gps.lat_e7_deg,
            lon_e7_deg: gps.lon_e7_deg,
        };
        watch.handle(Fix { epoch_ms, at });
    }

    pub(super) fn poll(&mut self, now: Instant) -> Option<Output> {
        let output = self.watch.as_mut()?.poll()?;
        if let Output::Sector { verdict, .. } = output {
            self.sector = shown(verdict).map(|sector| (sector, now)).or(self.sector);
        }
        Some(output)
    }

    /// The last sector that could be compared, and when it ended.
    pub(super) const fn sector(&self) -> Option<(Sector, Instant)> {
        self.sector
    }
}

fn fingerprint(track: &Track) -> u32 {
    let mut bytes = [0; TRACK_BYTES_MAX];
    let mut put = Put::into(&mut bytes);
    // It has room for the longest.
    let _ = track.encode(&mut put);
    // 0 is none.
    crc32fast::hash(put.written()).max(1)
}

const fn shown(verdict: Verdict) -> Option<Sector> {
    match verdict {
        Verdict::First => None,
        Verdict::FasterBy { .. } => Some(Sector::Faster),
        Verdict::CloseBy { .. } => Some(Sector::LittleSlower),
        Verdict::SlowerBy { .. } => Some(Sector::Slower),
    }
}
