//! The ends of a try that every kind has: later, given up. Each is one transaction.

use jiff::SignedDuration;

use super::Jobs;
use crate::clock::after;
use crate::store::StoreError;
use crate::store::jobs::{self, Kind, Taken};
use crate::store::pictures::{Found, Reason};
use crate::store::sessions::Failure;

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
    pub(super) async fn try_later(&self, job: Taken, reason: String) -> Result<(), StoreError> {
        let tried = usize::try_from(job.attempts - 1).unwrap_or(usize::MAX);
        let Some(&pause) = PAUSES.get(tried) else {
            return self.give_up(job, reason).await;
        };
        tracing::warn!(
            recording = %job.recording, kind = job.kind.as_str(), attempts = job.attempts, %reason,
            "a job will be tried again"
        );
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
        tracing::error!(
            recording = %job.recording, kind = job.kind.as_str(), attempts = job.attempts, %reason, "a job was given up"
        );
        let code = "gave_up".to_owned();
        let tries = job.attempts.min(ATTEMPTS_MAX);
        match job.kind {
            Kind::Analyse => {
                let message = format!(
                    "The analysis was tried {tries} times and given up: {reason}. The recording is safe; analyse it \
                     again once the cause is gone."
                );
                let line = None;
                self.mark_failed(job, Failure { code, message, line }).await
            }
            Kind::Picture => {
                let message = format!(
                    "The picture could not be looked at, {tries} times: {reason}. It is safe; `fieldpost rebuild` looks at \
                     it again once the cause is gone."
                );
                self.settle_picture(job, Found::default(), Some(Reason { code, message }))
                    .await
            }
        }
    }
}
