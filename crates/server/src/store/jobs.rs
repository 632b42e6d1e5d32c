//! Background work as rows: born in the transaction that needs it, leased to one worker, gone when done or given up: the
//! outcome, with the reason of a failure, is the session's.
//!
//! The only queries that cross tenants are here: a worker takes whatever is due.

use jiff::Timestamp;
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::{JobId, SessionId, Store, StoreError, TenantId, time_from_row};

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
    rows: &mut SqliteConnection,
    tenant: TenantId,
    id: JobId,
    session: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO jobs (id, tenant_id, kind, session_id, created_at, next_try_at) \
         VALUES ($1, $2, 'analyse', $3, $4, $4)",
    )
    .bind(id)
    .bind(tenant)
    .bind(session)
    .bind(now.as_microsecond())
    .execute(rows)
    .await?;
    Ok(())
}

/// Leases the job that has been due longest and marks its session as being analysed. A session whose other job is
/// still being worked on waits, so two workers never derive the same files.
pub async fn take(
    rows: &mut SqliteConnection,
    lease: Uuid,
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<Option<Taken>, StoreError> {
    let row = sqlx::query(
        "UPDATE jobs SET lease = $1, lease_until = $2, attempts = attempts + 1 WHERE id = (\
           SELECT j.id FROM jobs j WHERE j.next_try_at <= $3 \
           AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.session_id = j.session_id AND o.lease IS NOT NULL \
                           AND o.lease_until > $3) \
           ORDER BY j.next_try_at, j.id LIMIT 1) \
         RETURNING id, tenant_id, session_id, attempts",
    )
    .bind(lease.to_string())
    .bind(lease_until.as_microsecond())
    .bind(now.as_microsecond())
    .fetch_optional(&mut *rows)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let taken = Taken {
        id: row.try_get("id")?,
        tenant: row.try_get("tenant_id")?,
        session: row.try_get("session_id")?,
        attempts: row.try_get("attempts")?,
        lease,
    };
    super::sessions::set_status(
        rows,
        taken.tenant,
        taken.session,
        super::sessions::Status::Analysing,
        now,
    )
    .await?;
    Ok(Some(taken))
}

/// Prolongs a lease; `false` if it is no longer ours.
pub async fn renew(rows: &mut SqliteConnection, job: &Taken, until: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("UPDATE jobs SET lease_until = $1 WHERE id = $2 AND lease = $3")
        .bind(until.as_microsecond())
        .bind(job.id)
        .bind(job.lease.to_string())
        .execute(rows)
        .await?;
    Ok(done.rows_affected() == 1)
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
pub async fn end(rows: &mut SqliteConnection, job: &Taken) -> Result<Ended, StoreError> {
    let gone = sqlx::query("DELETE FROM jobs WHERE id = $1 AND lease = $2")
        .bind(job.id)
        .bind(job.lease.to_string())
        .execute(&mut *rows)
        .await?;
    if gone.rows_affected() == 0 {
        return Ok(Ended::NotHeld);
    }
    let others: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM jobs WHERE session_id = $1")
        .bind(job.session)
        .fetch_one(rows)
        .await?;
    Ok(if others > 0 {
        Ended::Superseded
    } else {
        Ended::Last
    })
}

/// Gives a job back to be tried again at `next_try`, with so many tries counted; its session waits meanwhile.
pub async fn give_back(
    rows: &mut SqliteConnection,
    job: &Taken,
    attempts: i64,
    next_try: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let back = sqlx::query(
        "UPDATE jobs SET lease = NULL, lease_until = NULL, attempts = $1, next_try_at = $2 \
         WHERE id = $3 AND lease = $4",
    )
    .bind(attempts)
    .bind(next_try.as_microsecond())
    .bind(job.id)
    .bind(job.lease.to_string())
    .execute(&mut *rows)
    .await?;
    if back.rows_affected() == 1 {
        let waiting = super::sessions::Status::Waiting;
        super::sessions::set_status(rows, job.tenant, job.session, waiting, now).await?;
    }
    Ok(())
}

/// Drops the jobs of a session that nobody works on, before a new one takes their place.
pub async fn clear_idle(
    rows: &mut SqliteConnection,
    session: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM jobs WHERE session_id = $1 AND (lease IS NULL OR lease_until <= $2)")
        .bind(session)
        .bind(now.as_microsecond())
        .execute(rows)
        .await?;
    Ok(())
}

/// Frees every lease: the caller holds the folder lock, so whoever had them is dead. Says how many there were.
pub async fn reclaim_all(rows: &mut SqliteConnection, now: Timestamp) -> Result<u64, StoreError> {
    let freed = sqlx::query("UPDATE jobs SET lease = NULL, lease_until = NULL WHERE lease IS NOT NULL")
        .execute(&mut *rows)
        .await?;
    sqlx::query("UPDATE sessions SET status = 'waiting', status_at = $1 WHERE status = 'analysing'")
        .bind(now.as_microsecond())
        .execute(rows)
        .await?;
    Ok(freed.rows_affected())
}

/// When the next job can be taken; `None` while there is nothing to do.
pub async fn next_due(store: &Store) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = sqlx::query_scalar(
        "SELECT MIN(CASE WHEN lease IS NULL OR lease_until < next_try_at THEN next_try_at ELSE lease_until END) \
         FROM jobs",
    )
    .fetch_one(store.readers())
    .await?;
    micros.map(time_from_row).transpose()
}
