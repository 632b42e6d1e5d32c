//! A card that anybody may have written anything on.

use std::sync::OnceLock;

use device::block::{BlockDevice, SECTOR_BYTES};
use device::fat::{self, Stamp};
use device::flash::Drawn;
use device::outbox::Extent;
use device::recorder::{About, Close, ImuCounts, ImuSample, ImuScale, Samples};
use device::store::{Extents, Start, Store};
use sim::board::{Board, CardSlot, FlashChip, State};
use sim::card::Image;
use sim::exec;
use sim::nor::BLOCK_BYTES;
use wire::recording::RecordingId;

use super::bytes::Bytes;

/// 128 MiB: with a sector a cluster the largest tables that the sectors leave room for.
const SECTORS: u32 = 1 << 18;
const EXTENTS: Extents = Extents {
    bytes: 128 << 10,
    bytes_min: 64 << 10,
};
/// A start and a recording read the tables a few times and the recordings once, whatever the card says.
const SECTORS_READ_MAX: u64 = 100_000;
const SECTORS_WRITTEN_MAX: u64 = 20_000;

/// Whatever the card says, a device starts with it in bounded work, and starts once more as well.
///
/// The first byte says what the card is before: blank, formatted, or one with two recordings and a third that was cut off, whose
/// ledger is in the flash. Then come pieces of sectors.
pub fn image(data: &[u8]) {
    let mut input = Bytes(data);
    let mut state = match input.u8() % 3 {
        0 => blank(),
        1 => used().formatted.clone(),
        _ => used().cut_off.clone(),
    };
    while !input.is_empty() {
        // The places that matter are at the front.
        let lba = match input.u8() % 4 {
            0 => u32::from(input.u8()),
            1 => u32::from(input.u16()),
            2 => used().first_cluster + u32::from(input.u8()),
            _ => input.u32() % SECTORS,
        };
        let at = usize::from(input.u16()) % SECTOR_BYTES;
        let count = usize::from(input.u8()).min(SECTOR_BYTES - at);
        let bytes = input.take(count);
        let mut sector = state.card.read(lba);
        sector[at..at + bytes.len()].copy_from_slice(bytes);
        state.card.write(lba, &sector);
    }
    let board = Board::on(state);
    for number in 0..2 {
        let card = Counted {
            card: board.card(),
            read: 0,
            written: 0,
        };
        let worked = exec::run(start_and_record(card, board.flash(), number)).done();
        let (read, written) = worked.expect("nothing waits for ever");
        assert!(read <= SECTORS_READ_MAX, "{read} sectors read");
        assert!(written <= SECTORS_WRITTEN_MAX, "{written} sectors written");
    }
}

/// What it took.
async fn start_and_record(card: Counted, flash: FlashChip, number: u32) -> (u64, u64) {
    let mut store = Store::new(card, flash, EXTENTS);
    let booted = store.boot(&drawn(), Stamp::UNKNOWN).await;
    // The flash is as it should be, so the device starts, with this card or without one.
    assert!(booted.is_ok(), "the card keeps the device from starting");
    if store.card_trouble().is_none() {
        let rows = store.ledger().rows().to_vec();
        for row in rows {
            let mut bytes = vec![0; row.size_bytes.min(1 << 20) as usize];
            // A recording that is not there any more is said; that is all.
            let _ = store.read(row.number, 0, &mut bytes).await;
        }
        if store.start(&beginning(number)).await.is_ok() {
            let mut samples = Samples::new();
            for sample in 0..200 {
                samples.imu(row_of(sample));
                let _ = store.pump(&mut samples, 10 * sample).await;
            }
            let _ = store
                .stop(Close::Button, &mut samples, Stamp::UNKNOWN, 2_000)
                .await;
        }
    }
    let (card, _) = store.into_parts();
    (card.read, card.written)
}

fn beginning(number: u32) -> Start<'static> {
    Start {
        about: About {
            id: RecordingId(0xF0 + u128::from(number)),
            device: "Datalogger-51A0",
            firmware: "0.1.0",
            profile: "car",
            track: None,
            scale: ImuScale::BMI,
        },
        claim: 1,
        stamp: Stamp::UNKNOWN,
        tick_ms: 0,
    }
}

fn row_of(sample: u32) -> ImuSample {
    let value = sample.to_le_bytes()[0];
    ImuSample {
        tick_ms: 10 * sample,
        counts: ImuCounts {
            acc: [i16::from(value) * 30; 3],
            gyro: [i16::from(value) * 7; 3],
        },
    }
}

fn drawn() -> Drawn {
    Drawn {
        device: [9; 16],
        epoch: 7,
        setup_code: [3; 16],
    }
}

fn blank() -> State {
    State {
        card: Image::blank(SECTORS),
        flash: vec![0xFF; 32 * BLOCK_BYTES],
    }
}

struct Used {
    formatted: State,
    cut_off: State,
    first_cluster: u32,
}

fn used() -> &'static Used {
    static USED: OnceLock<Used> = OnceLock::new();
    USED.get_or_init(|| {
        let board = Board::on(blank());
        let formatted = exec::run(fat::format(&mut board.card(), 0x5EED)).done();
        assert_eq!(formatted, Some(Ok(())), "the card can be formatted");
        let formatted = board.state();
        let first_cluster = exec::run(fat::Volume::mount(&mut board.card())).done();
        let first = Extent {
            first: fat::FIRST_CLUSTER,
            clusters: 1,
        };
        let first_cluster = first_cluster
            .and_then(Result::ok)
            .and_then(|volume| volume.sectors_of(first));
        let cut_off = exec::run(recorded(&board)).done();
        assert_eq!(cut_off, Some(true), "three recordings are made");
        Used {
            formatted,
            cut_off: board.state(),
            first_cluster: first_cluster.map_or(0, |(sector, _)| sector),
        }
    })
}

/// Two that were closed and one that runs.
async fn recorded(board: &Board) -> bool {
    let mut store = Store::new(board.card(), board.flash(), EXTENTS);
    if store.boot(&drawn(), Stamp::UNKNOWN).await.is_err() {
        return false;
    }
    let mut samples = Samples::new();
    let mut is_well = true;
    for number in 0..3 {
        is_well &= store.start(&beginning(0x50 + number)).await.is_ok();
        for sample in 0..300 {
            samples.imu(row_of(sample));
            is_well &= store.pump(&mut samples, 10 * sample).await.is_ok();
        }
        if number < 2 {
            let stopped = store
                .stop(Close::Button, &mut samples, Stamp::UNKNOWN, 3_000)
                .await;
            is_well &= stopped.is_ok();
        }
    }
    is_well
}

/// Counts what is asked of a card.
struct Counted {
    card: CardSlot,
    read: u64,
    written: u64,
}

impl BlockDevice for Counted {
    type Error = <CardSlot as BlockDevice>::Error;

    fn sectors(&self) -> u32 {
        self.card.sectors()
    }

    async fn read(&mut self, first: u32, into: &mut [u8]) -> Result<(), Self::Error> {
        self.read += (into.len() / SECTOR_BYTES) as u64;
        self.card.read(first, into).await
    }

    async fn write(&mut self, first: u32, data: &[u8]) -> Result<(), Self::Error> {
        self.written += (data.len() / SECTOR_BYTES) as u64;
        self.card.write(first, data).await
    }
}
