//! Background work as rows: born in the transaction that needs it, leased to one worker, gone when done or given up: the
//! outcome, with the reason of a failure, is the session's.
//!
//! The only queries that cross tenants are here: a worker takes whatever is due.

use jiff::Timestamp;
use uuid::Uuid;

use super::sql::{Rows, query};
use super::{JobId, SessionId, Store, StoreError, TeamRows, TenantId};

/// A job that this process holds until its lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub id: JobId,
    pub tenant: TenantId,
    pub session: SessionId,
    /// This try included.
    pub attempts: i64,
    pub lease: Uuid,
}

pub async fn insert(
    rows: &mut TeamRows<'_>,
    id: JobId,
    session: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    rows.query(
        "INSERT INTO jobs (tenant_id, id, kind, session_id, created_at, next_try_at) \
         VALUES ($1, $2, 'analyse', $3, $4, $4)",
    )
    .bind(id)
    .bind(session)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Leases the job that has been due longest and marks its session as being analysed. A session whose other job is
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
           AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.session_id = j.session_id AND o.lease IS NOT NULL \
                           AND o.lease_until > $3) \
           ORDER BY j.next_try_at, j.id LIMIT 1) \
         RETURNING id, tenant_id, session_id, attempts",
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
        session: row.get("session_id")?,
        attempts: row.get("attempts")?,
        lease,
    };
    let mut rows = TeamRows::of(rows, taken.tenant);
    super::sessions::set_status(&mut rows, taken.session, super::sessions::Status::Analysing, now).await?;
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
    /// It is gone and its session is the holder's to change.
    Last,
    /// It is gone, but a newer job of the session waits; the session is that one's.
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
        .query("SELECT COUNT(*) AS others FROM jobs WHERE tenant_id = $1 AND session_id = $2")
        .bind(job.session)
        .fetch_one()
        .await?;
    Ok(if others.get::<i64>("others")? > 0 {
        Ended::Superseded
    } else {
        Ended::Last
    })
}

/// Gives a job back to be tried again at `next_try`, with so many tries counted; its session waits meanwhile.
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
    if back == 1 {
        super::sessions::set_status(rows, job.session, super::sessions::Status::Waiting, now).await?;
    }
    Ok(())
}

/// Drops the jobs of a session that nobody works on, before a new one takes their place.
pub async fn clear_idle(
    rows: &mut TeamRows<'_>,
    session: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    rows.query(
        "DELETE FROM jobs WHERE tenant_id = $1 AND session_id = $2 AND (lease IS NULL OR lease_until <= $3)",
    )
    .bind(session)
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
