//! The owner of a card, as small as can be: what the device's store does with a ledger in flash, with a ledger in memory.
//!
//! Each change of the ledger is atomic here; that flash may be cut too is the ledger's own matter.

use std::cell::RefCell;
use std::rc::Rc;

use device::block::BlockDevice;
use device::fat::{
    Edit, Error, FOLDER_STEPS_MAX, FatChange, Folder, FolderStep, Listed, SectorChange, Stamp, Volume, format,
};
use device::outbox::{DirSlot, Extent, Kind, Number};
use sim::card::{Card, CardError, Image};
use sim::exec::run;

pub(crate) type Failure = Error<CardError>;

/// How far a recording got; each step but the last two is undone work that boot goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Link,
    Name,
    Open,
    Shorten,
    Trim,
    Sealed,
    Unname,
    Free,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recording {
    pub(crate) number: u32,
    pub(crate) extent: Extent,
    /// How many of its clusters it keeps when it is sealed: from then on the others may be anybody's.
    pub(crate) used: u32,
    pub(crate) slot: u16,
    /// Of data; the file is longer while it is open.
    pub(crate) bytes: u32,
    /// All of them are on the card.
    pub(crate) is_written: bool,
    pub(crate) stage: Stage,
}

/// What survives a cut.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) fat: Option<[u8; FatChange::BYTES]>,
    pub(crate) entry: Option<Box<[u8; SectorChange::BYTES]>>,
    pub(crate) recordings: Vec<Recording>,
}

pub(crate) type Flash = Rc<RefCell<Ledger>>;

/// The running device.
pub(crate) struct Keeper {
    pub(crate) card: Card,
    pub(crate) volume: Volume,
    pub(crate) folder: Folder,
    flash: Flash,
}

/// Bytes of a recording, told apart from every other's.
pub(crate) fn content(number: u32, bytes: u32) -> Vec<u8> {
    (0..bytes)
        .map(|at| (at.wrapping_mul(31) ^ number.wrapping_mul(0x9E37_79B1) >> (at % 13)) as u8)
        .collect()
}

pub(crate) fn name_of(number: u32) -> String {
    format!("/FIELDPOST/{}", Kind::Session.file_name(Number(number)))
}

impl Keeper {
    /// Mounts the card, finishes what was half done, makes the folder if need be, and goes on with every recording.
    pub(crate) async fn boot(mut card: Card, flash: Flash) -> Result<Self, Failure> {
        let mut volume = Volume::mount(&mut card).await?;
        redo(&mut volume, &mut card, &flash).await?;
        let mut steps = 0;
        let folder = loop {
            steps += 1;
            assert!(steps <= FOLDER_STEPS_MAX);
            let mut change = Box::new([0; SectorChange::BYTES]);
            let planned = volume.plan_folder(&mut card, Stamp::UNKNOWN, &mut change);
            match planned.await? {
                FolderStep::Ready(folder) => break folder,
                FolderStep::Extend(change) => flash.borrow_mut().fat = Some(change.to_bytes()),
                FolderStep::Entry => flash.borrow_mut().entry = Some(change),
                FolderStep::Create(run) => {
                    let mut ledger = flash.borrow_mut();
                    ledger.fat = Some(run.to_bytes());
                    ledger.entry = Some(change);
                }
            }
            carry_out(&mut volume, &mut card, &flash).await?;
        };
        let mut keeper = Self {
            card,
            volume,
            folder,
            flash,
        };
        keeper.go_on().await?;
        Ok(keeper)
    }

    pub(crate) async fn open(&mut self, number: u32, clusters: u32, bytes: u32) -> Result<bool, Failure> {
        let from = self
            .flash
            .borrow()
            .recordings
            .last()
            .map_or(0, |last| last.extent.end());
        let run = self.volume.find_run(&mut self.card, clusters, from).await?;
        let slot = self
            .volume
            .free_slot(&mut self.card, &self.folder, DirSlot(number as u16 % 7))
            .await?;
        let (Some(extent), Some(slot)) = (run.filter(|run| run.clusters == clusters), slot) else {
            return Ok(false);
        };
        self.flash.borrow_mut().recordings.push(Recording {
            number,
            extent,
            used: self.volume.geometry().clusters_for(bytes),
            slot: slot.0,
            bytes,
            is_written: false,
            stage: Stage::Link,
        });
        self.go_on().await?;
        let (first, _) = self.volume.sectors_of(extent).unwrap();
        let mut data = content(number, bytes);
        data.resize(data.len().next_multiple_of(512), b' ');
        self.card.write(first, &data).await.map_err(Error::Card)?;
        if let Some(recording) = self.flash.borrow_mut().recordings.last_mut() {
            recording.is_written = true;
        }
        Ok(true)
    }

    pub(crate) async fn seal(&mut self, index: usize) -> Result<(), Failure> {
        self.advance(index, Stage::Open, Stage::Shorten).await
    }

    pub(crate) async fn delete(&mut self, index: usize) -> Result<(), Failure> {
        self.advance(index, Stage::Sealed, Stage::Unname).await
    }

    async fn advance(&mut self, index: usize, from: Stage, to: Stage) -> Result<(), Failure> {
        if let Some(recording) = self.flash.borrow_mut().recordings.get_mut(index)
            && recording.stage == from
        {
            recording.stage = to;
        }
        self.go_on().await
    }

    /// Takes every recording to where it rests.
    async fn go_on(&mut self) -> Result<(), Failure> {
        loop {
            let next = self.flash.borrow().recordings.iter().copied().find(is_busy);
            let Some(recording) = next else { return Ok(()) };
            self.plan(&recording).await?;
            carry_out(&mut self.volume, &mut self.card, &self.flash).await?;
        }
    }

    async fn plan(&mut self, recording: &Recording) -> Result<(), Failure> {
        let Recording {
            extent, bytes, used, ..
        } = *recording;
        let full = self.volume.full_length(extent);
        let listed = |bytes| Listed {
            kind: Kind::Session,
            number: Number(recording.number),
            first_cluster: extent.first,
            bytes,
        };
        match recording.stage {
            Stage::Link => self.plan_chain(extent, 0, extent.clusters).await,
            Stage::Name => {
                self.plan_edit(recording, Edit::Create(listed(full), Stamp::UNKNOWN))
                    .await
            }
            Stage::Shorten => {
                let edit = Edit::Length {
                    file: listed(full),
                    bytes,
                    written: Stamp::new(2026, [11, 22], [8, 30, 0]),
                };
                self.plan_edit(recording, edit).await
            }
            Stage::Trim => self.plan_chain(extent, extent.clusters, used).await,
            Stage::Unname => self.plan_edit(recording, Edit::Remove(listed(bytes))).await,
            Stage::Free => self.plan_chain(extent, extent.clusters, 0).await,
            Stage::Open | Stage::Sealed | Stage::Gone => Ok(()),
        }
    }

    async fn plan_chain(&mut self, extent: Extent, before: u32, after: u32) -> Result<(), Failure> {
        let change = self.volume.plan(&mut self.card, extent, before, after).await?;
        self.flash.borrow_mut().fat = Some(change.to_bytes());
        Ok(())
    }

    async fn plan_edit(&mut self, recording: &Recording, edit: Edit) -> Result<(), Failure> {
        let slot = DirSlot(recording.slot);
        let mut change = Box::new([0; SectorChange::BYTES]);
        self.volume
            .plan_entry(&mut self.card, &self.folder, slot, edit, &mut change)
            .await?;
        self.flash.borrow_mut().entry = Some(change);
        Ok(())
    }
}

fn is_busy(recording: &Recording) -> bool {
    !matches!(recording.stage, Stage::Open | Stage::Sealed | Stage::Gone)
}

/// Applies what was stored, then takes it back and moves the recording on.
async fn carry_out(volume: &mut Volume, card: &mut Card, flash: &Flash) -> Result<(), Failure> {
    let Ledger { fat, entry, .. } = flash.borrow().clone();
    if let Some(change) = fat.and_then(|bytes| FatChange::from_bytes(&bytes)) {
        volume.apply(card, &change).await?;
    }
    if let Some(bytes) = entry {
        volume.apply_entry(card, SectorChange(&bytes)).await?;
    }
    finish(flash);
    Ok(())
}

async fn redo(volume: &mut Volume, card: &mut Card, flash: &Flash) -> Result<(), Failure> {
    let Ledger { fat, entry, .. } = flash.borrow().clone();
    if fat.is_none() && entry.is_none() {
        return Ok(());
    }
    if let Some(change) = fat.and_then(|bytes| FatChange::from_bytes(&bytes)) {
        volume.redo(card, &change).await?;
    }
    if let Some(bytes) = entry {
        volume.apply_entry(card, SectorChange(&bytes)).await?;
    }
    finish(flash);
    Ok(())
}

fn finish(flash: &Flash) {
    let mut ledger = flash.borrow_mut();
    ledger.fat = None;
    ledger.entry = None;
    if let Some(recording) = ledger.recordings.iter_mut().find(|recording| is_busy(recording)) {
        recording.stage = match recording.stage {
            Stage::Link => Stage::Name,
            Stage::Name => Stage::Open,
            Stage::Shorten => Stage::Trim,
            Stage::Trim => {
                recording.extent.clusters = recording.used;
                Stage::Sealed
            }
            Stage::Unname => Stage::Free,
            Stage::Free => Stage::Gone,
            rest @ (Stage::Open | Stage::Sealed | Stage::Gone) => rest,
        };
    }
    ledger
        .recordings
        .retain(|recording| recording.stage != Stage::Gone);
}

/// Panics unless exactly the recordings of the ledger lie in the folder, byte for byte.
pub(crate) fn assert_holds(image: &Image, ledger: &Ledger, files: &crate::computer::Files, when: &str) {
    let volume_bytes = u64::from(image.sectors()) * 512;
    let mut ours: Vec<&String> = files
        .keys()
        .filter(|path| path.starts_with("/FIELDPOST/") && path.contains("/sess_"))
        .collect();
    for recording in &ledger.recordings {
        let path = name_of(recording.number);
        let found = files
            .get(&path)
            .unwrap_or_else(|| panic!("{path} is missing {when}"));
        let meant = content(recording.number, recording.bytes);
        let is_same = !recording.is_written || found.starts_with(&meant);
        assert!(is_same, "{path} has other bytes {when}");
        if recording.stage == Stage::Sealed {
            assert_eq!(found.len(), meant.len(), "{path} {when}");
        } else {
            assert!(
                (found.len() as u64) < volume_bytes && found.len() >= meant.len(),
                "{path} {when}"
            );
        }
        ours.retain(|other| **other != path);
    }
    assert!(ours.is_empty(), "{ours:?} should be gone {when}");
}

/// The volume of a card that another handle has too, or none has.
pub(crate) fn mount(image: &Image) -> Result<Volume, Failure> {
    run(Volume::mount(&mut Card::boot(image.clone()))).done().unwrap()
}

/// A card that we formatted.
pub(crate) fn formatted(sectors: u32) -> Image {
    let card = Card::boot(Image::blank(sectors));
    run(format(&mut card.clone(), 0xFEED_0001))
        .done()
        .unwrap()
        .unwrap();
    card.image()
}
