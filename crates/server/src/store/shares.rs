//! Share links: whoever holds one reads one session, until it ends. Digests arrive here, never tokens.

use jiff::Timestamp;

use super::accounts::{AccountError, Member};
use super::audit::{self, Action, Actor};
use super::ids::ShareId;
use super::sql::query;
use super::{SessionId, Store, StoreError, TenantId};
use crate::auth::secret::TokenDigest;

/// Of one session.
const SHARES_MAX: i64 = 50;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub id: ShareId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    pub tenant: TenantId,
    pub session: SessionId,
    pub expires_at: Timestamp,
}

/// Shares a session that is the member's team's; links of it that are over are forgotten.
pub async fn add(
    store: &Store,
    member: &Member,
    session: SessionId,
    expires_at: Timestamp,
    digest: TokenDigest,
) -> Result<Share, AccountError> {
    let (member, now) = (member.clone(), store.now());
    let share = Share {
        id: ShareId(store.new_id()),
        created_at: now,
        expires_at,
    };
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                rows.query("DELETE FROM share_links WHERE tenant_id = $1 AND session_id = $2 AND expires_at <= $3")
                    .bind(session)
                    .bind(now)
                    .execute()
                    .await?;
                let count = rows
                    .query("SELECT COUNT(*) AS n FROM share_links WHERE tenant_id = $1 AND session_id = $2")
                    .bind(session)
                    .fetch_one()
                    .await?;
                if count.get::<i64>("n")? >= SHARES_MAX {
                    return Err(AccountError::TooMany {
                        what: "links to this session",
                        most: SHARES_MAX,
                    });
                }
                rows.query(
                    "INSERT INTO share_links (tenant_id, id, session_id, token_sha256, created_by, created_at, expires_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(share.id)
                .bind(session)
                .bind(digest.as_str())
                .bind(member.user)
                .bind(now)
                .bind(expires_at)
                .execute()
                .await?;
                let by = Actor::Person(member.email);
                audit::note(&mut rows, &by, Action::ShareMade, session, &share.id.to_string(), now).await?;
                Ok(share)
            })
        })
        .await
}

/// The links to a session that work, oldest first.
pub async fn list(store: &Store, tenant: TenantId, session: SessionId) -> Result<Vec<Share>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT id, created_at, expires_at FROM share_links \
             WHERE tenant_id = $1 AND session_id = $2 AND expires_at > $3 ORDER BY created_at, id",
        )
        .bind(session)
        .bind(store.now())
        .fetch_all()
        .await?;
    found
        .iter()
        .map(|row| {
            Ok(Share {
                id: row.get("id")?,
                created_at: row.get("created_at")?,
                expires_at: row.get("expires_at")?,
            })
        })
        .collect()
}

/// Ends a link.
pub async fn revoke(store: &Store, member: &Member, id: ShareId) -> Result<(), AccountError> {
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let gone = rows
                    .query("DELETE FROM share_links WHERE tenant_id = $1 AND id = $2 RETURNING session_id")
                    .bind(id)
                    .fetch_optional()
                    .await?;
                let session: SessionId = gone.ok_or(AccountError::NoSuchShare)?.get("session_id")?;
                audit::note(
                    &mut rows,
                    &by,
                    Action::ShareRevoked,
                    session,
                    &id.to_string(),
                    now,
                )
                .await?;
                Ok(())
            })
        })
        .await
}

/// What the link of this token opens now.
pub async fn open(store: &Store, token: &TokenDigest) -> Result<Option<Shared>, StoreError> {
    let mut rows = store.read_across().await?;
    let row = query(
        "SELECT tenant_id, session_id, expires_at FROM share_links WHERE token_sha256 = $1 AND expires_at > $2",
    )
    .bind(token.as_str())
    .bind(store.now())
    .fetch_optional(&mut rows)
    .await?;
    row.map(|row| {
        Ok(Shared {
            tenant: row.get("tenant_id")?,
            session: row.get("session_id")?,
            expires_at: row.get("expires_at")?,
        })
    })
    .transpose()
}
