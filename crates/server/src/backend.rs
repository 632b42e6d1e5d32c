//! Everything behind HTTP, opened on one data folder: what handlers and commands are given.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::clock::{Clock, Ids, Steady, SystemClock};
use crate::config::Config;
use crate::durable::{Durable, RealFs};
use crate::ingest::Ingest;
use crate::jobs::{Analyze, Jobs};
use crate::objects::{FolderLock, LockError, Objects};
use crate::place::Place;
use crate::receipts::{Receipts, ReceiptsError};
use crate::store::quota::Quota;
use crate::store::{CommitHook, Database, Store, StoreError, recordings};
use crate::uploads::{LocalUploads, UploadError, Uploads};

/// One data folder at work. Opening it again is refused while this lives; [`open_store`] is for commands that only
/// touch rows beside a running server.
pub struct Backend {
    pub store: Store,
    pub objects: Arc<Objects>,
    pub ingest: Ingest,
    pub jobs: Jobs,
    pub receipts: Receipts,
    pub uploads: Arc<Uploads>,
    pub quota: Quota,
    pub(crate) steady: Steady,
    pub(crate) analyze: Arc<Analyze>,
    _lock: Option<FolderLock>,
}

/// What a [`Backend`] runs on; tests put other things in.
pub struct Environment {
    pub fs: Arc<dyn Durable>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<Ids>,
    pub analyze: Arc<Analyze>,
    pub commit_hook: Option<CommitHook>,
}

impl Environment {
    fn real() -> Self {
        Self {
            fs: Arc::new(RealFs),
            clock: Arc::new(SystemClock),
            ids: Arc::new(Ids::from_system()),
            analyze: Arc::new(crate::jobs::analyze_with_telemetry),
            commit_hook: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot prepare the data folder {path}: {cause}; give a folder that the server may write to")]
    Folder { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Receipts(#[from] ReceiptsError),
    #[error("an upload that an earlier process left could not be taken up: {0}")]
    Uploads(#[from] UploadError),
}

/// What a server takes, decided before anything that an earlier process left is taken up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub recording_bytes_max: u64,
    pub quota: Quota,
}

/// No quota.
impl From<u64> for Limits {
    fn from(recording_bytes_max: u64) -> Self {
        Self {
            recording_bytes_max,
            quota: Quota::default(),
        }
    }
}

impl From<&Config> for Limits {
    fn from(config: &Config) -> Self {
        Self {
            recording_bytes_max: config.upload_max_bytes,
            quota: Quota::of(config.team_quota_bytes),
        }
    }
}

impl Backend {
    /// Takes over a data folder: makes what is missing, locks it, sweeps what an earlier process left unfinished and
    /// frees its jobs. Jobs run once somebody calls [`Jobs::run`].
    pub async fn open(place: &Place, limits: impl Into<Limits>) -> Result<Self, OpenError> {
        let environment = Environment::real();
        let data_dir = &place.data_dir;
        let objects = prepare(data_dir, environment.fs.clone()).await?;
        let lock = FolderLock::take(data_dir)?;
        Self::assemble(
            place.database(),
            data_dir,
            limits.into(),
            environment,
            objects,
            Some(lock),
        )
        .await
    }

    /// [`Backend::open`] on another environment, whose folders lie at `root` of its file system, with a real database. Takes
    /// no lock.
    pub async fn open_in(
        database: Database,
        root: &Path,
        limits: impl Into<Limits>,
        environment: Environment,
    ) -> Result<Self, OpenError> {
        let objects = prepare(root, environment.fs.clone()).await?;
        Self::assemble(database, root, limits.into(), environment, objects, None).await
    }

    async fn assemble(
        database: Database,
        root: &Path,
        limits: Limits,
        environment: Environment,
        objects: Arc<Objects>,
        lock: Option<FolderLock>,
    ) -> Result<Self, OpenError> {
        let Environment {
            fs,
            clock,
            ids,
            analyze,
            commit_hook,
        } = environment;
        let sweeping = objects.clone();
        let swept = on_thread(root, move || sweeping.sweep_staging()).await?;
        let steady = Steady(clock.clone());
        let store = Store::open_with_hook(database, clock, ids, commit_hook).await?;
        let receipts = Receipts::open(store.clone(), objects.clone()).await?;
        let work = Arc::new(Notify::new());
        let Limits {
            recording_bytes_max,
            quota,
        } = limits;
        let ingest = Ingest::new(
            store.clone(),
            objects.clone(),
            work.clone(),
            quota,
            recording_bytes_max,
        );
        let bytes = {
            let (folder, objects) = (root.to_owned(), objects.clone());
            on_thread(root, move || LocalUploads::open(fs, &folder, objects)).await?
        };
        let uploads = Arc::new(Uploads::new(
            store.clone(),
            objects.clone(),
            Arc::new(bytes),
            work.clone(),
            quota,
            recording_bytes_max,
        ));
        let jobs = Jobs::new(store.clone(), objects.clone(), analyze.clone(), work);
        let orphans = sweep_orphans(root, &store, &objects).await?;
        let recovered = uploads.recover().await?;
        let freed = jobs.reclaim().await?;
        if swept > 0 || freed > 0 || orphans > 0 || recovered > 0 {
            tracing::info!(
                swept,
                orphans,
                recovered,
                freed,
                "cleaned up after an earlier process"
            );
        }
        Ok(Self {
            store,
            objects,
            ingest,
            jobs,
            receipts,
            uploads,
            quota,
            steady,
            analyze,
            _lock: lock,
        })
    }
}

/// Takes away the objects whose rows an earlier process did not live to write; says how many there were.
async fn sweep_orphans(root: &Path, store: &Store, objects: &Arc<Objects>) -> Result<usize, OpenError> {
    let listing = objects.clone();
    let mut orphans = 0;
    for claim in on_thread(root, move || listing.unsettled()).await? {
        let stored = recordings::has_object(store, claim.tenant, claim.digest).await?;
        let objects = objects.clone();
        if stored {
            on_thread(root, move || objects.settle(claim)).await?;
        } else {
            orphans += 1;
            on_thread(root, move || objects.abandon(claim)).await?;
        }
    }
    Ok(orphans)
}

/// Only the rows of a data folder, for commands beside a running server; makes the folder if it is missing.
pub async fn open_store(place: &Place) -> Result<Store, OpenError> {
    let Environment { fs, clock, ids, .. } = Environment::real();
    prepare(&place.data_dir, fs).await?;
    Ok(Store::open(place.database(), clock, ids).await?)
}

async fn prepare(root: &Path, fs: Arc<dyn Durable>) -> Result<Arc<Objects>, OpenError> {
    let folder = root.to_owned();
    Ok(Arc::new(
        on_thread(root, move || Objects::open(fs, &folder)).await?,
    ))
}

async fn on_thread<T: Send + 'static>(
    root: &Path,
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, OpenError> {
    let outcome = tokio::task::spawn_blocking(act)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    outcome.map_err(|cause| OpenError::Folder {
        path: root.to_owned(),
        cause,
    })
}
