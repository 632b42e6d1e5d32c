//! Two parts put together, with their rows: a cut and a kill at every durable operation from the first part's beginning to
//! the last tidying. What was told of the parts and of the whole stays true, and whoever comes back ends with the same recording.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use server::backend::Backend;
use server::durable::{Durable, SyncPoint};
use server::receipts::Signable;
use server::store::recordings::{self, Kind};
use server::store::sql::query;
use server::store::{RecordingId, UploadId};
use server::uploads::{Asker, NewUpload, Open, Part, Standing, UploadError};

use super::sha256;
use super::support::crash_fs::Fate;
use super::support::machine::{Machine, ROOT, template};
use super::support::{LOGGER_1, TENANT_A, from_logger};

/// The whole, and where its first part ends.
const WHOLE: &[u8] = b"time,lat\n1,55.1\n2,55.2\n3,55.3\n4,55.4\n";
const SEAM: usize = 17;
const PARTS: [&[u8]; 2] = [WHOLE.split_at(SEAM).0, WHOLE.split_at(SEAM).1];

#[derive(Clone, Copy)]
enum Act {
    /// One request brings this part so far; it is begun first unless it was.
    Until(usize, usize),
    /// `Upload-Concat: final`.
    PutTogether,
    /// The process is killed and started; the machine stays on.
    Restart,
}

const SCRIPT: [Act; 7] = [
    Act::Until(0, 6),
    Act::Until(1, 9),
    Act::Restart,
    Act::Until(0, PARTS[0].len()),
    Act::Until(1, PARTS[1].len()),
    Act::PutTogether,
    Act::Restart,
];

/// Every sync on the way: [`SyncPoint::ResumableEnd`] is of uploads that are whole by themselves.
const ON_THE_WAY: [SyncPoint; 10] = [
    SyncPoint::DataFolder,
    SyncPoint::Layout,
    SyncPoint::RawTenant,
    SyncPoint::UploadBytes,
    SyncPoint::ObjectName,
    SyncPoint::ResumableBytes,
    SyncPoint::ResumableMark,
    SyncPoint::ResumableNames,
    SyncPoint::ResumableMarkFound,
    SyncPoint::ResumableNamesFound,
];

const ASKER: Asker = Asker {
    tenant: TENANT_A,
    only_device: Some(LOGGER_1),
};

/// What the sender was told.
#[derive(Clone, Default)]
struct Told {
    /// Each part's address and offset.
    parts: BTreeMap<usize, (UploadId, usize)>,
    whole: Option<Stored>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    upload: UploadId,
    recording: RecordingId,
    receipt: String,
}

/// A machine and what its sender was told.
struct Sender {
    machine: Machine,
    told: Told,
}

type Broken = String;

fn broken(error: impl std::fmt::Display) -> Broken {
    error.to_string()
}

impl Sender {
    fn reboot(&self, fate: Fate) -> Self {
        Self {
            machine: self.machine.reboot(fate),
            told: self.told.clone(),
        }
    }

    /// Does what is left to do, until the script's end or the cut.
    async fn play(&mut self) -> Result<(), Broken> {
        let mut backend = self.machine.start().await?;
        let mut outcome = Ok(());
        for act in SCRIPT {
            outcome = match act {
                Act::Until(part, end) => self.until(&backend, part, end).await,
                Act::PutTogether => self.put_together(&backend).await,
                Act::Restart => {
                    backend.store.close().await;
                    drop(backend);
                    backend = self.machine.start().await?;
                    Ok(())
                }
            };
            if outcome.is_err() {
                break;
            }
        }
        backend.store.close().await;
        outcome
    }

    async fn until(&mut self, backend: &Backend, part: usize, end: usize) -> Result<(), Broken> {
        let known = self.told.parts.get(&part).copied();
        let standing = match known {
            Some((_, offset)) if offset >= end => return Ok(()),
            Some((id, _)) => backend.uploads.find(ASKER, id).await,
            None => backend.uploads.create(partial(part)).await,
        };
        let Standing::Open(open) = standing.map_err(broken)? else {
            return Err(format!("part {part} is complete by itself"));
        };
        let at = self.tell(part, &open);
        if at < end {
            let mut arriving = open.receive(&backend.uploads, None);
            let piece = Bytes::from_static(&PARTS[part][at..end]);
            arriving.write(piece).await.map_err(broken)?;
            let open = arriving.end().await.map_err(broken)?;
            self.tell(part, &open);
        }
        Ok(())
    }

    /// The sender hears of an offset.
    fn tell(&mut self, part: usize, open: &Open) -> usize {
        let offset = usize::try_from(open.offset_bytes()).unwrap();
        self.told.parts.insert(part, (open.row.id, offset));
        offset
    }

    async fn put_together(&mut self, backend: &Backend) -> Result<(), Broken> {
        let ids: Vec<UploadId> = self.told.parts.values().map(|(id, _)| *id).collect();
        let whole = NewUpload {
            part: Part::Of(ids),
            file_name: "whole.csv".to_owned(),
            concat: Some("final".to_owned()),
            size_bytes: None,
            sha256: Some(sha256(WHOLE)),
            ..partial(0)
        };
        let standing = backend.uploads.create(whole).await.map_err(broken)?;
        let stored = stored(backend, &standing).await?;
        match &self.told.whole {
            Some(before) if *before != stored => Err(format!("{before:?} has become {stored:?}")),
            _ => {
                self.told.whole = Some(stored);
                Ok(())
            }
        }
    }

    /// Starts on what the cut left: everything that was told is still true, and what is found is told.
    async fn check(&mut self) -> Result<(), Broken> {
        let backend = self.machine.start().await?;
        let checked = match self.told.whole.clone() {
            Some(told) => check_whole(&backend, &told).await,
            None => self.check_parts(&backend).await,
        };
        backend.store.close().await;
        checked
    }

    async fn check_parts(&mut self, backend: &Backend) -> Result<(), Broken> {
        let told = self.told.parts.clone();
        let all_sent = (0..2).all(|part| told.get(&part).is_some_and(|(_, at)| *at == PARTS[part].len()));
        for (part, (id, before)) in told {
            match backend.uploads.find(ASKER, id).await {
                Ok(Standing::Open(open)) => {
                    let now = self.tell(part, &open);
                    if now < before {
                        return Err(format!("part {part} went back from {before} to {now}"));
                    }
                    let bytes = &PARTS[part][..now];
                    if self.on_disk(id, now)? != bytes || open.mark.digest() != sha256(bytes) {
                        return Err(format!("part {part} has other bytes before {now} than were sent"));
                    }
                }
                // They were put together, and nobody heard of it.
                Err(UploadError::Gone) if all_sent => return self.put_together(backend).await,
                Ok(Standing::Complete(..)) => return Err(format!("part {part} is complete by itself")),
                Err(error) => return Err(format!("part {part}: {error}")),
            }
        }
        Ok(())
    }

    fn on_disk(&self, id: UploadId, length: usize) -> Result<Vec<u8>, Broken> {
        let mut bytes = Vec::new();
        if length > 0 {
            let path = Path::new(ROOT).join("uploads").join(id.to_string());
            let mut file = self.machine.fs.open(&path).map_err(broken)?;
            file.read_to_end(&mut bytes).map_err(broken)?;
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    /// The sender comes back and does whatever it was not told of: there is one recording.
    async fn catches_up(&mut self) -> Result<(), Broken> {
        self.play().await?;
        self.check().await?;
        let backend = self.machine.start().await?;
        let mut rows = backend.store.read_across().await.map_err(broken)?;
        let counted = query("SELECT COUNT(*) AS n FROM recordings")
            .fetch_one(&mut rows)
            .await;
        let count: i64 = counted.and_then(|row| row.get("n")).map_err(broken)?;
        drop(rows);
        backend.store.close().await;
        if count == 1 {
            Ok(())
        } else {
            Err(format!("{count} recordings"))
        }
    }
}

fn partial(part: usize) -> NewUpload {
    NewUpload {
        sender: from_logger(TENANT_A, LOGGER_1),
        part: Part::Partial,
        kind: Kind::Drive,
        file_name: String::new(),
        metadata: String::new(),
        concat: Some("partial".to_owned()),
        size_bytes: Some(PARTS[part].len() as u64),
        sha256: None,
    }
}

/// What the sender of the whole is answered.
async fn stored(backend: &Backend, standing: &Standing) -> Result<Stored, Broken> {
    let Standing::Complete(row, recording) = standing else {
        return Err("the whole is not complete".to_owned());
    };
    let found = recordings::find(&backend.store, TENANT_A, *recording).await;
    let found = found.map_err(broken)?.ok_or("the recording has no row")?;
    let signable = Signable::of(TENANT_A, &found);
    let receipt = backend.receipts.sign(&signable).await.map_err(broken)?;
    Ok(Stored {
        upload: row.id,
        recording: *recording,
        receipt: receipt.to_string(),
    })
}

async fn check_whole(backend: &Backend, told: &Stored) -> Result<(), Broken> {
    let standing = backend.uploads.find(ASKER, told.upload).await;
    let now = stored(backend, &standing.map_err(broken)?).await?;
    if now != *told {
        return Err(format!("{told:?} has become {now:?}"));
    }
    let mut found = Vec::new();
    let object = backend.objects.open_raw(TENANT_A, sha256(WHOLE));
    object
        .and_then(|mut object| object.read_to_end(&mut found))
        .map_err(|error| format!("the object of the whole: {error}"))?;
    if found == WHOLE {
        Ok(())
    } else {
        Err(format!("the whole has {} other bytes", found.len()))
    }
}

fn fates(step: u64) -> [Fate; 3] {
    [Fate::Drop, Fate::Keep, Fate::Reorder(step)]
}

/// The machine loses its power at this step, or only the process is killed there and the power goes right after the next start.
async fn try_at(template: &Path, step: u64, ignored: Option<SyncPoint>) -> Result<(), Broken> {
    let mut sender = Sender {
        machine: Machine::new(template),
        told: Told::default(),
    };
    sender.machine.fs.ignore(ignored);
    sender.machine.fs.cut_at(Some(step));
    let _cut = sender.play().await;
    for (index, fate) in (0..).zip(fates(step)) {
        let named = |broken| format!("cut at step {step}, {fate:?}: {broken}");
        let mut after = sender.reboot(fate);
        after.check().await.map_err(named)?;
        if ignored.is_none() && step % 3 == index {
            after.catches_up().await.map_err(named)?;
        }
    }
    sender.machine.fs.kill();
    let killed = |broken| format!("killed at step {step}: {broken}");
    sender.check().await.map_err(killed)?;
    for fate in fates(step) {
        let mut after = sender.reboot(fate);
        after
            .check()
            .await
            .map_err(|broken| killed(format!("{fate:?}: {broken}")))?;
    }
    Ok(())
}

/// How many durable operations there are, and at which of them each sync is first met.
async fn measure(template: &Path) -> (u64, BTreeMap<SyncPoint, u64>) {
    let mut sender = Sender {
        machine: Machine::new(template),
        told: Told::default(),
    };
    sender.play().await.unwrap();
    assert!(sender.told.whole.is_some());
    (sender.machine.fs.steps(), sender.machine.fs.met())
}

#[tokio::test]
async fn what_was_told_of_parts_and_of_their_whole_survives_a_cut_and_a_kill_at_every_step() {
    let template = template().await;
    let (steps, met) = measure(template.path()).await;
    let met: BTreeSet<SyncPoint> = met.into_keys().collect();
    assert_eq!(met, BTreeSet::from(ON_THE_WAY));
    for step in 1..=steps {
        try_at(template.path(), step, None).await.unwrap();
    }
    eprintln!("{steps} steps, each with a power cut and a kill");
}

#[tokio::test]
async fn leaving_out_any_single_sync_on_the_way_of_parts_takes_back_what_was_told() {
    let template = template().await;
    let (steps, met) = measure(template.path()).await;
    for point in ON_THE_WAY {
        let mut lost = None;
        for step in met[&point]..=steps {
            if let Err(broken) = try_at(template.path(), step, Some(point)).await {
                lost = Some(broken);
                break;
            }
        }
        let lost = lost.unwrap_or_else(|| panic!("without {point:?} nothing was lost"));
        eprintln!("{:<20} {lost}", format!("{point:?}"));
    }
}
