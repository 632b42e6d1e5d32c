//! The recording format against bytes that another implementation made.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use proptest::prelude::*;
use wire::recording::{
    BlockMarker, BlockWriter, BufferTooSmall, ChainVerifier, Gps, HEADER, Imu, Marker, ROW_BYTES_MAX,
    RecordingId, Row, SECTOR_BYTES, Verdict, is_whole,
};

const GOLDEN: &[u8] = include_bytes!("../vectors/recording.csv");
const ID: RecordingId = RecordingId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);

#[test]
fn rows_and_blocks_are_the_golden_bytes() {
    assert_eq!(
        String::from_utf8(golden_again()).unwrap(),
        String::from_utf8_lossy(GOLDEN)
    );
}

#[test]
fn every_block_of_the_golden_recording_is_whole_and_ends_on_a_sector() {
    let verdicts = verify(GOLDEN);
    assert_eq!(verdicts, [(1, Verdict::Whole, 512), (2, Verdict::Whole, 1024)]);
    assert!(verdicts.iter().all(|(_, _, end)| end % SECTOR_BYTES == 0));
}

#[test]
fn one_flipped_bit_damages_its_block_only() {
    let mut bytes = GOLDEN.to_vec();
    let at = bytes.windows(7).position(|w| w == b"1000,I,").unwrap();
    bytes[at] ^= 1;
    let verdicts: Vec<_> = verify(&bytes).into_iter().map(|(seq, v, _)| (seq, v)).collect();
    assert_eq!(verdicts, [(1, Verdict::Damaged), (2, Verdict::Whole)]);
}

#[test]
fn a_block_of_another_recording_never_matches() {
    let text = String::from_utf8(GOLDEN.to_vec()).unwrap();
    let other = text.replace("ddeeff", "ddeefe");
    assert_eq!(verify(other.as_bytes())[0].1, Verdict::Damaged);
}

#[test]
fn blocks_without_an_open_row_are_unknown() {
    let text = String::from_utf8(GOLDEN.to_vec()).unwrap();
    let without: String = text
        .lines()
        .filter(|l| !l.contains(",OPEN,"))
        .map(|l| format!("{l}\n"))
        .collect();
    let verdicts: Vec<_> = verify(without.as_bytes())
        .into_iter()
        .map(|(_, v, _)| v)
        .collect();
    assert_eq!(verdicts, [Verdict::Unknown, Verdict::Unknown]);
}

#[test]
fn a_block_is_known_from_the_middle_and_a_stale_one_of_another_recording_is_not() {
    let (first, second) = GOLDEN.split_at(512);
    let marker = |block: &[u8]| {
        let line = block.split_inclusive(|&b| b == b'\n').next_back().unwrap();
        BlockMarker::parse(line).unwrap()
    };
    let (of_first, of_second) = (marker(first), marker(second));
    assert!(is_whole(ID, None, first, &of_first));
    assert!(is_whole(ID, Some(of_first.crc), second, &of_second));
    assert!(!is_whole(ID, None, second, &of_second));
    assert!(!is_whole(ID, Some(of_first.crc ^ 1), second, &of_second));
    let stale = RecordingId(ID.0 + 1);
    assert!(!is_whole(stale, Some(of_first.crc), second, &of_second));
    assert!(!is_whole(ID, None, &first[..20], &of_first), "less than its line");
}

#[test]
fn words_cannot_end_a_cell_or_a_row() {
    let marker = Marker::Close { reason: "a,b\"c\nd" };
    assert_eq!(
        encode(&Row::Marker { tick_ms: 5, marker }),
        b"5,M,CLOSE,a_b_c_d\n"
    );
}

#[test]
fn the_widest_row_fits_the_stated_maximum() {
    let imu = Imu {
        acc_e4_g: [i32::MIN; 3],
        gyro_e2_dps: [i32::MIN; 3],
    };
    let gps = Gps {
        lat_e7_deg: i32::MIN,
        lon_e7_deg: i32::MIN,
        alt_cm: i32::MIN,
        speed_e2_kmh: i32::MIN,
        satellites: u8::MAX,
        vbat_mv: Some(u16::MAX),
        epoch_ms: Some(i64::MIN),
    };
    let row = encode(&Row::Gps {
        tick_ms: u32::MAX,
        imu: Some(imu),
        gps,
    });
    assert!(row.len() <= ROW_BYTES_MAX);
    assert!(
        row.starts_with(b"4294967295,G,-214748.3648,"),
        "{}",
        String::from_utf8_lossy(&row)
    );
}

#[test]
fn a_buffer_that_is_too_small_is_an_error() {
    let row = Row::Marker {
        tick_ms: 5,
        marker: Marker::Close { reason: "button" },
    };
    let needed_bytes = encode(&row).len();
    for len in 0..needed_bytes {
        assert_eq!(row.encode(&mut vec![0; len]), Err(BufferTooSmall));
    }
}

#[test]
fn an_id_reads_back_from_its_text() {
    assert_eq!(RecordingId::parse(ID.to_string().as_bytes()), Some(ID));
    assert_eq!(RecordingId::parse(b"+0112233445566778899aabbccddeeff"), None);
    assert_eq!(RecordingId::parse(b"0011"), None);
}

proptest! {
    /// Against the standard library's decimal reading of the same digits.
    #[test]
    fn fixed_point_cells_read_back_as_their_value(acc in any::<i32>(), lat in any::<i32>(), tick_ms in any::<u32>()) {
        let imu = Imu { acc_e4_g: [acc, 0, 0], gyro_e2_dps: [0, 0, 0] };
        let gps = Gps { lat_e7_deg: lat, lon_e7_deg: 0, alt_cm: 0, speed_e2_kmh: 0, satellites: 0, vbat_mv: None, epoch_ms: None };
        let row = String::from_utf8(encode(&Row::Gps { tick_ms, imu: Some(imu), gps })).unwrap();
        let cells: Vec<&str> = row.trim_end().split(',').collect();
        prop_assert_eq!(cells.len(), HEADER.split(',').count());
        prop_assert_eq!(cells[0].parse::<u32>().unwrap(), tick_ms);
        prop_assert_eq!(cells[2].parse::<f64>().unwrap(), f64::from(acc) / 1e4);
        prop_assert_eq!(cells[8].parse::<f64>().unwrap(), f64::from(lat) / 1e7);
    }

    #[test]
    fn any_line_is_parsed_without_panic(line in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Some(marker) = BlockMarker::parse(&line) {
            prop_assert!(marker.covered_bytes <= line.len());
        }
    }
}

fn encode(row: &Row<'_>) -> Vec<u8> {
    let mut buffer = [0; ROW_BYTES_MAX];
    let len = row.encode(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

/// The golden recording from values, as a device would write it.
fn golden_again() -> Vec<u8> {
    let open = Marker::Open {
        id: ID,
        device: "Datalogger-7F3A",
        firmware: "1.4.0",
        profile: "race",
    };
    let first = [
        Row::Marker {
            tick_ms: 1000,
            marker: open,
        },
        Row::Marker {
            tick_ms: 1000,
            marker: Marker::Track { name: "Hollin, Moor" },
        },
        imu_row(1000, [123, -5, 10_000], [-1, 25_000, -199_999]),
        imu_row(1010, [-40_000, 39_999, 0], [0, -10, 1234]),
        Row::Gps {
            tick_ms: 1012,
            imu: Some(Imu {
                acc_e4_g: [100, 200, 9900],
                gyro_e2_dps: [100, 200, 300],
            }),
            gps: Gps {
                lat_e7_deg: 451_234_567,
                lon_e7_deg: -1_220_000_001,
                alt_cm: -305,
                speed_e2_kmh: 12_345,
                satellites: 12,
                vbat_mv: Some(4012),
                epoch_ms: Some(1_792_345_678_900),
            },
        },
    ];
    let second = [
        Row::Marker {
            tick_ms: 1112,
            marker: Marker::Digest {
                bytes: 512,
                state: [
                    0x0001_0203,
                    0x0405_0607,
                    0x0809_0a0b,
                    0x0c0d_0e0f,
                    0xfffe_fdfc,
                    0xfbfa_f9f8,
                    0xf7f6_f5f4,
                    0xf3f2_f1f0,
                ],
            },
        },
        Row::Gps {
            tick_ms: 1112,
            imu: None,
            gps: Gps {
                lat_e7_deg: -1,
                lon_e7_deg: 1_799_999_999,
                alt_cm: 102_100,
                speed_e2_kmh: 0,
                satellites: 0,
                vbat_mv: None,
                epoch_ms: None,
            },
        },
        Row::Marker {
            tick_ms: 1200,
            marker: Marker::Loss {
                what: "imu",
                count: 48,
                from_tick_ms: 1115,
                why: "card_stall",
            },
        },
        Row::Marker {
            tick_ms: 1300,
            marker: Marker::Close {
                reason: "button,held",
            },
        },
    ];
    let mut blocks = BlockWriter::new(ID);
    let mut out = Vec::new();
    let header = format!("{HEADER}\n");
    blocks.rows(header.as_bytes());
    out.extend_from_slice(header.as_bytes());
    for (rows, tick_ms) in [(&first[..], 1015), (&second[..], 1300)] {
        for row in rows {
            let bytes = encode(row);
            blocks.rows(&bytes);
            out.extend_from_slice(&bytes);
        }
        let mut end = [0; ROW_BYTES_MAX + SECTOR_BYTES];
        let len = blocks.seal(tick_ms, &mut end).unwrap();
        out.extend_from_slice(&end[..len]);
    }
    out
}

fn imu_row(tick_ms: u32, acc_e4_g: [i32; 3], gyro_e2_dps: [i32; 3]) -> Row<'static> {
    Row::Imu {
        tick_ms,
        imu: Imu {
            acc_e4_g,
            gyro_e2_dps,
        },
    }
}

/// Sequence number, verdict and end offset of each block, read line by line as a parser does.
fn verify(bytes: &[u8]) -> Vec<(u32, Verdict, usize)> {
    let mut verifier = ChainVerifier::new();
    let mut verdicts = Vec::new();
    let mut end = 0;
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        end += line.len();
        let cells: Vec<&[u8]> = line.split(|&b| b == b',').collect();
        if cells.get(2) == Some(&&b"OPEN"[..]) {
            verifier.opened(RecordingId::parse(cells[3]).unwrap());
        }
        match BlockMarker::parse(line) {
            Some(marker) => verdicts.push((marker.seq, verifier.block(line, &marker), end)),
            None => verifier.rows(line),
        }
    }
    verdicts
}
