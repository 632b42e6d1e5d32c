//! What devices in the field have in their flash stays readable.

use device::flash::journal::{Journal, RawKey};
use device::flash::{FlashStore, Item};
use device::outbox::{Ledger, Number, Step};
use sim::nor::Nor;

use crate::acts::{Device, opening, run};

/// Laid out by hand from the module docs, with zlib's CRC-32.
const GOLDEN: &[&str] = &[
    // The page's header.
    "014a5046 01000000 bb37722a 659a956a",
    // The counter of recordings is 1.
    "0400fbff e495cc6e 05000003 01000000",
    // Recording 1 is open.
    "2800d7ff 0f7ee264 01000001 01000201 00000000 00000000 00000000 00000000 00000102 c8640000 40000000 00000000 01d0a20c",
    // Settings, five bytes and three to fill the word.
    "0500faff 5a02c332 10000003 74687265 65ffffff",
    // Settings are taken back.
    "0080ff7f 6cef62bb 10000003",
];

fn words(image: &[u8]) -> String {
    let words = image
        .chunks(4)
        .map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_layout_is_that_of_version_1() {
    let mut nor = Nor::blank(4);
    run(async {
        let mut device = Device::look(&mut nor).await;
        let fresh = device.ledger.next_number(&mut device.flash, None).await.unwrap();
        device
            .ledger
            .open(&mut device.flash, fresh, &opening(0x0102))
            .await
            .unwrap();
        device.flash.write(Item::Settings, b"three").await.unwrap();
        device.flash.remove(Item::Settings).await.unwrap();
    })
    .unwrap();
    let mut from = 0;
    for golden in GOLDEN {
        let bytes = golden.split(' ').count() * 4;
        assert_eq!(words(&nor.image()[from..from + bytes]), *golden);
        from += bytes;
    }
    assert!(nor.image()[from..].iter().all(|bits| *bits == 0xFF));
}

#[test]
fn an_entry_of_another_version_is_counted_and_stays_and_its_number_is_taken() {
    let mut nor = Nor::blank(4);
    run(async {
        let (mut journal, _) = Journal::mount(&mut nor).await.unwrap();
        journal.put(RawKey(1 << 24 | 8), &[2; 60]).await.unwrap();
        journal.put(RawKey(1 << 24 | 9), &[2; 90]).await.unwrap();
        let (mut flash, _) = FlashStore::mount(journal.into_flash()).await.unwrap();
        let mut ledger = Ledger::default();
        let unreadable = ledger.load(&mut flash).await.unwrap();
        assert_eq!((ledger.rows().len(), unreadable), (0, 2));
        let fresh = ledger.next_number(&mut flash, None).await.unwrap();
        assert_eq!(fresh.number(), Number(10));
        ledger.open(&mut flash, fresh, &opening(1)).await.unwrap();
        let unknown = ledger.advance(&mut flash, Number(8), Step::Offer).await;
        assert!(unknown.is_err());
        let mut again = Ledger::default();
        let unreadable = again.load(&mut flash).await.unwrap();
        assert_eq!((again.rows().len(), unreadable), (1, 2));
    })
    .unwrap();
}
