//! Power: given, taken between two events, or gone in the middle of a write, at boot too.

use std::collections::VecDeque;

use device::controller::{self, Controller};
use device::fat::Stamp;
use device::flash::Item;
use device::modes::Trade;
use device::outbox;
use device::recorder::Samples;
use device::settings::Profile;
use device::store::{Started, Store};
use device::time::Instant;

use super::faults::Moment;
use super::uplink::Uplink;
use super::{NoSeal, Running, Unit, drawn};
use crate::board::{Board, CardSlot, Fell, FlashChip, Medium, State};
use crate::exec;

/// What a start reads of its storage.
struct Boot {
    store: Store<CardSlot, FlashChip>,
    started: Started,
    settings: Option<Vec<u8>>,
    uptime: Vec<(u8, Vec<u8>)>,
    uptime_loss: Option<Vec<u8>>,
    tally: Option<Vec<u8>>,
    claim: u32,
}

impl<L: Uplink> Unit<L> {
    /// Gives it power. `false` where it does not start: its flash is not readable, or the power went again.
    pub fn power_on(&mut self) -> bool {
        self.lose_power();
        let board = self.board();
        if let Some(armed) = self.faults.armed_for(&Moment::Boot) {
            board.cut_in(armed.steps, armed.cut);
        }
        if let Some(cut) = self.faults.erase_cut {
            board.cut_in_erase(cut);
        }
        let booted = exec::run(self.boot(&board)).done().flatten();
        self.board = Some(board);
        if let Some(boot) = booted {
            self.start(boot);
        }
        self.fall();
        self.running.is_some()
    }

    fn board(&mut self) -> Board {
        let state = std::mem::replace(&mut self.state, State::none());
        match self.given {
            Some(_) => Board::recording(state),
            None => Board::on(state),
        }
    }

    async fn boot(&self, board: &Board) -> Option<Boot> {
        let drawn = drawn(self.seed);
        let mut store = Store::new(board.card(), board.flash(), self.hardware.extents);
        let started = store.boot(&drawn, Stamp::UNKNOWN).await.ok()?;
        let mut blob = [0; device::settings::SETTINGS_BYTES_MAX];
        let settings = store.flash().read(Item::Settings, &mut blob).await.ok()?;
        let settings = settings.map(<[u8]>::to_vec);
        let mut uptime = Vec::new();
        for slot in store.flash().uptime_sessions().collect::<Vec<_>>() {
            let mut bytes = [0; 64];
            if let Ok(Some(read)) = store.flash().read(Item::Uptime(slot), &mut bytes).await {
                uptime.push((u8::try_from(slot).unwrap_or(u8::MAX), read.to_vec()));
            }
        }
        let uptime_loss = kept(&mut store, Item::UptimeLoss).await;
        let tally = kept(&mut store, Item::CameraTally).await;
        let claim = store.flash().claim().await.ok()?;
        Some(Boot {
            store,
            started,
            settings,
            uptime,
            uptime_loss,
            tally,
            claim,
        })
    }

    fn start(&mut self, boot: Boot) {
        let Boot {
            store,
            started,
            settings,
            uptime,
            uptime_loss,
            tally,
            claim,
        } = boot;
        let has_receiver = self.profile == Profile::Race;
        let waiting = waiting_pictures(&store);
        let camera = (self.profile == Profile::Camera).then_some(controller::CameraStart {
            spool_bytes_max: self.hardware.spool_bytes_max,
            waiting: &waiting,
            tally: tally.as_deref(),
        });
        let seed = self.seed ^ self.now.as_micros();
        let start = controller::Start {
            trade: if has_receiver {
                Trade::RaceLogger
            } else {
                Trade::AlwaysOnline
            },
            boot: device::clock::Boot::from(started.boot),
            device: started.boot.device,
            claim,
            settings: settings.as_deref(),
            uptime: uptime.iter().map(|(slot, bytes)| (*slot, &bytes[..])),
            uptime_loss: uptime_loss.as_deref(),
            seal_key: None,
            seed: (seed as u32) ^ 0x5eed,
            restarted_for_ap: self.restarted_for_ap(),
            has_receiver,
            has_pending: store.survey(claim).is_some(),
            camera,
        };
        let (controller, _) = Controller::new(start, NoSeal, Instant::BOOT);
        self.around.ride.power_cycle();
        self.note("starts", || {
            format!("boot {} {:?}", started.boot.number, started.mended)
        });
        self.running = Some(Running {
            controller,
            store,
            samples: Samples::new(),
            receiver_baud: 0,
            exchange: None,
            answers: VecDeque::new(),
            waiting: VecDeque::new(),
            busy_until: None,
            question: None,
            boot_number: started.boot.number,
            shot: None,
            picture: Vec::new(),
            site: None,
            is_portal_open: false,
            has_receiver,
            started: self.now,
            is_recording: false,
            sealing: None,
            next_solution: self.now,
            next_sample: self.now,
            next_fetch: self.now,
            draws: 0,
        });
        self.take_up_crumb();
        self.report();
        self.drain();
        self.read_rtc();
    }

    /// Takes the power away, between two writes.
    pub fn power_off(&mut self) {
        self.lose_power();
        self.crumb = None;
        self.note("cuts", || "the power goes".to_owned());
    }

    pub(super) fn lose_power(&mut self) {
        // Before the board's state is taken, so that nobody shares it.
        self.running = None;
        if let Some(board) = self.board.take() {
            self.unwatched.extend(board.take_log());
            self.state = board.into_state();
        }
        self.around.server.break_off();
        self.around.radio.order(&device::link::Output::RadioOff, self.now);
    }

    /// Ends the device's life where the power went in the middle of a write.
    pub fn fall(&mut self) {
        let Some(fell) = self.board.as_ref().and_then(Board::fell) else {
            return;
        };
        let is_boot = self.running.is_none();
        self.lose_power();
        self.crumb = None;
        self.faults.fallen = Some((fell, is_boot));
        if fell.into == Medium::FlashErase {
            self.faults.erase_cut = None;
        }
        let Fell { into, cut } = fell;
        self.note("cuts", || format!("the power goes in {into:?}, {cut:?}"));
    }
}

async fn kept(store: &mut Store<CardSlot, FlashChip>, item: Item) -> Option<Vec<u8>> {
    let mut bytes = [0; 64];
    let read = store.flash().read(item, &mut bytes).await.ok()?;
    read.map(<[u8]>::to_vec)
}

fn waiting_pictures(store: &Store<CardSlot, FlashChip>) -> Vec<(outbox::Number, u32)> {
    let waits = |row: &&outbox::Row| {
        row.kind == outbox::Kind::Picture
            && matches!(row.state, outbox::State::Digested | outbox::State::Offered)
    };
    let rows = store.ledger().rows().iter();
    rows.filter(waits)
        .map(|row| (row.number, row.size_bytes))
        .collect()
}
