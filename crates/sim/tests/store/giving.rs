//! What may give way, and what never does.

use device::confirm::{Asked, Confirmation, Output as Said};
use device::outbox::{LedgerError, Number, Refused, State as Progress, Step};
use device::settings::AfterReceipt;
use device::store::StorageError;
use sim::board::Board;
use sim::exec;

use crate::life::{Device, Rider, new_board};
use crate::uplink::Uplink;

/// Two recordings that the server has.
async fn delivered(board: &Board, after: AfterReceipt) -> (Device, Uplink, [Number; 2]) {
    let mut device = Device::start(board).await;
    let mut rider = Rider::on(board);
    let numbers = [
        rider.record(&mut device, 0xA, 100).await,
        rider.record(&mut device, 0xB, 200).await,
    ];
    let mut uplink = Uplink::new();
    uplink.hand_over(&mut device.store, after, |_, _| {}).await;
    (device, uplink, numbers)
}

async fn asked(device: &mut Device, number: Number) -> Asked {
    let sha256 = device.store.entry(number).await.unwrap().sha256.unwrap();
    Asked { number, sha256 }
}

pub(crate) fn confirmation(uplink: &mut Uplink, asked: Asked) -> Confirmation {
    let said = uplink.confirm(&[asked], None);
    let [_, Said::Confirmed(confirmed)] = said[..] else {
        panic!("{said:?}");
    };
    confirmed
}

fn refusal<C, F>(refused: Refused) -> Result<(), StorageError<C, F>> {
    Err(StorageError::Ledger(LedgerError::Refused(refused)))
}

#[test]
fn only_a_confirmation_of_the_bytes_that_are_here_removes_them() {
    let board = Board::on(new_board());
    let done = exec::run(async {
        let (mut device, mut uplink, [first, second]) = delivered(&board, AfterReceipt::Archive).await;
        let of_others = Asked {
            number: first,
            ..asked(&mut device, second).await
        };
        let of_others = confirmation(&mut uplink, of_others);
        let refused = device.store.remove(of_others).await;
        assert_eq!(refused, refusal(Refused::Proof));
        let of_before = confirmation(&mut uplink, asked(&mut device, first).await);
        device.store.advance(first, Step::OfferAgain).await.unwrap();
        let refused = device.store.remove(of_before).await;
        assert_eq!(refused, refusal(Refused::Order(Progress::Digested)));
        let fresh = confirmation(&mut uplink, asked(&mut device, second).await);
        device.store.remove(fresh).await.unwrap();
        let left: Vec<Number> = device
            .store
            .ledger()
            .rows()
            .iter()
            .map(|row| row.number)
            .collect();
        assert_eq!(left, [first]);
        assert!(
            device.store.remove(fresh).await.is_err(),
            "it is worth nothing later"
        );
    });
    assert_eq!(done.done(), Some(()));
}

#[test]
fn what_is_kept_gives_way_when_room_is_short_and_what_is_to_be_deleted_at_once() {
    for (after, state) in [
        (AfterReceipt::Archive, Progress::Archived),
        (AfterReceipt::Delete, Progress::Receipted),
    ] {
        let board = Board::on(new_board());
        let done = exec::run(async {
            let (mut device, mut uplink, numbers) = delivered(&board, after).await;
            for number in numbers {
                assert_eq!(device.store.entry(number).await.unwrap().state, state);
            }
            let new = Rider::on(&board).record(&mut device, 0xC, 100).await;
            let asked = device.store.may_give_way(after).await.unwrap();
            let may_go: Vec<Number> = asked.iter().map(|asked| asked.number).collect();
            match after {
                AfterReceipt::Archive => assert_eq!(may_go, [], "there is room"),
                AfterReceipt::Delete => assert_eq!(may_go, numbers, "the oldest first, and {new} never"),
            }
            for asked in asked {
                device
                    .store
                    .remove(confirmation(&mut uplink, asked))
                    .await
                    .unwrap();
            }
        });
        assert_eq!(done.done(), Some(()));
    }
}
