//! Teams: who is in one, in which role, and which of several a sign-in acts for.
//!
//! Promises: a team always has an owner.

use jiff::Timestamp;

use super::accounts::{AccountError, Member, Role, insert_membership};
use super::accounts_devices::{checked_name, role_in};
use super::audit::{self, Action, Actor};
use super::sql::{Rows, composed, query};
use super::{Store, StoreError, TeamRows, TenantId, UserId};
use crate::auth::secret::TokenDigest;

/// Enough for a championship; a list that fits in one answer.
const MEMBERS_MAX: i64 = 200;
/// Teams of one person; the list of them fits in one answer.
const TEAMS_MAX: i64 = 50;

/// A person of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub user: UserId,
    pub email: String,
    pub role: Role,
    pub joined_at: Timestamp,
}

/// A team of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    pub id: TenantId,
    pub name: String,
    pub role: Role,
}

/// What a team is called.
pub async fn name(store: &Store, tenant: TenantId) -> Result<String, StoreError> {
    // The table of teams calls its own id so.
    let mut rows = store.read_across().await?;
    let row = query("SELECT name FROM tenants WHERE id = $1")
        .bind(tenant)
        .fetch_one(&mut rows)
        .await?;
    row.get("name")
}

/// The people of a team, in the order they joined.
pub async fn people(store: &Store, tenant: TenantId) -> Result<Vec<Person>, StoreError> {
    let mut rows = store.read(tenant).await?;
    let found = rows
        .query(
            "SELECT u.id, u.email, m.role, m.created_at FROM memberships m JOIN users u ON u.id = m.user_id \
             WHERE m.tenant_id = $1 ORDER BY m.created_at, u.id",
        )
        .fetch_all()
        .await?;
    found
        .iter()
        .map(|row| {
            Ok(Person {
                user: row.get("id")?,
                email: row.get("email")?,
                role: row.get("role")?,
                joined_at: row.get("created_at")?,
            })
        })
        .collect()
}

/// The teams of a person, in the order they joined.
pub async fn of_user(store: &Store, user: UserId) -> Result<Vec<Team>, StoreError> {
    let mut rows = store.read_across().await?;
    let found = query(
        "SELECT t.id, t.name, m.role FROM memberships m JOIN tenants t ON t.id = m.tenant_id \
         WHERE m.user_id = $1 ORDER BY m.created_at, t.id",
    )
    .bind(user)
    .fetch_all(&mut rows)
    .await?;
    found
        .iter()
        .map(|row| {
            Ok(Team {
                id: row.get("id")?,
                name: row.get("name")?,
                role: row.get("role")?,
            })
        })
        .collect()
}

pub async fn rename(store: &Store, member: &Member, name: &str) -> Result<(), AccountError> {
    let name = checked_name(name)?;
    let (tenant, now) = (member.tenant, store.now());
    let by = Actor::Person(member.email.clone());
    store
        .write_across(move |rows| {
            Box::pin(async move {
                query("UPDATE tenants SET name = $1 WHERE id = $2")
                    .bind(&name)
                    .bind(tenant)
                    .execute(rows)
                    .await?;
                let mut team = TeamRows::of(rows, tenant);
                audit::note(&mut team, &by, Action::TeamRenamed, tenant, &name, now).await?;
                Ok(())
            })
        })
        .await
}

/// Lets the sign-in of this cookie act for another team of its person.
pub async fn act_for(
    store: &Store,
    cookie: TokenDigest,
    user: UserId,
    team: TenantId,
) -> Result<(), AccountError> {
    store
        .write_across(move |rows| {
            Box::pin(async move {
                role_in(rows, team, user).await?.ok_or(AccountError::NoSuchTeam)?;
                query("UPDATE web_sessions SET acting_tenant = $1 WHERE id = $2 AND user_id = $3")
                    .bind(team)
                    .bind(cookie.as_str())
                    .bind(user)
                    .execute(rows)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Gives somebody of the member's team another role.
pub async fn change_role(
    store: &Store,
    member: &Member,
    whom: UserId,
    role: Role,
) -> Result<(), AccountError> {
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let email = email_of(&mut rows, whom).await?;
                rows.query("UPDATE memberships SET role = $2 WHERE tenant_id = $1 AND user_id = $3")
                    .bind(role)
                    .bind(whom)
                    .execute()
                    .await?;
                still_owned(&mut rows).await?;
                audit::note(&mut rows, &by, Action::RoleChanged, email, role.as_str(), now).await?;
                Ok(())
            })
        })
        .await
}

/// Takes somebody out of the member's team, perhaps themselves. Their account and what they sent stay.
pub async fn remove(store: &Store, member: &Member, whom: UserId) -> Result<(), AccountError> {
    let (by, now) = (Actor::Person(member.email.clone()), store.now());
    store
        .write(member.tenant, move |mut rows| {
            Box::pin(async move {
                let email = email_of(&mut rows, whom).await?;
                rows.query("DELETE FROM memberships WHERE tenant_id = $1 AND user_id = $2")
                    .bind(whom)
                    .execute()
                    .await?;
                // Or they would work again, should the person ever come back.
                rows.query("DELETE FROM api_tokens WHERE tenant_id = $1 AND user_id = $2")
                    .bind(whom)
                    .execute()
                    .await?;
                still_owned(&mut rows).await?;
                audit::note(&mut rows, &by, Action::MemberRemoved, email, "", now).await?;
                Ok(())
            })
        })
        .await
}

async fn email_of(rows: &mut TeamRows<'_>, user: UserId) -> Result<String, AccountError> {
    let row = rows
        .query(
            "SELECT u.email FROM memberships m JOIN users u ON u.id = m.user_id \
             WHERE m.tenant_id = $1 AND m.user_id = $2",
        )
        .bind(user)
        .fetch_optional()
        .await?;
    Ok(row.ok_or(AccountError::NoSuchMember)?.get("email")?)
}

/// Undoes a change after which nobody would own the team: asked after it, in its transaction.
async fn still_owned(rows: &mut TeamRows<'_>) -> Result<(), AccountError> {
    let owners = rows
        .query(
            "SELECT COUNT(*) AS n FROM memberships m JOIN users u ON u.id = m.user_id \
             WHERE m.tenant_id = $1 AND m.role = 'owner' AND u.disabled = 0",
        )
        .fetch_one()
        .await?;
    if owners.get::<i64>("n")? == 0 {
        return Err(AccountError::LastOwner);
    }
    Ok(())
}

/// Makes `user` one of the team.
pub(super) async fn join(
    rows: &mut Rows,
    team: TenantId,
    user: UserId,
    role: Role,
    now: Timestamp,
) -> Result<(), AccountError> {
    if role_in(rows, team, user).await?.is_some() {
        return Err(AccountError::AlreadyMember);
    }
    bounded(
        rows,
        "tenant_id",
        team.to_string(),
        "people in the team",
        MEMBERS_MAX,
    )
    .await?;
    bounded(
        rows,
        "user_id",
        user.to_string(),
        "teams of this person",
        TEAMS_MAX,
    )
    .await?;
    insert_membership(rows, team, user, role, now).await?;
    Ok(())
}

async fn bounded(
    rows: &mut Rows,
    column: &str,
    id: String,
    what: &'static str,
    most: i64,
) -> Result<(), AccountError> {
    let counted = composed(format!(
        "SELECT COUNT(*) AS n FROM memberships WHERE {column} = $1"
    ))
    .bind(id)
    .fetch_one(rows)
    .await?;
    if counted.get::<i64>("n")? >= most {
        return Err(AccountError::TooMany { what, most });
    }
    Ok(())
}
