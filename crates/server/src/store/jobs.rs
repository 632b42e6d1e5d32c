//! Background work as rows: born in the transaction that needs it, leased to one worker, gone when done or given up: the
//! outcome, with the reason of a failure, is its subject's, a session or a picture.
//!
//! A job is about one recording. Its kind says what is done with it, and two jobs of one recording never run at a time:
//! they would derive the same files.
//!
//! The only queries that cross tenants are here: a worker takes whatever is due.

use jiff::Timestamp;
use uuid::Uuid;

use super::sql::{Rows, query};
use super::{JobId, RecordingId, Store, StoreError, TeamRows, TenantId, bad_row, sessions};

/// What is done with a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A drive's session is analysed.
    Analyse,
    /// A still is looked at.
    Picture,
}

impl Kind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Analyse => "analyse",
            Self::Picture => "picture",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        match text {
            "analyse" => Ok(Self::Analyse),
            "picture" => Ok(Self::Picture),
            other => Err(bad_row(format!("jobs.kind is {other:?}"))),
        }
    }
}

/// A job that this process holds until its lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub id: JobId,
    pub tenant: TenantId,
    pub kind: Kind,
    pub recording: RecordingId,
    /// This try included.
    pub attempts: i64,
    pub lease: Uuid,
}

pub async fn insert(
    rows: &mut TeamRows<'_>,
    id: JobId,
    kind: Kind,
    recording: RecordingId,
    now: Timestamp,
) -> Result<(), StoreError> {
    rows.query(
        "INSERT INTO jobs (tenant_id, id, kind, recording_id, created_at, next_try_at) \
         VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(id)
    .bind(kind.as_str())
    .bind(recording)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Leases the job that has been due longest and marks its subject as being worked on. A recording whose other job is
/// still being worked on waits, so two workers never derive the same files.
pub async fn take(
    rows: &mut Rows,
    lease: Uuid,
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<Option<Taken>, StoreError> {
    let row = query(
        "UPDATE jobs SET lease = $1, lease_until = $2, attempts = attempts + 1 WHERE id = (\
           SELECT j.id FROM jobs j WHERE j.next_try_at <= $3 \
           AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.recording_id = j.recording_id AND o.lease IS NOT NULL \
                           AND o.lease_until > $3) \
           ORDER BY j.next_try_at, j.id LIMIT 1) \
         RETURNING id, tenant_id, kind, recording_id, attempts",
    )
    .bind(lease)
    .bind(lease_until)
    .bind(now)
    .fetch_optional(&mut *rows)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let taken = Taken {
        id: row.get("id")?,
        tenant: row.get("tenant_id")?,
        kind: Kind::parse(&row.get::<String>("kind")?)?,
        recording: row.get("recording_id")?,
        attempts: row.get("attempts")?,
        lease,
    };
    let mut rows = TeamRows::of(rows, taken.tenant);
    match taken.kind {
        Kind::Analyse => {
            sessions::set_status(&mut rows, taken.recording, sessions::Status::Analysing, now).await?;
        }
        // It waits until it was looked at, which takes a moment.
        Kind::Picture => {}
    }
    Ok(Some(taken))
}

/// Prolongs a lease; `false` if it is no longer ours.
pub async fn renew(rows: &mut TeamRows<'_>, job: &Taken, until: Timestamp) -> Result<bool, StoreError> {
    let renewed = rows
        .query("UPDATE jobs SET lease_until = $2 WHERE tenant_id = $1 AND id = $3 AND lease = $4")
        .bind(until)
        .bind(job.id)
        .bind(job.lease)
        .execute()
        .await?;
    Ok(renewed == 1)
}

/// What became of a job that its holder wants to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is gone and its subject is the holder's to change.
    Last,
    /// It is gone, but a newer job of the recording waits; the subject is that one's.
    Superseded,
    /// The lease had been lost; nothing was changed.
    NotHeld,
}

/// Removes a job that is done or given up.
pub async fn end(rows: &mut TeamRows<'_>, job: &Taken) -> Result<Ended, StoreError> {
    let gone = rows
        .query("DELETE FROM jobs WHERE tenant_id = $1 AND id = $2 AND lease = $3")
        .bind(job.id)
        .bind(job.lease)
        .execute()
        .await?;
    if gone == 0 {
        return Ok(Ended::NotHeld);
    }
    let others = rows
        .query("SELECT COUNT(*) AS others FROM jobs WHERE tenant_id = $1 AND recording_id = $2")
        .bind(job.recording)
        .fetch_one()
        .await?;
    Ok(if others.get::<i64>("others")? > 0 {
        Ended::Superseded
    } else {
        Ended::Last
    })
}

/// Gives a job back to be tried again at `next_try`, with so many tries counted; its subject waits meanwhile.
pub async fn give_back(
    rows: &mut TeamRows<'_>,
    job: &Taken,
    attempts: i64,
    next_try: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let back = rows
        .query(
            "UPDATE jobs SET lease = NULL, lease_until = NULL, attempts = $2, next_try_at = $3 \
             WHERE tenant_id = $1 AND id = $4 AND lease = $5",
        )
        .bind(attempts)
        .bind(next_try)
        .bind(job.id)
        .bind(job.lease)
        .execute()
        .await?;
    if back == 0 {
        return Ok(());
    }
    match job.kind {
        Kind::Analyse => sessions::set_status(rows, job.recording, sessions::Status::Waiting, now).await,
        Kind::Picture => Ok(()),
    }
}

/// Drops the jobs of a recording that nobody works on, before a new one takes their place.
pub async fn clear_idle(
    rows: &mut TeamRows<'_>,
    recording: RecordingId,
    now: Timestamp,
) -> Result<(), StoreError> {
    rows.query(
        "DELETE FROM jobs WHERE tenant_id = $1 AND recording_id = $2 AND (lease IS NULL OR lease_until <= $3)",
    )
    .bind(recording)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Frees every lease: the caller holds the folder lock, so whoever had them is dead. Says how many there were.
pub async fn reclaim_all(rows: &mut Rows, now: Timestamp) -> Result<u64, StoreError> {
    let freed = query("UPDATE jobs SET lease = NULL, lease_until = NULL WHERE lease IS NOT NULL")
        .execute(&mut *rows)
        .await?;
    query("UPDATE sessions SET status = 'waiting', status_at = $1 WHERE status = 'analysing'")
        .bind(now)
        .execute(rows)
        .await?;
    Ok(freed)
}

/// When the next job can be taken; `None` while there is nothing to do.
pub async fn next_due(store: &Store) -> Result<Option<Timestamp>, StoreError> {
    let mut rows = store.read_across().await?;
    let row = query(
        "SELECT MIN(CASE WHEN lease IS NULL OR lease_until < next_try_at THEN next_try_at ELSE lease_until END) \
         AS due FROM jobs",
    )
    .fetch_one(&mut rows)
    .await?;
    row.get("due")
}
