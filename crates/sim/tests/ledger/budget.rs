use device::flash::{FLASH_BYTES, FlashStore, Item};
use device::outbox::{Delivered, Kind, LEDGER_MAX, Ledger, Number, Step};
use sim::nor::{BLOCK_BYTES, Nor};

use crate::acts::{confirmation, opening, proof, run};

const RECORDINGS: u32 = 2000;
/// What is programmed for one recording's whole life, the ring's turning over included.
const BUDGET_BYTES: u64 = 4096;

/// Every intent at its longest: linking, naming, cutting off what was not used, the length, unlinking and unnaming.
async fn intents(flash: &mut FlashStore<&mut Nor>) {
    for item in [Item::FatIntent, Item::DirectoryIntent] {
        flash.write(item, &vec![1; item.bytes_max()]).await.unwrap();
    }
    for item in [Item::FatIntent, Item::DirectoryIntent] {
        flash.remove(item).await.unwrap();
    }
}

async fn life(flash: &mut FlashStore<&mut Nor>, ledger: &mut Ledger) -> Number {
    let fresh = ledger.next_number(flash, None).await.unwrap();
    let number = fresh.number();
    let opening = opening(u128::from(number.0));
    ledger.open(flash, fresh, &opening).await.unwrap();
    intents(flash).await;
    let (size_bytes, sha256) = (1000, [3; 32]);
    let seal = Step::Seal {
        size_bytes,
        clusters: 4,
    };
    ledger.advance(flash, number, seal).await.unwrap();
    intents(flash).await;
    let delivered = Delivered {
        number,
        kind: Kind::Session,
        size_bytes,
        sha256,
    };
    let proof = proof(&delivered);
    for step in [
        Step::Digest(sha256),
        Step::Offer,
        Step::Receipt(&proof),
        Step::Archive,
    ] {
        ledger.advance(flash, number, step).await.unwrap();
    }
    number
}

/// Bytes programmed and pages erased for one recording, while so many archived ones stay in the ledger.
fn spend(kept: usize) -> (u64, f64) {
    let mut nor = Nor::blank(FLASH_BYTES as usize / BLOCK_BYTES);
    run(async {
        let (mut flash, _) = FlashStore::mount(&mut nor).await.unwrap();
        let mut ledger = Ledger::default();
        ledger.load(&mut flash).await.unwrap();
        flash.write(Item::Settings, &[7; 1500]).await.unwrap();
        for session in 0..8 {
            flash.write(Item::Uptime(session), &[8; 64]).await.unwrap();
        }
        for _ in 0..RECORDINGS {
            while ledger.rows().len() >= kept {
                let oldest = ledger.rows()[0].number;
                let held = ledger.entry(&mut flash, oldest).await.unwrap().sha256.unwrap();
                let confirmed = confirmation(oldest, held);
                let step = Step::Remove(&confirmed);
                ledger.advance(&mut flash, oldest, step).await.unwrap();
                intents(&mut flash).await;
                ledger.remove(&mut flash, oldest).await.unwrap();
            }
            life(&mut flash, &mut ledger).await;
        }
    })
    .unwrap();
    let spent = nor.spent();
    assert_eq!(spent.impossible_programs, 0);
    let recordings = f64::from(RECORDINGS);
    (
        spent.programmed_bytes / u64::from(RECORDINGS),
        spent.erases as f64 / recordings,
    )
}

#[test]
fn a_recording_costs_less_than_four_kibibytes_of_flash_however_many_are_kept() {
    for kept in [1, 100, LEDGER_MAX] {
        let (bytes, erases) = spend(kept);
        println!(
            "{kept} kept: {bytes} bytes programmed and {erases:.2} pages erased for each of {RECORDINGS} recordings"
        );
        assert!(bytes <= BUDGET_BYTES, "{bytes} bytes with {kept} kept");
    }
}

#[test]
fn what_stands_in_ram_is_small() {
    let ledger = size_of::<Ledger>();
    let flash = size_of::<FlashStore<&mut Nor>>();
    println!("ledger {ledger} bytes, flash store {flash} bytes");
    assert!(ledger <= 16 * LEDGER_MAX + 16);
    assert!(flash <= 4096);
}
