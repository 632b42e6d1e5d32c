//! Taking a job and running it, and the loop around that. What a job of a kind does is in a module of its own, how a try
//! ends in `settle`.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::Jobs;
use super::settle::ATTEMPTS_MAX;
use crate::clock::after;
use crate::store::StoreError;
use crate::store::jobs::{self, Kind, Taken};

/// How long a worker may be silent before its job is taken by another.
const LEASE: SignedDuration = SignedDuration::from_mins(10);
/// How often a working worker says that it lives; a third of the lease, so two lost renewals do no harm.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(200);
/// Workers that are replaced after a panic before the runner gives up. A job that brings its worker down is leased for ten
/// minutes and given up after five tries, so only a mistake that hits every worker comes this far.
const REPLACEMENTS_MAX: usize = 32;
/// Longest sleep without looking at the table: jobs of another process (a command beside the server) notify nobody here.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Why a try came to nothing, where another may not: our own trouble or the machine's, never the recording's.
pub(super) struct Passing(String);

impl From<std::io::Error> for Passing {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<StoreError> for Passing {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl Jobs {
    /// Works with `workers` jobs at a time until `stop`; a job that runs then is finished first. A worker that panics is
    /// replaced; where that goes on, the rest are stopped and this returns early.
    pub async fn run(&self, workers: usize, stop: CancellationToken) {
        let stop = stop.child_token();
        let mut tasks = tokio::task::JoinSet::new();
        let spawn = |tasks: &mut tokio::task::JoinSet<()>| {
            let (jobs, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move { jobs.work(&stop).await });
        };
        for _ in 0..workers {
            spawn(&mut tasks);
        }
        let mut replaced = 0;
        while let Some(ended) = tasks.join_next().await {
            let Err(error) = ended else { continue };
            tracing::error!(%error, replaced, "a job worker ended early");
            if replaced == REPLACEMENTS_MAX {
                stop.cancel();
            } else {
                replaced += 1;
                spawn(&mut tasks);
            }
        }
    }

    async fn work(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.run_next().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "jobs cannot be read or settled"),
            }
            let pause = self.pause().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.work.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Until the next job is due.
    async fn pause(&self) -> Duration {
        match jobs::next_due(&self.store).await {
            // Not below a moment: a job that is due but cannot be taken (its recording is busy) must not spin.
            Ok(Some(due)) => Duration::try_from(due.duration_since(self.store.now()))
                .unwrap_or(Duration::ZERO)
                .clamp(Duration::from_millis(100), LOOK_EVERY),
            Ok(None) | Err(_) => LOOK_EVERY,
        }
    }

    /// Runs the job that has been due longest, to its end; `false` if none is due. An error means that the outcome could
    /// not be recorded: the lease runs out and the job is taken again.
    pub async fn run_next(&self) -> Result<bool, StoreError> {
        let (lease, now) = (self.store.new_id(), self.store.now());
        let taken = self
            .store
            .write_across::<_, StoreError, _>(move |rows| {
                Box::pin(async move { jobs::take(rows, lease, after(now, LEASE), now).await })
            })
            .await?;
        let Some(job) = taken else { return Ok(false) };
        if job.attempts > ATTEMPTS_MAX {
            // Counted when taken and never settled: the process died each time.
            self.give_up(job, "the program ended during every try".to_owned())
                .await?;
            return Ok(true);
        }
        if let Err(Passing(reason)) = self.attempt(&job).await {
            self.try_later(job, reason).await?;
        }
        Ok(true)
    }

    async fn attempt(&self, job: &Taken) -> Result<(), Passing> {
        match job.kind {
            Kind::Analyse => self.analyse(job).await,
            Kind::Picture => self.picture(job).await,
        }
    }

    /// A job whose subject is gone has nothing to do, now or later.
    pub(super) async fn drop_orphan(&self, job: Taken) -> Result<(), Passing> {
        tracing::error!(recording = %job.recording, kind = job.kind.as_str(), "a job is dropped: its subject is gone");
        let ending = self.store.write::<_, StoreError, _>(job.tenant, move |mut rows| {
            Box::pin(async move { jobs::end(&mut rows, &job).await })
        });
        ending.await?;
        Ok(())
    }

    /// Works on a blocking thread and keeps the lease alive meanwhile. The thread cannot be stopped, so it is waited for
    /// whatever becomes of the lease: a worker that has one running takes no other job.
    pub(super) async fn holding<T: Send + 'static>(
        &self,
        job: &Taken,
        work: impl FnOnce() -> Result<T, Passing> + Send + 'static,
    ) -> Result<T, Passing> {
        let work = on_thread(work);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(self.renew_every) => {
                    // A lease that is lost shows before the files are put in place.
                    if let Err(error) = self.renew(job).await {
                        tracing::warn!(recording = %job.recording, %error, "a lease could not be renewed");
                    }
                }
            }
        }
    }

    /// `false` where another worker has the job by now; what was made for it is to be dropped.
    pub(super) async fn renew(&self, job: &Taken) -> Result<bool, StoreError> {
        let (job, until) = (*job, after(self.store.now(), LEASE));
        self.store
            .write(job.tenant, move |mut rows| {
                Box::pin(async move { jobs::renew(&mut rows, &job, until).await })
            })
            .await
    }
}

/// A panic in the work is a passing trouble: it is counted, and in the end the job is given up with its text.
pub(super) async fn on_thread<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Passing> + Send + 'static,
) -> Result<T, Passing> {
    match tokio::task::spawn_blocking(act).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Passing(error.to_string())),
    }
}
