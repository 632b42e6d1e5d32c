//! Everything that a device decides, put together.
//!
//! ```text
//!  receiver ─► clock ─► uptime ──┐                        ┌─► exchange (one at a time)
//!      └─► laps                  │                        │
//!  button ───► modes ─► link ────┼─► settings, offload, ──┤
//!  battery ───►  │               │   room ─► confirm ─► net
//!  sensor ────► camera           │
//!                └─► orders for the owner of card and flash ◄──► offload, settings, uptime, camera, room
//!  all of them ─► Status, light, page
//! ```
//!
//! The machines know nothing of each other. Here, and only here, what one says becomes what another is told ([`wiring`]). It runs the same on a
//! chip, in a deterministic world and over real sockets; whoever runs it has the hardware, the samples of the recording and the
//! [`crate::store::Store`], and carries out what it wants.
//!
//! **Contract.** [`Controller::handle`] for each input, then [`Controller::poll`] until it gives nothing, and carry the outputs out in that order; then
//! sleep until an input or [`Controller::next_deadline`], which any input may change. Orders for storage are answered by [`Stored`], after the last
//! output. What one input leads to may be more than is kept here: polling goes on with it, and nothing is dropped.

mod craft;
mod handing;
mod io;
mod laps;
mod page;
mod room;
mod status;
mod stills;
mod wiring;

use heapless::Deque;
use wire::receipt::TrustedKeys;

use crate::breadcrumb::Breadcrumb;
use crate::camera::{self, Camera};
use crate::clock::{self, Boot, Clock};
use crate::confirm::{self, Confirm};
use crate::exchange::Request;
use crate::jitter::Jitter;
use crate::link::{self, Link};
use crate::modes::{self, Modes, Trade};
use crate::net::{self, Net, Who};
use crate::offload::{self, Offload, Surroundings};
use crate::portal;
use crate::receiver::Receiver;
use crate::settings::{self, LoadError, SETTINGS_BYTES_MAX, Settings, Unseal};
use crate::signal::{Button, Word};
use crate::time::{Instant, earliest};
use crate::uptime::{self, Uptime};
use craft::Craft;
pub use io::{Input, Order, Output, Stored};
use laps::Laps;
use page::Form;
use room::Room;
use status::Heard;
pub use status::{Problem, State, Status};
pub use stills::CameraStart;

/// What a connection brings along: heartbeat, desired state, files and time. Where one input leads to more, the machines keep the rest
/// until it is polled.
const OUTPUTS_MAX: usize = 16;

/// What a device begins with, as its storage has it.
pub struct Start<'s, I> {
    pub trade: Trade,
    pub boot: Boot,
    /// Its UUID.
    pub device: [u8; 16],
    pub claim: u32,
    pub settings: Option<&'s [u8]>,
    /// Uptime sessions with their slots.
    pub uptime: I,
    pub uptime_loss: Option<&'s [u8]>,
    pub seal_key: Option<[u8; 65]>,
    /// From the hardware's random numbers.
    pub seed: u32,
    pub restarted_for_ap: bool,
    pub has_receiver: bool,
    /// Recordings of an earlier start wait to be handed over.
    pub has_pending: bool,
    /// Of a device that has one.
    pub camera: Option<CameraStart<'s>>,
}

/// See the module.
pub struct Controller<U> {
    device: [u8; 16],
    claim: u32,
    keys: Option<TrustedKeys>,
    jitter: Jitter,
    receiver: Option<Receiver>,
    button: Button,
    clock: Clock,
    uptime: Uptime,
    settings: settings::Keeper<U>,
    modes: Modes,
    link: Link,
    net: Net,
    offload: Offload,
    handing_over: HandingOver,
    confirm: Confirm,
    room: Room,
    craft: Craft,
    heard: Heard,
    form: Form,
    server: portal::Server,
    status_said: Option<Status>,
    light_said: Option<Word>,
    light_until: Option<Instant>,
    /// Whose request is under way.
    holder: Option<Who>,
    offload_seen: Option<offload::Status>,
    /// How, once nobody talks to the server any more.
    sync_ends: Option<modes::Input>,
    outputs: Deque<Output, OUTPUTS_MAX>,
    dropped: u32,
    /// Of the last input.
    now: Instant,
}

/// What the offloader is to know even if it was said before there were keys.
#[derive(Debug, Clone, Copy, Default)]
struct HandingOver {
    is_online: bool,
    is_wanted: bool,
}

impl<U: Unseal> Controller<U> {
    /// The second value says why saved settings were not taken, if so.
    pub fn new<'s>(
        start: Start<'s, impl IntoIterator<Item = (u8, &'s [u8])>>,
        unseal: U,
        now: Instant,
    ) -> (Self, Result<(), LoadError>) {
        let (settings, loaded) = settings::Keeper::new(start.settings, unseal, start.seal_key);
        let uptime = Uptime::new(start.boot, start.uptime, start.uptime_loss, now);
        let mut controller = Self {
            device: start.device,
            claim: start.claim,
            keys: None,
            jitter: Jitter::new(start.seed),
            receiver: start.has_receiver.then(|| Receiver::new(now)),
            button: Button::default(),
            clock: Clock::new(start.boot, uptime.last_known()),
            uptime,
            settings,
            modes: Modes::new(start.trade),
            link: Link::new(link::Start {
                seed: start.seed,
                restarted_for_ap: start.restarted_for_ap,
            }),
            net: Net::default(),
            offload: Offload::new(start.seed),
            handing_over: HandingOver::default(),
            confirm: Confirm::new(),
            room: Room::default(),
            craft: match start.camera {
                Some(camera) => Craft::Camera(camera.camera(now)),
                None => Craft::Laps(Laps::default()),
            },
            heard: Heard::default(),
            form: Form::default(),
            server: portal::Server::Waiting,
            status_said: None,
            light_said: None,
            light_until: None,
            holder: None,
            offload_seen: None,
            sync_ends: None,
            outputs: Deque::new(),
            dropped: 0,
            now,
        };
        controller.settings_changed(now);
        controller
            .modes
            .handle(modes::Input::Pending(start.has_pending), now);
        controller.handle(Input::Tick, now);
        (controller, loaded)
    }

    /// What the start before left behind, to be told until the server has heard it.
    pub fn found(&mut self, crumb: Breadcrumb) {
        self.uptime.found(crumb);
    }

    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.now = now;
        match input {
            Input::Tick => self.tick(now),
            Input::Receiver(bytes) => {
                if let Some(receiver) = &mut self.receiver {
                    receiver.bytes(bytes, now);
                }
            }
            Input::Button { is_down } => {
                if let Some(press) = self.button.level(is_down, now) {
                    self.modes.handle(modes::Input::Press(press), now);
                }
            }
            Input::Battery { mv } => {
                self.heard.battery_mv = Some(mv);
                self.modes.handle(modes::Input::Battery { mv }, now);
            }
            Input::Mains(is_there) => {
                self.modes.handle(modes::Input::Mains(is_there), now);
                let power = if is_there {
                    link::Power::Mains
                } else {
                    link::Power::Battery
                };
                self.link.handle(link::Input::Power(power), now);
            }
            Input::Wifi(input) => self.wifi(input, now),
            Input::Clock(input) => self.clock(input, now),
            Input::Stored(stored) => self.stored(stored, now),
            Input::Answer(response) => self.answered(Ok(response), now),
            Input::NoAnswer(why) => self.answered(Err(why), now),
            Input::Sent(bytes) => self.offload(offload::Input::Sent(bytes), now),
            Input::Configure { json, via } => {
                self.settings
                    .handle(settings::Input::Configure { json, via }, now);
            }
            Input::Form(form) => self.settings.handle(settings::Input::Form(form), now),
            Input::Shoot(wish) => self.stills(camera::Input::Ask(wish), now),
            Input::Frame { read, said_bytes } => {
                self.stills(camera::Input::Frame { read, said_bytes }, now);
            }
            Input::NoFrame => self.stills(camera::Input::NoFrame, now),
            Input::Ended { id, done } => self.settings.handle(settings::Input::Ended { id, done }, now),
        }
        self.settle(now);
    }

    pub fn poll(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.settle(self.now);
        }
        self.outputs.pop_front()
    }

    /// When to call [`Self::handle`] with a tick unless something else comes first.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines()
            .into_iter()
            .fold(None, |first, (_, at)| earliest(first, at))
    }

    /// Who waits for when.
    pub fn deadlines(&self) -> [(&'static str, Option<Instant>); 11] {
        [
            ("receiver", self.receiver.as_ref().map(Receiver::next_deadline)),
            ("button", self.button.next_deadline()),
            ("clock", self.clock.next_deadline()),
            ("uptime", self.uptime.next_deadline()),
            ("settings", self.settings.next_deadline()),
            ("modes", self.modes.next_deadline()),
            ("link", self.link.next_deadline()),
            ("offload", self.offload.next_deadline()),
            ("confirm", self.confirm.next_deadline()),
            ("camera", self.craft.camera().and_then(Camera::next_deadline)),
            ("status", self.status_ends()),
        ]
    }

    /// What [`Output::Exchange`] means, until it is answered.
    pub fn request(&self) -> Option<Request<'_>> {
        match self.holder? {
            Who::Heartbeat => self.uptime.request(),
            Who::Desired => self.settings.request(),
            Who::Confirm => self.confirm.request(),
            Who::Files => self.offload.request(),
        }
    }

    /// Its UUID.
    pub const fn device(&self) -> [u8; 16] {
        self.device
    }

    /// Under which recordings are made.
    pub const fn claim(&self) -> u32 {
        self.claim
    }

    pub fn settings(&self) -> &Settings {
        self.settings.settings()
    }

    /// What [`Order::SaveSettings`] is to write, and its length.
    pub fn settings_blob(&self, out: &mut [u8; SETTINGS_BYTES_MAX]) -> usize {
        self.settings.encode(out)
    }

    pub fn uptime(&self) -> &Uptime {
        &self.uptime
    }

    pub fn clock_of_device(&self) -> &Clock {
        &self.clock
    }

    pub fn modes(&self) -> &Modes {
        &self.modes
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    pub fn offload_status(&self) -> offload::Status {
        self.offload.status()
    }

    /// Outputs that nobody drained in time; 0 for a caller that keeps the contract.
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    fn tick(&mut self, now: Instant) {
        if let Some(receiver) = &mut self.receiver {
            receiver.tick(now);
        }
        if let Some(press) = self.button.tick(now) {
            self.modes.handle(modes::Input::Press(press), now);
        }
        self.clock(clock::Input::Tick, now);
        self.uptime.handle(uptime::Input::Tick, now);
        self.settings.handle(settings::Input::Tick, now);
        self.modes.handle(modes::Input::Tick, now);
        self.link.handle(link::Input::Tick, now);
        self.offload(offload::Input::Tick, now);
        self.confirm.handle(confirm::Input::Tick, now);
        self.stills(camera::Input::Tick, now);
    }

    fn clock(&mut self, input: clock::Input<'_>, now: Instant) {
        let random = u64::from(self.jitter.up_to(u32::MAX)) << 32 | u64::from(self.jitter.up_to(u32::MAX));
        self.clock.handle(input, now, random);
    }

    /// Without the server's keys no receipt can be checked, so nothing is handed over; what was said before there were any is said again.
    fn set_keys(&mut self, keys: Option<TrustedKeys>, now: Instant) {
        if keys.is_none() {
            self.offload(offload::Input::Online(false), now);
        }
        let had = core::mem::replace(&mut self.keys, keys).is_some();
        if !had {
            let HandingOver { is_online, is_wanted } = self.handing_over;
            self.offload(offload::Input::Online(is_online), now);
            self.offload(offload::Input::Wanted(is_wanted), now);
        }
    }

    fn offload(&mut self, input: offload::Input<'_>, now: Instant) {
        let Some(keys) = &self.keys else {
            return;
        };
        let surroundings = Surroundings {
            keys,
            device: self.device,
            claim: self.claim,
        };
        self.offload.handle(input, now, &surroundings);
    }

    /// Whether machines may be asked for more: each of their words is one output at most.
    fn has_room(&self) -> bool {
        !self.outputs.is_full()
    }

    fn put(&mut self, output: Output) {
        if self.outputs.push_back(output).is_err() {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    fn net(&mut self, input: net::Input) {
        self.net.handle(input);
    }
}
