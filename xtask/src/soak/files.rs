//! What devices send: small recordings in our own CSV and small pictures, each with bytes of its own.

use std::fmt::Write as _;
use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const HEADER: &str = "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat\n";
/// Fixes of about 5 KB to 60 KB: smaller and larger than any one buffer on the way.
pub(super) const SHORT: Range<u32> = 60..800;
/// Of about 60 KB to 200 KB: several pieces.
pub(super) const LONG: Range<u32> = 800..2_700;
const FIX_INTERVAL_MS: u32 = 100;
const RADIUS_DEG: f64 = 0.001;
const LAP_S: f64 = 30.0;

/// A few rounds on a circle.
pub(super) fn drive(rng: &mut ChaCha8Rng, fixes: Range<u32>) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    let (lat, lon) = (rng.random_range(-60.0..60.0), rng.random_range(-170.0..170.0));
    let boot_ms: u32 = rng.random_range(1000..1_000_000);
    for fix in 0..rng.random_range(fixes) {
        let tick_ms = boot_ms + fix * FIX_INTERVAL_MS;
        let angle = f64::from(fix * FIX_INTERVAL_MS) / 1000.0 / LAP_S * std::f64::consts::TAU;
        let (lat, lon) = (lat + RADIUS_DEG * angle.sin(), lon + RADIUS_DEG * angle.cos());
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{tick_ms},G,0.1,0.2,1.0,0.0,0.0,12.0,{lat:.7},{lon:.7},112.0,83.8,14,3.9"
        );
    }
    text.into_bytes()
}

/// A whole picture of a few pixels.
const PICTURE: &[u8] = include_bytes!("../../../crates/server/tests/pictures/tiny.jpg");
const START_OF_IMAGE_BYTES: usize = 2;
/// Bytes of a comment in it: a segment holds less than 64 KiB.
const COMMENT_BYTES: Range<u16> = 8..60_000;

/// The same few pixels, behind a comment that no other has.
pub(super) fn picture(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut comment = vec![0; usize::from(rng.random_range(COMMENT_BYTES))];
    rng.fill(&mut comment[..]);
    let (start, rest) = PICTURE.split_at(START_OF_IMAGE_BYTES);
    // The length counts its own two bytes (ITU-T T.81, B.2.4.5); the range keeps it in 16 bits.
    let length = u16::try_from(comment.len() + 2).unwrap_or(u16::MAX);
    [start, &[0xFF, 0xFE], &length.to_be_bytes(), &comment, rest].concat()
}
