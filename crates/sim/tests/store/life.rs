//! A device's life in one script: first start, recordings, a rotation, delivery, removal, settings.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use device::confirm::Output as Said;
use device::fat::Stamp;
use device::flash::{Drawn, Item};
use device::outbox::{Number, State as Progress, Step};
use device::recorder::{About, Close, GpsSample, ImuCounts, ImuSample, ImuScale, Samples};
use device::settings::{AfterReceipt, SETTINGS_BYTES_MAX, Settings};
use device::store::{Extents, Mended, Picture, Pumped, Start, Store};
use sim::board::{Board, CardSlot, FlashChip, State};
use sim::card::Image;
use sim::exec;
use sim::nor::BLOCK_BYTES;
use wire::recording::{Gps, RecordingId};

use crate::truth::{Diary, Told};
use crate::uplink::Uplink;

const FIRST_TICK_MS: u32 = 2_000;
pub(crate) const DEVICE: [u8; 16] = [9; 16];
/// Full after some twelve seconds, so that a life has a rotation.
pub(crate) const EXTENTS: Extents = Extents {
    bytes: 128 << 10,
    bytes_min: 64 << 10,
};

pub(crate) type Disk = Store<CardSlot, FlashChip>;

pub(crate) struct Device {
    pub(crate) store: Disk,
    pub(crate) mended: Mended,
}

impl Device {
    pub(crate) async fn start(board: &Board) -> Self {
        Self::start_with(board, EXTENTS).await
    }

    pub(crate) async fn start_with(board: &Board, extents: Extents) -> Self {
        let drawn = Drawn {
            device: DEVICE,
            epoch: 7,
            setup_code: [3; 16],
        };
        let mut store = Store::new(board.card(), board.flash(), extents);
        let started = store.boot(&drawn, stamp()).await.unwrap();
        assert_eq!(store.card_trouble(), None);
        Self {
            store,
            mended: started.mended,
        }
    }
}

/// A card of 2 GiB from the shop, and flash from the factory.
pub(crate) fn new_board() -> State {
    new_board_with(1 << 22)
}

pub(crate) fn new_board_with(card_sectors: u32) -> State {
    let board = Board::on(State {
        card: Image::blank(card_sectors),
        flash: vec![0xFF; 32 * BLOCK_BYTES],
    });
    let mut card = board.card();
    let formatted = exec::run(device::fat::format(&mut card, 0x5eed));
    assert_eq!(formatted.done(), Some(Ok(())));
    board.state()
}

/// Another card of 2 GiB.
pub(crate) fn shop_card(serial: u32) -> Image {
    let board = Board::on(State {
        card: Image::blank(1 << 22),
        flash: Vec::new(),
    });
    let mut card = board.card();
    let formatted = exec::run(device::fat::format(&mut card, serial));
    assert_eq!(formatted.done(), Some(Ok(())));
    board.into_state().card
}

/// As an earlier firmware wrote them, the same as this one does, and with one more setting.
pub(crate) fn settings() -> [Vec<u8>; 3] {
    let mut old = b"\x01\x00\x1c\x02\x00\x19https://fieldpost.example".to_vec();
    old.extend_from_slice(&[0x56, 0x14, 0x3c, 0xf1]);
    let now = Settings::decode(&old).unwrap();
    let changed = Settings {
        after_receipt: AfterReceipt::Delete,
        ..now.clone()
    };
    let [now, changed] = [now, changed].map(|settings| {
        let mut blob = [0; SETTINGS_BYTES_MAX];
        let length = settings.encode(&mut blob);
        blob[..length].to_vec()
    });
    [old, now, changed]
}

pub(crate) fn stamp() -> Stamp {
    Stamp::new(2026, [11, 22], [9, 30, 0]).unwrap()
}

/// One rider: tells the device what to do, and writes down what it said.
pub(crate) struct Rider {
    board: Board,
    diary: Rc<RefCell<Diary>>,
    pub(crate) samples: Samples,
    pub(crate) tick_ms: u32,
    ids: BTreeMap<Number, u128>,
}

impl Rider {
    pub(crate) fn on(board: &Board) -> Self {
        Self {
            board: board.clone(),
            diary: Rc::default(),
            samples: Samples::new(),
            tick_ms: FIRST_TICK_MS,
            ids: BTreeMap::new(),
        }
    }

    pub(crate) fn diary(&self) -> Rc<RefCell<Diary>> {
        Rc::clone(&self.diary)
    }

    fn told(&self, told: Told) {
        self.diary.borrow_mut().entries.push((self.board.steps(), told));
    }

    /// All of it. Whatever of the device's is awaited may be where it ends.
    pub(crate) async fn live(mut self) {
        let mut device = Device::start(&self.board).await;
        let mut uplink = Uplink::new();
        self.settings(&mut device, 0).await;
        self.uptime(&mut device, 0, Some(60)).await;
        self.upgrade(&mut device).await;
        let first = self.record(&mut device, 0xA, 300).await;
        let second = self.record(&mut device, 0xB, 1_500).await;
        self.picture(&mut device, 0xC0).await;
        self.uptime(&mut device, 0, Some(120)).await;
        self.uptime(&mut device, 1, Some(60)).await;
        self.hand_over(&mut device, &mut uplink, AfterReceipt::Archive)
            .await;
        self.let_go(&mut device, &mut uplink, first).await;
        self.offer_again(&mut device, &mut uplink, second).await;
        self.settings(&mut device, 2).await;
        self.uptime(&mut device, 0, None).await;
        let last = self.record(&mut device, 0xD, 120).await;
        self.hand_over(&mut device, &mut uplink, AfterReceipt::Delete)
            .await;
        self.let_go(&mut device, &mut uplink, last).await;
        let table = self.board.insert(shop_card(0xB0B));
        device.store.reinsert(stamp()).await;
        self.record(&mut device, 0xE, 100).await;
        self.board.insert(table);
        device.store.reinsert(stamp()).await;
        self.meet_a_restored_server(&mut device, &mut uplink).await;
    }

    async fn settings(&mut self, device: &mut Device, version: usize) {
        let blob = &settings()[version];
        device.store.flash().write(Item::Settings, blob).await.unwrap();
        self.told(Told::Settings(version));
    }

    /// What a start does with settings of an earlier firmware: reads them, and keeps them as its own.
    async fn upgrade(&mut self, device: &mut Device) {
        let mut blob = [0; SETTINGS_BYTES_MAX];
        let flash = device.store.flash();
        let found = flash.read(Item::Settings, &mut blob).await.unwrap().unwrap();
        let decoded = Settings::decode(found).unwrap();
        let length = decoded.encode(&mut blob);
        assert_eq!(blob[..length], settings()[1]);
        flash.write(Item::Settings, &blob[..length]).await.unwrap();
        self.told(Told::Settings(1));
    }

    /// Saves a session of the uptime logger, or erases it.
    async fn uptime(&mut self, device: &mut Device, slot: u32, run_s: Option<u32>) {
        self.told(Told::Counting { slot, run_s });
        let (flash, item) = (device.store.flash(), Item::Uptime(slot));
        match run_s {
            Some(run_s) => flash.write(item, &run_s.to_le_bytes()).await.unwrap(),
            None => flash.remove(item).await.unwrap(),
        }
        self.told(Told::Counted { slot, run_s });
    }

    async fn picture(&mut self, device: &mut Device, id: u128) {
        let bytes: Vec<u8> = (0..20_700_u32).map(|at| ((at * at) >> 3) as u8).collect();
        let picture = Picture {
            id: RecordingId(id),
            claim: 0,
            stamp: stamp(),
            bytes: &bytes,
        };
        let number = device.store.keep_picture(&picture).await.unwrap();
        self.began(id, number);
        self.ended(id);
    }

    /// So many ticks of 10 ms; gives the number of the first recording, for a full one goes on in another.
    pub(crate) async fn record(&mut self, device: &mut Device, first: u128, ticks: u32) -> Number {
        let mut id = first;
        self.samples.clear();
        let number = self.begin(device, id).await;
        for _ in 0..ticks {
            self.tick();
            let pumped = device.store.pump(&mut self.samples, self.tick_ms).await.unwrap();
            self.told(Told::Pumped {
                id,
                tick_ms: self.tick_ms,
            });
            if pumped == Pumped::Full {
                self.rotate(device, id).await;
                id += 1;
            }
        }
        self.end(device, id, Close::Button).await;
        number
    }

    pub(crate) fn start(&self, id: u128) -> Start<'static> {
        Start {
            about: About {
                id: RecordingId(id),
                device: "Datalogger-7F3A",
                firmware: "0.1.0",
                profile: "kart",
                track: None,
                scale: ImuScale::BMI,
            },
            claim: 0,
            stamp: stamp(),
            tick_ms: self.tick_ms,
        }
    }

    pub(crate) async fn begin(&mut self, device: &mut Device, id: u128) -> Number {
        let number = device.store.start(&self.start(id)).await.unwrap();
        self.began(id, number);
        number
    }

    async fn rotate(&mut self, device: &mut Device, id: u128) {
        let next = self.start(id + 1);
        let rotated = device
            .store
            .rotate(&next, &mut self.samples)
            .await
            .unwrap()
            .unwrap();
        self.ended(id);
        self.began(id + 1, rotated.next.unwrap());
    }

    fn began(&mut self, id: u128, number: Number) {
        self.ids.insert(number, id);
        self.told(Told::Number {
            id,
            number: number.0,
            tick_ms: self.tick_ms,
        });
    }

    fn ended(&self, id: u128) {
        self.told(Told::Stopped { id });
        self.told(Told::Reached {
            id,
            progress: Progress::Digested,
        });
    }

    async fn end(&mut self, device: &mut Device, id: u128, reason: Close) {
        let stopped = device
            .store
            .stop(reason, &mut self.samples, stamp(), self.tick_ms)
            .await;
        assert!(stopped.unwrap().is_some());
        self.ended(id);
    }

    async fn hand_over(&mut self, device: &mut Device, uplink: &mut Uplink, after: AfterReceipt) {
        let ids = self.ids.clone();
        let told = |number: Number, progress| {
            let id = ids[&number];
            self.told(Told::Reached { id, progress });
        };
        uplink.hand_over(&mut device.store, after, told).await;
    }

    /// Asks about all that may go, and removes one of it.
    async fn let_go(&mut self, device: &mut Device, uplink: &mut Uplink, number: Number) {
        let id = self.ids[&number];
        let asked = device.store.may_give_way(AfterReceipt::Delete).await.unwrap();
        let known = device.store.storage_epoch().await.unwrap();
        for said in uplink.confirm(&asked, known) {
            match said {
                Said::NewEpoch(epoch) => device.store.keep_storage_epoch(epoch).await.unwrap(),
                Said::Confirmed(confirmed) if confirmed.number() == number => {
                    self.told(Told::Removing { id });
                    device.store.remove(confirmed).await.unwrap();
                    self.told(Told::Removed { id });
                }
                Said::Confirmed(_) => {}
                Said::Send
                | Said::Abandon
                | Said::Missing(_)
                | Said::OfferAgain
                | Said::Done
                | Said::Failed(_) => panic!("{said:?}"),
            }
        }
    }

    /// The server's disk loses one of them.
    async fn offer_again(&mut self, device: &mut Device, uplink: &mut Uplink, number: Number) {
        let id = self.ids[&number];
        let entry = device.store.entry(number).await.unwrap();
        let mut bytes = vec![0; entry.size_bytes as usize];
        device.store.read(number, 0, &mut bytes).await.unwrap();
        uplink.server.lose(&bytes);
        let asked = device.store.may_give_way(AfterReceipt::Delete).await.unwrap();
        let known = device.store.storage_epoch().await.unwrap();
        let said = uplink.confirm(&asked, known);
        assert!(said.contains(&Said::Missing(number)), "{said:?}");
        self.told(Told::GoingBack { id });
        device.store.advance(number, Step::OfferAgain).await.unwrap();
        self.told(Told::Back { id });
    }

    async fn meet_a_restored_server(&mut self, device: &mut Device, uplink: &mut Uplink) {
        uplink.server.new_epoch();
        let asked = device.store.may_give_way(AfterReceipt::Delete).await.unwrap();
        let known = device.store.storage_epoch().await.unwrap();
        let said = uplink.confirm(&asked, known);
        let [Said::OfferAgain, Said::NewEpoch(epoch)] = said[..] else {
            panic!("{said:?}");
        };
        let ids: Vec<u128> = asked.iter().map(|asked| self.ids[&asked.number]).collect();
        assert!(!ids.is_empty());
        for id in &ids {
            self.told(Told::GoingBack { id: *id });
        }
        device.store.offer_all_again().await.unwrap();
        for id in ids {
            self.told(Told::Back { id });
        }
        device.store.keep_storage_epoch(epoch).await.unwrap();
    }

    pub(crate) fn tick(&mut self) {
        self.tick_ms += 10;
        let tick_ms = self.tick_ms;
        let wave = |step: u32| ((tick_ms.wrapping_mul(step) >> 5) % 8_000) as i16 - 4_000;
        let counts = ImuCounts {
            acc: [wave(977), wave(1_409), wave(2_221)],
            gyro: [wave(3_001), wave(4_099), wave(5_003)],
        };
        self.samples.imu(ImuSample { tick_ms, counts });
        if tick_ms.is_multiple_of(100) {
            let gps = Gps {
                lat_e7_deg: 514_000_000,
                lon_e7_deg: -12_345_678,
                alt_cm: 12_345,
                speed_e2_kmh: 9_876,
                satellites: 11,
                vbat_mv: Some(3_987),
                epoch_ms: Some(1_795_176_000_000 + i64::from(tick_ms)),
            };
            self.samples.gps(GpsSample { tick_ms, gps });
        }
    }
}

/// Each recording of an uncut life as it is when it ends, by its id; those that were removed from their last moment on the card.
pub(crate) async fn recordings(device: &mut Device) -> BTreeMap<u128, Vec<u8>> {
    let mut all = BTreeMap::new();
    for row in device.store.ledger().rows().to_vec() {
        if !row.is_here() {
            continue;
        }
        let entry = device.store.entry(row.number).await.unwrap();
        let mut bytes = vec![0; entry.size_bytes as usize];
        device.store.read(row.number, 0, &mut bytes).await.unwrap();
        all.insert(entry.id.0, bytes);
    }
    all
}
