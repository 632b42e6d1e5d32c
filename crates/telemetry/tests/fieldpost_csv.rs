//! Every dialect of our own CSV, with the traps that real files hold.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use telemetry::columns::Discard;
use telemetry::formats::{DETECT_BYTES, Format, ReadError, detect, read};
use telemetry::model::{Fix, Vehicle};
use telemetry::recording::{Collector, Recording};
use telemetry::sink::Rejection;
use wire::recording::{BlockWriter, HEADER, Imu, Marker, ROW_BYTES_MAX, RecordingId, Row, SECTOR_BYTES};

const E: &str = "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat";
const D: &str = "gps_time,lat,lon,alt,speed,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,vbat";
const C: &str = "time,lat,lon,alt,speed,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,vbat";
const B: &str = "timestamp,lat,lon,speed_kmh,sats,alt,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z";
const A: &str =
    "timestamp,latitude,longitude,speed,satellites,imu_x,imu_y,imu_z,gyro_x,gyro_y,gyro_z,pressure";
const GOLDEN: &str = include_str!("../../wire/vectors/recording.csv");

#[test]
fn the_golden_recording_is_read_with_nothing_rejected() {
    let recording = recorded(GOLDEN);
    assert_eq!(
        recording.facts.recording_id,
        Some(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)
    );
    assert_eq!(recording.facts.device_name.as_deref(), Some("Datalogger-7F3A"));
    assert_eq!(
        recording.rejected.values().sum::<u64>(),
        0,
        "{:?}",
        recording.first_rejected
    );
    let fix = recording.fixes[0];
    assert_eq!((fix.clock_s, fix.utc_ms), (1.012, 1_792_345_678_900.0));
    assert_eq!((fix.lat_deg, fix.lon_deg), (45.1234567, -122.0000001));
    assert_eq!((fix.alt_m, fix.satellites), (-3.05, 12.0));
    assert!((fix.speed_mps - 123.45 / 3.6).abs() < 1e-5);
    assert_eq!(recording.fixes.len(), 2);
    assert!(recording.fixes[1].utc_ms.is_nan());
    assert_eq!(rows_of(&recording), [("imu", 3), ("log", 1)]);
    assert_eq!(recording.declared_lost, 48);
}

#[test]
fn a_damaged_block_is_counted_with_its_line_and_its_rows_are_kept() {
    let recording = recorded(&GOLDEN.replace("123.45", "123.46"));
    assert_eq!(recording.rejected.get(&Rejection::Checksum), Some(&1));
    assert_eq!(recording.first_rejected, [(Rejection::Checksum, 7)]);
    assert_eq!(recording.fixes.len(), 2);
}

#[test]
fn rows_that_cannot_be_read_are_counted_and_are_not_called_missing() {
    let recording = recorded(&file(E, &["1,?,x", "rubbish", "3,G,abc"]));
    assert_eq!(recording.rejected.get(&Rejection::Malformed), Some(&3));
    assert_eq!(recording.first_rejected[0], (Rejection::Malformed, 2));
    // A first row that the power cut off is none yet.
    let cut = format!("{E}\n12,I,0.0");
    assert!(matches!(error_of(&cut), ReadError::HeaderOnly { line: 1, .. }));
}

#[test]
fn a_profile_named_after_a_vehicle_says_what_was_driven() {
    let vehicle = |profile: &str| {
        let open = format!("1,M,OPEN,00112233445566778899aabbccddeeff,dev,1.0,{profile}");
        let fix = "100,G,,,,,,,45.1,-122.0,10.0,50.0,9,";
        recorded(&file(E, &[&open, fix])).facts.vehicle
    };
    assert_eq!(vehicle("motorcycle"), Some(Vehicle::Motorcycle));
    assert_eq!(vehicle("kart"), Some(Vehicle::Kart));
    assert_eq!(vehicle("track day"), None);
}

#[test]
fn the_track_that_the_device_was_set_to_is_told() {
    let track = |name: &str| {
        recorded(&file(
            E,
            &[
                &format!("1,M,TRACK,{name}"),
                "100,G,,,,,,,45.1,-122.0,10.0,50.0,9,",
            ],
        ))
        .facts
        .track_name
    };
    assert_eq!(track("Hollin Moor").as_deref(), Some("Hollin Moor"));
    assert_eq!(track(""), None, "an empty name is no name");
}

#[test]
fn blocks_are_checked_across_the_whole_of_a_long_recording() {
    let mut bytes = long_recording();
    assert!(recorded_bytes(&bytes).rejected.is_empty());
    // One digit in the middle, far from where any buffer begins.
    let middle = bytes.len() / 2;
    let at = middle + bytes[middle..].windows(8).position(|w| w == b",0.0001,").unwrap();
    bytes[at + 1] = b'7';
    assert_eq!(recorded_bytes(&bytes).rejected, [(Rejection::Checksum, 1)].into());
}

#[test]
fn rows_of_today_go_to_fixes_inertial_samples_and_supply_voltage() {
    let recording = recorded(&file(
        E,
        &[
            "100,I,0.1,0.2,1.0,1,2,3,,,,,,",
            "105,G,0.1,0.2,1.0,1,2,3,45.0000001,9.5,120,36.0,9,3.9",
            "110,I,0.1,0.2,1.0,1,2,3,,,,,,",
            "115,G,0.1,0.2,1.0,1,2,3,45.0000002,9.5,120,36.0,9,",
            "125,G,0.1,0.2,1.1,1,2,3,45.0000003,9.5,120,36.0,9,",
        ],
    ));
    assert_eq!(recording.fixes.len(), 3);
    assert_eq!(recording.fixes[0].speed_mps, 10.0);
    // The first two fixes repeat the sample of the row before them, the last brings a new one.
    assert_eq!(rows_of(&recording), [("imu", 3), ("log", 1)]);
}

#[test]
fn receiver_time_dates_the_recording_in_milliseconds_and_in_seconds() {
    for epoch in ["1792345678900", "1792345678.9"] {
        let row = format!("105,G,,,,,,,45,9,0,0,9,3.9,{epoch}");
        let recording = recorded(&file(&format!("{E},gps_epoch"), &[&row]));
        assert_eq!(recording.start_utc_ms, Some(1_792_345_678_900.0));
    }
    let undated = recorded(&file(
        &format!("{E},imu_sensor_us,gps_epoch"),
        &["105,G,,,,,,,45,9,0,0,9,3.9,77,0"],
    ));
    assert_eq!(undated.start_utc_ms, None);
}

#[test]
fn both_marker_shapes_are_markers_and_not_errors() {
    let recording = recorded(&file(
        E,
        &[
            "1,M,,,,,,,,LOG_OPEN,,3,,",
            "2,M,CHECKPOINT,\"17\"",
            "3,M,IMU_VALIDATION,\"FAIL gyro\"",
            "4,M,LOSS,imu,12,3,card_stall",
            "5,G,,,,,,,45,9,0,0,9,",
            "6,M,,,,,,,,LOG_STOP,,0,,",
        ],
    ));
    assert!(recording.rejected.is_empty(), "{:?}", recording.first_rejected);
    assert_eq!(recording.messages.len(), 1);
    assert_eq!(
        (recording.messages[0].code.as_str(), recording.messages[0].line),
        ("imu_validation", Some(4))
    );
    assert_eq!(recording.declared_lost, 12);
}

#[test]
fn unreadable_rows_are_rejected_with_their_line_and_reading_goes_on() {
    let text = file(
        E,
        &[
            "100,I,0.1,0.2,1.0,1,2,3,,,,,,",
            "garbage",
            "110,I,0.1,0.2,zero,1,2,3,,,,,,",
            "120,I,0.1,0.2",
            "130,I,0.1,0.2,1.0,1,2,3,,,,,,140,I,0.1,0.2,1.0,1,2,3,,,,,,",
            "150,G,,,,,,,99,9,0,0,9,",
            "160,G,,,,,,,,,,,0,",
            "170,G,,,,,,,0,0,0,0,0,",
            "180,G,,,,,,,45,9,0,0,9,",
        ],
    );
    let recording = recorded(&format!("{text}190,G,,,,,,,45,9,0,0"));
    assert_eq!(
        recording.first_rejected,
        [
            (Rejection::Malformed, 3),
            (Rejection::Malformed, 4),
            (Rejection::Malformed, 5),
            (Rejection::Malformed, 6),
            (Rejection::Malformed, 7),
            (Rejection::NoFix, 8),
            (Rejection::NoFix, 9),
            (Rejection::Malformed, 11),
        ]
    );
    assert_eq!(recording.fixes.len(), 1);
}

#[test]
fn torn_sectors_and_overlong_lines_cost_only_themselves() {
    let mut bytes = format!("{E}\r\n100,G,,,,,,,45,9,0,0,9,\r\n").into_bytes();
    bytes.extend([0; 700]);
    bytes.extend(b"200,G,,,,,,,45,9,0,0,9,\n");
    bytes.extend(vec![b'7'; 400_000]);
    bytes.extend(b"\n300,G,,,,,,,45,9,0,0,9,\n");
    let recording = recorded_bytes(&bytes);
    assert_eq!(recording.fixes.len(), 3);
    assert_eq!(recording.first_rejected, [(Rejection::Malformed, 4)]);
}

#[test]
fn a_header_alone_is_an_error_that_says_so() {
    for header in [A, B, C, D, E] {
        let error = error_of(&file(header, &[]));
        assert!(matches!(error, ReadError::HeaderOnly { line: 1, .. }), "{error}");
    }
    let marked = error_of(&file(E, &["1,M,LOG_OPEN,\"1\""]));
    assert_eq!(marked.code(), "header_only");
}

#[test]
fn a_is_scaled_from_raw_counts_and_late_rows_are_put_into_order() {
    let row = |stamp: &str| format!("{stamp},45.1,9.1,36.0,8,16384,-32768,0,131,0,-32768,");
    let rows = ["1700000000.5", "1700000000.7", "1700000000.6"].map(row);
    let recording = recorded(&file(A, &rows.each_ref().map(String::as_str)));
    let clocks: Vec<f64> = recording.fixes.iter().map(|f| f.clock_s).collect();
    assert_eq!(clocks, [1_700_000_000.5, 1_700_000_000.6, 1_700_000_000.7]);
    assert_eq!(recording.fixes[0].utc_ms, 1_700_000_000_500.0);
    assert_eq!(recording.fixes[0].speed_mps, 10.0);
}

#[test]
fn b_stamps_are_times_of_day_and_go_on_over_midnight() {
    let row = |stamp: &str| format!("{stamp},45.1,9.1,36.0,8,120,0,0,1,0,0,0");
    let rows = ["235959.90", "000000.00", "000001.50", "096100.00"].map(row);
    let recording = recorded(&file(B, &rows.each_ref().map(String::as_str)));
    let time_s = |fix: &Fix| recording.clock.time_s(fix.clock_s);
    let times: Vec<f64> = recording.fixes.iter().map(time_s).collect();
    assert_eq!(times.len(), 3);
    for (time, expected) in times.iter().zip([0.0, 0.1, 1.6]) {
        assert!((time - expected).abs() < 1e-6, "{times:?}");
    }
    assert_eq!(recording.start_utc_ms, None);
    assert_eq!(recording.first_rejected, [(Rejection::Malformed, 5)]);
}

#[test]
fn c_rows_that_share_a_second_are_spread_over_it() {
    let row = |stamp: u64| format!("{stamp},45.1,9.1,0,36.0,0,0,16384,0,0,131,3.7");
    // The recording begins with the last four tenths of a second and ends after the first three.
    let stamps = [vec![100; 4], vec![101; 10], vec![102; 10], vec![103; 3]].concat();
    for (from, unix_s) in [(1_699_999_900, 1_700_000_000.6), (753_315_100, 1_700_000_000.6)] {
        let rows: Vec<String> = stamps.iter().map(|s| row(from + s)).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let recording = recorded(&file(C, &rows));
        for (i, fix) in recording.fixes.iter().enumerate() {
            assert!(
                (fix.clock_s - (unix_s + i as f64 / 10.0)).abs() < 1e-6,
                "row {i}: {}",
                fix.clock_s
            );
            assert!((fix.utc_ms / 1000.0 - fix.clock_s).abs() < 1e-6);
        }
        assert!(recording.fixes[0].alt_m.is_nan(), "its altitude was never real");
    }
}

#[test]
fn d_time_runs_forward_although_its_fractions_jump_back() {
    let fractions = [".7", ".8", ".9", ".0", ".1", ".2", ".3", ".4", ".5", ".6"];
    let rows: Vec<String> = (0..30)
        .map(|i| {
            format!(
                "{}{},45.1,9.1,120,36.0,0,0,1,0,0,0,3.7",
                1_700_000_000 + i / 10,
                fractions[i % 10]
            )
        })
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let recording = recorded(&file(D, &rows));
    assert_eq!(recording.fixes.len(), 30);
    for (i, fix) in recording.fixes.iter().enumerate() {
        assert!(
            (fix.clock_s - (1_700_000_000.0 + i as f64 / 10.0)).abs() < 1e-6,
            "row {i}: {}",
            fix.clock_s
        );
    }
}

#[test]
fn a_gyroscope_at_the_end_of_its_range_is_reported() {
    let rows: Vec<String> = (0..300)
        .map(|i| {
            format!(
                "{},45.1,9.1,36.0,8,{},-200,16000,12,{},-32768,",
                1_700_000_000 + i,
                i % 7,
                i % 11
            )
        })
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let recording = recorded(&file(A, &rows));
    let frozen: Vec<&str> = recording.frozen.iter().map(|f| f.channel.as_str()).collect();
    assert_eq!(frozen, ["acc_y", "acc_z", "gyro_x", "gyro_z"]);
    assert!(
        recording.frozen[3].why.contains("the end of its range"),
        "{}",
        recording.frozen[3].why
    );
    assert!(!recording.frozen[0].why.contains("the end of its range"));
}

#[test]
fn an_accelerometer_that_measures_twice_gravity_is_reported() {
    let rows: Vec<String> = (0..400)
        .map(|i| format!("{},I,0.{},0.1,2.0,{},1,2,,,,,,", i * 10, i % 10, i % 5))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let recording = recorded(&file(E, &rows));
    assert!(
        recording
            .frozen
            .iter()
            .any(|f| f.channel == "acc" && f.why.contains("twice")),
        "{:?}",
        recording.frozen
    );
    assert_eq!(recording.streams[0].rate_hz, Some(100.0));
}

/// Two megabytes of samples in blocks of fifty, as a device writes them.
fn long_recording() -> Vec<u8> {
    let id = RecordingId(77);
    let mut blocks = BlockWriter::new(id);
    let mut bytes = format!("{HEADER}\n").into_bytes();
    blocks.rows(&bytes);
    let open = Marker::Open {
        id,
        device: "d",
        firmware: "1",
        profile: "race",
    };
    let rows = (0..40_000u32).map(|i| Row::Imu {
        tick_ms: i * 10,
        imu: Imu {
            acc_e4_g: [1, i as i32, 10_000],
            gyro_e2_dps: [0, 1, 2],
        },
    });
    for (i, row) in std::iter::once(Row::Marker {
        tick_ms: 0,
        marker: open,
    })
    .chain(rows)
    .enumerate()
    {
        let mut buffer = [0; ROW_BYTES_MAX + SECTOR_BYTES];
        let len = row.encode(&mut buffer).unwrap();
        blocks.rows(&buffer[..len]);
        bytes.extend_from_slice(&buffer[..len]);
        if i % 50 == 49 {
            let len = blocks.seal(i as u32 * 10, &mut buffer).unwrap();
            bytes.extend_from_slice(&buffer[..len]);
        }
    }
    bytes
}

fn file(header: &str, rows: &[&str]) -> String {
    std::iter::once(&header)
        .chain(rows)
        .map(|line| format!("{line}\n"))
        .collect()
}

fn recorded(text: &str) -> Recording {
    recorded_bytes(text.as_bytes())
}

fn recorded_bytes(bytes: &[u8]) -> Recording {
    let (outcome, recording) = run(bytes);
    outcome.unwrap();
    recording
}

fn error_of(text: &str) -> ReadError {
    match run(text.as_bytes()).0 {
        Ok(()) => panic!("read without an error:\n{text}"),
        Err(error) => error,
    }
}

fn run(bytes: &[u8]) -> (Result<(), ReadError>, Recording) {
    assert_eq!(
        detect(&bytes[..bytes.len().min(DETECT_BYTES)]).unwrap(),
        Format::FieldpostCsv
    );
    let mut files = Discard;
    let mut collector = Collector::new(&mut files);
    let mut input = bytes;
    let outcome = read(Format::FieldpostCsv, &mut input, &mut collector);
    (outcome, collector.finish().unwrap())
}

fn rows_of(recording: &Recording) -> Vec<(&str, u64)> {
    recording
        .streams
        .iter()
        .map(|s| (s.name.as_str(), s.rows))
        .collect()
}
