//! A machine whose power can be cut: a file system that loses what was not synced, and a database that is trusted.
//!
//! A database commit is one durable step: it has happened or not; SQLite's own durability is trusted and its settings are
//! asserted when it is opened.

use std::path::Path;
use std::sync::Arc;

use server::backend::{Backend, Environment};
use server::clock::Ids;
use server::place::DATABASE_FILE;
use server::store::Store;
use tempfile::TempDir;

use super::crash_fs::{CrashFs, Fate};
use super::{Ticking, add_tenants_and_loggers, engine, small_analysis};

/// Where the folders lie in the crashing file system; two levels, so that making the outer one is tried too.
pub const ROOT: &str = "/srv/fieldpost";

pub struct Machine {
    pub fs: CrashFs,
    pub database: TempDir,
    pub clock: Arc<Ticking>,
    lives: u64,
}

impl Machine {
    pub fn new(template: &Path) -> Self {
        Self {
            fs: CrashFs::new(),
            database: copy_of(template),
            clock: Ticking::new(),
            lives: 0,
        }
    }

    /// The machine after the cut, with everything unsynced meeting its fate.
    pub fn reboot(&self, fate: Fate) -> Self {
        Self {
            fs: self.fs.reboot(fate),
            database: copy_of(self.database.path()),
            clock: self.clock.clone(),
            lives: self.lives,
        }
    }

    /// A process that takes the machine's folders over.
    pub async fn start(&mut self) -> Result<Backend, String> {
        self.lives += 1;
        let fs = self.fs.clone();
        let environment = Environment {
            fs: Arc::new(fs.clone()),
            clock: self.clock.clone(),
            ids: Arc::new(Ids::seeded(self.lives)),
            analyze: Arc::new(small_analysis),
            commit_hook: Some(Box::new(move || fs.commit())),
        };
        let database = engine::sqlite(self.database.path());
        let opened = Backend::open_in(database, Path::new(ROOT), 1_000_000, environment);
        opened.await.map_err(|error| error.to_string())
    }
}

/// A migrated database with tenants and loggers.
pub async fn template() -> TempDir {
    let folder = scratch();
    let store = Store::open(
        engine::sqlite(folder.path()),
        Ticking::new(),
        Arc::new(Ids::seeded(0)),
    )
    .await
    .unwrap();
    add_tenants_and_loggers(&store).await;
    store.close().await;
    folder
}

/// Databases lie in memory where the machine has such a folder: thousands of commits would wear a disk for nothing.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .unwrap()
}

fn copy_of(folder: &Path) -> TempDir {
    let copy = scratch();
    std::fs::copy(folder.join(DATABASE_FILE), copy.path().join(DATABASE_FILE)).unwrap();
    copy
}
