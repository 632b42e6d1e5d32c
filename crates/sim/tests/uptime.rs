//! Hours against the model of the server: whatever goes wrong on the way, each boot arrives once, and only then leaves the device.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the world of a test says what it expects by panicking, as tests do"
)]

use std::collections::BTreeMap;

use core::time::Duration;

use device::clock::{Boot, UnixMs};
use device::time::Instant;
use device::uptime::{Input, Output, Uptime};
use proptest::prelude::*;
use sim::http::HttpRequest;
use sim::server::{Fault, Served, Server};

const TOKEN: &str = "token";
const DEVICE: [u8; 16] = [7; 16];
const EPOCH: u32 = 0x9F3A;
const NOON: UnixMs = UnixMs(1_795_262_400_000);

/// What is in flash, by slot.
type Flash = BTreeMap<u8, Vec<u8>>;

struct World {
    server: Server,
    flash: Flash,
    boots: u32,
    /// How long each boot was on, whole minutes.
    ran_s: BTreeMap<u32, u64>,
}

impl World {
    fn new() -> Self {
        let mut server = Server::new(1);
        server.add_device(TOKEN, DEVICE);
        Self {
            server,
            flash: Flash::new(),
            boots: 0,
            ran_s: BTreeMap::new(),
        }
    }

    /// One time on, for so many minutes, online or not, with a date or not; then the plug is pulled.
    fn boot(&mut self, minutes: u64, online: bool, dated: bool) {
        self.boots += 1;
        self.ran_s.insert(self.boots, minutes * 60);
        let boot = Boot {
            epoch: EPOCH,
            number: self.boots,
        };
        let saved: Vec<(u8, Vec<u8>)> = self.flash.clone().into_iter().collect();
        let saved = saved.iter().map(|(slot, bytes)| (*slot, bytes.as_slice()));
        let mut uptime = Uptime::new(boot, saved, None, Instant::BOOT);
        let mut now = Instant::from_secs(1);
        self.drain(&mut uptime, now);
        if dated {
            self.handle(&mut uptime, Input::Began(NOON), now);
        }
        if online {
            self.handle(&mut uptime, Input::Online, now);
        }
        let end = Instant::from_secs(minutes * 60);
        while let Some(next) = uptime.next_deadline().filter(|next| *next <= end) {
            now = next.max(now + Duration::from_millis(1));
            self.handle(&mut uptime, Input::Tick, now);
        }
    }

    fn handle(&mut self, uptime: &mut Uptime, input: Input<'_>, now: Instant) {
        uptime.handle(input, now);
        self.drain(uptime, now);
    }

    fn drain(&mut self, uptime: &mut Uptime, now: Instant) {
        while let Some(output) = uptime.poll() {
            match output {
                Output::Save { slot } => {
                    self.flash.insert(slot, uptime.encode(slot).unwrap().to_vec());
                }
                Output::Erase { slot } => {
                    self.flash.remove(&slot);
                }
                Output::Send => {
                    let request = HttpRequest::of_device(&uptime.request().unwrap(), TOKEN, |_, _, _| None);
                    match self.server.serve(&request.unwrap(), NOON.0 * 1000) {
                        Served::Reply(reply) => uptime.handle(Input::Answer(&reply.for_device()), now),
                        Served::Broken | Served::Silent => uptime.handle(Input::NoAnswer, now),
                    }
                }
                Output::SaveLoss => panic!("nothing had to go"),
                Output::Wanted(_) | Output::Unauthorized | Output::BreadcrumbTold => {}
            }
        }
    }

    /// What the server knows by the number of the boot.
    fn told(&self) -> BTreeMap<u32, (i64, Option<String>)> {
        let number = |key: &str| key.rsplit(':').next().unwrap().parse().unwrap();
        let of_device = self.server.sessions(DEVICE);
        of_device
            .map(|(key, session)| (number(key), (session.run_seconds, session.started.clone())))
            .collect()
    }
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(Fault::Silent)),
        1 => Just(Some(Fault::LostReply)),
        1 => Just(Some(Fault::SignInPage)),
        1 => Just(Some(Fault::HugeBody)),
        1 => Just(Some(Fault::Redirect)),
        1 => (401..=503u16).prop_map(|status| Some(Fault::Status(status, None))),
        1 => Just(Some(Fault::Status(429, Some(60)))),
    ]
}

proptest! {
    #[test]
    fn every_boot_arrives_once_and_then_leaves(
        boots in proptest::collection::vec((1..20u64, any::<bool>(), any::<bool>()), 1..30),
        faults in proptest::collection::vec(fault(), 0..40),
    ) {
        let mut world = World::new();
        world.server.next = faults.into();
        for (minutes, online, dated) in &boots {
            world.boot(*minutes, *online, *dated);
            for (number, (run_s, _)) in world.told() {
                prop_assert!(run_s <= i64::try_from(world.ran_s[&number]).unwrap(), "never more than it ran");
            }
        }
        // The world turns good.
        world.server.next.clear();
        world.boot(20, true, true);
        prop_assert_eq!(world.flash.len(), 1, "only the open session is left");
        let told = world.told();
        prop_assert_eq!(told.len(), boots.len() + 1, "each boot once");
        for (number, ran_s) in &world.ran_s {
            let (run_s, started) = &told[number];
            let short_s = i64::try_from(*ran_s).unwrap() - run_s;
            prop_assert!((0..=60).contains(&short_s), "boot {}: {} s are missing", number, short_s);
            let dated = boots.get(usize::try_from(*number).unwrap() - 1).is_none_or(|(_, _, dated)| *dated);
            prop_assert_eq!(started.is_some(), dated, "boot {}", number);
        }
    }
}
