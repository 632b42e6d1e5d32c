//! Everything of the device's core that lives as long as a device is on, laid out by the compiler for the chip. It does not build when that has
//! grown.
//!
//! Each part is a symbol of its size: `cargo xtask fw` reads them and holds their sum to the goal. Of storage it counts the task that owns it,
//! at its largest: asleep in the longest of its operations beside what it holds. Starting is one of them, for it starts where it lies. Not counted is what is not the core's: drivers, TLS, the radio, and the buffer
//! of a picture, which is the sensor's.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::mem::{MaybeUninit, forget};
use core::panic::PanicInfo;

use device::block::BlockDevice;
use device::confirm::{ASKED_MAX, Asked, Confirmation};
use device::controller::Controller;
use device::exchange::ANSWER_BYTES_MAX;
use device::fat::Stamp;
use device::flash::Drawn;
use device::link::Ssid;
use device::outbox::{Number, Proof};
use device::portal::{Site, dhcp, http, mdns};
use device::recorder::{Close, Samples};
use device::settings::{AfterReceipt, CannotOpen, PASSWORD_BYTES_MAX, Sealed, Unseal};
use device::store::{Picture, Start, Store};
use device::watchdog::Watchdog;
use embedded_storage_async::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};

/// Of the 300 KB that a C3 has for everything.
const BYTES_MAX: usize = 48 * 1024;
/// Those that read the portal's pages at once: a phone opens two, and the oldest that is idle gives way to another.
const CONNECTIONS: usize = 3;

struct Card;
struct Flash;
/// The device's private key.
struct Key([u8; 32]);

type Storage = Store<Card, Flash>;

/// The longest of storage's operations, while it waits.
const OPERATION: usize = longest(&[
    future(|(store, drawn): (&'static mut Storage, &'static Drawn)| store.boot(drawn, Stamp::UNKNOWN)),
    future(|store: &'static mut Storage| store.reinsert(Stamp::UNKNOWN)),
    future(|(store, start): (&'static mut Storage, &'static Start<'static>)| store.start(start)),
    future(|(store, start, samples): Rotation| store.rotate(start, samples)),
    future(|(store, samples): Pumping| store.pump(samples, 0)),
    future(|(store, samples): Pumping| store.stop(Close::Button, samples, Stamp::UNKNOWN, 0)),
    future(|(store, bytes): (&'static mut Storage, &'static mut [u8])| store.read(Number(0), 0, bytes)),
    future(|store: &'static mut Storage| store.candidate(0, None, Number(0))),
    future(|(store, proof): (&'static mut Storage, &'static Proof)| {
        store.receive(proof, AfterReceipt::Archive)
    }),
    future(|store: &'static mut Storage| store.may_give_way(AfterReceipt::Archive)),
    future(|(store, confirmed): (&'static mut Storage, Confirmation)| store.remove(confirmed)),
    future(|store: &'static mut Storage| store.offer_all_again()),
    future(|(store, picture): (&'static mut Storage, &'static Picture<'static>)| store.keep_picture(picture)),
]);

type Rotation = (
    &'static mut Storage,
    &'static Start<'static>,
    &'static mut Samples,
);
type Pumping = (&'static mut Storage, &'static mut Samples);

/// Parts, as symbols of their size, and their sum.
macro_rules! live {
    ($($name:ident: $bytes:expr,)*) => {
        $(
            #[used]
            #[unsafe(no_mangle)]
            static $name: Room<{ $bytes }> = Room(MaybeUninit::uninit());
        )*
        const ALL: usize = 0 $(+ $bytes)*;
    };
}

live! {
    // With the laps of a race logger or the pictures of a camera, whichever is larger.
    CORE_CONTROLLER: size_of::<Controller<Key>>(),
    CORE_STORE: size_of::<Storage>() + OPERATION,
    CORE_SAMPLES: size_of::<Samples>(),
    CORE_WATCHDOG: size_of::<Watchdog>(),
    CORE_PORTAL: size_of::<Site>() + size_of::<dhcp::Server>() + size_of::<mdns::Responder>(),
    CORE_PORTAL_CONNECTIONS: CONNECTIONS * size_of::<http::Connection>(),
    CORE_ANSWER: ANSWER_BYTES_MAX,
    CORE_ASKED: size_of::<heapless::Vec<Asked, ASKED_MAX>>(),
}

const _: () = assert!(ALL <= BYTES_MAX, "the device's core has grown");

struct Room<const BYTES: usize>(
    #[allow(dead_code, reason = "it is there to be large")] MaybeUninit<[u8; BYTES]>,
);

// SAFETY: nobody reads or writes it.
unsafe impl<const BYTES: usize> Sync for Room<BYTES> {}

const fn future<A, F: FnOnce(A) -> R, R: Future>(operation: F) -> usize {
    forget(operation);
    size_of::<R>()
}

const fn longest(all: &[usize]) -> usize {
    let (mut at, mut longest) = (0, 0);
    while at < all.len() {
        if all[at] > longest {
            longest = all[at];
        }
        at += 1;
    }
    longest
}

impl BlockDevice for Card {
    type Error = Infallible;

    fn sectors(&self) -> u32 {
        0
    }

    async fn read(&mut self, _: u32, _: &mut [u8]) -> Result<(), Infallible> {
        core::future::pending().await
    }

    async fn write(&mut self, _: u32, _: &[u8]) -> Result<(), Infallible> {
        core::future::pending().await
    }
}

impl ErrorType for Flash {
    type Error = Infallible;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, _: u32, _: &mut [u8]) -> Result<(), Infallible> {
        core::future::pending().await
    }

    fn capacity(&self) -> usize {
        0
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    async fn erase(&mut self, _: u32, _: u32) -> Result<(), Infallible> {
        core::future::pending().await
    }

    async fn write(&mut self, _: u32, _: &[u8]) -> Result<(), Infallible> {
        core::future::pending().await
    }
}

impl MultiwriteNorFlash for Flash {}

impl Unseal for Key {
    fn open(
        &mut self,
        _: &Ssid,
        _: &Sealed<'_>,
    ) -> Result<heapless::Vec<u8, PASSWORD_BYTES_MAX>, CannotOpen> {
        let _ = self.0;
        Err(CannotOpen)
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

#[riscv_rt::entry]
fn main() -> ! {
    loop {}
}
