//! Small recordings in our own CSV: a few rounds on a circle, each file with bytes of its own.

use std::fmt::Write as _;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const HEADER: &str = "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat\n";
/// About 5 KB to 60 KB: smaller and larger than any one buffer on the way.
const FIXES: std::ops::Range<u32> = 60..800;
const FIX_INTERVAL_MS: u32 = 100;
const RADIUS_DEG: f64 = 0.001;
const LAP_S: f64 = 30.0;

pub(crate) fn csv(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    let (lat, lon) = (rng.random_range(-60.0..60.0), rng.random_range(-170.0..170.0));
    let boot_ms: u32 = rng.random_range(1000..1_000_000);
    for fix in 0..rng.random_range(FIXES) {
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
