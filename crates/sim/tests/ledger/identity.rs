use device::flash::{Error, FlashStore, Item, UPTIME_MAX};
use device::outbox::{LEDGER_MAX, Ledger, LedgerError, Number, Opening};
use sim::nor::{Fault, Nor};

use crate::acts::{CARD, Device, Memory, drawn, opening, run};

#[test]
fn a_device_is_named_once_however_its_first_start_is_cut() {
    for at in 0..12 {
        for seed in 0..40 {
            let mut nor = Nor::blank(6);
            nor.cut_at(at, Fault::Torn(at * 1000 + seed));
            let first = run(async {
                let (mut flash, _) = FlashStore::mount(&mut nor).await.unwrap();
                flash.boot(&drawn(1)).await.unwrap()
            });
            let mut nor = nor.next_boot();
            let (second, third, code) = run(async {
                let (mut flash, _) = FlashStore::mount(&mut nor).await.unwrap();
                let second = flash.boot(&drawn(2)).await.unwrap();
                let code = flash.setup_code().await.unwrap().unwrap();
                (second, flash.boot(&drawn(3)).await.unwrap(), code)
            })
            .unwrap();
            assert_eq!((second.device, second.epoch), (third.device, third.epoch));
            assert_eq!(third.number, second.number + 1);
            assert_eq!(
                (second.device[6] >> 4, second.device[8] >> 6),
                (4, 2),
                "version and variant"
            );
            assert!(code == [b'1'; 16] || code == [b'2'; 16]);
            if let Some(first) = first {
                assert_eq!((first.device, first.epoch), (second.device, second.epoch));
                assert!(first.number < second.number);
            }
        }
    }
}

#[test]
fn a_reset_draws_a_new_epoch_and_keeps_who_the_device_is_and_what_it_holds() {
    let mut nor = Nor::blank(6);
    let mut memory = Memory::default();
    run(async {
        let mut device = Device::look(&mut nor).await;
        let before = device.flash.boot(&drawn(1)).await.unwrap();
        device
            .flash
            .write(Item::Settings, b"networks and token")
            .await
            .unwrap();
        device.flash.write(Item::Uptime(3), b"hours").await.unwrap();
        device.perform(&crate::acts::Act::Open(1), &mut memory).await;

        device.flash.factory_reset(&drawn(2)).await.unwrap();
        let after = device.flash.boot(&drawn(9)).await.unwrap();
        assert_eq!(after.device, before.device);
        assert_eq!((after.number, after.epoch), (before.number + 1, drawn(2).epoch));
        assert_eq!(device.flash.setup_code().await.unwrap(), Some([b'2'; 16]));
        assert_eq!(device.flash.claim().await.unwrap(), 1);
        let mut buffer = [0; 64];
        assert_eq!(device.flash.read(Item::Settings, &mut buffer).await, Ok(None));
        assert_eq!(
            device.flash.read(Item::Uptime(3), &mut buffer).await,
            Ok(Some(&b"hours"[..]))
        );
        assert_eq!(device.ledger.rows().len(), 1);
        let next = device.ledger.next_number(&mut device.flash, None).await.unwrap();
        assert_eq!(next.number(), Number(2));
    })
    .unwrap();
}

#[test]
fn numbers_go_on_above_what_the_card_has() {
    let mut nor = Nor::blank(6);
    run(async {
        let mut device = Device::look(&mut nor).await;
        let mut next = async |on_card| {
            let fresh = device.ledger.next_number(&mut device.flash, on_card).await;
            fresh.map(|fresh| fresh.number().0)
        };
        assert_eq!(next(None).await, Ok(1));
        assert_eq!(next(Some(Number(40))).await, Ok(41));
        assert_eq!(next(Some(Number(3))).await, Ok(42));
        let last = device::flash::NUMBER_MAX;
        assert_eq!(
            next(Some(Number(last))).await,
            Err(LedgerError::Flash(Error::Full))
        );
        assert_eq!(
            next(Some(Number(u32::MAX))).await,
            Err(LedgerError::Flash(Error::Full))
        );
    })
    .unwrap();
}

#[test]
fn a_full_ledger_and_too_many_sessions_are_refused_and_nothing_is_lost() {
    let mut nor = Nor::blank(32);
    run(async {
        let mut device = Device::look(&mut nor).await;
        for _ in 0..LEDGER_MAX {
            let fresh = device.ledger.next_number(&mut device.flash, None).await.unwrap();
            let opening = opening(u128::from(fresh.number().0));
            device
                .ledger
                .open(&mut device.flash, fresh, &opening)
                .await
                .unwrap();
        }
        let refused = device.ledger.next_number(&mut device.flash, None).await;
        assert_eq!(refused, Err(LedgerError::Full));
        for session in 0..UPTIME_MAX as u32 {
            device.flash.write(Item::Uptime(session), &[1; 64]).await.unwrap();
        }
        let more = Item::Uptime(UPTIME_MAX as u32);
        assert_eq!(device.flash.write(more, &[1; 64]).await, Err(Error::Full));
        device.flash.write(Item::Uptime(5), &[2; 64]).await.unwrap();
        device.flash.write(Item::Settings, &[3; 2048]).await.unwrap();
        assert_eq!(
            device.flash.write(Item::FatIntent, &[3; 65]).await,
            Err(Error::TooLong)
        );
        device
            .flash
            .write(Item::DirectoryIntent, &[3; 520])
            .await
            .unwrap();
        let mut again = Ledger::default();
        let unreadable = again.load(&mut device.flash).await.unwrap();
        again.see(&mut device.flash, Some(CARD)).await.unwrap();
        assert!(again.rows() == device.ledger.rows() && unreadable == 0);
    })
    .unwrap();
}

#[test]
fn only_what_was_recorded_under_the_newest_claim_is_its_owners() {
    let mut nor = Nor::blank(32);
    run(async {
        let mut device = Device::look(&mut nor).await;
        for (id, claim) in [(1, 0), (2, 0), (3, 4), (4, 4)] {
            let fresh = device.ledger.next_number(&mut device.flash, None).await.unwrap();
            let opening = Opening { claim, ..opening(id) };
            device
                .ledger
                .open(&mut device.flash, fresh, &opening)
                .await
                .unwrap();
        }
        let mut again = Ledger::default();
        again.load(&mut device.flash).await.unwrap();
        for ledger in [&device.ledger, &again] {
            let of = |claim| -> Vec<u32> { ledger.rows_of(claim).iter().map(|row| row.number.0).collect() };
            assert_eq!(of(4), [3, 4]);
            assert!(of(0).is_empty() && of(5).is_empty());
        }
    })
    .unwrap();
}
