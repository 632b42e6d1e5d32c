//! A file system that fails once, at the operation it is told: the disk is full there, or broken.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this module"
)]

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use server::durable::{Durable, DurableFile, Entry, RealFs, SyncPoint};

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// ENOSPC.
    DiskFull,
    /// EIO.
    Broken,
}

#[derive(Clone, Default)]
pub struct FaultyFs(Arc<State>);

#[derive(Default)]
struct State {
    /// Operations that still succeed; nothing fails below zero.
    left: AtomicI64,
    full: AtomicBool,
    fired: AtomicBool,
}

impl FaultyFs {
    /// Fails after `left` more operations, once.
    pub fn arm(&self, left: i64, fault: Fault) {
        self.0.fired.store(false, Ordering::SeqCst);
        self.0.full.store(fault == Fault::DiskFull, Ordering::SeqCst);
        self.0.left.store(left + 1, Ordering::SeqCst);
    }

    /// Fails no more; says whether it did.
    pub fn disarm(&self) -> bool {
        self.0.left.store(0, Ordering::SeqCst);
        self.0.fired.swap(false, Ordering::SeqCst)
    }

    fn pass(&self) -> io::Result<()> {
        if self.0.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return Ok(());
        }
        self.0.fired.store(true, Ordering::SeqCst);
        Err(if self.0.full.load(Ordering::SeqCst) {
            io::ErrorKind::StorageFull.into()
        } else {
            // EIO has no kind of its own.
            io::Error::from_raw_os_error(5)
        })
    }
}

struct FaultyFile {
    inner: Box<dyn DurableFile>,
    fs: FaultyFs,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.fs.pass()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl DurableFile for FaultyFile {
    fn sync(&mut self, point: SyncPoint) -> io::Result<()> {
        self.fs.pass()?;
        self.inner.sync(point)
    }
}

impl Durable for FaultyFs {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DurableFile>> {
        self.pass()?;
        Ok(Box::new(FaultyFile {
            inner: RealFs.create(path)?,
            fs: self.clone(),
        }))
    }

    fn append_from(&self, path: &Path, offset_bytes: u64) -> io::Result<Box<dyn DurableFile>> {
        self.pass()?;
        Ok(Box::new(FaultyFile {
            inner: RealFs.append_from(path, offset_bytes)?,
            fs: self.clone(),
        }))
    }

    fn length_bytes(&self, path: &Path) -> io::Result<u64> {
        RealFs.length_bytes(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.link(from, to)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + Send>> {
        RealFs.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.remove_file(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.create_folder(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        RealFs.remove_folder(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        RealFs.list(path)
    }

    fn sync_folder(&self, path: &Path, point: SyncPoint) -> io::Result<()> {
        self.pass()?;
        RealFs.sync_folder(path, point)
    }
}
