//! Taking a job, running it, settling it; and the loop around that.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::SqliteConnection;
use tokio_util::sync::CancellationToken;

use super::analysis::{AnalyseError, Derived, derive};
use super::{Jobs, Request};
use crate::store::jobs::{self, Ended, Taken};
use crate::store::sessions::{self, Assignment, Failure, Found};
use crate::store::tracks::{self, Track};
use crate::store::{StoreError, TrackId};

/// How long a worker may be silent before its job is taken by another.
const LEASE: SignedDuration = SignedDuration::from_mins(10);
/// How often a working worker says that it lives; a third of the lease, so two lost renewals do no harm.
const RENEW_EVERY: Duration = Duration::from_secs(200);
/// Pauses after the first, second, … failed try. A full disk or a busy machine is over by the last; after it the job is
/// given up.
const PAUSES: [SignedDuration; 4] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
];
const ATTEMPTS_MAX: i64 = 5;
/// Longest sleep without looking at the table: jobs of another process (a command beside the server) notify nobody here.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Why a try came to nothing.
enum Trouble {
    /// The recording's fault: trying again gives the same.
    Unusable(Failure),
    /// Ours or the machine's: worth another try.
    Passing(String),
}

impl From<AnalyseError> for Trouble {
    fn from(error: AnalyseError) -> Self {
        match error {
            AnalyseError::Unusable(failure) => Self::Unusable(failure),
            AnalyseError::Io(error) => Self::Passing(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Passing(error.to_string())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Passing(error.to_string())
    }
}

impl Jobs {
    /// Works with `workers` jobs at a time until `stop`; a job that runs then is finished first.
    pub async fn run(&self, workers: usize, stop: CancellationToken) {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..workers {
            let (jobs, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move { jobs.work(&stop).await });
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a job worker ended early");
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
            // Not below a moment: a job that is due but cannot be taken (its session is busy) must not spin.
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
            .write::<_, StoreError, _>(move |rows| {
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
        match self.attempt(&job).await {
            Ok(()) => {}
            Err(Trouble::Unusable(failure)) => self.mark_failed(job, failure).await?,
            Err(Trouble::Passing(reason)) => self.try_later(job, reason).await?,
        }
        Ok(true)
    }

    async fn attempt(&self, job: &Taken) -> Result<(), Trouble> {
        let assignment = sessions::assignment(&self.store, job.tenant, job.session).await?;
        let assignment = assignment.ok_or_else(|| Trouble::Passing("its session is gone".to_owned()))?;
        let known = tracks::up_to(&self.store, job.tenant, assignment.tracks_known).await?;
        let tracks_known = assignment
            .tracks_known
            .unwrap_or_else(|| known.last().map_or(0, |last| last.number));
        let derived = self.derive_holding(job, &assignment, known).await?;
        let Derived { draft, analysed } = derived;

        let (objects, tenant, recording) = (self.objects.clone(), job.tenant, assignment.recording);
        if !self.renew(job).await? {
            // Another worker has it by now; what was made here is dropped.
            return Ok(());
        }
        on_thread(move || Ok(objects.publish_derived(tenant, recording, draft)?)).await?;

        let learned = analysed.learned.map(|shape| Track {
            id: TrackId(self.store.new_id()),
            number: tracks_known + 1,
            shape,
        });
        let found = Found {
            summary: analysed.summary,
            report: analysed.report,
            analysis_version: analysed.analysis_version,
            tracks_known,
            track: if assignment.tracks_known.is_some() {
                assignment.track
            } else {
                analysed.track
            },
        };
        let learned = learned.filter(|_| assignment.tracks_known.is_none());
        self.settle(*job, found, learned).await?;
        Ok(())
    }

    /// Derives on a blocking thread and keeps the lease alive meanwhile.
    async fn derive_holding(
        &self,
        job: &Taken,
        assignment: &Assignment,
        tracks: Vec<Track>,
    ) -> Result<Derived, Trouble> {
        let request = Request {
            gate: assignment.gate.clone(),
            finish: assignment.finish.clone(),
            tracks,
        };
        let (objects, analyse) = (self.objects.clone(), self.analyse.clone());
        let (tenant, sha256, name) = (job.tenant, assignment.sha256, self.store.new_id());
        let work = on_thread(move || Ok(derive(&objects, &*analyse, tenant, sha256, &request, name)?));
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(RENEW_EVERY) => {
                    // A lease that is lost shows before the files are put in place.
                    self.renew(job).await?;
                }
            }
        }
    }

    async fn renew(&self, job: &Taken) -> Result<bool, StoreError> {
        let (job, until) = (*job, after(self.store.now(), LEASE));
        self.store
            .write(move |rows| Box::pin(async move { jobs::renew(rows, &job, until).await }))
            .await
    }

    /// One transaction: the job gone, the session ready, a learned track kept.
    async fn settle(&self, job: Taken, found: Found, learned: Option<Track>) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store
            .write(move |rows| Box::pin(async move { settle(rows, &job, found, learned, now).await }))
            .await
    }

    async fn mark_failed(&self, job: Taken, failure: Failure) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store
            .write(move |rows| {
                Box::pin(async move {
                    match jobs::end(&mut *rows, &job).await? {
                        Ended::Last => {
                            sessions::set_failed(rows, job.tenant, job.session, &failure, now).await
                        }
                        Ended::Superseded | Ended::NotHeld => Ok(()),
                    }
                })
            })
            .await
    }

    async fn try_later(&self, job: Taken, reason: String) -> Result<(), StoreError> {
        let tried = usize::try_from(job.attempts - 1).unwrap_or(usize::MAX);
        let Some(&pause) = PAUSES.get(tried) else {
            return self.give_up(job, reason).await;
        };
        tracing::warn!(session = %job.session, attempts = job.attempts, %reason, "an analysis will be tried again");
        let now = self.store.now();
        self.store
            .write(move |rows| {
                Box::pin(
                    async move { jobs::give_back(rows, &job, job.attempts, after(now, pause), now).await },
                )
            })
            .await
    }

    async fn give_up(&self, job: Taken, reason: String) -> Result<(), StoreError> {
        tracing::error!(session = %job.session, attempts = job.attempts, %reason, "an analysis was given up");
        let now = self.store.now();
        let failure = Failure {
            code: "gave_up".to_owned(),
            message: format!(
                "The analysis was tried {} times and given up: {reason}. The recording is safe; analyse it again once \
                 the cause is gone.",
                job.attempts.min(ATTEMPTS_MAX)
            ),
            line: None,
        };
        self.store
            .write(move |rows| {
                Box::pin(async move {
                    if jobs::bury(&mut *rows, &job, &reason, now).await? {
                        sessions::set_failed(rows, job.tenant, job.session, &failure, now).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

async fn settle(
    rows: &mut SqliteConnection,
    job: &Taken,
    mut found: Found,
    learned: Option<Track>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if learned.is_some() && tracks::newest_number(&mut *rows, job.tenant).await? > found.tracks_known {
        // Another session learned a track meanwhile, maybe this one: look again, knowing it. Each such round means that
        // somebody else got on, so it ends; it does not count as a failed try.
        return jobs::give_back(rows, job, job.attempts - 1, now, now).await;
    }
    match jobs::end(&mut *rows, job).await? {
        Ended::Last => {}
        Ended::Superseded | Ended::NotHeld => return Ok(()),
    }
    if let Some(track) = learned {
        tracks::insert(&mut *rows, job.tenant, &track, now).await?;
        found.track = Some(track.id);
    }
    sessions::set_ready(rows, job.tenant, job.session, &found, now).await
}

fn after(now: Timestamp, pause: SignedDuration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

/// A panic in the analysis is a passing trouble: it is counted, and in the end the job is given up with its text.
async fn on_thread<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    match tokio::task::spawn_blocking(act).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Trouble::Passing(error.to_string())),
    }
}
