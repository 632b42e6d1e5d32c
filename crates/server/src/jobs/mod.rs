//! Background work: takes due jobs, derives what their kind derives from a recording on blocking threads, and settles each
//! job in one transaction with what it changed.
//!
//! ```text
//!        take (attempts + 1)          its subject says what was found, job gone
//! due ────────────────────► leased ──────────────────────────►
//!  ▲                          │ │
//!  └── a passing trouble, ────┘ └── too many tries: job gone, the subject says the reason
//!      later; or crash
//! ```
//!
//! A job may run more than once, so running it twice does no harm: derived files are made aside, put in place whole, and
//! shown only by the transaction that ends the job. A recording that cannot be used is not a failed job: its subject
//! says why and can be tried again.

mod analysis;
mod drives;
mod pictures;
mod settle;
mod telemetry;
mod worker;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use analysis::derive;
pub use analysis::{Analyze, JobError, JobOutput, Request};
pub(crate) use pictures::{Looked, look_at};
pub use telemetry::analyze_with_telemetry;
pub(crate) use telemetry::options;
use tokio::sync::Notify;

use crate::objects::Objects;
use crate::store::sessions::{self, Gates};
use crate::store::{JobId, SessionId, Store, StoreError, TenantId, jobs};

/// The job runner of one data folder. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    store: Store,
    objects: Arc<Objects>,
    analyze: Arc<Analyze>,
    work: Arc<Notify>,
    renew_every: Duration,
}

impl Jobs {
    /// `work` is notified by whoever commits a new job.
    #[must_use]
    pub fn new(store: Store, objects: Arc<Objects>, analyze: Arc<Analyze>, work: Arc<Notify>) -> Self {
        Self {
            store,
            objects,
            analyze,
            work,
            renew_every: worker::RENEW_EVERY,
        }
    }

    /// The same runner, telling more often that it lives.
    #[must_use]
    pub fn renewing_every(mut self, pause: Duration) -> Self {
        self.renew_every = pause;
        self
    }

    /// Frees the leases that a dead process left. Call once at start, holding the folder lock; says how many there were.
    pub async fn reclaim(&self) -> Result<u64, StoreError> {
        let now = self.store.now();
        let freed = self
            .store
            .write_across(move |rows| Box::pin(async move { jobs::reclaim_all(rows, now).await }))
            .await?;
        self.work.notify_one();
        Ok(freed)
    }

    /// Analyses a session afresh, with a gate given by a person or with whatever the analysis finds. `false` if the tenant
    /// has no such session. The session is `waiting` when this returns.
    pub async fn reanalyze(
        &self,
        tenant: TenantId,
        session: SessionId,
        gates: Gates,
    ) -> Result<bool, StoreError> {
        self.requeue(tenant, session, Some(gates)).await
    }

    /// Analyses a session again with exactly what its last analysis knew.
    pub(crate) async fn repeat(&self, tenant: TenantId, session: SessionId) -> Result<bool, StoreError> {
        self.requeue(tenant, session, None).await
    }

    async fn requeue(
        &self,
        tenant: TenantId,
        session: SessionId,
        gates: Option<Gates>,
    ) -> Result<bool, StoreError> {
        let (job, now) = (JobId(self.store.new_id()), self.store.now());
        let found = self
            .store
            .write::<_, StoreError, _>(tenant, move |mut rows| {
                Box::pin(async move { sessions::requeue(&mut rows, session, gates.as_ref(), job, now).await })
            })
            .await?;
        self.work.notify_one();
        Ok(found)
    }
}
