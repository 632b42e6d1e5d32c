//! One virtual device: the real decisions and the real storage, around hardware that is not there.
//!
//! ```text
//!  ride ─► ublox, IMU ─► Controller ◄─► Wi-Fi orders ◄─► Radio, access points
//!                        │      ▲
//!                 orders ▼      │ answers            exchanges ◄─► Uplink
//!                   Store on a Board (card and flash; its power can be cut)
//! ```
//!
//! Time goes from one event to the next. A cut drops the device with everything in its memory; the next start finds the board as the
//! cut left it, and the world around as it is.

mod carry;
mod exchange;
mod ride;
pub mod uplink;

use std::collections::{BTreeMap, VecDeque};

use device::controller::{self, Controller, Input, Output, Stored};
use device::fat::Stamp;
use device::flash::{Drawn, Item};
use device::link::Ssid;
use device::modes::Trade;
use device::outbox;
use device::recorder::Samples;
use device::settings::{CannotOpen, PASSWORD_BYTES_MAX, SETTINGS_BYTES_MAX, Sealed, Settings, Unseal};
use device::store::{Extents, Store};
use device::time::{Instant, earliest};

use crate::board::{Board, CardSlot, FlashChip, State};
use crate::card::Image;
use crate::exec;
use crate::nor::BLOCK_BYTES;
use crate::server::Server;
use crate::wifi::{HeldNetwork, Radio};
use exchange::Exchange;
pub use ride::Ride;
use uplink::Uplink;

/// So many events at one moment are a device that goes round in a circle.
const EVENTS_AT_ONCE_MAX: u32 = 1_000;

/// A device without a key that boxes are sealed for.
#[derive(Debug, Clone, Copy)]
pub struct NoSeal;

impl Unseal for NoSeal {
    fn open(
        &mut self,
        _: &Ssid,
        _: &Sealed<'_>,
    ) -> Result<heapless::Vec<u8, PASSWORD_BYTES_MAX>, CannotOpen> {
        Err(CannotOpen)
    }
}

/// What surrounds a device, and outlives its cuts.
#[derive(Debug)]
pub struct Surroundings<L = Server> {
    pub radio: Radio,
    pub held: Vec<HeldNetwork>,
    pub server: L,
    pub token: String,
    pub ride: Ride,
    /// Unix milliseconds at the world's beginning.
    pub began_utc_ms: i64,
}

/// The part that a cut takes away.
struct Running {
    controller: Controller<NoSeal>,
    store: Store<CardSlot, FlashChip>,
    samples: Samples,
    receiver_baud: u32,
    exchange: Option<Exchange>,
    /// Of storage, which the device hears when it has said everything.
    answers: VecDeque<Stored>,
    /// World time of its start.
    started: Instant,
    is_recording: bool,
    next_solution: Instant,
    next_sample: Instant,
    /// World time up to which the IMU was read.
    draws: u64,
}

/// See the module.
pub struct Unit<L = Server> {
    pub around: Surroundings<L>,
    state: State,
    board: Option<Board>,
    running: Option<Running>,
    now: Instant,
    device: [u8; 16],
    seed: u64,
    /// Everything that the device said, in words, for whoever looks for what went wrong.
    pub log: Vec<(Instant, String)>,
    /// How often each kind of event was.
    pub counts: BTreeMap<&'static str, u64>,
}

impl<L: Uplink> Unit<L> {
    /// A device from the shop with these settings in its flash and a card of 2 GiB.
    pub fn new(seed: u64, settings: &Settings, around: Surroundings<L>) -> Self {
        let mut unit = Self {
            around,
            state: State {
                card: Image::blank(1 << 22),
                flash: vec![0xFF; 32 * BLOCK_BYTES],
            },
            board: None,
            running: None,
            now: Instant::BOOT,
            device: drawn(seed).device,
            seed,
            log: Vec::new(),
            counts: BTreeMap::new(),
        };
        unit.prepare(settings);
        unit
    }

    /// What the shop does: formats the card, and puts the settings in.
    fn prepare(&mut self, settings: &Settings) {
        let board = Board::on(self.state.clone());
        let mut blob = [0; SETTINGS_BYTES_MAX];
        let length = settings.encode(&mut blob);
        let prepared = exec::run(async {
            let mut card = board.card();
            let formatted = device::fat::format(&mut card, 0x5eed).await;
            let booted = Store::boot(
                card,
                board.flash(),
                &drawn(self.seed),
                Stamp::UNKNOWN,
                Extents::default(),
            )
            .await;
            let (mut store, started) = booted.ok()?;
            let saved = store.flash().write(Item::Settings, &blob[..length]).await;
            (formatted.is_ok() && saved.is_ok()).then_some(started.boot.device)
        });
        if let Some(device) = prepared.done().flatten() {
            self.device = device;
        }
        self.state = board.state();
        self.around.server.expect(&self.around.token, self.device);
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    pub fn is_on(&self) -> bool {
        self.running.is_some()
    }

    /// What the device knows it holds: state, size and digest of each recording.
    pub fn store(&mut self) -> Option<&mut Store<CardSlot, FlashChip>> {
        self.running.as_mut().map(|running| &mut running.store)
    }

    pub fn controller(&self) -> Option<&Controller<NoSeal>> {
        self.running.as_ref().map(|running| &running.controller)
    }

    fn note(&mut self, kind: &'static str, what: impl FnOnce() -> String) {
        *self.counts.entry(kind).or_default() += 1;
        self.log.push((self.now, what()));
    }

    /// Gives it power. `false` where it does not start.
    pub fn power_on(&mut self) -> bool {
        let board = Board::on(self.state.clone());
        let seed = self.seed ^ self.now.as_micros();
        let booted = exec::run(async {
            let drawn = drawn(self.seed);
            let booted = Store::boot(
                board.card(),
                board.flash(),
                &drawn,
                Stamp::UNKNOWN,
                Extents::default(),
            )
            .await;
            let (mut store, started) = booted.ok()?;
            let mut blob = [0; SETTINGS_BYTES_MAX];
            let settings = store.flash().read(Item::Settings, &mut blob).await.ok()?;
            let settings = settings.map(<[u8]>::to_vec);
            let mut sessions = Vec::new();
            for slot in store.flash().uptime_sessions().collect::<Vec<_>>() {
                let mut bytes = [0; 64];
                if let Ok(Some(read)) = store.flash().read(Item::Uptime(slot), &mut bytes).await {
                    sessions.push((u8::try_from(slot).unwrap_or(u8::MAX), read.to_vec()));
                }
            }
            let claim = store.flash().claim().await.ok()?;
            Some((store, started, settings, sessions, claim))
        });
        let Some((store, started, settings, sessions, claim)) = booted.done().flatten() else {
            return false;
        };
        let boot = device::clock::Boot {
            epoch: started.boot.epoch,
            number: started.boot.number,
        };
        let start = controller::Start {
            trade: Trade::RaceLogger,
            boot,
            device: started.boot.device,
            claim,
            settings: settings.as_deref(),
            uptime: sessions.iter().map(|(slot, bytes)| (*slot, &bytes[..])),
            uptime_loss: None,
            seal_key: None,
            seed: (seed as u32) ^ 0x5eed,
            restarted_for_ap: false,
            has_receiver: true,
            has_pending: store
                .ledger()
                .rows()
                .iter()
                .any(|row| matches!(row.state, outbox::State::Digested | outbox::State::Offered)),
        };
        let (controller, _) = Controller::new(start, NoSeal, Instant::BOOT);
        self.around.ride.power_cycle();
        self.note("starts", || format!("{:?}", started.mended));
        self.board = Some(board);
        self.running = Some(Running {
            controller,
            store,
            samples: Samples::new(),
            receiver_baud: 0,
            exchange: None,
            answers: VecDeque::new(),
            started: self.now,
            is_recording: false,
            next_solution: self.now,
            next_sample: self.now,
            draws: 0,
        });
        self.drain();
        true
    }

    /// Takes the power away, between two writes.
    pub fn power_off(&mut self) {
        if let Some(board) = self.board.take() {
            self.state = board.state();
        }
        self.running = None;
        self.around.server.break_off();
        self.around.radio.order(&device::link::Output::RadioOff, self.now);
        self.note("cuts", || "the power goes".to_owned());
    }

    /// Lets the world go on until a moment of its own time.
    pub fn run_until(&mut self, end: Instant) {
        let mut at_this_moment = 0;
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            at_this_moment = if next > self.now { 0 } else { at_this_moment + 1 };
            assert!(
                at_this_moment < EVENTS_AT_ONCE_MAX,
                "time stands still at {:?}: {:?}",
                self.now,
                self.running
                    .as_ref()
                    .map(|running| running.controller.deadlines())
            );
            self.now = next.max(self.now);
            self.events();
        }
        self.now = end.max(self.now);
    }

    fn next_event(&self) -> Option<Instant> {
        let running = self.running.as_ref()?;
        let deadline = running
            .controller
            .next_deadline()
            .map(|at| running.world_time(at))
            // A deadline that is over is heard at once, and time goes on all the same.
            .map(|at| at.max(self.now));
        let sample = running.is_recording.then_some(running.next_sample);
        let exchange = running.exchange.as_ref().map(Exchange::ends);
        [
            self.around.radio.next(),
            deadline,
            sample,
            exchange,
            Some(running.next_solution),
        ]
        .into_iter()
        .fold(None, earliest)
    }

    fn events(&mut self) {
        while let Some(answer) = self.around.radio.answer(self.now, &self.around.held) {
            self.wifi(&answer);
        }
        self.sense();
        self.finish_exchange();
        let due = self.running.as_ref().and_then(|running| {
            let at = running.controller.next_deadline()?;
            Some(running.world_time(at) <= self.now)
        });
        if due == Some(true) {
            self.tell(Input::Tick);
        }
        self.pump();
    }

    /// Gives the device an input and carries out what it wants.
    pub fn tell(&mut self, input: Input<'_>) {
        let now = self.now;
        if let Some(running) = &mut self.running {
            let at = running.device_time(now);
            running.controller.handle(input, at);
        }
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            while let Some(output) = self
                .running
                .as_mut()
                .and_then(|running| running.controller.poll())
            {
                self.carry_out(output);
            }
            let now = self.now;
            let Some(running) = &mut self.running else {
                return;
            };
            let Some(answer) = running.answers.pop_front() else {
                return;
            };
            let at = running.device_time(now);
            running.controller.handle(Input::Stored(answer), at);
        }
    }

    /// Storage has done something, or says something by itself.
    fn answer_stored(&mut self, answer: Stored) {
        if let Some(running) = &mut self.running {
            running.answers.push_back(answer);
        }
    }
}

impl Running {
    fn device_time(&self, now: Instant) -> Instant {
        Instant::BOOT + now.since(self.started)
    }

    fn world_time(&self, at: Instant) -> Instant {
        self.started + at.since(Instant::BOOT)
    }
}

fn drawn(seed: u64) -> Drawn {
    let mut device = [0x11; 16];
    device[..8].copy_from_slice(&seed.to_le_bytes());
    Drawn {
        device,
        epoch: (seed as u32) | 1,
        setup_code: [3; 16],
    }
}

/// For the log.
fn words(output: &Output) -> String {
    format!("{output:?}")
}
