//! Ways in: the setup link, sign-in links, and the sign-ins that cookies stand for.
//!
//! Promises: the first owner exists once and only through a setup link or the command line; a link works once and not
//! after its time; secrets arrive here as digests only.

use std::time::Duration;

use jiff::Timestamp;

use super::accounts::{
    AccountError, Email, Member, Role, any_user, insert_membership, insert_tenant, insert_user,
    member_from_row,
};
use super::sql::{Rows, query};
use super::{Store, StoreError, TenantId, UserId};
use crate::auth::password::PasswordPhc;
use crate::auth::secret::TokenDigest;

/// Printed on a terminal and meant to be opened at once.
pub const LINK_LIFE: Duration = Duration::from_secs(60 * 60);
/// A phone in the paddock stays signed in between two track days.
pub const SIGN_IN_LIFE: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// Makes `digest` the one setup link; earlier ones stop working.
pub async fn replace_setup_link(store: &Store, digest: TokenDigest) -> Result<(), StoreError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                query("DELETE FROM one_time_links WHERE purpose = 'setup' AND used_at IS NULL")
                    .execute(rows)
                    .await?;
                insert_link(rows, &digest, "setup", None, now).await
            })
        })
        .await
}

/// Lets `user` in once, without a password.
pub async fn add_sign_in_link(store: &Store, user: UserId, digest: TokenDigest) -> Result<(), StoreError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move { insert_link(rows, &digest, "sign_in", Some(user), now).await })
        })
        .await
}

/// Whether a setup link would work now; asked before the costly password hash, decided again in [`complete_setup`].
pub async fn setup_link_is_open(store: &Store, digest: &TokenDigest) -> Result<bool, StoreError> {
    let mut rows = store.read_across().await?;
    let open = query(
        "SELECT token_sha256 FROM one_time_links WHERE token_sha256 = $1 AND purpose = 'setup' \
         AND used_at IS NULL AND expires_at > $2",
    )
    .bind(digest.as_str())
    .bind(store.now())
    .fetch_optional(&mut rows)
    .await?;
    Ok(open.is_some())
}

/// Uses up the setup link and makes the first owner with a team and a sign-in, all or nothing.
pub async fn complete_setup(
    store: &Store,
    link: TokenDigest,
    email: Email,
    phc: PasswordPhc,
    cookie: TokenDigest,
) -> Result<(), AccountError> {
    let user = UserId(store.new_id());
    let tenant = TenantId(store.new_id());
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                use_link(rows, &link, "setup", now).await?;
                if any_user(rows).await? {
                    return Err(AccountError::LinkInvalid);
                }
                insert_tenant(rows, tenant, &email, now).await?;
                insert_user(rows, user, &email, &phc, now).await?;
                insert_membership(rows, tenant, user, Role::Owner, now).await?;
                insert_sign_in(rows, user, &cookie, None, now).await?;
                Ok(())
            })
        })
        .await
}

/// Uses up a sign-in link and signs its user in.
pub async fn sign_in_by_link(
    store: &Store,
    link: TokenDigest,
    cookie: TokenDigest,
) -> Result<(), AccountError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let user = use_link(rows, &link, "sign_in", now)
                    .await?
                    .ok_or(AccountError::LinkInvalid)?;
                insert_sign_in(rows, user, &cookie, None, now).await?;
                Ok(())
            })
        })
        .await
}

/// Signs `user` in under the digest of a fresh cookie; forgets sign-ins that are over.
pub async fn sign_in(store: &Store, user: UserId, cookie: TokenDigest) -> Result<(), StoreError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                query("DELETE FROM web_sessions WHERE expires_at <= $1")
                    .bind(now)
                    .execute(rows)
                    .await?;
                insert_sign_in(rows, user, &cookie, None, now).await
            })
        })
        .await
}

/// Who holds this cookie now, in the team they chose to act for, or else the one they joined first.
pub async fn signed_in(store: &Store, cookie: &TokenDigest) -> Result<Option<Member>, StoreError> {
    let mut rows = store.read_across().await?;
    let row = query(
        "SELECT u.id, m.tenant_id, u.email, m.role FROM web_sessions w \
         JOIN users u ON u.id = w.user_id AND u.disabled = 0 JOIN memberships m ON m.user_id = u.id \
         WHERE w.id = $1 AND w.expires_at > $2 \
         ORDER BY CASE WHEN m.tenant_id = w.acting_tenant THEN 0 ELSE 1 END, m.created_at, m.tenant_id LIMIT 1",
    )
    .bind(cookie.as_str())
    .bind(store.now())
    .fetch_optional(&mut rows)
    .await?;
    row.as_ref().map(member_from_row).transpose()
}

/// Ends one sign-in; unknown ones are fine.
pub async fn sign_out(store: &Store, cookie: TokenDigest) -> Result<(), StoreError> {
    store
        .write_across(move |rows| {
            Box::pin(async move {
                query("DELETE FROM web_sessions WHERE id = $1")
                    .bind(cookie.as_str())
                    .execute(rows)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Sets a new password for who is signed in under `cookie`; their other sign-ins and open links end.
pub async fn change_password(
    store: &Store,
    user: UserId,
    phc: PasswordPhc,
    cookie: TokenDigest,
) -> Result<(), StoreError> {
    store
        .write_across(move |rows| {
            Box::pin(async move {
                replace_password(rows, user, &phc, Some(&cookie)).await?;
                Ok(())
            })
        })
        .await
}

/// Sets a password and ends all that let the person in before: other sign-ins than `keep`, and links that are open.
pub(super) async fn replace_password(
    rows: &mut Rows,
    user: UserId,
    phc: &PasswordPhc,
    keep: Option<&TokenDigest>,
) -> Result<(), StoreError> {
    query("UPDATE users SET password_hash = $1 WHERE id = $2")
        .bind(&phc.0)
        .bind(user)
        .execute(rows)
        .await?;
    query("DELETE FROM web_sessions WHERE user_id = $1 AND id <> $2")
        .bind(user)
        .bind(keep.map_or("", TokenDigest::as_str))
        .execute(rows)
        .await?;
    for links in [
        "DELETE FROM one_time_links WHERE user_id = $1 AND used_at IS NULL",
        "DELETE FROM password_resets WHERE user_id = $1",
    ] {
        query(links).bind(user).execute(rows).await?;
    }
    Ok(())
}

fn after(now: Timestamp, life: Duration) -> i64 {
    let life_us = i64::try_from(life.as_micros()).unwrap_or(i64::MAX);
    now.as_microsecond().saturating_add(life_us)
}

async fn insert_link(
    rows: &mut Rows,
    digest: &TokenDigest,
    purpose: &str,
    user: Option<UserId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO one_time_links (token_sha256, purpose, user_id, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(digest.as_str())
    .bind(purpose)
    .bind(user)
    .bind(now)
    .bind(after(now, LINK_LIFE))
    .execute(rows)
    .await?;
    Ok(())
}

/// Uses a link up in this transaction and says whom it was for.
async fn use_link(
    rows: &mut Rows,
    digest: &TokenDigest,
    purpose: &str,
    now: Timestamp,
) -> Result<Option<UserId>, AccountError> {
    let used = query(
        "UPDATE one_time_links SET used_at = $1 \
         WHERE token_sha256 = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $1 RETURNING user_id",
    )
    .bind(now)
    .bind(digest.as_str())
    .bind(purpose)
    .fetch_optional(rows)
    .await?;
    Ok(used.ok_or(AccountError::LinkInvalid)?.get("user_id")?)
}

pub(super) async fn insert_sign_in(
    rows: &mut Rows,
    user: UserId,
    cookie: &TokenDigest,
    acting: Option<TenantId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "INSERT INTO web_sessions (id, user_id, created_at, expires_at, acting_tenant) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(cookie.as_str())
    .bind(user)
    .bind(now)
    .bind(after(now, SIGN_IN_LIFE))
    .bind(acting)
    .execute(rows)
    .await?;
    Ok(())
}
