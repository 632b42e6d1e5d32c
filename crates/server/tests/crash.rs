//! Power cuts at every durable operation of a scripted life: uploads of all kinds, jobs, re-analysis, restarts.
//!
//! A database commit is one durable step: it has happened or not; SQLite's own durability is trusted and its settings are
//! asserted when it is opened. Everything else goes through a file system that loses whatever was not synced.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use server::backend::Backend;
use server::durable::{Durable, SyncPoint};
use server::ingest::{Kind, Receipt, Upload};
use server::objects::{Digest, Objects};
use server::store::sessions::{self, Gates, Status};
use server::store::sql::{Query, Row, query};
use server::store::{RecordingId, SessionId, Store, TenantId, jobs, pictures, recordings};
use sha2::Digest as _;
use support::crash_fs::Fate;
use support::machine::{Machine, ROOT, template};
use support::*;

const GATE: &str = "55.1,37.2;55.2,37.3";

/// One thing that happens. Each may be done again after a reboot and then changes nothing that is done.
#[derive(Clone, Copy)]
enum Act {
    Send {
        tenant: TenantId,
        device: server::store::DeviceId,
        name: &'static str,
        bytes: &'static str,
    },
    Picture {
        name: &'static str,
        bytes: &'static [u8],
    },
    /// The connection breaks half-way.
    BreakOff {
        bytes: &'static str,
    },
    RunJobs,
    /// The first recording is analysed afresh with a gate.
    Reanalyse,
    /// The process is killed and started; the machine stays on.
    Restart,
}

const FIRST: &str = "time,lat\n1,55.1\n2,55.2\n";
const OTHER: &str = "time,lat\n1,60.1\n2,60.2\n3,60.3\n";
const OPENED: &str = "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat,gps_epoch\n\
                      5,M,OPEN,00112233445566778899aabbccddeeff,rs-core,1.0.0,race\n10,I,0.1,0.2,1.0\n";
const GROWN: &str = "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat,gps_epoch\n\
                     5,M,OPEN,00112233445566778899aabbccddeeff,rs-core,1.0.0,race\n10,I,0.1,0.2,1.0\n20,I,0.1,0.2,1.1\n";

const PICTURE: &[u8] = include_bytes!("pictures/tiny.jpg");
/// The camera's connection broke, and its proxy sent what it had.
const CUT_PICTURE: &[u8] = PICTURE.split_at(800).0;

const SCRIPT: &[Act] = &[
    Act::Send {
        tenant: TENANT_A,
        device: LOGGER_1,
        name: "a.csv",
        bytes: FIRST,
    },
    Act::RunJobs,
    Act::Send {
        tenant: TENANT_A,
        device: LOGGER_1,
        name: "a.csv",
        bytes: FIRST,
    },
    Act::Send {
        tenant: TENANT_A,
        device: LOGGER_1,
        name: "a.csv",
        bytes: OTHER,
    },
    Act::Send {
        tenant: TENANT_A,
        device: LOGGER_2,
        name: "b.csv",
        bytes: FIRST,
    },
    Act::BreakOff {
        bytes: "time,lat\n1,",
    },
    Act::Restart,
    Act::Send {
        tenant: TENANT_B,
        device: LOGGER_OF_B,
        name: "a.csv",
        bytes: FIRST,
    },
    Act::Send {
        tenant: TENANT_A,
        device: LOGGER_1,
        name: "sess_1.csv",
        bytes: OPENED,
    },
    Act::RunJobs,
    Act::Send {
        tenant: TENANT_A,
        device: LOGGER_2,
        name: "carried.csv",
        bytes: GROWN,
    },
    Act::Send {
        tenant: TENANT_A,
        device: LOGGER_1,
        name: "broken.csv",
        bytes: "bad bytes",
    },
    Act::Picture {
        name: "gate.jpg",
        bytes: PICTURE,
    },
    Act::Picture {
        name: "cut.jpg",
        bytes: CUT_PICTURE,
    },
    Act::Reanalyse,
    Act::Restart,
    Act::RunJobs,
];

/// (tenant, name, bytes, version) of everything that the whole script stores.
const STORED: &[(TenantId, &str, &[u8], i64)] = &[
    (TENANT_A, "a.csv", FIRST.as_bytes(), 1),
    (TENANT_A, "a.csv", OTHER.as_bytes(), 2),
    (TENANT_A, "b.csv", FIRST.as_bytes(), 1),
    (TENANT_A, "broken.csv", b"bad bytes", 1),
    (TENANT_A, "carried.csv", GROWN.as_bytes(), 2),
    (TENANT_A, "cut.jpg", CUT_PICTURE, 2),
    (TENANT_A, "gate.jpg", PICTURE, 1),
    (TENANT_A, "sess_1.csv", OPENED.as_bytes(), 1),
    (TENANT_B, "a.csv", FIRST.as_bytes(), 1),
];

/// What was answered with success, and so must never be lost.
struct Acknowledged {
    tenant: TenantId,
    receipt: Receipt,
    bytes: &'static [u8],
}

/// A machine and what it has promised so far.
struct Promised {
    machine: Machine,
    acknowledged: Vec<Acknowledged>,
    first: Option<SessionId>,
}

type Broken = String;

fn broken(error: impl std::fmt::Display) -> Broken {
    error.to_string()
}

impl Promised {
    fn new(template: &Path) -> Self {
        Self {
            machine: Machine::new(template),
            acknowledged: Vec::new(),
            first: None,
        }
    }

    fn reboot(&self, fate: Fate) -> Self {
        let acknowledged = self.acknowledged.iter();
        Self {
            machine: self.machine.reboot(fate),
            acknowledged: acknowledged
                .map(|one| Acknowledged {
                    tenant: one.tenant,
                    receipt: one.receipt,
                    bytes: one.bytes,
                })
                .collect(),
            first: self.first,
        }
    }

    /// Plays the script until its end or the cut.
    async fn play(&mut self) -> Result<(), Broken> {
        let mut backend = self.machine.start().await?;
        let mut outcome = Ok(());
        for act in SCRIPT {
            if matches!(act, Act::Restart) {
                backend.store.close().await;
                drop(backend);
                backend = self.machine.start().await?;
                continue;
            }
            outcome = self.act(&backend, *act).await;
            if outcome.is_err() {
                break;
            }
        }
        backend.store.close().await;
        outcome
    }

    async fn act(&mut self, backend: &Backend, act: Act) -> Result<(), Broken> {
        match act {
            Act::Send {
                tenant,
                device,
                name,
                bytes,
            } => {
                let sent = send(
                    &backend.ingest,
                    from_logger(tenant, device),
                    name,
                    bytes.as_bytes(),
                )
                .await;
                let receipt = sent.map_err(broken)?;
                self.first = self.first.or(receipt.placed.session);
                self.acknowledged.push(Acknowledged {
                    tenant,
                    receipt,
                    bytes: bytes.as_bytes(),
                });
            }
            Act::Picture { name, bytes } => {
                let sender = from_logger(TENANT_A, LOGGER_1);
                let sent = send_kind(&backend.ingest, sender, name, bytes, Kind::Picture).await;
                let receipt = sent.map_err(broken)?;
                self.acknowledged.push(Acknowledged {
                    tenant: TENANT_A,
                    receipt,
                    bytes,
                });
            }
            Act::BreakOff { bytes } => {
                let sender = from_logger(TENANT_A, LOGGER_1);
                let upload = Upload {
                    sender,
                    file_name: "half.csv".to_owned(),
                    kind: Kind::Drive,
                    size_bytes: None,
                };
                let mut incoming = backend.ingest.begin(upload).await.map_err(broken)?;
                incoming
                    .write(Bytes::from_static(bytes.as_bytes()))
                    .await
                    .map_err(broken)?;
                drop(incoming);
                // Another thread removes the file; waiting for it gives every run the same steps.
                let staging = Path::new(ROOT).join("staging");
                while self
                    .machine
                    .fs
                    .list(&staging)
                    .is_ok_and(|entries| !entries.is_empty())
                {
                    tokio::task::yield_now().await;
                }
            }
            Act::RunJobs => self.run_jobs(backend).await?,
            Act::Reanalyse => {
                let first = self.first.ok_or("the first recording was never stored")?;
                let gates = Gates {
                    gate: Some(GATE.to_owned()),
                    finish: None,
                };
                let found = backend
                    .jobs
                    .reanalyze(TENANT_A, first, gates)
                    .await
                    .map_err(broken)?;
                assert!(found);
            }
            Act::Restart => unreachable!("played by the caller"),
        }
        Ok(())
    }

    /// Runs jobs until none is left, moving the clock over pauses.
    async fn run_jobs(&self, backend: &Backend) -> Result<(), Broken> {
        loop {
            while backend.jobs.run_next().await.map_err(broken)? {}
            if self.machine.fs.is_off() {
                return Err("the power is off".to_owned());
            }
            match jobs::next_due(&backend.store).await.map_err(broken)? {
                Some(due) => self.machine.clock.advance_to(due),
                None => return Ok(()),
            }
        }
    }

    /// After a reboot: nothing acknowledged is lost, nothing half is visible, jobs resume and finish.
    async fn survives(&mut self) -> Result<(), Broken> {
        let backend = self.machine.start().await?;
        self.check(&backend).await?;
        self.run_jobs(&backend).await?;
        self.check(&backend).await?;
        let unfinished = count(
            &backend.store,
            query("SELECT COUNT(*) AS n FROM sessions WHERE status IN ('waiting', 'analysing')"),
        )
        .await?;
        let waiting = query("SELECT COUNT(*) AS n FROM pictures WHERE state = 'waiting'");
        let unseen = count(&backend.store, waiting).await?;
        backend.store.close().await;
        if unfinished > 0 {
            return Err(format!("{unfinished} sessions were never finished"));
        }
        if unseen > 0 {
            return Err(format!("{unseen} pictures were never looked at"));
        }
        Ok(())
    }

    /// The senders come back and do everything again: in the end exactly what the whole script stores is there.
    async fn catches_up(&mut self) -> Result<(), Broken> {
        self.play().await?;
        let backend = self.machine.start().await?;
        self.check(&backend).await?;
        let stored = stored(&backend.store).await?;
        backend.store.close().await;
        let wanted: Vec<_> = STORED
            .iter()
            .map(|(tenant, name, bytes, version)| {
                (
                    tenant.to_string(),
                    (*name).to_owned(),
                    sha256(bytes).to_string(),
                    *version,
                )
            })
            .collect();
        if stored != wanted {
            return Err(format!("the whole script stored {stored:#?}"));
        }
        Ok(())
    }

    /// Everything that a person could see is whole, and everything acknowledged can be seen.
    async fn check(&self, backend: &Backend) -> Result<(), Broken> {
        for Acknowledged {
            tenant,
            receipt,
            bytes,
        } in &self.acknowledged
        {
            let found = recordings::find(&backend.store, *tenant, receipt.placed.recording).await;
            let found = found
                .map_err(broken)?
                .ok_or("an acknowledged recording has no row")?;
            if found.sha256 != sha256(bytes) || found.session != receipt.placed.session {
                return Err(format!("an acknowledged recording has become {found:?}"));
            }
        }
        for (tenant, _, digest, _) in stored(&backend.store).await? {
            let (tenant, digest) = (tenant.parse().unwrap(), digest.parse().unwrap());
            let bytes = read_raw(&backend.objects, tenant, digest)?;
            if sha256(&bytes) != digest {
                return Err(format!("the object of {digest} has {} other bytes", bytes.len()));
            }
        }
        for (tenant, session) in sessions::all(&backend.store).await.map_err(broken)? {
            check_session(backend, tenant, session).await?;
        }
        for (tenant, picture) in pictures::all(&backend.store).await.map_err(broken)? {
            check_picture(backend, tenant, picture).await?;
        }
        Ok(())
    }
}

async fn check_session(backend: &Backend, tenant: TenantId, id: SessionId) -> Result<(), Broken> {
    let session = sessions::find(&backend.store, tenant, id)
        .await
        .map_err(broken)?
        .unwrap();
    let given = sessions::assignment(&backend.store, tenant, id)
        .await
        .map_err(broken)?
        .unwrap();
    match session.state.status() {
        Status::Ready => {
            let bytes = read_raw(&backend.objects, tenant, session.sha256)?;
            let files = backend
                .objects
                .derived_files(tenant, session.recording)
                .map_err(broken)?;
            let found: Vec<_> = files.into_iter().map(|file| (file.name, file.sha256)).collect();
            let wanted: Vec<_> = derived_from(&bytes, given.gate.as_deref())
                .into_iter()
                .map(|(name, content)| (name, sha256(&content)))
                .collect();
            if found != wanted {
                return Err(format!(
                    "{} is ready with other derived files: {found:?}",
                    session.file_name
                ));
            }
        }
        Status::Failed => {
            if session.file_name != "broken.csv" {
                return Err(format!("{} is {:?}", session.file_name, session.state));
            }
        }
        Status::Waiting | Status::Analysing => {
            let jobs =
                query("SELECT COUNT(*) AS n FROM jobs WHERE recording_id = $1").bind(session.recording);
            if count(&backend.store, jobs).await? == 0 {
                return Err(format!(
                    "{} waits for a job that does not exist",
                    session.file_name
                ));
            }
        }
    }
    Ok(())
}

async fn check_picture(backend: &Backend, tenant: TenantId, id: RecordingId) -> Result<(), Broken> {
    let picture = pictures::find(&backend.store, tenant, id)
        .await
        .map_err(broken)?
        .unwrap();
    match (&picture.state, picture.file_name.as_str()) {
        (pictures::State::Good, "gate.jpg") => {
            let thumbnails = server::pictures::examine(PICTURE).verdict.map_err(broken)?;
            let files = backend.objects.derived_files(tenant, id).map_err(broken)?;
            let found: Vec<_> = files.into_iter().map(|file| (file.name, file.sha256)).collect();
            let wanted = [
                ("large.jpg".to_owned(), sha256(&thumbnails.large)),
                ("small.jpg".to_owned(), sha256(&thumbnails.small)),
            ];
            if found != wanted {
                return Err(format!("a picture is good with other thumbnails: {found:?}"));
            }
            Ok(())
        }
        (pictures::State::Quarantined(reason), "cut.jpg") if reason.code == "truncated" => Ok(()),
        (pictures::State::Waiting, name) => {
            let jobs = query("SELECT COUNT(*) AS n FROM jobs WHERE recording_id = $1").bind(id);
            if count(&backend.store, jobs).await? == 0 {
                return Err(format!("{name} waits for a job that does not exist"));
            }
            Ok(())
        }
        (state, name) => Err(format!("{name} is {state:?}")),
    }
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}

fn read_raw(objects: &Objects, tenant: TenantId, digest: Digest) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    let mut object = objects
        .open_raw(tenant, digest)
        .map_err(|error| format!("object {digest}: {error}"))?;
    object.read_to_end(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

async fn stored(store: &Store) -> Result<Vec<(String, String, String, i64)>, Broken> {
    let mut rows = store.read_across().await.map_err(broken)?;
    let found = query(
        "SELECT tenant_id, file_name, sha256, version FROM recordings ORDER BY tenant_id, file_name, version",
    )
    .fetch_all(&mut rows)
    .await
    .map_err(broken)?;
    let text = |row: &Row, column| row.get::<String>(column).map_err(broken);
    found
        .iter()
        .map(|row| {
            Ok((
                text(row, "tenant_id")?,
                text(row, "file_name")?,
                text(row, "sha256")?,
                row.get("version").map_err(broken)?,
            ))
        })
        .collect()
}

async fn count(store: &Store, counting: Query) -> Result<i64, Broken> {
    let mut rows = store.read_across().await.map_err(broken)?;
    let row = counting.fetch_one(&mut rows).await.map_err(broken)?;
    row.get("n").map_err(broken)
}

/// How many durable operations the script has, and at which of them each sync point is first met.
async fn measure(template: &Path) -> (u64, BTreeMap<SyncPoint, u64>) {
    let mut promised = Promised::new(template);
    promised.play().await.unwrap();
    (promised.machine.fs.steps(), promised.machine.fs.met())
}

/// Cuts the power at one step and tells whether the machine survives each fate; catching up is tried after every third cut.
async fn cut(template: &Path, step: u64, ignored: Option<SyncPoint>, fates: &[Fate]) -> Result<(), Broken> {
    let mut promised = Promised::new(template);
    promised.machine.fs.ignore(ignored);
    promised.machine.fs.cut_at(Some(step));
    // Ends at the cut; where the cut falls on the tidying of a broken upload nobody notices it before the end.
    let _cut = promised.play().await;
    for &fate in fates {
        let named = |broken| format!("cut at step {step}, {fate:?}: {broken}");
        let mut after = promised.reboot(fate);
        after.survives().await.map_err(named)?;
        if ignored.is_none() && step.is_multiple_of(3) {
            after.catches_up().await.map_err(named)?;
        }
    }
    Ok(())
}

/// What resumable uploads sync is tried in `crash_uploads`.
fn here() -> impl Iterator<Item = SyncPoint> {
    let elsewhere = |point: &SyncPoint| SyncPoint::RESUMABLE.contains(point);
    SyncPoint::ALL.into_iter().filter(move |point| !elsewhere(point))
}

async fn cut_everywhere(fates: impl Fn(u64) -> Vec<Fate>) {
    let template = template().await;
    let (steps, met) = measure(template.path()).await;
    assert!(
        here().all(|point| met.contains_key(&point)),
        "the script has to meet every sync point: {met:?}"
    );
    for step in 1..=steps {
        cut(template.path(), step, None, &fates(step)).await.unwrap();
    }
    eprintln!("{steps} power cuts survived");
}

#[tokio::test]
async fn a_cut_that_drops_everything_unsynced_loses_nothing_acknowledged() {
    cut_everywhere(|_| vec![Fate::Drop]).await;
}

#[tokio::test]
async fn a_cut_that_keeps_everything_unsynced_shows_nothing_half() {
    cut_everywhere(|_| vec![Fate::Keep]).await;
}

#[tokio::test]
async fn a_cut_that_reorders_and_tears_whatever_is_unsynced_loses_nothing_acknowledged() {
    cut_everywhere(|step| (0..2).map(|seed| Fate::Reorder(step * 1000 + seed)).collect()).await;
}

#[tokio::test]
async fn leaving_out_any_single_sync_loses_something() {
    let template = template().await;
    let (steps, met) = measure(template.path()).await;
    // Some losses need one name to survive and another not to.
    let fates = [Fate::Drop, Fate::Reorder(1), Fate::Reorder(2)];
    let mut table = String::new();
    for point in here() {
        let mut lost = None;
        for step in met[&point]..=steps {
            if let Err(broken) = cut(template.path(), step, Some(point), &fates).await {
                lost = Some(broken);
                break;
            }
        }
        let lost = lost.unwrap_or_else(|| panic!("without {point:?} nothing was lost in {steps} cuts"));
        let lost: String = lost.chars().take(110).collect();
        table.push_str(&format!("{:<14} {lost}\n", format!("{point:?}")));
    }
    eprintln!("sync left out  what is lost\n{table}");
}
