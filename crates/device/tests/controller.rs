//! Everything that a device decides, put together: what one input leads to.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

use std::collections::BTreeSet;

use device::clock::Boot;
use device::controller::{Controller, Input, Order, Output, Start};
use device::link::Ssid;
use device::modes::Trade;
use device::settings::{CannotOpen, Sealed, Unseal};
use device::time::Instant;
use device::uptime::Uptime;

struct NoSeal;

impl Unseal for NoSeal {
    fn open(&mut self, _: &Ssid, _: &Sealed<'_>) -> Result<heapless::Vec<u8, 64>, CannotOpen> {
        Err(CannotOpen)
    }
}

/// What flash holds after so many starts that each ended with a cut.
fn cut_sessions(count: u32) -> Vec<(u8, Vec<u8>)> {
    let session = |number: u32| {
        let boot = Boot { epoch: 7, number };
        let mut uptime = Uptime::new(boot, [], None, Instant::BOOT);
        let saved = std::iter::from_fn(|| uptime.poll()).count();
        assert!(saved > 0);
        uptime.encode(0).unwrap().to_vec()
    };
    (0..count)
        .map(|number| (u8::try_from(number).unwrap(), session(number + 1)))
        .collect()
}

fn controller(sessions: &[(u8, Vec<u8>)]) -> Controller<NoSeal> {
    let start = Start {
        trade: Trade::AlwaysOnline,
        boot: Boot {
            epoch: 7,
            number: 1_000,
        },
        device: [1; 16],
        claim: 0,
        settings: None,
        uptime: sessions.iter().map(|(slot, bytes)| (*slot, &bytes[..])),
        uptime_loss: None,
        seal_key: None,
        seed: 1,
        restarted_for_ap: false,
        has_receiver: false,
        has_pending: false,
        camera: None,
    };
    Controller::new(start, NoSeal, Instant::BOOT).0
}

fn outputs(controller: &mut Controller<NoSeal>) -> Vec<Output> {
    std::iter::from_fn(|| controller.poll()).collect()
}

#[test]
fn however_much_one_input_leads_to_nothing_of_it_is_dropped() {
    let mut controller = controller(&cut_sessions(63));
    controller.handle(Input::Tick, Instant::from_secs(1));
    let saved: BTreeSet<u8> = outputs(&mut controller)
        .iter()
        .filter_map(|output| {
            let Output::Store(Order::SaveUptime { slot }) = output else {
                return None;
            };
            Some(*slot)
        })
        .collect();
    assert_eq!(saved.len(), 64, "each is closed, and one is open: {saved:?}");
    assert_eq!(controller.dropped(), 0);
}

/// Beside it the core holds the store with its ledger, the samples and the page: 48 KB for all.
#[test]
fn it_is_small() {
    let bytes = size_of::<Controller<NoSeal>>();
    assert!(bytes <= 19_200, "{bytes}");
}
