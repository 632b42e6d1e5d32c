//! What a drive looks like in the files that recorders make of it.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sim::{Gps, Imu, Logger, Session, Vehicle, eschenried, write_gpx, write_nmea};
use wire::recording::{BlockMarker, ChainVerifier, HEADER, RecordingId, SECTOR_BYTES, Verdict};

const ID: u128 = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
/// 2026-05-02T09:30:00Z
const STARTED_UTC_MS: i64 = 1_777_714_200_000;

fn recording(seed: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let session = Session {
        timed_laps: 1,
        ..Session::default()
    };
    let drive = session.drive(&eschenried().unwrap(), &Vehicle::kart(), &mut rng);
    let fixes = Gps::believable().sample(&drive, &mut rng);
    let logger = Logger {
        recording_id: ID,
        device: "kart-logger".into(),
        firmware: "1.0.0".into(),
        profile: "kart".into(),
        track: None,
        started_utc_ms: STARTED_UTC_MS,
        started_tick_ms: 41_250,
        crystal_ppm: 18.0,
    };
    let mut bytes = Vec::new();
    logger
        .write(&fixes, Imu::believable().samples(&drive, &mut rng), &mut bytes)
        .unwrap();
    bytes
}

#[test]
fn our_recording_is_a_chain_of_whole_blocks_in_order_of_arrival() {
    let bytes = recording(1);
    assert_eq!(bytes.len() % SECTOR_BYTES, 0);
    let mut chain = ChainVerifier::new();
    chain.opened(RecordingId(ID));
    let mut blocks = 0;
    let mut last_tick_ms = 0;
    let mut counts = [0_u32; 2];
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&b| b == b'\n').collect();
    assert_eq!(lines[0].trim_ascii_end(), HEADER.as_bytes());
    chain.rows(lines[0]);
    for line in &lines[1..] {
        let text = std::str::from_utf8(line).unwrap();
        let mut cells = text.split(',');
        let tick_ms: u32 = cells.next().unwrap().parse().unwrap();
        assert!(tick_ms >= last_tick_ms, "{text}");
        last_tick_ms = tick_ms;
        match cells.next().unwrap() {
            "I" => counts[0] += 1,
            "G" => counts[1] += 1,
            _ => {}
        }
        match BlockMarker::parse(line) {
            Some(marker) => {
                assert_eq!(chain.block(line, &marker), Verdict::Whole);
                blocks += 1;
            }
            None => chain.rows(line),
        }
    }
    let seconds = (last_tick_ms - 41_250) / 1_000;
    assert!(
        blocks >= 2 * seconds - 2,
        "a block at least twice a second: {blocks} in {seconds} s"
    );
    assert!(
        counts[0] / counts[1] == 9 || counts[0] / counts[1] == 10,
        "100 Hz beside 10 Hz: {counts:?}"
    );
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(",M,CLOSE,") && text.contains("M,OPEN,0123456789abcdef0011223344556677,"));
}

#[test]
fn one_seed_gives_one_file_bit_for_bit() {
    assert_eq!(recording(2), recording(2));
    assert_ne!(recording(2), recording(3));
}

#[test]
fn other_formats_carry_every_fix() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let drive = Session::default().drive(&eschenried().unwrap(), &Vehicle::kart(), &mut rng);
    let fixes = Gps::perfect(5.0).sample(&drive, &mut rng);
    let (mut nmea, mut gpx) = (Vec::new(), Vec::new());
    write_nmea(&fixes, STARTED_UTC_MS, &mut nmea).unwrap();
    write_gpx(&fixes, STARTED_UTC_MS, &mut gpx).unwrap();
    let (nmea, gpx) = (String::from_utf8(nmea).unwrap(), String::from_utf8(gpx).unwrap());
    assert_eq!(nmea.matches("$GPRMC,").count(), fixes.len());
    assert_eq!(gpx.matches("<trkpt ").count(), fixes.len());
    assert!(nmea.starts_with("$GPRMC,093000.000,A,4845."));
    assert!(gpx.contains("<time>2026-05-02T09:30:00.200Z</time>"));
}
