//! People: users and their teams. How they come in is `accounts_entry`.
//!
//! Passwords are hashed before they come here.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::accounts_entry::replace_password;
use super::sql::{Cell, IntoValue, Row, Rows, Value, query};
use super::{Store, StoreError, TenantId, UserId, bad_row};
use crate::auth::password::PasswordPhc;

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
    #[error("there are several teams; name a user of the one to join with --team-of EMAIL")]
    SeveralTeams,
    /// Unknown, used, or too old: a caller learns no more.
    #[error("the link was used already, is older than an hour, or never existed")]
    LinkInvalid,
    #[error("a name needs 1 to 100 characters without control characters")]
    BadName,
    /// In whatever team: whose it is stays unsaid.
    #[error("a device with this id exists already; leave --uuid out to get a new one")]
    DeviceIdTaken,
    #[error("there is no such device, or it is revoked already")]
    NoSuchDevice,
    /// Or the caller does not own it: a caller learns no more.
    #[error("there is no such team, or you do not own it")]
    NoSuchTeam,
    #[error("there is nobody like that in this team")]
    NoSuchMember,
    #[error("there is no such invitation; it may have been accepted")]
    NoSuchInvitation,
    #[error("there is no such token of yours, or it is revoked already")]
    NoSuchToken,
    #[error("there is no such link, or it is revoked already")]
    NoSuchShare,
    #[error("there is no such ingest key, or it is revoked already")]
    NoSuchIngestKey,
    #[error("the team has several devices called `{0}`; name the one you mean by its id")]
    SeveralDevices(String),
    #[error("this address is in the team already")]
    AlreadyMember,
    #[error("a team needs an owner; make somebody else one first")]
    LastOwner,
    /// Unknown, used, withdrawn, or too old: a caller learns no more.
    #[error(
        "the invitation was used or withdrawn, is older than 7 days, or never existed; ask for a new one"
    )]
    InvitationInvalid,
    /// Unknown, used, or too old: a caller learns no more.
    #[error("the claim code was used already, is older than 15 minutes, or never existed; make a new one")]
    CodeInvalid,
    #[error("there are {most} {what} already; wait, or remove some")]
    TooMany { what: &'static str, most: i64 },
    #[error(transparent)]
    Store(#[from] StoreError),
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

impl IntoValue for Role {
    const NULL: Value = Value::Text(None);
    fn into_value(self) -> Value {
        self.as_str().into_value()
    }
}

impl Cell for Role {
    type Raw = String;
    fn from_raw(raw: String) -> Result<Self, StoreError> {
        match raw.as_str() {
            "owner" => Ok(Self::Owner),
            "member" => Ok(Self::Member),
            "viewer" => Ok(Self::Viewer),
            other => Err(bad_row(format!("a role is {other:?}"))),
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
    Ok(!any_user(&mut store.read_across().await?).await?)
}

pub(super) async fn any_user(rows: &mut Rows) -> Result<bool, StoreError> {
    let first = query("SELECT id FROM users LIMIT 1").fetch_optional(rows).await?;
    Ok(first.is_some())
}

/// Adds a user to the team of `team_of`. Without it an owner gets a team of their own, and members and viewers join the
/// only team there is.
pub async fn add_user(
    store: &Store,
    email: Email,
    phc: PasswordPhc,
    role: Role,
    team_of: Option<Email>,
) -> Result<UserId, AccountError> {
    let user = UserId(store.new_id());
    let fresh_tenant = TenantId(store.new_id());
    let now = store.now();
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let tenant = match (team_of, role) {
                    (Some(colleague), _) => tenant_of(rows, colleague).await?,
                    (None, Role::Owner) => {
                        insert_tenant(rows, fresh_tenant, &email, now).await?;
                        fresh_tenant
                    }
                    (None, Role::Member | Role::Viewer) => only_tenant(rows).await?,
                };
                insert_user(rows, user, &email, &phc, now).await?;
                insert_membership(rows, tenant, user, role, now).await?;
                Ok(user)
            })
        })
        .await
}

/// Sets a new password, signs the user out everywhere and ends links that are open.
pub async fn reset_password(store: &Store, email: Email, phc: PasswordPhc) -> Result<(), AccountError> {
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let known = query("SELECT id FROM users WHERE email = $1")
                    .bind(email.as_str())
                    .fetch_optional(rows)
                    .await?;
                let user: UserId = known.ok_or(AccountError::NoSuchUser(email))?.get("id")?;
                replace_password(rows, user, &phc, None).await?;
                Ok(())
            })
        })
        .await
}

/// Every user with their team, oldest first.
pub async fn list_users(store: &Store) -> Result<Vec<UserRow>, StoreError> {
    let mut rows = store.read_across().await?;
    let found = query(
        "SELECT u.id, u.email, m.role, m.tenant_id, u.created_at FROM users u \
         JOIN memberships m ON m.user_id = u.id ORDER BY u.created_at, u.id",
    )
    .fetch_all(&mut rows)
    .await?;
    found
        .iter()
        .map(|row| {
            Ok(UserRow {
                id: row.get("id")?,
                email: row.get("email")?,
                role: row.get("role")?,
                tenant_id: row.get("tenant_id")?,
                created_at: row.get("created_at")?,
            })
        })
        .collect()
}

/// The member behind an e-mail address, for commands that act for one.
pub async fn find_member(store: &Store, email: &Email) -> Result<Option<Member>, StoreError> {
    let mut rows = store.read_across().await?;
    let row = query(
        "SELECT u.id, m.tenant_id, u.email, m.role FROM users u JOIN memberships m ON m.user_id = u.id \
         WHERE u.email = $1 AND u.disabled = 0 ORDER BY m.created_at, m.tenant_id LIMIT 1",
    )
    .bind(email.as_str())
    .fetch_optional(&mut rows)
    .await?;
    row.as_ref().map(member_from_row).transpose()
}

/// The user and the stored hash to check a password against; the hash is `None` for those who sign in by link only.
pub async fn credentials(
    store: &Store,
    email: &Email,
) -> Result<Option<(UserId, Option<PasswordPhc>)>, StoreError> {
    let mut rows = store.read_across().await?;
    let row = query("SELECT id, password_hash FROM users WHERE email = $1 AND disabled = 0")
        .bind(email.as_str())
        .fetch_optional(&mut rows)
        .await?;
    row.map(|row| {
        let phc: Option<String> = row.get("password_hash")?;
        Ok((row.get("id")?, phc.map(PasswordPhc)))
    })
    .transpose()
}

/// Of `u.id, m.tenant_id, u.email, m.role`.
pub(super) fn member_from_row(row: &Row) -> Result<Member, StoreError> {
    Ok(Member {
        user: row.get("id")?,
        tenant: row.get("tenant_id")?,
        email: row.get("email")?,
        role: row.get("role")?,
    })
}

async fn tenant_of(rows: &mut Rows, email: Email) -> Result<TenantId, AccountError> {
    let row = query(
        "SELECT m.tenant_id FROM users u JOIN memberships m ON m.user_id = u.id \
         WHERE u.email = $1 AND u.disabled = 0 ORDER BY m.created_at, m.tenant_id LIMIT 1",
    )
    .bind(email.as_str())
    .fetch_optional(rows)
    .await?;
    let row = row.ok_or(AccountError::NoSuchUser(email))?;
    Ok(row.get("tenant_id")?)
}

async fn only_tenant(rows: &mut Rows) -> Result<TenantId, AccountError> {
    let tenants = query("SELECT id FROM tenants ORDER BY created_at LIMIT 2")
        .fetch_all(rows)
        .await?;
    match tenants.as_slice() {
        [] => Err(AccountError::NoTeam),
        [only] => Ok(only.get("id")?),
        [..] => Err(AccountError::SeveralTeams),
    }
}

pub(super) async fn insert_tenant(
    rows: &mut Rows,
    tenant: TenantId,
    owner: &Email,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3)")
        .bind(tenant)
        .bind(owner.as_str())
        .bind(now)
        .execute(rows)
        .await?;
    Ok(())
}

pub(super) async fn insert_user(
    rows: &mut Rows,
    user: UserId,
    email: &Email,
    phc: &PasswordPhc,
    now: Timestamp,
) -> Result<(), AccountError> {
    let inserted = query(
        "INSERT INTO users (id, email, password_hash, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(user)
    .bind(email.as_str())
    .bind(&phc.0)
    .bind(now)
    .execute(rows)
    .await?;
    if inserted == 0 {
        Err(AccountError::EmailTaken)
    } else {
        Ok(())
    }
}

pub(super) async fn insert_membership(
    rows: &mut Rows,
    tenant: TenantId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO memberships (tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)")
        .bind(tenant)
        .bind(user)
        .bind(role)
        .bind(now)
        .execute(rows)
        .await?;
    Ok(())
}
