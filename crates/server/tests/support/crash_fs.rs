//! A file system in memory that knows which of its contents would survive a power cut.
//!
//! It is harsher than any real one, within what POSIX allows: bytes of a file survive only its sync, a name (made, moved
//! or removed) only the sync of its folder, and at the cut everything unsynced is dropped, or all of it kept, or a random
//! subset kept with the last kept write torn.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use server::durable::{Durable, DurableFile, Entry, SyncPoint};

/// What happens at the cut to whatever was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Drop,
    Keep,
    /// Each unsynced name and write on its own, by this seed.
    Reorder(u64),
}

/// Shared by a process's files and its database commits.
#[derive(Clone)]
pub struct CrashFs {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Clone)]
struct Disk {
    nodes: Vec<Node>,
    /// Durable operations so far, syncs and commits included.
    steps: u64,
    cut_at: Option<u64>,
    off: bool,
    one_name_only: bool,
    ignored: Option<SyncPoint>,
    met: BTreeMap<SyncPoint, u64>,
}

#[derive(Clone)]
enum Node {
    File {
        synced: Vec<u8>,
        unsynced: Vec<Edit>,
    },
    Folder {
        synced: BTreeMap<String, usize>,
        now: BTreeMap<String, usize>,
        unsynced: Vec<Change>,
    },
}

/// A change to a file's bytes.
#[derive(Clone)]
enum Edit {
    Write { at: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

impl Edit {
    /// Only the first `kept` bytes of a write may have reached the disk.
    fn apply(&self, content: &mut Vec<u8>, kept: usize) {
        match self {
            Self::Write { at, bytes } => {
                let kept = kept.min(bytes.len());
                // A hole left by a lost earlier write reads as zeros.
                content.resize(content.len().max(at + kept), 0);
                content[*at..at + kept].copy_from_slice(&bytes[..kept]);
            }
            Self::Cut { length } => content.truncate(*length),
        }
    }
}

fn content(synced: &[u8], unsynced: &[Edit]) -> Vec<u8> {
    let mut content = synced.to_vec();
    for edit in unsynced {
        edit.apply(&mut content, usize::MAX);
    }
    content
}

/// A name that now means this node, or nothing.
type Change = (String, Option<usize>);

const ROOT: usize = 0;

fn folder() -> Node {
    Node::Folder {
        synced: BTreeMap::new(),
        now: BTreeMap::new(),
        unsynced: Vec::new(),
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, path.display().to_string())
}

impl CrashFs {
    pub fn new() -> Self {
        let disk = Disk {
            nodes: vec![folder()],
            steps: 0,
            cut_at: None,
            off: false,
            one_name_only: false,
            ignored: None,
            met: BTreeMap::new(),
        };
        Self {
            disk: Arc::new(Mutex::new(disk)),
        }
    }

    fn disk(&self) -> std::sync::MutexGuard<'_, Disk> {
        self.disk.lock().unwrap()
    }

    /// The power fails at this step, counted from 1 over the file system's life; `None`: never.
    pub fn cut_at(&self, step: Option<u64>) {
        self.disk().cut_at = step;
    }

    /// Syncs of this kind do nothing from now on.
    pub fn ignore(&self, point: Option<SyncPoint>) {
        self.disk().ignored = point;
    }

    pub fn steps(&self) -> u64 {
        self.disk().steps
    }

    pub fn is_off(&self) -> bool {
        self.disk().off
    }

    /// The sync points that were reached, each with the step at which it first was.
    pub fn met(&self) -> BTreeMap<SyncPoint, u64> {
        self.disk().met.clone()
    }

    /// Counts a database commit as a step; `false` if the power fails before it.
    pub fn commit(&self) -> bool {
        let mut disk = self.disk();
        disk.step().is_ok()
    }

    /// The process is killed, or was by [`CrashFs::cut_at`], and the machine stays on: nothing unsynced is lost yet.
    pub fn kill(&self) {
        let mut disk = self.disk();
        disk.off = false;
        disk.cut_at = None;
    }

    /// Files have one name only from now on, as on a card with FAT.
    pub fn forbid_links(&self) {
        self.disk().one_name_only = true;
    }

    /// What a machine finds after the cut, powered again. `self` is left as it was.
    pub fn reboot(&self, fate: Fate) -> Self {
        let mut disk = self.disk().clone();
        let mut random = StdRng::seed_from_u64(match fate {
            Fate::Reorder(seed) => seed,
            Fate::Drop | Fate::Keep => 0,
        });
        for node in &mut disk.nodes {
            node.settle(fate, &mut random);
        }
        disk.off = false;
        disk.cut_at = None;
        Self {
            disk: Arc::new(Mutex::new(disk)),
        }
    }
}

impl Node {
    fn settle(&mut self, fate: Fate, random: &mut StdRng) {
        let survives = |random: &mut StdRng| match fate {
            Fate::Drop => false,
            Fate::Keep => true,
            Fate::Reorder(_) => random.random_bool(0.5),
        };
        match self {
            Self::File { synced, unsynced } => {
                let mut kept = synced.clone();
                for edit in unsynced.drain(..) {
                    if !survives(random) {
                        continue;
                    }
                    let torn = match (fate, &edit) {
                        (Fate::Reorder(_), Edit::Write { bytes, .. }) => random.random_range(0..=bytes.len()),
                        (Fate::Reorder(_) | Fate::Drop | Fate::Keep, _) => usize::MAX,
                    };
                    edit.apply(&mut kept, torn);
                }
                *synced = kept;
            }
            Self::Folder {
                synced,
                now,
                unsynced,
            } => {
                for (name, node) in unsynced.drain(..) {
                    if survives(random) {
                        set(synced, name, node);
                    }
                }
                now.clone_from(synced);
            }
        }
    }
}

fn set(names: &mut BTreeMap<String, usize>, name: String, node: Option<usize>) {
    match node {
        Some(node) => drop(names.insert(name, node)),
        None => drop(names.remove(&name)),
    }
}

impl Disk {
    fn alive(&self) -> io::Result<()> {
        if self.off { Err(power_is_off()) } else { Ok(()) }
    }

    /// Counts a step. At the cut the step's own effect still joins what is unsynced (the caller applies it first), so
    /// that a reboot may find it done, half done or not done.
    fn step(&mut self) -> io::Result<()> {
        self.alive()?;
        self.steps += 1;
        if self.cut_at == Some(self.steps) {
            self.off = true;
        }
        self.alive()
    }

    fn meet(&mut self, point: SyncPoint) {
        let step = self.steps + 1;
        self.met.entry(point).or_insert(step);
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = ROOT;
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            let Node::Folder { now, .. } = &self.nodes[node] else {
                return Err(missing(path));
            };
            node = *now.get(name.to_str().unwrap()).ok_or_else(|| missing(path))?;
        }
        Ok(node)
    }

    fn names(&mut self, path: &Path) -> io::Result<(&mut BTreeMap<String, usize>, &mut Vec<Change>)> {
        let node = self.find(path)?;
        match &mut self.nodes[node] {
            Node::Folder { now, unsynced, .. } => Ok((now, unsynced)),
            Node::File { .. } => Err(missing(path)),
        }
    }

    fn set_name(&mut self, path: &Path, node: Option<usize>) -> io::Result<()> {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (now, unsynced) = self.names(path.parent().unwrap())?;
        set(now, name.clone(), node);
        unsynced.push((name, node));
        Ok(())
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        self.alive()?;
        if self.find(path).is_ok() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                path.display().to_string(),
            ));
        }
        self.find(path.parent().unwrap())?;
        self.nodes.push(node);
        let index = self.nodes.len() - 1;
        self.set_name(path, Some(index))?;
        self.step()?;
        Ok(index)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.alive()?;
        self.find(path)?;
        self.set_name(path, None)?;
        self.step()
    }
}

struct CrashFile {
    fs: CrashFs,
    node: usize,
}

impl Write for CrashFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.fs.disk();
        disk.alive()?;
        if let Node::File { synced, unsynced } = &mut disk.nodes[self.node] {
            let at = content(synced, unsynced).len();
            let bytes = bytes.to_vec();
            unsynced.push(Edit::Write { at, bytes });
        }
        disk.step()?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DurableFile for CrashFile {
    fn sync(&mut self, point: SyncPoint) -> io::Result<()> {
        let mut disk = self.fs.disk();
        disk.meet(point);
        disk.step()?;
        if disk.ignored == Some(point) {
            return Ok(());
        }
        if let Node::File { synced, unsynced } = &mut disk.nodes[self.node] {
            for edit in unsynced.drain(..) {
                edit.apply(synced, usize::MAX);
            }
        }
        Ok(())
    }
}

impl Durable for CrashFs {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DurableFile>> {
        let file = Node::File {
            synced: Vec::new(),
            unsynced: Vec::new(),
        };
        let node = self.disk().add(path, file)?;
        Ok(Box::new(CrashFile {
            fs: self.clone(),
            node,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let disk = self.disk();
        disk.alive()?;
        match &disk.nodes[disk.find(path)?] {
            Node::File { synced, unsynced } => Ok(Box::new(Cursor::new(content(synced, unsynced)))),
            Node::Folder { .. } => Err(missing(path)),
        }
    }

    fn append_from(&self, path: &Path, offset_bytes: u64) -> io::Result<Box<dyn DurableFile>> {
        let mut disk = self.disk();
        disk.alive()?;
        let node = disk.find(path)?;
        let length = usize::try_from(offset_bytes).unwrap();
        let Node::File { synced, unsynced } = &mut disk.nodes[node] else {
            return Err(missing(path));
        };
        let now = content(synced, unsynced).len();
        if now < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if now > length {
            unsynced.push(Edit::Cut { length });
            disk.step()?;
        }
        Ok(Box::new(CrashFile {
            fs: self.clone(),
            node,
        }))
    }

    fn length_bytes(&self, path: &Path) -> io::Result<u64> {
        let disk = self.disk();
        disk.alive()?;
        match &disk.nodes[disk.find(path)?] {
            Node::File { synced, unsynced } => Ok(content(synced, unsynced).len() as u64),
            Node::Folder { .. } => Err(missing(path)),
        }
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.alive()?;
        if disk.one_name_only {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let node = disk.find(from)?;
        if disk.find(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        disk.set_name(to, Some(node))?;
        disk.step()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        disk.alive()?;
        let node = disk.find(from)?;
        if let (Ok(taken), Node::Folder { .. }) = (disk.find(to), &disk.nodes[node]) {
            assert_eq!(
                taken,
                node,
                "a folder cannot be moved over another: {}",
                to.display()
            );
        }
        disk.set_name(to, Some(node))?;
        disk.set_name(from, None)?;
        disk.step()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.disk().remove(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.disk().add(path, folder()).map(drop)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.disk();
        let (names, _) = disk.names(path)?;
        assert!(
            names.is_empty(),
            "{} is removed with things in it",
            path.display()
        );
        disk.remove(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut disk = self.disk();
        disk.alive()?;
        let names: Vec<_> = disk.names(path)?.0.clone().into_iter().collect();
        let is_folder = |node: usize| matches!(disk.nodes[node], Node::Folder { .. });
        Ok(names
            .into_iter()
            .map(|(name, node)| Entry {
                name,
                is_folder: is_folder(node),
            })
            .collect())
    }

    fn sync_folder(&self, path: &Path, point: SyncPoint) -> io::Result<()> {
        let mut disk = self.disk();
        disk.meet(point);
        disk.alive()?;
        let node = disk.find(path)?;
        disk.step()?;
        if disk.ignored == Some(point) {
            return Ok(());
        }
        if let Node::Folder {
            synced,
            now,
            unsynced,
        } = &mut disk.nodes[node]
        {
            synced.clone_from(now);
            unsynced.clear();
        }
        Ok(())
    }
}
