//! What each real recording holds, counted by other tools beforehand.

use telemetry::formats::Format;
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep_corpus};

#[test]
fn dirty_nmea_loses_exactly_its_twelve_bad_checksums() {
    let Some(kept) = keep_corpus("okc-tillotson-plain.nmea", Format::Nmea) else {
        return;
    };
    assert_eq!(kept.rejected.len(), 12, "{:?}", kept.rejected);
    assert!(kept.rejected.iter().all(|(why, _)| *why == Rejection::Checksum));
    assert!(
        kept.fixes.iter().all(|fix| (fix.lon_deg + 81.379).abs() < 0.1),
        "the flipped W is not among the fixes"
    );
    assert!(kept.fixes.len() > 15_600, "{}", kept.fixes.len());
}

#[test]
fn uneven_nmea_gives_one_fix_for_each_rmc() {
    let Some(kept) = keep_corpus("okc_2laps.nmea", Format::Nmea) else {
        return;
    };
    assert_eq!(kept.fixes.len(), 2790);
    assert_eq!(kept.rejected, []);
    assert_close(kept.fixes[0].utc_ms, 1_682_789_670_010.0, 0.5);
}
