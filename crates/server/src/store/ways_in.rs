//! Ways in beside the password: links that set a new one, and identities that another service vouches for.
//!
//! Promises: a link for a new password works once, for an hour, and ends everything that was open before it; an identity
//! belongs to the account it was first seen with.

use jiff::Timestamp;

use super::accounts::{AccountError, Email};
use super::accounts_entry::{LINK_LIFE, insert_sign_in, replace_password};
use super::sql::{Rows, query};
use super::{Store, StoreError, UserId};
use crate::auth::password::PasswordPhc;
use crate::auth::secret::TokenDigest;

/// Links that are open for one account; an older one gives way.
const RESETS_MAX: i64 = 3;
/// The account of an address that can sign in: one in no team cannot.
const WITH_ADDRESS: &str = "SELECT u.id FROM users u JOIN memberships m ON m.user_id = u.id \
     WHERE u.email = $1 AND u.disabled = 0 LIMIT 1";

/// Makes a link for a new password; says whether there is such an account.
pub async fn add_reset(store: &Store, email: Email, digest: TokenDigest) -> Result<bool, StoreError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let found = query(WITH_ADDRESS)
                    .bind(email.as_str())
                    .fetch_optional(rows)
                    .await?;
                let Some(found) = found else { return Ok(false) };
                let user: UserId = found.get("id")?;
                make_room(rows, user, now).await?;
                let added = query(
                    "INSERT INTO password_resets (token_sha256, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
                );
                let life_us = i64::try_from(LINK_LIFE.as_micros()).unwrap_or(i64::MAX);
                added
                    .bind(digest.as_str())
                    .bind(user)
                    .bind(now)
                    .bind(now.as_microsecond().saturating_add(life_us))
                    .execute(rows)
                    .await?;
                Ok(true)
            })
        })
        .await
}

/// Drops what is over, and the oldest of too many.
async fn make_room(rows: &mut Rows, user: UserId, now: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM password_resets WHERE expires_at <= $1")
        .bind(now)
        .execute(rows)
        .await?;
    query(
        "DELETE FROM password_resets WHERE user_id = $1 AND token_sha256 NOT IN \
         (SELECT token_sha256 FROM password_resets WHERE user_id = $1 ORDER BY created_at DESC, token_sha256 LIMIT $2)",
    )
    .bind(user)
    .bind(RESETS_MAX - 1)
    .execute(rows)
    .await?;
    Ok(())
}

/// Whether a link would work now; asked before the costly password hash, decided again in [`set_password`].
pub async fn reset_is_open(store: &Store, digest: &TokenDigest) -> Result<bool, StoreError> {
    let mut rows = store.read_across().await?;
    let open = query("SELECT user_id FROM password_resets WHERE token_sha256 = $1 AND expires_at > $2")
        .bind(digest.as_str())
        .bind(store.now())
        .fetch_optional(&mut rows)
        .await?;
    Ok(open.is_some())
}

/// Uses the link up, sets the password, ends every sign-in and every other link, and signs the person in. Somebody who is in
/// no team any more keeps the link and the password.
pub async fn set_password(
    store: &Store,
    link: TokenDigest,
    phc: PasswordPhc,
    cookie: TokenDigest,
) -> Result<(), AccountError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let used = query(
                    "DELETE FROM password_resets WHERE token_sha256 = $1 AND expires_at > $2 RETURNING user_id",
                )
                .bind(link.as_str())
                .bind(now)
                .fetch_optional(rows)
                .await?;
                let user: UserId = used.ok_or(AccountError::LinkInvalid)?.get("user_id")?;
                let in_a_team = query(
                    "SELECT u.id FROM users u JOIN memberships m ON m.user_id = u.id WHERE u.id = $1 AND u.disabled = 0 LIMIT 1",
                );
                if in_a_team.bind(user).fetch_optional(rows).await?.is_none() {
                    return Err(AccountError::LinkInvalid);
                }
                replace_password(rows, user, &phc, None).await?;
                insert_sign_in(rows, user, &cookie, None, now).await?;
                Ok(())
            })
        })
        .await
}

/// Whose account an identity is. One that is seen for the first time becomes that of the account with its address, which
/// the other service has to have verified.
pub async fn vouched_for(
    store: &Store,
    issuer: String,
    subject: String,
    verified: Option<Email>,
) -> Result<Option<UserId>, StoreError> {
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let known = query(
                    "SELECT u.id, u.disabled, (SELECT COUNT(*) FROM memberships m WHERE m.user_id = u.id) AS teams \
                     FROM vouched_identities v JOIN users u ON u.id = v.user_id WHERE v.issuer = $1 AND v.subject = $2",
                )
                .bind(&issuer)
                .bind(&subject)
                .fetch_optional(rows)
                .await?;
                if let Some(known) = known {
                    let is_open = known.get::<i64>("disabled")? == 0 && known.get::<i64>("teams")? > 0;
                    return is_open.then(|| known.get("id")).transpose();
                }
                let Some(email) = verified else { return Ok(None) };
                let found = query(WITH_ADDRESS)
                    .bind(email.as_str())
                    .fetch_optional(rows)
                    .await?;
                let Some(found) = found else { return Ok(None) };
                let user: UserId = found.get("id")?;
                query(
                    "INSERT INTO vouched_identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (issuer, subject) DO NOTHING",
                )
                .bind(&issuer)
                .bind(&subject)
                .bind(user)
                .bind(now)
                .execute(rows)
                .await?;
                Ok(Some(user))
            })
        })
        .await
}
