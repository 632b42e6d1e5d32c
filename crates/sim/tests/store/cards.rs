//! Cards that fail, are taken out, and come back.

use device::outbox::{Number, State as Progress};
use device::settings::AfterReceipt;
use device::store::{CardTrouble, StorageError};
use sim::board::{Board, Cut, State};
use sim::card::Image;
use sim::exec;

use crate::computer;
use crate::life::{Device, Rider, new_board, shop_card, stamp};
use crate::truth::assert_opens_cleanly;
use crate::uplink::Uplink;

const KINDS: [fn(u64) -> Cut; 3] = [|_| Cut::Before, Cut::Torn, |seed| Cut::Torn(seed ^ 0xFFFF)];

fn numbers(device: &Device) -> Vec<Number> {
    let rows = device.store.ledger().rows().iter();
    rows.filter(|row| row.is_here()).map(|row| row.number).collect()
}

async fn read(device: &mut Device, number: Number) -> Option<Vec<u8>> {
    let size = device.store.entry(number).await.unwrap().size_bytes;
    let mut bytes = vec![0; size as usize];
    let read = device.store.read(number, 0, &mut bytes).await;
    read.is_ok().then_some(bytes)
}

#[test]
fn a_card_that_is_pulled_in_mid_recording_loses_a_second_and_goes_on_when_it_is_back() {
    let board = Board::on(new_board());
    let done = exec::run(async {
        let mut device = Device::start(&board).await;
        let mut rider = Rider::on(&board);
        let number = rider.begin(&mut device, 0xA).await;
        for _ in 0..300 {
            rider.tick();
            device
                .store
                .pump(&mut rider.samples, rider.tick_ms)
                .await
                .unwrap();
        }
        board.fail_card(u32::MAX);
        let pulled_ms = rider.tick_ms;
        let mut failed = 0;
        for _ in 0..100 {
            rider.tick();
            let pumped = device.store.pump(&mut rider.samples, rider.tick_ms).await;
            failed += u32::from(pumped.is_err());
        }
        assert!(failed > 0);
        device.store.reinsert(stamp()).await;
        assert_eq!(device.store.card_trouble(), Some(CardTrouble::Absent));
        assert_eq!(numbers(&device), []);
        let start = rider.start(0xB);
        assert_eq!(device.store.start(&start).await, Err(StorageError::NoCard));
        board.fail_card(0);
        let mended = device.store.reinsert(stamp()).await;
        assert_eq!((mended.cut_off, mended.gone), (1, 0));
        assert_eq!(numbers(&device), [number]);
        let bytes = read(&mut device, number).await.unwrap();
        let entry = device.store.entry(number).await.unwrap();
        assert_opens_cleanly(&bytes, entry.id);
        assert!(crate::truth::last_sample_ms(&bytes) + 1_000 >= pulled_ms);
        rider.record(&mut device, 0xC, 100).await;
    });
    assert_eq!(done.done(), Some(()));
}

/// The card fails at each of its operations while a recording is opened, ended and removed; then it is put in again, without a restart.
#[test]
fn a_card_that_fails_anywhere_is_put_right_without_a_restart() {
    for at in 0.. {
        let board = Board::on(new_board());
        let done = exec::run(async {
            let mut device = Device::start(&board).await;
            let (mut rider, mut uplink) = (Rider::on(&board), Uplink::new());
            let kept = rider.record(&mut device, 0xA, 100).await;
            uplink
                .hand_over(&mut device.store, AfterReceipt::Delete, |_, _| {})
                .await;
            let asked = device.store.may_give_way(AfterReceipt::Delete).await.unwrap();
            let confirmed = crate::giving::confirmation(&mut uplink, asked[0]);
            board.fail_card_after(at);
            let failed = async {
                device.store.start(&rider.start(0xB)).await.map_err(|_| ())?;
                rider.tick();
                let close = device::recorder::Close::Button;
                let (samples, tick_ms) = (&mut rider.samples, rider.tick_ms);
                let stopped = device.store.stop(close, samples, stamp(), tick_ms).await;
                stopped.map_err(|_| ())?;
                device.store.remove(confirmed).await.map_err(|_| ())
            };
            let is_through = failed.await.is_ok();
            board.fail_card(0);
            let mended = device.store.reinsert(stamp()).await;
            assert_eq!(
                (mended.dropped_intents, mended.gone),
                (false, 0),
                "operation {at}"
            );
            let before = numbers(&device);
            assert!(is_through || before.first() == Some(&kept) || mended.removed == 1);
            let next = rider.record(&mut device, 0xC, 60).await;
            let mut after = before.clone();
            after.push(next);
            assert_eq!(numbers(&device), after);
            for number in after {
                assert!(read(&mut device, number).await.is_some());
            }
            assert_eq!(device.store.reinsert(stamp()).await, Default::default());
            let files = computer::files(&board.state().card);
            assert_eq!(
                files.len(),
                before.len() + 2,
                "as many files as the ledger has, and the folder"
            );
            is_through
        });
        if done.done().unwrap() {
            assert!(at > 40, "{at} operations");
            return;
        }
    }
}

/// Recordings on one card, then on another, then the first one again, with a removal on each; the power goes at every write.
#[test]
fn a_cut_anywhere_while_two_cards_take_turns_loses_nothing_of_either() {
    let swap =
        |board: &Board, table: &mut Image| *table = board.insert(std::mem::replace(table, Image::blank(0)));
    let script = async |board: &Board, table: &mut Image| {
        let mut device = Device::start(board).await;
        let (mut rider, mut uplink) = (Rider::on(board), Uplink::new());
        let first = rider.record(&mut device, 0xA, 100).await;
        let begun = rider.begin(&mut device, 0xB).await;
        for _ in 0..200 {
            rider.tick();
            device
                .store
                .pump(&mut rider.samples, rider.tick_ms)
                .await
                .unwrap();
        }
        swap(board, table);
        device.store.reinsert(stamp()).await;
        assert_eq!(numbers(&device), [], "nothing of it is on this card");
        assert_eq!(device.store.survey(0), None);
        assert_eq!(read(&mut device, first).await, None);
        let third = rider.record(&mut device, 0xC, 100).await;
        uplink
            .hand_over(&mut device.store, AfterReceipt::Delete, |_, _| {})
            .await;
        let asked = device.store.may_give_way(AfterReceipt::Delete).await.unwrap();
        assert_eq!(
            asked.iter().map(|asked| asked.number).collect::<Vec<_>>(),
            [third]
        );
        let confirmed = crate::giving::confirmation(&mut uplink, asked[0]);
        device.store.remove(confirmed).await.unwrap();
        let fourth = rider.record(&mut device, 0xD, 100).await;
        assert_eq!(numbers(&device), [fourth]);
        swap(board, table);
        let mended = device.store.reinsert(stamp()).await;
        assert_eq!(
            mended.cut_off, 1,
            "the recording that was being made goes on to its end"
        );
        assert_eq!(numbers(&device), [first, begun]);
        uplink
            .hand_over(&mut device.store, AfterReceipt::Archive, |_, _| {})
            .await;
        let states = [first, begun].map(|number| device.store.ledger().row(number).unwrap().state);
        assert_eq!(states, [Progress::Archived; 2]);
    };
    let (born, other) = (new_board(), shop_card(0xB0B));
    let board = Board::on(born.clone());
    let mut table = other.clone();
    assert_eq!(exec::run(script(&board, &mut table)).done(), Some(()));
    let steps = board.steps();
    for at in 0..steps {
        for (kind, cut) in (0..).zip(KINDS) {
            let by_computer = (at + kind) % 6 == 0;
            let board = Board::on(born.clone());
            let mut table = other.clone();
            board.cut_at(at, cut(at));
            assert!(exec::run(script(&board, &mut table)).is_cut(), "step {at}");
            // Whichever card is in the slot now, the device starts with the other one, and then they change again.
            let State { card, flash } = board.state();
            let board = Board::on(State { card: table, flash });
            let mut table = card;
            let looked = exec::run(async {
                let mut device = Device::start(&board).await;
                let mended = device.mended;
                assert!(
                    !mended.dropped_intents && mended.gone == 0,
                    "step {at}: {mended:?}"
                );
                look(&mut device, by_computer.then_some(&board)).await;
                Rider::on(&board).record(&mut device, 0xE0, 60).await;
                swap(&board, &mut table);
                let mended = device.store.reinsert(stamp()).await;
                assert!(
                    !mended.dropped_intents && mended.gone == 0,
                    "step {at}: {mended:?}"
                );
                look(&mut device, by_computer.then_some(&board)).await;
                Rider::on(&board).record(&mut device, 0xF0, 60).await;
                swap(&board, &mut table);
                assert_eq!(device.store.reinsert(stamp()).await, Default::default());
                look(&mut device, by_computer.then_some(&board)).await;
            });
            assert_eq!(looked.done(), Some(()), "step {at}");
        }
    }
    println!("{steps} steps, each cut in {} ways", KINDS.len());
}

/// What is in reach is whole, and a computer finds nothing else on the card.
async fn look(device: &mut Device, board: Option<&Board>) {
    let mut expected = vec!["/FIELDPOST/".to_owned()];
    for number in numbers(device) {
        let bytes = read(device, number).await.unwrap();
        let entry = device.store.entry(number).await.unwrap();
        assert!(entry.state >= Progress::Digested, "{entry:?}");
        assert_opens_cleanly(&bytes, entry.id);
        expected.push(format!("/FIELDPOST/{}", entry.file_name()));
    }
    if let Some(board) = board {
        let files = computer::files(&board.state().card);
        let found: Vec<String> = files.keys().cloned().collect();
        assert_eq!(found, expected);
    }
}
