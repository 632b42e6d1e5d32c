//! UBX NAV-PVT and RaceBox messages with their traps.

use telemetry::formats::{Format, ReadError, detect};
use telemetry::sink::Rejection;

use crate::support::{assert_close, keep, try_keep};

/// A frame with its checksum, which is the 8-bit Fletcher sum over all but the sync mark.
fn frame(class: u8, id: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("short").to_le_bytes();
    let mut frame = vec![0xB5, 0x62, class, id, length[0], length[1]];
    frame.extend_from_slice(payload);
    let (mut a, mut b) = (0_u16, 0_u16);
    for byte in &frame[2..] {
        a = (a + u16::from(*byte)) % 256;
        b = (b + a) % 256;
    }
    frame.extend([a as u8, b as u8]);
    frame
}

fn put(payload: &mut [u8], at: usize, bytes: &[u8]) {
    payload[at..at + bytes.len()].copy_from_slice(bytes);
}

/// What NAV-PVT and RaceBox have in common: 2026-02-01 10:11:13 less half a second, 45.5 N 10.5 W, 100.5 m, 0.4 m, 9 satellites.
fn common(size: usize, of_week_ms: u32) -> Vec<u8> {
    let mut payload = vec![0; size];
    put(&mut payload, 0, &of_week_ms.to_le_bytes());
    put(&mut payload, 4, &2026_u16.to_le_bytes());
    put(&mut payload, 6, &[2, 1, 10, 11, 13, 0b111]);
    put(&mut payload, 16, &(-500_000_000_i32).to_le_bytes());
    put(&mut payload, 20, &[3, 1, 0, 9]);
    put(&mut payload, 24, &(-105_000_000_i32).to_le_bytes());
    put(&mut payload, 28, &455_000_000_i32.to_le_bytes());
    put(&mut payload, 32, &150_500_i32.to_le_bytes());
    put(&mut payload, 36, &100_500_i32.to_le_bytes());
    put(&mut payload, 40, &400_u32.to_le_bytes());
    payload
}

fn pvt_payload(of_week_ms: u32) -> Vec<u8> {
    let mut payload = common(92, of_week_ms);
    put(&mut payload, 60, &10_000_i32.to_le_bytes());
    put(&mut payload, 64, &9_350_000_i32.to_le_bytes());
    put(&mut payload, 76, &150_u16.to_le_bytes());
    payload
}

fn pvt(of_week_ms: u32) -> Vec<u8> {
    frame(0x01, 0x07, &pvt_payload(of_week_ms))
}

#[test]
fn a_nav_pvt_is_a_fix_with_negative_nanoseconds_taken_off() {
    let kept = keep(Format::Ubx, pvt(36_673_000));
    let fix = kept.fixes[0];
    assert_close(fix.lat_deg, 45.5, 1e-9);
    assert_close(fix.lon_deg, -10.5, 1e-9);
    assert_eq!((fix.alt_m, fix.accuracy_m, fix.satellites), (100.5, 0.4, 9.0));
    assert_close(fix.speed_mps.into(), 10.0, 1e-6);
    assert_close(fix.heading_deg.into(), 93.5, 1e-4);
    assert_close(fix.utc_ms, 1_769_940_672_500.0, 1e-3);
    assert_eq!(kept.channel("log", "pdop"), [1.5]);
}

#[test]
fn a_racebox_message_live_or_stored_brings_its_motion_sensors() {
    let mut payload = common(80, 1000);
    put(&mut payload, 48, &10_000_i32.to_le_bytes());
    put(&mut payload, 52, &9_350_000_i32.to_le_bytes());
    put(&mut payload, 68, &(-250_i16).to_le_bytes());
    put(&mut payload, 78, &1234_i16.to_le_bytes());
    let mut bytes = frame(0xFF, 0x01, &payload);
    bytes.extend(frame(0xFF, 0x21, &payload));
    let kept = keep(Format::Ubx, bytes);
    assert_eq!(kept.fixes.len(), 2);
    assert_eq!(kept.fixes[0].speed_mps, 10.0);
    assert_close(kept.fixes[0].heading_deg.into(), 93.5, 1e-4);
    assert_eq!(kept.channel("imu", "acc_x"), [-0.25, -0.25]);
    assert_eq!(kept.channel("imu", "gyro_z"), [12.34, 12.34]);
}

#[test]
fn what_lies_between_frames_is_passed_over() {
    let mut bytes = b"$GPTXT,hello\r\n\xB5".to_vec();
    bytes.extend(frame(0x0A, 0x04, b"version"));
    bytes.extend(pvt(1000));
    bytes.extend(b"\xB5\x62\x01");
    bytes.extend(pvt(1040));
    let kept = keep(Format::Ubx, bytes);
    assert_eq!(kept.fixes.len(), 2);
    assert_eq!(kept.rejected, []);
}

#[test]
fn a_wrong_checksum_costs_one_message_and_its_number_is_told() {
    let mut bytes = pvt(1000);
    let mut wrong = pvt(1040);
    wrong[50] ^= 0x10;
    bytes.extend(wrong);
    bytes.extend(pvt(1080));
    let kept = keep(Format::Ubx, bytes);
    let clocks: Vec<f64> = kept.fixes.iter().map(|fix| fix.clock_s).collect();
    assert_eq!(clocks, [1.0, 1.08]);
    assert_eq!(kept.rejected, [(Rejection::Checksum, 2)]);
}

#[test]
fn a_frame_torn_within_does_not_swallow_the_next() {
    let mut bytes = pvt(1000)[..60].to_vec();
    bytes.extend(pvt(1040));
    bytes.extend(pvt(1080));
    let kept = keep(Format::Ubx, bytes);
    assert_eq!(kept.fixes.len(), 2);
    assert_eq!(kept.rejected, [(Rejection::Checksum, 1)]);
}

#[test]
fn only_what_the_receiver_vouches_for_is_a_fix() {
    let with = |at: usize, value: u8| {
        let mut payload = pvt_payload(1000);
        payload[at] = value;
        frame(0x01, 0x07, &payload)
    };
    let no_fix_type = with(20, 0);
    let not_ok = with(21, 0);
    let undated = with(11, 0);
    let kept = keep(Format::Ubx, [no_fix_type, not_ok, undated].concat());
    assert_eq!(kept.rejected, [(Rejection::NoFix, 1), (Rejection::NoFix, 2)]);
    assert_eq!(kept.fixes.len(), 1);
    assert!(kept.fixes[0].utc_ms.is_nan(), "the receiver has no date yet");
}

#[test]
fn the_week_goes_on_from_saturday_to_sunday() {
    let kept = keep(Format::Ubx, [pvt(604_799_960), pvt(0)].concat());
    assert_close(kept.fixes[1].clock_s - kept.fixes[0].clock_s, 0.04, 1e-6);
}

#[test]
fn a_file_cut_within_a_message_keeps_those_before() {
    let bytes = [pvt(1000), pvt(1040)[..50].to_vec()].concat();
    let kept = keep(Format::Ubx, bytes);
    assert_eq!(kept.fixes.len(), 1);
    assert_eq!(kept.rejected, [(Rejection::Checksum, 2)]);
}

#[test]
fn other_messages_alone_say_which_one_is_missing() {
    let error = try_keep(Format::Ubx, &frame(0x0A, 0x04, b"version")).expect_err("no position");
    assert!(matches!(error, ReadError::NoMessage { .. }), "{error}");
    assert!(error.to_string().contains("UBX-NAV-PVT"), "{error}");
    assert_eq!(
        detect(&frame(0x0A, 0x04, &[0, 1, 2]))
            .expect_err("no position")
            .code(),
        "binary_file"
    );
}
