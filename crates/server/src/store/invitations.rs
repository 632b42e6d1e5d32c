//! Invitations: an owner names an address and a role, whoever holds the link and that account joins, once.
//!
//! The token of the link arrives here as its digest.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::accounts::{AccountError, Email, Member, Role, insert_user};
use super::accounts_entry::insert_sign_in;
use super::audit::{self, Action, Actor};
use super::ids::InvitationId;
use super::sql::{Row, Rows, query};
use super::{Store, StoreError, TeamRows, TenantId, UserId, teams};
use crate::auth::password::PasswordPhc;
use crate::auth::secret::TokenDigest;
use crate::clock::after;

/// Over a weekend, and until somebody reads their mail.
pub const INVITATION_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// That wait in one team.
const WAITING_MAX: i64 = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub id: InvitationId,
    pub email: String,
    pub role: Role,
    pub expires_at: Timestamp,
}

/// What whoever holds the link is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    pub team: TenantId,
    pub team_name: String,
    pub email: String,
    pub role: Role,
    /// The address of the owner who made it.
    pub invited_by: String,
    /// The account of that address, if there is one.
    pub user: Option<UserId>,
}

/// Invites an address into the member's team; an invitation of the same address before is replaced.
pub async fn add(
    store: &Store,
    member: &Member,
    email: Email,
    role: Role,
    token: TokenDigest,
) -> Result<Invitation, AccountError> {
    let (inviter, now) = (member.clone(), store.now());
    let invitation = Invitation {
        id: InvitationId(store.new_id()),
        email: email.as_str().to_owned(),
        role,
        expires_at: after(
            now,
            SignedDuration::try_from(INVITATION_LIFE).unwrap_or(SignedDuration::ZERO),
        ),
    };
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                make_room(&mut rows, &invitation.email, now).await?;
                insert(&mut rows, &invitation, &token, inviter.user, now).await?;
                let by = Actor::Person(inviter.email);
                audit::note(
                    &mut rows,
                    &by,
                    Action::MemberInvited,
                    &invitation.email,
                    role.as_str(),
                    now,
                )
                .await?;
                Ok(invitation)
            })
        })
        .await
}

/// Drops what is over and what the new one replaces; refuses an address that is in the team, and one too many.
async fn make_room(rows: &mut TeamRows<'_>, email: &str, now: Timestamp) -> Result<(), AccountError> {
    let known = rows
        .query(
            "SELECT u.id FROM memberships m JOIN users u ON u.id = m.user_id \
             WHERE m.tenant_id = $1 AND u.email = $2",
        )
        .bind(email)
        .fetch_optional()
        .await?;
    if known.is_some() {
        return Err(AccountError::AlreadyMember);
    }
    rows.query("DELETE FROM invitations WHERE tenant_id = $1 AND (email = $2 OR expires_at <= $3)")
        .bind(email)
        .bind(now)
        .execute()
        .await?;
    let waiting = rows
        .query("SELECT COUNT(*) AS n FROM invitations WHERE tenant_id = $1")
        .fetch_one()
        .await?;
    if waiting.get::<i64>("n")? >= WAITING_MAX {
        return Err(AccountError::TooMany {
            what: "invitations that wait",
            most: WAITING_MAX,
        });
    }
    Ok(())
}

async fn insert(
    rows: &mut TeamRows<'_>,
    invitation: &Invitation,
    token: &TokenDigest,
    inviter: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    rows.query(
        "INSERT INTO invitations (tenant_id, id, email, role, token_sha256, created_by, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(invitation.id)
    .bind(&invitation.email)
    .bind(invitation.role)
    .bind(token.as_str())
    .bind(inviter)
    .bind(now)
    .bind(invitation.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Those of a team that still work, oldest first.
pub async fn waiting(store: &Store, tenant: TenantId) -> Result<Vec<Invitation>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT id, email, role, expires_at FROM invitations \
             WHERE tenant_id = $1 AND expires_at > $2 ORDER BY created_at, id",
        )
        .bind(store.now())
        .fetch_all()
        .await?;
    found.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<Invitation, StoreError> {
    Ok(Invitation {
        id: row.get("id")?,
        email: row.get("email")?,
        role: row.get("role")?,
        expires_at: row.get("expires_at")?,
    })
}

/// Takes an invitation back: its link stops working.
pub async fn withdraw(store: &Store, member: &Member, id: InvitationId) -> Result<(), AccountError> {
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let gone = rows
                    .query("DELETE FROM invitations WHERE tenant_id = $1 AND id = $2 RETURNING email")
                    .bind(id)
                    .fetch_optional()
                    .await?;
                let email: String = gone.ok_or(AccountError::NoSuchInvitation)?.get("email")?;
                audit::note(&mut rows, &by, Action::InvitationWithdrawn, email, "", now).await?;
                Ok(())
            })
        })
        .await
}

/// What the link of this token invites to.
pub async fn open(store: &Store, token: &TokenDigest) -> Result<Opened, AccountError> {
    let mut rows = store.read_across().await?;
    find(&mut rows, token, store.now()).await
}

async fn find(rows: &mut Rows, token: &TokenDigest, now: Timestamp) -> Result<Opened, AccountError> {
    let row = query(
        "SELECT i.tenant_id, t.name, i.email, i.role, o.email AS invited_by, u.id AS user_id FROM invitations i \
         JOIN tenants t ON t.id = i.tenant_id JOIN users o ON o.id = i.created_by \
         LEFT JOIN users u ON u.email = i.email \
         WHERE i.token_sha256 = $1 AND i.expires_at > $2",
    )
    .bind(token.as_str())
    .bind(now)
    .fetch_optional(rows)
    .await?;
    let row = row.ok_or(AccountError::InvitationInvalid)?;
    Ok(Opened {
        team: row.get("tenant_id")?,
        team_name: row.get("name")?,
        email: row.get("email")?,
        role: row.get("role")?,
        invited_by: row.get("invited_by")?,
        user: row.get("user_id")?,
    })
}

/// Who joins.
pub enum Joining {
    /// The invited address has this account, and who asks has proved to be it.
    Account(UserId),
    /// The invited address has none yet.
    New(PasswordPhc),
}

/// Uses the invitation up: its person is in the team, and signed in under `cookie`, acting for it.
pub async fn accept(
    store: &Store,
    token: TokenDigest,
    joining: Joining,
    cookie: TokenDigest,
) -> Result<Member, AccountError> {
    let (fresh, now) = (UserId(store.new_id()), store.now());
    store
        .write_across(move |rows| {
            Box::pin(async move {
                let opened = find(rows, &token, now).await?;
                let user = match joining {
                    Joining::Account(user) if opened.user == Some(user) => user,
                    Joining::Account(_) => return Err(AccountError::InvitationInvalid),
                    Joining::New(phc) => {
                        insert_user(rows, fresh, &opened.email.parse()?, &phc, now).await?;
                        fresh
                    }
                };
                query("DELETE FROM invitations WHERE token_sha256 = $1")
                    .bind(token.as_str())
                    .execute(rows)
                    .await?;
                teams::join(rows, opened.team, user, opened.role, now).await?;
                insert_sign_in(rows, user, &cookie, Some(opened.team), now).await?;
                let by = Actor::Person(opened.email.clone());
                let mut team = TeamRows::of(rows, opened.team);
                audit::note(
                    &mut team,
                    &by,
                    Action::MemberJoined,
                    &opened.email,
                    opened.role.as_str(),
                    now,
                )
                .await?;
                Ok(Member {
                    user,
                    tenant: opened.team,
                    email: opened.email,
                    role: opened.role,
                })
            })
        })
        .await
}
