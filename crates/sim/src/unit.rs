//! One virtual device: the real decisions and the real storage, around hardware that is not there.
//!
//! ```text
//!  ride ─► ublox, IMU ─► Controller ◄─► Wi-Fi orders ◄─► Radio, access points
//!                        │      ▲
//!                 orders ▼      │ answers            exchanges ◄─► Uplink
//!  sensor ─► pictures ─► Store on a Board (card and flash; its power can be cut)
//! ```
//!
//! Which trade it is of, its first settings say, as the shop built it: a race logger has a receiver and an IMU, a camera its sensor, an uptime
//! logger neither.
//!
//! Time goes from one event to the next. A cut drops the device with everything in its memory; the next start finds the board as the
//! cut left it, and the world around as it is.

pub mod camera;
mod carry;
mod course;
mod crumb;
mod exchange;
pub mod faults;
mod ntp;
mod portal;
mod power;
mod ride;
mod room;
mod rtc;
pub mod uplink;

use std::collections::{BTreeMap, VecDeque};

use device::breadcrumb::{Breadcrumb, Cause};
use device::controller::{Controller, Input, Output, Stored};
use device::fat::{FIRST_CLUSTER, Stamp, Volume};
use device::flash::{Drawn, Item};
use device::link::Ssid;
use device::portal::Site;
use device::recorder::{Close, Sample, Samples};
use device::settings::{
    CannotOpen, PASSWORD_BYTES_MAX, Profile, SETTINGS_BYTES_MAX, Sealed, Settings, Unseal,
};
use device::store::{Extents, Store};
use device::time::{Instant, earliest};
use device::track;

use crate::board::{Board, CardSlot, FlashChip, State, Step};
use crate::card::Image;
use crate::exec;
use crate::nor::BLOCK_BYTES;
use crate::server::Server;
use crate::wifi::{HeldNetwork, Radio};
use camera::{Sensor, Shot};
pub use course::Course;
use exchange::Exchange;
use faults::Faults;
use ntp::Question;
pub use ride::{OVAL_MIDDLE_DEG, Ride};
pub use rtc::Rtc;
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

/// What a device is built of.
#[derive(Debug, Clone, Copy)]
pub struct Hardware {
    pub card_sectors: u32,
    /// Of the card, by files that are somebody else's.
    pub taken_bytes: u32,
    pub extents: Extents,
    /// Pictures wait in a part of the card of this size.
    pub spool_bytes_max: u32,
    /// How often its settings were saved before: the flash begins to erase where it has been full once.
    pub saves: u32,
}

/// A card of 2 GiB.
impl Default for Hardware {
    fn default() -> Self {
        Self {
            card_sectors: 1 << 22,
            taken_bytes: 0,
            extents: Extents::default(),
            spool_bytes_max: 64 << 20,
            saves: 1,
        }
    }
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
    /// What waits for storage that is busy, in its order.
    waiting: VecDeque<Output>,
    busy_until: Option<Instant>,
    question: Option<Question>,
    boot_number: u32,
    shot: Option<Shot>,
    /// The picture's buffer.
    picture: Vec<u8>,
    site: Option<Site>,
    is_portal_open: bool,
    has_receiver: bool,
    /// World time of its start.
    started: Instant,
    is_recording: bool,
    /// The card did not take the end of the recording yet.
    sealing: Option<Close>,
    next_solution: Instant,
    /// When the IMU measures next, and when what it measured is fetched.
    next_sample: Instant,
    next_fetch: Instant,
    /// World time up to which the IMU was read.
    draws: u64,
}

/// See the module.
pub struct Unit<L = Server> {
    pub around: Surroundings<L>,
    state: State,
    hardware: Hardware,
    board: Option<Board>,
    running: Option<Running>,
    now: Instant,
    /// What goes wrong with it.
    pub faults: Faults,
    /// Every sample that the recorder was given, for whoever takes them out.
    given: Option<Vec<Sample>>,
    /// Why the chip is about to reset itself.
    restarts: Option<Cause>,
    /// What memory keeps through a reset and loses with the power.
    crumb: Option<Breadcrumb>,
    pub sensor: Sensor,
    pub rtc: Rtc,
    /// Sectors and laps as the device told them, with their moments.
    pub driven: Vec<(Instant, track::Output)>,
    /// Writes of a life that is over, which nobody has taken out yet.
    unwatched: Vec<Step>,
    profile: Profile,
    device: [u8; 16],
    seed: u64,
    at_this_moment: u32,
    /// Everything that the device said, in words, for whoever looks for what went wrong.
    pub log: Vec<(Instant, String)>,
    /// How often each kind of event was.
    pub counts: BTreeMap<&'static str, u64>,
}

impl<L: Uplink> Unit<L> {
    /// A device from the shop with these settings in its flash and a card of 2 GiB.
    pub fn new(seed: u64, settings: &Settings, around: Surroundings<L>) -> Self {
        Self::of(Hardware::default(), seed, settings, around)
    }

    pub fn of(hardware: Hardware, seed: u64, settings: &Settings, around: Surroundings<L>) -> Self {
        let mut unit = Self {
            around,
            state: State {
                card: Image::blank(hardware.card_sectors),
                flash: vec![0xFF; 32 * BLOCK_BYTES],
            },
            hardware,
            board: None,
            running: None,
            now: Instant::BOOT,
            at_this_moment: 0,
            faults: Faults::default(),
            given: None,
            restarts: None,
            crumb: None,
            sensor: Sensor::default(),
            rtc: Rtc::default(),
            driven: Vec::new(),
            unwatched: Vec::new(),
            profile: settings.profile,
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
        let (seed, hardware) = (self.seed, self.hardware);
        let mut blob = [0; SETTINGS_BYTES_MAX];
        let length = settings.encode(&mut blob);
        let prepared = exec::run(async {
            let mut card = board.card();
            device::fat::format(&mut card, 0x5eed).await.ok()?;
            take(&mut card, hardware.taken_bytes).await?;
            let extents = hardware.extents;
            let mut store = Store::new(card, board.flash(), extents);
            let started = store.boot(&drawn(seed), Stamp::UNKNOWN).await.ok()?;
            for _ in 0..hardware.saves {
                store.flash().write(Item::Settings, &blob[..length]).await.ok()?;
            }
            Some(started.boot.device)
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

    /// Its UUID.
    pub fn device(&self) -> [u8; 16] {
        self.device
    }

    pub fn is_recording(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.is_recording)
    }

    /// Which start this is, in the device's own count.
    pub fn boot_number(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.boot_number)
    }

    pub fn is_on(&self) -> bool {
        self.running.is_some()
    }

    pub fn controller(&self) -> Option<&Controller<NoSeal>> {
        self.running.as_ref().map(|running| &running.controller)
    }

    fn note(&mut self, kind: &'static str, what: impl FnOnce() -> String) {
        *self.counts.entry(kind).or_default() += 1;
        self.log.push((self.now, what()));
    }

    /// Lets the world go on until a moment of its own time.
    pub fn run_until(&mut self, end: Instant) {
        while self.advance(end) {}
    }

    /// Lets happen what happens next, if that is not after `end`. Otherwise it is `end`, and `false`.
    pub fn advance(&mut self, end: Instant) -> bool {
        let Some(next) = self.next_event().filter(|next| *next <= end) else {
            self.now = end.max(self.now);
            return false;
        };
        self.at_this_moment = if next > self.now {
            0
        } else {
            self.at_this_moment + 1
        };
        assert!(
            self.at_this_moment < EVENTS_AT_ONCE_MAX,
            "time stands still at {:?}: {:?}",
            self.now,
            self.running
                .as_ref()
                .map(|running| running.controller.deadlines())
        );
        self.now = next.max(self.now);
        self.events();
        true
    }

    fn next_event(&self) -> Option<Instant> {
        let running = self.running.as_ref()?;
        let deadline = running
            .controller
            .next_deadline()
            .map(|at| running.world_time(at))
            // A deadline that is over is heard at once, and time goes on all the same.
            .map(|at| at.max(self.now));
        let fetch = running.is_recording.then_some(running.next_fetch);
        let exchange = running.exchange.as_ref().map(Exchange::ends);
        [
            self.around.radio.next(),
            deadline,
            fetch,
            exchange,
            running.busy_until,
            running.question.as_ref().map(|question| question.ends),
            running.shot.as_ref().map(|shot| shot.ends),
            running.has_receiver.then_some(running.next_solution),
        ]
        .into_iter()
        .fold(None, earliest)
    }

    fn events(&mut self) {
        self.resume();
        while let Some(answer) = self.around.radio.answer(self.now, &self.around.held) {
            self.wifi(&answer);
        }
        self.sense();
        self.finish_exchange();
        self.hear_ntp();
        self.expose();
        let due = self.running.as_ref().and_then(|running| {
            let at = running.controller.next_deadline()?;
            Some(running.world_time(at) <= self.now)
        });
        if due == Some(true) {
            self.tell(Input::Tick);
        }
        self.pump();
        self.fall();
        if let Some(cause) = self.restarts.take() {
            self.restart(cause);
        }
    }

    /// Gives the device an input and carries out what it wants. Without power it hears nothing.
    pub fn tell(&mut self, input: Input<'_>) {
        let now = self.now;
        if self.is_cut() {
            return;
        }
        if let Some(running) = &mut self.running {
            let at = running.device_time(now);
            running.controller.handle(input, at);
        }
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            while !self.is_cut()
                && let Some(output) = self
                    .running
                    .as_mut()
                    .and_then(|running| running.controller.poll())
            {
                if let Some(output) = self.unless_busy(output) {
                    self.carry_out(output);
                }
            }
            let (now, is_cut) = (self.now, self.is_cut());
            let Some(running) = self.running.as_mut().filter(|_| !is_cut) else {
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

/// Fills a part of an empty card.
async fn take(card: &mut CardSlot, bytes: u32) -> Option<()> {
    if bytes == 0 {
        return Some(());
    }
    let mut volume = Volume::mount(card).await.ok()?;
    let clusters = volume.geometry().clusters_for(bytes);
    let run = volume.find_run(card, clusters, FIRST_CLUSTER).await.ok()??;
    let change = volume.plan(card, run, 0, run.clusters).await.ok()?;
    volume.apply(card, &change).await.ok()
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
