//! Any order of what a device and its people do to a card: recordings come and go, and now and then the card goes into a computer.

use std::io::Write;
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use device::fat::{FolderStep, Stamp, Volume, format};
use sim::card::{Card, Image, Tear};
use sim::exec::run;

use crate::computer::{Files, assert_clean, files, volume_start, with_fatfs};
use crate::keeper::{Flash, Keeper, Stage, assert_holds};

/// 537 MiB, which get clusters of 4 KiB: `fatfs` does not clear the clusters that it adds to a folder, so the top one has to hold all.
const CARD_SECTORS: u32 = 1_100_000;
const STRANGERS_MAX: usize = 30;

#[derive(Debug, Clone)]
enum Act {
    Open {
        clusters: u32,
        bytes: u32,
    },
    Seal(Index),
    Delete(Index),
    /// The power goes after so many sectors of what comes next.
    Cut {
        writes: u64,
        tear: Tear,
    },
    /// A person puts a file on the card, into the top folder or among the recordings.
    Put {
        is_inside: bool,
        bytes: usize,
    },
    /// And takes one away.
    Take(Index),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let open = (1_u32..600, any::<Index>()).prop_map(|(clusters, share)| Act::Open {
        clusters,
        bytes: 1 + share.index(clusters as usize * 4096).min(share.index(150_000)) as u32,
    });
    let tear = prop_oneof![Just(Tear::Whole), any::<u64>().prop_map(Tear::Garbage)];
    let act = prop_oneof![
        4 => open,
        3 => any::<Index>().prop_map(Act::Seal),
        3 => any::<Index>().prop_map(Act::Delete),
        2 => (0_u64..40, tear).prop_map(|(writes, tear)| Act::Cut { writes, tear }),
        2 => (any::<bool>(), 0_usize..200_000).prop_map(|(is_inside, bytes)| Act::Put { is_inside, bytes }),
        1 => any::<Index>().prop_map(Act::Take),
    ];
    vec(act, 1..40)
}

/// The device, the card, the person, and what is meant to be on the card.
struct World {
    image: Image,
    flash: Flash,
    strangers: Files,
    numbers: u32,
    cut: Option<(u64, Tear)>,
}

impl World {
    fn new() -> Self {
        let card = Card::boot(Image::blank(CARD_SECTORS));
        run(format(&mut card.clone(), 77)).done().unwrap().unwrap();
        Self {
            image: card.image(),
            flash: Flash::default(),
            strangers: Files::new(),
            numbers: 0,
            cut: None,
        }
    }

    /// Runs the device from its boot to the end of the act; after a cut, boots it once more.
    fn device(&mut self, act: &Act) {
        let card = Card::boot(self.image.clone());
        if let Some((writes, tear)) = self.cut.take() {
            card.cut_after(writes, tear);
        }
        let flash = Rc::clone(&self.flash);
        let work = async {
            let mut keeper = Keeper::boot(card.clone(), Rc::clone(&flash)).await?;
            let place = |index: &Index, stage| {
                let ledger = flash.borrow();
                let fitting = ledger.recordings.iter().enumerate();
                let fitting: Vec<usize> = fitting
                    .filter(|(_, recording)| recording.stage == stage)
                    .map(|(place, _)| place)
                    .collect();
                (!fitting.is_empty()).then(|| *index.get(&fitting))
            };
            match act {
                Act::Open { clusters, bytes } => {
                    keeper.open(self.numbers, *clusters, *bytes).await.map(|_| ())
                }
                Act::Seal(index) => match place(index, Stage::Open) {
                    Some(place) => keeper.seal(place).await,
                    None => Ok(()),
                },
                Act::Delete(index) => match place(index, Stage::Sealed) {
                    Some(place) => keeper.delete(place).await,
                    None => Ok(()),
                },
                Act::Cut { .. } | Act::Put { .. } | Act::Take(_) => Ok(()),
            }
        };
        let outcome = run(work);
        self.image = card.image();
        match outcome.done() {
            Some(done) => done.unwrap(),
            None => self.boot(),
        }
    }

    fn boot(&mut self) {
        let card = Card::boot(self.image.clone());
        assert!(
            run(Keeper::boot(card.clone(), Rc::clone(&self.flash)))
                .done()
                .unwrap()
                .is_ok()
        );
        self.image = card.image();
    }

    fn person(&mut self, act: &Act) {
        match act {
            Act::Put { is_inside, bytes } if self.strangers.len() < STRANGERS_MAX => {
                let folder = if *is_inside { "/FIELDPOST" } else { "" };
                let path = format!("{folder}/Somebody's file {}.bin", self.numbers);
                let content = vec![self.numbers as u8; *bytes];
                with_fatfs(&mut self.image, |root| {
                    root.create_file(&path).unwrap().write_all(&content).unwrap();
                });
                self.strangers.insert(path, content);
            }
            Act::Take(index) if !self.strangers.is_empty() => {
                let path = self
                    .strangers
                    .keys()
                    .nth(index.index(self.strangers.len()))
                    .unwrap()
                    .clone();
                with_fatfs(&mut self.image, |root| root.remove(&path).unwrap());
                self.strangers.remove(&path);
            }
            Act::Put { .. }
            | Act::Take(_)
            | Act::Open { .. }
            | Act::Seal(_)
            | Act::Delete(_)
            | Act::Cut { .. } => {}
        }
    }

    fn check(&self, when: &str) {
        let found = files(&self.image);
        assert_holds(&self.image, &self.flash.borrow(), &found, when);
        for (path, bytes) in &self.strangers {
            assert!(found.get(path) == Some(bytes), "{path} was harmed {when}");
        }
        // Nothing else but the folder itself.
        let ours = self.flash.borrow().recordings.len();
        assert_eq!(found.len(), ours + self.strangers.len() + 1, "{when}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn others_see_exactly_the_right_files_whatever_happens_in_whatever_order(acts in acts()) {
        let mut world = World::new();
        world.boot();
        for act in &acts {
            world.numbers += 1;
            match act {
                Act::Cut { writes, tear } => world.cut = Some((*writes, *tear)),
                Act::Put { .. } | Act::Take(_) => world.person(act),
                Act::Open { .. } | Act::Seal(_) | Act::Delete(_) => world.device(act),
            }
            world.check(&format!("after {act:?}"));
        }
        assert_clean(&world.image, "at the end");
    }

    /// A card that makes no sense is refused or used as far as it makes sense; nothing panics and nothing goes on for ever.
    #[test]
    fn damaged_tables_and_folders_are_survived(
        spots in vec((any::<Index>(), any::<Index>(), any::<[u8; 4]>()), 1..60),
        is_boot_sector_hit in any::<bool>(),
    ) {
        let mut world = World::new();
        world.device(&Act::Open { clusters: 300, bytes: 20_000 });
        let start = volume_start(&world.image) + u32::from(!is_boot_sector_hit);
        let lbas: Vec<u32> = world.image.held().map(|(lba, _)| lba).filter(|lba| *lba >= start).collect();
        for (lba, place, noise) in &spots {
            let lba = *lba.get(&lbas);
            let mut sector = world.image.read(lba);
            let at = place.index(127) * 4;
            sector[at..at + 4].copy_from_slice(noise);
            world.image.write(lba, &sector);
        }
        let mut card = Card::boot(world.image.clone());
        let work = async {
            let mut volume = Volume::mount(&mut card).await?;
            volume.find_run(&mut card, 500, 1_000).await?;
            volume.count_free(&mut card).await?;
            let mut change = [0; device::fat::SectorChange::BYTES];
            let planned = volume.plan_folder(&mut card, Stamp::UNKNOWN, &mut change);
            if let FolderStep::Ready(folder) = planned.await? {
                volume.highest_number(&mut card, &folder).await?;
                for slot in 0..folder.slots() {
                    volume.lookup(&mut card, &folder, device::outbox::DirSlot(slot)).await?;
                }
            }
            Ok::<(), crate::keeper::Failure>(())
        };
        prop_assert!(!run(work).is_cut());
    }
}
