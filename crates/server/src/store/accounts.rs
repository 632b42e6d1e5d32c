//! People: users, their teams, one-time links and sign-ins.
//!
//! Promises: the first owner exists once and only through a setup link or the command line; a link works once and not
//! after its time; secrets arrive here as digests only. Passwords are hashed before they come here.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::{Store, StoreError, TenantId, UserId, time_from_row};
use crate::auth::password::PasswordPhc;
use crate::auth::secret::TokenDigest;

/// Printed on a terminal and meant to be opened at once.
pub const LINK_LIFE: Duration = Duration::from_secs(60 * 60);
/// A phone in the paddock stays signed in between two track days.
pub const SIGN_IN_LIFE: Duration = Duration::from_secs(60 * 24 * 60 * 60);

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("`{0}` is not an e-mail address; it must look like name@example.org")]
    BadEmail(String),
    #[error("there is a user with this e-mail address already")]
    EmailTaken,
    #[error("there is no user with the e-mail address {0}")]
    NoSuchUser(Email),
    #[error("there is no team yet; add its owner first (--role owner)")]
    NoTeam,
    #[error("there are several teams, and a member must join one: only owners can be added here")]
    SeveralTeams,
    /// Unknown, used, or too old: a caller learns no more.
    #[error("the link was used already, is older than an hour, or never existed")]
    LinkInvalid,
    #[error("a name needs 1 to 100 characters without control characters")]
    BadName,
    #[error("there is no such device, or it is revoked already")]
    NoSuchDevice,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An e-mail address as an account's name: trimmed, lower case, one `@` with text on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let email = text.trim().to_lowercase();
        let plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
        let parts: Vec<&str> = email.split('@').collect();
        // 254 is the longest address that SMTP can carry (RFC 5321).
        if plain && email.len() <= 254 && parts.len() == 2 && parts.iter().all(|part| !part.is_empty()) {
            Ok(Self(email))
        } else {
            Err(AccountError::BadEmail(text.to_owned()))
        }
    }
}

/// What a person may do in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Member,
    /// Reads only.
    Viewer,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }
}

impl FromStr for Role {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "owner" => Ok(Self::Owner),
            "member" => Ok(Self::Member),
            "viewer" => Ok(Self::Viewer),
            other => Err(StoreError::Database(sqlx::Error::Decode(
                format!("unknown role `{other}`").into(),
            ))),
        }
    }
}

/// A signed-in person in the team they act for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    pub tenant: TenantId,
    pub email: String,
    pub role: Role,
}

/// A row of `user list`.
#[derive(Debug, Clone, Serialize)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub role: Role,
    pub tenant_id: TenantId,
    pub created_at: Timestamp,
}

/// Whether nobody has an account yet.
pub async fn setup_needed(store: &Store) -> Result<bool, StoreError> {
    let users: i64 = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users)")
        .fetch_one(store.readers())
        .await?;
    Ok(users == 0)
}

/// Adds a user. An owner gets a team of their own; members and viewers join the only team there is.
pub async fn add_user(
    store: &Store,
    email: Email,
    phc: PasswordPhc,
    role: Role,
) -> Result<UserId, AccountError> {
    let user = UserId(store.new_id());
    let fresh_tenant = TenantId(store.new_id());
    let now = store.now();
    store
        .write(move |rows| {
            Box::pin(async move {
                let tenant = match role {
                    Role::Owner => {
                        insert_tenant(rows, fresh_tenant, &email, now).await?;
                        fresh_tenant
                    }
                    Role::Member | Role::Viewer => only_tenant(rows).await?,
                };
                insert_user(rows, user, &email, &phc, now).await?;
                insert_membership(rows, tenant, user, role, now).await?;
                Ok(user)
            })
        })
        .await
}

/// Sets a new password and signs the user out everywhere.
pub async fn reset_password(store: &Store, email: Email, phc: PasswordPhc) -> Result<(), AccountError> {
    store
        .write(move |rows| {
            Box::pin(async move {
                let changed: Option<UserId> =
                    sqlx::query_scalar("UPDATE users SET password_hash = $1 WHERE email = $2 RETURNING id")
                        .bind(&phc.0)
                        .bind(email.as_str())
                        .fetch_optional(&mut *rows)
                        .await?;
                let user = changed.ok_or(AccountError::NoSuchUser(email))?;
                sqlx::query("DELETE FROM web_sessions WHERE user_id = $1")
                    .bind(user)
                    .execute(rows)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Every user with their team, oldest first.
pub async fn list_users(store: &Store) -> Result<Vec<UserRow>, StoreError> {
    let rows: Vec<(UserId, String, String, TenantId, i64)> = sqlx::query_as(
        "SELECT u.id, u.email, m.role, m.tenant_id, u.created_at FROM users u \
         JOIN memberships m ON m.user_id = u.id ORDER BY u.created_at, u.id",
    )
    .fetch_all(store.readers())
    .await?;
    rows.into_iter()
        .map(|(id, email, role, tenant_id, created_at)| {
            Ok(UserRow {
                id,
                email,
                role: role.parse()?,
                tenant_id,
                created_at: time_from_row(created_at)?,
            })
        })
        .collect()
}

/// The member behind an e-mail address, for commands that act for one.
pub async fn find_member(store: &Store, email: &Email) -> Result<Option<Member>, StoreError> {
    let row: Option<MemberRow> = sqlx::query_as(
        "SELECT u.id, m.tenant_id, u.email, m.role FROM users u JOIN memberships m ON m.user_id = u.id \
         WHERE u.email = $1 AND u.disabled = 0 ORDER BY m.created_at, m.tenant_id LIMIT 1",
    )
    .bind(email.as_str())
    .fetch_optional(store.readers())
    .await?;
    row.map(member).transpose()
}

/// The user and the stored hash to check a password against; the hash is `None` for those who sign in by link only.
pub async fn credentials(
    store: &Store,
    email: &Email,
) -> Result<Option<(UserId, Option<PasswordPhc>)>, StoreError> {
    let row: Option<(UserId, Option<String>)> =
        sqlx::query_as("SELECT id, password_hash FROM users WHERE email = $1 AND disabled = 0")
            .bind(email.as_str())
            .fetch_optional(store.readers())
            .await?;
    Ok(row.map(|(id, phc)| (id, phc.map(PasswordPhc))))
}

/// Makes `digest` the one setup link; earlier ones stop working.
pub async fn replace_setup_link(store: &Store, digest: TokenDigest) -> Result<(), StoreError> {
    let now = store.now();
    store
        .write(move |rows| {
            Box::pin(async move {
                sqlx::query("DELETE FROM one_time_links WHERE purpose = 'setup' AND used_at IS NULL")
                    .execute(&mut *rows)
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
        .write(move |rows| {
            Box::pin(async move { insert_link(rows, &digest, "sign_in", Some(user), now).await })
        })
        .await
}

/// Whether a setup link would work now; asked before the costly password hash, decided again in [`complete_setup`].
pub async fn setup_link_is_open(store: &Store, digest: &TokenDigest) -> Result<bool, StoreError> {
    let open: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM one_time_links WHERE token_sha256 = $1 AND purpose = 'setup' \
         AND used_at IS NULL AND expires_at > $2)",
    )
    .bind(digest.as_str())
    .bind(store.now().as_microsecond())
    .fetch_one(store.readers())
    .await?;
    Ok(open == 1)
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
        .write(move |rows| {
            Box::pin(async move {
                use_link(rows, &link, "setup", now).await?;
                let users: i64 = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users)")
                    .fetch_one(&mut *rows)
                    .await?;
                if users == 1 {
                    return Err(AccountError::LinkInvalid);
                }
                insert_tenant(rows, tenant, &email, now).await?;
                insert_user(rows, user, &email, &phc, now).await?;
                insert_membership(rows, tenant, user, Role::Owner, now).await?;
                insert_sign_in(rows, user, &cookie, now).await?;
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
        .write(move |rows| {
            Box::pin(async move {
                let user = use_link(rows, &link, "sign_in", now)
                    .await?
                    .ok_or(AccountError::LinkInvalid)?;
                insert_sign_in(rows, user, &cookie, now).await?;
                Ok(())
            })
        })
        .await
}

/// Signs `user` in under the digest of a fresh cookie; forgets sign-ins that are over.
pub async fn sign_in(store: &Store, user: UserId, cookie: TokenDigest) -> Result<(), StoreError> {
    let now = store.now();
    store
        .write(move |rows| {
            Box::pin(async move {
                sqlx::query("DELETE FROM web_sessions WHERE expires_at <= $1")
                    .bind(now.as_microsecond())
                    .execute(&mut *rows)
                    .await?;
                insert_sign_in(rows, user, &cookie, now).await
            })
        })
        .await
}

/// Who holds this cookie now.
pub async fn signed_in(store: &Store, cookie: &TokenDigest) -> Result<Option<Member>, StoreError> {
    let row: Option<MemberRow> = sqlx::query_as(
        "SELECT u.id, m.tenant_id, u.email, m.role FROM web_sessions w \
         JOIN users u ON u.id = w.user_id AND u.disabled = 0 JOIN memberships m ON m.user_id = u.id \
         WHERE w.id = $1 AND w.expires_at > $2 ORDER BY m.created_at, m.tenant_id LIMIT 1",
    )
    .bind(cookie.as_str())
    .bind(store.now().as_microsecond())
    .fetch_optional(store.readers())
    .await?;
    row.map(member).transpose()
}

/// Ends one sign-in; unknown ones are fine.
pub async fn sign_out(store: &Store, cookie: TokenDigest) -> Result<(), StoreError> {
    store
        .write(move |rows| {
            Box::pin(async move {
                sqlx::query("DELETE FROM web_sessions WHERE id = $1")
                    .bind(cookie.as_str())
                    .execute(rows)
                    .await?;
                Ok(())
            })
        })
        .await
}

type MemberRow = (UserId, TenantId, String, String);

fn member((user, tenant, email, role): MemberRow) -> Result<Member, StoreError> {
    Ok(Member {
        user,
        tenant,
        email,
        role: role.parse()?,
    })
}

fn after(now: Timestamp, life: Duration) -> i64 {
    let life_us = i64::try_from(life.as_micros()).unwrap_or(i64::MAX);
    now.as_microsecond().saturating_add(life_us)
}

async fn only_tenant(rows: &mut SqliteConnection) -> Result<TenantId, AccountError> {
    let tenants: Vec<TenantId> = sqlx::query_scalar("SELECT id FROM tenants ORDER BY created_at LIMIT 2")
        .fetch_all(rows)
        .await?;
    match tenants.as_slice() {
        [] => Err(AccountError::NoTeam),
        [only] => Ok(*only),
        [..] => Err(AccountError::SeveralTeams),
    }
}

async fn insert_tenant(
    rows: &mut SqliteConnection,
    tenant: TenantId,
    owner: &Email,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3)")
        .bind(tenant)
        .bind(owner.as_str())
        .bind(now.as_microsecond())
        .execute(rows)
        .await?;
    Ok(())
}

async fn insert_user(
    rows: &mut SqliteConnection,
    user: UserId,
    email: &Email,
    phc: &PasswordPhc,
    now: Timestamp,
) -> Result<(), AccountError> {
    let inserted = sqlx::query(
        "INSERT INTO users (id, email, password_hash, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(user)
    .bind(email.as_str())
    .bind(&phc.0)
    .bind(now.as_microsecond())
    .execute(rows)
    .await?;
    if inserted.rows_affected() == 0 {
        Err(AccountError::EmailTaken)
    } else {
        Ok(())
    }
}

async fn insert_membership(
    rows: &mut SqliteConnection,
    tenant: TenantId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO memberships (tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)")
        .bind(tenant)
        .bind(user)
        .bind(role.as_str())
        .bind(now.as_microsecond())
        .execute(rows)
        .await?;
    Ok(())
}

async fn insert_link(
    rows: &mut SqliteConnection,
    digest: &TokenDigest,
    purpose: &str,
    user: Option<UserId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO one_time_links (token_sha256, purpose, user_id, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(digest.as_str())
    .bind(purpose)
    .bind(user)
    .bind(now.as_microsecond())
    .bind(after(now, LINK_LIFE))
    .execute(rows)
    .await?;
    Ok(())
}

/// Uses a link up in this transaction and says whom it was for.
async fn use_link(
    rows: &mut SqliteConnection,
    digest: &TokenDigest,
    purpose: &str,
    now: Timestamp,
) -> Result<Option<UserId>, AccountError> {
    let used: Option<(Option<UserId>,)> = sqlx::query_as(
        "UPDATE one_time_links SET used_at = $1 \
         WHERE token_sha256 = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $1 RETURNING user_id",
    )
    .bind(now.as_microsecond())
    .bind(digest.as_str())
    .bind(purpose)
    .fetch_optional(rows)
    .await?;
    used.map(|(user,)| user).ok_or(AccountError::LinkInvalid)
}

async fn insert_sign_in(
    rows: &mut SqliteConnection,
    user: UserId,
    cookie: &TokenDigest,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO web_sessions (id, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(cookie.as_str())
        .bind(user)
        .bind(now.as_microsecond())
        .bind(after(now, SIGN_IN_LIFE))
        .execute(rows)
        .await?;
    Ok(())
}
