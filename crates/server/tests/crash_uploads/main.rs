//! Power cuts and kills at every durable operation of resumable uploads: what was told of an offset stays true.
//!
//! Of single uploads the bytes, without the rows: a row is one more step that happens or does not. Of parts that are put
//! together both, in [`concatenation`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]

mod concatenation;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use server::clock::Clock;
use server::durable::SyncPoint;
use server::objects::{Digest, Objects};
use server::store::UploadId;
use server::uploads::{LocalUploads, Mark, UploadBytes};
use sha2::Digest as _;
use support::crash_fs::{CrashFs, Fate};
use support::machine::ROOT;
use support::{TENANT_A, Ticking};
use uuid::Uuid;

const A: UploadId = UploadId(Uuid::from_u128(0xA1));
const B: UploadId = UploadId(Uuid::from_u128(0xB1));

#[derive(Clone, Copy)]
enum Act {
    /// The next bytes come, are made durable, and the offset is told.
    Piece(UploadId, usize),
    /// Bytes come, and are thrown away for their checksum or by a broken process.
    Discarded(UploadId, usize),
    /// The last byte was there: the object is adopted, the row committed, the upload's own files go.
    Complete(UploadId),
    Remove(UploadId),
    /// The process is killed and started; the machine stays on.
    Restart,
}

fn script() -> Vec<Act> {
    let mut acts = vec![
        Act::Piece(A, 5),
        Act::Piece(B, 3),
        Act::Discarded(A, 9),
        Act::Piece(A, 2),
    ];
    acts.extend([Act::Restart, Act::Discarded(A, 4), Act::Restart, Act::Piece(A, 7)]);
    // Enough for the record file to be replaced.
    acts.extend([Act::Piece(A, 1); 66]);
    acts.extend([
        Act::Discarded(A, 3),
        Act::Complete(A),
        Act::Piece(B, 4),
        Act::Restart,
        Act::Remove(B),
    ]);
    acts
}

/// The byte of an upload at an offset.
fn byte_at(id: UploadId, at: usize) -> u8 {
    u8::try_from((id.0.as_u128() as usize * 31 + at * 7) % 251).unwrap()
}

fn bytes_of(id: UploadId, from: usize, count: usize) -> Vec<u8> {
    (from..from + count).map(|at| byte_at(id, at)).collect()
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(bytes).into())
}

/// What senders were told.
#[derive(Clone, Default)]
struct Told {
    offsets: BTreeMap<UploadId, u64>,
    stored: BTreeMap<UploadId, u64>,
    removed: Vec<UploadId>,
}

struct Server {
    objects: Arc<Objects>,
    uploads: LocalUploads,
}

fn start(fs: &CrashFs) -> io::Result<Server> {
    let objects = Arc::new(Objects::open(Arc::new(fs.clone()), Path::new(ROOT))?);
    objects.sweep_staging()?;
    let uploads = LocalUploads::open(Arc::new(fs.clone()), Path::new(ROOT), objects.clone())?;
    Ok(Server { objects, uploads })
}

fn pieces(bytes: &[u8]) -> Vec<Bytes> {
    bytes.chunks(3).map(Bytes::copy_from_slice).collect()
}

impl Server {
    fn piece(&self, id: UploadId, count: usize) -> io::Result<u64> {
        let mut mark = self.uploads.mark(id)?;
        let bytes = bytes_of(id, usize::try_from(mark.offset_bytes).unwrap(), count);
        self.uploads.append(id, mark.offset_bytes, &pieces(&bytes))?;
        mark.extend(&bytes);
        mark.marked_at = Some(Ticking::new().now());
        self.uploads.commit(id, &mark)?;
        Ok(mark.offset_bytes)
    }

    fn discarded(&self, id: UploadId, count: usize) -> io::Result<()> {
        let mark = self.uploads.mark(id)?;
        self.uploads
            .append(id, mark.offset_bytes, &pieces(&vec![0xEE; count]))
    }

    fn complete(&self, fs: &CrashFs, id: UploadId) -> io::Result<u64> {
        let mark = self.uploads.mark(id)?;
        let finished = self.uploads.finish(id, &mark, Uuid::from_u128(0xF1))?;
        self.objects.adopt(TENANT_A, finished)?;
        if fs.commit() {
            Ok(mark.offset_bytes)
        } else {
            Err(io::Error::other("no commit"))
        }
    }
}

fn play(fs: &CrashFs, told: &mut Told) -> io::Result<()> {
    let mut server = start(fs)?;
    for act in script() {
        match act {
            Act::Piece(id, count) => {
                let offset = server.piece(id, count)?;
                told.offsets.insert(id, offset);
            }
            Act::Discarded(id, count) => server.discarded(id, count)?,
            Act::Complete(id) => {
                let size = server.complete(fs, id)?;
                told.stored.insert(id, size);
                server.uploads.remove(id)?;
            }
            Act::Remove(id) => {
                told.removed.push(id);
                server.uploads.remove(id)?;
            }
            Act::Restart => server = start(fs)?,
        }
    }
    Ok(())
}

fn check_mark(server: &Server, id: UploadId) -> Result<Mark, String> {
    let mark = server.uploads.mark(id).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let mut reading = server.uploads.read(id).map_err(|error| error.to_string())?;
    reading.read_to_end(&mut bytes).unwrap();
    let length = usize::try_from(mark.offset_bytes).unwrap();
    if bytes.len() != length || bytes != bytes_of(id, 0, length) {
        return Err(format!("{id} has other bytes before {length} than were sent"));
    }
    if mark.digest() != sha256(&bytes) {
        return Err(format!("{id}: the hash does not go on at {length}"));
    }
    Ok(mark)
}

/// Everything that was told is still true.
fn check(fs: &CrashFs, told: &Told) -> Result<BTreeMap<UploadId, u64>, String> {
    let server = start(fs).map_err(|error| format!("it does not start: {error}"))?;
    let mut now = BTreeMap::new();
    for id in [A, B] {
        if let Some(&size) = told.stored.get(&id) {
            let wanted = bytes_of(id, 0, usize::try_from(size).unwrap());
            let mut found = Vec::new();
            let object = server.objects.open_raw(TENANT_A, sha256(&wanted));
            object
                .map_err(|error| format!("the object of {id}: {error}"))?
                .read_to_end(&mut found)
                .unwrap();
            if found != wanted {
                return Err(format!("the object of {id} has {} other bytes", found.len()));
            }
        } else if !told.removed.contains(&id) {
            let offset = check_mark(&server, id)?.offset_bytes;
            let before = told.offsets.get(&id).copied().unwrap_or(0);
            if offset < before {
                return Err(format!("{id} went back from {before} to {offset}"));
            }
            now.insert(id, offset);
        }
    }
    Ok(now)
}

/// The machine loses its power at this step, or only the process is killed there and the power goes right after the next
/// start. What the start after that says is then asked for once more.
fn try_at(step: u64, ignored: Option<SyncPoint>) -> Result<(), String> {
    let fs = CrashFs::new();
    fs.ignore(ignored);
    fs.cut_at(Some(step));
    let mut told = Told::default();
    let _cut = play(&fs, &mut told);
    for fate in fates(step) {
        let named = |broken| format!("cut at step {step}, {fate:?}: {broken}");
        let after = fs.reboot(fate);
        let mut told = told.clone();
        told.offsets.extend(check(&after, &told).map_err(named)?);
        check(&after.reboot(fate), &told).map_err(named)?;
    }
    fs.kill();
    let killed = |broken| format!("killed at step {step}: {broken}");
    told.offsets.extend(check(&fs, &told).map_err(killed)?);
    for fate in fates(step) {
        check(&fs.reboot(fate), &told).map_err(|broken| killed(format!("{fate:?}: {broken}")))?;
    }
    Ok(())
}

fn steps() -> (u64, BTreeMap<SyncPoint, u64>) {
    let fs = CrashFs::new();
    let mut told = Told::default();
    play(&fs, &mut told).unwrap();
    assert_eq!((told.offsets[&A], told.offsets[&B], told.stored[&A]), (80, 7, 80));
    (fs.steps(), fs.met())
}

fn fates(step: u64) -> [Fate; 5] {
    let reorder = |seed| Fate::Reorder(step * 1000 + seed);
    [Fate::Drop, Fate::Keep, reorder(0), reorder(1), reorder(2)]
}

#[test]
fn an_offset_that_was_told_survives_a_cut_and_a_kill_at_every_step() {
    let (steps, _) = steps();
    for step in 1..=steps {
        try_at(step, None).unwrap();
    }
    eprintln!("{steps} steps, each with a power cut and a kill");
}

#[test]
fn leaving_out_any_single_sync_takes_an_offset_back() {
    let (steps, met) = steps();
    for point in SyncPoint::RESUMABLE {
        let first = *met
            .get(&point)
            .unwrap_or_else(|| panic!("{point:?} is never met"));
        let broken = (first..=steps).find_map(|step| try_at(step, Some(point)).err());
        let broken = broken.unwrap_or_else(|| panic!("without {point:?} nothing was lost"));
        eprintln!("{:<20} {broken}", format!("{point:?}"));
    }
}

#[test]
fn a_disk_where_files_have_one_name_only_stores_the_same() {
    let fs = CrashFs::new();
    fs.forbid_links();
    let mut told = Told::default();
    play(&fs, &mut told).unwrap();
    check(&fs.reboot(Fate::Drop), &told).unwrap();
}

#[test]
fn a_record_that_could_not_be_synced_is_written_afresh_before_it_is_believed() {
    let (steps, _) = steps();
    let mut doubted = 0;
    for step in 1..=steps {
        let fs = CrashFs::new();
        let server = start(&fs).unwrap();
        fs.cut_at(Some(fs.steps() + step));
        let mut told = Told::default();
        let outcome = (0..10).try_for_each(|_| {
            let offset = server.piece(A, 2)?;
            told.offsets.insert(A, offset);
            io::Result::Ok(())
        });
        if outcome.is_ok() {
            break;
        }
        // One operation failed; the process and the machine go on.
        fs.kill();
        let before = told.offsets.get(&A).copied().unwrap_or(0);
        let offset = server.uploads.mark(A).unwrap().offset_bytes;
        assert!(offset >= before, "{offset} after {before}");
        doubted += usize::from(offset > before);
        told.offsets.insert(A, offset);
        check(&fs.reboot(Fate::Drop), &told).unwrap();
    }
    assert!(doubted > 3, "the doubt was met {doubted} times");
}
