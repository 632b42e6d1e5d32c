//! The recorder's blocks, what they cost, and where a recording that was cut off ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use device::block::{BlockDevice, SECTOR_BYTES};
use device::recorder::{
    About, BLOCK_BYTES_MAX, Close, FileDigest, GpsSample, ImuCounts, ImuSample, ImuScale, Reader, Recording,
    Samples, Tail,
};
use sha2::{Digest, Sha256};
use sim::SeededRng;
use wire::recording::{BlockMarker, ChainVerifier, Gps, RecordingId, Verdict};

const ID: RecordingId = RecordingId(0x5eed);
const STALE: RecordingId = RecordingId(0x01d);

/// Sectors in memory; whoever reads is counted.
struct Memory {
    bytes: Vec<u8>,
    sectors_read: Cell<u32>,
}

impl BlockDevice for Memory {
    type Error = Infallible;

    fn sectors(&self) -> u32 {
        u32::try_from(self.bytes.len() / SECTOR_BYTES).unwrap()
    }

    async fn read(&mut self, first: u32, into: &mut [u8]) -> Result<(), Infallible> {
        let at = first as usize * SECTOR_BYTES;
        into.copy_from_slice(&self.bytes[at..at + into.len()]);
        let count = u32::try_from(into.len() / SECTOR_BYTES).unwrap();
        self.sectors_read.set(self.sectors_read.get() + count);
        Ok(())
    }

    async fn write(&mut self, _: u32, _: &[u8]) -> Result<(), Infallible> {
        panic!("looking for an end writes nothing");
    }
}

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("memory never makes anybody wait"),
    }
}

fn about(id: RecordingId) -> About<'static> {
    About {
        id,
        device: "Datalogger-7F3A",
        firmware: "0.1.0",
        profile: "motorcycle",
        track: Some("Hollin Moor"),
        scale: ImuScale::BMI,
    }
}

/// A ride as its sensors see it: every count differs, so that no two rows are alike by chance.
struct Ride {
    random: SeededRng,
    tick_ms: u32,
}

impl Ride {
    fn new(seed: u64) -> Self {
        Self {
            random: sim::seeded(seed),
            tick_ms: 2_000,
        }
    }

    fn count(&mut self, within: i16) -> i16 {
        use rand::RngExt;
        self.random.random_range(-within..=within)
    }

    /// The next 10 ms.
    fn step(&mut self, samples: &mut Samples) {
        self.tick_ms += 10;
        let counts = ImuCounts {
            acc: [self.count(9_000), self.count(9_000), 8_192 + self.count(3_000)],
            gyro: [self.count(2_000), self.count(2_000), self.count(2_000)],
        };
        samples.imu(ImuSample {
            tick_ms: self.tick_ms,
            counts,
        });
        if self.tick_ms.is_multiple_of(100) {
            let moved = i32::from(self.count(9_000));
            let gps = Gps {
                lat_e7_deg: 514_000_000 + moved,
                lon_e7_deg: -12_345_678 - moved,
                alt_cm: 12_345,
                speed_e2_kmh: 9_876,
                satellites: 11,
                vbat_mv: Some(3_987),
                epoch_ms: Some(1_795_176_000_000 + i64::from(self.tick_ms)),
            };
            samples.gps(GpsSample {
                tick_ms: self.tick_ms,
                gps,
            });
        }
    }
}

/// Takes what waits and puts ready blocks where they belong.
fn drain(recording: &mut Recording, samples: &mut Samples, tick_ms: u32, file: &mut Vec<u8>) {
    loop {
        recording.take(samples, tick_ms).unwrap();
        let Some((ready, bytes)) = recording.ready() else {
            return;
        };
        assert_eq!(
            ready.first_sector as usize * SECTOR_BYTES,
            file.len(),
            "in order, once"
        );
        assert_eq!(bytes.len() % SECTOR_BYTES, 0);
        file.extend_from_slice(bytes);
        recording.written();
    }
}

/// A whole recording of so many seconds.
fn recorded(id: RecordingId, seconds: u32, seed: u64) -> Vec<u8> {
    let (mut ride, mut samples) = (Ride::new(seed), Samples::new());
    let mut recording = Recording::open(&about(id), u32::MAX, ride.tick_ms).unwrap();
    let mut file = Vec::new();
    for _ in 0..seconds * 100 {
        ride.step(&mut samples);
        drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
    }
    recording.close(Close::Button);
    drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
    let (sectors, digest) = recording.is_closed().expect("closed");
    assert_eq!(sectors as usize * SECTOR_BYTES, file.len());
    assert_eq!(digest.finish(), <[u8; 32]>::from(Sha256::digest(&file)));
    file
}

struct Read {
    /// Ends of whole blocks.
    ends: Vec<usize>,
    rows: BTreeMap<String, u32>,
    row_bytes: usize,
    lines: Vec<String>,
}

/// Front to back, as any reader of the format does.
fn read(file: &[u8], id: RecordingId) -> Read {
    let mut verifier = ChainVerifier::new();
    verifier.opened(id);
    let mut read = Read {
        ends: Vec::new(),
        rows: BTreeMap::new(),
        row_bytes: 0,
        lines: Vec::new(),
    };
    let mut at = 0;
    for line in file.split_inclusive(|&b| b == b'\n') {
        at += line.len();
        let text = str::from_utf8(line).unwrap().trim_end().to_owned();
        if let Some(marker) = BlockMarker::parse(line) {
            assert_eq!(
                verifier.block(line, &marker),
                Verdict::Whole,
                "block {}",
                marker.seq
            );
            read.ends.push(at);
            continue;
        }
        verifier.rows(line);
        let kind = text.split(',').nth(1).unwrap().to_owned();
        if !text.contains(",M,DIGEST,") {
            read.row_bytes += line.len();
        }
        *read.rows.entry(kind).or_default() += 1;
        read.lines.push(text);
    }
    assert_eq!(
        read.ends.last(),
        Some(&file.len()),
        "nothing after the last block"
    );
    read
}

#[test]
fn an_hour_is_all_there_and_its_blocks_cost_less_than_three_percent() {
    let file = recorded(ID, 3600, 1);
    let read = read(&file, ID);
    assert_eq!((read.rows["I"], read.rows["G"]), (360_000, 36_000));
    assert!(
        read.lines[1].contains(",M,OPEN,00000000000000000000000000005eed,Datalogger-7F3A,0.1.0,motorcycle")
    );
    assert!(read.lines[2].ends_with(",M,TRACK,Hollin Moor"));
    assert!(read.lines.last().unwrap().ends_with(",M,CLOSE,button"));
    let ratio = file.len() as f64 / read.row_bytes as f64;
    println!(
        "{} bytes of rows, {} written: {ratio:.4}",
        read.row_bytes,
        file.len()
    );
    assert!(ratio < 1.03, "{ratio}");
}

#[test]
fn no_row_waits_longer_than_half_a_second_for_its_block() {
    let (mut ride, mut samples) = (Ride::new(2), Samples::new());
    let mut recording = Recording::open(&about(ID), u32::MAX, ride.tick_ms).unwrap();
    let (mut file, mut made, mut seen_bytes) = (Vec::new(), VecDeque::new(), 0);
    for step in 0..6_000 {
        // Every so often the sensors fall silent; the rows before must not wait for the next.
        if step % 1_000 >= 700 {
            ride.tick_ms += 10;
        } else {
            ride.step(&mut samples);
            made.push_back(ride.tick_ms);
        }
        drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
        let rows_written = file[seen_bytes..].windows(3).filter(|w| *w == b",I,").count();
        seen_bytes = file.len();
        made.drain(..rows_written);
        let waits_ms = made.front().map_or(0, |first| ride.tick_ms - first);
        assert!(waits_ms <= 500, "{waits_ms} ms at {step}");
    }
    assert!(made.len() <= 50, "{} of 4200 rows are not written", made.len());
}

#[test]
fn a_stall_of_a_card_and_an_erase_after_it_cost_no_row_at_any_moment() {
    for stalled_at in 0..100 {
        let (mut ride, mut samples) = (Ride::new(3), Samples::new());
        let mut recording = Recording::open(&about(ID), u32::MAX, ride.tick_ms).unwrap();
        let mut file = Vec::new();
        for step in 0..400 {
            ride.step(&mut samples);
            let stalled = (100 + stalled_at..100 + stalled_at + 90).contains(&step);
            if !stalled {
                drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
            }
        }
        recording.close(Close::Standstill);
        drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
        let read = read(&file, ID);
        assert_eq!(
            (read.rows["I"], read.rows["G"]),
            (400, 40),
            "stalled at {stalled_at}"
        );
        assert!(!read.lines.iter().any(|line| line.contains(",LOSS,")));
    }
}

#[test]
fn what_a_longer_stall_costs_is_said_to_the_sample() {
    let (mut ride, mut samples) = (Ride::new(4), Samples::new());
    let mut recording = Recording::open(&about(ID), u32::MAX, ride.tick_ms).unwrap();
    let mut file = Vec::new();
    for step in 0..2_000 {
        ride.step(&mut samples);
        if !(500..1_300).contains(&step) {
            drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
        }
    }
    recording.close(Close::Button);
    drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
    let read = read(&file, ID);
    let lost = |what: &str| -> u32 {
        let wanted = format!(",M,LOSS,{what},");
        let rows = read.lines.iter().filter(|line| line.contains(&wanted));
        rows.map(|line| line.split(',').nth(4).unwrap().parse::<u32>().unwrap())
            .sum()
    };
    assert!(lost("imu") > 500 && lost("gps") > 50);
    assert_eq!(read.rows["I"] + lost("imu"), 2_000);
    assert_eq!(read.rows["G"] + lost("gps"), 200);
}

#[test]
fn a_full_extent_goes_on_in_the_next_one_without_a_gap() {
    let (mut ride, mut samples) = (Ride::new(5), Samples::new());
    let mut recording = Recording::open(&about(ID), 400, ride.tick_ms).unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let mut steps = 0;
    while !recording.is_full() {
        ride.step(&mut samples);
        steps += 1;
        drain(&mut recording, &mut samples, ride.tick_ms, &mut first);
    }
    // The worst moment: everything that can wait does.
    for _ in 0..200 {
        ride.step(&mut samples);
    }
    recording.close(Close::Rotate);
    drain(&mut recording, &mut samples, ride.tick_ms, &mut first);
    assert!(recording.is_closed().is_some());
    assert!(first.len() <= 400 * SECTOR_BYTES);
    let mut next = Recording::open(&about(STALE), u32::MAX, ride.tick_ms).unwrap();
    drain(&mut next, &mut samples, ride.tick_ms, &mut second);
    next.close(Close::StorageFull);
    drain(&mut next, &mut samples, ride.tick_ms, &mut second);
    let (first, second) = (read(&first, ID), read(&second, STALE));
    assert_eq!(first.rows["I"] + second.rows["I"], steps + 200);
    assert!(first.lines.last().unwrap().ends_with(",M,CLOSE,rotate"));
    let [.., loss, close] = &second.lines[..] else {
        panic!("too few rows")
    };
    assert!(loss.contains(",M,LOSS,all,0,") && loss.ends_with(",storage_full"));
    assert!(close.ends_with(",M,CLOSE,storage_full"));
}

#[test]
fn everything_that_waits_fits_behind_a_full_extent() {
    let (mut ride, mut samples) = (Ride::new(6), Samples::new());
    let mut recording = Recording::open(&about(ID), 400, ride.tick_ms).unwrap();
    let mut file = Vec::new();
    while !recording.is_full() {
        ride.step(&mut samples);
        drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
    }
    for _ in 0..400 {
        ride.step(&mut samples);
    }
    recording.close(Close::Button);
    drain(&mut recording, &mut samples, ride.tick_ms, &mut file);
    assert!(recording.is_closed().is_some());
    assert!(file.len() <= 400 * SECTOR_BYTES, "{}", file.len() / SECTOR_BYTES);
}

fn tail_of(card: &mut Memory, sectors: u32) -> Tail {
    let mut buffer = [0; BLOCK_BYTES_MAX];
    let mut reader = Reader {
        card,
        first: 0,
        sectors,
        buffer: &mut buffer,
    };
    now(reader.tail(ID)).unwrap()
}

/// Every number of whole sectors, with what was there before or garbage in the one in flight, over an older recording that
/// lies in the same clusters.
#[test]
fn the_end_is_found_after_a_cut_at_every_sector() {
    let (file, stale) = (recorded(ID, 100, 7), recorded(STALE, 140, 8));
    let ends = read(&file, ID).ends;
    let mut random = sim::seeded(9);
    let mut card = Memory {
        bytes: stale,
        sectors_read: Cell::new(0),
    };
    let extent = card.sectors();
    let mut garbage = [0; SECTOR_BYTES];
    for cut in 0..file.len() / SECTOR_BYTES {
        let at = cut * SECTOR_BYTES;
        let wanted = ends.iter().copied().filter(|end| *end <= at).max().unwrap_or(0);
        let (before, after) = (
            card.bytes[at..at + SECTOR_BYTES].to_vec(),
            &file[at..at + SECTOR_BYTES],
        );
        rand::Rng::fill_bytes(&mut random, &mut garbage);
        for in_flight in [&before[..], &garbage[..]] {
            card.bytes[at..at + SECTOR_BYTES].copy_from_slice(in_flight);
            let tail = tail_of(&mut card, extent);
            assert_eq!(tail.sectors as usize * SECTOR_BYTES, wanted, "cut at {cut}");
            let mut digest = tail.digest;
            digest.sectors(&file[digest.bytes() as usize..wanted]);
            assert_eq!(digest.finish(), <[u8; 32]>::from(Sha256::digest(&file[..wanted])));
            let late = wanted - tail.digest.bytes() as usize;
            assert!(
                late < 60 * BLOCK_BYTES_MAX,
                "at most a minute is read again, not {late} bytes"
            );
        }
        card.bytes[at..at + SECTOR_BYTES].copy_from_slice(after);
    }
}

#[test]
fn the_end_of_a_full_extent_is_found_with_few_reads() {
    let stale = recorded(STALE, 4_300, 10);
    let file = recorded(ID, 4_250, 11);
    let extent = 32 << 20;
    let ends = read(&file, ID).ends;
    for part in [0.001, 0.1, 0.5, 0.77, 0.999, 1.0] {
        let end = ends[((ends.len() - 1) as f64 * part) as usize];
        let mut bytes = stale.clone();
        bytes.resize(extent, 0xff);
        bytes[..end].copy_from_slice(&file[..end]);
        let mut card = Memory {
            bytes,
            sectors_read: Cell::new(0),
        };
        let tail = tail_of(&mut card, u32::try_from(extent / SECTOR_BYTES).unwrap());
        assert_eq!(tail.sectors as usize * SECTOR_BYTES, end);
        // 1.5 ms a command and a sector on a slow card: 1.5 s of the 3 s from boot to recording.
        let read = card.sectors_read.get();
        assert!(read <= 1_000, "{read} sectors at {part}");
    }
}

#[test]
fn an_extent_that_holds_nothing_of_the_recording_is_empty() {
    let stale = recorded(STALE, 20, 12);
    for bytes in [stale, vec![0; 64 * SECTOR_BYTES], vec![0xff; 64 * SECTOR_BYTES]] {
        let sectors = u32::try_from(bytes.len() / SECTOR_BYTES).unwrap();
        let mut card = Memory {
            bytes,
            sectors_read: Cell::new(0),
        };
        let nothing = Tail {
            sectors: 0,
            digest: FileDigest::default(),
        };
        assert_eq!(tail_of(&mut card, sectors), nothing);
    }
}
