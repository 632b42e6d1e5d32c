//! What a device does to its flash, what must then be in it, and what is.

use std::collections::BTreeMap;

use device::confirm::{Asked, Confirm, Confirmation, Input as Question, Output as Said};
use device::exchange::Response;
use device::flash::{CardIdentity, Drawn, FlashStore, Item};
use device::outbox::{
    Delivered, DirSlot, Entry, Extent, Kind, Ledger, LedgerError, Number, Opening, Proof, State, Step,
};
use device::time::Instant;
use embedded_storage_async::nor_flash::NorFlashErrorKind;
use sim::exec;
use sim::nor::Nor;
use wire::receipt::{ServerKey, SignedReceipt, Stored, TrustedKeys};
use wire::recording::RecordingId;

pub(crate) type Refusal = LedgerError<NorFlashErrorKind>;

/// `None` is a device whose power went.
pub(crate) fn run<F: Future>(future: F) -> Option<F::Output> {
    exec::run(future).done()
}

pub(crate) fn drawn(seed: u8) -> Drawn {
    Drawn {
        device: [seed; 16],
        epoch: u32::from(seed) + 1,
        setup_code: [seed; 16],
    }
}

/// The serial number of the card that is in the slot.
pub(crate) const CARD: u32 = 0x0CA2_D001;

/// Which recording, by its id: its number is the device's to choose.
pub(crate) type Id = u128;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    Write(Item, Vec<u8>),
    Remove(Item),
    Card(CardIdentity),
    Open(Id),
    Seal(Id),
    Digest(Id),
    Offer(Id),
    Receipt(Id),
    Archive(Id),
    LetGo(Id),
    Strike(Id),
    Reset(u8),
}

/// All that people and other modules can tell of the flash.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Content {
    pub(crate) items: BTreeMap<String, Vec<u8>>,
    /// Without their numbers.
    pub(crate) entries: BTreeMap<Id, Entry>,
    pub(crate) card: Option<(u32, u32)>,
    pub(crate) claim: u32,
    pub(crate) setup_code: Option<[u8; 16]>,
}

/// What a device was told, beside the flash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// Every number that was given out, and for which recording.
    pub(crate) numbers: BTreeMap<u32, Id>,
    pub(crate) last_boot: u32,
    pub(crate) boots: u32,
}

pub(crate) struct Device<'n> {
    pub(crate) flash: FlashStore<&'n mut Nor>,
    pub(crate) ledger: Ledger,
}

pub(crate) fn opening(id: Id) -> Opening {
    Opening {
        kind: Kind::Session,
        id: RecordingId(id),
        card: CARD,
        extent: Extent {
            first: id as u32 * 100,
            clusters: 64,
        },
        slot: DirSlot(id as u16),
        claim: 0,
    }
}

pub(crate) fn size(id: Id) -> u32 {
    id as u32 * 512
}

fn server() -> ServerKey {
    ServerKey::from_seed(&[7; 32])
}

/// The server signs for what the device sent.
pub(crate) fn proof(delivered: &Delivered) -> Proof {
    let stored = Stored {
        tenant: [1; 16],
        device: Some([9; 16]),
        name: &delivered.kind.file_name(delivered.number),
        size_bytes: u64::from(delivered.size_bytes),
        sha256: delivered.sha256,
        stored_at_us: 1,
    };
    let text = SignedReceipt::sign(&stored, &server()).unwrap().to_string();
    let keys = TrustedKeys::new(server().public(), None);
    Proof::check(&text, &keys, [9; 16], delivered).unwrap()
}

/// A server says that it holds it.
pub(crate) fn confirmation(number: Number, sha256: [u8; 32]) -> Confirmation {
    let (mut confirm, now) = (Confirm::new(), Instant::BOOT);
    confirm.handle(Question::Ask(&[Asked { number, sha256 }], None), now);
    assert_eq!(confirm.poll(), Some(Said::Send));
    let mut answer = Response::of(200);
    answer.body =
        br#"{"storage_epoch":"0193a000-0000-7000-8000-0000000000ff","items":[{"held":true,"reason":null}]}"#;
    confirm.handle(Question::Answer(&answer), now);
    assert!(matches!(confirm.poll(), Some(Said::NewEpoch(_))));
    match confirm.poll() {
        Some(Said::Confirmed(confirmed)) => confirmed,
        said => panic!("{said:?}"),
    }
}

impl<'n> Device<'n> {
    /// As each start does it.
    pub(crate) async fn start(nor: &'n mut Nor, memory: &mut Memory) -> Device<'n> {
        let mut device = Self::look(nor).await;
        let seed = u8::try_from(memory.boots % 250).unwrap();
        memory.boots += 1;
        let boot = device.flash.boot(&drawn(seed)).await.unwrap();
        assert!(boot.number > memory.last_boot, "a start was counted twice");
        memory.last_boot = boot.number;
        device
    }

    pub(crate) async fn look(nor: &'n mut Nor) -> Device<'n> {
        let (mut flash, report) = FlashStore::mount(nor).await.unwrap();
        assert_eq!(report.damaged_pages, 0);
        let mut ledger = Ledger::default();
        let unreadable = ledger.load(&mut flash).await.unwrap();
        assert_eq!(unreadable, 0);
        ledger.see(&mut flash, Some(CARD)).await.unwrap();
        Device { flash, ledger }
    }

    fn number(&self, id: Id) -> Option<Number> {
        let mut rows = self.ledger.rows().iter();
        rows.find(|row| row.slot() == Some(DirSlot(id as u16)))
            .map(|row| row.number)
    }

    /// Does it, or what of it was not done before a cut.
    pub(crate) async fn perform(&mut self, act: &Act, memory: &mut Memory) {
        let flash = &mut self.flash;
        match act {
            Act::Write(item, bytes) => flash.write(*item, bytes).await.unwrap(),
            Act::Remove(item) => flash.remove(*item).await.unwrap(),
            Act::Card(card) => flash.set_card(*card).await.unwrap(),
            Act::Reset(seed) => flash.factory_reset(&drawn(*seed)).await.unwrap(),
            Act::Open(id) => self.open(*id, memory).await,
            Act::Seal(id) => {
                let clusters = 1;
                let size_bytes = size(*id);
                self.step(*id, Step::Seal { size_bytes, clusters }).await;
            }
            Act::Digest(id) => self.step(*id, Step::Digest([*id as u8; 32])).await,
            Act::Offer(id) => self.step(*id, Step::Offer).await,
            Act::Receipt(id) => {
                let number = self.number(*id).unwrap();
                let delivered = Delivered {
                    number,
                    kind: Kind::Session,
                    size_bytes: size(*id),
                    sha256: [*id as u8; 32],
                };
                self.step(*id, Step::Receipt(&proof(&delivered))).await;
            }
            Act::Archive(id) => self.step(*id, Step::Archive).await,
            Act::LetGo(id) => {
                let confirmed = confirmation(self.number(*id).unwrap(), [*id as u8; 32]);
                self.step(*id, Step::Remove(&confirmed)).await;
            }
            Act::Strike(id) => {
                if let Some(number) = self.number(*id) {
                    self.ledger.remove(&mut self.flash, number).await.unwrap();
                }
            }
        }
    }

    async fn open(&mut self, id: Id, memory: &mut Memory) {
        if self.number(id).is_some() {
            return;
        }
        let fresh = self.ledger.next_number(&mut self.flash, None).await.unwrap();
        let given = memory.numbers.insert(fresh.number().0, id);
        assert_eq!(given, None, "number {} was given twice", fresh.number());
        let last = *memory.numbers.last_key_value().unwrap().0;
        assert_eq!(last, fresh.number().0, "numbers grow");
        self.ledger
            .open(&mut self.flash, fresh, &opening(id))
            .await
            .unwrap();
    }

    async fn step(&mut self, id: Id, step: Step<'_>) {
        let number = self.number(id).unwrap();
        self.ledger.advance(&mut self.flash, number, step).await.unwrap();
    }

    pub(crate) async fn content(&mut self, memory: &Memory) -> Content {
        let mut content = Content {
            claim: self.flash.claim().await.unwrap(),
            setup_code: self.flash.setup_code().await.unwrap(),
            ..Content::default()
        };
        let card = self.flash.card().await.unwrap();
        content.card = card.map(|card| (card.volume, card.free_clusters));
        let uptime = self.flash.uptime_sessions().map(Item::Uptime);
        let single = [
            Item::Settings,
            Item::Breadcrumb,
            Item::FatIntent,
            Item::DirectoryIntent,
        ];
        for item in uptime.chain(single).collect::<Vec<_>>() {
            let mut buffer = vec![0; item.bytes_max()];
            if let Some(bytes) = self.flash.read(item, &mut buffer).await.unwrap() {
                content.items.insert(format!("{item:?}"), bytes.to_vec());
            }
        }
        for row in self.ledger.rows().to_vec() {
            let entry = self.ledger.entry(&mut self.flash, row.number).await.unwrap();
            assert_eq!((row.state, row.size_bytes), (entry.state, entry.size_bytes));
            assert_eq!(
                memory.numbers.get(&row.number.0),
                Some(&entry.id.0),
                "whose number"
            );
            let number = Number(0);
            content.entries.insert(entry.id.0, Entry { number, ..entry });
        }
        content
    }
}

impl Act {
    /// What it changes, said once more in other words.
    pub(crate) fn apply(&self, content: &mut Content) {
        match self {
            Self::Write(item, bytes) => {
                content.items.insert(format!("{item:?}"), bytes.clone());
            }
            Self::Remove(item) => {
                content.items.remove(&format!("{item:?}"));
            }
            Self::Card(card) => content.card = Some((card.volume, card.free_clusters)),
            Self::Open(id) => {
                let Opening {
                    kind,
                    id: full,
                    card,
                    extent,
                    slot,
                    claim,
                } = opening(*id);
                let entry = Entry {
                    number: Number(0),
                    kind,
                    id: full,
                    card,
                    extent,
                    slot,
                    size_bytes: 0,
                    sha256: None,
                    state: State::Open,
                    claim,
                };
                content.entries.insert(*id, entry);
            }
            Self::Seal(id) => {
                let entry = content.entries.get_mut(id).unwrap();
                entry.state = State::Sealed;
                entry.size_bytes = size(*id);
                entry.extent.clusters = 1;
            }
            Self::Digest(id) => {
                let entry = content.entries.get_mut(id).unwrap();
                entry.state = State::Digested;
                entry.sha256 = Some([*id as u8; 32]);
            }
            Self::Offer(id) => content.entries.get_mut(id).unwrap().state = State::Offered,
            Self::Receipt(id) => content.entries.get_mut(id).unwrap().state = State::Receipted,
            Self::Archive(id) => content.entries.get_mut(id).unwrap().state = State::Archived,
            Self::LetGo(id) => content.entries.get_mut(id).unwrap().state = State::Removing,
            Self::Strike(id) => {
                content.entries.remove(id);
            }
            Self::Reset(seed) => {
                content.items.remove("Settings");
                content.items.remove("Breadcrumb");
                content.claim += 1;
                let alphabet = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
                content.setup_code = Some([alphabet[usize::from(*seed) % 32]; 16]);
            }
        }
    }
}
