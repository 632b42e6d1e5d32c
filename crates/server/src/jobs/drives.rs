//! A job of the kind `analyse`: a drive's recording is analysed and its session says what was found.

use jiff::Timestamp;

use super::analysis::{Derived, JobError, derive};
use super::worker::{Passing, on_thread};
use super::{Jobs, Request};
use crate::store::jobs::{self, Ended, Taken};
use crate::store::sessions::{self, Assignment, Failure, Found};
use crate::store::tracks::{self, Track};
use crate::store::{StoreError, TeamRows, TrackId};

impl Jobs {
    pub(super) async fn analyse(&self, job: &Taken) -> Result<(), Passing> {
        let assignment = sessions::assignment_of(&self.store, job.tenant, job.recording).await?;
        let Some(assignment) = assignment else {
            return self.drop_orphan(*job).await;
        };
        let known = tracks::up_to(&self.store, job.tenant, assignment.tracks_known).await?;
        let tracks_known = assignment
            .tracks_known
            .unwrap_or_else(|| known.last().map_or(0, |last| last.number));
        let derived = self.derive_holding(job, &assignment, known).await?;

        if !self.renew(job).await? {
            return Ok(());
        }
        let (objects, tenant, recording) = (self.objects.clone(), job.tenant, job.recording);
        let Derived { draft, output } = match derived {
            Ok(derived) => derived,
            Err(failure) => {
                let name = self.store.new_id();
                on_thread(move || Ok(objects.remove_derived(tenant, recording, name)?)).await?;
                return Ok(self.mark_failed(*job, failure).await?);
            }
        };
        on_thread(move || Ok(objects.publish_derived(tenant, recording, draft)?)).await?;

        let learned = output.learned.map(|shape| Track {
            id: TrackId(self.store.new_id()),
            number: tracks_known + 1,
            shape,
        });
        let found = Found {
            summary: output.summary,
            report: output.report,
            analysis_version: output.analysis_version,
            tracks_known,
            track: if assignment.tracks_known.is_some() {
                assignment.track
            } else {
                output.track
            },
        };
        let learned = learned.filter(|_| assignment.tracks_known.is_none());
        self.settle(*job, found, learned).await?;
        Ok(())
    }

    /// The inner error is the recording's fault: trying again would give the same.
    async fn derive_holding(
        &self,
        job: &Taken,
        assignment: &Assignment,
        tracks: Vec<Track>,
    ) -> Result<Result<Derived, Failure>, Passing> {
        let request = Request {
            gate: assignment.gate.clone(),
            finish: assignment.finish.clone(),
            tracks,
        };
        let (objects, analyze) = (self.objects.clone(), self.analyze.clone());
        let (tenant, sha256, name) = (job.tenant, assignment.sha256, self.store.new_id());
        self.holding(job, move || {
            match derive(&objects, &*analyze, tenant, sha256, &request, name) {
                Ok(derived) => Ok(Ok(derived)),
                Err(JobError::Unusable(failure)) => Ok(Err(failure)),
                Err(JobError::Io(error)) => Err(error.into()),
            }
        })
        .await
    }

    /// One transaction: the job gone, the session ready, a learned track kept.
    async fn settle(&self, job: Taken, found: Found, learned: Option<Track>) -> Result<(), StoreError> {
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
                        Ended::Last => sessions::set_failed(&mut rows, job.recording, &failure, now).await,
                        Ended::Superseded | Ended::NotHeld => Ok(()),
                    }
                })
            })
            .await
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
    sessions::set_ready(rows, job.recording, &found, now).await
}
