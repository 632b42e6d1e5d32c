//! What becomes of a recording whose extent is full.

use device::outbox::Number;
use device::store::{Extents, Pumped, Rotated, StorageError};
use sim::board::{Board, CardSlot, FlashChip};
use sim::exec;

use crate::life::{Device, EXTENTS, Rider, new_board, new_board_with};

type Outcome = Rotated<
    <CardSlot as device::block::BlockDevice>::Error,
    <FlashChip as embedded_storage_async::nor_flash::ErrorType>::Error,
>;

/// Records until the extent is full, lets so many samples wait, and rotates.
async fn fill(device: &mut Device, rider: &mut Rider, waiting: u32) -> Outcome {
    device.store.start(&rider.start(1)).await.unwrap();
    loop {
        rider.tick();
        let pumped = device.store.pump(&mut rider.samples, rider.tick_ms).await;
        if pumped.unwrap() == Pumped::Full {
            break;
        }
    }
    let next = rider.start(2);
    for _ in 0..waiting {
        rider.tick();
    }
    let rotated = device.store.rotate(&next, &mut rider.samples).await;
    rotated.unwrap().unwrap()
}

async fn text(device: &mut Device, number: Number) -> String {
    let size = device.store.entry(number).await.unwrap().size_bytes;
    let mut bytes = vec![0; size as usize];
    device.store.read(number, 0, &mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

fn inertial_ticks(text: &str) -> Vec<u32> {
    let rows = text.lines().filter(|line| line.contains(",I,"));
    rows.map(|row| row.split(',').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn no_sample_is_missing_at_the_seam() {
    let board = Board::on(new_board());
    let done = exec::run(async {
        let mut device = Device::start_with(&board, EXTENTS).await;
        let mut rider = Rider::on(&board);
        let began_ms = rider.tick_ms;
        let rotated = fill(&mut device, &mut rider, 40).await;
        let next = rotated.next.unwrap();
        let stopped = device.store.stop(
            device::recorder::Close::Button,
            &mut rider.samples,
            crate::life::stamp(),
            rider.tick_ms,
        );
        assert_eq!(stopped.await, Ok(Some(next)));
        let first = text(&mut device, rotated.ended).await;
        assert!(
            first
                .trim_end()
                .lines()
                .nth_back(1)
                .unwrap()
                .ends_with(",M,CLOSE,rotate")
        );
        let mut ticks = inertial_ticks(&first);
        let in_next = inertial_ticks(&text(&mut device, next).await);
        assert_eq!(in_next.len(), 40);
        ticks.extend(in_next);
        let all: Vec<u32> = (began_ms + 10..=rider.tick_ms).step_by(10).collect();
        assert_eq!(ticks, all);
    });
    assert_eq!(done.done(), Some(()));
}

#[test]
fn a_recording_that_nothing_can_follow_says_what_is_lost_and_ends_cleanly() {
    let board = Board::on(new_board_with(49 << 11));
    // Of two such runs the card has room for one.
    let extents = Extents {
        bytes: 30 << 20,
        bytes_min: 30 << 20,
    };
    let done = exec::run(async {
        let mut device = Device::start_with(&board, extents).await;
        let mut rider = Rider::on(&board);
        let rotated = fill(&mut device, &mut rider, 3).await;
        assert_eq!(rotated.next, Err(StorageError::Full));
        let last_ms = rider.tick_ms;
        let text = text(&mut device, rotated.ended).await;
        let markers: Vec<&str> = text
            .lines()
            .filter(|line| line.contains(",M,") && !line.contains(",M,BLOCK"))
            .collect();
        let [.., loss, close] = markers[..] else {
            panic!("{markers:?}");
        };
        let from_ms = last_ms - 30;
        assert_eq!(loss, format!("{from_ms},M,LOSS,all,0,{from_ms},storage_full"));
        assert_eq!(close, format!("{from_ms},M,CLOSE,storage_full"));
        assert_eq!(
            inertial_ticks(&text).last(),
            Some(&last_ms),
            "what waited is in it"
        );
        let writes = board.steps();
        assert_eq!(device.store.start(&rider.start(3)).await, Err(StorageError::Full));
        assert_eq!(
            board.steps(),
            writes,
            "room is looked for before anything is written"
        );
        let may_go = device
            .store
            .may_give_way(device::settings::AfterReceipt::Archive)
            .await;
        assert_eq!(may_go.unwrap(), [], "no server has it");
    });
    assert_eq!(done.done(), Some(()));
}
