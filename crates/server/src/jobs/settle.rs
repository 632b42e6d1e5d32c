//! The four ends of a try: ready, failed, later, given up. Each is one transaction.

use jiff::{SignedDuration, Timestamp};

use super::Jobs;
use crate::clock::after;
use crate::store::jobs::{self, Ended, Taken};
use crate::store::sessions::{self, Failure, Found};
use crate::store::tracks::{self, Track};
use crate::store::{StoreError, TeamRows};

/// Pauses after the first, second, … failed try. A full disk or a busy machine is over by the last; after it the job is
/// given up.
const PAUSES: [SignedDuration; 4] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
];
pub(super) const ATTEMPTS_MAX: i64 = 5;

impl Jobs {
    /// One transaction: the job gone, the session ready, a learned track kept.
    pub(super) async fn settle(
        &self,
        job: Taken,
        found: Found,
        learned: Option<Track>,
    ) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store
            .write(job.tenant, move |mut rows| {
                Box::pin(async move { settle(&mut rows, &job, found, learned, now).await })
            })
            .await
    }

    /// One transaction: the job gone, the session failed, unless a newer job of it waits.
    pub(super) async fn mark_failed(&self, job: Taken, failure: Failure) -> Result<(), StoreError> {
        let now = self.store.now();
        self.store
            .write(job.tenant, move |mut rows| {
                Box::pin(async move {
                    match jobs::end(&mut rows, &job).await? {
                        Ended::Last => sessions::set_failed(&mut rows, job.session, &failure, now).await,
                        Ended::Superseded | Ended::NotHeld => Ok(()),
                    }
                })
            })
            .await
    }

    pub(super) async fn try_later(&self, job: Taken, reason: String) -> Result<(), StoreError> {
        let tried = usize::try_from(job.attempts - 1).unwrap_or(usize::MAX);
        let Some(&pause) = PAUSES.get(tried) else {
            return self.give_up(job, reason).await;
        };
        tracing::warn!(session = %job.session, attempts = job.attempts, %reason, "an analysis will be tried again");
        let now = self.store.now();
        self.store
            .write(job.tenant, move |mut rows| {
                Box::pin(async move {
                    jobs::give_back(&mut rows, &job, job.attempts, after(now, pause), now).await
                })
            })
            .await
    }

    pub(super) async fn give_up(&self, job: Taken, reason: String) -> Result<(), StoreError> {
        tracing::error!(session = %job.session, attempts = job.attempts, %reason, "an analysis was given up");
        let failure = Failure {
            code: "gave_up".to_owned(),
            message: format!(
                "The analysis was tried {} times and given up: {reason}. The recording is safe; analyse it again once \
                 the cause is gone.",
                job.attempts.min(ATTEMPTS_MAX)
            ),
            line: None,
        };
        self.mark_failed(job, failure).await
    }
}

async fn settle(
    rows: &mut TeamRows<'_>,
    job: &Taken,
    mut found: Found,
    learned: Option<Track>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if learned.is_some() && tracks::newest_number(rows).await? > found.tracks_known {
        // Another session learned a track meanwhile, maybe this one: look again, knowing it. Each such round means that
        // somebody else got on, so it ends; it does not count as a failed try.
        return jobs::give_back(rows, job, job.attempts - 1, now, now).await;
    }
    match jobs::end(rows, job).await? {
        Ended::Last => {}
        Ended::Superseded | Ended::NotHeld => return Ok(()),
    }
    if let Some(track) = learned {
        tracks::insert(rows, &track, now).await?;
        found.track = Some(track.id);
    }
    sessions::set_ready(rows, job.session, &found, now).await
}
